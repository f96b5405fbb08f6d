//! Kubernetes protobuf: objects in the `k8s\0` envelope, read and written by the catalogue's field
//! numbers.
//! k8s: staging/src/k8s.io/apimachinery/pkg/runtime/serializer/protobuf/protobuf.go

mod decode;
mod wire;

pub use decode::{ProtoError, message};
pub use wire::WireError;

use alloc::string::String;
use wire::{Payload, Reader};

/// What every encoded object begins with.
pub const MAGIC: &[u8] = b"k8s\0";

/// runtime.Unknown: what an object says it is, and its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Envelope<'a> {
    pub api_version: String,
    pub kind: String,
    pub raw: &'a [u8],
}

impl<'a> Envelope<'a> {
    /// Takes an encoded object out of its envelope.
    pub fn open(bytes: &'a [u8]) -> Result<Self, WireError> {
        let body = bytes.strip_prefix(MAGIC).ok_or(WireError::NoEnvelope)?;
        let mut out = Self::default();
        let mut reader = Reader::new(body);
        while let Some((number, payload)) = reader.field()? {
            match (number, payload) {
                (1, Payload::Bytes(type_meta)) => out.read_type_meta(type_meta)?,
                (2, Payload::Bytes(raw)) => out.raw = raw,
                (_, Payload::Bytes(_) | Payload::Varint(_) | Payload::Fixed64(_) | Payload::Fixed32(_)) => {}
            }
        }
        Ok(out)
    }

    fn read_type_meta(&mut self, bytes: &[u8]) -> Result<(), WireError> {
        let mut reader = Reader::new(bytes);
        while let Some((number, payload)) = reader.field()? {
            match (number, payload) {
                (1, Payload::Bytes(text)) => self.api_version = wire::text(text)?.into(),
                (2, Payload::Bytes(text)) => self.kind = wire::text(text)?.into(),
                (_, Payload::Bytes(_) | Payload::Varint(_) | Payload::Fixed64(_) | Payload::Fixed32(_)) => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{base64, json};
    use crate::schema::{catalogue, decode, encode};
    use crate::value::{Value, object};
    use std::string::ToString;
    use std::vec::Vec;

    /// For each kind an object with every field set, as JSON and as upstream's protobuf bytes.
    const AS_JSON: &str = include_str!("../../tests/data/every-field.jsonl");
    const AS_PROTOBUF: &str = include_str!("../../tests/data/every-field.protobuf");

    #[test]
    fn every_kind_is_read_as_its_json_says() {
        let catalogue = catalogue();
        let mut wrong = Vec::new();
        for (text, encoded) in
            AS_JSON.lines().zip(AS_PROTOBUF.lines()).filter(|(_, encoded)| !encoded.is_empty())
        {
            let wanted = json::parse(text.as_bytes()).expect("test data is JSON").value;
            let bytes = base64::decode(encoded).expect("test data is base64");
            let envelope = Envelope::open(&bytes).expect("test data has envelopes");
            assert_eq!(envelope.kind, object::kind(&wanted));
            let kind = (object::api_version(&wanted), object::kind(&wanted));
            let found = catalogue.iter().find(|(_, def)| {
                def.kind.as_ref().is_some_and(|(group, version, kind)| {
                    let api_version = if group.is_empty() {
                        version.to_string()
                    } else {
                        std::format!("{group}/{version}")
                    };
                    (api_version.as_str(), kind) == (object::api_version(&wanted), object::kind(&wanted))
                })
            });
            let Some((type_id, _)) = found else { continue };
            let mut value = message(&catalogue, type_id, envelope.raw).expect("test data is protobuf");
            object::set_api_version_and_kind(&mut value, kind.0, kind.1);
            let value = decode::normalize(&catalogue, type_id, value).expect("what was read is of its type");
            let raws = catalogue.raw_paths(type_id);
            let wanted = json::parse_exact(text.as_bytes(), raws).expect("test data is JSON").value;
            let wanted = decode::normalize(&catalogue, type_id, wanted).expect("test data is of its type");
            if value != wanted {
                wrong.push(kind.1.to_string());
            }
        }
        assert!(wrong.is_empty(), "kinds that differ: {wrong:?}");
    }

    #[test]
    fn raw_json_keeps_its_bytes() {
        let catalogue = catalogue();
        let revision = catalogue.type_named("apps.v1.ControllerRevision").expect("there are revisions");
        let raw = r#"{"b":1.0,"a":12345678901234567890123}"#;
        let short = |len: usize| u8::try_from(len).expect("a short text");
        let mut bytes = std::vec![0x12, short(raw.len() + 2), 0x0a, short(raw.len())];
        bytes.extend_from_slice(raw.as_bytes());
        let value = message(&catalogue, revision, &bytes).expect("a revision");
        let value = decode::normalize(&catalogue, revision, value).expect("what was read is of its type");
        let mut out = Vec::new();
        encode::to_json(&catalogue, revision, &value, &mut out);
        let out = std::string::String::from_utf8(out).expect("JSON is text");
        assert!(out.contains(raw), "{out}");
    }

    #[test]
    fn broken_bytes_are_refused_without_a_panic() {
        let catalogue = catalogue();
        let pod = catalogue.type_named("core.v1.Pod").expect("there are pods");
        for encoded in AS_PROTOBUF.lines().take(20) {
            let bytes = base64::decode(encoded).expect("test data is base64");
            for end in 0..bytes.len() {
                let _: Result<Envelope<'_>, WireError> = Envelope::open(&bytes[..end]);
                let _: Result<Value, ProtoError> = message(&catalogue, pod, &bytes[end..]);
            }
        }
    }
}

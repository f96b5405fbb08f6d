//! Kubernetes protobuf: objects in the `k8s\0` envelope, read and written by the catalogue's field
//! numbers.
//! k8s: staging/src/k8s.io/apimachinery/pkg/runtime/serializer/protobuf/protobuf.go

mod wire;

pub use wire::WireError;
pub(crate) use wire::{Payload, Reader, text};

use alloc::string::String;

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

//! From protobuf bytes to a value of a catalogue type.

use crate::codec::proto::{Payload, Reader, WireError, text};
use crate::codec::{base64, json};
use crate::limits;
use crate::now::Wall;
use crate::schema::{Catalogue, Field, Shape, TypeDef, TypeId, encode};
use crate::value::{Finite, Map, Text, Value};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Why bytes are no message of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProtoError {
    Wire(WireError),
    /// A field has another wire type than its own.
    WrongType {
        type_name: Text,
        field: Text,
    },
    /// A member that holds JSON holds something else.
    BadJson(String),
    /// Nested deeper than `limits::JSON_DEPTH`.
    TooDeep,
}

impl From<WireError> for ProtoError {
    fn from(error: WireError) -> Self {
        Self::Wire(error)
    }
}

impl core::fmt::Display for ProtoError {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Wire(error) => out.write_str(error.text()),
            Self::WrongType { type_name, field } => {
                write!(out, "proto: wrong wireType for field {field} of {type_name}")
            }
            Self::BadJson(why) => out.write_str(why),
            Self::TooDeep => out.write_str("proto: nested too deeply"),
        }
    }
}

/// Reads a message of a type. Fields that the type does not know are skipped.
pub fn message(catalogue: &Catalogue, type_id: TypeId, bytes: &[u8]) -> Result<Value, ProtoError> {
    Decoder { catalogue }.message(type_id, bytes, 0)
}

#[derive(Clone, Copy)]
struct Decoder<'c> {
    catalogue: &'c Catalogue,
}

impl<'c> Decoder<'c> {
    fn message(&self, id: TypeId, bytes: &[u8], depth: usize) -> Result<Value, ProtoError> {
        self.message_into(id, bytes, Map::new(), depth)
    }

    /// A message that comes again adds to what it said before, as in Go's generated code.
    fn message_into(
        &self,
        id: TypeId,
        bytes: &[u8],
        mut out: Map,
        depth: usize,
    ) -> Result<Value, ProtoError> {
        if depth > limits::JSON_DEPTH {
            return Err(ProtoError::TooDeep);
        }
        let def = self.catalogue.get(id);
        let mut reader = Reader::new(bytes);
        while let Some((number, payload)) = reader.field()? {
            let Some(field) = def.fields.iter().find(|field| u32::from(field.tag.0) == number) else {
                continue;
            };
            if field.tag.1 != 0 {
                self.inlined(def, number, payload, &mut out, depth)?;
            } else {
                self.field(def, field, payload, &mut out, depth)?;
            }
        }
        Ok(out.into())
    }

    /// The members of an embedded struct, which JSON has beside those of the struct around it.
    fn inlined(
        &self,
        def: &'c TypeDef,
        outer: u32,
        payload: Payload<'_>,
        out: &mut Map,
        depth: usize,
    ) -> Result<(), ProtoError> {
        let Payload::Bytes(bytes) = payload else {
            return Err(ProtoError::WrongType { type_name: def.name.clone(), field: Text::default() });
        };
        if let Some(embedded) = self.embedded_type(def, outer) {
            // The embedded struct embeds another: its own type knows where that lies.
            if let Value::Map(members) = self.message(embedded, bytes, depth + 1)? {
                for (key, value) in members.iter() {
                    out.insert(key.clone(), value.clone());
                }
            }
            return Ok(());
        }
        let mut reader = Reader::new(bytes);
        while let Some((number, payload)) = reader.field()? {
            let tag = |field: &&Field| (u32::from(field.tag.0), u32::from(field.tag.1)) == (outer, number);
            if let Some(field) = def.fields.iter().find(tag) {
                self.field(def, field, payload, out, depth)?;
            }
        }
        Ok(())
    }

    /// The type of the struct embedded at a number, where that embeds a struct in turn.
    fn embedded_type(&self, def: &TypeDef, outer: u32) -> Option<TypeId> {
        let mut fields = def.fields.iter().filter(|field| u32::from(field.tag.0) == outer);
        let (embedded, _) = fields.find_map(|field| field.inline?.split_once('.'))?;
        let package = def.name.strip_suffix(def.go_name())?;
        let same_package = self.catalogue.type_named(&alloc::format!("{package}{embedded}"));
        // Versions that are not served embed the struct of the served one.
        same_package
            .or_else(|| self.catalogue.iter().find(|(_, def)| def.go_name() == embedded).map(|(id, _)| id))
    }

    fn field(
        &self,
        def: &'c TypeDef,
        field: &'c Field,
        payload: Payload<'_>,
        out: &mut Map,
        depth: usize,
    ) -> Result<(), ProtoError> {
        let wrong = || ProtoError::WrongType { type_name: def.name.clone(), field: field.name.clone() };
        if def.is_schema_union(&field.name) {
            return self.schema_union(def, &field.name, payload, out, depth);
        }
        match &field.shape {
            Shape::List(item) => {
                if out.get(&field.name).and_then(Value::as_list).is_none() {
                    out.insert(field.name.clone(), Value::list(Vec::new()));
                }
                if let Some(items) = out.get_mut(&field.name).and_then(Value::as_list_mut) {
                    self.items(item, payload, depth, items).map_err(|error| error.or(wrong()))?;
                }
            }
            Shape::Map(item) => {
                if out.get(&field.name).and_then(Value::as_map).is_none() {
                    out.insert(field.name.clone(), Value::empty_map());
                }
                let Payload::Bytes(entry) = payload else { return Err(wrong()) };
                let (key, value) = self.entry(item, entry, depth)?;
                if let Some(map) = out.get_mut(&field.name).and_then(Value::as_map_mut) {
                    map.insert(key, value);
                }
            }
            Shape::Struct(id) => {
                let Payload::Bytes(bytes) = payload else { return Err(wrong()) };
                let held = match out.get_mut(&field.name).map(core::mem::take) {
                    Some(Value::Map(held)) => Arc::unwrap_or_clone(held),
                    Some(_) | None => Map::new(),
                };
                let value = self.message_into(*id, bytes, held, depth + 1)?;
                out.insert(field.name.clone(), value);
            }
            shape => {
                let value = self.value(shape, payload, depth).map_err(|error| error.or(wrong()))?;
                let value = if field.is_field_set() {
                    encode::field_set(value)
                } else if *shape == Shape::Any && def.reads_json() {
                    json::plain(&value)
                } else {
                    value
                };
                out.insert(field.name.clone(), value);
            }
        }
        Ok(())
    }

    /// One occurrence of a repeated field: one item, or many packed numbers.
    fn items(
        &self,
        item: &Shape,
        payload: Payload<'_>,
        depth: usize,
        items: &mut Vec<Value>,
    ) -> Result<(), ProtoError> {
        match (item, payload) {
            (Shape::Int32 | Shape::Int64 | Shape::Bool, Payload::Bytes(packed)) => {
                let mut reader = Reader::new(packed);
                while !reader.is_empty() {
                    items.push(self.value(item, Payload::Varint(reader.varint()?), depth)?);
                }
            }
            (item, payload) => items.push(self.value(item, payload, depth)?),
        }
        Ok(())
    }

    /// A map's entry: a message of key and value.
    fn entry(&self, shape: &Shape, bytes: &[u8], depth: usize) -> Result<(Text, Value), ProtoError> {
        let mut key = Text::default();
        let mut value = None;
        let mut reader = Reader::new(bytes);
        while let Some((number, payload)) = reader.field()? {
            match (number, payload) {
                (1, Payload::Bytes(bytes)) => key = text(bytes)?.into(),
                (2, payload) => value = Some(self.entry_value(shape, payload, depth)?),
                _ => {}
            }
        }
        let absent = || match shape {
            Shape::String | Shape::Bytes => "".into(),
            Shape::Quantity => "0".into(),
            _ => Value::Null,
        };
        Ok((key, value.unwrap_or_else(absent)))
    }

    /// Lists as map values travel in a message of their own, with one repeated field (`ExtraValue`).
    fn entry_value(&self, shape: &Shape, payload: Payload<'_>, depth: usize) -> Result<Value, ProtoError> {
        let (Shape::List(item), Payload::Bytes(bytes)) = (shape, payload) else {
            return self.value(shape, payload, depth);
        };
        let mut items = Vec::new();
        let mut reader = Reader::new(bytes);
        while let Some((number, payload)) = reader.field()? {
            if number == 1 {
                self.items(item, payload, depth, &mut items)?;
            }
        }
        Ok(items.into())
    }

    fn value(&self, shape: &Shape, payload: Payload<'_>, depth: usize) -> Result<Value, ProtoError> {
        Ok(match (shape, payload) {
            (Shape::String | Shape::Duration, Payload::Bytes(bytes)) => text(bytes)?.into(),
            (Shape::Int32, Payload::Varint(number)) => Value::Int(i64::from(number as i32)),
            (Shape::Int64, Payload::Varint(number)) => Value::Int(number as i64),
            (Shape::Bool, Payload::Varint(number)) => Value::Bool(number != 0),
            (Shape::Double, Payload::Fixed64(bits)) => {
                Finite::new(f64::from_bits(bits)).map_or(Value::Null, Value::Float)
            }
            (Shape::Bytes, Payload::Bytes(bytes)) => base64::encode(bytes).into(),
            (Shape::Quantity, Payload::Bytes(bytes)) => self.quantity(bytes)?,
            (Shape::IntOrString, Payload::Bytes(bytes)) => self.int_or_string(bytes)?,
            (Shape::Time, Payload::Bytes(bytes)) => {
                self.time(bytes)?.map_or(Value::Null, |time| time.rfc3339().into())
            }
            (Shape::MicroTime, Payload::Bytes(bytes)) => {
                self.time(bytes)?.map_or(Value::Null, |time| time.rfc3339_micro().into())
            }
            (Shape::Any, Payload::Bytes(bytes)) => self.any(bytes)?,
            (Shape::Struct(id), Payload::Bytes(bytes)) => self.message(*id, bytes, depth + 1)?,
            (Shape::List(_) | Shape::Map(_) | Shape::Custom(_), _) | (_, _) => {
                return Err(ProtoError::WrongType { type_name: Text::default(), field: Text::default() });
            }
        })
    }

    fn quantity(&self, bytes: &[u8]) -> Result<Value, ProtoError> {
        let mut out = Value::from("0");
        let mut reader = Reader::new(bytes);
        while let Some((number, payload)) = reader.field()? {
            if let (1, Payload::Bytes(bytes)) = (number, payload) {
                out = text(bytes)?.into();
            }
        }
        Ok(out)
    }

    fn int_or_string(&self, bytes: &[u8]) -> Result<Value, ProtoError> {
        let (mut is_text, mut number_value, mut text_value) = (false, 0_i64, Text::default());
        let mut reader = Reader::new(bytes);
        while let Some((number, payload)) = reader.field()? {
            match (number, payload) {
                (1, Payload::Varint(kind)) => is_text = kind == 1,
                (2, Payload::Varint(number)) => number_value = i64::from(number as i32),
                (3, Payload::Bytes(bytes)) => text_value = text(bytes)?.into(),
                _ => {}
            }
        }
        Ok(if is_text { Value::Str(text_value) } else { Value::Int(number_value) })
    }

    /// None is the zero time, which JSON writes as null.
    fn time(&self, bytes: &[u8]) -> Result<Option<Wall>, ProtoError> {
        let (mut seconds, mut nanos) = (0_i64, 0_i64);
        let mut reader = Reader::new(bytes);
        while let Some((number, payload)) = reader.field()? {
            match (number, payload) {
                (1, Payload::Varint(number)) => seconds = number as i64,
                (2, Payload::Varint(number)) => nanos = i64::from(number as i32),
                _ => {}
            }
        }
        // Go's zero time: year 1.
        const ZERO_SECONDS: i64 = -62_135_596_800;
        let unset = bytes.is_empty() || seconds == ZERO_SECONDS;
        Ok((!unset).then(|| Wall(seconds.saturating_mul(1_000_000).saturating_add(nanos / 1000))))
    }

    /// RawExtension, FieldsV1, apiextensions JSON: a message that holds JSON text, which is kept to the byte.
    fn any(&self, bytes: &[u8]) -> Result<Value, ProtoError> {
        let mut out = Value::Null;
        let mut reader = Reader::new(bytes);
        while let Some((number, payload)) = reader.field()? {
            if let (1, Payload::Bytes(bytes)) = (number, payload) {
                out = json::kept(bytes).map_err(|error| ProtoError::BadJson(error.0))?;
            }
        }
        Ok(out)
    }

    /// JSONSchemaPropsOrBool, -OrArray and (in a map) -OrStringArray: a schema, or something else.
    fn schema_union(
        &self,
        def: &'c TypeDef,
        field: &str,
        payload: Payload<'_>,
        out: &mut Map,
        depth: usize,
    ) -> Result<(), ProtoError> {
        let Payload::Bytes(bytes) = payload else {
            return Err(ProtoError::WrongType { type_name: def.name.clone(), field: field.into() });
        };
        let schema_id = self.catalogue.type_named(&def.name).ok_or(ProtoError::TooDeep)?;
        if field != "dependencies" {
            let union = if field == "items" { Union::Schemas } else { Union::Truth };
            let value = self.schema_or(schema_id, bytes, union, depth)?;
            out.insert(field, value);
            return Ok(());
        }
        let mut key = Text::default();
        let mut value = Value::Null;
        let mut reader = Reader::new(bytes);
        while let Some((number, payload)) = reader.field()? {
            match (number, payload) {
                (1, Payload::Bytes(bytes)) => key = text(bytes)?.into(),
                (2, Payload::Bytes(bytes)) => {
                    value = self.schema_or(schema_id, bytes, Union::Texts, depth)?
                }
                _ => {}
            }
        }
        if out.get(field).and_then(Value::as_map).is_none() {
            out.insert(field, Value::empty_map());
        }
        if let Some(map) = out.get_mut(field).and_then(Value::as_map_mut) {
            map.insert(key, value);
        }
        Ok(())
    }

    fn schema_or(&self, id: TypeId, bytes: &[u8], union: Union, depth: usize) -> Result<Value, ProtoError> {
        let mut items: Vec<Value> = Vec::new();
        let mut schema = None;
        let mut allows = false;
        let mut reader = Reader::new(bytes);
        while let Some((number, payload)) = reader.field()? {
            match (union, number, payload) {
                (Union::Schemas | Union::Texts, 1, Payload::Bytes(bytes))
                | (Union::Truth, 2, Payload::Bytes(bytes)) => {
                    schema = Some(self.message(id, bytes, depth + 1)?);
                }
                (Union::Schemas, 2, Payload::Bytes(bytes)) => {
                    items.push(self.message(id, bytes, depth + 1)?)
                }
                (Union::Texts, 2, Payload::Bytes(bytes)) => items.push(text(bytes)?.into()),
                (Union::Truth, 1, Payload::Varint(truth)) => allows = truth != 0,
                _ => {}
            }
        }
        Ok(match (schema, union) {
            (Some(schema), _) => schema,
            (None, Union::Schemas | Union::Texts) => items.into(),
            (None, Union::Truth) => allows.into(),
        })
    }
}

/// What may stand in the place of a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Union {
    /// A list of schemas.
    Schemas,
    /// A list of names.
    Texts,
    Truth,
}

impl ProtoError {
    /// Names the field of a wrong wire type that was found below it.
    fn or(self, named: Self) -> Self {
        match self {
            Self::WrongType { ref type_name, .. } if type_name.is_empty() => named,
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::proto::Envelope;
    use crate::schema::{catalogue, decode, encode};
    use crate::value::object;
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
                    api_version == object::api_version(&wanted) && kind == object::kind(&wanted)
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

//! From the tree that a strategic merge leaves to one that the decoder takes: numbers become those of their fields,
//! and what cannot be converted is refused, as upstream's converter does it, which is not as its JSON decoder does.
//! k8s: staging/src/k8s.io/apimachinery/pkg/runtime/converter.go

use super::scalar::{self, Fault};
use super::{Catalogue, Shape, TypeDef, TypeId};
use crate::codec::{base64, json};
use crate::value::{Finite, Map, Value};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The tree in the numbers of its type. What is shared with `before`, a value of the type, is not looked at.
pub fn from_unstructured(
    catalogue: &Catalogue,
    root: TypeId,
    value: Value,
    before: &Value,
) -> Result<Value, String> {
    let converted = Converter { catalogue }.value(&Shape::Struct(root), None, &value, Some(before))?;
    Ok(converted.unwrap_or(value))
}

struct Converter<'c> {
    catalogue: &'c Catalogue,
}

/// None where nothing changes.
type Converted = Result<Option<Value>, String>;

impl Converter<'_> {
    /// Recursion is as deep as the patch, which its parser bounds.
    fn value(
        &self,
        shape: &Shape,
        go_type: Option<&'static str>,
        value: &Value,
        before: Option<&Value>,
    ) -> Converted {
        if value.is_null() || before.is_some_and(|before| value.is_same(before)) {
            return Ok(None);
        }
        match shape {
            Shape::String => text(value, go_type.unwrap_or("string")),
            Shape::Bool if value.as_bool().is_some() => Ok(None),
            Shape::Bool => Err("unrecognized type: bool".into()),
            Shape::Int32 => int32(value),
            Shape::Int64 => whole(value, "int64").map(|number| Some(Value::Int(number))),
            Shape::Double => match value {
                Value::Int(_) | Value::Float(_) => Ok(None),
                Value::Null
                | Value::Bool(_)
                | Value::Str(_)
                | Value::List(_)
                | Value::Map(_)
                | Value::Json(_) => Err("unrecognized type: float64".into()),
            },
            Shape::Bytes => bytes(value),
            Shape::Quantity => decoded(scalar::quantity(value)),
            Shape::IntOrString => decoded(scalar::int_or_string(reread(value))),
            Shape::Time => decoded(scalar::time(value.clone())),
            Shape::MicroTime => decoded(scalar::micro_time(value.clone())),
            Shape::Duration | Shape::Any | Shape::Custom(_) => Ok(None),
            Shape::Struct(id) => match value {
                Value::Map(map) => self.object(self.catalogue.get(*id), map, before),
                Value::Null
                | Value::Bool(_)
                | Value::Int(_)
                | Value::Float(_)
                | Value::Str(_)
                | Value::List(_)
                | Value::Json(_) => Err(format!("cannot restore struct from: {}", go_kind(value))),
            },
            Shape::List(inner) => match value {
                Value::List(items) => {
                    let go_type = go_type.map(|name| name.strip_prefix("[]").unwrap_or(name));
                    let mut changed: Option<Vec<Value>> = None;
                    for (at, item) in items.iter().enumerate() {
                        if let Some(converted) = self.value(inner, go_type, item, None)? {
                            changed.get_or_insert_with(|| items.to_vec())[at] = converted;
                        }
                    }
                    Ok(changed.map(Value::list))
                }
                Value::Null
                | Value::Bool(_)
                | Value::Int(_)
                | Value::Float(_)
                | Value::Str(_)
                | Value::Map(_)
                | Value::Json(_) => Err(format!("cannot restore slice from {}", go_kind(value))),
            },
            Shape::Map(inner) => match value {
                Value::Map(map) => {
                    let mut changed: Option<Map> = None;
                    for (key, member) in map.iter() {
                        let before = before.and_then(|before| before.field(key));
                        if let Some(converted) = self.value(inner, None, member, before)? {
                            changed.get_or_insert_with(|| (**map).clone()).insert(key.clone(), converted);
                        }
                    }
                    Ok(changed.map(Value::map))
                }
                Value::Null
                | Value::Bool(_)
                | Value::Int(_)
                | Value::Float(_)
                | Value::Str(_)
                | Value::List(_)
                | Value::Json(_) => Err(format!("cannot restore map from {}", go_kind(value))),
            },
        }
    }

    /// Fields in the order of the Go struct: the first that does not fit is the one that is told.
    fn object(&self, def: &TypeDef, map: &Arc<Map>, before: Option<&Value>) -> Converted {
        let mut changed: Option<Map> = None;
        for field in &def.fields {
            let Some(member) = map.get(&field.name) else { continue };
            let before = before.and_then(|before| before.field(&field.name));
            let is_union = def.is_schema_union(&field.name);
            if is_union {
                continue;
            }
            if let Some(converted) = self.value(&field.shape, field.go_type, member, before)? {
                changed.get_or_insert_with(|| (**map).clone()).insert(field.name.clone(), converted);
            }
        }
        Ok(changed.map(Value::map))
    }
}

/// Go's word for the kind of a decoded JSON value.
fn go_kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "invalid",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int64",
        Value::Float(_) | Value::Json(_) => "float64",
        Value::Str(_) => "string",
        Value::List(_) => "slice",
        Value::Map(_) => "map",
    }
}

fn text(value: &Value, go_type: &str) -> Converted {
    match value {
        Value::Str(_) => Ok(None),
        // Go would convert a whole number to a letter, and upstream refuses that in words of its own.
        Value::Int(_) => Err(format!("cannot convert int64 to {go_type}")),
        Value::Null | Value::Bool(_) | Value::Float(_) | Value::Json(_) | Value::List(_) | Value::Map(_) => {
            Err("unrecognized type: string".into())
        }
    }
}

/// Larger numbers lose their upper bits, as a conversion in Go does.
fn int32(value: &Value) -> Converted {
    Ok(Some(Value::Int(i64::from(whole(value, "int32")? as i32))))
}

fn whole(value: &Value, go_type: &str) -> Result<i64, String> {
    match value {
        Value::Int(number) => Ok(*number),
        Value::Float(number) => {
            whole_float(*number).ok_or_else(|| format!("cannot convert float64 to {go_type}"))
        }
        Value::Null | Value::Bool(_) | Value::Str(_) | Value::List(_) | Value::Map(_) | Value::Json(_) => {
            Err(format!("unrecognized type: {go_type}"))
        }
    }
}

/// A float without a fraction as the processor converts it: what is beyond 64 bits becomes the least number.
fn whole_float(number: Finite) -> Option<i64> {
    /// 2^63, the first number beyond.
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    let number = number.to_f64();
    if !(-BEYOND..BEYOND).contains(&number) {
        return Some(i64::MIN);
    }
    let whole = number as i64;
    (whole as f64 == number).then_some(whole)
}

fn bytes(value: &Value) -> Converted {
    match value {
        Value::Str(text) => match base64::decode(text) {
            Ok(_) => Ok(None),
            Err(offset) => {
                Err(format!("error decoding from json: illegal base64 data at input byte {offset}"))
            }
        },
        Value::List(items) => {
            let byte = |item: &Value| match item {
                Value::Null => Ok(0),
                item => whole(item, "uint8").map(|number| number as u8),
            };
            let bytes = items.iter().map(byte).collect::<Result<Vec<u8>, String>>()?;
            Ok(Some(Value::from(base64::encode(&bytes))))
        }
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Map(_) | Value::Json(_) => {
            Err(format!("cannot restore slice from {}", go_kind(value)))
        }
    }
}

/// A float as it reads once it was written.
fn reread(value: &Value) -> Value {
    match value {
        Value::Float(_) => {
            json::parse(&json::to_vec(value)).map_or_else(|_| value.clone(), |parsed| parsed.value)
        }
        other => other.clone(),
    }
}

/// What a type's own decoder says, to which nobody adds where the value stands.
fn decoded(decoded: Result<Value, Fault>) -> Converted {
    match decoded {
        Ok(value) => Ok(Some(value)),
        Err(Fault::Mismatch { found, go_type } | Fault::Fatal { found, go_type }) => {
            Err(format!("json: cannot unmarshal {found} into Go value of type {go_type}"))
        }
        Err(Fault::Sentence(why) | Fault::Noted(why)) => Err(why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::catalogue;

    #[test]
    fn numbers_become_those_of_their_fields() {
        let catalogue = catalogue();
        let root = catalogue.type_named("apps.v1.Deployment").unwrap();
        let spec = |field: &str| format!("{{\"spec\":{field}}}");
        let table = [
            (r#"{"replicas":3.0}"#, Ok(r#"{"replicas":3}"#)),
            (r#"{"replicas":1e3}"#, Ok(r#"{"replicas":1000}"#)),
            (r#"{"replicas":4294967297}"#, Ok(r#"{"replicas":1}"#)),
            (r#"{"replicas":3e9}"#, Ok(r#"{"replicas":-1294967296}"#)),
            (r#"{"replicas":1e19}"#, Ok(r#"{"replicas":0}"#)),
            (r#"{"replicas":1.5}"#, Err("cannot convert float64 to int32")),
            (r#"{"replicas":"3"}"#, Err("unrecognized type: int32")),
            (r#"{"replicas":[]}"#, Err("unrecognized type: int32")),
            (r#"{"paused":1}"#, Err("unrecognized type: bool")),
            (r#"{"strategy":{"type":5}}"#, Err("cannot convert int64 to v1.DeploymentStrategyType")),
            (r#"{"strategy":{"type":1.0}}"#, Err("unrecognized type: string")),
            (r#"{"strategy":5}"#, Err("cannot restore struct from: int64")),
            (r#"{"selector":{"matchLabels":[]}}"#, Err("cannot restore map from slice")),
            (r#"{"selector":{"matchExpressions":{}}}"#, Err("cannot restore slice from map")),
            (
                r#"{"strategy":{"rollingUpdate":{"maxSurge":3.0}}}"#,
                Ok(r#"{"strategy":{"rollingUpdate":{"maxSurge":3}}}"#),
            ),
            (
                r#"{"strategy":{"rollingUpdate":{"maxSurge":1.5}}}"#,
                Err("json: cannot unmarshal number 1.5 into Go value of type int32"),
            ),
        ];
        for (text, expected) in table {
            let value = json::parse(spec(text).as_bytes()).unwrap().value;
            let found = from_unstructured(&catalogue, root, value, &Value::Null);
            let found = found.map(|value| json::to_string(&value));
            assert_eq!(found, expected.map(spec).map_err(String::from), "{text}");
        }
    }

    #[test]
    fn bytes_wrap_and_texts_are_checked() {
        let catalogue = catalogue();
        let root = catalogue.type_named("core.v1.Secret").unwrap();
        let table = [
            ("[104,105]", Ok("\"aGk=\"")),
            ("[360,105.0,null]", Ok("\"aGkA\"")),
            ("\"aGk=\"", Ok("\"aGk=\"")),
            ("\"%\"", Err("error decoding from json: illegal base64 data at input byte 0")),
            ("1", Err("cannot restore slice from int64")),
            ("[\"x\"]", Err("unrecognized type: uint8")),
        ];
        for (text, expected) in table {
            let data = |held: &str| format!("{{\"data\":{{\"a\":{held}}}}}");
            let value = json::parse(data(text).as_bytes()).unwrap().value;
            let found = from_unstructured(&catalogue, root, value, &Value::Null);
            let found = found.map(|value| json::to_string(&value));
            assert_eq!(found, expected.map(data).map_err(String::from), "{text}");
        }
    }
}

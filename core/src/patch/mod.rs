//! The three patch languages that change an object: JSON patch, JSON merge patch, strategic merge patch.

pub mod json_patch;
mod list;
pub mod merge;
mod shape;
pub mod strategic;

use crate::status::{Details, Failure, Reason};
use crate::value::{Map, Value};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Write;

/// A patch that cannot be applied. The texts are upstream's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PatchError {
    /// The patch is malformed: 400 with this sentence.
    Malformed(String),
    /// The patch does not fit the object: 422. Clients do not get this sentence.
    Inapplicable(String),
    /// More than `limits::JSON_PATCH_OPERATIONS`: 413 with this sentence.
    TooLarge(String),
    /// An error that upstream does not classify: 500 with this sentence.
    Other(String),
}

impl PatchError {
    /// Whether an operation that tests something has failed.
    pub fn is_failed_test(&self) -> bool {
        matches!(self, Self::Inapplicable(why) if why.ends_with(" failed: test failed"))
    }
}

impl From<PatchError> for Failure {
    fn from(error: PatchError) -> Self {
        match error {
            PatchError::Malformed(message) => Self::bad_request(message),
            PatchError::Inapplicable(_) => {
                let message = "the server rejected our request due to an error in our request";
                Self::new(Reason::Invalid, message).with_details(Details::default())
            }
            PatchError::TooLarge(message) => Self::new(Reason::RequestEntityTooLarge, message),
            PatchError::Other(message) => Self::unclassified(message),
        }
    }
}

/// A value as Go prints it with `%v`; some error texts quote patches so: `map[a:1 b:[x y]]`.
pub fn go_text(value: &Value) -> String {
    let mut out = String::new();
    write_go_text(value, &mut out);
    out
}

fn write_go_text(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("<nil>"),
        Value::Bool(truth) => write!(out, "{truth}").expect("writing to a string"),
        Value::Int(number) => write!(out, "{number}").expect("writing to a string"),
        Value::Float(number) => out.push_str(&go_float(number.to_f64())),
        Value::Str(text) | Value::Json(text) => out.push_str(text),
        Value::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(' ');
                }
                write_go_text(item, out);
            }
            out.push(']');
        }
        Value::Map(members) => write_go_map(members, out),
    }
}

fn write_go_map(members: &Map, out: &mut String) {
    out.push_str("map[");
    for (index, (key, member)) in members.iter().enumerate() {
        let space = if index > 0 { " " } else { "" };
        write!(out, "{space}{key}:").expect("writing to a string");
        write_go_text(member, out);
    }
    out.push(']');
}

/// A value as Go prints it with `%s`: values other than texts are printed with their type, at every depth.
pub fn go_string(value: &Value) -> String {
    match value {
        Value::Null => "%!s(<nil>)".into(),
        Value::Str(text) => text.to_string(),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Json(_) => {
            alloc::format!("%!s({}={})", strategic::go_type(value), go_text(value))
        }
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(go_string).collect();
            alloc::format!("[{}]", items.join(" "))
        }
        Value::Map(members) => {
            let members: Vec<String> =
                members.iter().map(|(key, member)| alloc::format!("{key}:{}", go_string(member))).collect();
            alloc::format!("map[{}]", members.join(" "))
        }
    }
}

/// Go's `%v` of a float: the shortest digits, with an exponent below 1e-4 and from a million on.
fn go_float(number: f64) -> String {
    let size = number.abs();
    if size != 0.0 && !(1e-4..1e6).contains(&size) {
        let text = alloc::format!("{number:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |exponent| ('-', exponent));
        return alloc::format!("{digits}e{sign}{exponent:0>2}");
    }
    number.to_string()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::value::Text;
    use proptest::prelude::*;

    pub(crate) fn json(text: &str) -> Value {
        crate::codec::json::parse(text.as_bytes()).unwrap().value
    }

    /// Small values with few distinct keys, so that patches often match their targets.
    pub(crate) fn arbitrary() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            (0..4_i64).prop_map(Value::Int),
            "[a-c/~]{0,2}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::list),
                prop::collection::vec(("[a-c~/]{0,1}", inner), 0..4).prop_map(|members| {
                    let members = members.into_iter().map(|(key, value)| (Text::from(key), value));
                    Value::map(members.collect())
                }),
            ]
        })
    }

    #[test]
    fn values_print_as_go_prints_them() {
        let value = json(r#"{"b":[1,"x y",null,1.5,1e21,0.00001,1e5,1e6,12345678.5],"a":{"c":true}}"#);
        assert_eq!(
            go_text(&value),
            "map[a:map[c:true] b:[1 x y <nil> 1.5 1e+21 1e-05 100000 1e+06 1.23456785e+07]]"
        );
    }
}

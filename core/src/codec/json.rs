//! JSON: a strict parser with Go's error sentences, and a compact writer that escapes as Go does.

use crate::value::Value;
use alloc::string::String;
use alloc::vec::Vec;

/// A parsed body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    pub value: Value,
    /// Paths of members that occurred twice (`metadata.labels.a`, `spec.containers[0].name`), in the
    /// order met, each once.
    pub duplicates: Vec<String>,
}

/// Why a text is no JSON, in the words of Go's decoder: `invalid character 'n' looking for beginning
/// of object key string`, `unexpected end of JSON input`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError(pub String);

/// Parses one JSON text. Nesting is bounded by `limits::JSON_DEPTH`.
pub fn parse(_text: &[u8]) -> Result<Parsed, SyntaxError> {
    todo!()
}

/// Appends compact JSON, map members in key order.
pub fn write(_value: &Value, _out: &mut Vec<u8>) {
    todo!()
}

/// Appends a JSON string, escaped as Go's encoder does (`<`, `>`, `&`, U+2028, U+2029 too).
pub fn write_str(_text: &str, _out: &mut Vec<u8>) {
    todo!()
}

pub fn to_vec(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write(value, &mut out);
    out
}

pub fn to_string(value: &Value) -> String {
    String::from_utf8(to_vec(value)).expect("the writer writes UTF-8")
}

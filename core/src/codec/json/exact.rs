//! JSON that is kept byte for byte: numbers in the form in which they were written, and whole texts if a type holds
//! raw JSON.

use super::parse::Parser;
use super::{Duplicates, Parsed, SyntaxError, write};
use crate::value::{Text, Value};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

/// How a raw value stands in a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RawForm {
    /// A tree where that writes the same text, else the text.
    Kept,
    /// A text, unless it is null. It costs no tree, and what reads it has only one form to look at.
    Text,
}

/// The places in a tree that hold raw JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawPaths {
    /// The value here is raw itself.
    raw: Option<RawForm>,
    members: Vec<(Text, Self)>,
    /// Below every member, or every item of a list.
    each: Option<Box<Self>>,
}

impl RawPaths {
    pub const NONE: Self = Self { raw: None, members: Vec::new(), each: None };

    /// The value itself.
    pub fn here() -> Self {
        Self { raw: Some(RawForm::Kept), ..Self::NONE }
    }

    /// The value itself, as a text.
    pub fn text() -> Self {
        Self { raw: Some(RawForm::Text), ..Self::NONE }
    }

    pub fn members(members: Vec<(Text, Self)>) -> Self {
        Self { members, ..Self::NONE }
    }

    pub fn each(inner: Self) -> Self {
        if inner.is_none() { Self::NONE } else { Self { each: Some(Box::new(inner)), ..Self::NONE } }
    }

    pub fn is_none(&self) -> bool {
        *self == Self::NONE
    }

    pub(super) fn raw(&self) -> Option<RawForm> {
        self.raw
    }

    /// Whether some raw value is more than a text.
    #[cfg(test)]
    pub(crate) fn keeps_trees(&self) -> bool {
        self.raw == Some(RawForm::Kept)
            || self.members.iter().any(|(_, below)| below.keeps_trees())
            || self.each.as_deref().is_some_and(Self::keeps_trees)
    }

    pub(super) fn member(&self, name: &str) -> Option<&Self> {
        let named = self.members.iter().find(|(member, _)| member == name).map(|(_, below)| below);
        named.or(self.each.as_deref())
    }

    pub(super) fn item(&self) -> Option<&Self> {
        self.each.as_deref()
    }
}

/// Like `parse`, but numbers that `Value` would write differently, and raw values, become `Value::Json`.
pub fn parse_exact(text: &[u8], raws: &RawPaths) -> Result<Parsed, SyntaxError> {
    let (value, repeated) = Parser::exact(text, false, raws).document()?;
    if !repeated {
        return Ok(Parsed { value, duplicates: Duplicates::NONE });
    }
    let mut naming = Parser::exact(text, true, raws);
    let (value, _) = naming.document()?;
    Ok(Parsed { value, duplicates: Duplicates::Paths(naming.into_duplicates()) })
}

/// As `parse_exact`, of a text that comes from the store. Of a member that occurs twice the last one counts.
pub fn parse_stored(text: &[u8], raws: &RawPaths) -> Result<Value, SyntaxError> {
    Ok(Parser::stored(text, raws).document()?.0)
}

/// The value of a JSON text, kept to the byte.
pub fn kept(text: &[u8]) -> Result<Value, SyntaxError> {
    Ok(parse_exact(text, &RawPaths::here())?.value)
}

/// The members or items of an object or a list, each kept to the byte; other values as they are.
pub fn opened(text: &str) -> Value {
    let raws = RawPaths::each(RawPaths::here());
    parse_exact(text.as_bytes(), &raws).map_or(Value::Null, |parsed| parsed.value)
}

/// The same value with the members of every object in order; numbers keep their form.
pub fn sorted(text: &str) -> Value {
    parse_exact(text.as_bytes(), &RawPaths::NONE).map_or(Value::Null, |parsed| parsed.value)
}

/// A tree with `Value::Json` in it as the one value that stands for its text.
pub fn joined(value: Value) -> Value {
    if !holds_json(&value) {
        return value;
    }
    let mut text = Vec::new();
    write(&value, &mut text);
    kept(&text).unwrap_or(value)
}

/// The value without `Value::Json`: numbers of 64 bits, members in order.
pub fn plain(value: &Value) -> Value {
    if !holds_json(value) {
        return value.clone();
    }
    let mut text = Vec::new();
    write(value, &mut text);
    super::parse(&text).map_or(Value::Null, |parsed| parsed.value)
}

/// Whether all numbers are such that a generic value of Go can hold them.
pub fn check_numbers(value: &Value) -> Result<(), SyntaxError> {
    if !holds_json(value) {
        return Ok(());
    }
    let mut text = Vec::new();
    write(value, &mut text);
    super::parse(&text).map(drop)
}

fn holds_json(value: &Value) -> bool {
    match value {
        Value::Json(_) => true,
        Value::List(items) => items.iter().any(holds_json),
        Value::Map(map) => map.iter().any(|(_, member)| holds_json(member)),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Str(_) => false,
    }
}

/// The tree that a text was parsed to, where it writes the text again; else the text.
pub(super) fn kept_value(value: Value, text: &[u8]) -> Value {
    let text = compact(text);
    let mut written = Vec::with_capacity(text.len());
    write(&value, &mut written);
    if !holds_json(&value) && written == text {
        return value;
    }
    Value::Json(Text::from(String::from_utf8_lossy(&text)))
}

/// The valid text of a value, compact.
pub(super) fn text_value(text: &[u8]) -> Value {
    if text == b"null" {
        return Value::Null;
    }
    // What the server itself has written is compact, and most texts come from there.
    let is_compact = !text.chunks(64).any(holds_uncompact);
    Value::Json(match str::from_utf8(text) {
        Ok(text) if is_compact => Text::from(text),
        Ok(_) | Err(_) => Text::from(String::from_utf8_lossy(&compact(text))),
    })
}

/// Whether some byte is a space or may need an escape. All are looked at, many at once.
fn holds_uncompact(bytes: &[u8]) -> bool {
    const WANTED: [u8; 8] = [b' ', b'\n', b'\t', b'\r', b'<', b'>', b'&', 0xE2];
    bytes
        .iter()
        .fold(false, |found, byte| WANTED.iter().fold(found, |found, wanted| found | (byte == wanted)))
}

/// A valid text without the space between its tokens, and with the escapes that Go's encoder adds.
/// Go: src/encoding/json/indent.go appendCompact
fn compact(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut in_string = false;
    let mut rest = text;
    while let Some((byte, after)) = rest.split_first() {
        let taken = match byte {
            b' ' | b'\n' | b'\t' | b'\r' if !in_string => 1,
            b'<' | b'>' | b'&' => {
                out.extend_from_slice(alloc::format!("\\u{byte:04x}").as_bytes());
                1
            }
            b'\\' => {
                out.extend_from_slice(rest.get(..2).unwrap_or(rest));
                2
            }
            0xE2 if after.starts_with(&[0x80, 0xA8]) || after.starts_with(&[0x80, 0xA9]) => {
                out.extend_from_slice(if after.get(1) == Some(&0xA8) { b"\\u2028" } else { b"\\u2029" });
                3
            }
            byte => {
                in_string ^= *byte == b'"';
                out.push(*byte);
                1
            }
        };
        rest = rest.get(taken..).unwrap_or_default();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json::to_string;

    #[test]
    fn numbers_keep_their_form() {
        let forms = [
            "1.0",
            "1e3",
            "-0",
            "0.0",
            "1E1",
            "18446744073709551616",
            "1e400",
            "9223372036854775808",
            "0.10",
        ];
        for form in forms {
            let value = parse_exact(form.as_bytes(), &RawPaths::NONE).unwrap().value;
            assert_eq!(value, Value::Json(form.into()));
            assert_eq!(to_string(&value), form);
        }
        for form in ["1", "-5", "0.1", "1e+21", "9223372036854775807", "\"1.0\"", "null"] {
            let value = parse_exact(form.as_bytes(), &RawPaths::NONE).unwrap().value;
            assert!(!matches!(value, Value::Json(_)), "{form}");
            assert_eq!(to_string(&value), form);
        }
    }

    #[test]
    fn raw_values_keep_their_bytes() {
        let raws = RawPaths::members(alloc::vec![("data".into(), RawPaths::here())]);
        let table = [
            (r#"{"data": {"b" : 1, "a":2}}"#, r#"{"b":1,"a":2}"#),
            (r#"{"data":{"a":[1.0,{"x":null}]}}"#, r#"{"a":[1.0,{"x":null}]}"#),
            (r#"{"data":{"a":1,"a":2}}"#, r#"{"a":1,"a":2}"#),
            (r#"{"data":"\u0041<\" "}"#, "\"\\u0041\\u003c\\\" \""),
            (r#"{"data":{"a":"<"}}"#, "{\"a\":\"\\u003c\"}"),
        ];
        for (text, expected) in table {
            let parsed = parse_exact(text.as_bytes(), &raws).unwrap();
            assert_eq!(to_string(parsed.value.field("data").unwrap()), expected, "{text}");
            assert!(parsed.duplicates.is_empty(), "what lies inside raw JSON is nobody's duplicate");
        }
        let sorted = parse_exact(br#"{"data":{"a":1,"b":"\u003c"}}"#, &raws).unwrap().value;
        assert!(sorted.field("data").unwrap().as_map().is_some(), "one value has one form");
    }

    #[test]
    fn opened_texts_are_written_back_unchanged() {
        let text = r#"{"b":{"d":1.0,"c":2},"a":[1,2.50]}"#;
        let value = kept(text.as_bytes()).unwrap();
        assert_eq!(value, Value::Json(text.into()));
        let opened = opened(text);
        assert_eq!(to_string(&opened), r#"{"a":[1,2.50],"b":{"d":1.0,"c":2}}"#);
        assert_eq!(joined(opened.clone()), kept(to_string(&opened).as_bytes()).unwrap());
        assert_eq!(to_string(&plain(&opened)), r#"{"a":[1,2.5],"b":{"c":2,"d":1}}"#);
    }
}

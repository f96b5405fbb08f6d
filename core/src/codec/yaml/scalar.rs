//! What a plain scalar means in YAML 1.1, as go-yaml v2 resolves it.
//!
//! Go: go.yaml.in/yaml/v2 resolve.go

use super::YamlError;
use crate::codec::{base64, json};
use crate::value::quoted;
use crate::value::{Finite, Text, Value};
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;

/// What a scalar means.
pub(super) struct Resolved {
    pub(super) value: Value,
    pub(super) special: Special,
}

/// What JSON has no number for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Special {
    None,
    /// A float, which JSON may write as a whole number.
    Float(Finite),
    /// A whole number beyond 63 bits.
    Unsigned(u64),
    /// A float that JSON cannot say, as Go prints it.
    NotJson(&'static str),
}

/// The Go type that a mapping's key is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyKind {
    Text,
    Bool,
    Int,
    Unsigned(u64),
    Float,
    Null,
}

impl KeyKind {
    /// The key as complaints about repeated ones show it.
    pub(super) fn shown(self, text: &str) -> String {
        match self {
            Self::Text => quoted(text),
            Self::Bool | Self::Int | Self::Float => text.into(),
            Self::Unsigned(number) => format!("{number:#x}"),
            Self::Null => "<nil>".into(),
        }
    }

    /// Type and key in the complaint about keys that JSON cannot have.
    pub(super) fn not_json(self) -> Option<String> {
        match self {
            Self::Unsigned(number) => Some(format!("uint64, key: {number:#x}")),
            Self::Null => Some("%!s(<nil>), key: <nil>".into()),
            Self::Text | Self::Bool | Self::Int | Self::Float => None,
        }
    }
}

const CORE: &str = "tag:yaml.org,2002:";

/// A scalar with its tag, or the complaint that it is not what the tag says.
pub(super) fn scalar(text: Text, tag: &str, implicit: bool) -> Result<Resolved, YamlError> {
    let plain = |value| Ok(Resolved { value, special: Special::None });
    let complaint = |message: String| Err(YamlError(format!("yaml: {message}")));
    if tag.is_empty() && !implicit {
        return plain(Value::Str(text));
    }
    let wanted = match tag.strip_prefix(CORE) {
        Some("binary") => {
            let Ok(bytes) = base64::decode(&text) else {
                return complaint("!!binary value contains invalid base64 data".into());
            };
            return plain(Value::from(json::lossy(&bytes)));
        }
        Some(known @ ("bool" | "int" | "float" | "null" | "timestamp")) => known,
        None if tag.is_empty() => "",
        Some(_) | None => return plain(Value::Str(text)),
    };
    let (kind, resolved) = resolve(&text, wanted);
    if matches!(wanted, "" | "str") || wanted == kind {
        return Ok(resolved);
    }
    // Go's unsigned numbers are no floats by tag.
    if wanted == "float" && kind == "int" && !matches!(resolved.special, Special::Unsigned(_)) {
        return Ok(resolved);
    }
    complaint(format!("cannot decode !!{kind} `{text}` as a !!{wanted}"))
}

/// Resolves a plain scalar: the name of its tag, and its value.
fn resolve(text: &str, wanted: &str) -> (&'static str, Resolved) {
    let of = |kind, value| (kind, Resolved { value, special: Special::None });
    let not_json = |number| ("float", Resolved { value: Value::Null, special: Special::NotJson(number) });
    match text {
        "" | "~" | "null" | "Null" | "NULL" => of("null", Value::Null),
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            of("bool", Value::Bool(true))
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            of("bool", Value::Bool(false))
        }
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => not_json("+Inf"),
        "-.inf" | "-.Inf" | "-.INF" => not_json("-Inf"),
        ".nan" | ".NaN" | ".NAN" => not_json("NaN"),
        _ => {
            if matches!(wanted, "" | "timestamp") && is_timestamp(text) {
                return of("timestamp", Value::str(text));
            }
            number(text).unwrap_or_else(|| of("str", Value::str(text)))
        }
    }
}

/// The encoder may write the text without quotes: it would be read back as the same text.
pub(super) fn reads_as_text(text: &str) -> bool {
    resolve(text, "").0 == "str" && !is_base_60(text)
}

fn number(text: &str) -> Option<(&'static str, Resolved)> {
    match text.as_bytes().first()? {
        b'.' => float(text),
        b'0'..=b'9' | b'+' | b'-' => {
            let plain: Cow<'_, str> =
                if text.contains('_') { text.replace('_', "").into() } else { Cow::Borrowed(text) };
            integer(&plain).or_else(|| if is_float(&plain) { float(&plain) } else { None })
        }
        _ => None,
    }
}

/// Through JSON, a whole float becomes an integer where 64 bits hold it: `1.0` is 1.
pub(super) fn whole(number: Finite) -> Value {
    let float = number.to_f64();
    if float % 1.0 == 0.0
        && float.abs() < 1e21
        && let Ok(whole) = format!("{float}").parse()
    {
        return Value::Int(whole);
    }
    Value::Float(number)
}

fn float(text: &str) -> Option<(&'static str, Resolved)> {
    let number = Finite::new(text.parse().ok()?)?;
    Some(("float", Resolved { value: whole(number), special: Special::Float(number) }))
}

/// An integer with the base that Go's prefixes say: `0x1F`, `0o17`, `017`, `0b1`.
fn integer(text: &str) -> Option<(&'static str, Resolved)> {
    let (negative, digits) = match text.strip_prefix(['+', '-']) {
        Some(digits) => (text.starts_with('-'), digits),
        None => (false, text),
    };
    let prefixed = |marks: [&str; 2]| marks.into_iter().find_map(|mark| digits.strip_prefix(mark));
    let (base, digits) = if let Some(digits) = prefixed(["0x", "0X"]) {
        (16, digits)
    } else if let Some(digits) = prefixed(["0o", "0O"]) {
        (8, digits)
    } else if let Some(digits) = prefixed(["0b", "0B"]) {
        (2, digits)
    } else if digits.len() > 1 && digits.starts_with('0') {
        (8, digits)
    } else {
        (10, digits)
    };
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(base)) {
        return None;
    }
    let size = u64::from_str_radix(digits, base).ok()?;
    let signed = if negative { 0_i64.checked_sub_unsigned(size) } else { i64::try_from(size).ok() };
    if let Some(number) = signed {
        return Some(("int", Resolved { value: Value::Int(number), special: Special::None }));
    }
    // Go holds it unsigned where there is no sign, and JSON's reader makes it a float.
    let value = Value::Float(Finite::new(size as f64)?);
    let unsigned = !text.starts_with(['+', '-']);
    unsigned.then_some(("int", Resolved { value, special: Special::Unsigned(size) }))
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_float(text: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.strip_prefix(['+', '-']).unwrap_or(exponent)),
        None => (text, "0"),
    };
    let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let some = !before.is_empty() || !after.is_empty();
    some && digits(before) && digits(after) && !exponent.is_empty() && digits(exponent)
}

/// `1:30`, which older readers take for a number of base 60.
fn is_base_60(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let digits = |text: &str, low: &str| {
        text.bytes().all(|byte| byte.is_ascii_digit() || low.contains(char::from(byte)))
    };
    let mut groups = text.split(':');
    let first = groups.next().unwrap_or("");
    let mut count = 0;
    for group in groups {
        count += 1;
        let (group, fraction) = group.split_once('.').unwrap_or((group, ""));
        let short =
            group.len() == 1 || group.len() == 2 && group.as_bytes().first().is_some_and(|tens| *tens < b'6');
        if !short || !digits(group, "") || !digits(fraction, "_") {
            return false;
        }
    }
    count > 0 && first.starts_with(|letter: char| letter.is_ascii_digit()) && digits(first, "_")
}

/// A date, or a date and a time, as go-yaml recognizes them.
fn is_timestamp(text: &str) -> bool {
    let number = |text: &str, least: usize, most: usize, range: core::ops::RangeInclusive<u16>| {
        let digits = (least..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        digits && text.parse().is_ok_and(|number| range.contains(&number))
    };
    let (date, time) = match text.split_once(['T', 't', ' ']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let mut parts = date.split('-');
    let mut part = |least, most, range| parts.next().is_some_and(|part| number(part, least, most, range));
    if !(part(4, 4, 0..=9999) && part(1, 2, 1..=12) && part(1, 2, 1..=31)) || parts.next().is_some() {
        return false;
    }
    let Some(time) = time else { return true };
    let zone_at = time.find(['Z', '+', '-']);
    if zone_at.is_none() != text.contains(' ') {
        return false;
    }
    let clock = zone_at.and_then(|at| time.get(..at)).unwrap_or(time);
    let mut parts = clock.split(':');
    let (Some(hour), Some(minute), Some(second), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let second = second.split_once('.').map_or(second, |(second, _)| second);
    number(hour, 1, 2, 0..=23) && number(minute, 1, 2, 0..=59) && number(second, 1, 2, 0..=59)
}

/// A mapping's key: the JSON member's name, and what it was in Go; None for a collection.
pub(super) fn key(value: &Value, special: Special) -> Option<(Text, KeyKind)> {
    match (value, special) {
        (_, Special::Float(number)) => Some((short_float(number.to_f64()), KeyKind::Float)),
        (_, Special::Unsigned(number)) => Some((Text::default(), KeyKind::Unsigned(number))),
        (_, Special::NotJson(number)) => {
            let text = match number {
                "+Inf" => ".inf",
                "-Inf" => "-.inf",
                _ => ".nan",
            };
            Some((text.into(), KeyKind::Float))
        }
        (Value::Str(text), Special::None) => Some((text.clone(), KeyKind::Text)),
        (Value::Bool(truth), Special::None) => {
            Some((if *truth { "true" } else { "false" }.into(), KeyKind::Bool))
        }
        (Value::Int(number), Special::None) => Some((format!("{number}").into(), KeyKind::Int)),
        (Value::Float(number), Special::None) => Some((short_float(number.to_f64()), KeyKind::Float)),
        (Value::Null, Special::None) => Some((Text::default(), KeyKind::Null)),
        (Value::List(_) | Value::Map(_) | Value::Json(_), Special::None) => None,
    }
}

/// A float key has the digits that 32 bits have.
fn short_float(number: f64) -> Text {
    let short = number as f32;
    if short.is_infinite() {
        return if short > 0.0 { ".inf" } else { "-.inf" }.into();
    }
    super::write::shortest(&format!("{short:e}"), &format!("{short}")).into()
}

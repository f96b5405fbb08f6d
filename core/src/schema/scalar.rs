//! The canonical forms of scalars, with the sentences for texts that are none.

use crate::codec::{base64, json};
use crate::now::Wall;
use crate::value::quantity::Quantity;
use crate::value::{Type, Value};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Why a value is not what its field wants.
pub(super) enum Fault {
    /// Go's decoder names what it found, the field and the type; it goes on and reports the first.
    Mismatch { found: String, go_type: &'static str },
    /// The same out of a type's own decoder: decoding ends here.
    Fatal { found: String, go_type: &'static str },
    /// A sentence of a type's own decoder: decoding ends here.
    Sentence(String),
    /// A sentence of the decoder itself, which goes on.
    Noted(String),
}

type Canonical = Result<Value, Fault>;

/// What Go's decoder calls a value it cannot use: `string`, `number 1.5`.
pub(super) fn found(value: &Value, with_number: bool) -> String {
    let word = value.type_of().word();
    match value {
        Value::Int(_) | Value::Float(_) | Value::Json(_)
            if with_number && value.type_of() == Type::Number =>
        {
            let mut text = Vec::new();
            json::write(value, &mut text);
            format!("{word} {}", String::from_utf8_lossy(&text))
        }
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::Json(_)
        | Value::Str(_)
        | Value::List(_)
        | Value::Map(_) => word.into(),
    }
}

/// A whole number of 32 bits.
fn fits_int32(value: &Value) -> bool {
    value.as_int().is_some_and(|number| i32::try_from(number).is_ok())
}

pub(super) fn int32(value: Value) -> Canonical {
    if fits_int32(&value) {
        return Ok(value);
    }
    Err(Fault::Mismatch { found: found(&value, true), go_type: "int32" })
}

pub(super) fn quantity(value: &Value) -> Canonical {
    match Quantity::from_value(value) {
        Ok(quantity) => Ok(Value::Str(quantity.canonical())),
        Err(error) => Err(Fault::Sentence(error.message().into())),
    }
}

pub(super) fn int_or_string(value: Value) -> Canonical {
    if fits_int32(&value) || value.as_str().is_some() {
        return Ok(value);
    }
    Err(Fault::Fatal { found: found(&value, true), go_type: "int32" })
}

pub(super) fn bytes(value: Value) -> Canonical {
    if let Value::List(items) = &value {
        let bytes = items.iter().map(byte).collect::<Result<Vec<u8>, Fault>>()?;
        return Ok(Value::from(base64::encode(&bytes)));
    }
    let Value::Str(text) = &value else {
        return Err(Fault::Mismatch { found: found(&value, false), go_type: "[]uint8" });
    };
    match base64::decode(text) {
        Ok(bytes) => {
            let canonical = base64::encode(&bytes);
            Ok(if canonical == text.as_str() { value } else { Value::from(canonical) })
        }
        Err(offset) => Err(Fault::Noted(format!("illegal base64 data at input byte {offset}"))),
    }
}

/// An item of a list of numbers that stands for bytes.
fn byte(item: &Value) -> Result<u8, Fault> {
    let number = if item.is_null() { Some(0) } else { item.as_int() };
    let byte = number.and_then(|number| u8::try_from(number).ok());
    byte.ok_or_else(|| Fault::Mismatch { found: found(item, true), go_type: "uint8" })
}

/// The year 1, which Go takes for no time at all.
const ZERO_TIME: Wall = Wall::from_seconds(-62_135_596_800);

/// metav1.Time: UTC, whole seconds.
pub(super) fn time(value: Value) -> Canonical {
    let wall = parse_time(&value, false)?;
    if wall == ZERO_TIME {
        return Ok(Value::Null);
    }
    // A valid text of this length ends with `Z` and has no fraction: it is canonical.
    let canonical = value.as_str().is_some_and(|text| text.len() == 20);
    Ok(if canonical { value } else { Value::from(wall.rfc3339()) })
}

/// metav1.MicroTime: UTC, six digits of a second, which the text must have.
pub(super) fn micro_time(value: Value) -> Canonical {
    let wall = parse_time(&value, true)?;
    Ok(if wall == ZERO_TIME { Value::Null } else { Value::from(wall.rfc3339_micro()) })
}

fn parse_time(value: &Value, micro: bool) -> Result<Wall, Fault> {
    let Value::Str(text) = value else {
        return Err(Fault::Fatal { found: found(value, false), go_type: "string" });
    };
    let layout = if micro { "2006-01-02T15:04:05.000000Z07:00" } else { "2006-01-02T15:04:05Z07:00" };
    let why = match layout_error(text, micro) {
        Some(why) => why,
        None => match Wall::parse_rfc3339(text) {
            Some(wall) => return Ok(wall),
            None => ": day out of range".into(),
        },
    };
    if why.starts_with(": day") || why.ends_with("out of range") || why.starts_with(": extra") {
        return Err(Fault::Sentence(format!("parsing time {}{why}", quoted(text))));
    }
    Err(Fault::Sentence(format!("parsing time {} as {}{why}", quoted(text), quoted(layout))))
}

/// Walks a time's text along Go's layout; the end of the sentence where they part.
/// Go: src/time/format.go parse
fn layout_error(text: &str, micro: bool) -> Option<String> {
    let mut rest = text;
    let parts = [
        ("", "2006", 0, i64::MAX, ""),
        ("-", "01", 1, 12, "month"),
        ("-", "02", 0, 99, "day"),
        ("T", "15", 0, 23, "hour"),
        (":", "04", 0, 59, "minute"),
        (":", "05", 0, 59, "second"),
    ];
    let parted =
        |rest: &str, element: &str| Some(format!(": cannot parse {} as {}", quoted(rest), quoted(element)));
    for (before, element, least, most, name) in parts {
        let Some(after) = rest.strip_prefix(before) else { return parted(rest, before) };
        let Some((number, after)) = digits(after, element.len()) else { return parted(after, element) };
        if !(least..=most).contains(&number) {
            return Some(format!(": {name} out of range"));
        }
        rest = after;
    }
    if micro {
        match rest.strip_prefix('.').and_then(|after| digits(after, 6)) {
            Some((_, after)) => rest = after,
            None => return parted(rest, ".000000"),
        }
    } else if let Some(after) = rest.strip_prefix(['.', ','])
        && after.starts_with(|letter: char| letter.is_ascii_digit())
    {
        rest = after.trim_start_matches(|letter: char| letter.is_ascii_digit());
    }
    let after = match rest.strip_prefix('Z') {
        Some(after) => after,
        None => match offset(rest) {
            Some(after) => after,
            None => return parted(rest, "Z07:00"),
        },
    };
    (!after.is_empty()).then(|| format!(": extra text: {}", quoted(after)))
}

fn digits(text: &str, count: usize) -> Option<(i64, &str)> {
    let (number, rest) = text.split_at_checked(count)?;
    number.bytes().all(|byte| byte.is_ascii_digit()).then_some(())?;
    Some((number.parse().ok()?, rest))
}

/// What follows a `+07:00`.
fn offset(text: &str) -> Option<&str> {
    let (_, rest) = digits(text.strip_prefix(['+', '-'])?, 2)?;
    Some(digits(rest.strip_prefix(':')?, 2)?.1)
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

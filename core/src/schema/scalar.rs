//! The canonical forms of scalars, with the sentences for texts that are none.

use crate::codec::{base64, json};
use crate::now::{self, Layout, Wall};
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
        let bytes = listed_bytes(items).map_err(|found| Fault::Mismatch { found, go_type: "uint8" })?;
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

/// The bytes that a list of numbers stands for: Go reads a `[]byte` from one as well as from base64, and some clients
/// write it so. An item that is null counts as 0.
///
/// # Errors
/// What was found, in the words of Go's decoder, where a number from 0 to 255 was to be.
pub fn listed_bytes(items: &[Value]) -> Result<Vec<u8>, String> {
    let byte = |item: &Value| {
        let number = if item.is_null() { Some(0) } else { item.as_int() };
        number.and_then(|number| u8::try_from(number).ok()).ok_or_else(|| found(item, true))
    };
    items.iter().map(byte).collect()
}

/// The year 1, which Go takes for no time at all.
const ZERO_TIME: Wall = Wall::from_seconds(-62_135_596_800);

/// metav1.Time: UTC, whole seconds.
pub(super) fn time(value: Value) -> Canonical {
    let wall = parse_time(&value, Layout::Seconds)?;
    if wall == ZERO_TIME {
        return Ok(Value::Null);
    }
    // A valid text of this length ends with `Z` and has no fraction: it is canonical.
    let canonical = value.as_str().is_some_and(|text| text.len() == 20);
    Ok(if canonical { value } else { Value::from(wall.rfc3339()) })
}

/// metav1.MicroTime: UTC, six digits of a second, which the text must have.
pub(super) fn micro_time(value: Value) -> Canonical {
    let wall = parse_time(&value, Layout::Micros)?;
    Ok(if wall == ZERO_TIME { Value::Null } else { Value::from(wall.rfc3339_micro()) })
}

fn parse_time(value: &Value, layout: Layout) -> Result<Wall, Fault> {
    let Value::Str(text) = value else {
        return Err(Fault::Fatal { found: found(value, false), go_type: "string" });
    };
    let wall = now::parse(text, layout).map_err(Fault::Sentence)?;
    // By its offset a time may leave the years that a text can say. Upstream stores it and writes what nobody
    // can read; here it is refused.
    if !wall.has_four_digit_year() {
        return Err(Fault::Sentence("Time.MarshalJSON: year outside of range [0,9999]".into()));
    }
    Ok(wall)
}

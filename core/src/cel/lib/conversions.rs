//! Conversions between types.
//! cel-go: common/types/int.go, uint.go, double.go, string.go ConvertToType

use super::{Function, Result, function};
use crate::cel::eval::{
    CelValue, EvalError, Timestamp, convert_double, duration_text, go_double, parse_duration,
};
use alloc::format;
use alloc::string::{String, ToString};

pub(super) const FUNCTIONS: &[Function] = &[
    function("bool", to_bool),
    function("bytes", to_bytes),
    function("double", to_double),
    function("duration", to_duration),
    function("int", to_int),
    function("string", to_string),
    function("timestamp", to_timestamp),
    function("uint", to_uint),
];

fn failed(from: &CelValue, to: &str) -> EvalError {
    EvalError::new(format!("type conversion error from '{}' to '{to}'", from.type_name()))
}

fn to_bool(args: &[CelValue]) -> Result<CelValue> {
    match args {
        [held @ CelValue::Bool(_)] => Ok(held.clone()),
        [CelValue::Str(text)] => match text.as_str() {
            "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(CelValue::Bool(true)),
            "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(CelValue::Bool(false)),
            _ => Err(failed(&CelValue::Str(text.clone()), "bool")),
        },
        _ => Err(EvalError::no_overload()),
    }
}

fn to_bytes(args: &[CelValue]) -> Result<CelValue> {
    match args {
        [held @ CelValue::Bytes(_)] => Ok(held.clone()),
        [CelValue::Str(text)] => Ok(CelValue::Bytes(text.as_bytes().into())),
        _ => Err(EvalError::no_overload()),
    }
}

#[allow(clippy::cast_precision_loss, reason = "as upstream")]
fn to_double(args: &[CelValue]) -> Result<CelValue> {
    match args {
        [held @ CelValue::Double(_)] => Ok(held.clone()),
        [CelValue::Int(number)] => Ok(CelValue::Double(*number as f64)),
        [CelValue::Uint(number)] => Ok(CelValue::Double(*number as f64)),
        [held @ CelValue::Str(text)] => {
            convert_double(text).map(CelValue::Double).ok_or_else(|| failed(held, "double"))
        }
        _ => Err(EvalError::no_overload()),
    }
}

fn to_duration(args: &[CelValue]) -> Result<CelValue> {
    match args {
        [held @ CelValue::Duration(_)] => Ok(held.clone()),
        [CelValue::Int(nanos)] => Ok(CelValue::Duration(*nanos)),
        [held @ CelValue::Str(text)] => parse_duration(text)
            .map(CelValue::Duration)
            .ok_or_else(|| failed(held, "google.protobuf.Duration")),
        _ => Err(EvalError::no_overload()),
    }
}

fn to_timestamp(args: &[CelValue]) -> Result<CelValue> {
    match args {
        [held @ CelValue::Timestamp(_)] => Ok(held.clone()),
        [CelValue::Int(seconds)] => Timestamp::new(*seconds, 0)
            .map(CelValue::Timestamp)
            .ok_or_else(|| EvalError::new("timestamp overflow")),
        [held @ CelValue::Str(text)] => Timestamp::parse(text)
            .map(CelValue::Timestamp)
            .ok_or_else(|| failed(held, "google.protobuf.Timestamp")),
        _ => Err(EvalError::no_overload()),
    }
}

/// The double nearest to 2^63 from below, and to 2^64.
const INT_END: f64 = 9_223_372_036_854_775_808.0;
const UINT_END: f64 = 18_446_744_073_709_551_616.0;

#[allow(clippy::cast_possible_truncation, reason = "in range by the comparison")]
fn to_int(args: &[CelValue]) -> Result<CelValue> {
    let overflow = || EvalError::new("integer overflow");
    match args {
        [held @ CelValue::Int(_)] => Ok(held.clone()),
        [CelValue::Uint(number)] => i64::try_from(*number).map(CelValue::Int).map_err(|_| overflow()),
        [CelValue::Double(number)] if *number > -INT_END && *number < INT_END => {
            Ok(CelValue::Int(*number as i64))
        }
        [CelValue::Double(_)] => Err(overflow()),
        [CelValue::Duration(nanos)] => Ok(CelValue::Int(*nanos)),
        [CelValue::Timestamp(time)] => Ok(CelValue::Int(time.seconds)),
        [held @ CelValue::Str(text)] => text.parse().map(CelValue::Int).map_err(|_| failed(held, "int")),
        _ => Err(EvalError::no_overload()),
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range by the comparison")]
fn to_uint(args: &[CelValue]) -> Result<CelValue> {
    let overflow = || EvalError::new("unsigned integer overflow");
    match args {
        [held @ CelValue::Uint(_)] => Ok(held.clone()),
        [CelValue::Int(number)] => u64::try_from(*number).map(CelValue::Uint).map_err(|_| overflow()),
        [CelValue::Double(number)] if *number >= 0.0 && *number < UINT_END => {
            Ok(CelValue::Uint(*number as u64))
        }
        [CelValue::Double(_)] => Err(overflow()),
        [held @ CelValue::Str(text)] => {
            let digits = text.as_str();
            let is_plain = !digits.starts_with('+');
            digits.parse().ok().filter(|_| is_plain).map(CelValue::Uint).ok_or_else(|| failed(held, "uint"))
        }
        _ => Err(EvalError::no_overload()),
    }
}

fn to_string(args: &[CelValue]) -> Result<CelValue> {
    let [value] = args else { return Err(EvalError::no_overload()) };
    let text: String = match value {
        CelValue::Str(_) => return Ok(value.clone()),
        CelValue::Bool(held) => held.to_string(),
        CelValue::Int(number) => number.to_string(),
        CelValue::Uint(number) => number.to_string(),
        CelValue::Double(number) => go_double(*number),
        CelValue::Bytes(bytes) => match core::str::from_utf8(bytes) {
            Ok(text) => text.into(),
            Err(_) => return Err(EvalError::new("invalid UTF-8 in bytes, cannot convert to string")),
        },
        CelValue::Timestamp(time) => time.to_string(),
        CelValue::Duration(nanos) => duration_text(*nanos),
        other => super::networks::shown(other).ok_or_else(EvalError::no_overload)?,
    };
    Ok(CelValue::str(text))
}

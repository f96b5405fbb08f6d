//! What a plain scalar means in YAML 1.1, as go-yaml v2 resolves it.
//!
//! Go: sigs.k8s.io/yaml/goyaml.v2/resolve.go

use crate::value::{Finite, Text, Value};
use alloc::string::String;

/// A plain scalar, resolved.
pub(super) enum Plain {
    Value(Value),
    /// `<<`
    Merge,
    /// A float that JSON cannot say, as Go prints it.
    NotJson(&'static str),
}

/// Resolves an untagged plain scalar.
pub(super) fn resolve(text: &str) -> Plain {
    let value = match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Value::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Value::Bool(false)
        }
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Plain::NotJson("+Inf"),
        "-.inf" | "-.Inf" | "-.INF" => return Plain::NotJson("-Inf"),
        ".nan" | ".NaN" | ".NAN" => return Plain::NotJson("NaN"),
        "<<" => return Plain::Merge,
        _ => number(text).unwrap_or_else(|| Value::str(text)),
    };
    Plain::Value(value)
}

/// The encoder may write the text without quotes: it would be read back as the same text.
pub(super) fn reads_as_text(text: &str) -> bool {
    let resolved = matches!(resolve(text), Plain::Value(Value::Str(_)));
    resolved && !is_timestamp(text) && !is_base_60(text)
}

fn number(text: &str) -> Option<Value> {
    match text.as_bytes().first()? {
        b'.' => float(text),
        b'0'..=b'9' | b'+' | b'-' => {
            let plain: String = text.chars().filter(|letter| *letter != '_').collect();
            integer(&plain).or_else(|| if is_float(&plain) { float(&plain) } else { None })
        }
        _ => None,
    }
}

/// Through JSON, a whole float becomes an integer: `1.0` is 1.
pub(super) fn whole(number: Finite) -> Value {
    let float = number.to_f64();
    let exact = float.abs() < 9_007_199_254_740_992.0 && float % 1.0 == 0.0;
    if exact { Value::Int(float as i64) } else { Value::Float(number) }
}

fn float(text: &str) -> Option<Value> {
    Finite::new(text.parse().ok()?).map(whole)
}

/// An integer with the base that Go's prefixes say: `0x1F`, `0o17`, `017`, `0b1`.
fn integer(text: &str) -> Option<Value> {
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
    let size = i128::from(u64::from_str_radix(digits, base).ok()?);
    let number = if negative { -size } else { size };
    match i64::try_from(number) {
        Ok(number) => Some(Value::Int(number)),
        // Go holds it unsigned, and JSON's reader makes it a float.
        Err(_) if !negative => Finite::new(number as f64).map(Value::Float),
        Err(_) => Finite::new(number as f64).map(whole),
    }
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

/// A mapping key as the JSON member's name; None for null.
pub(super) fn key(value: &Value) -> Option<Text> {
    match value {
        Value::Str(text) => Some(text.clone()),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Json(_) => {
            Some(Text::from(crate::codec::json::to_string(value)))
        }
        Value::Null | Value::List(_) | Value::Map(_) => None,
    }
}

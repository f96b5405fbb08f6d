//! `format`: texts with values in their clauses.
//! cel-go: ext/formatting.go

use super::super::{Result, function_of};
use crate::cel::check::CelType;
use crate::cel::eval::{CelValue, EvalError};
use crate::cel::variables::Given;
use crate::value::quoted;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Write;

/// Digits behind the point where a clause names none.
const PRECISION: usize = 6;
/// The most digits that a clause can ask for; upstream has no bound.
const PRECISION_MAX: usize = 1_000;

pub(super) fn format(args: &[CelValue]) -> Result<CelValue> {
    let [CelValue::Str(text), list] = args else { return Err(EvalError::no_overload()) };
    let values = list.elements().ok_or_else(EvalError::no_overload)?;
    let mut values = values.iter();
    let mut out = String::new();
    clauses(text, |piece| {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Clause(clause, precision) => {
                let index = list.len().unwrap_or(0);
                let value =
                    values.next().ok_or_else(|| EvalError::new(format!("index {index} out of range")))?;
                out.push_str(&shown(clause, precision, value)?);
            }
        }
        Ok(())
    })?;
    Ok(CelValue::str(out))
}

/// Checks clauses against the types of their values. The place of an error is that of a value, or None for the call.
///
/// # Errors
/// What the call would say, as far as the types tell.
pub(crate) fn check(text: &str, types: &[&CelType]) -> core::result::Result<(), (Option<usize>, String)> {
    let mut used = 0;
    let mut place = None;
    let checked = clauses(text, |piece| {
        if let Piece::Clause(clause, _) = piece {
            place = None;
            let of = types.get(used).ok_or_else(|| EvalError::new(format!("index {used} out of range")))?;
            let allows = allows(clause, of).ok_or_else(|| unknown(clause))?;
            place = Some(used);
            used += 1;
            if !allows {
                return Err(wrong(clause, &format!("{of}")));
            }
        }
        Ok(())
    });
    checked.map_err(|error| (place, error.to_string()))?;
    if used < types.len() {
        let given = types.len();
        return Err((
            None,
            format!("too many arguments supplied to string.format (expected {used}, got {given})"),
        ));
    }
    Ok(())
}

/// Whether a clause can show values of a type; None for no clause.
fn allows(clause: char, of: &CelType) -> Option<bool> {
    use CelType as T;
    Some(match clause {
        's' => !matches!(of, T::Opaque(..) | T::Object(_)),
        'd' | 'o' => matches!(of, T::Int | T::Uint | T::Dyn),
        'f' | 'e' => matches!(of, T::Double | T::Dyn | T::Str),
        'b' => matches!(of, T::Int | T::Uint | T::Bool | T::Dyn),
        'x' | 'X' => matches!(of, T::Int | T::Uint | T::Str | T::Bytes | T::Dyn),
        _ => return None,
    })
}

/// A part of a text with clauses.
enum Piece<'a> {
    Text(&'a str),
    /// Its letter, and how many digits it asks for.
    Clause(char, usize),
}

/// Visits the parts of a text.
fn clauses(text: &str, mut visit: impl FnMut(Piece<'_>) -> Result<()>) -> Result<()> {
    let mut rest = text;
    while let Some(percent) = rest.find('%') {
        visit(Piece::Text(rest.get(..percent).unwrap_or_default()))?;
        rest = rest.get(percent + 1..).unwrap_or_default();
        if let Some(after) = rest.strip_prefix('%') {
            visit(Piece::Text("%"))?;
            rest = after;
            continue;
        }
        let mut precision = PRECISION;
        if let Some(after) = rest.strip_prefix('.') {
            let length = after.bytes().take_while(u8::is_ascii_digit).count();
            let digits = after.get(..length).and_then(|digits| digits.parse::<usize>().ok());
            rest = after.get(length..).unwrap_or_default();
            precision = digits.filter(|digits| *digits <= PRECISION_MAX).ok_or_else(|| {
                EvalError::new("could not parse formatting clause: error while parsing precision")
            })?;
        }
        let Some(clause) = rest.chars().next() else {
            return Err(EvalError::new("could not parse formatting clause: unexpected end of string"));
        };
        rest = rest.get(clause.len_utf8()..).unwrap_or_default();
        visit(Piece::Clause(clause, precision))?;
    }
    visit(Piece::Text(rest))
}

fn unknown(clause: char) -> EvalError {
    let why = format!("could not parse formatting clause: unrecognized formatting clause \"{clause}\"");
    EvalError::new(why)
}

/// What is said of a value that a clause cannot show.
fn wrong(clause: char, kind: &str) -> EvalError {
    let what = match clause {
        'd' => "decimal clause can only be used on integers",
        'f' => "fixed-point clause can only be used on doubles",
        'e' => "scientific clause can only be used on doubles",
        'b' => "only integers and bools can be formatted as binary",
        'x' | 'X' => "only integers, byte buffers, and strings can be formatted as hex",
        'o' => "octal clause can only be used on integers",
        _ => {
            "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, \
             and timestamps"
        }
    };
    EvalError::new(format!("error during formatting: {what}, was given {kind}"))
}

fn shown(clause: char, precision: usize, value: &CelValue) -> Result<String> {
    Ok(match (clause, value) {
        ('s', _) => text(value)?,
        ('d', CelValue::Int(number)) => number.to_string(),
        ('d', CelValue::Uint(number)) => number.to_string(),
        ('f', CelValue::Double(number)) => format!("{number:.precision$}"),
        ('e', CelValue::Double(number)) => scientific(*number, precision),
        ('b', CelValue::Int(number)) => signed(*number, |number| format!("{number:b}")),
        ('b', CelValue::Uint(number)) => format!("{number:b}"),
        ('b', CelValue::Bool(held)) => u8::from(*held).to_string(),
        ('x', CelValue::Int(number)) => signed(*number, |number| format!("{number:x}")),
        ('x', CelValue::Uint(number)) => format!("{number:x}"),
        ('x', CelValue::Str(text)) => hex(text.as_bytes()),
        ('x', CelValue::Bytes(bytes)) => hex(bytes),
        ('X', CelValue::Int(number)) => signed(*number, |number| format!("{number:X}")),
        ('X', CelValue::Uint(number)) => format!("{number:X}"),
        ('X', CelValue::Str(text)) => hex(text.as_bytes()).to_uppercase(),
        ('X', CelValue::Bytes(bytes)) => hex(bytes).to_uppercase(),
        ('o', CelValue::Int(number)) => signed(*number, |number| format!("{number:o}")),
        ('o', CelValue::Uint(number)) => format!("{number:o}"),
        ('d' | 'f' | 'e' | 'b' | 'x' | 'X' | 'o', _) => return Err(wrong(clause, value.type_name())),
        (other, _) => return Err(unknown(other)),
    })
}

fn signed(number: i64, digits: fn(u64) -> String) -> String {
    let sign = if number < 0 { "-" } else { "" };
    format!("{sign}{}", digits(number.unsigned_abs()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// Upstream prints the exponent with a multiplication sign and superscript digits.
fn scientific(number: f64, precision: usize) -> String {
    let text = format!("{number:.precision$e}");
    let Some((mantissa, exponent)) = text.split_once('e') else { return text };
    let superscript = |digit: char| match digit {
        '-' => '\u{207b}',
        '0' => '\u{2070}',
        '1' => '\u{b9}',
        '2' => '\u{b2}',
        '3' => '\u{b3}',
        digit => digit.to_digit(10).and_then(|digit| char::from_u32(0x2070 + digit)).unwrap_or(digit),
    };
    let negative = exponent.starts_with('-');
    let digits = exponent.trim_start_matches('-');
    let padded = format!("{}{digits:0>2}", if negative { "-" } else { "" });
    let exponent: String = padded.chars().map(superscript).collect();
    format!("{mantissa}\u{d7}10{exponent}")
}

fn text(value: &CelValue) -> Result<String> {
    Ok(match value {
        CelValue::Null => "null".into(),
        CelValue::Type(name) => name.to_string(),
        CelValue::Optional(_) | CelValue::Native(_) => {
            return Err(wrong('s', value.type_name()));
        }
        CelValue::List(_) | CelValue::Map(_) | CelValue::Data(_) | CelValue::Identified(_) => {
            match (value.elements(), value.entries()) {
                (Some(items), _) => {
                    let items: Result<Vec<String>> = items.iter().map(inner).collect();
                    format!("[{}]", items?.join(", "))
                }
                (None, entries) => {
                    let mut shown = Vec::new();
                    for (key, value) in entries.unwrap_or_default() {
                        shown.push(format!("{}:{}", inner(&key)?, inner(&value)?));
                    }
                    shown.sort();
                    format!("{{{}}}", shown.join(", "))
                }
            }
        }
        _ => {
            let converted = function_of("string").ok_or_else(EvalError::no_overload)?;
            match converted.call(Vec::from([value.clone()]), &mut Given(&|_| None))? {
                CelValue::Str(text) => text.to_string(),
                _ => return Err(EvalError::no_overload()),
            }
        }
    })
}

/// A part of a list or a map, as a literal.
fn inner(value: &CelValue) -> Result<String> {
    Ok(match value {
        CelValue::Str(text) => quoted(text),
        CelValue::Bytes(_) => format!("b{}", quoted(&text(value)?)),
        CelValue::Double(number) => format!("{number:.PRECISION$}"),
        CelValue::Timestamp(_) => format!("timestamp({})", quoted(&text(value)?)),
        CelValue::Duration(_) => format!("duration({})", quoted(&text(value)?)),
        other => text(other)?,
    })
}

//! Functions of texts. Places in a text are counted in code points.
//! cel-go: ext/strings.go

mod format;

pub(crate) use format::check as check_format;

use super::{Function, Result, function};
use crate::cel::eval::{CelValue, EvalError};
use crate::cel::unparse;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

pub(super) const FUNCTIONS: &[Function] = &[
    function("contains", |args| test(args, |text, part| text.contains(part))),
    function("startsWith", |args| test(args, |text, part| text.starts_with(part))),
    function("endsWith", |args| test(args, |text, part| text.ends_with(part))),
    function("charAt", char_at),
    function("indexOf", |args| index_of(args, false)),
    function("lastIndexOf", |args| index_of(args, true)),
    function("lowerAscii", |args| map(args, |text| text.to_ascii_lowercase())),
    function("upperAscii", |args| map(args, |text| text.to_ascii_uppercase())),
    function("trim", |args| map(args, |text| text.trim().into())),
    function("replace", replace),
    function("split", split),
    function("join", join),
    function("substring", substring),
    function("strings.quote", |args| map(args, quote)),
    function("format", format::format),
    function("jsonpatch.escapeKey", |args| map(args, |key| key.replace('~', "~0").replace('/', "~1"))),
];

fn test(args: &[CelValue], is: fn(&str, &str) -> bool) -> Result<CelValue> {
    match args {
        [CelValue::Str(text), CelValue::Str(part)] => Ok(CelValue::Bool(is(text, part))),
        _ => Err(EvalError::no_overload()),
    }
}

fn map(args: &[CelValue], to: fn(&str) -> String) -> Result<CelValue> {
    match args {
        [CelValue::Str(text)] => Ok(CelValue::str(to(text))),
        _ => Err(EvalError::no_overload()),
    }
}

fn out_of_range(index: i64) -> EvalError {
    EvalError::new(format!("index out of range: {index}"))
}

/// Where in the bytes of a text a code point begins; the length for the end.
fn byte_at(text: &str, index: i64) -> Option<usize> {
    let index = usize::try_from(index).ok()?;
    text.char_indices().map(|(at, _)| at).chain([text.len()]).nth(index)
}

fn char_at(args: &[CelValue]) -> Result<CelValue> {
    let [CelValue::Str(text), CelValue::Int(index)] = args else { return Err(EvalError::no_overload()) };
    let at = byte_at(text, *index).ok_or_else(|| out_of_range(*index))?;
    let found = text.get(at..).and_then(|rest| rest.chars().next());
    Ok(CelValue::str(found.map(String::from).unwrap_or_default()))
}

/// The place of a part of a text, or of an element of a list.
fn index_of(args: &[CelValue], is_last: bool) -> Result<CelValue> {
    let (text, part, offset) = match args {
        [CelValue::Str(text), CelValue::Str(part)] => (text, part, None),
        [CelValue::Str(text), CelValue::Str(part), CelValue::Int(offset)] => (text, part, Some(*offset)),
        _ => return super::lists::index_of(args, is_last),
    };
    let length = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    if part.is_empty() {
        return Ok(CelValue::Int(offset.unwrap_or(if is_last { length } else { 0 })));
    }
    if let Some(offset) = offset.filter(|offset| *offset < 0) {
        return Err(out_of_range(offset));
    }
    let offset = offset.unwrap_or(if is_last { length - 1 } else { 0 });
    let found = match byte_at(text, offset).filter(|_| offset < length) {
        None => None,
        Some(start) if is_last => {
            let end = start.saturating_add(part.len()).min(text.len());
            let end = (end..=text.len()).find(|end| text.is_char_boundary(*end)).unwrap_or(text.len());
            text.get(..end).and_then(|held| held.rfind(part.as_str())).filter(|found| *found <= start)
        }
        Some(start) => text.get(start..).and_then(|rest| rest.find(part.as_str())).map(|found| start + found),
    };
    let points = found.and_then(|found| text.get(..found)).map(|before| before.chars().count());
    Ok(CelValue::Int(points.and_then(|points| i64::try_from(points).ok()).unwrap_or(-1)))
}

/// How many times something is done: all times for a negative number.
fn times(number: i64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn replace(args: &[CelValue]) -> Result<CelValue> {
    let (text, from, to, count) = match args {
        [CelValue::Str(text), CelValue::Str(from), CelValue::Str(to)] => (text, from, to, usize::MAX),
        [CelValue::Str(text), CelValue::Str(from), CelValue::Str(to), CelValue::Int(count)] => {
            (text, from, to, times(*count))
        }
        _ => return Err(EvalError::no_overload()),
    };
    Ok(CelValue::str(text.replacen(from.as_str(), to, count)))
}

fn split(args: &[CelValue]) -> Result<CelValue> {
    let (text, separator, count) = match args {
        [CelValue::Str(text), CelValue::Str(separator)] => (text, separator, usize::MAX),
        [CelValue::Str(text), CelValue::Str(separator), CelValue::Int(count)] => {
            (text, separator, times(*count))
        }
        _ => return Err(EvalError::no_overload()),
    };
    let mut parts: Vec<CelValue> = Vec::new();
    if separator.is_empty() {
        // The code points, the last part with all that are left.
        let mut rest = text.as_str();
        while let Some(first) = rest.chars().next().filter(|_| count > 0) {
            let length = if parts.len() + 1 == count { rest.len() } else { first.len_utf8() };
            let (part, after) = rest.split_at(length);
            parts.push(CelValue::str(part));
            rest = after;
        }
    } else if count > 0 {
        parts.extend(text.splitn(count, separator.as_str()).map(CelValue::str));
    }
    Ok(CelValue::list(parts))
}

fn join(args: &[CelValue]) -> Result<CelValue> {
    let (list, separator) = match args {
        [list] => (list, ""),
        [list, CelValue::Str(separator)] => (list, separator.as_str()),
        _ => return Err(EvalError::no_overload()),
    };
    let mut text = String::new();
    for (index, part) in list.elements().ok_or_else(EvalError::no_overload)?.iter().enumerate() {
        let CelValue::Str(part) = part else {
            return Err(EvalError::new(format!("join: invalid input: {}", part.shown())));
        };
        text.push_str(if index == 0 { "" } else { separator });
        text.push_str(part);
    }
    Ok(CelValue::str(text))
}

fn substring(args: &[CelValue]) -> Result<CelValue> {
    let (text, start, end) = match args {
        [CelValue::Str(text), CelValue::Int(start)] => (text, *start, None),
        [CelValue::Str(text), CelValue::Int(start), CelValue::Int(end)] => (text, *start, Some(*end)),
        _ => return Err(EvalError::no_overload()),
    };
    if let Some(end) = end.filter(|end| start > *end) {
        return Err(EvalError::new(format!("invalid substring range. start: {start}, end: {end}")));
    }
    let from = byte_at(text, start).ok_or_else(|| out_of_range(start))?;
    let to = match end {
        Some(end) => byte_at(text, end).ok_or_else(|| out_of_range(end))?,
        None => text.len(),
    };
    Ok(CelValue::str(text.get(from..to).unwrap_or_default()))
}

/// A text as a literal of the language.
fn quote(text: &str) -> String {
    let quoted = unparse::quoted(text);
    quoted.replace('\u{7}', "\\a").replace('\u{8}', "\\b").replace('\u{c}', "\\f").replace('\u{b}', "\\v")
}

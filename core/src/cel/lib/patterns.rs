//! Regular expressions.
//! k8s: staging/src/k8s.io/apiserver/pkg/cel/library/regex.go; cel-go: common/types/string.go Match

use super::{Function, Result, function};
use crate::cel::eval::{CelValue, EvalError};
use crate::value::regex::Regex;
use alloc::format;
use alloc::vec::Vec;

pub(super) const FUNCTIONS: &[Function] = &[
    function("matches", |args| match args {
        [CelValue::Str(text), CelValue::Str(pattern)] => {
            let regex = Regex::new(pattern).map_err(EvalError::new)?;
            Ok(CelValue::Bool(regex.is_match(text)))
        }
        _ => Err(EvalError::no_overload()),
    }),
    function("find", |args| match args {
        [CelValue::Str(text), CelValue::Str(pattern)] => {
            let found = compile(pattern)?.find(text).and_then(|range| text.get(range));
            Ok(CelValue::str(found.unwrap_or_default()))
        }
        _ => Err(EvalError::no_overload()),
    }),
    function("findAll", |args| match args {
        [CelValue::Str(text), CelValue::Str(pattern)] => all(text, pattern, -1),
        [CelValue::Str(text), CelValue::Str(pattern), CelValue::Int(most)] => all(text, pattern, *most),
        _ => Err(EvalError::no_overload()),
    }),
];

fn compile(pattern: &str) -> Result<Regex> {
    Regex::new(pattern).map_err(|why| EvalError::new(format!("Illegal regex: {why}")))
}

/// The matches, all of them for a negative number.
fn all(text: &str, pattern: &str, most: i64) -> Result<CelValue> {
    let found = compile(pattern)?.find_all(text, usize::try_from(most).unwrap_or(usize::MAX));
    let found: Vec<CelValue> =
        found.into_iter().filter_map(|range| text.get(range)).map(CelValue::str).collect();
    Ok(CelValue::list(found))
}

//! Optional values.
//! cel-go: cel/library.go optionalLib

use super::{Function, Result, function};
use crate::cel::eval::{CelValue, EvalError};
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;

pub(super) const FUNCTIONS: &[Function] = &[
    function("optional.none", |_| Ok(CelValue::Optional(None))),
    function("optional.of", |args| match args {
        [value] => Ok(some(value)),
        _ => Err(EvalError::no_overload()),
    }),
    function("optional.ofNonZeroValue", |args| match args {
        [value] if value.is_zero() => Ok(CelValue::Optional(None)),
        [value] => Ok(some(value)),
        _ => Err(EvalError::no_overload()),
    }),
    function("value", |args| match args {
        [CelValue::Optional(Some(held))] => Ok((**held).clone()),
        [CelValue::Optional(None)] => Err(EvalError::new("optional.none() dereference")),
        _ => Err(EvalError::no_overload()),
    }),
    function("hasValue", |args| match args {
        [CelValue::Optional(held)] => Ok(CelValue::Bool(held.is_some())),
        _ => Err(EvalError::no_overload()),
    }),
    function("first", |args| edge(args, |_| 0)),
    function("last", |args| edge(args, |length| length.saturating_sub(1))),
    function("optional.unwrap", unwrap),
    function("unwrapOpt", unwrap),
];

fn some(value: &CelValue) -> CelValue {
    CelValue::Optional(Some(Arc::new(value.clone())))
}

fn edge(args: &[CelValue], index: fn(usize) -> usize) -> Result<CelValue> {
    match args {
        [list] if list.is_list() => {
            let found = list.nth(index(list.len().unwrap_or(0)));
            Ok(CelValue::Optional(found.map(Arc::new)))
        }
        _ => Err(EvalError::no_overload()),
    }
}

fn unwrap(args: &[CelValue]) -> Result<CelValue> {
    let items = args.first().and_then(CelValue::elements).ok_or_else(EvalError::no_overload)?;
    let mut held: Vec<CelValue> = Vec::new();
    for item in items {
        match item {
            CelValue::Optional(value) => held.extend(value.map(|value| (*value).clone())),
            other => return Err(EvalError::new(format!("value {} is not optional", other.shown()))),
        }
    }
    Ok(CelValue::list(held))
}

//! Operators, and functions of the language itself.
//! cel-go: common/stdlib/standard.go, common/types/overflow.go

use super::{Function, Result, function};
use crate::cel::ast::operators;
use crate::cel::eval::{CelValue, EvalError, Timestamp, compare, equal, equal_or_error};
use alloc::vec::Vec;
use core::cmp::Ordering;

pub(super) const FUNCTIONS: &[Function] = &[
    function(operators::NOT, |args| match args {
        [CelValue::Bool(held)] => Ok(CelValue::Bool(!held)),
        _ => Err(EvalError::no_overload()),
    }),
    function(operators::EQUALS, |args| same(args).map(CelValue::Bool)),
    // What cannot be compared is not equal.
    function(operators::NOT_EQUALS, |args| Ok(CelValue::Bool(!same(args).unwrap_or(false)))),
    function(operators::LESS, |args| ordered(args, Ordering::is_lt)),
    function(operators::LESS_EQUALS, |args| ordered(args, Ordering::is_le)),
    function(operators::GREATER, |args| ordered(args, Ordering::is_gt)),
    function(operators::GREATER_EQUALS, |args| ordered(args, Ordering::is_ge)),
    function(operators::ADD, add),
    function(operators::SUBTRACT, subtract),
    function(operators::MULTIPLY, multiply),
    function(operators::DIVIDE, divide),
    function(operators::MODULO, modulo),
    function(operators::NEGATE, negate),
    function(operators::IN, is_in),
    function("size", |args| match args {
        [value] => size(value).ok_or_else(EvalError::no_overload),
        _ => Err(EvalError::no_overload()),
    }),
    function("dyn", |args| args.first().cloned().ok_or_else(EvalError::no_overload)),
    function("type", |args| match args {
        [value] => Ok(CelValue::Type(value.type_name().into())),
        _ => Err(EvalError::no_overload()),
    }),
];

fn same(args: &[CelValue]) -> Result<bool> {
    match args {
        [one, other] => equal_or_error(one, other),
        _ => Err(EvalError::no_overload()),
    }
}

fn ordered(args: &[CelValue], is: fn(Ordering) -> bool) -> Result<CelValue> {
    match args {
        [one, other] => compare(one, other).map(|order| CelValue::Bool(is(order))),
        _ => Err(EvalError::no_overload()),
    }
}

fn size(value: &CelValue) -> Option<CelValue> {
    i64::try_from(value.len()?).ok().map(CelValue::Int)
}

fn overflow(of: &str) -> EvalError {
    EvalError::new(match of {
        "int" => "integer overflow",
        "uint" => "unsigned integer overflow",
        "duration" => "duration overflow",
        _ => "timestamp overflow",
    })
}

pub(super) fn add(args: &[CelValue]) -> Result<CelValue> {
    use CelValue as V;
    let [one, other] = args else { return Err(EvalError::no_overload()) };
    match (one, other) {
        (V::Int(one), V::Int(other)) => one.checked_add(*other).map(V::Int).ok_or_else(|| overflow("int")),
        (V::Uint(one), V::Uint(other)) => {
            one.checked_add(*other).map(V::Uint).ok_or_else(|| overflow("uint"))
        }
        (V::Double(one), V::Double(other)) => Ok(V::Double(one + other)),
        (V::Str(one), V::Str(other)) => {
            let mut text = one.clone();
            text.push_str(other);
            Ok(V::Str(text))
        }
        (V::Bytes(one), V::Bytes(other)) => {
            let joined: Vec<u8> = one.iter().chain(other.iter()).copied().collect();
            Ok(V::Bytes(joined.into()))
        }
        (V::Duration(one), V::Duration(other)) => {
            one.checked_add(*other).map(V::Duration).ok_or_else(|| overflow("duration"))
        }
        (V::Timestamp(time), V::Duration(nanos)) | (V::Duration(nanos), V::Timestamp(time)) => {
            later(*time, Some(*nanos))
        }
        (_, _) => Err(EvalError::no_overload()),
    }
}

fn later(time: Timestamp, nanos: Option<i64>) -> Result<CelValue> {
    let time = nanos.and_then(|nanos| time.plus(nanos));
    time.map(CelValue::Timestamp).ok_or_else(|| overflow("timestamp"))
}

fn subtract(args: &[CelValue]) -> Result<CelValue> {
    use CelValue as V;
    let [one, other] = args else { return Err(EvalError::no_overload()) };
    match (one, other) {
        (V::Int(one), V::Int(other)) => one.checked_sub(*other).map(V::Int).ok_or_else(|| overflow("int")),
        (V::Uint(one), V::Uint(other)) => {
            one.checked_sub(*other).map(V::Uint).ok_or_else(|| overflow("uint"))
        }
        (V::Double(one), V::Double(other)) => Ok(V::Double(one - other)),
        (V::Duration(one), V::Duration(other)) => {
            one.checked_sub(*other).map(V::Duration).ok_or_else(|| overflow("duration"))
        }
        (V::Timestamp(one), V::Timestamp(other)) => {
            one.minus(*other).map(V::Duration).ok_or_else(|| overflow("duration"))
        }
        (V::Timestamp(time), V::Duration(nanos)) => later(*time, nanos.checked_neg()),
        (_, _) => Err(EvalError::no_overload()),
    }
}

fn multiply(args: &[CelValue]) -> Result<CelValue> {
    use CelValue as V;
    match args {
        [V::Int(one), V::Int(other)] => one.checked_mul(*other).map(V::Int).ok_or_else(|| overflow("int")),
        [V::Uint(one), V::Uint(other)] => {
            one.checked_mul(*other).map(V::Uint).ok_or_else(|| overflow("uint"))
        }
        [V::Double(one), V::Double(other)] => Ok(V::Double(one * other)),
        _ => Err(EvalError::no_overload()),
    }
}

fn divide(args: &[CelValue]) -> Result<CelValue> {
    use CelValue as V;
    match args {
        [V::Int(_), V::Int(0)] | [V::Uint(_), V::Uint(0)] => Err(EvalError::new("division by zero")),
        [V::Int(one), V::Int(other)] => one.checked_div(*other).map(V::Int).ok_or_else(|| overflow("int")),
        [V::Uint(one), V::Uint(other)] => Ok(V::Uint(one / other)),
        [V::Double(one), V::Double(other)] => Ok(V::Double(one / other)),
        _ => Err(EvalError::no_overload()),
    }
}

fn modulo(args: &[CelValue]) -> Result<CelValue> {
    use CelValue as V;
    match args {
        [V::Int(_), V::Int(0)] | [V::Uint(_), V::Uint(0)] => Err(EvalError::new("modulus by zero")),
        [V::Int(one), V::Int(other)] => one.checked_rem(*other).map(V::Int).ok_or_else(|| overflow("int")),
        [V::Uint(one), V::Uint(other)] => Ok(V::Uint(one % other)),
        _ => Err(EvalError::no_overload()),
    }
}

fn negate(args: &[CelValue]) -> Result<CelValue> {
    match args {
        [CelValue::Int(number)] => number.checked_neg().map(CelValue::Int).ok_or_else(|| overflow("int")),
        [CelValue::Double(number)] => Ok(CelValue::Double(-number)),
        _ => Err(EvalError::no_overload()),
    }
}

fn is_in(args: &[CelValue]) -> Result<CelValue> {
    let [element, held] = args else { return Err(EvalError::no_overload()) };
    if let Some(items) = held.elements() {
        return Ok(CelValue::Bool(items.iter().any(|item| equal(item, element))));
    }
    if held.is_map() {
        // Upstream looks below the names within a variable, not for those of the variable itself.
        return Ok(CelValue::Bool(match held {
            CelValue::Identified(held) if !held.is_whole() => held.plain().find(element).is_some(),
            held => held.find(element).is_some(),
        }));
    }
    Err(EvalError::no_overload())
}

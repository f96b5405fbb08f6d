//! Compares what two sides of a filter found.
//! k8s: staging/src/k8s.io/client-go/third_party/forked/golang/template/funcs.go

use super::PathMatch;
use crate::value::Value;
use core::cmp::Ordering;

/// Whether a comparison holds; None if there is none between values of these types, or no such operator.
pub(super) fn compare(left: PathMatch<'_>, operator: &str, right: PathMatch<'_>) -> Option<bool> {
    let (left, right) = (Basic::of(left)?, Basic::of(right)?);
    match operator {
        "==" => left.equals(&right),
        "!=" => left.equals(&right).map(|equal| !equal),
        "<" => left.order(&right).map(Ordering::is_lt),
        "<=" => left.order(&right).map(Ordering::is_le),
        ">" => left.order(&right).map(Ordering::is_gt),
        ">=" => left.order(&right).map(Ordering::is_ge),
        _ => None,
    }
}

/// A value that can be compared.
enum Basic<'v> {
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(&'v str),
}

impl<'v> Basic<'v> {
    fn of(found: PathMatch<'v>) -> Option<Self> {
        match found {
            PathMatch::Int(number) => Some(Self::Int(number)),
            PathMatch::Byte(byte) => Some(Self::Int(byte.into())),
            PathMatch::Value(Value::Bool(truth)) => Some(Self::Bool(*truth)),
            PathMatch::Value(Value::Int(number)) => Some(Self::Int(*number)),
            PathMatch::Value(Value::Float(number)) => Some(Self::Float(number.to_f64())),
            PathMatch::Value(Value::Str(text)) => Some(Self::Str(text)),
            PathMatch::Value(Value::Null | Value::List(_) | Value::Map(_) | Value::Json(_)) => None,
        }
    }

    /// None for values of two types. A whole number is of another type than one with a point.
    fn equals(&self, other: &Self) -> Option<bool> {
        match (self, other) {
            (Self::Bool(one), Self::Bool(other)) => Some(one == other),
            _ => self.order(other).map(Ordering::is_eq),
        }
    }

    /// None for values of two types, and for truths.
    fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Int(one), Self::Int(other)) => Some(one.cmp(other)),
            (Self::Float(one), Self::Float(other)) => one.partial_cmp(other),
            (Self::Str(one), Self::Str(other)) => Some(one.cmp(other)),
            _ => None,
        }
    }
}

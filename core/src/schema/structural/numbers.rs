//! Bounds of numbers, as upstream's validator compares and reports them: whole numbers as such, others as floating
//! point.
//! k8s: vendor/k8s.io/kube-openapi/pkg/validation/validate/{validator,values}.go

use super::validate::{Complaint, Findings};
use super::{Format, Limit, SchemaType, ValueBounds};
use crate::codec::json;
use crate::value::Value;
use crate::value::number::go_float;
use alloc::format;

/// A number of an object.
#[derive(Clone, Copy)]
pub(super) enum Number {
    Whole(i64),
    Real(f64),
}

impl Number {
    pub(super) fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Int(number) => Some(Self::Whole(*number)),
            Value::Float(number) => Some(Self::Real(number.to_f64())),
            Value::Null
            | Value::Bool(_)
            | Value::Str(_)
            | Value::List(_)
            | Value::Map(_)
            | Value::Json(_) => None,
        }
    }
}

/// Whether a number is whole, or differs from a whole one by no more than rounding.
/// k8s: vendor/github.com/go-openapi/swag/conv/convert.go IsFloat64AJSONInteger
pub(super) fn is_whole(number: f64) -> bool {
    const SAFE_MAX: f64 = 9_007_199_254_740_991.0;
    const EPSILON: f64 = 1e-9;
    if !(-SAFE_MAX..=SAFE_MAX).contains(&number) {
        return false;
    }
    let half = if number < 0.0 { -0.5 } else { 0.5 };
    let rounded = (number + half) as i64 as f64;
    number == rounded || rounded != 0.0 && magnitude(number - rounded) < EPSILON * magnitude(rounded)
}

fn magnitude(number: f64) -> f64 {
    if number < 0.0 { -number } else { number }
}

/// Checks a number against the bounds of its schema.
pub(super) fn check(bounds: &ValueBounds, kind: Option<SchemaType>, value: &Value, path: &str) -> Findings {
    let mut found = Findings::default();
    let Some(number) = Number::of(value) else { return found };
    let range = Range { kind, format: bounds.format.as_ref() };
    found.add(range.complaint(number, "Checked", path));
    if let Some(factor) = bounds.multiple_of {
        let mut inner = Findings::default();
        let outside = range.complaint(Number::Real(factor), "MultipleOf", path);
        let compared = if outside.is_some() { Number::Real(real(number)) } else { number };
        inner.add(outside);
        inner.add(multiple_of(compared, factor, value, path));
        found.merge(inner);
    }
    if let Some(limit) = bounds.minimum {
        found.merge(bound(&range, number, limit, Side::Minimum, value, path));
    }
    if let Some(limit) = bounds.maximum {
        found.merge(bound(&range, number, limit, Side::Maximum, value, path));
    }
    found.count();
    found
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Minimum,
    Maximum,
}

/// The numbers of a type and a format.
struct Range<'a> {
    kind: Option<SchemaType>,
    format: Option<&'a Format>,
}

impl Range<'_> {
    fn complaint(&self, number: Number, what: &str, path: &str) -> Option<Complaint> {
        let is_integer = self.kind == Some(SchemaType::Integer);
        let (fits, format) = match (is_integer, self.format) {
            (true, Some(Format::Int32)) => {
                (whole(number).is_some_and(|at| i32::try_from(at).is_ok()), "int32")
            }
            (true, Some(Format::Int64)) => (whole(number).is_some(), "int64"),
            (true, _) => (whole(number).is_some(), ""),
            (false, Some(Format::Float)) if self.kind == Some(SchemaType::Number) => {
                (magnitude(real(number)) <= f64::from(f32::MAX), "float")
            }
            (false, _) => (true, ""),
        };
        if fits {
            return None;
        }
        let kind = self.kind.map_or("", SchemaType::word);
        Some(Complaint::bare(if format.is_empty() {
            format!("{what} value must be of type {kind} (default format) in {path}")
        } else {
            format!("{what} value must be of type {kind} with format {format} in {path}")
        }))
    }
}

fn real(number: Number) -> f64 {
    match number {
        Number::Whole(number) => number as f64,
        Number::Real(number) => number,
    }
}

/// The number as 64 bits; None if it has a fraction or is too large.
fn whole(number: Number) -> Option<i64> {
    match number {
        Number::Whole(number) => Some(number),
        Number::Real(number) => {
            let truncated = number as i64;
            let fits = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&number);
            (fits && truncated as f64 == number).then_some(truncated)
        }
    }
}

fn bound(range: &Range<'_>, number: Number, limit: Limit, side: Side, value: &Value, path: &str) -> Findings {
    let mut found = Findings::default();
    let what = match side {
        Side::Minimum => "Minimum boundary",
        Side::Maximum => "Maximum boundary",
    };
    let outside = range.complaint(Number::Real(limit.at), what, path);
    let number = if outside.is_some() { Number::Real(real(number)) } else { number };
    found.add(outside);
    // A whole number is compared with the bound cut to a whole one.
    let (is_outside, shown) = match number {
        Number::Whole(number) => {
            let at = limit.at as i64;
            (beyond(&number, &at, limit.exclusive, side), format!("{at}"))
        }
        Number::Real(number) => (beyond(&number, &limit.at, limit.exclusive, side), go_float(limit.at)),
    };
    if is_outside {
        let relation = match (side, limit.exclusive) {
            (Side::Minimum, false) => "greater than or equal to",
            (Side::Minimum, true) => "greater than",
            (Side::Maximum, false) => "less than or equal to",
            (Side::Maximum, true) => "less than",
        };
        let message = format!("{path} in body should be {relation} {shown}");
        found.add(Some(Complaint::of_value(path, value, message)));
    }
    found
}

fn beyond<T: PartialOrd>(number: &T, limit: &T, exclusive: bool, side: Side) -> bool {
    match side {
        Side::Minimum => number < limit || exclusive && number == limit,
        Side::Maximum => number > limit || exclusive && number == limit,
    }
}

fn multiple_of(number: Number, factor: f64, value: &Value, path: &str) -> Option<Complaint> {
    let (is_positive, is_multiple, shown) = match number {
        Number::Whole(number) => {
            let factor = factor as i64;
            (factor > 0, factor > 0 && number.checked_rem(factor) == Some(0), format!("{factor}"))
        }
        Number::Real(number) => {
            let times = if factor < 1.0 { 1.0 / factor * number } else { number / factor };
            (factor > 0.0, factor > 0.0 && is_whole(times), go_float(factor))
        }
    };
    if !is_positive {
        let message = format!("factor MultipleOf declared for {path} must be positive: {shown}");
        let factor = json::number(&shown).unwrap_or_else(|| value.clone());
        return Some(Complaint::of_value(path, &factor, message));
    }
    let message = || format!("{path} in body should be a multiple of {shown}");
    (!is_multiple).then(|| Complaint::of_value(path, value, message()))
}

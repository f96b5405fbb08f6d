//! Quantities.
//! k8s: staging/src/k8s.io/apiserver/pkg/cel/library/quantity.go

use super::natives::{native, of};
use super::{Function, Result, function};
use crate::cel::eval::{CelValue, EvalError};
use crate::value::quantity::Quantity;
use core::cmp::Ordering;

/// A quantity, which is equal to another one of the same number.
#[derive(Clone, Debug)]
struct Amount(Quantity);

impl PartialEq for Amount {
    fn eq(&self, other: &Self) -> bool {
        self.0.compare(&other.0) == Ordering::Equal
    }
}

pub(super) const FUNCTIONS: &[Function] = &[
    function("quantity", |args| match args {
        [CelValue::Str(text)] => {
            Quantity::parse(text).map(amount).map_err(|error| EvalError::new(error.message()))
        }
        _ => Err(EvalError::no_overload()),
    }),
    function("isQuantity", |args| match args {
        [CelValue::Str(text)] => Ok(CelValue::Bool(Quantity::parse(text).is_ok())),
        _ => Err(EvalError::no_overload()),
    }),
    function("asInteger", |args| {
        let number = whole(held(args.first())?);
        number.map(CelValue::Int).ok_or_else(|| EvalError::new("cannot convert value to integer"))
    }),
    function("asApproximateFloat", |args| Ok(CelValue::Double(held(args.first())?.to_f64()))),
    function("isInteger", |args| Ok(CelValue::Bool(whole(held(args.first())?).is_some()))),
    function("sign", |args| {
        let sign = held(args.first())?.signum();
        Ok(CelValue::Int(i64::try_from(sign.signum()).unwrap_or(0)))
    }),
    function("add", |args| join(args, Quantity::add)),
    function("sub", |args| join(args, Quantity::sub)),
];

fn amount(quantity: Quantity) -> CelValue {
    native("kubernetes.Quantity", Amount(quantity))
}

fn held(value: Option<&CelValue>) -> Result<&Quantity> {
    value.and_then(of::<Amount>).map(|amount| &amount.0).ok_or_else(EvalError::no_overload)
}

/// The number of a quantity that is whole and fits.
fn whole(quantity: &Quantity) -> Option<i64> {
    let number = quantity.to_i64()?;
    (quantity.compare(&Quantity::from_int(number)) == Ordering::Equal).then_some(number)
}

/// The order of two quantities; None for other values.
pub(super) fn compare(one: &CelValue, other: &CelValue) -> Option<Ordering> {
    Some(of::<Amount>(one)?.0.compare(&of::<Amount>(other)?.0))
}

fn join(args: &[CelValue], how: fn(&Quantity, &Quantity) -> Option<Quantity>) -> Result<CelValue> {
    let one = held(args.first())?;
    let whole;
    let other = match args.get(1) {
        Some(CelValue::Int(number)) => {
            whole = Quantity::from_int(*number);
            &whole
        }
        other => held(other)?,
    };
    // A sum that is too large to be held stays what it was.
    Ok(amount(how(one, other).unwrap_or_else(|| one.clone())))
}

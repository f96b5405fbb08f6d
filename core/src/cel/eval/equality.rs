//! Which values are equal, and which comes first.
//! cel-go: common/types/util.go, compare.go

use super::value::{CelValue, EvalError};
use core::cmp::Ordering;

/// Whether two values are equal. Values that cannot be compared are not.
pub(crate) fn equal(one: &CelValue, other: &CelValue) -> bool {
    equal_or_error(one, other).unwrap_or(false)
}

/// Whether two values are equal. Numbers of all types are compared by what they are; values of other types that differ
/// are not equal. How lists and maps of objects are compared, the first one tells.
///
/// # Errors
/// The values cannot be compared. Only those that a schema types are so particular.
#[allow(clippy::float_cmp, reason = "equality of numbers is what is asked for")]
pub(crate) fn equal_or_error(one: &CelValue, other: &CelValue) -> Result<bool, EvalError> {
    use CelValue as V;
    // Upstream takes an error in a list or a map for a value that does not differ.
    let differs = |one: &CelValue, other: &CelValue| matches!(equal_or_error(one, other), Ok(false));
    Ok(match (one, other) {
        (V::Failed(error), _) => return Err((**error).clone()),
        (_, V::Null) | (V::Null, _) => matches!((one, other), (V::Null, V::Null)),
        (V::TypedList(list), _) => return list.equal(other),
        (V::TypedMap(map), _) => return map.equal(other),
        (V::Preserved(held), _) => other.raw().is_some_and(|data| data == *held),
        (V::Bool(one), V::Bool(other)) => one == other,
        (V::Double(one), V::Double(other)) => one == other,
        (V::Int(_) | V::Uint(_) | V::Double(_), V::Int(_) | V::Uint(_) | V::Double(_)) => {
            compare_numbers(one, other) == Some(Ordering::Equal)
        }
        (V::Str(one), V::Str(other)) | (V::Type(one), V::Type(other)) => one == other,
        (V::Bytes(one), V::Bytes(other)) => one == other,
        (V::Timestamp(one), V::Timestamp(other)) => one == other,
        (V::Duration(one), V::Duration(other)) => one == other,
        (V::Optional(one), V::Optional(other)) => match (one, other) {
            (None, None) => true,
            (Some(one), Some(other)) => return equal_or_error(one, other),
            (None, Some(_)) | (Some(_), None) => false,
        },
        (V::Object(one), V::Object(other)) => one.is_equal(other),
        (V::Native(one), V::Native(other)) => one.is_equal(other.as_ref()),
        (V::List(_) | V::Data(_) | V::Identified(_), _) if one.is_list() && other.is_list() => {
            let length = one.len();
            length == other.len()
                && (0..length.unwrap_or(0)).all(|index| match (one.nth(index), other.nth(index)) {
                    (Some(one), Some(other)) => !differs(&one, &other),
                    _ => false,
                })
        }
        (V::Map(_) | V::Data(_) | V::Identified(_), _) if one.is_map() && other.is_map() => {
            one.len() == other.len()
                && one
                    .entries()
                    .unwrap_or_default()
                    .iter()
                    .all(|(key, value)| other.find(key).is_some_and(|held| !differs(value, &held)))
        }
        (_, _) => false,
    })
}

fn compare_numbers(one: &CelValue, other: &CelValue) -> Option<Ordering> {
    use CelValue as V;
    Some(match (one, other) {
        (V::Int(one), V::Int(other)) => one.cmp(other),
        (V::Uint(one), V::Uint(other)) => one.cmp(other),
        (V::Int(one), V::Uint(other)) => i128::from(*one).cmp(&i128::from(*other)),
        (V::Uint(one), V::Int(other)) => i128::from(*one).cmp(&i128::from(*other)),
        (V::Double(one), V::Double(other)) => one.partial_cmp(other)?,
        (V::Double(one), V::Int(other)) => compare_double(*one, i128::from(*other))?,
        (V::Double(one), V::Uint(other)) => compare_double(*one, i128::from(*other))?,
        (V::Int(one), V::Double(other)) => compare_double(*other, i128::from(*one))?.reverse(),
        (V::Uint(one), V::Double(other)) => compare_double(*other, i128::from(*one))?.reverse(),
        (_, _) => return None,
    })
}

/// Upstream compares with the number as a double, if the double is within its range.
#[allow(clippy::cast_precision_loss, reason = "as upstream")]
fn compare_double(double: f64, number: i128) -> Option<Ordering> {
    double.partial_cmp(&(number as f64))
}

/// The order of two values of types that have one.
///
/// # Errors
/// For other types, and for what is not a number.
pub(crate) fn compare(one: &CelValue, other: &CelValue) -> Result<Ordering, EvalError> {
    use CelValue as V;
    let is_nan = |value: &CelValue| matches!(value, V::Double(number) if number.is_nan());
    Ok(match (one, other) {
        (V::Bool(one), V::Bool(other)) => one.cmp(other),
        (V::Str(one), V::Str(other)) => one.as_bytes().cmp(other.as_bytes()),
        (V::Bytes(one), V::Bytes(other)) => one.cmp(other),
        (V::Timestamp(one), V::Timestamp(other)) => one.cmp(other),
        (V::Duration(one), V::Duration(other)) => one.cmp(other),
        (V::Int(_) | V::Uint(_) | V::Double(_), V::Int(_) | V::Uint(_) | V::Double(_)) => {
            if is_nan(one) || is_nan(other) {
                return Err(EvalError::new("NaN values cannot be ordered"));
            }
            return compare_numbers(one, other).ok_or_else(EvalError::no_overload);
        }
        (_, _) => return Err(EvalError::no_overload()),
    })
}

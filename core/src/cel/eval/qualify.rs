//! Fields of objects and elements of lists and maps.
//! cel-go: interpreter/attributes.go refQualify

use super::value::{CelValue, EvalError};
use alloc::format;

type Result<T> = core::result::Result<T, EvalError>;

/// A field, an element of a list or a value of a map.
///
/// # Errors
/// It is not there.
pub(super) fn qualify(of: &CelValue, key: &CelValue) -> Result<CelValue> {
    let is_list = of.is_list();
    match find(of, key)? {
        Some(value) => Ok(value),
        None if is_list => Err(EvalError::new(format!("index out of bounds: {}", key.shown()))),
        None => Err(EvalError::new(format!("no such key: {}", key.shown()))),
    }
}

/// The same, or None for what is not there.
///
/// # Errors
/// What is asked for cannot be asked of such a value, or is there and has no value.
pub(super) fn find(of: &CelValue, key: &CelValue) -> Result<Option<CelValue>> {
    if let CelValue::Failed(error) = of {
        return Err((**error).clone());
    }
    if !is_key(key) {
        return Err(EvalError::new(format!("invalid qualifier type: {}", key.type_name())));
    }
    let found = if of.is_list() {
        let index = whole(key).ok_or_else(|| unusable(key))?;
        usize::try_from(index).ok().and_then(|index| of.nth(index))
    } else {
        of.find(key)
    };
    found.map(CelValue::checked).transpose()
}

fn is_key(key: &CelValue) -> bool {
    use CelValue as V;
    matches!(key, V::Str(_) | V::Int(_) | V::Uint(_) | V::Bool(_) | V::Double(_))
}

fn unusable(index: &CelValue) -> EvalError {
    EvalError::new(match index {
        CelValue::Uint(_) | CelValue::Double(_) => {
            format!("unsupported index value {} in list", index.shown())
        }
        _ => format!("unsupported index type '{}' in list", index.type_name()),
    })
}

/// A number that is whole, of any type.
fn whole(value: &CelValue) -> Option<i64> {
    match value {
        CelValue::Int(number) => Some(*number),
        CelValue::Uint(number) => i64::try_from(*number).ok(),
        #[allow(clippy::cast_possible_truncation, clippy::float_cmp, reason = "checked by the comparison")]
        #[allow(clippy::cast_precision_loss, reason = "checked by the comparison")]
        CelValue::Double(number) => {
            let whole = *number as i64;
            (whole as f64 == *number).then_some(whole)
        }
        _ => None,
    }
}

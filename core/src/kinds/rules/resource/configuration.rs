//! Parameters for drivers, and selectors of devices.
//! k8s: pkg/apis/resource/validation/validation.go

use super::naming::is_short;
use crate::expressions::compile_device_selector;
use crate::kinds::validation::{Errors, Located, validate_driver_name};
use crate::value::{Type, Value};

const MAX_SELECTORS: usize = 32;
const EXPRESSION_BYTES: usize = 10 * 1024;
const EXPRESSION_COST: u64 = 1_000_000;
const PARAMETERS_BYTES: usize = 10 * 1024;
const DATA_BYTES: usize = 10 * 1024;

pub(super) fn validate_selectors(selectors: &Located<'_, '_>, errors: &mut Errors) {
    if !is_short(selectors, MAX_SELECTORS, errors) {
        return;
    }
    for selector in selectors.items() {
        let cel = selector.member("cel");
        if !cel.is_set() {
            errors.required(&cel, "");
            continue;
        }
        let expression = cel.member("expression");
        if expression.len() > EXPRESSION_BYTES {
            errors.too_long(&expression, EXPRESSION_BYTES);
            continue;
        }
        match compile_device_selector(expression.text()) {
            Ok(cost) if cost > EXPRESSION_COST => {
                errors.forbidden(&expression, "too complex, exceeds cost limit");
            }
            Ok(_) => {}
            Err(why) => errors.invalid(&expression, &why),
        }
    }
}

/// `holder` has the parameters of one driver. Parameters that were stored before may be longer.
pub(super) fn validate_configuration(holder: &Located<'_, '_>, stored: bool, errors: &mut Errors) {
    let opaque = holder.member("opaque");
    if !opaque.is_set() {
        errors.required(&opaque, "");
        return;
    }
    validate_driver_name(&opaque.member("driver"), errors);
    let max_bytes = if stored { usize::MAX } else { PARAMETERS_BYTES };
    validate_raw(&opaque.member("parameters"), max_bytes, errors);
}

/// What a driver says of its device, which may be absent.
pub(super) fn validate_device_data(data: &Located<'_, '_>, errors: &mut Errors) {
    if data.is_set() {
        validate_raw(data, DATA_BYTES, errors);
    }
}

/// Raw JSON, which must be an object.
fn validate_raw(raw: &Located<'_, '_>, max_bytes: usize, errors: &mut Errors) {
    let Some(value) = raw.value() else {
        errors.required(raw, "");
        return;
    };
    let bytes = match value {
        Value::Json(text) => text.len(),
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::Str(_)
        | Value::List(_)
        | Value::Map(_) => crate::codec::json::to_string(value).len(),
    };
    if bytes > max_bytes {
        errors.too_long(raw, max_bytes);
    } else if value.type_of() == Type::Null {
        errors.required(raw, "");
    } else if value.type_of() != Type::Object {
        errors.invalid_value(raw, "<value omitted>", "must be a valid JSON object");
    }
}

//! Objects whose owners marked them immutable.
//! k8s: pkg/apis/core/validation/validation.go ValidateSecretUpdate, ValidateConfigMapUpdate

use crate::kinds::validation::{Errors, Located};
use crate::value::Value;

/// Problems of a change to an object that its owner marked `immutable`.
pub(super) fn validate_immutable(
    object: &Located<'_, '_>,
    old: &Value,
    fields: &[&'static str],
    errors: &mut Errors,
) {
    const DETAIL: &str = "field is immutable when `immutable` is set";
    let old = Located::root(old);
    if !old.member("immutable").bool() {
        return;
    }
    let marked = object.member("immutable");
    if !marked.bool() {
        errors.forbidden(&marked, DETAIL);
    }
    for field in fields.iter().copied() {
        let new = object.member(field);
        if new.value() != old.member(field).value() {
            errors.forbidden(&new, DETAIL);
        }
    }
}

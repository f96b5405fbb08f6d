//! Fields that never change again: of objects marked immutable, and of any object.
//! k8s: pkg/apis/core/validation/validation.go, staging/src/k8s.io/apimachinery/pkg/api/validation

use crate::kinds::validation::{Errors, Located};
use crate::value::Value;

/// The sentence about a field that never changes.
const IMMUTABLE: &str = "field is immutable";

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

/// The problem of a change to a field, at a path of the object, that never changes.
pub(super) fn validate_same(
    object: &Located<'_, '_>,
    old: &Value,
    names: &'static [&'static str],
    errors: &mut Errors,
) {
    let new = object.at(names);
    if new.value() != Located::root(old).at(names).value() {
        errors.invalid(&new, IMMUTABLE);
    }
}

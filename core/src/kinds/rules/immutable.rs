//! Fields that never change again: of objects marked immutable, and of any object.
//! k8s: pkg/apis/core/validation/validation.go, staging/src/k8s.io/apimachinery/pkg/api/validation

use crate::status::{Causes, Path};
use crate::value::Value;

/// The sentence about a field that never changes.
const IMMUTABLE: &str = "field is immutable";

/// Problems of a change to an object that its owner marked `immutable`.
pub(super) fn validate_immutable(object: &Value, old: &Value, fields: &[&str], causes: &mut Causes) {
    let marked = |object: &Value| object.field("immutable").and_then(Value::as_bool) == Some(true);
    if !marked(old) {
        return;
    }
    const DETAIL: &str = "field is immutable when `immutable` is set";
    if !marked(object) {
        causes.forbidden(&Path::new("immutable"), DETAIL);
    }
    for field in fields {
        if object.field(field) != old.field(field) {
            causes.forbidden(&Path::new(field), DETAIL);
        }
    }
}

/// The problem of a change to a field, at a path of the object, that never changes.
pub(super) fn validate_same(object: &Value, old: &Value, fields: &[&str], causes: &mut Causes) {
    let value = object.at(fields);
    if value != old.at(fields) {
        let path = fields.iter().fold(Path::root(), |path, field| path.child(field));
        causes.invalid(&path, value.unwrap_or(&Value::Null), IMMUTABLE);
    }
}

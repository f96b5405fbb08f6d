//! ControllerRevisions.
//! k8s: pkg/registry/apps/controllerrevision/strategy.go, pkg/apis/apps/validation/validation.go

use super::immutable::validate_same;
use crate::kinds::Rules;
use crate::status::{Causes, Path};
use crate::value::Value;

pub static RULES: Rules = Rules { validate, validate_update, ..Rules::PLAIN };

fn validate(object: &Value, causes: &mut Causes) {
    if object.field("data").is_none_or(Value::is_null) {
        causes.required(&Path::new("data"), "data is mandatory");
    }
    let revision = object.field("revision").and_then(Value::as_int).unwrap_or(0);
    if revision < 0 {
        causes.invalid(&Path::new("revision"), &Value::Int(revision), "must be greater than or equal to 0");
    }
}

fn validate_update(object: &Value, old: &Value, causes: &mut Causes) {
    validate(object, causes);
    validate_same(object, old, &["data"], causes);
}

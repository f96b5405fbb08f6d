//! ControllerRevisions.
//! k8s: pkg/registry/apps/controllerrevision/strategy.go, pkg/apis/apps/validation/validation.go

use super::immutable::validate_same;
use crate::kinds::validation::{Errors, Located};
use crate::kinds::{Facts, Rules, Strategy};

pub static RULES: Rules =
    Rules { validate, update: Strategy { validate_update, ..Strategy::PLAIN }, ..Rules::PLAIN };

fn validate(object: &Located<'_, '_>, _facts: &Facts<'_>, errors: &mut Errors) {
    let (data, revision) = (object.member("data"), object.member("revision"));
    if !data.is_set() {
        errors.required(&data, "data is mandatory");
    }
    if revision.int() < 0 {
        errors.invalid(&revision, "must be greater than or equal to 0");
    }
}

fn validate_update(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    validate(object, facts, errors);
    validate_same(object, facts.old, &["data"], errors);
}

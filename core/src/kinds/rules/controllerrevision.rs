//! ControllerRevisions.
//! k8s: pkg/registry/apps/controllerrevision/strategy.go, pkg/apis/apps/validation/validation.go

use crate::kinds::validation::{Errors, Located, validate_immutable_field, validate_nonnegative_field};
use crate::kinds::{Facts, Rules, Strategy};

pub static RULES: Rules =
    Rules { validate, update: Strategy { validate_update, ..Strategy::PLAIN }, ..Rules::PLAIN };

fn validate(object: &Located<'_, '_>, _facts: &Facts<'_>, errors: &mut Errors) {
    let data = object.member("data");
    if !data.is_set() {
        errors.required(&data, "data is mandatory");
    }
    validate_nonnegative_field(&object.member("revision"), errors);
}

fn validate_update(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    validate(object, facts, errors);
    validate_immutable_field(&object.member("data"), &Located::root(facts.old).member("data"), errors);
}

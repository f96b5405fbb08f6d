//! ControllerRevisions.
//! k8s: pkg/registry/apps/controllerrevision/strategy.go, pkg/apis/apps/validation/validation.go

use crate::kinds::metadata::validate_built_in;
use crate::kinds::validation::{Errors, Located, validate_immutable_field, validate_nonnegative_field};
use crate::kinds::{Facts, Rules, Strategy};
use crate::value::{Type, Value, names};

pub static RULES: Rules =
    Rules { validate, update: Strategy { validate_update, ..Strategy::PLAIN }, ..Rules::PLAIN };

fn validate(object: &Located<'_, '_>, _facts: &Facts<'_>, errors: &mut Errors) {
    validate_nonnegative_field(&object.member("revision"), errors);
    let data = object.member("data");
    match data.value().map(Value::type_of) {
        None | Some(Type::Null) => errors.required(&data, "data is mandatory"),
        Some(Type::Object) => {}
        Some(Type::Bool | Type::Number | Type::String | Type::Array) => {
            errors.required(&data, "data must be a valid JSON object");
        }
    }
}

fn validate_update(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    // Upstream looks at the metadata of an update once more.
    validate_built_in(object, true, names::dns_subdomain, errors);
    validate_nonnegative_field(&object.member("revision"), errors);
    validate_immutable_field(&object.member("data"), &Located::root(facts.old).member("data"), errors);
}

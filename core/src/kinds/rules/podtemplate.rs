//! PodTemplates.
//! k8s: pkg/registry/core/podtemplate/strategy.go

use super::fill::each;
use super::{pod, warnings};
use crate::kinds::validation::{Errors, Located};
use crate::kinds::{Facts, Generation, Rules, Strategy};
use crate::value::Value;
use alloc::string::String;
use alloc::vec::Vec;

pub static RULES: Rules = Rules {
    default,
    prepare_for_create: drop_disabled,
    validate,
    warnings_on_create: warn,
    update: Strategy {
        prepare_for_update: drop_disabled,
        validate_update: validate,
        warnings_on_update,
        ..Strategy::PLAIN
    },
    generation: Generation::Spec,
    returns_deleted: true,
    ..Rules::PLAIN
};

fn default(object: &mut Value) {
    each(object, &["template"], &mut pod::default_template);
}

fn drop_disabled(object: &mut Value, facts: &Facts<'_>) {
    let old = facts.old.field("template").unwrap_or(&Value::Null);
    each(object, &["template"], &mut |template| pod::drop_disabled_fields(template, old));
}

fn validate(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    pod::validation::validate_pod_template_spec(&object.member("template"), facts, errors);
}

fn warn(object: &Located<'_, '_>, _facts: &Facts<'_>, warnings: &mut Vec<String>) {
    pod::warnings::template(&object.member("template"), warnings);
}

fn warnings_on_update(object: &Located<'_, '_>, facts: &Facts<'_>, warnings: &mut Vec<String>) {
    if warnings::is_new_generation(object, facts) {
        warn(object, facts, warnings);
    }
}

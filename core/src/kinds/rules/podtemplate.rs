//! PodTemplates.
//! k8s: pkg/registry/core/podtemplate/strategy.go

use super::fill::each;
use super::{pod, warnings};
use crate::kinds::validation::Located;
use crate::kinds::{Facts, Generation, Rules, Strategy};
use crate::value::Value;
use alloc::string::String;
use alloc::vec::Vec;

pub static RULES: Rules = Rules {
    default,
    warnings_on_create: warn,
    update: Strategy { warnings_on_update, ..Strategy::PLAIN },
    generation: Generation::Spec,
    returns_deleted: true,
    ..Rules::PLAIN
};

fn default(object: &mut Value) {
    each(object, &["template"], &mut pod::default_template);
}

fn warn(object: &Located<'_, '_>, _facts: &Facts<'_>, warnings: &mut Vec<String>) {
    pod::warnings::template(&object.member("template"), warnings);
}

fn warnings_on_update(object: &Located<'_, '_>, facts: &Facts<'_>, warnings: &mut Vec<String>) {
    if warnings::is_new_generation(object, facts) {
        warn(object, facts, warnings);
    }
}

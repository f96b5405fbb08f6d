//! PodTemplates.
//! k8s: pkg/registry/core/podtemplate/strategy.go

use super::fill::each;
use super::{pod_spec, warnings};
use crate::kinds::{Generation, Rules};
use crate::value::{Value, object};
use alloc::string::String;
use alloc::vec::Vec;

pub static RULES: Rules =
    Rules { default, warnings: warn, generation: Generation::Spec, returns_deleted: true, ..Rules::PLAIN };

fn default(object: &mut Value) {
    each(object, &["template"], &mut pod_spec::default_template);
}

fn warn(object: &Value, old: Option<&Value>) -> Vec<String> {
    let same = old.is_some_and(|old| object::generation(old) == object::generation(object));
    if same { Vec::new() } else { warnings::pod::template(object, &["template"]) }
}

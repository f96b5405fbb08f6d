//! PodTemplates.
//! k8s: pkg/registry/core/podtemplate/strategy.go

use super::fill::each;
use super::pod_spec;
use crate::kinds::{Generation, Rules};
use crate::value::Value;

pub static RULES: Rules =
    Rules { default, generation: Generation::Spec, returns_deleted: true, ..Rules::PLAIN };

fn default(object: &mut Value) {
    each(object, &["template"], &mut pod_spec::default_template);
}

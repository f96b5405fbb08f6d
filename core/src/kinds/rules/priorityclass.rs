//! PriorityClasses.
//! k8s: pkg/registry/scheduling/priorityclass/strategy.go, pkg/apis/scheduling/v1/defaults.go

use super::fill::{Default, Fill, fill};
use crate::kinds::{Generation, Rules};
use crate::value::Value;

pub static RULES: Rules = Rules { default, generation: Generation::AtCreation, ..Rules::PLAIN };

const DEFAULTS: &[Default] = &[(&[], "preemptionPolicy", Fill::Text("PreemptLowerPriority"))];

fn default(object: &mut Value) {
    fill(object, DEFAULTS);
}

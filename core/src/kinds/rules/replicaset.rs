//! ReplicaSets.
//! k8s: pkg/registry/apps/replicaset/strategy.go, pkg/apis/apps/v1/defaults.go

use super::fill::{Default, Fill, each, fill};
use super::{pod_spec, status, warnings};
use crate::kinds::{Generation, Rules};
use crate::value::Value;

pub static RULES: Rules =
    Rules { default, warnings: warnings::pod::named_workload, generation: Generation::Spec, ..status::SPLIT };

const DEFAULTS: &[Default] = &[(&["spec"], "replicas", Fill::Int(1))];

fn default(object: &mut Value) {
    fill(object, DEFAULTS);
    each(object, &["spec", "template"], &mut pod_spec::default_template);
}

//! ReplicaSets.
//! k8s: pkg/registry/apps/replicaset/strategy.go, pkg/apis/apps/v1/defaults.go

use super::fill::{Default, Fill, each, fill};
use super::{pod, status};
use crate::kinds::{Generation, Rules, Strategy};
use crate::value::Value;

pub static RULES: Rules = Rules {
    default,
    warnings_on_create: pod::warnings::named_workload,
    update: UPDATE,
    subresources: &[("scale", UPDATE), ("status", status::STATUS)],
    generation: Generation::Spec,
    ..status::SPLIT
};

const UPDATE: Strategy = Strategy { warnings_on_update: pod::warnings::changed_workload, ..status::UPDATE };

const DEFAULTS: &[Default] = &[(&["spec"], "replicas", Fill::Int(1))];

fn default(object: &mut Value) {
    fill(object, DEFAULTS);
    each(object, &["spec", "template"], &mut pod::default_template);
}

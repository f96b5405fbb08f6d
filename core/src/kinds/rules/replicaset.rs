//! ReplicaSets.
//! k8s: pkg/registry/apps/replicaset/strategy.go, pkg/apis/apps/v1/defaults.go, pkg/apis/apps/validation/validation.go

use super::fill::{Default, Fill, each, fill};
use super::workload::{
    self, validate_immutable_selector, validate_replica_status, validate_selected_template,
};
use super::{pod, status};
use crate::kinds::validation::{Errors, Located, validate_nonnegative_field};
use crate::kinds::{Facts, Generation, Rules, Strategy};
use crate::value::Value;

pub static RULES: Rules = Rules {
    default,
    prepare_for_create: workload::prepare_for_create,
    validate,
    warnings_on_create: pod::warnings::named_workload,
    update: UPDATE,
    subresources: &[("scale", UPDATE), ("status", STATUS)],
    generation: Generation::Spec,
    ..status::SPLIT
};

const UPDATE: Strategy = Strategy {
    prepare_for_update: workload::prepare_for_update,
    validate_update,
    warnings_on_update: pod::warnings::changed_workload,
    ..status::UPDATE
};

const STATUS: Strategy = Strategy { validate_update: validate_replica_status, ..status::STATUS };

const DEFAULTS: &[Default] = &[(&["spec"], "replicas", Fill::Int(1))];

fn default(object: &mut Value) {
    fill(object, DEFAULTS);
    each(object, &["spec", "template"], &mut pod::default_template);
}

fn validate(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    let spec = object.member("spec");
    validate_nonnegative_field(&spec.member("replicas"), errors);
    validate_nonnegative_field(&spec.member("minReadySeconds"), errors);
    validate_selected_template(&spec, facts, errors);
}

fn validate_update(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    validate(object, facts, errors);
    validate_immutable_selector(object, facts, errors);
}

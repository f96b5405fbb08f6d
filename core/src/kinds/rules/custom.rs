//! The kinds that come at run time, as far as their rules need no schema.
//! k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/registry/customresource/strategy.go, status_strategy.go

use super::status;
use crate::kinds::{Facts, Generation, ResetFields, Rules, Strategy};
use crate::value::Value;

/// Kinds without a status of its own.
pub static WHOLE: Rules = Rules {
    generation: Generation::Spec,
    allow_unconditional_update: false,
    standard_finalizers: false,
    subresources: &[("scale", Strategy::PLAIN)],
    ..Rules::PLAIN
};

/// Kinds whose status is written through a subresource only.
pub static SPLIT: Rules = Rules {
    generation: Generation::Spec,
    allow_unconditional_update: false,
    standard_finalizers: false,
    subresources: &[("scale", Strategy::PLAIN), ("status", STATUS)],
    ..status::SPLIT
};

const STATUS: Strategy = Strategy {
    prepare_for_update: take_status,
    reset_fields: ResetFields::AllBut(&[&["status"]]),
    ..Strategy::PLAIN
};

/// A writer of the status changes nothing else but the managed fields.
fn take_status(object: &mut Value, facts: &Facts<'_>) {
    let mut out = facts.old.clone();
    out.take(object, &["status"]);
    out.take(object, &["metadata", "managedFields"]);
    *object = out;
}

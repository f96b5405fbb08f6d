//! Nodes. A kubelet registers its node with a status: creation keeps it.
//! k8s: pkg/registry/core/node/strategy.go, pkg/apis/core/v1/defaults.go

use super::validation;
use crate::kinds::rules::fill::{is_unset, round_amounts};
use crate::kinds::rules::{status, warnings};
use crate::kinds::validation::Located;
use crate::kinds::{Facts, Rules, Strategy};
use crate::value::Value;
use alloc::string::String;
use alloc::vec::Vec;

pub static RULES: Rules = Rules {
    default,
    prepare_for_create,
    validate: validation::validate,
    warnings_on_create: warn,
    update: Strategy {
        prepare_for_update,
        validate_update: validation::validate_update,
        warnings_on_update: warn,
        ..status::UPDATE
    },
    subresources: &[("status", STATUS)],
    ..Rules::PLAIN
};

const STATUS: Strategy = Strategy {
    prepare_for_update: prepare_for_status,
    validate_update: validation::validate_change,
    ..status::STATUS
};

/// A kubelet is no longer configured by an object of the API: a new node says nothing of that.
fn prepare_for_create(object: &mut Value, _facts: &Facts<'_>) {
    object.remove_at(&["spec", "configSource"]);
    object.remove_at(&["status", "config"]);
}

fn prepare_for_update(object: &mut Value, facts: &Facts<'_>) {
    status::keep_status(object, facts);
    if facts.old.at(&["spec", "configSource"]).is_none_or(Value::is_null) {
        object.remove_at(&["spec", "configSource"]);
    }
}

/// The configuration of a kubelet by its API object is gone; a status that still has one may go on.
fn prepare_for_status(object: &mut Value, facts: &Facts<'_>) {
    status::take_status(object, facts.old, &[]);
    if facts.old.at(&["status", "config"]).is_none_or(Value::is_null) {
        object.remove_at(&["status", "config"]);
    }
}

fn default(object: &mut Value) {
    mirror_pod_cidr(object);
    round_amounts(object, &[&["status", "capacity"], &["status", "allocatable"]]);
    let Some(status) = object.field("status") else { return };
    if is_unset(status, "allocatable")
        && let Some(capacity) = status.field("capacity").filter(|capacity| !capacity.is_null()).cloned()
    {
        object.set_at(&["status", "allocatable"], capacity);
    }
}

/// `podCIDR` is the first of `podCIDRs`; where only one of them is there, or they differ, `podCIDR` wins.
/// k8s: pkg/apis/core/v1/conversion.go
fn mirror_pod_cidr(object: &mut Value) {
    let single = Value::str(object.text_at(&["spec", "podCIDR"]));
    let first = object.at(&["spec", "podCIDRs"]).and_then(Value::as_list).and_then(<[Value]>::first).cloned();
    match first {
        Some(first) if single.as_str() == Some("") => object.set_at(&["spec", "podCIDR"], first),
        Some(first) if first == single => {}
        Some(_) | None if single.as_str() == Some("") => {}
        Some(_) | None => object.set_at(&["spec", "podCIDRs"], Value::list(alloc::vec![single])),
    }
}

fn warn(object: &Located<'_, '_>, _facts: &Facts<'_>, warnings: &mut Vec<String>) {
    let spec = object.member("spec");
    if spec.member("configSource").is_set() {
        warnings.push("spec.configSource: the feature is removed".into());
    }
    if !spec.member("externalID").is_empty() {
        warnings.push("spec.externalID: this field is deprecated, and is unused by Kubernetes".into());
    }
    warnings::address::cidrs(&spec.member("podCIDRs"), warnings);
}

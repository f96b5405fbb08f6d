//! Nodes. A kubelet registers its node with a status: creation keeps it.
//! k8s: pkg/registry/core/node/strategy.go, pkg/apis/core/v1/defaults.go

use super::fill::{is_unset, round_amounts};
use super::{status, warnings};
use crate::kinds::Rules;
use crate::now::Wall;
use crate::value::Value;
use alloc::string::String;
use alloc::vec::Vec;

pub static RULES: Rules =
    Rules { default, prepare_create, prepare_update, prepare_status, warnings: warn, ..Rules::PLAIN };

/// A kubelet is no longer configured by an object of the API: a new node says nothing of that.
fn prepare_create(object: &mut Value) {
    object.remove_at(&["spec", "configSource"]);
    object.remove_at(&["status", "config"]);
}

fn prepare_update(object: &mut Value, old: &Value) {
    status::keep(object, old);
    if !warnings::is_set(old, &["spec", "configSource"]) {
        object.remove_at(&["spec", "configSource"]);
    }
}

/// The configuration of a kubelet by its API object is gone; a status that still has one may go on.
fn prepare_status(object: &mut Value, old: &Value, _now: Wall) {
    if old.at(&["status", "config"]).is_none_or(Value::is_null) {
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

fn warn(object: &Value, _old: Option<&Value>) -> Vec<String> {
    let mut out = Vec::new();
    if warnings::is_set(object, &["spec", "configSource"]) {
        out.push("spec.configSource: the feature is removed".into());
    }
    if !object.text_at(&["spec", "externalID"]).is_empty() {
        out.push("spec.externalID: this field is deprecated, and is unused by Kubernetes".into());
    }
    let ranges = ["spec", "podCIDRs"];
    warnings::address::cidrs(&warnings::path(&ranges), warnings::items(object, &ranges), &mut out);
    out
}

//! Pods.
//! k8s: pkg/registry/core/pod/strategy.go

use super::{pod_spec, pod_window, status, warnings};
use crate::kinds::{Generation, Rules};
use crate::now::Wall;
use crate::value::{Map, Value};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

pub static RULES: Rules = Rules {
    default: pod_spec::default_pod,
    prepare_create,
    generation: Generation::Spec,
    grace_seconds,
    status_keeps: &["deletionTimestamp", "ownerReferences"],
    prepare_status,
    warnings: warn,
    status_warnings,
    prepare_window: pod_window::prepare,
    validate_window: pod_window::validate,
    returns_deleted: true,
    ..status::SPLIT
};

/// The grace period of a pod that names none, seconds.
const GRACE_SECONDS: i64 = 30;

fn prepare_create(object: &mut Value) {
    super::fill::each(object, &["spec"], &mut pod_spec::mirror_service_account);
    let quality = object.field("spec").map_or("BestEffort", pod_spec::quality_of_service);
    let mut status = Map::new();
    status.insert("phase", "Pending".into());
    status.insert("qosClass", quality.into());
    object.set("status", status.into());
}

/// Old kubelets leave out what they do not know; it stays as it was.
fn prepare_status(object: &mut Value, old: &Value, _now: Wall) {
    if object.text_at(&["status", "qosClass"]).is_empty() {
        object.take(old, &["status", "qosClass"]);
    }
    if number(object.field("status")) == 0 {
        object.take(old, &["status", "observedGeneration"]);
    }
    let mut held: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    let conditions = old.at(&["status", "conditions"]).and_then(Value::as_list).unwrap_or_default();
    for condition in conditions.iter().rev() {
        held.entry(condition.text_at(&["type"])).or_default().push(condition);
    }
    super::fill::each(object, &["status", "conditions", "*"], &mut |condition| {
        let same = held.get_mut(condition.text_at(&["type"])).and_then(Vec::pop);
        if number(Some(condition)) == 0
            && let Some(same) = same
        {
            condition.take(same, &["observedGeneration"]);
        }
    });
}

/// The observed generation of a status or condition; 0 when it has none.
fn number(holder: Option<&Value>) -> i64 {
    holder.and_then(|holder| holder.field("observedGeneration")).and_then(Value::as_int).unwrap_or(0)
}

/// A pod that no node runs, or that has ended, goes at once, whatever a client asks.
fn grace_seconds(object: &Value, asked: Option<i64>) -> Option<i64> {
    let phase = object.text_at(&["status", "phase"]);
    if object.text_at(&["spec", "nodeName"]).is_empty() || matches!(phase, "Succeeded" | "Failed") {
        return Some(0);
    }
    let own = object.at(&["spec", "terminationGracePeriodSeconds"]).and_then(Value::as_int);
    let seconds = asked.or(own).unwrap_or(GRACE_SECONDS);
    Some(if seconds < 0 { 1 } else { seconds })
}

/// Only a new pod is warned of: pods are not changed by people.
fn warn(object: &Value, old: Option<&Value>) -> Vec<String> {
    if old.is_none() { warnings::pod::new_pod(object) } else { Vec::new() }
}

fn status_warnings(object: &Value) -> Vec<String> {
    let mut out = Vec::new();
    for list in ["podIPs", "hostIPs"] {
        let path = warnings::path(&["status", list]);
        warnings::address::ips(&path, warnings::items(object, &["status", list]), &["ip"], &mut out);
    }
    out
}

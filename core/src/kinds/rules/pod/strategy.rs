//! Pods.
//! k8s: pkg/registry/core/pod/strategy.go

use super::super::fill::each;
use super::super::status;
use super::super::warnings::address;
use super::validation::{PodContext, validate_pod_create};
use super::{
    defaults, disabled, ephemeral_containers, preparation, quality, resize, status_validation, update,
    warnings,
};
use crate::kinds::validation::{Errors, Located};
use crate::kinds::{Facts, Generation, ResetFields, Rules, Strategy};
use crate::value::{Map, Value, object};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

/// Only a new pod is warned of: pods are not changed by people.
pub static RULES: Rules = Rules {
    default: defaults::default_pod,
    prepare_for_create,
    validate,
    warnings_on_create: warnings::new_pod,
    canonicalize,
    update: Strategy { prepare_for_update, validate_update: update::validate, ..status::UPDATE },
    subresources: &[
        ("ephemeralcontainers", ephemeral_containers::STRATEGY),
        ("resize", resize::STRATEGY),
        ("status", STATUS),
    ],
    generation: Generation::Spec,
    grace_seconds,
    returns_deleted: true,
    ..status::SPLIT
};

const STATUS: Strategy = Strategy {
    prepare_for_update: prepare_for_status,
    validate_update: status_validation::validate,
    warnings_on_update: warn_of_status,
    reset_fields: ResetFields::Only(&[
        &["spec"],
        &["metadata", "deletionTimestamp"],
        &["metadata", "ownerReferences"],
    ]),
    ..Strategy::PLAIN
};

/// The grace period of a pod that names none, seconds.
const GRACE_SECONDS: i64 = 30;

fn prepare_for_create(object: &mut Value, facts: &Facts<'_>) {
    each(object, &["spec"], &mut defaults::mirror_service_account);
    let quality = object.field("spec").map_or("BestEffort", quality::of_spec);
    let mut status = Map::new();
    status.insert("phase", "Pending".into());
    status.insert("qosClass", quality.into());
    object.set("status", status.into());
    disabled::drop_disabled_fields(object, &Value::Null);
    preparation::tell_of_gates(object, &facts.now.rfc3339());
    preparation::select_own_labels(object);
}

/// The profiles that annotations name are taken over after the client has been warned of the annotations. Only a new
/// pod has no resource version yet.
fn canonicalize(object: &mut Value) {
    if object::resource_version(object).is_empty() {
        preparation::take_app_armor_profiles(object);
    }
}

/// A status is written through its subresource.
fn prepare_for_update(object: &mut Value, facts: &Facts<'_>) {
    status::keep_status(object, facts);
    disabled::drop_disabled_fields(object, facts.old);
}

fn validate(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    let pod = object.value().unwrap_or(&Value::Null);
    validate_pod_create(object, PodContext::of_pod(pod, facts), errors);
}

/// Old kubelets leave out what they do not know; it stays as it was.
fn prepare_for_status(object: &mut Value, facts: &Facts<'_>) {
    let old = facts.old;
    status::take_status(object, old, &["deletionTimestamp", "ownerReferences"]);
    if object.text_at(&["status", "qosClass"]).is_empty() {
        object.take(old, &["status", "qosClass"]);
    }
    if observed_generation(object.field("status")) == 0 {
        object.take(old, &["status", "observedGeneration"]);
    }
    let mut held: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    let conditions = old.at(&["status", "conditions"]).and_then(Value::as_list).unwrap_or_default();
    for condition in conditions.iter().rev() {
        held.entry(condition.text_at(&["type"])).or_default().push(condition);
    }
    each(object, &["status", "conditions", "*"], &mut |condition| {
        let same = held.get_mut(condition.text_at(&["type"])).and_then(Vec::pop);
        if observed_generation(Some(condition)) == 0
            && let Some(same) = same
        {
            condition.take(same, &["observedGeneration"]);
        }
    });
    disabled::drop_disabled_status_fields(object, old);
}

/// The observed generation of a status or condition; 0 when it has none.
fn observed_generation(holder: Option<&Value>) -> i64 {
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

fn warn_of_status(object: &Located<'_, '_>, _facts: &Facts<'_>, warnings: &mut Vec<String>) {
    let status = object.member("status");
    for list in ["podIPs", "hostIPs"] {
        address::ips(&status.member(list), &["ip"], warnings);
    }
}

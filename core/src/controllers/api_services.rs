//! The API services of the groups and versions that this server serves: made at the start, and always available.
//! k8s: staging/src/k8s.io/kube-aggregator/pkg/controllers/{autoregister,status/local},
//! pkg/controlplane/apiserver/aggregator.go, cmd/kube-apiserver/app/aggregator.go

use super::plan::{Planner, map};
use crate::job::{OwnChange, OwnWriter};
use crate::kinds::Kind;
use crate::kinds::priorities::{SERVED, Served};
use crate::value::{Value, object};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Says who keeps an API service: a server at its start, or always.
const MANAGED: &str = "kube-aggregator.kubernetes.io/automanaged";
const ON_START: &str = "onstart";

pub(super) fn plan(planner: &mut Planner<'_>) {
    let Some(kind) = planner.kind("apiregistration.k8s.io", "v1", "apiservices") else { return };
    if planner.occasion.is_first {
        register(planner, kind);
        if !planner.is_content() {
            return;
        }
    }
    let Some(cache) = planner.all(kind) else { return };
    for entry in cache.entries().iter().map(|(_, held)| held.entry()) {
        let mut service = entry.to_value();
        if service.at(&["spec", "service"]).is_none_or(Value::is_null) && set_available(planner, &mut service)
        {
            planner.change(kind, entry, OwnWriter::STATUS, OwnChange::Replace(service));
        }
    }
}

/// Makes those that are missing, mends those that a server keeps and that differ, and removes those of groups that are
/// served no longer. What somebody else keeps is left alone.
fn register(planner: &mut Planner<'_>, kind: &Arc<Kind>) {
    for served in SERVED {
        let (place, spec) = (name(served), spec(served));
        match planner.held(kind, ("", &place)) {
            None => {
                let mut service = map([("spec", spec)]);
                object::set_label(&mut service, MANAGED, ON_START);
                planner.create(kind, ("", &place), OwnWriter::SERVER, service);
            }
            Some(entry) => {
                let mut service = entry.to_value();
                if matches!(object::label(&service, MANAGED), Some(ON_START | "true")) {
                    service.set("spec", spec);
                    planner.update(kind, entry, service);
                }
            }
        }
    }
    let Some(cache) = planner.all(kind) else { return };
    let is_spurious = |held: &Value| {
        let is_served = || SERVED.iter().any(|served| name(*served) == object::name(held));
        object::label(held, MANAGED) == Some(ON_START) && !is_served()
    };
    let entries = cache.entries().iter().map(|(_, held)| held.entry());
    let spurious: Vec<_> = entries.filter(|entry| is_spurious(&entry.to_value())).collect();
    for entry in spurious {
        planner.delete(kind, entry);
    }
}

fn name((group, version, _, _): Served) -> String {
    format!("{version}.{group}")
}

fn spec((group, version, group_priority, version_priority): Served) -> Value {
    let mut spec = map([
        ("version", version.into()),
        ("groupPriorityMinimum", Value::Int(group_priority)),
        ("versionPriority", Value::Int(version_priority)),
    ]);
    if !group.is_empty() {
        spec.set("group", group.into());
    }
    spec
}

/// Sets the condition that says that the service is available; false if it is set.
fn set_available(planner: &Planner<'_>, service: &mut Value) -> bool {
    set_condition(planner, service, ["True", "Local", "Local APIServices are always available"])
}

/// Sets the condition that says whether the service is available, by its status, reason and message; false if it is
/// set.
/// k8s: staging/src/k8s.io/kube-aggregator/pkg/apis/apiregistration/v1/helper/helpers.go SetAPIServiceCondition
pub(super) fn set_condition(planner: &Planner<'_>, service: &mut Value, told: [&str; 3]) -> bool {
    let path = ["status", "conditions"];
    let mut conditions = service.at(&path).and_then(Value::as_list).unwrap_or_default().to_vec();
    let now = planner.now.wall.rfc3339();
    let [status, reason, message] = told;
    let mut wanted = map([
        ("type", "Available".into()),
        ("status", status.into()),
        ("lastTransitionTime", now.into()),
        ("reason", reason.into()),
        ("message", message.into()),
    ]);
    match conditions.iter_mut().find(|condition| condition.text_at(&["type"]) == "Available") {
        None => conditions.push(wanted),
        Some(held) => {
            if held.text_at(&["status"]) == status {
                wanted.take(held, &["lastTransitionTime"]);
            }
            if *held == wanted {
                return false;
            }
            *held = wanted;
        }
    }
    service.set_at(&path, Value::list(conditions));
    true
}

//! The API services of the groups and versions that this server serves: made at the start, and always available.
//! k8s: staging/src/k8s.io/kube-aggregator/pkg/controllers/{autoregister,status/local},
//! pkg/controlplane/apiserver/aggregator.go, cmd/kube-apiserver/app/aggregator.go

use super::plan::{Planner, map};
use crate::job::{OwnChange, OwnWriter};
use crate::kinds::Kind;
use crate::value::{Value, object};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Group, version, and the priorities of the group and of the version in it.
type Served = (&'static str, &'static str, i64, i64);

const SERVED: [Served; 21] = [
    ("", "v1", 18000, 1),
    ("apps", "v1", 17800, 15),
    ("events.k8s.io", "v1", 17750, 15),
    ("authentication.k8s.io", "v1", 17700, 15),
    ("authorization.k8s.io", "v1", 17600, 15),
    ("autoscaling", "v1", 17500, 15),
    ("autoscaling", "v2", 17500, 30),
    ("batch", "v1", 17400, 15),
    ("certificates.k8s.io", "v1", 17300, 15),
    ("networking.k8s.io", "v1", 17200, 15),
    ("policy", "v1", 17100, 15),
    ("rbac.authorization.k8s.io", "v1", 17000, 15),
    ("storage.k8s.io", "v1", 16800, 15),
    ("apiextensions.k8s.io", "v1", 16700, 15),
    ("admissionregistration.k8s.io", "v1", 16700, 15),
    ("scheduling.k8s.io", "v1", 16600, 15),
    ("coordination.k8s.io", "v1", 16500, 15),
    ("node.k8s.io", "v1", 16300, 15),
    ("discovery.k8s.io", "v1", 16200, 15),
    ("resource.k8s.io", "v1", 16200, 21),
    ("flowcontrol.apiserver.k8s.io", "v1", 16100, 21),
];

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
    let path = ["status", "conditions"];
    let mut conditions = service.at(&path).and_then(Value::as_list).unwrap_or_default().to_vec();
    let now = planner.now.wall.rfc3339();
    let mut wanted = map([
        ("type", "Available".into()),
        ("status", "True".into()),
        ("lastTransitionTime", now.into()),
        ("reason", "Local".into()),
        ("message", "Local APIServices are always available".into()),
    ]);
    match conditions.iter_mut().find(|condition| condition.text_at(&["type"]) == "Available") {
        None => conditions.push(wanted),
        Some(held) => {
            if held.text_at(&["status"]) == "True" {
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

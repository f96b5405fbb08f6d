//! What pods count for.
//! k8s: pkg/quota/v1/evaluator/core/pods.go

use super::amounts::Amounts;
use super::pod_amounts::{Side, containers, of_container, of_pod, says_itself};
use super::scope::ScopeTerm;
use crate::kinds::rules::resource_names::{is_extended, is_native};
use crate::now::Wall;
use crate::value::quantity::Quantity;
use crate::value::{Text, Value, object};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

pub(super) const COUNT: &str = "count/pods";

/// The resources of pods that have fixed names.
const RESOURCES: [&str; 11] = [
    COUNT,
    "cpu",
    "memory",
    "ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "pods",
];

/// The resources that each container must ask for when a quota limits them.
const DEMANDED: [&str; 6] =
    ["cpu", "limits.cpu", "limits.memory", "memory", "requests.cpu", "requests.memory"];

/// Stands before the name of a class of devices when it is asked for like a resource.
const DEVICE_CLASS: &str = "deviceclass.resource.kubernetes.io/";

/// Whether a quota for the resource limits pods.
pub(super) fn is_limited_by(resource: &str) -> bool {
    RESOURCES.contains(&resource)
        || resource.starts_with("hugepages-")
        || resource.starts_with("requests.hugepages-")
        || is_extended_for_quota(resource)
}

/// A resource that somebody else has brought, as quotas name it.
pub(super) fn is_extended_for_quota(resource: &str) -> bool {
    let Some(name) = resource.strip_prefix("requests.") else { return false };
    !is_native(resource) || name.starts_with(DEVICE_CLASS)
}

/// What a pod counts for. One that has ended, or should have, is only an object.
pub(super) fn usage(pod: &Value, now: Wall) -> Amounts {
    let mut usage = Amounts::default();
    usage.set(COUNT, Quantity::from_int(1));
    if is_alive(pod, now) {
        usage.add(&compute(&of_pod(pod, Side::Requests), &of_pod(pod, Side::Limits)));
    }
    usage
}

/// What requests and limits are to quotas.
fn compute(requests: &Amounts, limits: &Amounts) -> Amounts {
    let mut usage = Amounts::default();
    usage.set("pods", Quantity::from_int(1));
    for name in ["cpu", "memory", "ephemeral-storage"] {
        if let Some(request) = requests.get(name) {
            usage.set(name, request.clone());
            usage.set(format!("requests.{name}"), request.clone());
        }
        if let Some(limit) = limits.get(name) {
            usage.set(format!("limits.{name}"), limit.clone());
        }
    }
    for (name, request) in requests.iter() {
        if name.starts_with("hugepages-") {
            usage.set(name.clone(), request.clone());
            usage.set(format!("requests.{name}"), request.clone());
        }
        if is_extended(name) || name.starts_with(DEVICE_CLASS) {
            usage.set(format!("requests.{name}"), request.clone());
        }
    }
    usage
}

fn is_alive(pod: &Value, now: Wall) -> bool {
    if matches!(pod.text_at(&["status", "phase"]), "Failed" | "Succeeded") {
        return false;
    }
    let deleted = object::deletion_timestamp(pod).and_then(Wall::parse_rfc3339);
    match (deleted, object::deletion_grace_period_seconds(pod)) {
        (Some(deleted), Some(grace)) => now <= deleted.plus_seconds(grace),
        (Some(_), None) | (None, _) => true,
    }
}

/// What a pod fails to ask for although a quota limits it.
pub(super) fn problem(pod: &Value, limited: &[Text]) -> Option<String> {
    if says_itself(pod) {
        return None;
    }
    let mut missing: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let all = containers(pod, "containers").iter().chain(containers(pod, "initContainers"));
    for container in all {
        let asked = compute(&of_container(container, Side::Requests), &of_container(container, Side::Limits));
        let demanded = DEMANDED.iter().filter(|name| limited.iter().any(|limited| limited == *name));
        for name in demanded.filter(|name| asked.get(name).is_none()) {
            missing.entry(name).or_default().insert(container.text_at(&["name"]));
        }
    }
    if missing.is_empty() {
        return None;
    }
    let said = missing.iter().map(|(name, containers)| {
        let containers: Vec<&str> = containers.iter().copied().collect();
        format!("{name} for: {}", containers.join(","))
    });
    Some(format!("must specify {}", said.collect::<Vec<_>>().join("; ")))
}

/// Whether a pod is within a scope.
pub(super) fn is_within(pod: &Value, term: &ScopeTerm<'_>) -> bool {
    let class = pod.text_at(&["spec", "priorityClassName"]);
    match term.scope {
        "Terminating" => is_terminating(pod),
        "NotTerminating" => !is_terminating(pod),
        "BestEffort" => is_best_effort(pod),
        "NotBestEffort" => !is_best_effort(pod),
        "PriorityClass" => term.selects(&[class]),
        "CrossNamespacePodAffinity" => reaches_other_namespaces(pod),
        _ => false,
    }
}

/// Whether it ends by itself after a while.
pub(super) fn is_terminating(pod: &Value) -> bool {
    pod.at(&["spec", "activeDeadlineSeconds"]).and_then(Value::as_int).is_some_and(|seconds| seconds >= 0)
}

fn is_best_effort(pod: &Value) -> bool {
    pod.text_at(&["status", "qosClass"]) == "BestEffort"
}

fn reaches_other_namespaces(pod: &Value) -> bool {
    const TERMS: [(&str, &[&str]); 2] = [
        ("requiredDuringSchedulingIgnoredDuringExecution", &[]),
        ("preferredDuringSchedulingIgnoredDuringExecution", &["podAffinityTerm"]),
    ];
    ["podAffinity", "podAntiAffinity"].into_iter().any(|affinity| {
        TERMS.into_iter().any(|(list, path)| {
            let terms = pod.at(&["spec", "affinity", affinity, list]).and_then(Value::as_list);
            let reaches = |term: &Value| {
                let Some(term) = term.at(path) else { return false };
                let named = term.field("namespaces").and_then(Value::as_list).unwrap_or_default();
                !named.is_empty() || term.field("namespaceSelector").is_some_and(|held| !held.is_null())
            };
            terms.unwrap_or_default().iter().any(reaches)
        })
    })
}

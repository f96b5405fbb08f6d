//! The priority classes of pods without which a node or the cluster does not work.
//! k8s: pkg/registry/scheduling/rest/storage_scheduling.go, pkg/apis/scheduling/v1/helpers.go SystemPriorityClasses

use super::plan::{Planner, map};
use crate::value::Value;

const CLASSES: [(&str, i64, &str); 2] = [
    (
        "system-node-critical",
        2_000_001_000,
        "Used for system critical pods that must not be moved from their current node.",
    ),
    (
        "system-cluster-critical",
        2_000_000_000,
        "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
    ),
];

pub(super) fn plan(planner: &mut Planner<'_>) {
    let Some(kind) = planner.kind("scheduling.k8s.io", "v1", "priorityclasses") else { return };
    for (name, value, description) in CLASSES {
        let class = map([("value", Value::Int(value)), ("description", description.into())]);
        planner.create_missing(kind, ("", name), class);
    }
}

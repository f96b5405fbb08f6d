//! What clusters of old versions have under other names is copied, once, to where it belongs now.
//! k8s: pkg/registry/rbac/rest/storage_rbac.go primeAggregatedClusterRoles, primeSplitClusterRoleBindings

use super::Kinds;
use super::binding_object;
use super::notation::Policy;
use crate::controllers::plan::Planner;
use crate::job::OwnWriter;

/// Roles that became aggregated ones, and those that have their own rules since then.
const AGGREGATED: [(&str, &str); 3] = [
    ("admin", "system:aggregate-to-admin"),
    ("edit", "system:aggregate-to-edit"),
    ("view", "system:aggregate-to-view"),
];

/// A binding that was split, and the one that was split off it.
const SPLIT: (&str, &str) = ("system:discovery", "system:public-info-viewer");

pub(super) fn plan(planner: &mut Planner<'_>, kinds: Kinds<'_>, policy: &Policy<'_>) {
    for (old, new) in AGGREGATED {
        if planner.held(kinds.cluster_roles, ("", new)).is_some() {
            continue;
        }
        let Some(entry) = planner.held(kinds.cluster_roles, ("", old)) else { continue };
        let mut role = entry.to_value();
        if role.field("aggregationRule").is_some_and(|rule| !rule.is_null()) {
            break;
        }
        role.remove_at(&["metadata", "resourceVersion"]);
        planner.create(kinds.cluster_roles, ("", new), OwnWriter::SERVER, role);
    }
    let (source, split) = SPLIT;
    let Some(entry) = planner.held(kinds.cluster_bindings, ("", source)) else { return };
    let Some(template) = policy.bindings.iter().find(|binding| binding.name == *split) else { return };
    if planner.held(kinds.cluster_bindings, ("", split)).is_some() {
        return;
    }
    let (source, mut binding) = (entry.to_value(), binding_object(template));
    for path in [&["metadata", "labels"][..], &["metadata", "annotations"], &["subjects"]] {
        binding.take(&source, path);
    }
    planner.create(kinds.cluster_bindings, ("", split), OwnWriter::SERVER, binding);
}

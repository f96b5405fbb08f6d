//! The default policy: its roles and bindings are made, and kept as upstream keeps them. What an administrator has
//! added stays, what is missing is added, and an object whose annotation says so is left alone.
//! k8s: pkg/registry/rbac/rest/storage_rbac.go

mod migration;
mod notation;
mod reconcile;

use super::plan::{Planner, map};
use crate::job::OwnWriter;
use crate::kinds::Kind;
use crate::value::{Value, object};
use alloc::sync::Arc;
use notation::{Binding, Policy, Role, Rule, SubjectKind};
use reconcile::Reconciled;

const GROUP: &str = "rbac.authorization.k8s.io";

/// The default policy in a notation of its own; the file's first lines explain it.
const POLICY: &str = include_str!("roles.txt");

/// The kinds of the policy's objects.
#[derive(Clone, Copy)]
struct Kinds<'k> {
    cluster_roles: &'k Arc<Kind>,
    cluster_bindings: &'k Arc<Kind>,
    roles: &'k Arc<Kind>,
    bindings: &'k Arc<Kind>,
}

impl<'k> Kinds<'k> {
    fn of(planner: &Planner<'k>) -> Option<Self> {
        Some(Self {
            cluster_roles: planner.kind(GROUP, "v1", "clusterroles")?,
            cluster_bindings: planner.kind(GROUP, "v1", "clusterrolebindings")?,
            roles: planner.kind(GROUP, "v1", "roles")?,
            bindings: planner.kind(GROUP, "v1", "rolebindings")?,
        })
    }
}

pub(super) fn plan(planner: &mut Planner<'_>) {
    let Some(kinds) = Kinds::of(planner) else { return };
    let policy = Policy::parse(POLICY);
    migration::plan(planner, kinds, &policy);
    if !planner.is_content() {
        // What was migrated is kept from then on.
        return;
    }
    let mut keep = |kind: &Kind, namespace: &str, name: &str, expected: Value, reconcile: Reconcile| {
        let place = (namespace, name);
        let Some(entry) = planner.held(kind, place) else {
            return planner.create(kind, place, OwnWriter::SERVER, expected);
        };
        let existing = entry.to_value();
        match reconcile(&existing, &expected) {
            Reconciled::Kept => {}
            Reconciled::Updated(value) => planner.update(kind, entry, value),
            Reconciled::Replaced => planner.delete(kind, entry),
        }
    };
    for role in policy.roles.iter().filter(|role| role.namespace.is_empty()) {
        keep(kinds.cluster_roles, "", &role.name, role_object(role), reconcile::role);
    }
    for binding in policy.bindings.iter().filter(|binding| binding.namespace.is_empty()) {
        keep(kinds.cluster_bindings, "", &binding.name, binding_object(binding), reconcile::binding);
    }
    for role in policy.roles.iter().filter(|role| !role.namespace.is_empty()) {
        keep(kinds.roles, role.namespace, &role.name, role_object(role), reconcile::role);
    }
    for binding in policy.bindings.iter().filter(|binding| !binding.namespace.is_empty()) {
        keep(kinds.bindings, binding.namespace, &binding.name, binding_object(binding), reconcile::binding);
    }
}

type Reconcile = fn(&Value, &Value) -> Reconciled;

/// An object with the label and the annotation of the default policy.
fn marked() -> Value {
    let mut object = Value::empty_map();
    object::set_label(&mut object, "kubernetes.io/bootstrapping", "rbac-defaults");
    object::set_annotation(&mut object, reconcile::AUTOUPDATE, "true");
    object
}

fn role_object(role: &Role<'_>) -> Value {
    let mut object = marked();
    for label in &role.to {
        object::set_label(&mut object, &aggregation_label(label), "true");
    }
    if role.from.is_empty() {
        object.set("rules", Value::list(role.rules.iter().map(Rule::to_value).collect()));
    } else {
        let selector = |label: &&str| {
            let mut selector = Value::empty_map();
            selector.set_at(&["matchLabels", &aggregation_label(label)], "true".into());
            selector
        };
        let selectors = role.from.iter().map(selector).collect();
        object.set("aggregationRule", map([("clusterRoleSelectors", Value::list(selectors))]));
    }
    object
}

fn aggregation_label(label: &str) -> alloc::string::String {
    alloc::format!("{GROUP}/{label}")
}

fn binding_object(binding: &Binding<'_>) -> Value {
    let mut object = marked();
    let kind = if binding.namespace.is_empty() { "ClusterRole" } else { "Role" };
    let role = map([("apiGroup", GROUP.into()), ("kind", kind.into()), ("name", (&*binding.role).into())]);
    object.set("roleRef", role);
    let subject = |(kind, namespace, name): &(SubjectKind, &str, &str)| {
        let name = ("name", (*name).into());
        match kind {
            SubjectKind::User => map([("kind", "User".into()), ("apiGroup", GROUP.into()), name]),
            SubjectKind::Group => map([("kind", "Group".into()), ("apiGroup", GROUP.into()), name]),
            SubjectKind::ServiceAccount => {
                map([("kind", "ServiceAccount".into()), name, ("namespace", (*namespace).into())])
            }
        }
    };
    if !binding.subjects.is_empty() {
        object.set("subjects", Value::list(binding.subjects.iter().map(subject).collect()));
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;

    #[test]
    fn the_policy_has_each_object_once_and_every_binding_names_a_role() {
        let policy = Policy::parse(POLICY);
        let of_cluster = |namespace: &str| namespace.is_empty();
        let roles: BTreeSet<_> = policy.roles.iter().map(|role| (role.namespace, &*role.name)).collect();
        let bindings: BTreeSet<_> =
            policy.bindings.iter().map(|held| (held.namespace, &*held.name)).collect();
        assert_eq!((roles.len(), bindings.len()), (policy.roles.len(), policy.bindings.len()));
        assert_eq!((roles.len(), bindings.len()), (70 + 7, 51 + 7));
        assert_eq!(roles.iter().filter(|(namespace, _)| of_cluster(namespace)).count(), 70);
        assert_eq!(bindings.iter().filter(|(namespace, _)| of_cluster(namespace)).count(), 51);
        for binding in &policy.bindings {
            assert!(roles.contains(&(binding.namespace, &*binding.role)), "{}", binding.name);
        }
        for role in &policy.roles {
            assert!(role.from.is_empty() != role.rules.is_empty(), "{} has rules, or is filled", role.name);
        }
    }

    #[test]
    fn what_was_made_is_kept_as_it_is() {
        let policy = Policy::parse(POLICY);
        for object in policy.roles.iter().map(role_object) {
            assert_eq!(reconcile::role(&object, &object), Reconciled::Kept);
        }
        for object in policy.bindings.iter().map(binding_object) {
            assert_eq!(reconcile::binding(&object, &object), Reconciled::Kept);
        }
    }
}

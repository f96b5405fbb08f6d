//! Roles and bindings give rights: a caller may write only those that give no more than the caller has, unless an
//! authorizer allows the verb `escalate` on the role, or `bind` on the role of the binding.
//! k8s: pkg/registry/rbac/escalation_check.go, pkg/registry/rbac/{role,clusterrole,rolebinding,
//! clusterrolebinding}/policybased/storage.go

use crate::authorization::{AttributesRecord, Target, confirm_covered, full_authority, rules_of_role};
use crate::job::Scene;
use crate::kinds::validation::semantically_equal;
use crate::status::Failure;
use crate::value::{Text, Value, object};
use crate::world::indexes::{PolicyRule, RBAC_GROUP, RoleRef};
use alloc::vec::Vec;

/// What a write of a role or binding would give away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grant {
    Role,
    /// A cluster role, which may also gather the rules of others.
    ClusterRole,
    Binding,
}

impl Grant {
    /// None for a write that gives nothing away, or by a caller who may do everything.
    pub(super) fn of(
        scene: &Scene<'_>,
        target: &Target,
        value: &Value,
        held: Option<&Value>,
    ) -> Option<Self> {
        let resource = target.resource();
        if resource.group != RBAC_GROUP || scene.caller.is_privileged() {
            return None;
        }
        let grant = match resource.plural.as_str() {
            "roles" => Self::Role,
            "clusterroles" => Self::ClusterRole,
            "rolebindings" | "clusterrolebindings" => Self::Binding,
            _ => return None,
        };
        let changes = held.is_none_or(|held| !changes_only_lifetime(value, held));
        changes.then_some(grant)
    }

    /// What the caller must be allowed to give away any rights. Nobody may bind what no binding can name.
    pub(super) fn questions(
        self,
        scene: &Scene<'_>,
        target: &Target,
        value: &Value,
    ) -> Vec<AttributesRecord> {
        let namespace: Text = target.namespace().into();
        let record = |verb: &str, group: &str, resource: &str, name: &str| AttributesRecord {
            namespace: namespace.clone(),
            name: name.into(),
            ..AttributesRecord::of_resource(scene.caller, verb, group, resource)
        };
        if self != Self::Binding {
            // The name is that of the path: the creation of a role names none.
            let named = scene.call.info.as_ref().map_or("", |info| &info.name);
            return alloc::vec![record("escalate", RBAC_GROUP, &target.resource().plural, named)];
        }
        let role = RoleRef::parse(value.at(&["roleRef"]));
        let group = value.text_at(&["roleRef", "apiGroup"]);
        match &role {
            RoleRef::Role(name) => alloc::vec![record("bind", group, "roles", name)],
            RoleRef::ClusterRole(name) => alloc::vec![record("bind", group, "clusterroles", name)],
            RoleRef::Unsupported(..) => Vec::new(),
        }
    }

    /// Checks that the caller has all the rights which the object gives.
    ///
    /// # Errors
    /// 403 with those that are missing, and 404 for a binding of a role that is not there.
    pub(super) fn confirm(
        self,
        scene: &Scene<'_>,
        target: &Target,
        value: &Value,
        held: Option<&Value>,
    ) -> Result<(), Failure> {
        let (world, namespace) = (scene.world, target.namespace());
        let forbidden = |why: &str| Failure::forbidden(target.qualified(), object::name(value), why);
        let covered = |rules: &[PolicyRule]| confirm_covered(world, scene.caller, namespace, rules);
        if self == Self::Binding {
            let role = RoleRef::parse(value.at(&["roleRef"]));
            let rules = rules_of_role(world, &role, namespace)?;
            return covered(rules).map_err(|why| forbidden(&why));
        }
        covered(&PolicyRule::of_role(value)).map_err(|why| forbidden(&why))?;
        let gathers = |role: &Value| {
            let selectors = role.at(&["aggregationRule", "clusterRoleSelectors"]).and_then(Value::as_list);
            selectors.is_some_and(|selectors| !selectors.is_empty())
        };
        if self == Self::ClusterRole && (gathers(value) || held.is_some_and(gathers)) {
            let why = "must have cluster-admin privileges to use the aggregationRule";
            covered(&full_authority()).map_err(|_| forbidden(why))?;
        }
        Ok(())
    }
}

/// Whether nothing is changed but what garbage collection needs, which everybody may write who may write the object.
/// k8s: pkg/registry/rbac/helpers.go IsOnlyMutatingGCFields
fn changes_only_lifetime(value: &Value, held: &Value) -> bool {
    let mut copy = value.clone();
    for member in ["ownerReferences", "finalizers", "selfLink", "managedFields"] {
        match held.at(&["metadata", member]) {
            Some(same) => copy.set_at(&["metadata", member], same.clone()),
            None => drop(copy.remove_at(&["metadata", member])),
        }
    }
    semantically_equal(Some(&copy), Some(held))
}

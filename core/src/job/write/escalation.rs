//! Roles and bindings give rights: a caller may write only those that give no more than the caller has, unless an
//! authorizer allows the verb `escalate` on the role, or `bind` on the role of the binding.
//! k8s: pkg/registry/rbac/escalation_check.go, pkg/registry/rbac/{role,clusterrole,rolebinding,
//! clusterrolebinding}/policybased/storage.go

use crate::authorization::{AttributesRecord, Target, confirm_covered, full_authority, rules_of_role};
use crate::job::Scene;
use crate::job::list::newest_revision;
use crate::kinds::validation::semantically_equal;
use crate::question::{self, Question, Reply};
use crate::status::Failure;
use crate::store::Feed;
use crate::value::{Text, Value, object};
use crate::world::indexes::{PolicyRule, RBAC_GROUP, RoleRef};
use alloc::vec::Vec;
use bytes::Bytes;

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

/// What a caller has is decided by the roles and bindings that were stored before the question, whichever server has
/// stored them: upstream reads them from the storage. This waits until the cache knows of them.
#[derive(Clone, Debug)]
pub(super) struct RolesRead {
    /// The stores that are still to be asked for their newest revision, each with the prefix of a resource in it.
    left: Vec<(Feed, Bytes)>,
    /// The one that was asked last.
    asked: Feed,
}

/// How far the cache is known to be new enough.
pub(super) enum RolesProgress {
    Known,
    Wait(RolesRead, Question),
}

impl RolesRead {
    pub(super) fn of(scene: &Scene<'_>) -> Self {
        let mut left: Vec<(Feed, Bytes)> = Vec::new();
        for plural in ["clusterroles", "clusterrolebindings", "roles", "rolebindings"] {
            let kind = scene.world.registry.any_version(RBAC_GROUP, plural);
            let Some(collection) = kind.and_then(|kind| scene.collection(kind).ok()) else { continue };
            if left.iter().all(|(feed, _)| *feed != collection.feed) {
                left.push((collection.feed, collection.keys.prefix().clone()));
            }
        }
        Self { left, asked: Feed::default() }
    }

    /// Goes on, with the reply to what it waited for if it did.
    ///
    /// # Errors
    /// A store does not answer, or the cache does not follow in time.
    pub(super) fn go_on(mut self, scene: &Scene<'_>, reply: Option<Reply>) -> Result<RolesProgress, Failure> {
        match reply {
            None | Some(Reply::Fresh) => {}
            Some(Reply::Stale) => {
                return Err(Failure::timeout("it is not known in time what the roles of the user allow", 1));
            }
            Some(reply) => {
                let revision = question::ranged(reply)?.revision;
                if scene.world.revision(self.asked) < revision {
                    let question = Question::Fresh(self.asked, revision);
                    return Ok(RolesProgress::Wait(self, question));
                }
            }
        }
        let Some((feed, prefix)) = self.left.pop() else { return Ok(RolesProgress::Known) };
        self.asked = feed;
        Ok(RolesProgress::Wait(self, Question::Store(feed, newest_revision(&prefix))))
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

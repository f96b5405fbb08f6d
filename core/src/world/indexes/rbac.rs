//! Roles by name, and bindings by whom they give their roles to: what RBAC asks for, so that a decision about a caller
//! looks at no more than the caller's own bindings.
//! k8s: pkg/registry/rbac/validation/rule.go

use super::Changed;
use super::policy::{PolicyRule, RoleBinding, RoleRef, RoleSubject, rules_of};
use crate::caller::Caller;
use crate::museum::{Flaw, Mutant};
use crate::value::Text;
use crate::world::cache::tree::Tree;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;

/// All roles and bindings. A clone shares them, and a change copies only what is on its way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roles {
    cluster_roles: Tree<Arc<[PolicyRule]>>,
    /// By namespace. Bindings of the whole cluster are under the empty name. None of them is empty.
    places: Tree<RolePlace>,
}

/// The roles and bindings of a namespace, or the bindings of the whole cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct RolePlace {
    roles: Tree<Arc<[PolicyRule]>>,
    /// By the name of a user, who may be a service account.
    users: Tree<BindingList>,
    groups: Tree<BindingList>,
}

/// Bindings in the order of their names, each once.
type BindingList = Arc<[Arc<RoleBinding>]>;

impl Roles {
    pub(super) fn changed(&mut self, change: Changed<'_>, flaw: Flaw) {
        let Some(entry) = change.new.or(change.old) else { return };
        match change.kind.plural.as_str() {
            "clusterroles" => set(&mut self.cluster_roles, entry.name(), change.new.map(rules_of)),
            "roles" => self.change(entry.namespace(), |place| {
                set(&mut place.roles, entry.name(), change.new.map(rules_of));
            }),
            "clusterrolebindings" | "rolebindings" => {
                if change.new.is_none() && flaw.is(Mutant::RevocationForgotten) {
                    return;
                }
                self.change(entry.namespace(), |place| {
                    change.old.into_iter().for_each(|old| place.unbind(&RoleBinding::of(old)));
                    change.new.into_iter().for_each(|new| place.bind(&Arc::new(RoleBinding::of(new))));
                });
            }
            _ => {}
        }
    }

    fn change(&mut self, namespace: &str, change: impl FnOnce(&mut RolePlace)) {
        let mut place = self.places.remove(namespace.as_bytes()).unwrap_or_default();
        change(&mut place);
        if !(place.roles.is_empty() && place.users.is_empty() && place.groups.is_empty()) {
            self.places.insert(Bytes::copy_from_slice(namespace.as_bytes()), place);
        }
    }

    /// The rules of the role that a binding of a namespace names; None if there is no such role.
    pub fn rules(&self, role: &RoleRef, namespace: &str) -> Option<&[PolicyRule]> {
        let rules = match role {
            RoleRef::ClusterRole(name) => self.cluster_roles.get(name.as_bytes()),
            RoleRef::Role(name) => self.places.get(namespace.as_bytes())?.roles.get(name.as_bytes()),
            RoleRef::Unsupported(..) => None,
        };
        rules.map(|rules| &**rules)
    }

    /// All namespaces with roles or bindings, in order.
    pub fn namespaces(&self) -> impl Iterator<Item = &str> {
        self.places.iter().filter_map(|(name, _)| core::str::from_utf8(name).ok())
    }

    /// The bindings of a namespace, or with an empty name of the whole cluster, that give a caller roles: those to the
    /// user, then those to each group. One that names the caller in several ways comes several times.
    pub fn bindings<'a>(
        &'a self,
        namespace: &str,
        caller: &'a Caller,
    ) -> impl Iterator<Item = &'a Arc<RoleBinding>> + use<'a> {
        let place = self.places.get(namespace.as_bytes());
        place.into_iter().flat_map(move |place| {
            let of_user = place.users.get(caller.name.as_bytes());
            let of_groups = caller.groups.iter().filter_map(|group| place.groups.get(group.as_bytes()));
            of_user.into_iter().chain(of_groups).flat_map(|list| list.iter())
        })
    }
}

impl RolePlace {
    /// Where the bindings of a subject are listed, and under which name.
    fn list_of(&mut self, subject: &RoleSubject) -> (&mut Tree<BindingList>, Text) {
        match (subject, subject.user_name()) {
            (_, Some(user)) => (&mut self.users, user),
            (
                RoleSubject::User(name) | RoleSubject::Group(name) | RoleSubject::ServiceAccount(_, name),
                None,
            ) => (&mut self.groups, name.clone()),
        }
    }

    fn bind(&mut self, binding: &Arc<RoleBinding>) {
        for subject in &binding.subjects {
            let (lists, name) = self.list_of(subject);
            let mut list: Vec<_> = lists.get(name.as_bytes()).map(|list| list.to_vec()).unwrap_or_default();
            if let Err(place) = list.binary_search_by(|held| held.name.cmp(&binding.name)) {
                list.insert(place, binding.clone());
                lists.insert(Bytes::copy_from_slice(name.as_bytes()), list.into());
            }
        }
    }

    fn unbind(&mut self, binding: &RoleBinding) {
        for subject in &binding.subjects {
            let (lists, name) = self.list_of(subject);
            let Some(list) = lists.get(name.as_bytes()) else { continue };
            let rest: Vec<_> = list.iter().filter(|held| held.name != binding.name).cloned().collect();
            set(lists, &name, (!rest.is_empty()).then(|| rest.into()));
        }
    }
}

/// Sets what is kept under a name, or with None forgets it.
fn set<V: Clone>(kept: &mut Tree<V>, name: &str, value: Option<V>) {
    match value {
        Some(value) => drop(kept.insert(Bytes::copy_from_slice(name.as_bytes()), value)),
        None => drop(kept.remove(name.as_bytes())),
    }
}

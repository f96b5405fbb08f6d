//! Role-based access control: what the roles allow that a caller is bound to.
//! k8s: plugin/pkg/auth/authorizer/rbac/rbac.go, pkg/registry/rbac/validation/rule.go

use super::Attributes;
use super::opinion::{AuthorizerOpinion, Grounds, Objection, aggregate};
use crate::caller::Caller;
use crate::museum::{Flaw, Mutant};
use crate::status::{Failure, Qualified};
use crate::value::{Text, quoted};
use crate::world::World;
use crate::world::indexes::{PolicyRule, RBAC_GROUP, RoleBinding, RoleRef, Roles};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// What the roles of the caller say of a request.
pub(super) fn opinion(world: &World, attributes: &Attributes<'_>) -> AuthorizerOpinion {
    let (roles, caller) = (world.indexes().roles(), attributes.user);
    let mut unresolved: Vec<String> = Vec::new();
    for binding in bindings(roles, caller, attributes.namespace, world.config.flaw) {
        match roles.rules(&binding.role, &binding.namespace) {
            Some(rules) if rules.iter().any(|rule| allows(rule, attributes)) => {
                return AuthorizerOpinion::Allow(Grounds::Bound(binding.clone()));
            }
            Some(_) => {}
            None => unresolved
                .push(missing(&binding.role, &binding.namespace, RoleReader::Cache).message().into()),
        }
    }
    if unresolved.is_empty() {
        return AuthorizerOpinion::None(Objection::default());
    }
    AuthorizerOpinion::None(Objection::of_reason(format!("RBAC: {}", aggregate(&unresolved))))
}

/// The bindings that count for a caller in a namespace: those of the whole cluster first.
fn bindings<'a>(
    roles: &'a Roles,
    caller: &'a Caller,
    namespace: &'a str,
    flaw: Flaw,
) -> impl Iterator<Item = &'a Arc<RoleBinding>> {
    let elsewhere = flaw.is(Mutant::NamespaceOfBindingIgnored).then(|| roles.namespaces());
    let elsewhere = elsewhere.into_iter().flatten().flat_map(|place| roles.bindings(place, caller));
    let local = (!namespace.is_empty()).then(|| roles.bindings(namespace, caller));
    roles.bindings("", caller).chain(local.into_iter().flatten()).chain(elsewhere)
}

/// Who looks for a role. Upstream's authorizer has a cache of its own, and what writes roles and bindings asks the
/// storage: they tell of a missing role in different words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RoleReader {
    Cache,
    Storage,
}

/// The error for a role that a binding of a namespace names and that is not there, or that no binding can name.
fn missing(role: &RoleRef, namespace: &str, reader: RoleReader) -> Failure {
    let name = match (role, reader) {
        (RoleRef::Role(_), RoleReader::Storage) if namespace.is_empty() => {
            return Failure::bad_request("Namespace parameter required.");
        }
        (RoleRef::Role(_), RoleReader::Storage) => "roles",
        (RoleRef::Role(_), RoleReader::Cache) => "role",
        (RoleRef::ClusterRole(_), RoleReader::Storage) => "clusterroles",
        (RoleRef::ClusterRole(_), RoleReader::Cache) => "clusterrole",
        (RoleRef::Unsupported(kind, _), _) => {
            return Failure::unclassified(format!("unsupported role reference kind: {}", quoted(kind)));
        }
    };
    Failure::not_found(Qualified { group: RBAC_GROUP, name }, role.name())
}

/// The rules of the role that a binding of a namespace names.
///
/// # Errors
/// When there is no such role.
pub(crate) fn rules_of_role<'a>(
    world: &'a World,
    role: &RoleRef,
    namespace: &str,
) -> Result<&'a [PolicyRule], Failure> {
    let found = world.indexes().roles().rules(role, namespace);
    found.ok_or_else(|| missing(role, namespace, RoleReader::Storage))
}

/// All rules that apply to a caller in a namespace, in the order of the names of the bindings, and why some are not
/// known.
pub(crate) fn rules_for<'a>(
    world: &'a World,
    caller: &'a Caller,
    namespace: &'a str,
    reader: RoleReader,
) -> (Vec<&'a PolicyRule>, Vec<String>) {
    let roles = world.indexes().roles();
    let mut found: Vec<_> = bindings(roles, caller, namespace, world.config.flaw).collect();
    found.sort_by_key(|binding| (&binding.namespace, &binding.name));
    found.dedup_by_key(|binding| (&binding.namespace, &binding.name));
    let (mut rules, mut errors) = (Vec::new(), Vec::new());
    for binding in found {
        match roles.rules(&binding.role, &binding.namespace) {
            Some(found) => rules.extend(found),
            None => errors.push(missing(&binding.role, &binding.namespace, reader).message().into()),
        }
    }
    (rules, errors)
}

/// Whether a rule allows what is asked for.
/// k8s: plugin/pkg/auth/authorizer/rbac/rbac.go RuleAllows, pkg/apis/rbac/v1/evaluation_helpers.go
pub(super) fn allows(rule: &PolicyRule, asked: &Attributes<'_>) -> bool {
    if !names(&rule.verbs, asked.verb) {
        return false;
    }
    if !asked.is_resource {
        return rule.non_resource_urls.iter().any(|pattern| covers_path(pattern, asked.path));
    }
    names(&rule.api_groups, asked.group)
        && rule.resources.iter().any(|pattern| covers_resource(pattern, asked.resource, asked.subresource))
        && (rule.resource_names.is_empty() || rule.resource_names.iter().any(|name| name == asked.name))
}

/// Whether a list has a word, or the star that stands for all.
fn names(list: &[Text], word: &str) -> bool {
    list.iter().any(|held| held == word || held == "*")
}

fn covers_resource(pattern: &str, resource: &str, subresource: &str) -> bool {
    if pattern == "*" {
        return true;
    }
    if subresource.is_empty() {
        return pattern == resource;
    }
    let rest = pattern.strip_suffix(subresource).and_then(|rest| rest.strip_suffix('/'));
    rest.is_some_and(|rest| rest == resource || rest == "*")
}

fn covers_path(pattern: &str, path: &str) -> bool {
    pattern == path || (pattern.ends_with('*') && path.starts_with(pattern.trim_end_matches('*')))
}

//! Whether a webhook or an admission policy concerns a write, and in which version it sees the object.
//! k8s: staging/src/k8s.io/apiserver/pkg/admission/plugin/policy/matching/matching.go,
//! staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook/generic/webhook.go ShouldCallHook,
//! staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook/predicates

mod namespace;
mod rules;
#[cfg(test)]
mod tests;

use super::{AdmissionAttributes, AdmissionOperation};
use crate::kinds::{Kind, Registry};
use crate::question::Question;
use crate::selector::LabelSelector;
use crate::status::Failure;
use crate::value::{Text, Value};
use crate::world::World;
use crate::world::match_criteria::{MatchCriteria, MatchRule};
#[cfg(test)]
use alloc::string::String;
use alloc::sync::Arc;

pub(crate) use namespace::NamespaceLookup;
use rules::covers;

/// The objects of a write, as whoever is asked about it sees them; Null for none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WrittenObjects<'a> {
    pub(crate) object: &'a Value,
    pub(crate) old: &'a Value,
}

/// A write that is concerned.
#[derive(Clone, Debug)]
pub(crate) struct Matched {
    /// The resource in the version that the rules name; another one than the request's only by `Equivalent`.
    pub(crate) resource: Arc<Kind>,
}

/// How a write stands to criteria.
#[derive(Debug)]
pub(crate) enum Matching {
    No,
    Yes(Matched),
    /// The namespace has to be known first: what is asked for `NamespaceLookup::answer`.
    Needs(Question),
}

/// Group, version and kind of what a write of a resource, or of a subresource of it, is about.
pub(crate) fn kind_of<'a>(resource: &'a Kind, subresource: &str) -> (&'a str, &'a str, &'a str) {
    let sub = resource.subs.iter().find(|sub| sub.name == subresource);
    match sub {
        Some(sub) => match &sub.foreign {
            Some((group, version)) => (group, version, &sub.kind),
            None => (&resource.group, &resource.version, &sub.kind),
        },
        None => (&resource.group, &resource.version, &resource.kind),
    }
}

/// Whether nothing is asked about writes of these objects, since they say themselves who is asked.
/// k8s: predicates/rules/rules.go IsExemptAdmissionConfigurationResource
pub(crate) fn is_exempt(attributes: &AdmissionAttributes<'_>) -> bool {
    const KINDS: [&str; 6] = [
        "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
        "MutatingWebhookConfiguration",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
    ];
    let (group, _, kind) = kind_of(attributes.resource, attributes.subresource);
    group == "admissionregistration.k8s.io" && KINDS.contains(&kind)
}

/// Whether a write is concerned.
///
/// # Errors
/// It is by its rules, and then a selector cannot be read or the namespace is not there.
pub(crate) fn matches(
    world: &World,
    attributes: &AdmissionAttributes<'_>,
    written: WrittenObjects<'_>,
    criteria: &MatchCriteria,
    namespace: &mut NamespaceLookup,
) -> Result<Matching, Failure> {
    // Rules are asked first since they cost least; what they do not cover cannot fail either.
    if !criteria.excluded.is_empty() && by_rules(world, attributes, criteria, &criteria.excluded).is_some() {
        return Ok(Matching::No);
    }
    let resource = match criteria.is_open && criteria.rules.is_empty() {
        true => Some(shared(&world.registry, attributes.resource)),
        false => by_rules(world, attributes, criteria, &criteria.rules),
    };
    let Some(resource) = resource else { return Ok(Matching::No) };
    let is_object_selected = match &criteria.objects {
        // The options of a connection have no labels, not even an empty set.
        Ok(selector) if attributes.operation == AdmissionOperation::Connect => selector.is_everything(),
        Ok(selector) => is_selected(selector, written),
        // A namespace that is not selected comes first.
        Err(_) => true,
    };
    if !is_object_selected {
        return Ok(Matching::No);
    }
    if !attributes.namespace_of_request().is_empty() || attributes.is_of_namespaces() {
        let selector = criteria.namespaces.as_ref().map_err(Failure::internal)?;
        if !selector.is_everything() {
            let labels = match namespace.labels(world, attributes, written.object) {
                Ok(labels) => labels?,
                Err(question) => return Ok(Matching::Needs(question)),
            };
            if !selector.matches_labels(labels) {
                return Ok(Matching::No);
            }
        }
    }
    if let Err(why) = &criteria.objects {
        return Err(Failure::internal(why));
    }
    Ok(Matching::Yes(Matched { resource }))
}

/// Whether one of the objects has the labels.
fn is_selected(selector: &LabelSelector, written: WrittenObjects<'_>) -> bool {
    let selects = |object: &Value| {
        let labels = object.at(&["metadata", "labels"]).and_then(Value::as_map);
        !object.is_null() && selector.matches_labels(labels)
    };
    selector.is_everything() || selects(written.object) || selects(written.old)
}

fn shared(registry: &Registry, resource: &Kind) -> Arc<Kind> {
    registry.kind(resource.id).cloned().unwrap_or_else(|| Arc::new(resource.clone()))
}

/// The resource in the version of the first rule that covers the write.
fn by_rules(
    world: &World,
    attributes: &AdmissionAttributes<'_>,
    criteria: &MatchCriteria,
    rules: &[MatchRule],
) -> Option<Arc<Kind>> {
    let registry = &world.registry;
    if rules.iter().any(|rule| covers(rule, attributes, attributes.resource)) {
        return Some(shared(registry, attributes.resource));
    }
    if !criteria.is_equivalent {
        return None;
    }
    let others = || registry.iter().filter(|other| is_equivalent(attributes, other));
    rules.iter().find_map(|rule| others().find(|other| covers(rule, attributes, other)).cloned())
}

/// Whether a resource is another version of the one that is written, with the same subresource.
/// k8s: staging/src/k8s.io/apimachinery/pkg/runtime/mapper.go
fn is_equivalent(attributes: &AdmissionAttributes<'_>, other: &Kind) -> bool {
    let resource = attributes.resource;
    let shares = match (resource.storage, other.storage) {
        (Some(one), Some(another)) => one == another,
        (Some(_) | None, _) => resource.group == other.group && resource.plural == other.plural,
    };
    let has_it = || other.subs.iter().any(|sub| sub.name == attributes.subresource);
    shares && other.id != resource.id && (attributes.subresource.is_empty() || has_it())
}

impl<'a> AdmissionAttributes<'a> {
    /// The write is one of a Namespace, or of a part of it.
    pub(crate) fn is_of_namespaces(&self) -> bool {
        self.resource.plural == "namespaces" && self.resource.group.is_empty()
    }

    /// The namespace of the request, as reviews and rules see it: a Namespace is in itself.
    /// k8s: staging/src/k8s.io/apiserver/pkg/endpoints/request/requestinfo.go, handlers/create.go
    pub(crate) fn namespace_of_request(&self) -> &'a str {
        if self.is_of_namespaces() { self.name } else { self.namespace }
    }
}

impl AdmissionOperation {
    /// Upstream's word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Connect => "CONNECT",
        }
    }
}

/// Items of a rule that name this, or all.
fn named(items: &[Text], wanted: &str) -> bool {
    items.iter().any(|item| item == "*" || item == wanted)
}

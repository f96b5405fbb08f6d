//! Whether a rule covers a write.
//! k8s: staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook/predicates/rules/rules.go

use super::named;
use crate::admission::AdmissionAttributes;
use crate::kinds::Kind;
use crate::value::Text;
use crate::world::match_criteria::{MatchRule, MatchScope};

/// Whether a rule covers a write, if it is seen as one of `resource`: the resource that was asked for, or another
/// version of it.
pub(super) fn covers(rule: &MatchRule, attributes: &AdmissionAttributes<'_>, resource: &Kind) -> bool {
    let is_namespaces =
        resource.plural == "namespaces" && resource.group.is_empty() && resource.version == "v1";
    let is_cluster = is_namespaces || attributes.namespace_of_request().is_empty();
    let is_in_scope = match rule.scope {
        MatchScope::All => true,
        MatchScope::Cluster => is_cluster,
        MatchScope::Namespaced => !is_cluster,
        MatchScope::Unknown => false,
    };
    let is_named = |(plural, sub): &(Text, Text)| {
        (plural == "*" || *plural == resource.plural) && (sub == "*" || sub == attributes.subresource)
    };
    is_in_scope
        && named(&rule.operations, attributes.operation.word())
        && named(&rule.groups, &resource.group)
        && named(&rule.versions, &resource.version)
        && rule.resources.iter().any(is_named)
        && (rule.names.is_empty() || rule.names.iter().any(|name| name == attributes.name))
}

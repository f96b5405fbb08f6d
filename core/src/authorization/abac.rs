//! Attribute-based access control: the lines of a policy file, each of which allows something.
//! k8s: pkg/auth/authorizer/abac/abac.go

use super::Attributes;
use crate::caller::Caller;
use crate::config::AbacPolicy;
use crate::value::Text;
use crate::world::indexes::PolicyRule;
use alloc::vec::Vec;

/// Stands for everything in a line.
const ALL: &str = "*";

/// Whether a line allows the request.
pub(super) fn allows(policies: &[AbacPolicy], attributes: &Attributes<'_>) -> bool {
    policies.iter().any(|policy| {
        is_subject(policy, attributes.user)
            && (attributes.is_read_only() || !policy.is_read_only)
            && if attributes.is_resource {
                is_resource(policy, attributes)
            } else {
                is_path(policy, attributes.path)
            }
    })
}

/// A line that names neither a user nor a group is nobody's.
fn is_subject(policy: &AbacPolicy, caller: &Caller) -> bool {
    let is_user = policy.user == ALL || policy.user == caller.name;
    let is_group = policy.group == ALL || caller.groups.contains(&policy.group);
    match (policy.user.is_empty(), policy.group.is_empty()) {
        (true, true) => false,
        (false, true) => is_user,
        (true, false) => is_group,
        (false, false) => is_user && is_group,
    }
}

/// The rules of a caller's lines in a namespace.
pub(super) fn rules_for(policies: &[AbacPolicy], caller: &Caller, namespace: &str) -> Vec<PolicyRule> {
    let is_place = |policy: &AbacPolicy| policy.namespace == ALL || policy.namespace == namespace;
    let own = policies.iter().filter(|policy| is_subject(policy, caller) && is_place(policy));
    own.flat_map(|policy| {
        let words = |words: &[&str]| words.iter().map(|word| Text::from(*word)).collect();
        let verbs: Vec<Text> =
            if policy.is_read_only { words(&["get", "list", "watch"]) } else { words(&[ALL]) };
        let resource = PolicyRule {
            verbs: verbs.clone(),
            api_groups: words(&[&policy.api_group]),
            resources: words(&[&policy.resource]),
            ..PolicyRule::default()
        };
        let path = PolicyRule {
            verbs,
            non_resource_urls: words(&[&policy.non_resource_path]),
            ..PolicyRule::default()
        };
        let rules = [(resource, &policy.resource), (path, &policy.non_resource_path)];
        rules.into_iter().filter(|(_, named)| !named.is_empty()).map(|(rule, _)| rule)
    })
    .collect()
}

fn is_resource(policy: &AbacPolicy, attributes: &Attributes<'_>) -> bool {
    let is = |held: &str, asked: &str| held == ALL || held == asked;
    is(&policy.namespace, attributes.namespace)
        && is(&policy.resource, attributes.resource)
        && is(&policy.api_group, attributes.group)
}

/// All stars at the end of a path count as one.
fn is_path(policy: &AbacPolicy, path: &str) -> bool {
    let held = policy.non_resource_path.as_str();
    held == path || held.ends_with(ALL) && path.starts_with(held.trim_end_matches(ALL))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authorization::tests::{attributes, caller};

    fn policy(line: [&str; 7]) -> AbacPolicy {
        let [user, group, mode, api_group, resource, namespace, path] = line;
        AbacPolicy {
            user: user.into(),
            group: group.into(),
            is_read_only: mode == "read",
            api_group: api_group.into(),
            resource: resource.into(),
            namespace: namespace.into(),
            non_resource_path: path.into(),
        }
    }

    #[test]
    fn a_line_allows_what_it_says() {
        let cases = [
            (["alice", "", "", "", "pods", "default", ""], "get", "", true),
            (["alice", "", "", "", "pods", "default", ""], "create", "", true),
            (["alice", "", "read", "", "pods", "default", ""], "create", "", false),
            (["alice", "", "read", "", "pods", "default", ""], "watch", "", true),
            (["alice", "", "", "*", "*", "*", ""], "get", "", true),
            (["alice", "", "", "apps", "pods", "default", ""], "get", "", false),
            (["alice", "", "", "", "pods", "", ""], "get", "", false),
            (["alice", "", "", "", "pods", "default", "*"], "get", "/version", true),
            (["alice", "", "", "", "pods", "default", ""], "get", "/version", false),
            (["alice", "", "", "", "", "", "/api/*"], "get", "/api/v1", true),
            (["alice", "", "", "", "", "", "/api/**"], "get", "/apis", false),
            (["alice", "", "", "", "", "", "/api/*"], "get", "/api", false),
            (["", "", "", "*", "*", "*", "*"], "get", "", false),
            (["*", "", "", "*", "*", "*", "*"], "get", "", true),
            (["", "devs", "", "*", "*", "*", "*"], "get", "", true),
            (["", "ops", "", "*", "*", "*", "*"], "get", "", false),
            (["bob", "devs", "", "*", "*", "*", "*"], "get", "", false),
            (["alice", "ops", "", "*", "*", "*", "*"], "get", "", false),
        ];
        let user = caller("alice", "devs");
        for (line, verb, path, allowed) in cases {
            let asked = Attributes { path, is_resource: path.is_empty(), ..attributes(&user, verb) };
            assert_eq!(allows(&[policy(line)], &asked), allowed, "{line:?} {verb} {path}");
        }
        assert!(!allows(&[], &attributes(&user, "get")));
    }
}

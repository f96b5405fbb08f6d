//! What rules allow that others do not: nobody gives away more than they have, and the default policy is added to
//! roles that lack some of it.
//! k8s: staging/src/k8s.io/component-helpers/auth/rbac/validation/policy_comparator.go Covers

use crate::value::Text;
use crate::world::indexes::PolicyRule;
use alloc::format;
use alloc::vec::Vec;

/// The smallest rules of which the wanted ones consist and that none of the owner's covers. There are as many as the
/// wanted rules have combinations of groups, resources, names and verbs, which is the caller's to bound.
pub(crate) fn uncovered<'r>(
    owned: impl IntoIterator<Item = &'r PolicyRule>,
    wanted: &[PolicyRule],
) -> Vec<PolicyRule> {
    let owned: Vec<&PolicyRule> = owned.into_iter().collect();
    let simple = wanted.iter().flat_map(breakdown);
    simple.filter(|rule| !owned.iter().any(|own| covers(own, rule))).collect()
}

/// A rule as rules of at most one group, resource, name and verb.
fn breakdown(rule: &PolicyRule) -> Vec<PolicyRule> {
    let mut simple = Vec::new();
    for (group, resource) in
        rule.api_groups.iter().flat_map(|group| rule.resources.iter().map(move |resource| (group, resource)))
    {
        for verb in &rule.verbs {
            let one = PolicyRule {
                verbs: alloc::vec![verb.clone()],
                api_groups: alloc::vec![group.clone()],
                resources: alloc::vec![resource.clone()],
                ..PolicyRule::default()
            };
            let named = |name: &Text| PolicyRule { resource_names: alloc::vec![name.clone()], ..one.clone() };
            if rule.resource_names.is_empty() {
                simple.push(one.clone());
            } else {
                simple.extend(rule.resource_names.iter().map(named));
            }
        }
    }
    for url in &rule.non_resource_urls {
        simple.extend(rule.verbs.iter().map(|verb| PolicyRule {
            verbs: alloc::vec![verb.clone()],
            non_resource_urls: alloc::vec![url.clone()],
            ..PolicyRule::default()
        }));
    }
    simple
}

/// Whether a rule covers a simple one.
fn covers(own: &PolicyRule, wanted: &PolicyRule) -> bool {
    let has = |list: &[Text], word: &str| list.iter().any(|held| held == word);
    let all_of = |list: &[Text], words: &[Text]| has(list, "*") || words.iter().all(|word| has(list, word));
    let names = own.resource_names.is_empty()
        || (!wanted.resource_names.is_empty()
            && wanted.resource_names.iter().all(|name| has(&own.resource_names, name)));
    let resource = |wanted: &Text| {
        let sub = wanted.split_once('/').map(|(_, sub)| format!("*/{sub}"));
        has(&own.resources, wanted) || sub.is_some_and(|pattern| has(&own.resources, &pattern))
    };
    all_of(&own.verbs, &wanted.verbs)
        && all_of(&own.api_groups, &wanted.api_groups)
        && (has(&own.resources, "*") || wanted.resources.iter().all(resource))
        && wanted
            .non_resource_urls
            .iter()
            .all(|path| own.non_resource_urls.iter().any(|own| covers_url(own, path)))
        && names
}

fn covers_url(own: &str, wanted: &str) -> bool {
    own == wanted || (own.ends_with('*') && wanted.starts_with(own.trim_end_matches('*')))
}

//! Nobody may give away rights that they do not have: what the caller's own roles cover of the rules of a new or
//! changed role, or of a role that is to be bound.
//! k8s: pkg/registry/rbac/validation/rule.go ConfirmNoEscalation, policy_compact.go CompactRules,
//! staging/src/k8s.io/component-helpers/auth/rbac/validation/policy_comparator.go Covers

use super::opinion::aggregate;
use super::rbac::{self, RoleReader};
use crate::caller::Caller;
use crate::limits;
use crate::value::{Text, quoted};
use crate::world::World;
use crate::world::indexes::PolicyRule;
use alloc::borrow::ToOwned;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// The rules of somebody who may do everything.
pub(crate) fn full_authority() -> [PolicyRule; 2] {
    let all = || alloc::vec![Text::from("*")];
    let everything =
        PolicyRule { verbs: all(), api_groups: all(), resources: all(), ..PolicyRule::default() };
    let everywhere = PolicyRule { verbs: all(), non_resource_urls: all(), ..PolicyRule::default() };
    [everything, everywhere]
}

/// Checks that the caller's roles in a namespace, and in the whole cluster, cover these rules.
///
/// # Errors
/// The sentence that says which of them are not.
pub(crate) fn confirm_covered(
    world: &World,
    caller: &Caller,
    namespace: &str,
    rules: &[PolicyRule],
) -> Result<(), String> {
    let (own, errors) = rbac::rules_for(world, caller, namespace, RoleReader::Storage);
    let combinations = rules.iter().fold(0_usize, |sum, rule| sum.saturating_add(combinations(rule)));
    if combinations > limits::RULE_COMBINATIONS && !own.iter().any(|rule| gives_everything(rule)) {
        return Err(format!(
            "its rules have {combinations} combinations of groups, resources, names and verbs, more than the {} that \
             are compared with those of user {}",
            limits::RULE_COMBINATIONS,
            quoted(&caller.name)
        ));
    }
    if combinations > limits::RULE_COMBINATIONS {
        return Ok(());
    }
    let simple = rules.iter().flat_map(breakdown);
    let missing: Vec<PolicyRule> = simple.filter(|rule| !own.iter().any(|own| covers(own, rule))).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let user = quoted(&caller.name);
    let groups = go_list(&caller.groups);
    let described = described(missing);
    let mut told = format!(
        "user {user} (groups={groups}) is attempting to grant RBAC permissions not currently held:\n{described}"
    );
    if !errors.is_empty() {
        told = format!("{told}; resolution errors: [{}]", aggregate(&errors));
    }
    Err(told)
}

/// Of how many simple rules a rule consists.
fn combinations(rule: &PolicyRule) -> usize {
    let of_resources = [&rule.api_groups, &rule.resources, &rule.verbs].into_iter().map(Vec::len);
    let of_resources = of_resources.fold(rule.resource_names.len().max(1), usize::saturating_mul);
    of_resources.saturating_add(rule.non_resource_urls.len().saturating_mul(rule.verbs.len()))
}

/// Whether a rule covers all rules about resources.
fn gives_everything(rule: &PolicyRule) -> bool {
    let all = |words: &[Text]| words.iter().any(|word| word == "*");
    all(&rule.api_groups) && all(&rule.resources) && all(&rule.verbs) && rule.resource_names.is_empty()
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

/// Rules as they are named to the caller: those that differ in their verbs only are one, and each has a line.
fn described(rules: Vec<PolicyRule>) -> String {
    let mut verbs_of: BTreeMap<PolicyRule, Vec<Text>> = BTreeMap::new();
    let mut lines = BTreeSet::new();
    for mut rule in rules {
        if !rule.non_resource_urls.is_empty() {
            lines.insert(compact(&rule));
            continue;
        }
        let verbs = core::mem::take(&mut rule.verbs);
        verbs_of.entry(rule).or_default().extend(verbs);
    }
    lines.extend(verbs_of.into_iter().map(|(rule, verbs)| compact(&PolicyRule { verbs, ..rule })));
    lines.into_iter().collect::<Vec<String>>().join("\n")
}

/// k8s: pkg/apis/rbac/v1/evaluation_helpers.go CompactString
fn compact(rule: &PolicyRule) -> String {
    let lists = [
        ("APIGroups", &rule.api_groups),
        ("Resources", &rule.resources),
        ("NonResourceURLs", &rule.non_resource_urls),
        ("ResourceNames", &rule.resource_names),
        ("Verbs", &rule.verbs),
    ];
    let told = lists.into_iter().filter(|(_, list)| !list.is_empty());
    let told: Vec<String> = told.map(|(name, list)| format!("{name}:{}", go_list(list))).collect();
    format!("{{{}}}", told.join(", "))
}

/// A list of texts as Go prints it.
fn go_list(texts: &[Text]) -> String {
    let quoted: Vec<String> = texts.iter().map(|text| quoted(text).to_owned()).collect();
    format!("[{}]", quoted.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(verbs: &str, groups: &str, resources: &str, names: &str, urls: &str) -> PolicyRule {
        let list = |words: &str| words.split(' ').filter(|word| !word.is_empty()).map(word).collect();
        PolicyRule {
            verbs: list(verbs),
            api_groups: list(groups),
            resources: list(resources),
            resource_names: list(names),
            non_resource_urls: list(urls),
        }
    }

    /// A dash stands for the empty word, which is the core group.
    fn word(word: &str) -> Text {
        word.trim_matches('-').into()
    }

    fn missing(own: &[PolicyRule], wanted: &PolicyRule) -> String {
        described(
            breakdown(wanted).into_iter().filter(|one| !own.iter().any(|own| covers(own, one))).collect(),
        )
    }

    #[test]
    fn rules_cover_what_they_allow() {
        let own = [
            rule("get list", "-", "pods */log", "", ""),
            rule("*", "apps", "*", "", ""),
            rule("get", "-", "secrets", "a b", ""),
            rule("get", "", "", "", "/healthz/* /version"),
        ];
        let cases = [
            (rule("get", "-", "pods", "", ""), ""),
            (rule("get", "-", "pods", "x", ""), ""),
            (rule("get", "-", "services/log", "", ""), ""),
            (rule("delete", "apps", "deployments/scale", "", ""), ""),
            (rule("get", "-", "secrets", "a", ""), ""),
            (rule("get", "", "", "", "/healthz/etcd /version"), ""),
            (
                rule("get", "-", "secrets", "", ""),
                r#"{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}"#,
            ),
            (
                rule("list get watch delete", "- apps", "pods", "", ""),
                r#"{APIGroups:[""], Resources:["pods"], Verbs:["watch" "delete"]}"#,
            ),
            (
                rule("get", "-", "secrets", "a c d", ""),
                "{APIGroups:[\"\"], Resources:[\"secrets\"], ResourceNames:[\"c\"], Verbs:[\"get\"]}\n\
                 {APIGroups:[\"\"], Resources:[\"secrets\"], ResourceNames:[\"d\"], Verbs:[\"get\"]}",
            ),
            (
                rule("get put", "", "", "", "/healthz /version"),
                "{NonResourceURLs:[\"/healthz\"], Verbs:[\"get\"]}\n\
                 {NonResourceURLs:[\"/healthz\"], Verbs:[\"put\"]}\n\
                 {NonResourceURLs:[\"/version\"], Verbs:[\"put\"]}",
            ),
        ];
        for (wanted, expected) in cases {
            assert_eq!(missing(&own, &wanted), expected, "{wanted:?}");
        }
        let all = full_authority();
        assert_eq!(missing(&all, &rule("x y", "g *", "r/s *", "n", "")), "");
        assert!(all.iter().all(|rule| !missing(&own, rule).is_empty()));
    }
}

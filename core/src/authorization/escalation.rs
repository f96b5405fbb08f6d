//! Nobody may give away rights that they do not have: what the caller's own roles cover of the rules of a new or
//! changed role, or of a role that is to be bound.
//! k8s: pkg/registry/rbac/validation/rule.go ConfirmNoEscalation, policy_compact.go CompactRules

use super::covers::uncovered;
use super::opinion::aggregate;
use super::rbac::{self, RoleReader};
use crate::caller::Caller;
use crate::limits;
use crate::value::{Text, go_list, quoted};
use crate::world::World;
use crate::world::indexes::PolicyRule;
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
    let missing = uncovered(own.iter().copied(), rules);
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
        described(uncovered(own, core::slice::from_ref(wanted)))
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

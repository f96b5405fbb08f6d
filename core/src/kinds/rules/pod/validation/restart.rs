//! When the containers of a pod are started again.

use super::words::validate_choice;
use crate::kinds::validation::{Errors, Located};
use alloc::collections::BTreeSet;

const OF_PODS: &[&str] = &["Always", "OnFailure", "Never"];
const OF_CONTAINERS: &[&str] = &["Always", "Never", "OnFailure"];
const ACTIONS: &[&str] = &["Restart", "RestartAllContainers"];
const OPERATORS: &[&str] = &["In", "NotIn"];
const RESIZED: &[&str] = &["cpu", "memory"];
const RESIZES: &[&str] = &["NotRequired", "RestartContainer"];

/// The most rules of a container, and the most exit codes of a rule.
const RULES: usize = 20;
const EXIT_CODES: usize = 255;

/// The policy of a pod.
pub(super) fn validate_pod_policy(policy: &Located<'_, '_>, errors: &mut Errors) {
    validate_choice(policy, OF_PODS, errors);
}

/// The policy of a container, and the rules that refine it.
pub(super) fn validate_container_policy(container: &Located<'_, '_>, errors: &mut Errors) {
    let (policy, rules) = (container.member("restartPolicy"), container.member("restartPolicyRules"));
    if !policy.is_set() {
        if rules.is_empty() {
            return;
        }
        errors.required(&policy, "must specify restartPolicy when restart rules are used");
    } else if !OF_CONTAINERS.contains(&policy.text()) {
        errors.not_supported(&policy, OF_CONTAINERS);
    }
    if rules.len() > RULES {
        errors.too_many(&rules, RULES);
    }
    for rule in rules.items() {
        if errors.is_full() {
            return;
        }
        validate_rule(&rule, errors);
    }
}

/// An init container without a policy has no rules either.
pub(super) fn validate_init_container_policy(container: &Located<'_, '_>, errors: &mut Errors) {
    let policy = container.member("restartPolicy");
    if policy.is_set() {
        return validate_container_policy(container, errors);
    }
    if !container.member("restartPolicyRules").is_empty() {
        errors.required(&policy, "must specify restartPolicy when restart rules are used");
    }
}

fn validate_rule(rule: &Located<'_, '_>, errors: &mut Errors) {
    let (action, codes) = (rule.member("action"), rule.member("exitCodes"));
    if !ACTIONS.contains(&action.text()) {
        errors.not_supported_text(&action, ACTIONS);
    }
    if !codes.is_set() {
        return errors.required(&codes, "must be specified");
    }
    let (operator, values) = (codes.member("operator"), codes.member("values"));
    if !OPERATORS.contains(&operator.text()) {
        errors.not_supported_text(&operator, OPERATORS);
    }
    if values.len() > EXIT_CODES {
        errors.too_many(&values, EXIT_CODES);
    }
}

/// Whether a container is started again when it gets other amounts. Most errors stand under the list.
pub(super) fn validate_resize_policy(policies: &Located<'_, '_>, pod: &Located<'_, '_>, errors: &mut Errors) {
    let mut seen = BTreeSet::new();
    for policy in policies.items() {
        if errors.is_full() {
            return;
        }
        let (resource, restart) = (policy.member("resourceName"), policy.member("restartPolicy"));
        if !seen.insert(resource.text()) {
            errors.duplicate_value(&policy, resource.text());
        }
        validate_choice(&resource.shown_at(policies), RESIZED, errors);
        validate_choice(&restart.shown_at(policies), RESIZES, errors);
        if pod.text() == "Never" && restart.text() != "NotRequired" {
            let detail = "must be 'NotRequired' when pod `restartPolicy` is 'Never'";
            errors.invalid_value(policies, restart.text(), detail);
        }
    }
}

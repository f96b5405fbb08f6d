//! What webhooks and policies apply to: operations, groups, versions and resources, and the conditions on requests.
//! k8s: pkg/apis/admissionregistration/validation/validation.go

use crate::cel::CelType;
use crate::expressions::{Declared, Expression, admission_env};
use crate::kinds::validation::{Errors, Located, validate_label_selector};
use crate::value::names::{path_segment, qualified_name};
use alloc::collections::BTreeSet;

const MAX_CONDITIONS: usize = 64;
const FAILURE_POLICIES: &[&str] = &["Fail", "Ignore"];
const MATCH_POLICIES: &[&str] = &["Equivalent", "Exact"];
const OPERATIONS: &[&str] = &["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];
const SCOPES: &[&str] = &["*", "Cluster", "Namespaced"];

pub(super) fn validate_failure_policy(policy: &Located<'_, '_>, errors: &mut Errors) {
    if policy.is_set() && !FAILURE_POLICIES.contains(&policy.text()) {
        errors.not_supported(policy, FAILURE_POLICIES);
    }
}

pub(super) fn validate_match_policy(policy: &Located<'_, '_>, errors: &mut Errors) {
    if policy.is_set() && !MATCH_POLICIES.contains(&policy.text()) {
        errors.not_supported(policy, MATCH_POLICIES);
    }
}

/// What a policy or a binding matches, which may be absent.
pub(super) fn validate_match_resources(matched: &Located<'_, '_>, errors: &mut Errors) {
    if !matched.is_set() {
        return;
    }
    let policy = matched.member("matchPolicy");
    if policy.is_set() {
        validate_match_policy(&policy, errors);
    } else {
        errors.required(&policy, "");
    }
    for field in ["namespaceSelector", "objectSelector"] {
        let selector = matched.member(field);
        if selector.is_set() {
            validate_label_selector(&selector, false, errors);
        } else {
            errors.required(&selector, "");
        }
    }
    for field in ["resourceRules", "excludeResourceRules"] {
        for rule in matched.member(field).items() {
            if errors.is_full() {
                return;
            }
            validate_resource_names(&rule.member("resourceNames"), errors);
            validate_rule(&rule, errors);
        }
    }
}

fn validate_resource_names(names: &Located<'_, '_>, errors: &mut Errors) {
    let mut seen = BTreeSet::new();
    for name in names.items() {
        if errors.is_full() {
            return;
        }
        errors.invalid_for_each(&name, name.text(), path_segment(name.text(), false));
        if !seen.insert(name.text()) {
            errors.duplicate_value(&name, name.text());
        }
    }
}

fn has_wildcard(list: &Located<'_, '_>) -> bool {
    list.items().any(|item| item.text() == "*")
}

pub(super) fn validate_rule(rule: &Located<'_, '_>, errors: &mut Errors) {
    let operations = rule.member("operations");
    validate_alone(&operations, "operations", errors);
    for operation in operations.items() {
        if errors.is_full() {
            return;
        }
        if !OPERATIONS.contains(&operation.text()) {
            errors.not_supported_text(&operation, OPERATIONS);
        }
    }
    validate_alone(&rule.member("apiGroups"), "API groups", errors);
    let versions = rule.member("apiVersions");
    validate_alone(&versions, "API versions", errors);
    for version in versions.items().filter(Located::is_empty) {
        errors.required(&version, "");
    }
    validate_resources(&rule.member("resources"), errors);
    let scope = rule.member("scope");
    if scope.is_set() && !SCOPES.contains(&scope.text()) {
        errors.not_supported(&scope, SCOPES);
    }
}

/// A list with something in it, and where everything is meant, nothing else.
fn validate_alone(list: &Located<'_, '_>, what: &str, errors: &mut Errors) {
    if list.is_empty() {
        errors.required(list, "");
    }
    if list.len() > 1 && has_wildcard(list) {
        errors.invalid(list, format_args!("if '*' is present, must not specify other {what}"));
    }
}

/// Resources with their subresources, none of which is said twice.
fn validate_resources(resources: &Located<'_, '_>, errors: &mut Errors) {
    if resources.is_empty() {
        errors.required(resources, "");
    }
    let (mut whole, mut everywhere) = (BTreeSet::new(), BTreeSet::new());
    let (mut all, mut all_resources, mut single) = (false, false, false);
    for resource in resources.items() {
        if errors.is_full() {
            return;
        }
        let text = resource.text();
        if text.is_empty() {
            errors.required(&resource, "");
            continue;
        }
        all |= text == "*/*";
        all_resources |= text == "*";
        let Some((name, sub)) = text.split_once('/') else {
            single = text != "*";
            continue;
        };
        if whole.contains(name) {
            let detail = format_args!("if '{name}/*' is present, must not specify {text}");
            errors.invalid(&resource, detail);
        }
        if everywhere.contains(sub) {
            let detail = format_args!("if '*/{sub}' is present, must not specify {text}");
            errors.invalid(&resource, detail);
        }
        if sub == "*" {
            whole.insert(name);
        }
        if name == "*" {
            everywhere.insert(sub);
        }
    }
    if resources.len() > 1 && all {
        errors.invalid(resources, "if '*/*' is present, must not specify other resources");
    }
    if all_resources && single {
        let detail = "if '*' is present, must not specify other resources without subresources";
        errors.invalid(resources, detail);
    }
}

/// The conditions on requests, each with a name of its own. Those of policies with parameters can name these.
pub(super) fn validate_match_conditions(conditions: &Located<'_, '_>, params: bool, errors: &mut Errors) {
    let env = admission_env(Declared { params, authorizer: true, patches: false });
    if conditions.len() > MAX_CONDITIONS {
        errors.too_many(conditions, MAX_CONDITIONS);
    }
    let mut names = BTreeSet::new();
    for condition in conditions.items() {
        if errors.is_full() {
            return;
        }
        let (name, expression) = (condition.member("name"), condition.member("expression"));
        let trimmed = expression.text().trim();
        if trimmed.is_empty() {
            errors.required(&expression, "");
        } else if let Some(why) = Expression::compile(&env, trimmed, &[CelType::Bool]).error() {
            errors.invalid_value(&expression, trimmed, why);
        }
        if name.is_empty() {
            errors.required(&name, "");
            continue;
        }
        errors.invalid_for_each(&name, name.text(), qualified_name(name.text()));
        if !names.insert(name.text()) {
            errors.duplicate_value(&name, name.text());
        }
    }
}

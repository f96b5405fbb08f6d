//! Bindings of admission policies.
//! k8s: pkg/apis/admissionregistration/validation/validation.go

use super::matching::validate_match_resources;
use super::policy::validate_mutated_operations;
use crate::kinds::Facts;
use crate::kinds::metadata;
use crate::kinds::validation::{Errors, Located, validate_label_selector};
use crate::value::names::{dns_subdomain, path_segment};
use alloc::collections::BTreeSet;

pub(super) fn validate_validating(object: &Located<'_, '_>, _facts: &Facts<'_>, errors: &mut Errors) {
    let spec = object.member("spec");
    validate_policy(&spec, errors);
    validate_match_resources(&spec.member("matchResources"), errors);
    validate_actions(&spec.member("validationActions"), errors);
}

pub(super) fn validate_validating_update(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    metadata::validate(object, false, dns_subdomain, errors);
    validate_validating(object, facts, errors);
}

pub(super) fn validate_mutating(object: &Located<'_, '_>, _facts: &Facts<'_>, errors: &mut Errors) {
    let spec = object.member("spec");
    validate_policy(&spec, errors);
    let matched = spec.member("matchResources");
    validate_match_resources(&matched, errors);
    validate_mutated_operations(&matched, errors);
}

pub(super) fn validate_mutating_update(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    metadata::validate(object, false, dns_subdomain, errors);
    validate_mutating(object, facts, errors);
}

fn validate_policy(spec: &Located<'_, '_>, errors: &mut Errors) {
    let (policy, params) = (spec.member("policyName"), spec.member("paramRef"));
    if policy.is_empty() {
        errors.required(&policy, "");
    } else {
        errors.invalid_for_each(&policy, policy.text(), dns_subdomain(policy.text(), false));
    }
    if params.is_set() {
        validate_param_ref(&params, errors);
    }
}

fn validate_param_ref(params: &Located<'_, '_>, errors: &mut Errors) {
    const ONE: &str = "name and selector are mutually exclusive";
    let (name, selector) = (params.member("name"), params.member("selector"));
    if !name.is_empty() {
        errors.invalid_for_each(&name, name.text(), path_segment(name.text(), false));
        if selector.is_set() {
            errors.forbidden(&name, ONE);
        }
    }
    if selector.is_set() {
        validate_label_selector(&selector, false, errors);
        if !name.is_empty() {
            errors.forbidden(&selector, ONE);
        }
    } else if name.is_empty() {
        errors.required(params, "one of name or selector must be specified");
    }
    let action = params.member("parameterNotFoundAction");
    match action.text() {
        "" => errors.required(&action, ""),
        "Allow" | "Deny" => {}
        _ => errors.not_supported(&action, &["Deny", "Allow"]),
    }
}

fn validate_actions(actions: &Located<'_, '_>, errors: &mut Errors) {
    const ACTIONS: &[&str] = &["Audit", "Deny", "Warn"];
    let mut seen = BTreeSet::new();
    for action in actions.items() {
        if errors.is_full() {
            return;
        }
        if !ACTIONS.contains(&action.text()) {
            errors.not_supported_text(&action, ACTIONS);
        }
        if !seen.insert(action.text()) {
            errors.duplicate_value(&action, action.text());
        }
    }
    if seen.contains("Deny") && seen.contains("Warn") {
        let detail = "must not contain both Deny and Warn (repeating the same validation failure information in the \
                      API response and headers serves no purpose)";
        errors.invalid(actions, detail);
    }
    if seen.is_empty() {
        errors.required(actions, "at least one validation action is required");
    }
}

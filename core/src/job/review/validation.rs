//! What is wrong with an access review.
//! k8s: pkg/apis/authorization/validation/validation.go

use super::ReviewKind;
use crate::kinds::validation::{Errors, Located, internal_json};
use crate::value::Value;
use crate::value::names::{label_key, label_value};
use alloc::format;

pub(super) fn validate(kind: ReviewKind, review: &Value, errors: &mut Errors) {
    let review = Located::root(review);
    let spec = review.member("spec");
    let (resource, path) = (spec.member("resourceAttributes"), spec.member("nonResourceAttributes"));
    let shown = || match path.is_set() {
        true => internal_json("NonResourceAttributes", path.value()),
        false => "null".into(),
    };
    if resource.is_set() && path.is_set() {
        errors.invalid_shown(&path, &shown(), "cannot be specified in combination with resourceAttributes");
    }
    if !resource.is_set() && !path.is_set() {
        let why = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
        errors.invalid_shown(&resource, "null", why);
    }
    let user = spec.member("user");
    let names_user = kind == ReviewKind::Subject || kind == ReviewKind::LocalSubject;
    if names_user && user.is_empty() && spec.member("groups").is_empty() {
        errors.invalid_value(&user, "", "at least one of user or group must be specified");
    }
    if resource.is_set() {
        validate_selector(&resource.member("fieldSelector"), validate_field_requirement, errors);
        validate_selector(&resource.member("labelSelector"), validate_label_requirement, errors);
    }
    let metadata = review.member("metadata");
    let is_local = kind == ReviewKind::LocalSubject;
    let is_ignored = |name: &str| name == "managedFields" || (is_local && name == "namespace");
    if metadata.entries().any(|(name, held)| !is_ignored(name) && !held.is_empty()) {
        let except = if is_local { " except for namespace" } else { "" };
        errors.invalid(&metadata, format!("must be empty{except}"));
    }
    if is_local {
        let namespace = resource.member("namespace");
        if resource.is_set() && namespace.text() != metadata.member("namespace").text() {
            errors.invalid_value(&namespace, namespace.text(), "must match metadata.namespace");
        }
        if path.is_set() {
            errors.invalid_shown(&path, &shown(), "disallowed on this kind of request");
        }
    }
}

/// A selector is a text or a list of requirements.
fn validate_selector(
    selector: &Located<'_, '_>,
    validate_requirement: fn(&Located<'_, '_>, &mut Errors),
    errors: &mut Errors,
) {
    if !selector.is_set() {
        return;
    }
    let (raw, requirements) = (selector.member("rawSelector"), selector.member("requirements"));
    if !raw.is_empty() && !requirements.is_empty() {
        errors.invalid(&raw, "may not specified at the same time as requirements");
    }
    if raw.is_empty() && requirements.is_empty() {
        let why = format!("when {selector} is specified, requirements or rawSelector is required");
        errors.required(&requirements, why);
    }
    for requirement in requirements.items() {
        if errors.is_full() {
            return;
        }
        validate_requirement(&requirement, errors);
    }
}

/// An unknown operator is no error: a newer client may know it.
fn validate_values(requirement: &Located<'_, '_>, errors: &mut Errors) {
    let values = requirement.member("values");
    match requirement.member("operator").text() {
        "In" | "NotIn" if values.is_empty() => {
            errors.required(&values, "must be specified when `operator` is 'In' or 'NotIn'");
        }
        "Exists" | "DoesNotExist" if !values.is_empty() => {
            errors.forbidden(&values, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
        }
        _ => {}
    }
}

fn validate_field_requirement(requirement: &Located<'_, '_>, errors: &mut Errors) {
    let key = requirement.member("key");
    if key.is_empty() {
        errors.required(&key, "must be specified");
    }
    validate_values(requirement, errors);
}

fn validate_label_requirement(requirement: &Located<'_, '_>, errors: &mut Errors) {
    validate_values(requirement, errors);
    let key = requirement.member("key");
    errors.invalid_for_each(&key, key.text(), label_key(key.text()));
    for value in requirement.member("values").items() {
        errors.invalid_for_each(&value, value.text(), label_value(value.text()));
    }
}

//! How pods are spread over the nodes, zones and regions of a cluster.

use super::context::PodContext;
use super::selectors;
use super::words::{validate_label_key, validate_optional_choice};
use crate::kinds::validation::{Errors, Located, validate_label_selector};
use alloc::collections::BTreeSet;
use alloc::format;

const ACTIONS: &[&str] = &["DoNotSchedule", "ScheduleAnyway"];
const INCLUSIONS: &[&str] = &["Honor", "Ignore"];
const NOT_POSITIVE: &str = "must be greater than zero";

pub(super) fn validate_constraints(
    constraints: &Located<'_, '_>,
    context: &PodContext<'_>,
    errors: &mut Errors,
) {
    for (index, constraint) in constraints.items().enumerate() {
        if errors.is_full() {
            return;
        }
        let (key, action) = (constraint.member("topologyKey"), constraint.member("whenUnsatisfiable"));
        let skew = constraint.member("maxSkew");
        if skew.int() <= 0 {
            errors.invalid_value(&skew, skew.int(), NOT_POSITIVE);
        }
        if key.is_empty() {
            errors.required(&key, "can not be empty");
        }
        if !ACTIONS.contains(&action.text()) {
            errors.not_supported_text(&action, ACTIONS);
        }
        let is_same = |other: &Located<'_, '_>| {
            other.member("topologyKey").text() == key.text()
                && other.member("whenUnsatisfiable").text() == action.text()
        };
        if constraints.items().skip(index + 1).any(|other| is_same(&other)) {
            let shown = constraint.member("{topologyKey, whenUnsatisfiable}");
            errors.duplicate_value(&shown, format!("{{{}, {}}}", key.text(), action.text()));
        }
        validate_domains(&constraint, action.text(), errors);
        validate_optional_choice(&constraint.member("nodeAffinityPolicy"), INCLUSIONS, errors);
        validate_optional_choice(&constraint.member("nodeTaintsPolicy"), INCLUSIONS, errors);
        if context.spreads_by_old_rules {
            validate_by_old_rules(&constraint, errors);
        } else {
            selectors::validate_label_keys(&constraint, errors);
        }
        if !context.lets_spread_selectors {
            validate_label_selector(&constraint.member("labelSelector"), false, errors);
        }
    }
}

fn validate_domains(constraint: &Located<'_, '_>, action: &str, errors: &mut Errors) {
    let domains = constraint.member("minDomains");
    let Some(number) = domains.int_if_set() else { return };
    if number <= 0 {
        errors.invalid(&domains, NOT_POSITIVE);
    }
    if action != "DoNotSchedule" {
        let detail = format_args!("can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}");
        errors.invalid(&domains, detail);
    }
}

/// The selectors of all constraints.
pub(super) fn validate_selectors(constraints: &Located<'_, '_>, errors: &mut Errors) {
    for constraint in constraints.items() {
        validate_label_selector(&constraint.member("labelSelector"), false, errors);
    }
}

/// The keys of all constraints, by the rules of today.
pub(super) fn validate_label_keys(constraints: &Located<'_, '_>, errors: &mut Errors) {
    for constraint in constraints.items() {
        selectors::validate_label_keys(&constraint, errors);
    }
}

/// The rules of a time when the server did not add expressions for the keys.
/// k8s: pkg/apis/core/validation/validation.go ValidateMatchLabelKeysInTopologySpread
fn validate_by_old_rules(constraint: &Located<'_, '_>, errors: &mut Errors) {
    let (keys, selector) = (constraint.member("matchLabelKeys"), constraint.member("labelSelector"));
    if keys.is_empty() {
        return;
    }
    if !selector.is_set() {
        errors.forbidden(&keys, "must not be specified when labelSelector is not set");
    }
    let (labels, expressions) = (selector.member("matchLabels"), selector.member("matchExpressions"));
    let selected: BTreeSet<&str> = labels
        .entries()
        .map(|(key, _)| key)
        .chain(expressions.items().map(|expression| expression.member("key").text()))
        .collect();
    for key in keys.items() {
        validate_label_key(&key, errors);
        if selected.contains(key.text()) {
            errors.invalid_value(&key, key.text(), "exists in both matchLabelKeys and labelSelector");
        }
    }
}

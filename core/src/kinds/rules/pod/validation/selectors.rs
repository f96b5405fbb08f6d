//! The terms of pod affinity: labels of other pods, of their namespaces, and keys that are taken from the pod itself.

use super::words::{validate_dns_label, validate_label_key};
use crate::kinds::validation::{Errors, Located, validate_label_selector};
use alloc::collections::{BTreeMap, BTreeSet};

/// The lists of terms with and without weights.
const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";

/// Visits the terms of an affinity or anti-affinity; `weigh` comes before each that has a weight.
pub(super) fn each_term(
    affinity: &Located<'_, '_>,
    errors: &mut Errors,
    weigh: fn(&Located<'_, '_>, &mut Errors),
    visit: &mut dyn FnMut(&Located<'_, '_>, &mut Errors),
) {
    let (required, preferred) = (affinity.member(REQUIRED), affinity.member(PREFERRED));
    for term in required.items() {
        if errors.is_full() {
            return;
        }
        visit(&term, errors);
    }
    for weighted in preferred.items() {
        if errors.is_full() {
            return;
        }
        weigh(&weighted, errors);
        visit(&weighted.member("podAffinityTerm"), errors);
    }
}

pub(super) fn validate_term(term: &Located<'_, '_>, lets_values: bool, errors: &mut Errors) {
    validate_selectors(term, lets_values, errors);
    let (namespaces, shown) = (term.member("namespaces"), term.member("namespace"));
    for namespace in namespaces.items() {
        validate_dns_label(&namespace.shown_at(&shown), errors);
    }
    validate_label_keys(term, errors);
    let key = term.member("topologyKey");
    if key.is_empty() {
        errors.required(&key, "can not be empty");
    }
    validate_label_key(&key, errors);
}

fn validate_selectors(term: &Located<'_, '_>, lets_values: bool, errors: &mut Errors) {
    validate_label_selector(&term.member("labelSelector"), lets_values, errors);
    validate_label_selector(&term.member("namespaceSelector"), lets_values, errors);
}

/// The selectors of all terms of a spec.
pub(super) fn validate_all(spec: &Located<'_, '_>, errors: &mut Errors) {
    for affinity in [&["affinity", "podAffinity"], &["affinity", "podAntiAffinity"]] {
        each_term(&spec.at(affinity), errors, |_, _| {}, &mut |term, errors| {
            validate_selectors(term, false, errors);
        });
    }
}

/// Keys whose values are those of the pod's own labels.
/// k8s: pkg/apis/core/validation/validation.go ValidateMatchLabelKeysAndMismatchLabelKeys
pub(super) fn validate_label_keys(term: &Located<'_, '_>, errors: &mut Errors) {
    let selector = term.member("labelSelector");
    let (same, other) = (term.member("matchLabelKeys"), term.member("mismatchLabelKeys"));
    for keys in [&same, &other] {
        if !keys.is_empty() && !selector.is_set() {
            errors.forbidden(keys, "must not be specified when labelSelector is not set");
            continue;
        }
        for key in keys.items() {
            validate_label_key(&key, errors);
        }
    }
    if selector.is_set() {
        validate_not_selected(term, &same, &selector, errors);
    }
    let excluded: BTreeSet<&str> = other.items().map(|key| key.text()).collect();
    for key in same.items().filter(|key| excluded.contains(key.text())) {
        errors.invalid_value(&key, key.text(), "exists in both matchLabelKeys and mismatchLabelKeys");
    }
}

/// The server has added an expression for each key, so that only a second one is the client's.
fn validate_not_selected(
    term: &Located<'_, '_>,
    keys: &Located<'_, '_>,
    selector: &Located<'_, '_>,
    errors: &mut Errors,
) {
    let places: BTreeMap<&str, usize> =
        keys.items().enumerate().map(|(index, key)| (key.text(), index)).collect();
    let (labels, expressions) = (selector.member("matchLabels"), selector.member("matchExpressions"));
    let mut seen: BTreeSet<&str> = labels.entries().map(|(key, _)| key).collect();
    for expression in expressions.items() {
        let key = expression.member("key").text();
        if let Some(index) = places.get(key)
            && seen.contains(key)
        {
            let detail = "exists in both matchLabelKeys and labelSelector";
            errors.invalid_value(&term.index(*index), key, detail);
        }
        seen.insert(key);
    }
}

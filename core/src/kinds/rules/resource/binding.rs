//! The conditions under which a device is bound.
//! k8s: pkg/apis/resource/validation/validation.go validateDeviceBindingParameters

use super::naming::{is_short, validate_label_key, validate_unique_texts};
use crate::kinds::validation::{Errors, Located};
use alloc::collections::BTreeSet;

const MAX_CONDITIONS: usize = 4;

/// `holder` has `bindingConditions` and `bindingFailureConditions`.
pub(super) fn validate_binding_conditions(holder: &Located<'_, '_>, errors: &mut Errors) {
    let (good, bad) = (holder.member("bindingConditions"), holder.member("bindingFailureConditions"));
    for list in [&good, &bad] {
        if is_short(list, MAX_CONDITIONS, errors) {
            list.items().for_each(|condition| validate_label_key(&condition, errors));
        }
    }
    validate_unique_texts(&good, errors);
    validate_failure_conditions(&good, &bad, errors);
    if good.is_empty() && !bad.is_empty() {
        errors.invalid(&good, "bindingConditions are required to use bindingFailureConditions");
    }
    if bad.is_empty() && !good.is_empty() {
        errors.invalid(&bad, "bindingFailureConditions are required to use bindingConditions");
    }
}

fn validate_failure_conditions(good: &Located<'_, '_>, bad: &Located<'_, '_>, errors: &mut Errors) {
    let good: BTreeSet<&str> = good.items().map(|condition| condition.text()).collect();
    let mut seen = BTreeSet::new();
    for condition in bad.items() {
        if errors.is_full() {
            return;
        }
        let text = condition.text();
        if !seen.insert(text) {
            errors.duplicate_value(&condition, text);
        }
        if good.contains(text) {
            let detail = "bindingFailureConditions must not overlap with bindingConditions";
            errors.invalid_value(&condition, text, detail);
        }
    }
}

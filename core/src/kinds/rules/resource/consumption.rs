//! Counters that the devices of a pool share, and what a device takes of them.
//! k8s: pkg/apis/resource/validation/validation.go validateCounterSet, validateDeviceCounterConsumption

use super::naming::{is_short, validate_label_as_name, validate_unique};
use crate::kinds::validation::{Errors, Located};
use crate::value::names::dns_label;

const MAX_COUNTER_SETS: usize = 8;
const MAX_COUNTERS: usize = 32;
const MAX_CONSUMPTIONS: usize = 2;

pub(super) fn validate_counter_sets(sets: &Located<'_, '_>, errors: &mut Errors) {
    validate_sets(sets, MAX_COUNTER_SETS, "name", errors);
}

pub(super) fn validate_consumptions(consumptions: &Located<'_, '_>, errors: &mut Errors) {
    validate_sets(consumptions, MAX_CONSUMPTIONS, "counterSet", errors);
}

/// `name` is the member that names the set.
fn validate_sets(sets: &Located<'_, '_>, max: usize, name: &'static str, errors: &mut Errors) {
    if !is_short(sets, max, errors) {
        return;
    }
    for set in sets.items() {
        let named = set.member(name);
        if named.is_empty() {
            errors.required(&named, "");
        } else {
            validate_label_as_name(&named, errors);
        }
        let counters = set.member("counters");
        if counters.is_empty() {
            errors.required(&counters, "");
        } else if is_short(&counters, MAX_COUNTERS, errors) {
            for (counter, _) in counters.entries() {
                errors.invalid_for_each(&counters, counter, dns_label(counter, false));
            }
        }
    }
    validate_unique(sets, name, errors);
}

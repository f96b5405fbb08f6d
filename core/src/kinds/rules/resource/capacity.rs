//! How much of a device's capacity a request can take.
//! k8s: pkg/apis/resource/validation/validation.go validateRequestPolicy

use super::naming::is_short;
use crate::kinds::validation::{Errors, Located};
use crate::value::quantity::Quantity;
use alloc::collections::BTreeSet;
use alloc::format;
use core::cmp::Ordering;

const MAX_VALUES: usize = 10;

/// `shared` says that several requests can have a part of the device.
pub(super) fn validate_capacity(capacity: &Located<'_, '_>, shared: bool, errors: &mut Errors) {
    let policy = capacity.member("requestPolicy");
    if !policy.is_set() {
        return;
    }
    if !shared {
        errors.forbidden(&policy, "allowMultipleAllocations must be true");
        return;
    }
    let (values, range) = (policy.member("validValues"), policy.member("validRange"));
    let (default, max) = (policy.member("default"), capacity.member("value"));
    if !values.is_empty() && range.is_set() {
        let detail = "exactly one policy can be specified, cannot specify \"validValues\" and \"validRange\" at the \
                      same time";
        errors.forbidden(&policy, detail);
    } else if !values.is_empty() && !default.is_set() {
        errors.required(&default, "required when validValues is defined");
    } else if !values.is_empty() {
        validate_values(&values, &default, &max, errors);
    } else if range.is_set() && !default.is_set() {
        errors.required(&default, "required when validRange is defined");
    } else if range.is_set() {
        validate_range(&range, &default, &max, errors);
    }
}

/// How two amounts compare; an absent one is 0.
fn compare(one: &Located<'_, '_>, other: &Located<'_, '_>) -> Ordering {
    amount(one).compare(&amount(other))
}

fn amount(at: &Located<'_, '_>) -> Quantity {
    at.quantity().unwrap_or_else(|| Quantity::from_int(0))
}

/// An amount in whole units, as Go's Value().
fn whole(amount: &Quantity) -> i64 {
    let mut rounded = amount.clone();
    rounded.round_up(0);
    rounded.to_i64().unwrap_or(if amount.signum() < 0 { i64::MIN } else { i64::MAX })
}

fn validate_values(
    values: &Located<'_, '_>,
    default: &Located<'_, '_>,
    max: &Located<'_, '_>,
    errors: &mut Errors,
) {
    for (value, next) in values.items().zip(values.items().skip(1)) {
        if compare(&value, &next) == Ordering::Greater {
            errors.invalid(&next, "values must be sorted in ascending order");
        }
    }
    let mut found = false;
    if is_short(values, MAX_VALUES, errors) {
        for value in values.items() {
            if compare(&value, max) == Ordering::Greater {
                let detail =
                    format_args!("option is larger than capacity value: {}", amount(max).canonical());
                errors.invalid(&value, detail);
            }
            found |= compare(&value, default) == Ordering::Equal;
        }
        let mut seen = BTreeSet::new();
        for value in values.items() {
            let number = whole(&amount(&value));
            if !seen.insert(number) {
                errors.duplicate_value(&value, format!("{number}"));
            }
        }
    }
    if !found {
        let detail = "default value is not valid according to the requestPolicy";
        errors.invalid(&default.shown_at(values), detail);
    }
}

fn validate_range(
    range: &Located<'_, '_>,
    default: &Located<'_, '_>,
    capacity: &Located<'_, '_>,
    errors: &mut Errors,
) {
    let (min, max, step) = (range.member("min"), range.member("max"), range.member("step"));
    if !min.is_set() {
        errors.required(&min, "required when validRange is defined");
        return;
    }
    let text = |at: &Located<'_, '_>| amount(at).canonical();
    let mut check =
        |value: &Located<'_, '_>, limit: &Located<'_, '_>, wrong, at: &Located<'_, '_>, words: &str| {
            if compare(value, limit) == wrong {
                errors.invalid(&value.shown_at(at), format_args!("{words}: {}", text(limit)));
            }
        };
    check(&min, capacity, Ordering::Greater, &min, "min is larger than capacity value");
    check(default, &min, Ordering::Less, &min, "default is less than min");
    if max.is_set() {
        check(&min, &max, Ordering::Greater, &max, "min is larger than max");
        check(&max, capacity, Ordering::Greater, &max, "max is larger than capacity value");
        check(default, &max, Ordering::Greater, &max, "default is more than max");
    }
    if !step.is_set() {
        return;
    }
    if let Some(added) =
        amount(&min).add(&amount(&step)).filter(|added| added.compare(&amount(capacity)).is_gt())
    {
        let detail =
            format_args!("one step {} is larger than capacity value: {}", added.canonical(), text(capacity));
        errors.invalid(&step, detail);
    }
    validate_steps(default, &min, &step, errors);
    if max.is_set() {
        validate_steps(&max, &min, &step, errors);
    }
}

/// A value that is reached from the lowest one in whole steps. Upstream divides by a step of 0 too, and answers that
/// with 500; here nothing is a multiple of it.
fn validate_steps(
    value: &Located<'_, '_>,
    min: &Located<'_, '_>,
    step: &Located<'_, '_>,
    errors: &mut Errors,
) {
    let added = whole(&amount(value)).wrapping_sub(whole(&amount(min)));
    let left = added.checked_rem(whole(&amount(step)));
    if left != Some(0) {
        let detail = format_args!(
            "value is not a multiple of a given step ({}) from ({})",
            amount(step).canonical(),
            amount(min).canonical()
        );
        errors.invalid(&value.shown_at(step), detail);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::rules::workload::given::problems;

    #[test]
    fn what_a_request_can_take_is_checked() {
        let table: &[(&str, Option<&str>, &str)] = &[
            (r#"{"value":"10","requestPolicy":{"default":"2","validValues":["1","2","10"]}}"#, None, ""),
            (
                r#"{"value":"10","requestPolicy":{"default":"3","validValues":["2","1","11"]}}"#,
                None,
                r#"[requestPolicy.validValues[1]: Invalid value: "1": values must be sorted in ascending order, requestPolicy.validValues[2]: Invalid value: "11": option is larger than capacity value: 10, requestPolicy.validValues: Invalid value: "3": default value is not valid according to the requestPolicy]"#,
            ),
            (
                r#"{"value":"10","requestPolicy":{"default":"4","validRange":{"min":"2","max":"10","step":"2"}}}"#,
                None,
                "",
            ),
            (
                r#"{"value":"10","requestPolicy":{"default":"3","validRange":{"min":"2","step":"0"}}}"#,
                None,
                r#"requestPolicy.validRange.step: Invalid value: "3": value is not a multiple of a given step (0) from (2)"#,
            ),
        ];
        for (object, old, wanted) in table {
            assert_eq!(
                problems(|object, _, errors| validate_capacity(object, true, errors), object, *old),
                *wanted,
                "{object}"
            );
        }
    }
}

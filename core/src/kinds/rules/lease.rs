//! Leases.
//! k8s: pkg/registry/coordination/lease/strategy.go, pkg/apis/coordination/validation/validation.go

use crate::kinds::validation::{Errors, Located};
use crate::kinds::{Facts, Rules, Strategy};
use crate::value::Value;
use crate::value::names::label_key;

pub static RULES: Rules = Rules {
    prepare_for_create: drop_disabled_fields,
    validate,
    update: Strategy {
        prepare_for_update: drop_disabled_fields,
        validate_update: validate,
        ..Strategy::PLAIN
    },
    allow_create_on_update: true,
    allow_unconditional_update: false,
    standard_finalizers: false,
    ..Rules::PLAIN
};

/// Removes the fields of a feature that this release has but does not turn on, unless the stored lease has them.
fn drop_disabled_fields(object: &mut Value, facts: &Facts<'_>) {
    for path in [["spec", "strategy"], ["spec", "preferredHolder"]] {
        if facts.old.at(&path).is_none_or(Value::is_null) {
            object.remove_at(&path);
        }
    }
}

fn validate(object: &Located<'_, '_>, _facts: &Facts<'_>, errors: &mut Errors) {
    let spec = object.member("spec");
    let (duration, transitions) = (spec.member("leaseDurationSeconds"), spec.member("leaseTransitions"));
    if duration.int_if_set().is_some_and(|seconds| seconds <= 0) {
        errors.invalid(&duration, "must be greater than 0");
    }
    if transitions.int() < 0 {
        errors.invalid(&transitions, "must be greater than or equal to 0");
    }
    let (strategy, holder) = (spec.member("strategy"), spec.member("preferredHolder"));
    if strategy.is_set() {
        validate_strategy(&strategy, errors);
    }
    if !holder.is_empty() && strategy.is_empty() {
        errors.forbidden(&holder, "may only be specified if `strategy` is defined");
    }
}

/// Upstream's path names the field twice.
fn validate_strategy(strategy: &Located<'_, '_>, errors: &mut Errors) {
    const KNOWN: &str = "OldestEmulationVersion";
    let text = strategy.text();
    let shown = strategy.member("strategy");
    if text.contains('/') {
        errors.invalid_for_each(&shown, text, label_key(text));
    } else if text != KNOWN {
        errors.not_supported_value(&shown, text, &[KNOWN]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::rules::workload::given::problems;

    #[test]
    fn times_and_strategies_are_checked() {
        let table: &[(&str, Option<&str>, &str)] = &[
            (r#"{"spec":{"leaseDurationSeconds":1,"leaseTransitions":0}}"#, None, ""),
            (
                r#"{"spec":{"leaseDurationSeconds":0,"leaseTransitions":-1}}"#,
                None,
                "[spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0, spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0]",
            ),
            (
                r#"{"spec":{"preferredHolder":"a"}}"#,
                None,
                "spec.preferredHolder: Forbidden: may only be specified if `strategy` is defined",
            ),
            (
                r#"{"spec":{"strategy":"x"}}"#,
                None,
                r#"spec.strategy.strategy: Unsupported value: "x": supported values: "OldestEmulationVersion""#,
            ),
            (r#"{"spec":{"strategy":"a.b/c","preferredHolder":"a"}}"#, None, ""),
        ];
        for (object, old, wanted) in table {
            assert_eq!(problems(validate, object, *old), *wanted, "{object}");
        }
    }
}

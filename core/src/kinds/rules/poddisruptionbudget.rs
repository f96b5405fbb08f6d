//! PodDisruptionBudgets.
//! k8s: pkg/registry/policy/poddisruptionbudget/strategy.go, pkg/apis/policy/validation/validation.go

use super::status;
use crate::kinds::validation::{
    Errors, Located, internal_json, validate_at_most_100_percent, validate_conditions,
    validate_int_or_percent, validate_label_selector, validate_nonnegative_field,
};
use crate::kinds::{Facts, Generation, Rules, Strategy};

pub static RULES: Rules = Rules {
    validate,
    update: Strategy { validate_update: validate, ..status::UPDATE },
    subresources: &[("status", Strategy { validate_update: validate_status_update, ..status::STATUS })],
    generation: Generation::Spec,
    allow_unconditional_update: false,
    ..status::SPLIT
};

fn validate(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    let spec = object.member("spec");
    let (available, unavailable) = (spec.member("minAvailable"), spec.member("maxUnavailable"));
    if available.is_set() && unavailable.is_set() {
        let shown = internal_json("PodDisruptionBudgetSpec", spec.value());
        errors.invalid_shown(&spec, &shown, "minAvailable and maxUnavailable cannot be both set");
    }
    for limit in [available, unavailable].iter().filter(|limit| limit.is_set()) {
        validate_int_or_percent(limit, errors);
        validate_at_most_100_percent(limit, errors);
    }
    let mut old = Errors::new();
    validate_label_selector(&Located::root(facts.old).at(&["spec", "selector"]), false, &mut old);
    validate_label_selector(&spec.member("selector"), !old.is_empty(), errors);
    let policy = spec.member("unhealthyPodEvictionPolicy");
    if policy.is_set() && !matches!(policy.text(), "AlwaysAllow" | "IfHealthyBudget") {
        errors.not_supported(&policy, &["AlwaysAllow", "IfHealthyBudget"]);
    }
}

fn validate_status_update(object: &Located<'_, '_>, _facts: &Facts<'_>, errors: &mut Errors) {
    let status = object.member("status");
    validate_conditions(&status.member("conditions"), errors);
    for field in ["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"] {
        validate_nonnegative_field(&status.member(field), errors);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;
    use crate::kinds::facts::given::{InMemory, with_facts};

    #[test]
    fn budgets_have_one_limit() {
        let table = [
            (r#"{"minAvailable":0}"#, "[]"),
            (r#"{"maxUnavailable":"100%"}"#, "[]"),
            (
                r#"{"maxUnavailable":"101%"}"#,
                "spec.maxUnavailable: Invalid value: \"101%\": must not be greater than 100%",
            ),
            (
                r#"{"minAvailable":1,"maxUnavailable":1,"unhealthyPodEvictionPolicy":"X"}"#,
                "[spec: Invalid value: {\"MinAvailable\":1,\"Selector\":null,\"MaxUnavailable\":1,\
                 \"UnhealthyPodEvictionPolicy\":\"X\"}: minAvailable and maxUnavailable cannot be both set, \
                 spec.unhealthyPodEvictionPolicy: Unsupported value: \"X\": supported values: \"AlwaysAllow\", \
                 \"IfHealthyBudget\"]",
            ),
        ];
        for (spec, expected) in table {
            let text = alloc::format!(r#"{{"spec":{spec}}}"#);
            let object = json::parse(text.as_bytes()).expect("JSON").value;
            let mut errors = Errors::new();
            with_facts(&InMemory::default(), |facts| validate(&Located::root(&object), facts, &mut errors));
            assert_eq!(errors.summary(), expected, "{spec}");
        }
    }
}

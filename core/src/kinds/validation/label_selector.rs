//! What a LabelSelector object must look like, with upstream's sentences, paths and order.
//! k8s: staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/validation/validation.go ValidateLabelSelector

use super::{Errors, Located};
use crate::kinds::metadata::validate_labels;
use crate::value::names::{label_key, label_value};

/// Checks a selector; an absent one is fine. `old_values_allowed` lets label values pass that are no label values, as
/// where a stored selector already has some.
pub fn validate_label_selector(selector: &Located<'_, '_>, old_values_allowed: bool, errors: &mut Errors) {
    validate_labels(&selector.member("matchLabels"), errors);
    for expression in selector.member("matchExpressions").items() {
        if errors.is_full() {
            return;
        }
        validate_expression(&expression, old_values_allowed, errors);
    }
}

fn validate_expression(expression: &Located<'_, '_>, old_values_allowed: bool, errors: &mut Errors) {
    let (key, operator) = (expression.member("key"), expression.member("operator"));
    let values = expression.member("values");
    match operator.text() {
        "In" | "NotIn" if values.is_empty() => {
            errors.required(&values, "must be specified when `operator` is 'In' or 'NotIn'");
        }
        "Exists" | "DoesNotExist" if !values.is_empty() => {
            errors.forbidden(&values, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
        }
        "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
        other => errors.invalid_value(&operator, other, "not a valid selector operator"),
    }
    errors.invalid_for_each(&key, key.text(), label_key(key.text()));
    if old_values_allowed {
        return;
    }
    for value in values.items() {
        errors.invalid_for_each(&value, value.text(), label_value(value.text()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;

    #[test]
    fn every_error_has_its_field() {
        let object = br#"{"spec":{"selector":{"matchLabels":{"a":"b"},"matchExpressions":[
            {"key":"a","operator":"In"},
            {"key":"a","operator":"Exists","values":["x"]},
            {"key":"a","operator":"Near","values":["-"]},
            {"key":"","operator":"Exists"}]}}}"#;
        let object = json::parse(object).expect("JSON").value;
        let root = Located::root(&object);
        let mut errors = Errors::new();
        validate_label_selector(&root.at(&["spec", "selector"]), false, &mut errors);
        let causes = errors.into_causes();
        let found: alloc::vec::Vec<&str> = causes.iter().map(|cause| cause.field.as_str()).collect();
        let expected = [
            "spec.selector.matchExpressions[0].values",
            "spec.selector.matchExpressions[1].values",
            "spec.selector.matchExpressions[2].operator",
            "spec.selector.matchExpressions[2].values[0]",
            "spec.selector.matchExpressions[3].key",
            "spec.selector.matchExpressions[3].key",
        ];
        assert_eq!(found, expected);
    }
}

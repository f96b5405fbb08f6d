//! What a LabelSelector object must look like, with upstream's sentences, paths and order.
//! k8s: staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/validation/validation.go ValidateLabelSelector

use crate::kinds::metadata::validate_labels;
use crate::status::{Causes, Path};
use crate::value::Value;
use crate::value::names::{label_key, label_value};

/// Checks a selector; None is a selector that is absent. `old_values_allowed` lets label values pass
/// that are no label values, as where a stored selector already has some.
pub fn validate_label_selector(
    selector: Option<&Value>,
    old_values_allowed: bool,
    path: &Path,
    causes: &mut Causes,
) {
    let Some(selector) = selector else { return };
    let labels = selector.field("matchLabels").and_then(Value::as_map);
    validate_labels(labels, &path.child("matchLabels"), causes);
    let expressions = selector.field("matchExpressions").and_then(Value::as_list).unwrap_or_default();
    for (index, expression) in expressions.iter().enumerate() {
        let path = path.child("matchExpressions").index(index);
        validate_expression(expression, old_values_allowed, &path, causes);
    }
}

fn validate_expression(expression: &Value, old_values_allowed: bool, path: &Path, causes: &mut Causes) {
    let values = expression.field("values").and_then(Value::as_list).unwrap_or_default();
    let values_path = path.child("values");
    match expression.text_at(&["operator"]) {
        "In" | "NotIn" => {
            if values.is_empty() {
                causes.required(&values_path, "must be specified when `operator` is 'In' or 'NotIn'");
            }
        }
        "Exists" | "DoesNotExist" => {
            if !values.is_empty() {
                let detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
                causes.forbidden(&values_path, detail);
            }
        }
        other => causes.invalid(&path.child("operator"), &other.into(), "not a valid selector operator"),
    }
    let key = expression.text_at(&["key"]);
    for problem in label_key(key) {
        causes.invalid(&path.child("key"), &key.into(), &problem);
    }
    if old_values_allowed {
        return;
    }
    for (index, value) in values.iter().enumerate() {
        for problem in label_value(value.as_str().unwrap_or("")) {
            causes.invalid(&values_path.index(index), value, &problem);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;

    #[test]
    fn every_error_has_its_field() {
        let selector = br#"{"matchLabels":{"a":"b"},"matchExpressions":[
            {"key":"a","operator":"In"},
            {"key":"a","operator":"Exists","values":["x"]},
            {"key":"a","operator":"Near","values":["-"]},
            {"key":"","operator":"Exists"}]}"#;
        let selector = json::parse(selector).unwrap().value;
        let mut causes = Causes::new();
        validate_label_selector(Some(&selector), false, &Path::new("spec").child("selector"), &mut causes);
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

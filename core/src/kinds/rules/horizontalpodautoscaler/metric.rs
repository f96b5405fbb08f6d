//! The metrics by which an autoscaler scales.
//! k8s: pkg/apis/autoscaling/validation/validation.go

use super::validation::{VersionRule, validate_reference};
use crate::kinds::rules::resource_names::validate_container_resource_name;
use crate::kinds::validation::{Errors, Located};
use crate::value::names::{dns_label, path_segment};

const TYPES: &[&str] = &["ContainerResource", "External", "Object", "Pods", "Resource"];

/// The sources in the order in which they are looked at: their type and their field.
const SOURCES: [(&str, &str); 5] = [
    ("Object", "object"),
    ("External", "external"),
    ("Pods", "pods"),
    ("Resource", "resource"),
    ("ContainerResource", "containerResource"),
];

pub(super) fn validate_metrics(spec: &Located<'_, '_>, rule: VersionRule, errors: &mut Errors) {
    let metrics = spec.member("metrics");
    for metric in metrics.items() {
        if errors.is_full() {
            return;
        }
        validate_metric(&metric, rule, errors);
    }
    let scales_to_zero =
        metrics.items().any(|metric| matches!(metric.member("type").text(), "Object" | "External"));
    if spec.member("minReplicas").int_if_set() == Some(0) && !scales_to_zero {
        let detail =
            "must specify at least one Object or External metric to support scaling to zero replicas";
        errors.forbidden(&metrics, detail);
    }
}

fn validate_metric(metric: &Located<'_, '_>, rule: VersionRule, errors: &mut Errors) {
    let kind = metric.member("type");
    let is_known = TYPES.contains(&kind.text());
    if kind.is_empty() {
        errors.required(&kind, "must specify a metric source type");
    }
    if !is_known {
        errors.not_supported_text(&kind, TYPES);
    }
    let present = || SOURCES.into_iter().filter(|(_, field)| metric.member(field).is_set());
    if let Some((_, field)) = present().next() {
        validate_source(&metric.member(field), field, rule, errors);
    }
    let expected = SOURCES.into_iter().find(|(name, _)| *name == kind.text()).map_or("", |(_, field)| field);
    if is_known && !metric.member(expected).is_set() {
        errors.required(&metric.member(expected), "must populate information for the given metric source");
    } else if !is_known {
        errors.not_supported_text(&kind, TYPES);
    }
    if present().count() != 1 {
        // Upstream tells of them in any order.
        let mut others: alloc::vec::Vec<&'static str> =
            present().map(|(_, field)| field).filter(|field| *field != expected).collect();
        others.sort_unstable();
        for field in others {
            errors.forbidden(&metric.member(field), "must populate the given metric source only");
        }
    }
}

fn validate_source(source: &Located<'_, '_>, field: &str, rule: VersionRule, errors: &mut Errors) {
    match field {
        "object" => validate_reference(&source.member("describedObject"), rule, errors),
        "resource" | "containerResource" => validate_resource(source, field == "containerResource", errors),
        _ => {}
    }
    let target = source.member("target");
    if matches!(field, "object" | "external" | "pods") {
        validate_identifier(&source.member("metric"), errors);
    }
    validate_target(&target, errors);
    let (value, average) = (target.member("value"), target.member("averageValue"));
    let utilization = target.member("averageUtilization");
    match field {
        "object" if !value.is_set() && !average.is_set() => {
            errors.required(&average, "must set either a target value or averageValue");
        }
        "external" if !value.is_set() && !average.is_set() => {
            errors.required(&average, "must set either a target value for metric or a per-pod target");
        }
        "external" if value.is_set() && average.is_set() => {
            errors.forbidden(&value, "may not set both a target value for metric and a per-pod target");
        }
        "pods" if !average.is_set() => {
            errors.required(&average, "must specify a positive target averageValue")
        }
        "resource" | "containerResource" if !utilization.is_set() && !average.is_set() => {
            errors.required(&utilization, "must set either a target raw value or a target utilization");
        }
        "resource" | "containerResource" if utilization.is_set() && average.is_set() => {
            errors.forbidden(&average, "may not set both a target raw value and a target utilization");
        }
        _ => {}
    }
}

fn validate_resource(source: &Located<'_, '_>, of_container: bool, errors: &mut Errors) {
    let name = source.member("name");
    if name.is_empty() {
        errors.required(&name, "must specify a resource name");
    } else if of_container {
        validate_container_resource_name(name.text(), &name, errors);
    }
    if !of_container {
        return;
    }
    let container = source.member("container");
    if container.is_empty() {
        errors.required(&container, "must specify a container");
    } else {
        errors.invalid_for_each(&container, container.text(), dns_label(container.text(), false));
    }
}

fn validate_identifier(metric: &Located<'_, '_>, errors: &mut Errors) {
    let name = metric.member("name");
    if name.is_empty() {
        errors.required(&name, "must specify a metric name");
    } else {
        errors.invalid_for_each(&name, name.text(), path_segment(name.text(), false));
    }
}

fn validate_target(target: &Located<'_, '_>, errors: &mut Errors) {
    let kind = target.member("type");
    if kind.is_empty() {
        errors.required(&kind, "must specify a metric target type");
    }
    if !matches!(kind.text(), "Utilization" | "Value" | "AverageValue") {
        errors.invalid_value(&kind, kind.text(), "must be either Utilization, Value, or AverageValue");
    }
    for field in ["value", "averageValue"] {
        let amount = target.member(field);
        if amount.quantity().is_some_and(|held| held.signum() <= 0) {
            errors.invalid(&amount, "must be positive");
        }
    }
    let utilization = target.member("averageUtilization");
    if utilization.int_if_set().is_some_and(|percent| percent < 1) {
        errors.invalid(&utilization, "must be greater than 0");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;

    #[test]
    fn metrics_have_upstreams_problems() {
        let table = [
            (
                r#"{"type":"Resource",
                    "resource":{"name":"cpu","target":{"type":"Utilization","averageUtilization":1}}}"#,
                "[]",
            ),
            (
                r#"{"type":"Pods","pods":{"metric":{"name":"m"},"target":{"type":"AverageValue","averageValue":"0"}}}"#,
                "metrics[0].pods.target.averageValue: Invalid value: \"0\": must be positive",
            ),
            (
                r#"{"type":"Object","resource":{"name":"","target":{"type":"X"}}}"#,
                "[metrics[0].resource.name: Required value: must specify a resource name, \
                 metrics[0].resource.target.type: Invalid value: \"X\": \
                 must be either Utilization, Value, or AverageValue, \
                 metrics[0].resource.target.averageUtilization: Required value: \
                 must set either a target raw value or a target utilization, \
                 metrics[0].object: Required value: must populate information for the given metric source]",
            ),
            (
                r#"{"type":"ContainerResource","containerResource":{"name":"pods","container":"A",
                    "target":{"type":"Utilization","averageUtilization":0}}}"#,
                "[metrics[0].containerResource.name: Invalid value: \"pods\": \
                 must be a standard resource for containers, \
                 metrics[0].containerResource.container: Invalid value: \"A\": a lowercase RFC 1123 label must \
                 consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric \
                 character (e.g. 'my-name',  or '123-abc', regex used for validation is \
                 '[a-z0-9]([-a-z0-9]*[a-z0-9])?'), \
                 metrics[0].containerResource.target.averageUtilization: Invalid value: 0: must be greater than 0]",
            ),
        ];
        for (metric, expected) in table {
            let text = alloc::format!(r#"{{"metrics":[{metric}]}}"#);
            let spec = json::parse(text.as_bytes()).expect("JSON").value;
            let mut errors = Errors::new();
            validate_metrics(&Located::root(&spec), VersionRule::OfAnyGroup, &mut errors);
            assert_eq!(errors.summary(), expected, "{metric}");
        }
    }
}

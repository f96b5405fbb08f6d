//! Deployments.
//! k8s: pkg/registry/apps/deployment/strategy.go, pkg/apis/apps/v1/defaults.go, pkg/apis/apps/validation/validation.go

use super::fill::{Default, Fill, each, fill};
use super::workload::{
    self, int_or_percent_value, shown_struct, validate_collisions, validate_counts,
    validate_immutable_selector, validate_selected_template,
};
use super::{pod, status};
use crate::kinds::validation::{
    Errors, Located, validate_at_most_100_percent, validate_int_or_percent, validate_nonnegative_field,
};
use crate::kinds::{Facts, Generation, ResetFields, Rules, Strategy};
use crate::value::Value;

pub static RULES: Rules = Rules {
    default,
    prepare_for_create: workload::prepare_for_create,
    validate,
    warnings_on_create: pod::warnings::named_workload,
    update: UPDATE,
    subresources: &[("scale", UPDATE), ("status", STATUS)],
    generation: Generation::SpecAndAnnotations,
    ..status::SPLIT
};

const UPDATE: Strategy = Strategy {
    prepare_for_update: workload::prepare_for_update,
    validate_update,
    warnings_on_update: pod::warnings::changed_workload,
    ..status::UPDATE
};

const STATUS: Strategy = Strategy {
    prepare_for_update: |object, facts| status::take_status(object, facts.old, &["labels"]),
    validate_update: validate_status_update,
    reset_fields: ResetFields::Only(&[&["spec"], &["metadata", "labels"]]),
    ..Strategy::PLAIN
};

const DEFAULTS: &[Default] = &[
    (&["spec"], "replicas", Fill::Int(1)),
    (&["spec"], "strategy", Fill::Object),
    (&["spec", "strategy"], "type", Fill::Text("RollingUpdate")),
    (&["spec"], "revisionHistoryLimit", Fill::Int(10)),
    (&["spec"], "progressDeadlineSeconds", Fill::Int(600)),
];

const ROLLING: &[Default] = &[
    (&[], "rollingUpdate", Fill::Object),
    (&["rollingUpdate"], "maxUnavailable", Fill::Text("25%")),
    (&["rollingUpdate"], "maxSurge", Fill::Text("25%")),
];

fn default(object: &mut Value) {
    fill(object, DEFAULTS);
    each(object, &["spec", "strategy"], &mut |strategy| {
        if strategy.text_at(&["type"]) == "RollingUpdate" {
            fill(strategy, ROLLING);
        }
    });
    each(object, &["spec", "template"], &mut pod::default_template);
}

fn validate(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    let spec = object.member("spec");
    validate_nonnegative_field(&spec.member("replicas"), errors);
    validate_selected_template(&spec, facts, errors);
    validate_strategy(&spec.member("strategy"), errors);
    validate_nonnegative_field(&spec.member("minReadySeconds"), errors);
    validate_nonnegative_field(&spec.member("revisionHistoryLimit"), errors);
    validate_rollback(object, errors);
    let deadline = spec.member("progressDeadlineSeconds");
    validate_nonnegative_field(&deadline, errors);
    if deadline.int_if_set().is_some_and(|seconds| seconds <= spec.member("minReadySeconds").int()) {
        errors.invalid(&deadline, "must be greater than minReadySeconds");
    }
}

fn validate_strategy(strategy: &Located<'_, '_>, errors: &mut Errors) {
    let rolling = strategy.member("rollingUpdate");
    match strategy.member("type").text() {
        "Recreate" if rolling.is_set() => {
            errors.forbidden(&rolling, "may not be specified when strategy `type` is 'Recreate'");
        }
        "Recreate" => {}
        "RollingUpdate" => validate_rolling(&rolling, errors),
        _ => {
            let shown = shown_struct("DeploymentStrategy", strategy);
            errors.not_supported_value(strategy, shown, &["Recreate", "RollingUpdate"]);
        }
    }
}

fn validate_rolling(rolling: &Located<'_, '_>, errors: &mut Errors) {
    let (unavailable, surge) = (rolling.member("maxUnavailable"), rolling.member("maxSurge"));
    validate_int_or_percent(&unavailable, errors);
    validate_int_or_percent(&surge, errors);
    if int_or_percent_value(&unavailable) == 0 && int_or_percent_value(&surge) == 0 {
        errors.invalid(&unavailable, "may not be 0 when `maxSurge` is 0");
    }
    validate_at_most_100_percent(&unavailable, errors);
}

/// The revision that an annotation asks to go back to was a field of older versions.
fn validate_rollback(object: &Located<'_, '_>, errors: &mut Errors) {
    let annotations = object.at(&["metadata", "annotations"]);
    let revision = annotations.key("deprecated.deployment.rollback.to").text();
    if let Ok(revision) = revision.parse::<i64>()
        && revision < 0
    {
        let spec = object.member("spec");
        let place = spec.member("rollback");
        errors.invalid_value(&place.member("version"), revision, "must be greater than or equal to 0");
    }
}

fn validate_update(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    validate(object, facts, errors);
    validate_immutable_selector(object, facts, errors);
}

fn validate_status_update(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    const COUNTS: &[&str] = &[
        "observedGeneration",
        "replicas",
        "updatedReplicas",
        "readyReplicas",
        "availableReplicas",
        "unavailableReplicas",
        "terminatingReplicas",
        "collisionCount",
    ];
    const BELOW: &[&str] = &["updatedReplicas", "readyReplicas", "availableReplicas"];
    validate_counts(&object.member("status"), COUNTS, BELOW, "readyReplicas", errors);
    validate_collisions(object, facts, errors);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::rules::workload::given::problems;
    use alloc::format;

    const SPEC: &str = r#""selector":{"matchLabels":{"a":"b"}},
        "template":{"metadata":{"labels":{"a":"b"}},"spec":{"restartPolicy":"Always"}}"#;

    #[test]
    fn deployments_have_upstreams_problems() {
        let rolling = |rolling: &str| {
            format!(
                r#"{{"spec":{{{SPEC},"strategy":{{"type":"RollingUpdate","rollingUpdate":{rolling}}}}}}}"#
            )
        };
        let strategy = |strategy: &str| format!(r#"{{"spec":{{{SPEC},"strategy":{strategy}}}}}"#);
        let table = [
            (rolling(r#"{"maxUnavailable":0,"maxSurge":1}"#), ""),
            (rolling(r#"{"maxUnavailable":"100%","maxSurge":"101%"}"#), ""),
            (
                rolling(r#"{"maxUnavailable":"0%","maxSurge":0}"#),
                "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: \"0%\": may not be 0 when `maxSurge` is 0",
            ),
            (
                rolling(r#"{"maxUnavailable":"101%","maxSurge":-1}"#),
                "[spec.strategy.rollingUpdate.maxSurge: Invalid value: -1: must be greater than or equal to 0, \
                 spec.strategy.rollingUpdate.maxUnavailable: Invalid value: \"101%\": must not be greater than 100%]",
            ),
            (
                strategy(r#"{"type":"X"}"#),
                "spec.strategy: Unsupported value: {\"Type\":\"X\",\"RollingUpdate\":null}: supported values: \
                 \"Recreate\", \"RollingUpdate\"",
            ),
            (
                format!(
                    r#"{{"spec":{{{SPEC},"strategy":{{"type":"Recreate"}},
                        "minReadySeconds":5,"progressDeadlineSeconds":5}}}}"#
                ),
                "spec.progressDeadlineSeconds: Invalid value: 5: must be greater than minReadySeconds",
            ),
            (
                r#"{"spec":{"strategy":{"type":"Recreate"},"selector":{},
                    "template":{"spec":{"restartPolicy":"Never"}}}}"#
                    .into(),
                "[spec.selector: Invalid value: {}: empty selector is invalid for deployment, \
                 spec.template.spec.restartPolicy: Unsupported value: \"Never\": supported values: \"Always\"]",
            ),
        ];
        for (object, expected) in &table {
            assert_eq!(problems(validate, object, None), *expected, "{object}");
        }
        let old = strategy(r#"{"type":"Recreate"}"#);
        let new = old.replace(r#""a":"b""#, r#""a":"c""#);
        let expected = "spec.selector: Invalid value: {\"matchLabels\":{\"a\":\"c\"}}: field is immutable";
        assert_eq!(problems(validate_update, &new, Some(&old)), expected);
    }
}

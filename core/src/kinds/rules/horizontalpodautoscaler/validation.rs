//! What an autoscaler must look like.
//! k8s: pkg/apis/autoscaling/validation/validation.go, pkg/registry/autoscaling/horizontalpodautoscaler/strategy.go

use super::metric::validate_metrics;
use crate::kinds::Facts;
use crate::kinds::metadata::group_and_version;
use crate::kinds::validation::{Errors, Located, validate_nonnegative_field, validate_quantity_nonnegative};
use crate::value::names::path_segment;
use alloc::format;
use alloc::string::String;

/// The longest period of a policy and the longest window, in seconds.
const PERIOD: i64 = 1800;
const WINDOW: i64 = 3600;

/// What is asked of the version of a reference to another object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum VersionRule {
    /// It names a version of a group.
    OfAnyGroup,
    /// It names a version of a group other than the core one.
    OfNamedGroup,
    /// Nothing.
    Anything,
}

/// Checks a new object, and one that replaces another.
pub(super) fn validate(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    let (spec, old) = (object.member("spec"), Located::root(facts.old));
    let held = old.member("spec");
    let (least, most) = (spec.member("minReplicas"), spec.member("maxReplicas"));
    let lowest = i64::from(held.member("minReplicas").int_if_set() != Some(0));
    if least.int_if_set().is_some_and(|number| number < lowest) {
        errors.invalid(&least, format!("must be greater than or equal to {lowest}"));
    }
    if most.int() == 0 {
        errors.required(&most, "must be set and greater than 0");
    } else if most.int() < 0 {
        errors.invalid(&most, "must be greater than or equal to 1");
    }
    if least.int_if_set().is_some_and(|least| most.int() < least) {
        errors.invalid_value(&most, most.int(), "must be greater than or equal to `minReplicas`");
    }
    let target = spec.member("scaleTargetRef");
    validate_reference(&target, target_rule(&target, &held.member("scaleTargetRef"), facts), errors);
    validate_metrics(&spec, metrics_rule(&held), errors);
    for direction in ["scaleUp", "scaleDown"] {
        let rules = spec.member("behavior");
        let rules = rules.member(direction);
        if rules.is_set() {
            validate_scaling(&rules, errors);
        }
    }
}

pub(super) fn validate_status_update(object: &Located<'_, '_>, _facts: &Facts<'_>, errors: &mut Errors) {
    for field in ["currentReplicas", "desiredReplicas"] {
        validate_nonnegative_field(&object.member("status").member(field), errors);
    }
}

/// A target that stays what it is may have any version, and a ReplicationController is of the core group.
fn target_rule(target: &Located<'_, '_>, old: &Located<'_, '_>, facts: &Facts<'_>) -> VersionRule {
    let same = |field: &'static str| target.member(field).text() == old.member(field).text();
    if !facts.is_create() && same("apiVersion") && same("kind") {
        VersionRule::Anything
    } else if target.member("kind").text() == "ReplicationController" {
        VersionRule::OfAnyGroup
    } else {
        VersionRule::OfNamedGroup
    }
}

/// The objects of metrics may have any version if one of them had a bad one.
fn metrics_rule(old: &Located<'_, '_>) -> VersionRule {
    let had_bad_one = old.member("metrics").items().any(|metric| {
        let reference = metric.at(&["object", "describedObject"]);
        let version = reference.member("apiVersion").text();
        metric.member("type").text() == "Object"
            && version_problem(version, VersionRule::OfAnyGroup).is_some()
    });
    if had_bad_one { VersionRule::Anything } else { VersionRule::OfAnyGroup }
}

/// What is wrong with the version of a reference.
fn version_problem(version: &str, rule: VersionRule) -> Option<String> {
    let (group, held) = group_and_version(version);
    let is_malformed = held.is_empty() && version.matches('/').count() > 1;
    match rule {
        VersionRule::Anything => None,
        VersionRule::OfAnyGroup | VersionRule::OfNamedGroup if is_malformed => {
            Some(format!("unexpected GroupVersion string: {version}"))
        }
        VersionRule::OfNamedGroup if group.is_empty() => Some("apiVersion must specify API group".into()),
        VersionRule::OfAnyGroup | VersionRule::OfNamedGroup => None,
    }
}

/// A reference to an object of any kind.
pub(super) fn validate_reference(reference: &Located<'_, '_>, rule: VersionRule, errors: &mut Errors) {
    for field in ["kind", "name"] {
        let held = reference.member(field);
        if held.is_empty() {
            errors.required(&held, "");
        } else {
            errors.invalid_for_each(&held, held.text(), path_segment(held.text(), false));
        }
    }
    let version = reference.member("apiVersion");
    if let Some(problem) = version_problem(version.text(), rule) {
        errors.invalid_value(&version, version.text(), problem);
    }
}

fn validate_scaling(rules: &Located<'_, '_>, errors: &mut Errors) {
    let window = rules.member("stabilizationWindowSeconds");
    if window.int() < 0 {
        errors.invalid(&window, "must be greater than or equal to zero");
    }
    if window.int() > WINDOW {
        errors.invalid(&window, format!("must be less than or equal to {WINDOW}"));
    }
    let select = rules.member("selectPolicy");
    if select.is_set() && !matches!(select.text(), "Disabled" | "Max" | "Min") {
        errors.not_supported(&select, &["Disabled", "Max", "Min"]);
    }
    let policies = rules.member("policies");
    if policies.is_empty() {
        errors.required(&policies, "must specify at least one Policy");
    }
    for policy in policies.items() {
        if errors.is_full() {
            return;
        }
        validate_policy(&policy, errors);
    }
    validate_quantity_nonnegative(&rules.member("tolerance"), errors);
}

fn validate_policy(policy: &Located<'_, '_>, errors: &mut Errors) {
    let kind = policy.member("type");
    if !matches!(kind.text(), "Percent" | "Pods") {
        errors.not_supported_text(&kind, &["Percent", "Pods"]);
    }
    for field in ["value", "periodSeconds"] {
        let held = policy.member(field);
        if held.int() <= 0 {
            errors.invalid_value(&held, held.int(), "must be greater than zero");
        }
    }
    let period = policy.member("periodSeconds");
    if period.int() > PERIOD {
        errors.invalid(&period, format!("must be less than or equal to {PERIOD}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;
    use crate::kinds::facts::given::{InMemory, with_facts};
    use crate::value::Value;

    fn problems(spec: &str, old: Option<&str>) -> String {
        let parsed = |spec: &str| -> Value {
            json::parse(format!(r#"{{"spec":{spec}}}"#).as_bytes()).expect("JSON").value
        };
        let (object, held) = (parsed(spec), old.map(parsed).unwrap_or_default());
        let mut errors = Errors::new();
        with_facts(&InMemory::default(), |facts| {
            let facts = if old.is_some() { facts.of_update("", &held) } else { *facts };
            validate(&Located::root(&object), &facts, &mut errors);
        });
        if errors.is_empty() { String::new() } else { errors.summary() }
    }

    #[test]
    fn specs_have_upstreams_problems() {
        const TARGET: &str = r#""scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"d"}"#;
        let up = |rules: &str| format!(r#"{{"maxReplicas":1,{TARGET},"behavior":{{"scaleUp":{rules}}}}}"#);
        const POLICY: &str = r#"{"type":"Pods","value":1,"periodSeconds":1800}"#;
        let table = [
            (format!(r#"{{"minReplicas":1,"maxReplicas":1,{TARGET}}}"#), ""),
            (
                format!(r#"{{"minReplicas":0,"maxReplicas":-1,{TARGET}}}"#),
                "[spec.minReplicas: Invalid value: 0: must be greater than or equal to 1, \
                 spec.maxReplicas: Invalid value: -1: must be greater than or equal to 1, \
                 spec.maxReplicas: Invalid value: -1: must be greater than or equal to `minReplicas`, \
                 spec.metrics: Forbidden: must specify at least one Object or External metric to support scaling to \
                 zero replicas]",
            ),
            (
                r#"{"maxReplicas":1,"scaleTargetRef":{"apiVersion":"v1","kind":"a/b"}}"#.into(),
                "[spec.scaleTargetRef.kind: Invalid value: \"a/b\": may not contain '/', \
                 spec.scaleTargetRef.name: Required value, \
                 spec.scaleTargetRef.apiVersion: Invalid value: \"v1\": apiVersion must specify API group]",
            ),
            (up(&format!(r#"{{"stabilizationWindowSeconds":3600,"policies":[{POLICY}]}}"#)), ""),
            (
                up(r#"{"stabilizationWindowSeconds":3601,"selectPolicy":"X","tolerance":"-1"}"#),
                "[spec.behavior.scaleUp.stabilizationWindowSeconds: Invalid value: 3601: \
                 must be less than or equal to 3600, \
                 spec.behavior.scaleUp.selectPolicy: Unsupported value: \"X\": supported values: \
                 \"Disabled\", \"Max\", \"Min\", \
                 spec.behavior.scaleUp.policies: Required value: must specify at least one Policy, \
                 spec.behavior.scaleUp.tolerance: Invalid value: \"-1\": must be greater than or equal to 0]",
            ),
            (
                up(r#"{"policies":[{"type":"","value":0,"periodSeconds":1801}]}"#),
                "[spec.behavior.scaleUp.policies[0].type: Unsupported value: \"\": supported values: \
                 \"Percent\", \"Pods\", \
                 spec.behavior.scaleUp.policies[0].value: Invalid value: 0: must be greater than zero, \
                 spec.behavior.scaleUp.policies[0].periodSeconds: Invalid value: 1801: \
                 must be less than or equal to 1800]",
            ),
        ];
        for (spec, expected) in &table {
            assert_eq!(problems(spec, None), *expected, "{spec}");
        }
    }

    #[test]
    fn what_was_stored_may_stay() {
        let zero = r#"{"minReplicas":0,"maxReplicas":1,"scaleTargetRef":{"apiVersion":"v1","kind":"X","name":"x"},
            "metrics":[{"type":"External","external":{"metric":{"name":"m"},"target":{"type":"Value","value":"1"}}}]}"#;
        assert_eq!(problems(zero, Some(zero)), "");
        assert!(problems(zero, None).contains("must be greater than or equal to 1"));
    }
}

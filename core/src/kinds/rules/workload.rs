//! What the kinds that make pods by a template have in common.
//! k8s: pkg/apis/apps/validation/validation.go, pkg/apis/core/validation/validation.go

use super::fill::each;
use super::pod::validation::validate_pod_template_spec;
use super::{pod, status};
use crate::kinds::Facts;
use crate::kinds::validation::{
    Errors, IMMUTABLE, Located, internal_json, semantically_equal, validate_label_selector,
    validate_nonnegative_field,
};
use crate::selector::LabelSelector;
use crate::value::int_or_string::IntOrString;
use crate::value::{Map, Value};
use alloc::format;
use alloc::string::String;

/// A creator sets no status, and in the template no fields of features that are off.
pub(super) fn prepare_for_create(object: &mut Value, facts: &Facts<'_>) {
    status::drop_status(object, facts);
    drop_disabled_fields(object, facts.old, &["spec", "template"]);
}

/// As `prepare_for_create`, where the stored object has them.
pub(super) fn prepare_for_update(object: &mut Value, facts: &Facts<'_>) {
    status::keep_status(object, facts);
    drop_disabled_fields(object, facts.old, &["spec", "template"]);
}

/// Drops what is of features that are off from the template at a place, unless the old one there has it.
pub(super) fn drop_disabled_fields(object: &mut Value, old: &Value, place: &[&str]) {
    let old = old.at(place).unwrap_or(&Value::Null);
    each(object, place, &mut |template| pod::drop_disabled_fields(template, old));
}

/// A selector as a message shows it: null when there is none.
pub(super) fn shown_selector(selector: &Located<'_, '_>) -> String {
    selector.value().map_or_else(|| "null".into(), |selector| internal_json("LabelSelector", Some(selector)))
}

/// A selector that must stay as it is.
pub(super) fn validate_immutable_selector(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    let selector = object.at(&["spec", "selector"]);
    if !semantically_equal(selector.value(), facts.old.at(&["spec", "selector"])) {
        errors.invalid_shown(&selector, &shown_selector(&selector), IMMUTABLE);
    }
}

/// A selector that must be there and select something in particular.
pub(super) fn validate_needed_selector(selector: &Located<'_, '_>, kind: &str, errors: &mut Errors) {
    if !selector.is_set() {
        errors.required(selector, "");
        return;
    }
    validate_label_selector(selector, false, errors);
    validate_selects_something(selector, kind, errors);
}

/// A selector without a requirement selects everything.
pub(super) fn validate_selects_something(selector: &Located<'_, '_>, kind: &str, errors: &mut Errors) {
    if selector.member("matchLabels").is_empty() && selector.member("matchExpressions").is_empty() {
        let detail = format!("empty selector is invalid for {kind}");
        errors.invalid_shown(selector, &shown_selector(selector), detail);
    }
}

/// The labels of a template must be among those that are selected.
pub(super) fn validate_labels_match(
    template: &Located<'_, '_>,
    selector: &LabelSelector,
    errors: &mut Errors,
) {
    let labels = template.at(&["metadata", "labels"]);
    if !selector.matches_labels(labels.value().and_then(Value::as_map)) {
        errors.invalid(&labels, "`selector` does not match template `labels`");
    }
}

/// The requirements of a selector of plain labels.
pub(super) fn selector_of(labels: Option<&Value>) -> LabelSelector {
    LabelSelector::from_labels(labels.and_then(Value::as_map).unwrap_or(&Map::new()))
}

/// Pods that a controller keeps running are started again, and run without a deadline.
pub(super) fn validate_runs_always(template: &Located<'_, '_>, kind: &str, errors: &mut Errors) {
    let spec = template.member("spec");
    let (policy, deadline) = (spec.member("restartPolicy"), spec.member("activeDeadlineSeconds"));
    if policy.text() != "Always" {
        errors.not_supported_text(&policy, &["Always"]);
    }
    if deadline.is_set() {
        errors.forbidden(&deadline, format!("activeDeadlineSeconds in {kind} is not Supported"));
    }
}

/// The spec of Deployments and ReplicaSets, but for what only Deployments have.
/// k8s: pkg/apis/apps/validation/validation.go ValidateReplicaSetSpec, ValidatePodTemplateSpecForReplicaSet
pub(super) fn validate_selected_template(spec: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    let selector = spec.member("selector");
    // Upstream speaks of deployments to both kinds.
    validate_needed_selector(&selector, "deployment", errors);
    let Ok(selected) = LabelSelector::from_object(selector.value()) else {
        errors.invalid_shown(&selector, &shown_selector(&selector), "invalid label selector");
        return;
    };
    let template = spec.member("template");
    if !selected.is_everything() {
        validate_labels_match(&template, &selected, errors);
    }
    validate_pod_template_spec(&template, facts, errors);
    validate_runs_always(&template, "ReplicaSet", errors);
}

/// Counts of pods in a status: none is negative, and these are not above the number of replicas.
pub(super) fn validate_counts(
    status: &Located<'_, '_>,
    counts: &[&'static str],
    below_replicas: &[&'static str],
    ready: &str,
    errors: &mut Errors,
) {
    for field in counts.iter().copied() {
        validate_nonnegative_field(&status.member(field), errors);
    }
    let replicas = status.member("replicas").int();
    for field in below_replicas.iter().copied() {
        let count = status.member(field);
        if count.int() > replicas {
            errors.invalid_value(&count, count.int(), "cannot be greater than status.replicas");
        }
    }
    let available = status.member("availableReplicas");
    if available.int() > status.member("readyReplicas").int() {
        errors.invalid_value(&available, available.int(), format!("cannot be greater than {ready}"));
    }
}

/// The status of ReplicaSets and ReplicationControllers.
pub(super) fn validate_replica_status(object: &Located<'_, '_>, _facts: &Facts<'_>, errors: &mut Errors) {
    const COUNTS: &[&str] = &[
        "replicas",
        "fullyLabeledReplicas",
        "readyReplicas",
        "availableReplicas",
        "observedGeneration",
        "terminatingReplicas",
    ];
    const BELOW: &[&str] = &["fullyLabeledReplicas", "readyReplicas", "availableReplicas"];
    validate_counts(&object.member("status"), COUNTS, BELOW, "readyReplicas", errors);
}

/// The count of hash collisions only grows.
pub(super) fn validate_collisions(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    let status = object.member("status");
    let count = status.member("collisionCount");
    let held = Located::root(facts.old).at(&["status", "collisionCount"]).int_if_set();
    let decremented = match (count.int_if_set(), held) {
        (None, held) => held.is_some(),
        (Some(_), None) => false,
        (Some(count), Some(held)) => count < held,
    };
    if decremented {
        errors.invalid_value(&count, count.int(), "cannot be decremented");
    }
}

/// The number, or the number of percent.
pub(super) fn int_or_percent_value(at: &Located<'_, '_>) -> i64 {
    let Some(held) = at.value().and_then(IntOrString::of) else { return 0 };
    held.percent().unwrap_or_else(|| held.int_value())
}

/// A value that messages show as upstream's internal struct.
pub(super) fn shown_struct(name: &str, at: &Located<'_, '_>) -> Value {
    Value::Json(internal_json(name, at.value()).into())
}

#[cfg(test)]
pub(super) mod given {
    use super::*;
    use crate::codec::json;
    use crate::kinds::facts::given::{InMemory, with_facts};
    use crate::kinds::strategy::Validate;

    /// What is wrong with an object, or with its change of another one; empty for nothing.
    pub(in crate::kinds::rules) fn problems(check: Validate, object: &str, old: Option<&str>) -> String {
        let parsed = |text: &str| json::parse(text.as_bytes()).expect("JSON").value;
        let (mut object, mut held) = (parsed(object), old.map(parsed).unwrap_or_default());
        fill_templates(&mut object);
        fill_templates(&mut held);
        let mut errors = Errors::new();
        with_facts(&InMemory::default(), |facts| {
            let facts = if old.is_some() { facts.of_update("", &held) } else { *facts };
            check(&Located::root(&object), &facts, &mut errors);
        });
        if errors.is_empty() { String::new() } else { errors.summary() }
    }

    /// Templates of pods get a container and the defaults.
    fn fill_templates(object: &mut Value) {
        let places: [&[&str]; 3] =
            [&["template"], &["spec", "template"], &["spec", "jobTemplate", "spec", "template"]];
        let containers = json::parse(br#"[{"name":"c","image":"i"}]"#).expect("JSON").value;
        for place in places {
            each(object, place, &mut |template| {
                if template.at(&["spec", "containers"]).is_none() {
                    template.set_at(&["spec", "containers"], containers.clone());
                }
                pod::default_template(template);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::given::problems;
    use super::*;

    #[test]
    fn counts_are_not_negative_and_fit_each_other() {
        let table = [
            (r#"{"status":{"replicas":2,"readyReplicas":2,"availableReplicas":2}}"#, ""),
            (
                r#"{"status":{"observedGeneration":-1}}"#,
                "status.observedGeneration: Invalid value: -1: must be greater than or equal to 0",
            ),
            (
                r#"{"status":{"replicas":1,"readyReplicas":2,"availableReplicas":3}}"#,
                "[status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas, \
                 status.availableReplicas: Invalid value: 3: cannot be greater than status.replicas, \
                 status.availableReplicas: Invalid value: 3: cannot be greater than readyReplicas]",
            ),
        ];
        for (object, expected) in table {
            assert_eq!(problems(validate_replica_status, object, Some("{}")), expected);
        }
    }

    #[test]
    fn collisions_are_counted_upwards() {
        let status = |count: &str| format!(r#"{{"status":{{{count}}}}}"#);
        let (none, one, two) = (status(""), status(r#""collisionCount":1"#), status(r#""collisionCount":2"#));
        let problem =
            |shown: &str| format!("status.collisionCount: Invalid value: {shown}: cannot be decremented");
        let table = [
            (&none, &none, String::new()),
            (&one, &none, String::new()),
            (&two, &one, String::new()),
            (&one, &two, problem("1")),
            (&none, &one, problem("0")),
        ];
        for (new, old, expected) in table {
            assert_eq!(problems(validate_collisions, new, Some(old)), expected, "{new} {old}");
        }
    }
}

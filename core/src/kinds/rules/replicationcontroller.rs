//! ReplicationControllers.
//! k8s: pkg/registry/core/replicationcontroller/strategy.go, pkg/apis/core/v1/defaults.go,
//! pkg/apis/core/validation/validation.go ValidateReplicationController

use super::fill::{Default, Fill, each, fill, is_unset};
use super::pod::validation::validate_pod_template_spec;
use super::workload::{
    self, selector_of, validate_labels_match, validate_replica_status, validate_runs_always,
};
use super::{pod, status, warnings};
use crate::kinds::validation::{Errors, Located, validate_nonnegative_field};
use crate::kinds::{Facts, Generation, Rules, Strategy};
use crate::status::CauseType;
use crate::value::{Map, Value};
use alloc::string::String;
use alloc::vec::Vec;

pub static RULES: Rules = Rules {
    default,
    prepare_for_create: workload::prepare_for_create,
    validate,
    warnings_on_create: pod::warnings::named_workload,
    update: UPDATE,
    subresources: &[("scale", UPDATE), ("status", STATUS)],
    generation: Generation::Spec,
    orphans: true,
    ..status::SPLIT
};

const UPDATE: Strategy = Strategy {
    prepare_for_update: workload::prepare_for_update,
    validate_update,
    warnings_on_update,
    ..status::UPDATE
};

const STATUS: Strategy = Strategy { validate_update: validate_replica_status, ..status::STATUS };

const DEFAULTS: &[Default] = &[(&["spec"], "replicas", Fill::Int(1))];

fn default(object: &mut Value) {
    fill(object, DEFAULTS);
    each(object, &["spec", "template"], &mut pod::default_template);
    let labels = object.at(&["spec", "template", "metadata", "labels"]).cloned();
    let Some(labels) = labels.filter(|labels| labels.as_map().is_some_and(|map| !map.is_empty())) else {
        return;
    };
    for (place, field) in [("spec", "selector"), ("metadata", "labels")] {
        let empty = |held: &Value| held.field(field).and_then(Value::as_map).is_some_and(Map::is_empty);
        each(object, &[place], &mut |held| {
            if is_unset(held, field) || empty(held) {
                held.set(field, labels.clone());
            }
        });
    }
}

/// An update is warned of what the old template says, as upstream does it.
fn warnings_on_update(object: &Located<'_, '_>, facts: &Facts<'_>, warnings: &mut Vec<String>) {
    if warnings::is_new_generation(object, facts) {
        pod::warnings::template(&Located::root(facts.old).at(&["spec", "template"]), warnings);
    }
}

fn validate(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    let spec = object.member("spec");
    validate_nonnegative_field(&spec.member("minReadySeconds"), errors);
    let (selector, replicas) = (spec.member("selector"), spec.member("replicas"));
    if selector.is_empty() {
        errors.required(&selector, "");
    }
    if !replicas.is_set() {
        errors.required(&replicas, "");
    }
    validate_nonnegative_field(&replicas, errors);
    let template = spec.member("template");
    if !template.is_set() {
        errors.required(&template, "");
        return;
    }
    validate_labels_match(&template, &selector_of(selector.value()), errors);
    validate_pod_template_spec(&template, facts, errors);
    validate_runs_always(&template, "ReplicationController", errors);
}

/// Annotations with this prefix name fields that no other version of the API can hold.
const NON_CONVERTIBLE: &str = "non-convertible.kubernetes.io";

fn validate_update(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    validate(object, facts, errors);
    let (old, selector) = (Located::root(facts.old), object.at(&["spec", "selector"]));
    for (key, value) in old.at(&["metadata", "annotations"]).entries() {
        let Some((_, field)) = key.split_once('/').filter(|_| key.starts_with(NON_CONVERTIBLE)) else {
            continue;
        };
        if field.contains('/') {
            continue;
        }
        if !field.contains("selector") {
            let detail = "unknown non-convertible field";
            errors.causes().add(CauseType::NotFound, &field, value.value(), &detail);
        } else if selector.value() != facts.old.at(&["spec", "selector"]) {
            errors.invalid(&selector, "cannot update non-convertible selector");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::rules::workload::given::problems;

    #[test]
    fn controllers_have_upstreams_problems() {
        let table = [
            (
                "{}",
                "[spec.selector: Required value, spec.replicas: Required value, spec.template: Required value]",
            ),
            (
                r#"{"spec":{"replicas":-1,"selector":{"a":"b"},"template":{"spec":{"restartPolicy":"Always"}}}}"#,
                "[spec.replicas: Invalid value: -1: must be greater than or equal to 0, \
                 spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`]",
            ),
        ];
        for (object, expected) in table {
            assert_eq!(problems(validate, object, None), expected);
        }
    }

    #[test]
    fn fields_that_cannot_be_converted_stay() {
        let controller = |label: &str, annotation: &str| {
            alloc::format!(
                r#"{{"metadata":{{"annotations":{{"non-convertible.kubernetes.io/{annotation}":"v"}}}},
                    "spec":{{"replicas":1,"selector":{{"a":"{label}"}},
                    "template":{{"metadata":{{"labels":{{"a":"{label}"}}}},"spec":{{"restartPolicy":"Always"}}}}}}}}"#
            )
        };
        let table = [
            ("b", "b", "x-selector", ""),
            (
                "b",
                "c",
                "x-selector",
                "spec.selector: Invalid value: {\"a\":\"c\"}: cannot update non-convertible selector",
            ),
            ("b", "b", "x", "x: Not found: \"v\": unknown non-convertible field"),
        ];
        for (old, new, annotation, expected) in table {
            let (old, new) = (controller(old, annotation), controller(new, annotation));
            assert_eq!(problems(validate_update, &new, Some(&old)), expected, "{annotation}");
        }
    }
}

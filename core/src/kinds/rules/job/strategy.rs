//! Jobs.
//! k8s: pkg/registry/batch/job/strategy.go, pkg/apis/batch/v1/defaults.go

use super::{status as job_status, update};
use crate::kinds::rules::fill::{Default, Fill, each, fill, is_unset, set_unset};
use crate::kinds::rules::{pod, status, warnings, workload};
use crate::kinds::validation::Located;
use crate::kinds::{Facts, Generation, Rules, Strategy};
use crate::value::{Map, Value};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

pub static RULES: Rules = Rules {
    default,
    prepare_for_create,
    validate: update::validate,
    warnings_on_create,
    update: Strategy {
        prepare_for_update: workload::prepare_for_update,
        validate_update: update::validate_update,
        warnings_on_update,
        ..status::UPDATE
    },
    subresources: &[("status", STATUS)],
    generation: Generation::Spec,
    orphans: true,
    // k8s: pkg/registry/batch/job/storage/storage.go
    deletion_warning: "child pods are preserved by default when jobs are deleted; set \
                       propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress \
                       this warning",
    ..status::SPLIT
};

const STATUS: Strategy = Strategy { validate_update: job_status::validate_status_update, ..status::STATUS };

const DEFAULTS: &[Default] = &[
    (&[], "completionMode", Fill::TextOfPointer("NonIndexed")),
    (&[], "suspend", Fill::Bool(false)),
    (&[], "manualSelector", Fill::Bool(false)),
    (&["podFailurePolicy", "rules", "*", "onPodConditions", "*"], "status", Fill::Text("True")),
];

/// The labels that tie pods to their job: the uid and the name, each under its new and its old key.
pub(super) const UID_LABELS: [&str; 2] = ["batch.kubernetes.io/controller-uid", "controller-uid"];
pub(super) const NAME_LABELS: [&str; 2] = ["batch.kubernetes.io/job-name", "job-name"];

fn default(object: &mut Value) {
    each(object, &["spec"], &mut default_spec);
    let labels = object.at(&["spec", "template", "metadata", "labels"]).and_then(Value::as_map).cloned();
    let labels = labels.unwrap_or_default();
    let own = object.at(&["metadata", "labels"]).and_then(Value::as_map);
    if !labels.is_empty() && own.is_none_or(Map::is_empty) {
        object.set_at(&["metadata", "labels"], labels.into());
    }
}

fn default_spec(spec: &mut Value) {
    if is_unset(spec, "completions") && is_unset(spec, "parallelism") {
        spec.set("completions", Value::Int(1));
    }
    set_unset(spec, "parallelism", Fill::Int(1));
    let limit = if is_unset(spec, "backoffLimitPerIndex") { 6 } else { i64::from(i32::MAX) };
    set_unset(spec, "backoffLimit", Fill::Int(limit));
    fill(spec, DEFAULTS);
    let replacement = if is_unset(spec, "podFailurePolicy") { "TerminatingOrFailed" } else { "Failed" };
    set_unset(spec, "podReplacementPolicy", Fill::TextOfPointer(replacement));
    each(spec, &["template"], &mut pod::default_template);
}

fn prepare_for_create(object: &mut Value, facts: &Facts<'_>) {
    workload::prepare_for_create(object, facts);
    if object.at(&["spec", "manualSelector"]).and_then(Value::as_bool) != Some(true) {
        generate_selector(object);
    }
    // Stored jobs are defaulted when they are read: the generated labels become the job's own.
    default(object);
}

/// A selector that no other job has, by the job's uid. What a client put there by hand stays, for
/// validation to refuse.
fn generate_selector(object: &mut Value) {
    let uid = Value::str(object.text_at(&["metadata", "uid"]));
    let name = Value::str(object.text_at(&["metadata", "name"]));
    let labels = UID_LABELS.iter().map(|key| (*key, &uid)).chain(NAME_LABELS.iter().map(|key| (*key, &name)));
    for (key, value) in labels {
        let path = &["spec", "template", "metadata", "labels", key];
        if object.at(path).is_none() {
            object.set_at(path, value.clone());
        }
    }
    let selector = &["spec", "selector", "matchLabels", UID_LABELS[0]];
    if object.at(selector).is_none() {
        object.set_at(selector, uid);
    }
}

fn warnings_on_create(object: &Located<'_, '_>, _facts: &Facts<'_>, warnings: &mut Vec<String>) {
    warnings::name_of_pods(object, warnings);
    warn_of_spec(&object.member("spec"), warnings);
}

fn warnings_on_update(object: &Located<'_, '_>, facts: &Facts<'_>, warnings: &mut Vec<String>) {
    if warnings::is_new_generation(object, facts) {
        warn_of_spec(&object.member("spec"), warnings);
    }
}

/// Warnings about the spec of a job, wherever it is.
/// k8s: pkg/api/job/warnings.go
pub(in crate::kinds::rules) fn warn_of_spec(spec: &Located<'_, '_>, warnings: &mut Vec<String>) {
    const COMPLETIONS: i64 = 100_000;
    const PARALLELISM: i64 = 10_000;
    let is_large =
        spec.member("completions").int() > COMPLETIONS && spec.member("parallelism").int() > PARALLELISM;
    if is_large && spec.member("completionMode").text() == "Indexed" {
        warnings.push(format!(
            "{spec}: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, \
             Kubernetes might not be able to track completedIndexes when a big number of indexes fail"
        ));
    }
    pod::warnings::template(&spec.member("template"), warnings);
}

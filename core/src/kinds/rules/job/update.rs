//! What a job must look like, and how it may change.
//! k8s: pkg/apis/batch/validation/validation.go ValidateJob, ValidateJobUpdate,
//! pkg/registry/batch/job/strategy.go validationOptionsForJob

use super::spec::validate_spec;
use super::status::has_condition;
use super::strategy::{NAME_LABELS, UID_LABELS};
use crate::kinds::Facts;
use crate::kinds::metadata::validate_built_in;
use crate::kinds::rules::workload::{
    shown_selector, shown_struct, validate_immutable_selector, validate_labels_match,
};
use crate::kinds::validation::{
    Errors, IMMUTABLE, Located, internal_json, semantically_equal, validate_label_selector,
};
use crate::selector::LabelSelector;
use crate::value::{Map, Value, names};
use alloc::format;

pub(super) fn validate(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    validate_generated_selector(object, facts, errors);
    validate_job_spec(object, facts, errors);
    let spec = object.member("spec");
    let (completions, name) = (spec.member("completions").int(), object.at(&["metadata", "name"]));
    if spec.member("completionMode").text() == "Indexed" && completions > 0 {
        let host = format!("{}-{}", name.text(), completions - 1);
        if !names::dns_label(&host, false).is_empty() {
            let detail = format!("will not able to create pod with invalid DNS label: {host}");
            errors.invalid_value(&name, name.text(), detail);
        }
    }
}

fn validate_job_spec(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    let spec = object.member("spec");
    validate_spec(&spec, facts, errors);
    let selector = spec.member("selector");
    if selector.is_set() {
        let mut old = Errors::new();
        validate_label_selector(&Located::root(facts.old).at(&["spec", "selector"]), false, &mut old);
        validate_label_selector(&selector, !old.is_empty(), errors);
    } else {
        errors.required(&selector, "");
    }
    if let Ok(selected) = LabelSelector::from_object(selector.value()) {
        validate_labels_match(&spec.member("template"), &selected, errors);
    }
}

/// Jobs of servers that knew no labels with a prefix need none.
fn needs_prefixed_labels(old: &Value) -> bool {
    let labels = old.at(&["spec", "template", "metadata", "labels"]);
    old.is_null()
        || [UID_LABELS[0], NAME_LABELS[0]]
            .iter()
            .all(|key| labels.is_some_and(|held| held.field(key).is_some()))
}

fn validate_generated_selector(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    let spec = object.member("spec");
    let selector = spec.member("selector");
    if spec.member("manualSelector").bool() || !selector.is_set() {
        return;
    }
    let (uid, name) = (object.at(&["metadata", "uid"]), object.at(&["metadata", "name"]).text());
    if uid.is_empty() {
        errors.required(&uid, "");
    }
    let mut expected = alloc::vec![(UID_LABELS[1], uid.text()), (NAME_LABELS[1], name)];
    if needs_prefixed_labels(facts.old) {
        expected.extend([(UID_LABELS[0], uid.text()), (NAME_LABELS[0], name)]);
    }
    let metadata = spec.at(&["template", "metadata"]);
    let labels = metadata.member("labels");
    for (key, value) in expected.iter().copied() {
        let held = labels.key(key);
        if !held.is_set() {
            errors.required(&held, format!("must be '{value}'"));
        } else if held.text() != value {
            errors.invalid(&labels.shown_at(&held), format!("must be '{value}'"));
        }
    }
    let expected: Map = expected.into_iter().map(|(key, value)| (key.into(), Value::from(value))).collect();
    if let Ok(selected) = LabelSelector::from_object(selector.value())
        && !selected.matches_labels(Some(&expected))
    {
        errors.invalid_shown(&selector, &shown_selector(&selector), "`selector` not auto-generated");
    }
}

/// Upstream looks at a changed spec twice.
pub(super) fn validate_update(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    // Upstream looks at the metadata of an update once more.
    validate_built_in(object, true, names::dns_subdomain, errors);
    validate(object, facts, errors);
    validate_job_spec(object, facts, errors);
    let (spec, old) = (object.member("spec"), Located::root(facts.old));
    let held = old.member("spec");
    validate_completions(&spec, &held, errors);
    validate_immutable_selector(object, facts, errors);
    validate_template(&spec, facts.old, errors);
    keep(&spec, &held, "completionMode", "", errors);
    keep(&spec, &held, "podFailurePolicy", "PodFailurePolicy", errors);
    keep(&spec, &held, "backoffLimitPerIndex", "", errors);
    keep(&spec, &held, "managedBy", "", errors);
    keep(&spec, &held, "successPolicy", "SuccessPolicy", errors);
}

/// A field that must stay; a struct is shown as upstream's internal one.
fn keep(spec: &Located<'_, '_>, old: &Located<'_, '_>, field: &'static str, of: &str, errors: &mut Errors) {
    let new = spec.member(field);
    if semantically_equal(new.value(), old.member(field).value()) {
        return;
    }
    if of.is_empty() || !new.is_set() {
        errors.invalid(&new, IMMUTABLE);
    } else {
        errors.invalid_value(&new, shown_struct(of, &new), IMMUTABLE);
    }
}

/// The completions of an indexed job go with its parallelism; others keep theirs.
fn validate_completions(spec: &Located<'_, '_>, old: &Located<'_, '_>, errors: &mut Errors) {
    let completions = spec.member("completions");
    if completions.value() == old.member("completions").value() {
        return;
    }
    if spec.member("completionMode").text() != "Indexed" {
        errors.invalid(&completions, IMMUTABLE);
    } else if completions.is_set() && completions.int() != spec.member("parallelism").int() {
        // Upstream names the root of the path.
        errors.invalid(&completions, "can only be modified in tandem with spec.parallelism");
    }
}

/// The template of a job that is suspended and runs no pods may change where its pods go and what they need.
fn validate_template(spec: &Located<'_, '_>, old: &Value, errors: &mut Errors) {
    let is_suspended = old.at(&["spec", "suspend"]).and_then(Value::as_bool) == Some(true);
    let started = old.at(&["status", "startTime"]).is_some_and(|time| !time.is_null());
    let active = old.at(&["status", "active"]).and_then(Value::as_int).unwrap_or(0);
    let is_mutable = is_suspended && (!started || has_condition(old, "Suspended")) && active == 0;
    let template = spec.member("template");
    let new = template.value().cloned().unwrap_or_default();
    let mut held = old.at(&["spec", "template"]).cloned().unwrap_or_default();
    if is_mutable {
        take_scheduling(&mut held, &new);
    }
    if !is_suspended || !is_mutable {
        if !semantically_equal(Some(&new), Some(&held)) {
            let shown = internal_json("PodTemplateSpec", Some(&new));
            errors.invalid_shown(&template, &shown, IMMUTABLE);
        }
        return;
    }
    let mut held = held.field("spec").cloned().unwrap_or_default();
    let new = new.field("spec").cloned().unwrap_or_default();
    take_resources(&mut held, &new);
    if !semantically_equal(Some(&new), Some(&held)) {
        errors.invalid_shown(&template.member("spec"), &internal_json("PodSpec", Some(&new)), IMMUTABLE);
    }
}

/// Makes what decides where pods run the same as in the new template.
fn take_scheduling(held: &mut Value, new: &Value) {
    let affinity =
        |template: &Value| template.at(&["spec", "affinity"]).is_some_and(|affinity| !affinity.is_null());
    const NODES: &[&str] = &["spec", "affinity", "nodeAffinity"];
    match (affinity(new), affinity(held)) {
        (false, true) => {
            held.remove_at(NODES);
            let rest = held.at(&["spec", "affinity"]).and_then(Value::as_map);
            if rest.is_some_and(|rest| rest.iter().all(|(_, value)| value.is_null())) {
                held.remove_at(&["spec", "affinity"]);
            }
        }
        (true, false) => {
            held.set_at(&["spec", "affinity"], Value::empty_map());
            held.take(new, NODES);
        }
        (true, true) => held.take(new, NODES),
        (false, false) => {}
    }
    let paths: [&[&str]; 5] = [
        &["spec", "nodeSelector"],
        &["spec", "tolerations"],
        &["metadata", "annotations"],
        &["metadata", "labels"],
        &["spec", "schedulingGates"],
    ];
    for path in paths {
        held.take(new, path);
    }
}

/// Makes the resources of containers the same as in the new pods, where the containers are the same.
fn take_resources(held: &mut Value, new: &Value) {
    for list in ["containers", "initContainers"] {
        let of_new = new.field(list).and_then(Value::as_list).unwrap_or_default();
        let Some(of_held) = held.field_mut(list).and_then(Value::as_list_mut) else { continue };
        if of_held.len() != of_new.len() {
            continue;
        }
        for (one, other) in of_held.iter_mut().zip(of_new) {
            if one.text_at(&["name"]) == other.text_at(&["name"]) {
                one.take(other, &["resources"]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::rules::workload::given::problems;
    use alloc::string::String;

    fn job(spec: &str, pods: &str, status: &str) -> String {
        format!(
            r#"{{"metadata":{{"name":"j","namespace":"n","uid":"u"}},"spec":{{"manualSelector":true,
                "selector":{{"matchLabels":{{"a":"b"}}}},"template":{{"metadata":{{"labels":{{"a":"b"}}}},
                "spec":{{"restartPolicy":"Never","containers":[{{"name":"c","image":"i"{pods}}}]}}}}{spec}}},
                "status":{{{status}}}}}"#
        )
    }

    #[test]
    fn jobs_have_upstreams_problems() {
        let selected = job("", "", "").replace("true", "false");
        let table = [
            (job("", "", ""), ""),
            (
                selected,
                "[spec.template.metadata.labels[controller-uid]: Required value: must be 'u', \
                 spec.template.metadata.labels[job-name]: Required value: must be 'j', \
                 spec.template.metadata.labels[batch.kubernetes.io/controller-uid]: Required value: must be 'u', \
                 spec.template.metadata.labels[batch.kubernetes.io/job-name]: Required value: must be 'j', \
                 spec.selector: Invalid value: {\"matchLabels\":{\"a\":\"b\"}}: `selector` not auto-generated]",
            ),
            (
                job(r#","completionMode":"Indexed","completions":2"#, "", "").replace("\"j\"", "\"j.k\""),
                "metadata.name: Invalid value: \"j.k\": will not able to create pod with invalid DNS label: j.k-1",
            ),
        ];
        for (object, expected) in &table {
            assert_eq!(problems(validate, object, None), *expected, "{object}");
        }
    }

    #[test]
    fn templates_of_suspended_jobs_change_a_little() {
        const SUSPENDED: &str = r#","suspend":true"#;
        let bigger = r#","resources":{"requests":{"cpu":"2"}}"#;
        let table = [
            (job(SUSPENDED, "", ""), job(SUSPENDED, bigger, ""), ""),
            (job("", "", ""), job("", bigger, ""), "spec.template: Invalid value: {"),
            (
                job(SUSPENDED, "", r#""active":1"#),
                job(SUSPENDED, bigger, ""),
                "spec.template: Invalid value: {",
            ),
            (
                job(SUSPENDED, "", ""),
                job(SUSPENDED, r#","command":["x"]"#, ""),
                "spec.template.spec: Invalid value: {",
            ),
            (
                job(r#","completions":1"#, "", ""),
                job(r#","completions":2"#, "", ""),
                "spec.completions: Invalid value: 2: field is immutable",
            ),
        ];
        for (old, new, expected) in &table {
            let found = problems(validate_update, new, Some(old));
            assert!(found.starts_with(expected) && found.is_empty() == expected.is_empty(), "{new}: {found}");
        }
    }
}

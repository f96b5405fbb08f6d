//! What an update may change of a pod.
//! k8s: pkg/apis/core/validation/validation.go ValidatePodUpdate

use super::validation::{
    PodContext, validate_annotation_updates, validate_metadata_and_spec, validate_tolerations,
};
use crate::kinds::Facts;
use crate::kinds::validation::{
    Errors, Located, internal_diff, internal_json, internal_json_list, semantically_equal as is_same,
};
use crate::value::Value;
use alloc::collections::BTreeMap;
use alloc::format;

const CHANGEABLE: &str = "`spec.containers[*].image`,`spec.initContainers[*].image`,\
    `spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),\
    `spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

/// The context of an update.
pub(super) fn context<'a>(pod: &Located<'a, '_>, facts: &Facts<'_>) -> PodContext<'a> {
    PodContext::of_pod(pod.value().unwrap_or(&Value::Null), facts)
}

pub(super) fn validate(pod: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    let held = Located::root(facts.old);
    let context = context(pod, facts);
    validate_metadata_and_spec(pod, context, errors);
    validate_annotations(pod, &held, errors);
    let (spec, old) = (pod.member("spec"), held.member("spec"));
    if !validate_images(&spec, &old, "containers", errors)
        || !validate_images(&spec, &old, "initContainers", errors)
        || !validate_deadline(&spec, &old, errors)
    {
        return;
    }
    validate_added_tolerations(&spec, &old, &context, errors);
    validate_deleted_gates(&spec, &old, errors);
    if is_same(spec.value(), old.value()) {
        return;
    }
    let mut munged = spec.value().cloned().unwrap_or(Value::Null);
    let before = old.value().unwrap_or(&Value::Null);
    munge(&mut munged, before);
    if !old.member("schedulingGates").is_empty() {
        munge_gated(&mut munged, &spec, &old, errors);
    }
    if !is_same(Some(&munged), Some(before)) {
        let diff = internal_diff("PodSpec", Some(before), Some(&munged));
        errors.forbidden(&spec, format!("pod updates may not change fields other than {CHANGEABLE}\n{diff}"));
    }
}

pub(super) fn validate_annotations(pod: &Located<'_, '_>, held: &Located<'_, '_>, errors: &mut Errors) {
    const PLACE: &[&str] = &["metadata", "annotations"];
    validate_annotation_updates(&pod.at(PLACE), &held.at(PLACE), errors);
}

/// Containers stay; what they run may change. Says whether there are as many as before.
fn validate_images(
    spec: &Located<'_, '_>,
    old: &Located<'_, '_>,
    list: &'static str,
    errors: &mut Errors,
) -> bool {
    let containers = spec.member(list);
    if containers.len() != old.member(list).len() {
        errors.forbidden(&containers, "pod updates may not add or remove containers");
        return false;
    }
    for container in containers.items() {
        let image = container.member("image");
        if image.is_empty() {
            errors.required(&image, "");
        }
        if image.text().trim() != image.text() {
            errors.invalid(&image, "must not have leading or trailing whitespace");
        }
    }
    true
}

/// A deadline comes nearer, or is set. Says whether the other rules are looked at.
fn validate_deadline(spec: &Located<'_, '_>, old: &Located<'_, '_>, errors: &mut Errors) -> bool {
    let deadline = spec.member("activeDeadlineSeconds");
    match (deadline.int_if_set(), old.member("activeDeadlineSeconds").int_if_set()) {
        (Some(now), _) if !(0..=i64::from(i32::MAX)).contains(&now) => {
            errors.invalid(&deadline, format_args!("must be between 0 and {}, inclusive", i32::MAX));
            false
        }
        (Some(now), Some(before)) if before < now => {
            errors.invalid(&deadline, "must be less than or equal to previous value");
            false
        }
        (None, Some(_)) => {
            errors.invalid(&deadline, "must not update from a positive integer to nil value");
            true
        }
        (Some(_) | None, _) => true,
    }
}

/// Tolerations stay, but for how long they last.
fn validate_added_tolerations(
    spec: &Located<'_, '_>,
    old: &Located<'_, '_>,
    context: &PodContext<'_>,
    errors: &mut Errors,
) {
    let (now, before) = (spec.member("tolerations"), old.member("tolerations"));
    let without_time = |toleration: &Located<'_, '_>| {
        let mut rest = toleration.value().cloned().unwrap_or(Value::Null);
        rest.remove_at(&["tolerationSeconds"]);
        rest
    };
    for held in before.items() {
        let held = without_time(&held);
        if !now.items().any(|toleration| without_time(&toleration) == held) {
            let detail = "existing toleration can not be modified except its tolerationSeconds";
            return errors.forbidden(&now, detail);
        }
    }
    validate_tolerations(&now, context.lets_comparisons, errors);
}

fn validate_deleted_gates(spec: &Located<'_, '_>, old: &Located<'_, '_>, errors: &mut Errors) {
    let (now, before) = (spec.member("schedulingGates"), old.member("schedulingGates"));
    let mut added: BTreeMap<&str, usize> =
        now.items().enumerate().map(|(index, gate)| (gate.member("name").text(), index)).collect();
    for gate in before.items() {
        added.remove(gate.member("name").text());
    }
    for (name, index) in added {
        let gate = now.index(index);
        let detail = format_args!("only deletion is allowed, but found new scheduling gate '{name}'");
        errors.forbidden(&gate.member("name"), detail);
    }
}

/// Puts back what may change.
fn munge(spec: &mut Value, old: &Value) {
    for list in ["containers", "initContainers"] {
        let held = old.field(list).and_then(Value::as_list).unwrap_or_default();
        let containers = spec.field_mut(list).and_then(Value::as_list_mut).into_iter().flatten();
        for (container, held) in containers.zip(held) {
            container.take(held, &["image"]);
        }
    }
    for field in ["activeDeadlineSeconds", "schedulingGates", "tolerations"] {
        spec.take(old, &[field]);
    }
    let seconds = |spec: &Value| spec.field("terminationGracePeriodSeconds").and_then(Value::as_int);
    if seconds(old).is_some_and(|held| held < 0) && seconds(spec) == Some(1) {
        spec.take(old, &["terminationGracePeriodSeconds"]);
    }
}

/// A pod that waits at gates may still be told more of where to run.
fn munge_gated(munged: &mut Value, spec: &Located<'_, '_>, old: &Located<'_, '_>, errors: &mut Errors) {
    let (selector, held) = (spec.member("nodeSelector"), old.member("nodeSelector"));
    let has_same_selector = selector.len() == held.len()
        && held.entries().all(|(key, value)| selector.key(key).value() == value.value());
    if !has_same_selector {
        if held.entries().any(|(key, value)| selector.key(key).value() != value.value()) {
            let detail = "only additions to spec.nodeSelector are allowed (no mutations or deletions)";
            errors.invalid(&selector, detail);
        }
        let before = old.value().unwrap_or(&Value::Null);
        munged.take(before, &["nodeSelector"]);
    }
    let (nodes, held) = (spec.at(&["affinity", "nodeAffinity"]), old.at(&["affinity", "nodeAffinity"]));
    if is_same(nodes.value(), held.value()) {
        return;
    }
    validate_added_terms(&nodes, &held, errors);
    let has_others =
        ["podAffinity", "podAntiAffinity"].iter().any(|other| spec.member("affinity").member(other).is_set());
    match held.value() {
        None if !old.member("affinity").is_set() && !has_others => {
            munged.remove_at(&["affinity"]);
        }
        None => drop(munged.remove_at(&["affinity", "nodeAffinity"])),
        Some(before) => munged.set_at(&["affinity", "nodeAffinity"], before.clone()),
    }
}

/// The terms that a node must match get more requirements, and lose none.
fn validate_added_terms(new: &Located<'_, '_>, old: &Located<'_, '_>, errors: &mut Errors) {
    const TERMS: &[&str] = &["requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms"];
    let (now, before) = (new.at(TERMS), old.at(TERMS));
    if before.is_empty() {
        return;
    }
    if before.len() != now.len() {
        let detail = "no additions/deletions to non-empty NodeSelectorTerms list are allowed";
        return errors.invalid_shown(&now, &internal_json_list("NodeSelectorTerm", now.value()), detail);
    }
    for (now, before) in now.items().zip(before.items()) {
        if !has_only_additions(&now, &before) {
            let detail = "only additions are allowed (no mutations or deletions)";
            errors.invalid_shown(&now, &internal_json("NodeSelectorTerm", now.value()), detail);
        }
    }
}

fn has_only_additions(now: &Located<'_, '_>, before: &Located<'_, '_>) -> bool {
    const LISTS: [&str; 2] = ["matchExpressions", "matchFields"];
    let is_empty = |term: &Located<'_, '_>| LISTS.iter().all(|list| term.member(list).is_empty());
    if is_empty(before) && !is_empty(now) {
        return false;
    }
    LISTS.iter().all(|list| {
        let (now, before) = (now.member(list), before.member(list));
        before.len() <= now.len()
            && before.items().zip(now.items()).all(|(before, now)| is_same(before.value(), now.value()))
    })
}

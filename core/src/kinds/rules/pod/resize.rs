//! The resize of a pod: the amounts of processor and memory that its containers get, and how they change.
//! k8s: pkg/registry/core/pod/strategy.go, pkg/apis/core/validation/validation.go ValidatePodResize

use super::super::status;
use super::validation::{MIRROR, validate_metadata_and_spec};
use super::{disabled, quality, update};
use crate::kinds::validation::{Errors, Located, semantically_equal as is_same};
use crate::kinds::{Facts, ResetFields, Strategy};
use crate::value::Value;

pub(super) const STRATEGY: Strategy = Strategy {
    prepare_for_update,
    validate_update,
    reset_fields: ResetFields::AllBut(&[
        &["spec", "containers", "*", "resources"],
        &["spec", "containers", "*", "resizePolicy"],
        &["spec", "initContainers", "*", "resources"],
        &["spec", "initContainers", "*", "resizePolicy"],
    ]),
    ..Strategy::PLAIN
};

/// The containers that a resize reaches.
const LISTS: [&str; 2] = ["containers", "initContainers"];

/// The resources that a resize may change.
const MUTABLE: [&str; 2] = ["cpu", "memory"];

/// Of metadata only `managedFields` are taken.
fn prepare_for_update(object: &mut Value, facts: &Facts<'_>) {
    let old = facts.old;
    // Containers that were added or taken away are left for validation to refuse.
    if LISTS.iter().any(|list| containers(object, list).len() != containers(old, list).len()) {
        return;
    }
    let mut out = old.clone();
    status::take_metadata(&mut out, object, old, status::METADATA);
    out.take(object, &["spec", "resources"]);
    for list in LISTS {
        resize(&mut out, object, list);
    }
    disabled::drop_disabled_fields(&mut out, old);
    *object = out;
}

fn containers<'a>(pod: &'a Value, list: &str) -> &'a [Value] {
    pod.at(&["spec", list]).and_then(Value::as_list).unwrap_or_default()
}

fn name(container: &Value) -> &str {
    container.text_at(&["name"])
}

/// Takes over what a resize may change of containers, or all of them when they were renamed, which validation
/// refuses.
fn resize(pod: &mut Value, new: &Value, list: &str) {
    let wanted = containers(new, list);
    if !containers(pod, list).iter().map(name).eq(wanted.iter().map(name)) {
        pod.take(new, &["spec", list]);
        return;
    }
    let held = pod.field_mut("spec").and_then(|spec| spec.field_mut(list)).and_then(Value::as_list_mut);
    for (held, new) in held.into_iter().flatten().zip(wanted) {
        held.take(new, &["resources"]);
        held.take(new, &["resizePolicy"]);
    }
}

fn validate_update(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    let old = Located::root(facts.old);
    let nothing = Value::Null;
    let nowhere = Located::root(&nothing);
    if old.at(&["metadata", "annotations"]).key(MIRROR).is_set() {
        return errors.forbidden(&nowhere, "static pods cannot be resized");
    }
    if old.at(&["spec", "os", "name"]).text() == "windows" {
        return errors.forbidden(&nowhere, "windows pods cannot be resized");
    }
    validate_metadata_and_spec(object, update::context(object, facts), errors);
    let (spec, held) = (object.member("spec"), old.member("spec"));
    validate_quality(object, &old, errors);
    if !can_be_resized(&old) {
        errors.forbidden(&spec, "Pod running on node without support for resize");
    }
    let before = held.value().unwrap_or(&Value::Null);
    let mut rest = spec.value().cloned().unwrap_or(Value::Null);
    validate_whole(&spec, &held, &mut rest, errors);
    if !old.at(&["status", "nodeAllocatableResourceClaimStatuses"]).is_empty() {
        errors.forbidden(&spec, "pods with node allocatable resource claims cannot be resized");
    }
    if !validate_order(&spec, &held, errors) {
        return;
    }
    // Init containers come first.
    for list in LISTS.into_iter().rev() {
        for (new, held) in spec.member(list).items().zip(held.member(list).items()) {
            validate_kept(&new.member("resources"), &held.member("resources"), "resource", errors);
        }
    }
    for list in LISTS {
        validate_containers(&spec, &held, list, &mut rest, errors);
    }
    if errors.is_empty() && !is_same(Some(&rest), Some(before)) {
        errors.forbidden(&spec, "only cpu and memory resources are mutable");
    }
}

fn validate_quality(object: &Located<'_, '_>, old: &Located<'_, '_>, errors: &mut Errors) {
    let quality = |spec: &Located<'_, '_>| spec.value().map_or("BestEffort", quality::of_spec);
    let spec = object.member("spec");
    let class = match old.at(&["status", "qosClass"]).text() {
        "" => quality(&old.member("spec")),
        class => class,
    };
    if class != quality(&spec) {
        let shown = object.at(&["status", "qosClass"]).text();
        errors.invalid_value(&spec, shown, "Pod QOS Class may not change as a result of resizing");
    }
}

/// A kubelet that resizes tells the resources of what it runs.
fn can_be_resized(old: &Located<'_, '_>) -> bool {
    let statuses = old.at(&["status", "containerStatuses"]);
    let running = statuses.items().find(|status| status.at(&["state", "running"]).is_set());
    running.is_none_or(|status| status.member("resources").is_set())
}

/// The amounts of the pod as a whole. `rest` gets back what may change of them.
fn validate_whole(spec: &Located<'_, '_>, held: &Located<'_, '_>, rest: &mut Value, errors: &mut Errors) {
    let (new, old) = (spec.member("resources"), held.member("resources"));
    let has_amounts = |resources: &Located<'_, '_>| {
        !resources.member("requests").is_empty() || !resources.member("limits").is_empty()
    };
    if !has_amounts(&new) && !has_amounts(&old) {
        return;
    }
    if old.is_set() && !new.is_set() {
        return errors.forbidden(&new, "pod-level resources cannot be removed");
    }
    if old.is_set() {
        validate_kept(&new, &old, "pod-level resource", errors);
    }
    if let Some(resources) = rest.field_mut("resources") {
        take_mutable(resources, old.value());
        let has_more = |field: &str| {
            let held = resources.field(field);
            held.and_then(Value::as_map).is_some_and(|map| !map.is_empty())
                || held.and_then(Value::as_list).is_some_and(|list| !list.is_empty())
        };
        if !old.is_set() && !["requests", "limits", "claims"].into_iter().any(has_more) {
            rest.remove_at(&["resources"]);
        }
    }
    if !is_same(rest.field("resources"), old.value()) {
        errors.forbidden(spec, "only cpu and memory resources are mutable at pod-level");
    }
}

/// Puts back the amounts that a resize may change.
fn take_mutable(resources: &mut Value, old: Option<&Value>) {
    for field in ["limits", "requests"] {
        let held = old.and_then(|old| old.field(field));
        for name in MUTABLE {
            match held.and_then(|held| held.field(name)) {
                Some(amount) => resources.set_at(&[field, name], amount.clone()),
                None => drop(resources.remove_at(&[field, name])),
            }
        }
    }
}

/// Requests and limits that were there are still there.
fn validate_kept(new: &Located<'_, '_>, held: &Located<'_, '_>, what: &str, errors: &mut Errors) {
    for field in ["requests", "limits"] {
        let amounts = new.member(field);
        if held.member(field).entries().any(|(name, _)| !amounts.key(name).is_set()) {
            errors.forbidden(&amounts, format_args!("{what} {field} cannot be removed"));
        }
    }
}

/// Whether the containers are those that there were, in their order.
fn validate_order(spec: &Located<'_, '_>, held: &Located<'_, '_>, errors: &mut Errors) -> bool {
    let before = errors.len();
    for list in LISTS {
        let (new, held) = (spec.member(list), held.member(list));
        if new.len() != held.len() {
            errors.forbidden(&new, format_args!("{list} may not be added or removed on resize"));
            continue;
        }
        for (new, held) in new.items().zip(held.items()) {
            let name = new.member("name");
            if name.text() != held.member("name").text() {
                errors.forbidden(&name, format_args!("{list} may not be renamed or reordered on resize"));
            }
        }
    }
    errors.len() == before
}

/// Containers differ in nothing but their amounts of processor and memory. How they are resized is a part of the
/// container as any other. `rest` gets back what may change.
fn validate_containers(
    spec: &Located<'_, '_>,
    held: &Located<'_, '_>,
    list: &'static str,
    rest: &mut Value,
    errors: &mut Errors,
) {
    let (now, before) = (spec.member(list), held.member(list));
    let munged = rest.field_mut(list).and_then(Value::as_list_mut).into_iter().flatten();
    for ((munged, now), before) in munged.zip(now.items()).zip(before.items()) {
        let is_changed = !is_same(Some(munged), before.value());
        // Claims are left out, so that a container with some is never the same.
        munged.remove_at(&["resources", "claims"]);
        if munged.field("resources").is_none() {
            munged.set("resources", Value::empty_map());
        }
        if let Some(resources) = munged.field_mut("resources") {
            take_mutable(resources, before.member("resources").value());
        }
        let is_other = !is_same_container(munged, before.value());
        if list == "containers" {
            if is_other {
                errors.forbidden(spec, "only cpu and memory resources are mutable");
            }
            continue;
        }
        if is_other {
            let detail = "only cpu and memory resources for init or sidecar containers are mutable";
            errors.forbidden(&now, detail);
        }
        let is_sidecar = now.member("restartPolicy").text() == "Always";
        let policies = now.member("resizePolicy");
        let restarts = policies
            .items()
            .filter(|policy| policy.member("restartPolicy").text() == "RestartContainer")
            .count();
        for _ in 0..if is_changed && !is_sidecar { restarts } else { 0 } {
            let detail =
                "non-sidecar init containers with a resize policy of RestartContainer cannot be resized";
            errors.forbidden(&now, detail);
        }
    }
}

/// Containers without resources have empty ones.
fn is_same_container(munged: &mut Value, before: Option<&Value>) -> bool {
    let mut before = before.cloned().unwrap_or(Value::Null);
    if before.field("resources").is_none_or(Value::is_null) {
        before.set("resources", Value::empty_map());
    }
    let is_same = is_same(Some(munged), Some(&before));
    if is_same {
        *munged = before;
    }
    is_same
}

//! The resize of a pod: the amounts of processor and memory that its containers get, and how they change.
//! k8s: pkg/registry/core/pod/strategy.go, pkg/apis/core/validation/validation.go ValidatePodResize

use super::super::status;
use super::quality;
use crate::kinds::validation::{Errors, Located};
use crate::kinds::{Facts, ResetFields, Strategy};
use crate::value::quantity::Quantity;
use crate::value::{Map, Value};
use alloc::vec::Vec;
use core::cmp::Ordering;

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
    let (spec, held) = (object.member("spec"), old.member("spec"));
    let quality = |spec: &Located<'_, '_>| spec.value().map_or("BestEffort", quality::of_spec);
    let class = match old.at(&["status", "qosClass"]).text() {
        "" => quality(&held),
        class => class,
    };
    if class != quality(&spec) {
        let shown = object.at(&["status", "qosClass"]).text();
        errors.invalid_value(&spec, shown, "Pod QOS Class may not change as a result of resizing");
    }
    if !validate_order(&spec, &held, errors) {
        return;
    }
    // Init containers come first.
    for list in LISTS.into_iter().rev() {
        for (new, held) in spec.member(list).items().zip(held.member(list).items()) {
            validate_kept(&new.member("resources"), &held.member("resources"), errors);
        }
    }
    for (new, held) in spec.member("containers").items().zip(held.member("containers").items()) {
        if !only_mutable_differ(&new, &held) {
            errors.forbidden(&spec, "only cpu and memory resources are mutable");
        }
    }
    for (new, held) in spec.member("initContainers").items().zip(held.member("initContainers").items()) {
        if !only_mutable_differ(&new, &held) {
            errors
                .forbidden(&new, "only cpu and memory resources for init or sidecar containers are mutable");
        }
    }
}

/// Requests and limits that were there are still there.
fn validate_kept(new: &Located<'_, '_>, held: &Located<'_, '_>, errors: &mut Errors) {
    for (field, what) in [("requests", "resource requests"), ("limits", "resource limits")] {
        let amounts = new.member(field);
        if held.member(field).entries().any(|(name, _)| !amounts.key(name).is_set()) {
            errors.forbidden(&amounts, format_args!("{what} cannot be removed"));
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

/// Whether two containers differ in nothing but their amounts of processor and memory. How they are resized is a
/// part of the container as any other.
fn only_mutable_differ(new: &Located<'_, '_>, held: &Located<'_, '_>) -> bool {
    let (new, held) = (new.value().unwrap_or(&Value::Null), held.value().unwrap_or(&Value::Null));
    let rest = |container: &Value| {
        let mut rest = container.clone();
        rest.remove_at(&["resources"]);
        rest
    };
    let others = |container: &Value, field: &str| -> Vec<(alloc::string::String, Value)> {
        let amounts = container.at(&["resources", field]).and_then(Value::as_map);
        let amounts = amounts.into_iter().flat_map(Map::iter);
        let kept = amounts.filter(|(name, _)| !MUTABLE.contains(&name.as_str()));
        kept.map(|(name, amount)| (name.as_str().into(), amount.clone())).collect()
    };
    let same_amounts = |field: &str| {
        let (new, held) = (others(new, field), others(held, field));
        let same = |(new, held): (&(_, Value), &(_, Value))| match (
            Quantity::from_value(&new.1),
            Quantity::from_value(&held.1),
        ) {
            (Ok(new), Ok(held)) => new.compare(&held) == Ordering::Equal,
            _ => new.1 == held.1,
        };
        new.iter().map(|(name, _)| name).eq(held.iter().map(|(name, _)| name))
            && new.iter().zip(&held).all(same)
    };
    rest(new) == rest(held) && same_amounts("requests") && same_amounts("limits")
}

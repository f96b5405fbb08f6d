//! What `ephemeralcontainers` and `resize` may change of a pod.
//! k8s: pkg/registry/core/pod/strategy.go, pkg/apis/core/validation/validation.go ValidatePodResize and
//! ValidatePodEphemeralContainersUpdate

use super::{pod_spec, status};
use crate::now::Wall;
use crate::status::{Causes, Path};
use crate::value::quantity::Quantity;
use crate::value::quoted;
use crate::value::{Map, Value};
use alloc::format;
use alloc::vec::Vec;
use core::cmp::Ordering;

/// The containers that a resize reaches.
const LISTS: [&str; 2] = ["containers", "initContainers"];

/// The resources that a resize may change.
const MUTABLE: [&str; 2] = ["cpu", "memory"];

/// Of metadata only `managedFields` are taken, as of a write of a status that lets nothing else through.
pub(super) fn prepare(sub: &str, object: &mut Value, old: &Value, _now: Wall) {
    let mut out = old.clone();
    out.take(object, &["metadata"]);
    for field in status::RESET {
        out.take(old, &["metadata", field]);
    }
    match sub {
        "ephemeralcontainers" => out.take(object, &["spec", "ephemeralContainers"]),
        "resize" => {
            // Containers that were added or taken away are left for validation to refuse.
            if LISTS.iter().any(|list| containers(object, list).len() != containers(old, list).len()) {
                return;
            }
            out.take(object, &["spec", "resources"]);
            for list in LISTS {
                resize(&mut out, object, list);
            }
        }
        _ => {}
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

pub(super) fn validate(sub: &str, object: &Value, old: &Value, causes: &mut Causes) {
    match sub {
        "ephemeralcontainers" => validate_ephemeral_containers(object, old, causes),
        "resize" => validate_resize(object, old, causes),
        _ => {}
    }
}

/// Ephemeral containers are added, and never change or go.
fn validate_ephemeral_containers(object: &Value, old: &Value, causes: &mut Causes) {
    const LIST: &str = "ephemeralContainers";
    let path = Path::new("spec").child(LIST);
    for held in containers(old, LIST) {
        let shown = quoted(name(held));
        match containers(object, LIST).iter().rfind(|new| name(new) == name(held)) {
            None => causes
                .forbidden(&path, &format!("existing ephemeral containers {shown} may not be removed\n")),
            Some(new) if new != held => {
                causes
                    .forbidden(&path, &format!("existing ephemeral containers {shown} may not be changed\n"));
            }
            Some(_) => {}
        }
    }
}

fn validate_resize(object: &Value, old: &Value, causes: &mut Causes) {
    let spec = Path::new("spec");
    let quality = |pod: &Value| pod.field("spec").map_or("BestEffort", pod_spec::quality_of_service);
    let class = old.text_at(&["status", "qosClass"]);
    if (if class.is_empty() { quality(old) } else { class }) != quality(object) {
        let shown = object.text_at(&["status", "qosClass"]).into();
        causes.invalid(&spec, &shown, "Pod QOS Class may not change as a result of resizing");
    }
    if !validate_order(object, old, causes) {
        return;
    }
    // Init containers come first.
    for list in LISTS.iter().rev() {
        for (index, (new, held)) in containers(object, list).iter().zip(containers(old, list)).enumerate() {
            let path = spec.child(list).index(index).child("resources");
            for (field, what) in [("requests", "resource requests"), ("limits", "resource limits")] {
                let amounts =
                    |container: &Value| container.at(&["resources", field]).and_then(Value::as_map).cloned();
                let (new, held) = (amounts(new).unwrap_or_default(), amounts(held).unwrap_or_default());
                if held.iter().any(|(name, _)| !new.contains_key(name)) {
                    causes.forbidden(&path.child(field), &format!("{what} cannot be removed"));
                }
            }
        }
    }
    for (new, held) in containers(object, "containers").iter().zip(containers(old, "containers")) {
        if !only_mutable_differ(new, held) {
            causes.forbidden(&spec, "only cpu and memory resources are mutable");
        }
    }
    let init = containers(object, "initContainers").iter().zip(containers(old, "initContainers"));
    for (index, _) in init.enumerate().filter(|(_, (new, held))| !only_mutable_differ(new, held)) {
        let detail = "only cpu and memory resources for init or sidecar containers are mutable";
        causes.forbidden(&spec.child("initContainers").index(index), detail);
    }
}

/// Whether the containers are those that there were, in their order.
fn validate_order(object: &Value, old: &Value, causes: &mut Causes) -> bool {
    let before = causes.len();
    for list in LISTS {
        let path = Path::new("spec").child(list);
        let (new, held) = (containers(object, list), containers(old, list));
        if new.len() != held.len() {
            causes.forbidden(&path, &format!("{list} may not be added or removed on resize"));
            continue;
        }
        for (index, _) in new.iter().zip(held).enumerate().filter(|(_, (new, held))| name(new) != name(held))
        {
            let detail = format!("{list} may not be renamed or reordered on resize");
            causes.forbidden(&path.index(index).child("name"), &detail);
        }
    }
    causes.len() == before
}

/// Whether two containers differ in nothing but their amounts of processor and memory. How they are resized is a
/// part of the container as any other.
fn only_mutable_differ(new: &Value, held: &Value) -> bool {
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

//! What the server adds to a new pod: selectors of its own labels, profiles that annotations name, a condition for
//! gates.
//! k8s: pkg/registry/core/pod/strategy.go

use super::super::fill::each;
use super::validation::validate_app_armor;
use crate::kinds::validation::{Errors, Located};
use crate::value::{Map, Value, object};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";
const APP_ARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";

/// Adds an expression to a selector for each key whose value is that of the pod's own label.
pub(super) fn select_own_labels(pod: &mut Value) {
    let labels = object::labels(pod).cloned().unwrap_or_default();
    let mut apply = |term: &mut Value| {
        let keys = |field: &str| -> Vec<Value> {
            term.field(field).and_then(Value::as_list).unwrap_or_default().to_vec()
        };
        let (same, other) = (keys("matchLabelKeys"), keys("mismatchLabelKeys"));
        let selector = term.field_mut("labelSelector").filter(|selector| selector.as_map().is_some());
        let Some(selector) = selector else { return };
        let expressions = expressions(&same, "In", &labels).chain(expressions(&other, "NotIn", &labels));
        let added: Vec<Value> = expressions.collect();
        if !added.is_empty() {
            let held = selector.field("matchExpressions").and_then(Value::as_list).unwrap_or_default();
            let all = held.iter().cloned().chain(added).collect();
            selector.set("matchExpressions", Value::list(all));
        }
    };
    for affinity in ["podAffinity", "podAntiAffinity"] {
        each(pod, &["spec", "affinity", affinity, PREFERRED, "*", "podAffinityTerm"], &mut apply);
        each(pod, &["spec", "affinity", affinity, REQUIRED, "*"], &mut apply);
    }
    each(pod, &["spec", "topologySpreadConstraints", "*"], &mut apply);
}

fn expressions<'a>(
    keys: &'a [Value],
    operator: &'a str,
    labels: &'a Map,
) -> impl Iterator<Item = Value> + 'a {
    keys.iter().filter_map(move |key| {
        let value = labels.get(key.as_str()?)?;
        let mut expression = Map::new();
        expression.insert("key", key.clone());
        expression.insert("operator", operator.into());
        expression.insert("values", Value::list(alloc::vec![value.clone()]));
        Some(expression.into())
    })
}

/// A pod with gates is not scheduled yet.
pub(super) fn tell_of_gates(pod: &mut Value, now: &str) {
    let gates = pod.at(&["spec", "schedulingGates"]).and_then(Value::as_list).unwrap_or_default();
    if gates.is_empty() {
        return;
    }
    let mut condition = Map::new();
    condition.insert("type", "PodScheduled".into());
    condition.insert("status", "False".into());
    condition.insert("lastProbeTime", Value::Null);
    condition.insert("lastTransitionTime", Value::str(now));
    condition.insert("reason", "SchedulingGated".into());
    condition.insert("message", "Scheduling is blocked due to non-empty scheduling gates".into());
    pod.set_at(&["status", "conditions"], Value::list(alloc::vec![condition.into()]));
}

/// The profile of a container that its annotation names and its field does not.
fn named_profile(pod: &Value, container: &Value) -> Option<(String, Option<Value>)> {
    let key = format!("{APP_ARMOR}{}", container.text_at(&["name"]));
    let annotation = object::annotation(pod, &key)?;
    let own = container.at(&["securityContext", "appArmorProfile"]);
    if own.is_some_and(|own| !own.is_null()) {
        return None;
    }
    let mut profile = Map::new();
    match annotation {
        "unconfined" => drop(profile.insert("type", "Unconfined".into())),
        "runtime/default" => drop(profile.insert("type", "RuntimeDefault".into())),
        other => {
            let path = other.strip_prefix("localhost/").filter(|path| !path.is_empty());
            let Some(path) = path else { return Some((key, None)) };
            profile.insert("type", "Localhost".into());
            profile.insert("localhostProfile", Value::str(path));
        }
    }
    let profile = Value::from(profile);
    let mut errors = Errors::new();
    validate_app_armor(&Located::root(&profile), &mut errors);
    Some((key, errors.is_empty().then_some(profile)))
}

/// Takes the profiles of AppArmor over from annotations.
pub(super) fn take_app_armor_profiles(pod: &mut Value) {
    let is_named = object::annotations(pod)
        .is_some_and(|annotations| annotations.iter().any(|(key, _)| key.starts_with(APP_ARMOR)));
    if !is_named || pod.text_at(&["spec", "os", "name"]) == "windows" {
        return;
    }
    let of_pod = pod.at(&["spec", "securityContext", "appArmorProfile"]).cloned();
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        let held = pod.at(&["spec", list]).and_then(Value::as_list).unwrap_or_default();
        let named: Vec<Option<Value>> = held
            .iter()
            .map(|container| named_profile(pod, container).and_then(|(_, profile)| profile))
            .map(|profile| profile.filter(|profile| of_pod.as_ref() != Some(profile)))
            .collect();
        let containers = pod.field_mut("spec").and_then(|spec| spec.field_mut(list));
        let containers = containers.and_then(Value::as_list_mut).into_iter().flatten();
        for (container, profile) in containers.zip(named) {
            if let Some(profile) = profile {
                container.set_at(&["securityContext", "appArmorProfile"], profile);
            }
        }
    }
}

//! Fields of features that are not enabled by default: they are dropped, unless the old object has them.
//! k8s: pkg/api/pod/util.go dropDisabledFields, dropDisabledPodStatusFields

use super::super::fill::each;
use crate::value::Value;

/// The lists of containers of a spec, and of their statuses.
const CONTAINERS: &[&str] = &["initContainers", "containers", "ephemeralContainers"];
const STATUSES: &[&str] = &["initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses"];

/// Drops them from a pod or a template: the object that holds `spec`. The old one is null when there is none.
pub(in super::super) fn drop_disabled_fields(template: &mut Value, old: &Value) {
    const SOURCES: &[&str] = &["spec", "volumes", "*", "projected", "sources", "*"];
    for field in ["clusterTrustBundle", "podCertificate"] {
        drop_members(template, old, SOURCES, field);
    }
    drop_members(template, old, &["spec"], "schedulingGroup");
    drop_stop_signals(template, old);
}

/// Drops them from the status of a pod.
pub(super) fn drop_disabled_status_fields(pod: &mut Value, old: &Value) {
    for list in STATUSES {
        drop_members(pod, old, &["status", list, "*", "volumeMounts", "*"], "volumeStatus");
    }
    drop_members(pod, old, &["status"], "nodeAllocatableResourceClaimStatuses");
}

/// Drops one member from all objects at a place, unless one at the same place of the old object has it.
fn drop_members(object: &mut Value, old: &Value, place: &[&str], field: &str) {
    if has_member(old, place, field) || !has_member(object, place, field) {
        return;
    }
    each(object, place, &mut |holder| {
        if let Some(map) = holder.as_map_mut() {
            map.remove(field);
        }
    });
}

/// Whether some object at a place has a member.
fn has_member(value: &Value, place: &[&str], field: &str) -> bool {
    match place {
        [] => value.field(field).is_some_and(|held| !held.is_null()),
        ["*", rest @ ..] => {
            value.as_list().unwrap_or_default().iter().any(|item| has_member(item, rest, field))
        }
        [name, rest @ ..] => value.field(name).is_some_and(|member| has_member(member, rest, field)),
    }
}

/// A lifecycle of nothing but a signal goes as a whole.
fn drop_stop_signals(template: &mut Value, old: &Value) {
    let is_in_use =
        CONTAINERS.iter().any(|list| has_member(old, &["spec", list, "*", "lifecycle"], "stopSignal"));
    if is_in_use {
        return;
    }
    for list in CONTAINERS {
        each(template, &["spec", list, "*"], &mut |container| {
            let lifecycle = container.field_mut("lifecycle").and_then(Value::as_map_mut);
            let Some(lifecycle) = lifecycle else { return };
            if lifecycle.remove("stopSignal").is_some_and(|signal| !signal.is_null()) && lifecycle.is_empty()
            {
                container.remove_at(&["lifecycle"]);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;

    #[test]
    fn only_what_was_there_before_stays() {
        let parsed = |text: &str| json::parse(text.as_bytes()).expect("JSON").value;
        const NEW: &str = r#"{"spec":{"containers":[{"lifecycle":{"stopSignal":"SIGTERM"}},
            {"lifecycle":{"preStop":{},"stopSignal":"SIGTERM"}}],"schedulingGroup":{},
            "volumes":[{"projected":{"sources":[{"podCertificate":{}},{"clusterTrustBundle":{}}]}}]},
            "status":{"containerStatuses":[{"volumeMounts":[{"volumeStatus":{}}]}]}}"#;
        let mut pod = parsed(NEW);
        drop_disabled_fields(&mut pod, &Value::Null);
        drop_disabled_status_fields(&mut pod, &Value::Null);
        let expected = r#"{"spec":{"containers":[{},{"lifecycle":{"preStop":{}}}],"volumes":[{"projected":{"sources":[{},{}]}}]},"status":{"containerStatuses":[{"volumeMounts":[{}]}]}}"#;
        assert_eq!(json::to_string(&pod), expected);
        let (mut pod, old) = (parsed(NEW), parsed(NEW));
        drop_disabled_fields(&mut pod, &old);
        drop_disabled_status_fields(&mut pod, &old);
        assert_eq!(pod, old);
    }
}

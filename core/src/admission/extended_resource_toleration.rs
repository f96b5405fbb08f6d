//! ExtendedResourceToleration: a pod that asks for a device tolerates the taint of the nodes that are kept for it.
//! k8s: plugin/pkg/admission/extendedresourcetoleration/admission.go

use super::chain::{AdmissionPlugin, Opinion, Said};
use super::{AdmissionAttributes, AdmissionOperation};
use crate::kinds::rules::resource_names::is_extended;
use crate::question::Reply;
use crate::status::Failure;
use crate::value::{Map, Value};
use crate::world::World;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

pub(super) const PLUGIN: AdmissionPlugin = AdmissionPlugin { mutate, ..AdmissionPlugin::IDLE };

const TOLERATIONS: &[&str] = &["spec", "tolerations"];

fn mutate(
    _world: &World,
    attributes: &AdmissionAttributes<'_>,
    object: &mut Value,
    _found: Option<Reply>,
    _said: &mut Said,
) -> Result<Opinion, Failure> {
    if attributes.is_of("", "pods") && attributes.operation != AdmissionOperation::Delete {
        tolerate(object);
    }
    Ok(Opinion::Admitted)
}

fn tolerate(pod: &mut Value) {
    let containers = |of| pod.at(&["spec", of]).and_then(Value::as_list).unwrap_or_default().iter();
    let requests = containers("containers")
        .chain(containers("initContainers"))
        .filter_map(|container| container.at(&["resources", "requests"])?.as_map());
    let names = requests.flat_map(Map::iter).map(|(name, _)| name.clone());
    let resources: BTreeSet<_> = names.filter(|name| is_extended(name)).collect();
    if resources.is_empty() {
        return;
    }
    let mut all = pod.at(TOLERATIONS).and_then(Value::as_list).unwrap_or_default().to_vec();
    for resource in resources {
        let mut toleration = Map::new();
        toleration.insert("key", Value::Str(resource));
        toleration.insert("operator", "Exists".into());
        toleration.insert("effect", "NoSchedule".into());
        replace(&mut all, &toleration.into());
    }
    pod.set_at(TOLERATIONS, Value::list(all));
}

/// Puts a toleration in the place of all that tolerate the same, or behind the others.
/// k8s: pkg/apis/core/helper/helpers.go AddOrUpdateTolerationInPod
fn replace(all: &mut Vec<Value>, toleration: &Value) {
    let fields = ["key", "operator", "value", "effect"];
    let is_same =
        |held: &Value| fields.iter().all(|field| held.text_at(&[field]) == toleration.text_at(&[field]));
    let mut is_there = false;
    for held in all.iter_mut().filter(|held| is_same(held)) {
        *held = toleration.clone();
        is_there = true;
    }
    if !is_there {
        all.push(toleration.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;

    #[test]
    fn devices_are_tolerated() {
        const DEVICE: &str = r#"{"effect":"NoSchedule","key":"example.com/a","operator":"Exists"}"#;
        let cases = [
            (r#"{"cpu":"1","kubernetes.io/x":"1"}"#, "[]", 0),
            (r#"{"example.com/a":"1"}"#, "[]", 1),
            (r#"{"example.com/a":"1","example.com/b":"1"}"#, "[]", 2),
            (r#"{"example.com/a":"1"}"#, r#"[{"key":"example.com/a"}]"#, 2),
            (
                r#"{"example.com/a":"1"}"#,
                r#"[{"key":"example.com/a","operator":"Exists","effect":"NoSchedule","tolerationSeconds":1}]"#,
                1,
            ),
        ];
        for (requests, tolerations, count) in cases {
            let text = alloc::format!(
                r#"{{"spec":{{"tolerations":{tolerations},"containers":[{{"resources":{{"requests":{requests}}}}}]}}}}"#
            );
            let mut pod = json::parse(text.as_bytes()).expect("JSON").value;
            tolerate(&mut pod);
            let held = pod.at(TOLERATIONS).and_then(Value::as_list).unwrap_or_default();
            assert_eq!(held.len(), count, "{text}");
            if count > 0 {
                let wanted = json::parse(DEVICE.as_bytes()).expect("JSON").value;
                let same = |held: &Value| {
                    ["effect", "key", "operator"].iter().all(|at| held.field(at) == wanted.field(at))
                };
                assert!(held.iter().any(same), "{held:?}");
            }
        }
    }
}

//! NodeDeclaredFeatureValidator: a pod is not changed in a way that its node says it cannot follow.
//! k8s: plugin/pkg/admission/nodedeclaredfeatures/admission.go,
//! staging/src/k8s.io/component-helpers/nodedeclaredfeatures/features/registry.go

use super::chain::{AdmissionPlugin, Opinion, Said};
use super::{AdmissionAttributes, AdmissionOperation};
use crate::kinds::Objects;
use crate::question::Reply;
use crate::status::Failure;
use crate::value::{Value, object, quoted};
use crate::world::World;
use alloc::format;
use alloc::vec::Vec;

pub(super) const PLUGIN: AdmissionPlugin = AdmissionPlugin { validate, ..AdmissionPlugin::IDLE };

/// Whether an update of a pod needs something.
type IsNeeded = fn(old: &Value, new: &Value) -> bool;

/// What a node must be able to do for an update, by name, and how the update is recognized.
const FEATURES: [(&str, IsNeeded); 2] = [
    ("InPlacePodLevelResourcesVerticalScaling", changes_pod_resources),
    ("InPlacePodVerticalScalingInitContainers", changes_init_containers),
];

fn validate(
    world: &World,
    attributes: &AdmissionAttributes<'_>,
    object: &Value,
    _found: Option<Reply>,
    _said: &mut Said,
) -> Result<Opinion, Failure> {
    let Some(name) = bound_and_changed(attributes, object) else { return Ok(Opinion::Admitted) };
    if !matches!(attributes.subresource, "" | "resize") {
        return Ok(Opinion::Admitted);
    }
    let needed: Vec<&str> = FEATURES
        .into_iter()
        .filter(|(_, needs)| needs(attributes.old, object))
        .map(|(feature, _)| feature)
        .collect();
    if needed.is_empty() {
        return Ok(Opinion::Admitted);
    }
    let Some(node) = world.get("", "nodes", "", name) else {
        return Err(attributes.forbidden(object, &format!("node {} not found", quoted(name))));
    };
    let declared = node.at(&["status", "declaredFeatures"]).and_then(Value::as_list).unwrap_or_default();
    let is_declared = |feature: &&str| declared.iter().any(|held| held.as_str() == Some(*feature));
    let missing: Vec<&str> = needed.into_iter().filter(|feature| !is_declared(feature)).collect();
    if missing.is_empty() {
        return Ok(Opinion::Admitted);
    }
    let (missing, name) = (missing.join(", "), quoted(name));
    let why = format!("pod update requires features {missing} which are not available on node {name}");
    Err(attributes.forbidden(object, &why))
}

/// The node of a pod whose spec an update changes.
pub(super) fn bound_and_changed<'a>(attributes: &AdmissionAttributes<'_>, pod: &'a Value) -> Option<&'a str> {
    let is_of_pods = attributes.resource.plural == "pods" && attributes.resource.group.is_empty();
    if attributes.operation != AdmissionOperation::Update || !is_of_pods {
        return None;
    }
    let node = pod.text_at(&["spec", "nodeName"]);
    let is_changed = object::generation(pod) != object::generation(attributes.old);
    (is_changed && !node.is_empty()).then_some(node)
}

fn changes_pod_resources(old: &Value, new: &Value) -> bool {
    let [old, new] = [old, new].map(|pod| pod.at(&["spec", "resources"]).filter(|held| !held.is_null()));
    old != new
}

/// Init containers that are not restarted, whose resources change.
fn changes_init_containers(old: &Value, new: &Value) -> bool {
    let [old, new] = [old, new]
        .map(|pod| pod.at(&["spec", "initContainers"]).and_then(Value::as_list).unwrap_or_default());
    let is_sidecar = |container: &Value| container.text_at(&["restartPolicy"]) == "Always";
    old.iter().zip(new).any(|(old, new)| !is_sidecar(old) && old.field("resources") != new.field("resources"))
}

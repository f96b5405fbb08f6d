//! PodTopologyLabels: a pod gets the zone and the region of its node as labels when it is bound.
//! k8s: plugin/pkg/admission/podtopologylabels/admission.go

use super::chain::{AdmissionPlugin, Opinion, Said};
use super::{AdmissionAttributes, AdmissionOperation};
use crate::kinds::Objects;
use crate::question::Reply;
use crate::status::Failure;
use crate::value::{Value, object};
use crate::world::World;

pub(super) const PLUGIN: AdmissionPlugin = AdmissionPlugin { mutate, ..AdmissionPlugin::IDLE };

const LABELS: [&str; 2] = ["topology.kubernetes.io/region", "topology.kubernetes.io/zone"];

fn mutate(
    world: &World,
    attributes: &AdmissionAttributes<'_>,
    object: &mut Value,
    _found: Option<Reply>,
    _said: &mut Said,
) -> Result<Opinion, Failure> {
    let is_of_pods = attributes.resource.plural == "pods" && attributes.resource.group.is_empty();
    if attributes.operation != AdmissionOperation::Create || !is_of_pods {
        return Ok(Opinion::Admitted);
    }
    let node = match attributes.subresource {
        "" => object.text_at(&["spec", "nodeName"]),
        // A binding's labels are copied to its pod.
        "binding" if object.text_at(&["target", "kind"]) == "Node" => object.text_at(&["target", "name"]),
        _ => "",
    };
    if node.is_empty() {
        return Ok(Opinion::Admitted);
    }
    let Some(node) = world.get("", "nodes", "", node) else { return Ok(Opinion::Admitted) };
    for key in LABELS {
        if let Some(value) = object::label(&node, key) {
            object.set_at(&["metadata", "labels", key], value.into());
        }
    }
    Ok(Opinion::Admitted)
}

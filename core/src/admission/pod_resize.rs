//! PodResizeValidator: a pod is not resized to more than its node has, and only where resizing works.
//! k8s: plugin/pkg/admission/podresize/admission.go

use super::AdmissionAttributes;
use super::chain::{AdmissionPlugin, Opinion, Said};
use super::limit_ranger::{add_resources, requests_of_pod, resources};
use super::node_features::bound_and_changed;
use crate::kinds::Objects;
use crate::question::Reply;
use crate::status::{Cause, CauseType, Failure};
use crate::value::quantity::Quantity;
use crate::value::{Value, object, quoted};
use crate::world::World;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;

pub(super) const PLUGIN: AdmissionPlugin = AdmissionPlugin { validate, ..AdmissionPlugin::IDLE };

fn validate(
    world: &World,
    attributes: &AdmissionAttributes<'_>,
    object: &Value,
    _found: Option<Reply>,
    _said: &mut Said,
) -> Result<Opinion, Failure> {
    if attributes.subresource != "resize" {
        return Ok(Opinion::Admitted);
    }
    let Some(name) = bound_and_changed(attributes, object) else { return Ok(Opinion::Admitted) };
    let Some(node) = world.get("", "nodes", "", name) else {
        return Err(attributes.forbidden(object, &format!("node {} not found", quoted(name))));
    };
    let refuse = |why: &str, reason: CauseType| {
        let cause = Cause { reason, message: String::new(), field: "".into() };
        Err(attributes.forbidden(object, why).with_cause(cause))
    };
    match object::label(&node, "kubernetes.io/os") {
        None | Some("linux") => {}
        Some(system) => {
            let (name, system) = (quoted(name), quoted(system));
            let why = format!("pod resize is only supported on linux nodes, node {name} is {system}");
            return refuse(&why, CauseType::UnsupportedPlatform);
        }
    }
    match shortage(object, &node) {
        Some(why) => refuse(&why, CauseType::NodeCapacity),
        None => Ok(Opinion::Admitted),
    }
}

/// What a pod asks for beyond what its node has for pods.
fn shortage(pod: &Value, node: &Value) -> Option<String> {
    let mut requests = requests_of_pod(pod);
    add_resources(&mut requests, &resources(pod.at(&["spec", "overhead"])));
    let allocatable = resources(node.at(&["status", "allocatable"]));
    // An amount too large for a number is more than any node has.
    let count = |name: &str, amount: &Quantity| match name {
        "cpu" => amount.to_milli().unwrap_or(i64::MAX),
        _ => amount.to_i64().unwrap_or(i64::MAX),
    };
    let beyond = ["cpu", "memory"].into_iter().filter_map(|name| {
        let none = Quantity::from_int(0);
        let [asked, there] = [&requests, &allocatable].map(|of| of.get(name).unwrap_or(&none));
        let (asked_count, there_count) = (count(name, asked), count(name, there));
        (asked.compare(there) == Ordering::Greater)
            .then(|| format!("{name}, requested: {asked_count}, allocatable: {there_count}"))
    });
    let beyond: Vec<String> = beyond.collect();
    let what = "node didn't have enough allocatable resources";
    (!beyond.is_empty()).then(|| format!("{what}: {}", beyond.join("; ")))
}

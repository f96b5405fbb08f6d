//! What resource claims count for: the devices of each class that they ask for.
//! k8s: pkg/quota/v1/evaluator/core/resource_claims.go,
//! staging/src/k8s.io/dynamic-resource-allocation/deviceclass/extendedresourcecache/extendedresourcecache.go

use super::amounts::Amounts;
use super::pod;
use crate::kinds::Objects;
use crate::now::Wall;
use crate::value::quantity::Quantity;
use crate::value::{Text, Value, object};
use alloc::format;
use core::ops::ControlFlow;

const COUNT: &str = "count/resourceclaims.resource.k8s.io";
/// Stands behind the name of a class of devices.
const OF_CLASS: &str = ".deviceclass.resource.k8s.io/devices";
/// Stands before it, when the class is asked for like a resource of a pod.
const IMPLICIT: &str = "requests.deviceclass.resource.kubernetes.io/";
/// As many devices as a claim can get, which one that wants all of them is counted for.
const ALL_DEVICES: i64 = 32;
/// Says that a claim was made for a pod that asks for its devices like for a resource.
const FOR_EXTENDED: &str = "resource.kubernetes.io/extended-resource-claim";

pub(super) fn is_limited_by(resource: &str, objects: &dyn Objects) -> bool {
    if resource == COUNT || resource.ends_with(OF_CLASS) {
        return true;
    }
    let is_of_class = |class: &str| extended_name(objects, class).is_some();
    if resource.strip_prefix(IMPLICIT).is_some_and(is_of_class) {
        return true;
    }
    pod::is_extended_for_quota(resource)
        && resource.strip_prefix("requests.").is_some_and(|name| has_class(objects, name))
}

/// What a pod could also ask for to get devices of the class.
fn extended_name(objects: &dyn Objects, class: &str) -> Option<Text> {
    let class = objects.get("resource.k8s.io", "deviceclasses", "", class)?;
    let name = class.text_at(&["spec", "extendedResourceName"]);
    (!name.is_empty()).then(|| Text::from(name))
}

/// Whether a class provides an extended resource, or is asked for by its own name.
fn has_class(objects: &dyn Objects, resource: &str) -> bool {
    if let Some(class) = resource.strip_prefix("deviceclass.resource.kubernetes.io/") {
        return objects.has("resource.k8s.io", "deviceclasses", "", class);
    }
    let mut found = false;
    objects.visit("resource.k8s.io", "deviceclasses", "", &mut |class| {
        found = class.text_at(&["spec", "extendedResourceName"]) == resource;
        if found { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    found
}

pub(super) fn usage(claim: &Value, objects: &dyn Objects, now: Wall) -> Amounts {
    let mut usage = Amounts::default();
    usage.set(COUNT, Quantity::from_int(1));
    let requests = claim.at(&["spec", "devices", "requests"]).and_then(Value::as_list).unwrap_or_default();
    for request in requests {
        let alternatives = request.field("firstAvailable").and_then(Value::as_list).unwrap_or_default();
        let mut most = Amounts::default();
        let exactly = request.field("exactly").filter(|held| !held.is_null() && alternatives.is_empty());
        for wanted in alternatives.iter().chain(exactly) {
            let mut one = Amounts::default();
            let class = wanted.text_at(&["deviceClassName"]);
            one.set(format!("{class}{OF_CLASS}"), Quantity::from_int(devices(wanted)));
            most.raise(&one);
        }
        let most = if alternatives.is_empty() { most } else { most.without_zeros() };
        usage.add(&most);
    }
    add_extended(&mut usage, claim, objects, now);
    usage
}

fn devices(wanted: &Value) -> i64 {
    match wanted.text_at(&["allocationMode"]) {
        "ExactCount" => wanted.field("count").and_then(Value::as_int).unwrap_or(0),
        "All" => ALL_DEVICES,
        _ => 0,
    }
}

/// The devices also count under the names by which a pod asks for them, but for those that such a pod was counted for
/// already.
fn add_extended(usage: &mut Amounts, claim: &Value, objects: &dyn Objects, now: Wall) {
    let mut extended = Amounts::default();
    for (name, amount) in usage.iter() {
        let Some(class) = name.strip_suffix(OF_CLASS).filter(|class| !class.is_empty()) else { continue };
        extended.set(format!("{IMPLICIT}{class}"), amount.clone());
        if let Some(resource) = extended_name(objects, class) {
            extended.set(format!("requests.{resource}"), amount.clone());
        }
    }
    if extended.is_empty() {
        return;
    }
    let counted = counted_for_pod(claim, objects, now).unwrap_or_default();
    for (name, amount) in extended.iter() {
        let rest =
            counted.get(name).and_then(|counted| amount.sub(counted)).unwrap_or_else(|| amount.clone());
        if rest.signum() > 0 {
            usage.set(name.clone(), rest);
        }
    }
}

/// What the pod counts for that the claim was made for, if it is the pod's only such claim, or the first.
fn counted_for_pod(claim: &Value, objects: &dyn Objects, now: Wall) -> Option<Amounts> {
    let namespace = object::namespace(claim);
    let owner = extended_owner(claim)?;
    let pod = objects.get("", "pods", namespace, owner.name)?;
    if object::uid(&pod) != owner.uid {
        return None;
    }
    let status = pod.at(&["status", "extendedResourceClaimStatus"]).filter(|held| !held.is_null());
    if let Some(status) = status {
        let is_named = status.text_at(&["resourceClaimName"]) == object::name(claim);
        return is_named.then(|| pod::usage(&pod, now));
    }
    let rank = |claim: &Value| {
        let made = object::creation_timestamp(claim).unwrap_or_default();
        (Text::from(made), Text::from(object::name(claim)))
    };
    let own = rank(claim);
    let mut is_first = true;
    objects.visit("resource.k8s.io", "resourceclaims", namespace, &mut |other| {
        let of_pod = extended_owner(other).is_some_and(|other| other.uid == owner.uid);
        is_first = !(of_pod && rank(other) < own);
        if is_first { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    is_first.then(|| pod::usage(&pod, now))
}

fn extended_owner(claim: &Value) -> Option<object::OwnerReference<'_>> {
    let owner = object::controller(claim)?;
    let is_for_pod = object::annotation(claim, FOR_EXTENDED) == Some("true");
    (is_for_pod && owner.kind == "Pod" && owner.api_version == "v1").then_some(owner)
}

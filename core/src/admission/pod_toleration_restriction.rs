//! PodTolerationRestriction: pods get the tolerations of their namespace, or of the configuration, and may only
//! tolerate what these allow.
//! k8s: plugin/pkg/admission/podtolerationrestriction/admission.go

use super::chain::{AdmissionPlugin, Opinion, Said};
use super::namespace_of::namespace;
use super::runtime_class::{contains, merged};
use super::{AdmissionAttributes, AdmissionOperation};
use crate::codec::json;
use crate::kinds::rules::pod::quality_of;
use crate::limits;
use crate::question::Reply;
use crate::status::Failure;
use crate::value::{Value, object};
use crate::world::World;
use alloc::format;
use alloc::vec::Vec;

pub(super) const PLUGIN: AdmissionPlugin = AdmissionPlugin { mutate, validate, ..AdmissionPlugin::IDLE };

const DEFAULTS: &str = "scheduler.alpha.kubernetes.io/defaultTolerations";
const ALLOWED: &str = "scheduler.alpha.kubernetes.io/tolerationsWhitelist";
const PLACE: &[&str] = &["spec", "tolerations"];

fn concerns(attributes: &AdmissionAttributes<'_>) -> bool {
    attributes.creates("", "pods") || attributes.updates("", "pods")
}

fn mutate(
    world: &World,
    attributes: &AdmissionAttributes<'_>,
    object: &mut Value,
    found: Option<Reply>,
    _said: &mut Said,
) -> Result<Opinion, Failure> {
    if !concerns(attributes) {
        return Ok(Opinion::Admitted);
    }
    let namespace = match namespace(world, attributes.namespace, found)? {
        Ok(namespace) => namespace,
        Err(opinion) => return Ok(opinion),
    };
    let mut more = Vec::new();
    if attributes.operation == AdmissionOperation::Create {
        let configured = &world.config.admission.plugins.default_tolerations;
        more = of_namespace(&namespace, DEFAULTS)?.unwrap_or_else(|| configured.clone());
    }
    if quality_of(object) != "BestEffort" {
        let mut pressure = Value::empty_map();
        for (field, value) in
            [("key", "node.kubernetes.io/memory-pressure"), ("operator", "Exists"), ("effect", "NoSchedule")]
        {
            pressure.set(field, value.into());
        }
        more.push(pressure);
    }
    let mut all = held(object);
    if !more.is_empty() {
        all.extend(more);
        let all = if all.len() > limits::TOLERATIONS_MERGED { all } else { merged(&all) };
        object.set_at(PLACE, Value::list(all));
    }
    check(world, &namespace, object)
}

fn validate(
    world: &World,
    attributes: &AdmissionAttributes<'_>,
    object: &Value,
    found: Option<Reply>,
    _said: &mut Said,
) -> Result<Opinion, Failure> {
    if !concerns(attributes) {
        return Ok(Opinion::Admitted);
    }
    match namespace(world, attributes.namespace, found)? {
        Ok(namespace) => check(world, &namespace, object),
        Err(opinion) => Ok(opinion),
    }
}

fn held(pod: &Value) -> Vec<Value> {
    pod.at(PLACE).and_then(Value::as_list).unwrap_or_default().to_vec()
}

/// Refuses tolerations that are not allowed. An empty list allows all of them.
fn check(world: &World, namespace: &Value, pod: &Value) -> Result<Opinion, Failure> {
    let held = held(pod);
    if held.is_empty() {
        return Ok(Opinion::Admitted);
    }
    let configured = || world.config.admission.plugins.allowed_tolerations.clone();
    let of_namespace = of_namespace(namespace, ALLOWED)?;
    let scope = if of_namespace.is_some() { "namespace" } else { "cluster" };
    let allowed = of_namespace.unwrap_or_else(configured);
    let is_allowed = |toleration: &Value| allowed.iter().any(|allowed| contains(allowed, toleration));
    if allowed.is_empty() || held.iter().all(is_allowed) {
        return Ok(Opinion::Admitted);
    }
    Err(Failure::unclassified(format!(
        "pod tolerations (possibly merged with namespace default tolerations) conflict with its {scope} whitelist"
    )))
}

/// The tolerations in an annotation of a namespace; None without the annotation.
fn of_namespace(namespace: &Value, annotation: &str) -> Result<Option<Vec<Value>>, Failure> {
    let Some(text) = object::annotation(namespace, annotation) else { return Ok(None) };
    if text.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let parsed = json::parse(text.as_bytes()).map_err(|error| Failure::unclassified(error.0))?;
    Ok(Some(parsed.value.as_list().unwrap_or_default().to_vec()))
}

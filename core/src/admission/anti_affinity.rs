//! LimitPodHardAntiAffinityTopology: a pod may keep others away from its host, and not from more than that.
//! k8s: plugin/pkg/admission/antiaffinity/admission.go

use super::chain::{AdmissionPlugin, Opinion, Said};
use super::{AdmissionAttributes, AdmissionOperation};
use crate::question::Reply;
use crate::status::Failure;
use crate::value::{Value, object};
use crate::world::World;
use alloc::format;

pub(super) const PLUGIN: AdmissionPlugin = AdmissionPlugin { validate, ..AdmissionPlugin::IDLE };

const HOST: &str = "kubernetes.io/hostname";

fn validate(
    _world: &World,
    attributes: &AdmissionAttributes<'_>,
    object: &Value,
    _found: Option<Reply>,
    _said: &mut Said,
) -> Result<Opinion, Failure> {
    if !attributes.is_of("", "pods") || attributes.operation == AdmissionOperation::Delete {
        return Ok(Opinion::Admitted);
    }
    const TERMS: &[&str] =
        &["spec", "affinity", "podAntiAffinity", "requiredDuringSchedulingIgnoredDuringExecution"];
    let terms = object.at(TERMS).and_then(Value::as_list).unwrap_or_default();
    let wide = terms.iter().map(|term| term.text_at(&["topologyKey"])).find(|key| *key != HOST);
    let Some(key) = wide else { return Ok(Opinion::Admitted) };
    let why = format!(
        "affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey {key} but only key {HOST} is allowed"
    );
    Err(Failure::forbidden(attributes.qualified(), object::name(object), &why))
}

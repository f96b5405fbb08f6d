//! NamespaceExists: nothing is written in a namespace that does not exist.
//! k8s: plugin/pkg/admission/namespace/exists/admission.go

use super::AdmissionAttributes;
use super::chain::{AdmissionPlugin, Opinion, Said};
use super::lifecycle::{SoughtNamespace, namespace};
use crate::question::Reply;
use crate::status::{Failure, Qualified};
use crate::value::Value;
use crate::world::World;

pub(super) const PLUGIN: AdmissionPlugin = AdmissionPlugin { validate, ..AdmissionPlugin::IDLE };

fn validate(
    world: &World,
    attributes: &AdmissionAttributes<'_>,
    _object: &Value,
    found: Option<Reply>,
    _said: &mut Said,
) -> Result<Opinion, Failure> {
    if !attributes.is_inside_namespace() {
        return Ok(Opinion::Admitted);
    }
    match namespace(world, attributes.namespace, found)? {
        SoughtNamespace::Here { .. } => Ok(Opinion::Admitted),
        SoughtNamespace::Unknown(opinion) => Ok(opinion),
        SoughtNamespace::Absent => {
            let what = Qualified { group: "", name: "namespaces" };
            Err(Failure::not_found(what, attributes.namespace))
        }
    }
}

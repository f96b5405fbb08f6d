//! NamespaceAutoProvision: a namespace that does not exist is made when something is created in it.
//! k8s: plugin/pkg/admission/namespace/autoprovision/admission.go

use super::chain::{AdmissionPlugin, Opinion, Said};
use super::{AdmissionAttributes, AdmissionOperation};
use crate::kinds::Objects;
use crate::question::{Question, Reply};
use crate::status::Failure;
use crate::store::{Stored, failure};
use crate::value::Value;
use crate::world::World;

pub(super) const PLUGIN: AdmissionPlugin = AdmissionPlugin { mutate, ..AdmissionPlugin::IDLE };

fn mutate(
    world: &World,
    attributes: &AdmissionAttributes<'_>,
    object: &mut Value,
    found: Option<Reply>,
    _said: &mut Said,
) -> Result<Opinion, Failure> {
    let is_asked = attributes.operation == AdmissionOperation::Create && !attributes.dry_run;
    if !is_asked || attributes.namespace.is_empty() || attributes.is_of_namespaces() {
        return Ok(Opinion::Admitted);
    }
    match found {
        None if world.has("", "namespaces", "", attributes.namespace) => Ok(Opinion::Admitted),
        None => Ok(Opinion::Needs(Question::Provide(attributes.namespace.into()))),
        // It was made, or somebody else has made it. What has become of it is found out by those who look at it next.
        Some(Reply::Stored(Stored::Txn(_) | Stored::Unknown(_))) => Ok(Opinion::Admitted),
        Some(Reply::Stored(Stored::Failed(error))) => {
            Err(attributes.forbidden(object, failure::of(&error).message()))
        }
        Some(_) => Err(failure::misfit()),
    }
}

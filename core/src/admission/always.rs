//! AlwaysAdmit and AlwaysDeny, which do what they say.
//! k8s: plugin/pkg/admission/admit/admission.go, plugin/pkg/admission/deny/admission.go

use super::AdmissionAttributes;
use super::chain::{AdmissionPlugin, Opinion, Said};
use crate::question::Reply;
use crate::status::Failure;
use crate::value::Value;
use crate::world::World;

pub(super) const ADMIT: AdmissionPlugin = AdmissionPlugin::IDLE;

pub(super) const DENY: AdmissionPlugin = AdmissionPlugin {
    mutate: |world, attributes, object, found, said| deny(world, attributes, object, found, said),
    validate: deny,
    judges_connections: true,
};

fn deny(
    _world: &World,
    attributes: &AdmissionAttributes<'_>,
    object: &Value,
    _found: Option<Reply>,
    _said: &mut Said,
) -> Result<Opinion, Failure> {
    Err(attributes.forbidden(object, "admission control is denying all modifications"))
}

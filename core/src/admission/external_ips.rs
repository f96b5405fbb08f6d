//! DenyServiceExternalIPs: no service gets an external address that it has not had before.
//! k8s: plugin/pkg/admission/network/denyserviceexternalips/admission.go

use super::chain::{AdmissionPlugin, Opinion, Said};
use super::{AdmissionAttributes, AdmissionOperation};
use crate::question::Reply;
use crate::status::Failure;
use crate::value::Value;
use crate::world::World;

pub(super) const PLUGIN: AdmissionPlugin = AdmissionPlugin { validate, ..AdmissionPlugin::IDLE };

fn validate(
    _world: &World,
    attributes: &AdmissionAttributes<'_>,
    object: &Value,
    _found: Option<Reply>,
    _said: &mut Said,
) -> Result<Opinion, Failure> {
    if !attributes.is_of("", "services") || attributes.operation == AdmissionOperation::Delete {
        return Ok(Opinion::Admitted);
    }
    let [new, old] = [object, attributes.old]
        .map(|service| service.at(&["spec", "externalIPs"]).and_then(Value::as_list).unwrap_or_default());
    if new.iter().all(|address| old.contains(address)) {
        return Ok(Opinion::Admitted);
    }
    Err(attributes.forbidden(object, "Use of external IPs is denied by admission control"))
}

//! CertificateSubjectRestriction: nobody becomes a member of the privileged group by a certificate for clients.
//! k8s: plugin/pkg/admission/certificates/subjectrestriction/admission.go

use super::AdmissionAttributes;
use super::chain::{AdmissionPlugin, Opinion, Said};
use crate::kinds::rules::certificatesigningrequest::RequestedSubject;
use crate::question::Reply;
use crate::status::Failure;
use crate::value::Value;
use crate::world::World;
use alloc::format;

pub(super) const PLUGIN: AdmissionPlugin = AdmissionPlugin { validate, ..AdmissionPlugin::IDLE };

const SIGNER: &str = "kubernetes.io/kube-apiserver-client";
const GROUP: &str = "system:masters";

fn validate(
    _world: &World,
    attributes: &AdmissionAttributes<'_>,
    object: &Value,
    _found: Option<Reply>,
    _said: &mut Said,
) -> Result<Opinion, Failure> {
    let is_concerned = attributes.creates("certificates.k8s.io", "certificatesigningrequests")
        && object.text_at(&["spec", "signerName"]) == SIGNER;
    if !is_concerned {
        return Ok(Opinion::Admitted);
    }
    let subject = RequestedSubject::of_request(object.text_at(&["spec", "request"]))
        .map_err(|why| attributes.forbidden(object, &format!("failed to parse CSR: {why}")))?;
    if subject.organizations.iter().any(|group| group == GROUP) {
        let why = format!("use of {SIGNER} signer with {GROUP} group is not allowed");
        return Err(attributes.forbidden(object, &why));
    }
    Ok(Opinion::Admitted)
}

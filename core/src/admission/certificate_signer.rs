//! CertificateApproval and CertificateSigning: whoever approves a request for a certificate, or puts the certificate
//! into it, must be allowed to do so for its signer.
//! k8s: plugin/pkg/admission/certificates/approval/admission.go,
//! plugin/pkg/admission/certificates/signing/admission.go, pkg/certauthorization/certauthorization.go

use super::chain::{AdmissionPlugin, Opinion, Said};
use super::{AdmissionAttributes, AdmissionOperation};
use crate::authorization::AttributesRecord;
use crate::question::Reply;
use crate::status::Failure;
use crate::store::failure;
use crate::value::{Value, quoted};
use crate::world::World;
use alloc::format;

pub(super) const APPROVAL: AdmissionPlugin = AdmissionPlugin { validate: approval, ..AdmissionPlugin::IDLE };

pub(super) const SIGNING: AdmissionPlugin = AdmissionPlugin { validate: signing, ..AdmissionPlugin::IDLE };

const GROUP: &str = "certificates.k8s.io";

fn updates(attributes: &AdmissionAttributes<'_>, subresource: &str) -> bool {
    attributes.operation == AdmissionOperation::Update
        && attributes.subresource == subresource
        && attributes.resource.plural == "certificatesigningrequests"
        && attributes.resource.group == GROUP
}

fn approval(
    _world: &World,
    attributes: &AdmissionAttributes<'_>,
    object: &Value,
    found: Option<Reply>,
    _said: &mut Said,
) -> Result<Opinion, Failure> {
    match updates(attributes, "approval") {
        true => authorized(attributes, object, found, "approve"),
        false => Ok(Opinion::Admitted),
    }
}

fn signing(
    _world: &World,
    attributes: &AdmissionAttributes<'_>,
    object: &Value,
    found: Option<Reply>,
    _said: &mut Said,
) -> Result<Opinion, Failure> {
    let text = |request: &Value| alloc::string::String::from(request.text_at(&["status", "certificate"]));
    let conditions = |request: &Value| {
        let held = request.at(&["status", "conditions"]).and_then(Value::as_list);
        held.map(<[Value]>::to_vec).unwrap_or_default()
    };
    let is_changed = |old: &Value| text(old) != text(object) || conditions(old) != conditions(object);
    match updates(attributes, "status") && is_changed(attributes.old) {
        true => authorized(attributes, object, found, "sign"),
        false => Ok(Opinion::Admitted),
    }
}

/// Whether the caller may do this for the signer, or for all signers of its domain.
fn authorized(
    attributes: &AdmissionAttributes<'_>,
    object: &Value,
    found: Option<Reply>,
    verb: &str,
) -> Result<Opinion, Failure> {
    let signer = attributes.old.text_at(&["spec", "signerName"]);
    let domain = signer.split('/').next().unwrap_or_default();
    match found {
        None => {
            let asked = |name: &str| AttributesRecord {
                name: name.into(),
                ..AttributesRecord::of_resource(attributes.caller, verb, GROUP, "signers")
            };
            Ok(Opinion::Asks(alloc::vec![asked(signer), asked(&format!("{domain}/*"))]))
        }
        Some(Reply::Ruled(rulings)) if rulings.iter().any(|ruling| ruling.is_allowed) => {
            Ok(Opinion::Admitted)
        }
        Some(Reply::Ruled(_)) => {
            let why = format!("user not permitted to {verb} requests with signerName {}", quoted(signer));
            Err(attributes.forbidden(object, &why))
        }
        Some(_) => Err(failure::misfit()),
    }
}

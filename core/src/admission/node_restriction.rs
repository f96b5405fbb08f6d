//! NodeRestriction: a kubelet writes nothing but what belongs to its own node and the pods on it.
//! k8s: plugin/pkg/admission/noderestriction/admission.go

mod audience;
mod claim;
mod node;
mod pod;
mod token;

use super::chain::{AdmissionPlugin, Opinion, Said};
use super::{AdmissionAttributes, AdmissionOperation};
use crate::caller::Caller;
use crate::kinds::rules::certificatesigningrequest::RequestedSubject;
use crate::kinds::{Kind, Objects};
use crate::question::Reply;
use crate::status::{Failure, Qualified};
use crate::value::{Value, object, quoted};
use crate::world::World;
use alloc::format;

pub(super) const PLUGIN: AdmissionPlugin = AdmissionPlugin { mutate: restrict, ..AdmissionPlugin::IDLE };

/// The namespace of the leases of nodes.
const LEASES: &str = "kube-node-lease";

/// Those who sign certificates for kubelets.
const SIGNERS: [&str; 2] = ["kubernetes.io/kubelet-serving", "kubernetes.io/kube-apiserver-client-kubelet"];

/// A write by a kubelet.
struct Restricted<'a> {
    world: &'a World,
    attributes: &'a AdmissionAttributes<'a>,
    /// Null for a deletion.
    object: &'a Value,
    /// The name of its node.
    node: &'a str,
}

fn restrict(
    world: &World,
    attributes: &AdmissionAttributes<'_>,
    object: &mut Value,
    found: Option<Reply>,
    _said: &mut Said,
) -> Result<Opinion, Failure> {
    let Some(node) = attributes.caller.node_name() else { return Ok(Opinion::Admitted) };
    let write = Restricted { world, attributes, object, node };
    if node.is_empty() {
        let user = quoted(&attributes.caller.name);
        return write.refuse(&format!("could not determine node from user {user}"));
    }
    match (attributes.resource.group.as_str(), attributes.resource.plural.as_str(), attributes.subresource) {
        ("", "pods", _) => write.pod(),
        ("", "nodes", _) => write.node(),
        ("", "persistentvolumeclaims", "status") => write.claim_status(),
        ("", "persistentvolumeclaims", _) => write.refuse("may only update PVC status"),
        ("", "serviceaccounts", "token") => write.token(found),
        ("certificates.k8s.io", "podcertificaterequests", _) => {
            write.refuse("PodCertificateRequest feature gate is disabled")
        }
        ("coordination.k8s.io", "leases", _) => write.lease(),
        ("storage.k8s.io", "csinodes", _) => {
            write.own_name("can only access CSINode with the same name as the requesting node")
        }
        ("resource.k8s.io", "resourceslices", _) => write.resource_slice(),
        ("certificates.k8s.io", "certificatesigningrequests", _) => write.certificate_request(),
        _ => Ok(Opinion::Admitted),
    }
}

/// Whether a write must be seen as its client sent it, with what its subresource will reset: some of that a kubelet may
/// not even try to change.
pub(crate) fn sees_all(world: &World, caller: &Caller, resource: &Kind) -> bool {
    resource.group.is_empty()
        && matches!(resource.plural.as_str(), "nodes" | "persistentvolumeclaims")
        && caller.node_name().is_some()
        && world.config.admission.asks("NodeRestriction", false)
}

impl<'a> Restricted<'a> {
    fn refuse(&self, why: &str) -> Result<Opinion, Failure> {
        Err(self.refusal(why))
    }

    fn refusal(&self, why: &str) -> Failure {
        self.attributes.forbidden(self.object, why)
    }

    /// An object that the write depends on, as far as the cache has it. Upstream names its resource in the singular.
    fn seen(
        &self,
        (plural, singular): (&str, &'static str),
        namespace: &str,
        name: &str,
    ) -> Result<Value, Failure> {
        let absent = || Failure::not_found(Qualified { group: "", name: singular }, name);
        self.world.get("", plural, namespace, name).ok_or_else(absent)
    }

    /// The name of the object, which a new one has in itself.
    fn name(&self) -> &'a str {
        match self.attributes.operation {
            AdmissionOperation::Create => object::name(self.object),
            AdmissionOperation::Update | AdmissionOperation::Delete | AdmissionOperation::Connect => {
                self.attributes.name
            }
        }
    }

    fn own_name(&self, why: &str) -> Result<Opinion, Failure> {
        if self.name() == self.node { Ok(Opinion::Admitted) } else { self.refuse(why) }
    }

    fn lease(&self) -> Result<Opinion, Failure> {
        if self.attributes.namespace != LEASES {
            return self
                .refuse(&format!("can only access leases in the {} system namespace", quoted(LEASES)));
        }
        self.own_name("can only access node lease with the same name as the requesting node")
    }

    fn resource_slice(&self) -> Result<Opinion, Failure> {
        let is_own = |slice: &Value| slice.text_at(&["spec", "nodeName"]) == self.node;
        match self.attributes.operation {
            AdmissionOperation::Create if !is_own(self.object) => {
                self.refuse("can only create ResourceSlice with the same NodeName as the requesting node")
            }
            AdmissionOperation::Delete => {
                let slice = self.world.get("resource.k8s.io", "resourceslices", "", self.attributes.name);
                match slice.is_none_or(|slice| is_own(&slice)) {
                    true => Ok(Opinion::Admitted),
                    false => self.refuse(
                        "can only delete ResourceSlice with the same NodeName as the requesting node",
                    ),
                }
            }
            AdmissionOperation::Create | AdmissionOperation::Update | AdmissionOperation::Connect => {
                Ok(Opinion::Admitted)
            }
        }
    }

    fn certificate_request(&self) -> Result<Opinion, Failure> {
        let signer = self.object.text_at(&["spec", "signerName"]);
        if self.attributes.operation != AdmissionOperation::Create || !SIGNERS.contains(&signer) {
            return Ok(Opinion::Admitted);
        }
        let subject = RequestedSubject::of_request(self.object.text_at(&["spec", "request"]))
            .map_err(|why| self.refusal(&format!("unable to parse csr: {why}")))?;
        let name = format!("system:node:{}", self.node);
        if subject.common_name != name {
            return self.refuse(&format!("can only create a node CSR with CN={name}"));
        }
        Ok(Opinion::Admitted)
    }
}

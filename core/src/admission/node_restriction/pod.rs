//! Pods: a kubelet creates those that show what it runs on its own, and changes the status of those on its node,
//! deletes and evicts them.
//! k8s: plugin/pkg/admission/noderestriction/admission.go admitPod, admitPodStatus, admitPodEviction

use super::{AdmissionOperation, Opinion, Restricted};
use crate::kinds::references::{config_maps, secrets, set, volumes};
use crate::status::Failure;
use crate::value::{Map, Value, object, quoted};
use alloc::format;
use alloc::string::String;

/// The annotation of a pod that shows what a kubelet runs on its own.
const MIRROR: &str = "kubernetes.io/config.mirror";

fn list<'a>(object: &'a Value, path: &[&str]) -> &'a [Value] {
    object.at(path).and_then(Value::as_list).unwrap_or_default()
}

impl Restricted<'_> {
    pub(super) fn pod(&self) -> Result<Opinion, Failure> {
        let (operation, node) = (self.attributes.operation, quoted(self.node));
        let said = operation.word();
        match (self.attributes.subresource, operation) {
            (_, AdmissionOperation::Connect) => Ok(Opinion::Admitted),
            ("", AdmissionOperation::Create) => self.new_pod(&node),
            ("", AdmissionOperation::Delete) => {
                let why = format!("node {node} can only delete pods with spec.nodeName set to itself");
                self.pod_on_node(self.attributes.name, &why)
            }
            ("", AdmissionOperation::Update) => self.refuse(&format!(
                "unexpected operation {}, node {node} can only create and delete mirror pods",
                quoted(said)
            )),
            ("status", AdmissionOperation::Update) => self.pod_status(&node),
            ("status", AdmissionOperation::Create | AdmissionOperation::Delete) => {
                self.refuse(&format!("unexpected operation {}", quoted(said)))
            }
            ("eviction", AdmissionOperation::Create) => {
                let name = self.attributes.name;
                let name = if name.is_empty() { object::name(self.object) } else { name };
                if name.is_empty() {
                    return self.refuse("could not determine pod from request data");
                }
                let of = self.node;
                let why = format!("node {of} can only evict pods with spec.nodeName set to itself");
                self.pod_on_node(name, &why)
            }
            ("eviction", AdmissionOperation::Update | AdmissionOperation::Delete) => {
                self.refuse(&format!("unexpected operation {said}"))
            }
            (subresource, _) => self.refuse(&format!(
                "unexpected pod subresource {}, only 'status' and 'eviction' are allowed",
                quoted(subresource)
            )),
        }
    }

    fn pod_on_node(&self, name: &str, why: &str) -> Result<Opinion, Failure> {
        let pod = self.seen(("pods", "pod"), self.attributes.namespace, name)?;
        if pod.text_at(&["spec", "nodeName"]) == self.node {
            return Ok(Opinion::Admitted);
        }
        self.refuse(why)
    }

    fn new_pod(&self, node: &str) -> Result<Opinion, Failure> {
        let pod = self.object;
        if object::annotation(pod, MIRROR).is_none() {
            let mirror = quoted(MIRROR);
            let why =
                format!("pod does not have {mirror} annotation, node {node} can only create mirror pods");
            return self.refuse(&why);
        }
        if pod.text_at(&["spec", "nodeName"]) != self.node {
            return self
                .refuse(&format!("node {node} can only create pods with spec.nodeName set to itself"));
        }
        self.owner(node)?;
        match api_reference(pod) {
            None => Ok(Opinion::Admitted),
            Some(Ok(resource)) => {
                self.refuse(&format!("node {node} can not create pods that reference {resource}"))
            }
            Some(Err(why)) => self.refuse(&format!("error checking mirror pod for API references: {why}")),
        }
    }

    /// The only owner of a mirror pod is its node.
    fn owner(&self, node: &str) -> Result<(), Failure> {
        let fail = |why: &str| Err(self.refusal(&format!("node {node} {why}")));
        let [owner] = list(self.object, &["metadata", "ownerReferences"]) else {
            let several = !list(self.object, &["metadata", "ownerReferences"]).is_empty();
            return fail(match several {
                true => "can only create pods with a single owner reference set to itself",
                false => "can only create pods with an owner reference set to itself",
            });
        };
        let text = |field| owner.text_at(&[field]);
        if (text("apiVersion"), text("kind"), text("name")) != ("v1", "Node", self.node) {
            return fail("can only create pods with an owner reference set to itself");
        }
        let is = |field| owner.field(field).and_then(Value::as_bool) == Some(true);
        if !is("controller") {
            return fail("can only create pods with a controller owner reference set to itself");
        }
        if is("blockOwnerDeletion") {
            return fail("must not set blockOwnerDeletion on an owner reference");
        }
        let held = self.seen(("nodes", "node"), "", self.node)?;
        if text("uid") != object::uid(&held) {
            let (name, expected, uid) = (self.node, text("uid"), object::uid(&held));
            return Err(self.refusal(&format!("node {name} UID mismatch: expected {expected} got {uid}")));
        }
        Ok(())
    }

    fn pod_status(&self, node: &str) -> Result<Opinion, Failure> {
        let (new, old) = (self.object, self.attributes.old);
        if old.text_at(&["spec", "nodeName"]) != self.node {
            let why =
                format!("node {node} can only update pod status for pods with spec.nodeName set to itself");
            return self.refuse(&why);
        }
        let none = Map::new();
        let [labels, old_labels] = [new, old].map(|pod| object::labels(pod).unwrap_or(&none));
        let is_same = labels.len() == old_labels.len()
            && labels.iter().all(|(key, value)| old_labels.get(key) == Some(value));
        if !is_same {
            return self.refuse(&format!("node {node} cannot update labels through pod status"));
        }
        if claim_statuses(new) != claim_statuses(old) {
            return self.refuse(&format!("node {node} cannot update resource claim statues"));
        }
        let [claim, old_claim] = [new, old].map(extended_claim_status);
        if claim != old_claim {
            return self.refuse(&format!("node {node} cannot update extended resource claim status"));
        }
        Ok(Opinion::Admitted)
    }
}

/// Names of resource claims of a pod, and of the objects that were made for them.
fn claim_statuses(pod: &Value) -> alloc::vec::Vec<(&str, Option<&str>)> {
    let statuses = list(pod, &["status", "resourceClaimStatuses"]).iter();
    statuses
        .map(|status| (status.text_at(&["name"]), status.field("resourceClaimName").and_then(Value::as_str)))
        .collect()
}

/// The claim that was made for extended resources, and what is mapped to it.
fn extended_claim_status(pod: &Value) -> Option<(&str, &[Value])> {
    let status = pod.at(&["status", "extendedResourceClaimStatus"]).filter(|held| !held.is_null())?;
    Some((status.text_at(&["resourceClaimName"]), list(status, &["requestMappings"])))
}

/// Volumes that need nothing from the API.
const PLAIN_VOLUMES: [&str; 22] = [
    "awsElasticBlockStore",
    "azureDisk",
    "cephfs",
    "cinder",
    "downwardAPI",
    "emptyDir",
    "fc",
    "flexVolume",
    "flocker",
    "gcePersistentDisk",
    "gitRepo",
    "hostPath",
    "image",
    "iscsi",
    "nfs",
    "photonPersistentDisk",
    "portworxVolume",
    "quobyte",
    "rbd",
    "scaleIO",
    "storageos",
    "vsphereVolume",
];

/// Volumes that need objects, and which.
const REFERRING_VOLUMES: [(&str, &str); 7] = [
    ("configMap", "configmaps (via configmap volumes)"),
    ("secret", "secrets (via secret volumes)"),
    ("csi", "csidrivers (via CSI volumes)"),
    ("glusterfs", "endpoints (via glusterFS volumes)"),
    ("persistentVolumeClaim", "persistentvolumeclaims"),
    ("ephemeral", "persistentvolumeclaims (via ephemeral volumes)"),
    ("azureFile", "secrets (via azureFile volumes)"),
];

/// The same of sources of projected volumes.
const REFERRING_SOURCES: [(&str, &str); 5] = [
    ("configMap", "configmaps (via projected volumes)"),
    ("secret", "secrets (via projected volumes)"),
    ("serviceAccountToken", "serviceaccounts (via projected volumes)"),
    ("clusterTrustBundle", "clustertrustbundles"),
    ("podCertificate", "podcertificates"),
];

/// Which objects a pod refers to, if any: what a kubelet runs on its own can use nothing of the API.
/// k8s: pkg/api/pod/util.go HasAPIObjectReference
fn api_reference(pod: &Value) -> Option<Result<&'static str, String>> {
    if !pod.text_at(&["spec", "serviceAccountName"]).is_empty() {
        return Some(Ok("serviceaccounts"));
    }
    if secrets(pod).next().is_some() {
        return Some(Ok("secrets"));
    }
    if config_maps(pod).next().is_some() {
        return Some(Ok("configmaps"));
    }
    if !list(pod, &["spec", "resourceClaims"]).is_empty() {
        return Some(Ok("resourceclaims"));
    }
    volumes(pod).iter().find_map(|volume| {
        let has = |field: &str| set(volume, field).is_some();
        if PLAIN_VOLUMES.iter().any(|field| has(field)) {
            return None;
        }
        if let Some((_, resource)) = REFERRING_VOLUMES.iter().find(|(field, _)| has(field)) {
            return Some(Ok(*resource));
        }
        let name = quoted(volume.text_at(&["name"]));
        if !has("projected") {
            return Some(Err(format!("unknown volume type for volume  {name}")));
        }
        list(volume, &["projected", "sources"]).iter().find_map(|source| {
            let has = |field: &str| set(source, field).is_some();
            match REFERRING_SOURCES.iter().find(|(field, _)| has(field)) {
                Some((_, resource)) => Some(Ok(*resource)),
                None if has("downwardAPI") => None,
                None => Some(Err(format!("unknown source for projected volume {name}"))),
            }
        })
    })
}

//! What field selectors may name, kind by kind, and the answer to a field they may not name.
//!
//! Paths are those of the stored version: a collection that two versions share is selected once.
//! k8s: the `*ToSelectableFields` functions of pkg/registry, and the field label conversions of pkg/apis

use super::{Kind, RowField, RowSource, Scope};
use crate::selector::not_a_known_field;
use crate::value::quoted;
use alloc::format;
use alloc::string::String;

const fn path(name: &'static str, path: &'static [&'static str], unset: &'static str) -> RowField {
    RowField { name, source: RowSource::Path(path, unset) }
}

pub static NONE: &[RowField] = &[];

pub static POD: &[RowField] = &[
    path("spec.nodeName", &["spec", "nodeName"], ""),
    path("spec.restartPolicy", &["spec", "restartPolicy"], ""),
    path("spec.schedulerName", &["spec", "schedulerName"], ""),
    path("spec.serviceAccountName", &["spec", "serviceAccountName"], ""),
    path("spec.hostNetwork", &["spec", "hostNetwork"], "false"),
    path("status.phase", &["status", "phase"], ""),
    path("status.podIP", &["status", "podIP"], ""),
    // Accepted by upstream, but never filled in: it equals the empty string alone.
    path("status.podIPs", &["status", "podIPs", "none"], ""),
    path("status.nominatedNodeName", &["status", "nominatedNodeName"], ""),
    // What clients older than v1 call the node name.
    path("spec.host", &["spec", "nodeName"], ""),
];

pub static NODE: &[RowField] = &[path("spec.unschedulable", &["spec", "unschedulable"], "false")];

pub static NAMESPACE: &[RowField] = &[path("status.phase", &["status", "phase"], "")];

pub static SECRET: &[RowField] = &[path("type", &["type"], "")];

pub static SERVICE: &[RowField] =
    &[path("spec.clusterIP", &["spec", "clusterIP"], ""), path("spec.type", &["spec", "type"], "")];

pub static REPLICATION_CONTROLLER: &[RowField] = &[path("status.replicas", &["status", "replicas"], "0")];

pub static JOB: &[RowField] = &[path("status.successful", &["status", "succeeded"], "0")];

pub static CERTIFICATE_SIGNING_REQUEST: &[RowField] = &[path("spec.signerName", &["spec", "signerName"], "")];

pub static RESOURCE_SLICE: &[RowField] =
    &[path("spec.nodeName", &["spec", "nodeName"], ""), path("spec.driver", &["spec", "driver"], "")];

pub static EVENT: &[RowField] = &[
    path("involvedObject.kind", &["involvedObject", "kind"], ""),
    path("involvedObject.namespace", &["involvedObject", "namespace"], ""),
    path("involvedObject.name", &["involvedObject", "name"], ""),
    path("involvedObject.uid", &["involvedObject", "uid"], ""),
    path("involvedObject.apiVersion", &["involvedObject", "apiVersion"], ""),
    path("involvedObject.resourceVersion", &["involvedObject", "resourceVersion"], ""),
    path("involvedObject.fieldPath", &["involvedObject", "fieldPath"], ""),
    path("reason", &["reason"], ""),
    path("reportingComponent", &["reportingComponent"], ""),
    RowField { name: "source", source: RowSource::Either(&["source", "component"], &["reportingComponent"]) },
    path("type", &["type"], ""),
];

/// events.k8s.io names the same fields otherwise.
pub static EVENTS_EVENT: &[RowField] = &[
    path("regarding.kind", &["involvedObject", "kind"], ""),
    path("regarding.namespace", &["involvedObject", "namespace"], ""),
    path("regarding.name", &["involvedObject", "name"], ""),
    path("regarding.uid", &["involvedObject", "uid"], ""),
    path("regarding.apiVersion", &["involvedObject", "apiVersion"], ""),
    path("regarding.resourceVersion", &["involvedObject", "resourceVersion"], ""),
    path("regarding.fieldPath", &["involvedObject", "fieldPath"], ""),
    path("reason", &["reason"], ""),
    path("reportingController", &["reportingComponent"], ""),
    path("type", &["type"], ""),
];

/// Whether selectors of the kind may name the field. metadata.name is always allowed;
/// metadata.namespace, but for the two kinds below, also where objects have no namespace.
pub fn allows(kind: &Kind, name: &str) -> bool {
    match name {
        "metadata.name" => true,
        "metadata.namespace" => {
            !(kind.scope == Scope::Cluster && matches!(kind.kind.as_str(), "Node" | "Namespace"))
        }
        other => kind.fields.iter().any(|field| field.name == other),
    }
}

/// The sentence (of a 400) about a field that selectors of the kind may not name.
/// k8s: staging/src/k8s.io/apimachinery/pkg/runtime/conversion.go DefaultMetaV1FieldSelectorConversion
pub fn unsupported(kind: &Kind, name: &str) -> String {
    match kind.kind.as_str() {
        "Job" => format!("field label {} not supported for Job", quoted(name)),
        "ResourceSlice" => {
            let (group, version, kind) = (&kind.group, &kind.version, &kind.kind);
            format!("field label not supported for {group}/{version}, Kind={kind}: {name}")
        }
        _ if kind.fields.is_empty() => not_a_known_field(name, &["metadata.name", "metadata.namespace"]),
        _ => format!("field label not supported: {name}"),
    }
}

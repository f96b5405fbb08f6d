//! What field selectors may name, kind by kind, and the answer to a field they may not name.
//!
//! Paths are those of the stored version: a collection that two versions share is selected once.
//! k8s: the `*ToSelectableFields` functions of pkg/registry, and the field label conversions of pkg/apis

use super::{FieldSource, Row, Scope, SelectableField};
use crate::selector::not_a_known_field;
use crate::value::quoted;
use alloc::format;
use alloc::string::String;

const fn path(name: &'static str, path: &'static [&'static str], unset: &'static str) -> SelectableField {
    SelectableField { name, source: FieldSource::Path(path, unset) }
}

pub static NONE: &[SelectableField] = &[];

pub static POD: &[SelectableField] = &[
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

pub static NODE: &[SelectableField] = &[path("spec.unschedulable", &["spec", "unschedulable"], "false")];

pub static NAMESPACE: &[SelectableField] = &[path("status.phase", &["status", "phase"], "")];

pub static SECRET: &[SelectableField] = &[path("type", &["type"], "")];

pub static SERVICE: &[SelectableField] =
    &[path("spec.clusterIP", &["spec", "clusterIP"], ""), path("spec.type", &["spec", "type"], "")];

pub static REPLICATION_CONTROLLER: &[SelectableField] =
    &[path("status.replicas", &["status", "replicas"], "0")];

pub static JOB: &[SelectableField] = &[path("status.successful", &["status", "succeeded"], "0")];

pub static CERTIFICATE_SIGNING_REQUEST: &[SelectableField] =
    &[path("spec.signerName", &["spec", "signerName"], "")];

pub static RESOURCE_SLICE: &[SelectableField] =
    &[path("spec.nodeName", &["spec", "nodeName"], ""), path("spec.driver", &["spec", "driver"], "")];

pub static EVENT: &[SelectableField] = &[
    path("involvedObject.kind", &["involvedObject", "kind"], ""),
    path("involvedObject.namespace", &["involvedObject", "namespace"], ""),
    path("involvedObject.name", &["involvedObject", "name"], ""),
    path("involvedObject.uid", &["involvedObject", "uid"], ""),
    path("involvedObject.apiVersion", &["involvedObject", "apiVersion"], ""),
    path("involvedObject.resourceVersion", &["involvedObject", "resourceVersion"], ""),
    path("involvedObject.fieldPath", &["involvedObject", "fieldPath"], ""),
    path("reason", &["reason"], ""),
    path("reportingComponent", &["reportingComponent"], ""),
    SelectableField {
        name: "source",
        source: FieldSource::Either(&["source", "component"], &["reportingComponent"]),
    },
    path("type", &["type"], ""),
];

/// events.k8s.io names the same fields otherwise.
pub static EVENTS_EVENT: &[SelectableField] = &[
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

/// Whether selectors of the row may name the field. metadata.name is always allowed;
/// metadata.namespace, but for the two kinds below, also where objects have no namespace.
pub fn allows(row: &Row, name: &str) -> bool {
    match name {
        "metadata.name" => true,
        "metadata.namespace" => !(row.scope == Scope::Cluster && matches!(row.kind, "Node" | "Namespace")),
        other => row.fields.iter().any(|field| field.name == other),
    }
}

/// The sentence (of a 400) about a field that selectors of the row may not name.
/// k8s: staging/src/k8s.io/apimachinery/pkg/runtime/conversion.go DefaultMetaV1FieldSelectorConversion
pub fn unsupported(row: &Row, name: &str) -> String {
    match row.kind {
        "Job" => format!("field label {} not supported for Job", quoted(name)),
        "ResourceSlice" => {
            let (group, version, kind) = (row.group, row.version, row.kind);
            format!("field label not supported for {group}/{version}, Kind={kind}: {name}")
        }
        _ if row.fields.is_empty() => not_a_known_field(name, &["metadata.name", "metadata.namespace"]),
        _ => format!("field label not supported: {name}"),
    }
}

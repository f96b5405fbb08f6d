//! PersistentVolumes.
//! k8s: pkg/registry/core/persistentvolume/strategy.go, pkg/apis/core/v1/defaults.go

use super::fill::{Default, Fill, fill, round_amounts};
use super::{status, warnings};
use crate::kinds::Rules;
use crate::now::Wall;
use crate::value::{Map, Value, object};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

pub static RULES: Rules =
    Rules { default, prepare_create, prepare_status, warnings: warn, returns_deleted: true, ..status::SPLIT };

const DEFAULTS: &[Default] = &[
    (&["spec"], "persistentVolumeReclaimPolicy", Fill::Text("Retain")),
    (&["spec"], "volumeMode", Fill::Text("Filesystem")),
    (&["spec", "hostPath"], "type", Fill::Text("")),
    (&["status"], "phase", Fill::Text("Pending")),
];

fn default(object: &mut Value) {
    fill(object, DEFAULTS);
    round_amounts(object, &[&["spec", "capacity"]]);
}

/// Notes when the phase changed, unless the writer says so itself.
fn prepare_status(object: &mut Value, old: &Value, now: Wall) {
    const PHASE: &[&str] = &["status", "phase"];
    const CHANGED: &[&str] = &["status", "lastPhaseTransitionTime"];
    let told = object.at(CHANGED).filter(|time| !time.is_null());
    let same_phase = object.text_at(PHASE) == old.text_at(PHASE);
    if same_phase && told.is_none() {
        object.take(old, CHANGED);
    } else if !same_phase && (told.is_none() || told == old.at(CHANGED)) {
        object.set_at(CHANGED, now.rfc3339().into());
    }
}

fn prepare_create(object: &mut Value) {
    let mut status = Map::new();
    status.insert("phase", "Pending".into());
    if let Some(created) = object.at(&["metadata", "creationTimestamp"]) {
        status.insert("lastPhaseTransitionTime", created.clone());
    }
    object.set("status", status.into());
}

const ANNOTATIONS: &[(&str, &str)] = &[
    (
        "volume.beta.kubernetes.io/storage-class",
        "deprecated since v1.8; use \"storageClassName\" attribute instead",
    ),
    (
        "volume.beta.kubernetes.io/mount-options",
        "deprecated since v1.31; use \"mountOptions\" attribute instead",
    ),
];

/// The sources whose volumes are gone, by their fields, the places that upstream names, and since when.
const SOURCES: &[(&str, &str, &str)] = &[
    ("cephfs", "cephfs", "deprecated in v1.28, non-functional in v1.31+"),
    ("photonPersistentDisk", "photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"),
    ("scaleIO", "scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
    ("storageos", "storageOS", "deprecated in v1.22, non-functional in v1.25+"),
    ("glusterfs", "glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
    ("rbd", "rbd", "deprecated in v1.28, non-functional in v1.31+"),
];

/// k8s: pkg/api/persistentvolume/util.go
fn warn(object: &Value, _old: Option<&Value>) -> Vec<String> {
    let mut out = Vec::new();
    for (key, message) in ANNOTATIONS.iter().filter(|(key, _)| object::annotation(object, key).is_some()) {
        out.push(format!("metadata.annotations[{key}]: {message}"));
    }
    if object.text_at(&["spec", "persistentVolumeReclaimPolicy"]) == "Recycle" {
        let text = "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the \
                    recommended approach is to use dynamic provisioning.";
        out.push(text.into());
    }
    let terms = ["spec", "nodeAffinity", "required", "nodeSelectorTerms"];
    for (index, term) in warnings::items(object, &terms).iter().enumerate() {
        warnings::node_label::expressions(term, false, &warnings::path(&terms).index(index), &mut out);
    }
    for (field, shown, message) in SOURCES {
        if warnings::is_set(object, &["spec", field]) {
            out.push(format!("spec.{shown}: {message}"));
        }
    }
    out
}

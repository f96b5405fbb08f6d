//! PersistentVolumes.
//! k8s: pkg/registry/core/persistentvolume/strategy.go, pkg/apis/core/v1/defaults.go

use super::super::fill::{Default, Fill, fill, round_amounts};
use super::super::{status, warnings};
use super::validation::{validate, validate_update};
use crate::kinds::validation::Located;
use crate::kinds::{Facts, Rules, Strategy};
use crate::value::{Map, Value};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

pub static RULES: Rules = Rules {
    default,
    prepare_for_create,
    validate,
    warnings_on_create: warn,
    update: Strategy { validate_update, warnings_on_update: warn, ..status::UPDATE },
    subresources: &[("status", Strategy { prepare_for_update: prepare_for_status, ..status::STATUS })],
    returns_deleted: true,
    ..Rules::PLAIN
};

const DEFAULTS: &[Default] = &[
    (&["spec"], "persistentVolumeReclaimPolicy", Fill::Text("Retain")),
    (&["spec"], "volumeMode", Fill::TextOfPointer("Filesystem")),
    (&["spec", "hostPath"], "type", Fill::Text("")),
    (&["status"], "phase", Fill::Text("Pending")),
];

fn default(object: &mut Value) {
    fill(object, DEFAULTS);
    round_amounts(object, &[&["spec", "capacity"]]);
}

/// Notes when the phase changed, unless the writer says so itself.
fn prepare_for_status(object: &mut Value, facts: &Facts<'_>) {
    let old = facts.old;
    status::take_status(object, old, &[]);
    const PHASE: &[&str] = &["status", "phase"];
    const CHANGED: &[&str] = &["status", "lastPhaseTransitionTime"];
    let told = object.at(CHANGED).filter(|time| !time.is_null());
    let same_phase = object.text_at(PHASE) == old.text_at(PHASE);
    if same_phase && told.is_none() {
        object.take(old, CHANGED);
    } else if !same_phase && (told.is_none() || told == old.at(CHANGED)) {
        object.set_at(CHANGED, facts.now.rfc3339().into());
    }
}

fn prepare_for_create(object: &mut Value, _facts: &Facts<'_>) {
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
fn warn(object: &Located<'_, '_>, _facts: &Facts<'_>, warnings: &mut Vec<String>) {
    let annotations = object.at(&["metadata", "annotations"]);
    for (key, message) in ANNOTATIONS {
        let annotation = annotations.key(key);
        if annotation.is_set() {
            warnings.push(format!("{annotation}: {message}"));
        }
    }
    let spec = object.member("spec");
    if spec.member("persistentVolumeReclaimPolicy").text() == "Recycle" {
        let text = "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the \
                    recommended approach is to use dynamic provisioning.";
        warnings.push(text.into());
    }
    for term in spec.at(&["nodeAffinity", "required", "nodeSelectorTerms"]).items() {
        warnings::node_label::expressions(&term, false, warnings);
    }
    for (field, shown, message) in SOURCES {
        let source = spec.member(field);
        if source.is_set() {
            warnings.push(format!("{}: {message}", source.shown_as(shown)));
        }
    }
}

//! PersistentVolumes.
//! k8s: pkg/registry/core/persistentvolume/strategy.go, pkg/apis/core/v1/defaults.go

use super::fill::{Default, Fill, fill, round_amounts};
use super::status;
use crate::kinds::Rules;
use crate::now::Wall;
use crate::value::{Map, Value};

pub static RULES: Rules =
    Rules { default, prepare_create, prepare_status, returns_deleted: true, ..status::SPLIT };

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

//! PersistentVolumes.
//! k8s: pkg/registry/core/persistentvolume/strategy.go, pkg/apis/core/v1/defaults.go

use super::fill::{Default, Fill, fill, round_amounts};
use super::status;
use crate::kinds::Rules;
use crate::value::{Map, Value};

pub static RULES: Rules = Rules { default, prepare_create, returns_deleted: true, ..status::SPLIT };

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

fn prepare_create(object: &mut Value) {
    let mut status = Map::new();
    status.insert("phase", "Pending".into());
    if let Some(created) = object.at(&["metadata", "creationTimestamp"]) {
        status.insert("lastPhaseTransitionTime", created.clone());
    }
    object.set("status", status.into());
}

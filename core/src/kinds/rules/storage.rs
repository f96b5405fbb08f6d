//! CSI objects, StorageClasses, VolumeAttachments and VolumeAttributesClasses.
//! k8s: pkg/registry/storage, pkg/apis/storage/v1/defaults.go

use super::fill::{Default, Fill, fill, is_unset};
use super::{status, warnings};
use crate::kinds::{Generation, Rules};
use crate::value::Value;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// DELETE answers with the object; PUT needs the revision that was read.
const GUARDED: Rules = Rules { unconditional_update: false, returns_deleted: true, ..Rules::PLAIN };

pub static CSI_DRIVER: Rules =
    Rules { default: default_driver, warnings: warn_of_driver, generation: Generation::OnChange, ..GUARDED };
pub static CSI_NODE: Rules = GUARDED;
pub static CSI_STORAGE_CAPACITY: Rules =
    Rules { returns_deleted: false, warnings: warn_of_capacity, ..GUARDED };
pub static STORAGE_CLASS: Rules =
    Rules { default: default_class, warnings: warn_of_class, returns_deleted: true, ..Rules::PLAIN };
pub static VOLUME_ATTACHMENT: Rules = Rules {
    unconditional_update: false,
    returns_deleted: true,
    status_keeps: status::RESET,
    ..status::SPLIT
};
pub static VOLUME_ATTRIBUTES_CLASS: Rules = Rules { returns_deleted: true, ..Rules::PLAIN };

const DRIVER: &[Default] = &[
    (&["spec"], "attachRequired", Fill::Bool(true)),
    (&["spec"], "podInfoOnMount", Fill::Bool(false)),
    (&["spec"], "storageCapacity", Fill::Bool(false)),
    (&["spec"], "fsGroupPolicy", Fill::Text("ReadWriteOnceWithFSType")),
    (&["spec"], "requiresRepublish", Fill::Bool(false)),
    (&["spec"], "seLinuxMount", Fill::Bool(false)),
];

const CLASS: &[Default] =
    &[(&[], "reclaimPolicy", Fill::Text("Delete")), (&[], "volumeBindingMode", Fill::Text("Immediate"))];

fn default_driver(object: &mut Value) {
    fill(object, DRIVER);
    if let Some(spec) = object.field_mut("spec") {
        let none =
            spec.field("volumeLifecycleModes").and_then(Value::as_list).is_some_and(<[Value]>::is_empty);
        if none || is_unset(spec, "volumeLifecycleModes") {
            spec.set("volumeLifecycleModes", Value::list(alloc::vec!["Persistent".into()]));
        }
    }
}

fn default_class(object: &mut Value) {
    fill(object, CLASS);
}

/// Tokens that a driver asks for, anew, and gets where they may be logged.
fn warn_of_driver(object: &Value, old: Option<&Value>) -> Vec<String> {
    const TOKENS: &[&str] = &["spec", "tokenRequests"];
    let same = old.is_some_and(|old| warnings::items(old, TOKENS) == warnings::items(object, TOKENS));
    let secret = warnings::is_set(object, &["spec", "serviceAccountTokenInSecrets"]);
    if same || secret || warnings::items(object, TOKENS).is_empty() {
        return Vec::new();
    }
    let text = "spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent \
                possible logging of tokens in volume attributes";
    alloc::vec![text.into()]
}

/// k8s: pkg/api/storage/util.go
fn warn_of_capacity(object: &Value, _old: Option<&Value>) -> Vec<String> {
    let mut out = Vec::new();
    if let Some(topology) = object.field("nodeTopology") {
        warnings::node_label::selector(topology, &warnings::path(&["nodeTopology"]), &mut out);
    }
    out
}

/// k8s: pkg/api/storage/util.go
fn warn_of_class(object: &Value, _old: Option<&Value>) -> Vec<String> {
    let mut out = Vec::new();
    for (index, topology) in warnings::items(object, &["allowedTopologies"]).iter().enumerate() {
        let path = warnings::path(&["allowedTopologies"]).index(index).child("matchLabelExpressions");
        for (index, expression) in warnings::items(topology, &["matchLabelExpressions"]).iter().enumerate() {
            if let Some(message) = warnings::node_label::replaced(expression.text_at(&["key"])) {
                out.push(format!("{}: {message}", path.index(index).child("key")));
            }
        }
    }
    out
}

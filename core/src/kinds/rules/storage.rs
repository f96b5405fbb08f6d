//! CSI objects, StorageClasses, VolumeAttachments and VolumeAttributesClasses.
//! k8s: pkg/registry/storage, pkg/apis/storage/v1/defaults.go

use super::fill::{Default, Fill, fill, is_unset};
use super::status;
use crate::kinds::Rules;
use crate::value::Value;

/// DELETE answers with the object; PUT needs the revision that was read.
const GUARDED: Rules = Rules { unconditional_update: false, returns_deleted: true, ..Rules::PLAIN };

pub static CSI_DRIVER: Rules = Rules { default: default_driver, ..GUARDED };
pub static CSI_NODE: Rules = GUARDED;
pub static CSI_STORAGE_CAPACITY: Rules = Rules { returns_deleted: false, ..GUARDED };
pub static STORAGE_CLASS: Rules = Rules { default: default_class, returns_deleted: true, ..Rules::PLAIN };
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

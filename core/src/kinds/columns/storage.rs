//! Volumes, claims and classes, and what CSI drivers tell.

use super::cells::{
    NONE, UNSET, age, count, is_being_deleted, is_set, items, name, quantity, set_or, text, texts, truth_or,
};
use super::{Column, Columns};
use crate::now::Wall;
use crate::value::{Value, object};
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

const CLASS_ANNOTATION: &str = "volume.beta.kubernetes.io/storage-class";
const DEFAULT_CLASS: [&str; 2] =
    ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"];
const DEFAULT_ATTRIBUTES: [&str; 1] = ["volumeattributesclass.alpha.kubernetes.io/is-default-class"];
/// In the order in which they are shown.
const ACCESS_MODES: [(&str, &str); 4] = [
    ("ReadWriteOnce", "RWO"),
    ("ReadOnlyMany", "ROX"),
    ("ReadWriteMany", "RWX"),
    ("ReadWriteOncePod", "RWOP"),
];

pub static PERSISTENT_VOLUME: Columns = Columns::new(
    &[
        Column::NAME,
        Column::text("Capacity", "Size of the volume."),
        Column::text("Access Modes", "How the volume can be mounted."),
        Column::text("Reclaim Policy", "What happens to the volume when it is released."),
        Column::text("Status", "How far the volume is."),
        Column::text("Claim", "Claim that the volume is bound to."),
        Column::text("StorageClass", "Storage class of the volume."),
        Column::text("VolumeAttributesClass", "Volume attributes class of the volume."),
        Column::text("Reason", "Why the volume has failed."),
        Column::AGE,
        Column::text("VolumeMode", "Whether the volume has a file system.").wide(),
    ],
    volume,
);

fn volume(volume: &Value, now: Wall) -> Vec<Value> {
    vec![
        name(volume),
        quantity(volume, &["spec", "capacity", "storage"]).into(),
        access_modes(volume, &["spec", "accessModes"]).into(),
        text(volume, &["spec", "persistentVolumeReclaimPolicy"]),
        phase(volume),
        claim_of(volume).into(),
        class(volume),
        set_or(volume, &["spec", "volumeAttributesClassName"], UNSET).into(),
        text(volume, &["status", "reason"]),
        age(volume, now),
        set_or(volume, &["spec", "volumeMode"], UNSET).into(),
    ]
}

fn claim_of(volume: &Value) -> String {
    if !is_set(volume, &["spec", "claimRef"]) {
        return String::new();
    }
    let part = |field: &str| volume.text_at(&["spec", "claimRef", field]);
    format!("{}/{}", part("namespace"), part("name"))
}

fn phase(object: &Value) -> Value {
    if is_being_deleted(object) { "Terminating".into() } else { text(object, &["status", "phase"]) }
}

/// The storage class of a volume or claim; once it stood in an annotation.
fn class(object: &Value) -> Value {
    let annotation = object::annotation(object, CLASS_ANNOTATION);
    annotation.map_or_else(|| text(object, &["spec", "storageClassName"]), Value::from)
}

fn access_modes(object: &Value, path: &[&str]) -> String {
    let held = texts(object, path);
    let shown = ACCESS_MODES.iter().filter(|(mode, _)| held.contains(mode)).map(|(_, short)| *short);
    shown.collect::<Vec<&str>>().join(",")
}

pub static PERSISTENT_VOLUME_CLAIM: Columns = Columns::new(
    &[
        Column::NAME,
        Column::text("Status", "How far the claim is."),
        Column::text("Volume", "Volume that the claim is bound to."),
        Column::text("Capacity", "Size of the volume."),
        Column::text("Access Modes", "How the volume can be mounted."),
        Column::text("StorageClass", "Storage class of the claim."),
        Column::text("VolumeAttributesClass", "Volume attributes class of the claim."),
        Column::AGE,
        Column::text("VolumeMode", "Whether the volume has a file system.").wide(),
    ],
    claim,
);

fn claim(claim: &Value, now: Wall) -> Vec<Value> {
    let is_bound = !claim.text_at(&["spec", "volumeName"]).is_empty();
    let (capacity, modes) = if is_bound {
        (quantity(claim, &["status", "capacity", "storage"]), access_modes(claim, &["status", "accessModes"]))
    } else {
        (String::new(), String::new())
    };
    vec![
        name(claim),
        phase(claim),
        text(claim, &["spec", "volumeName"]),
        capacity.into(),
        modes.into(),
        class(claim),
        set_or(claim, &["spec", "volumeAttributesClassName"], UNSET).into(),
        age(claim, now),
        set_or(claim, &["spec", "volumeMode"], UNSET).into(),
    ]
}

pub static STORAGE_CLASS: Columns = Columns::new(
    &[
        Column::NAME,
        Column::text("Provisioner", "Who makes the volumes."),
        Column::text("ReclaimPolicy", "What happens to a volume when it is released."),
        Column::text("VolumeBindingMode", "When a volume is made and bound."),
        Column::text("AllowVolumeExpansion", "Whether volumes can grow."),
        Column::AGE,
    ],
    |class, now| {
        vec![
            name_of_class(class, &DEFAULT_CLASS),
            text(class, &["provisioner"]),
            set_or(class, &["reclaimPolicy"], "Delete").into(),
            set_or(class, &["volumeBindingMode"], "Immediate").into(),
            truth_or(class, &["allowVolumeExpansion"], false),
            age(class, now),
        ]
    },
);

/// The name, and that the class is the default when one of these annotations says so.
fn name_of_class(class: &Value, annotations: &[&str]) -> Value {
    if annotations.iter().any(|key| object::annotation(class, key) == Some("true")) {
        format!("{} (default)", object::name(class)).into()
    } else {
        name(class)
    }
}

pub static VOLUME_ATTRIBUTES_CLASS: Columns = Columns::new(
    &[Column::NAME, Column::text("DriverName", "CSI driver that the class is for."), Column::AGE],
    |class, now| {
        vec![name_of_class(class, &DEFAULT_ATTRIBUTES), text(class, &["driverName"]), age(class, now)]
    },
);

pub static VOLUME_ATTACHMENT: Columns = Columns::new(
    &[
        Column::NAME,
        Column { format: "name", ..Column::text("Attacher", "Who attaches the volume.") },
        Column::text("PV", "Volume that is attached."),
        Column::text("Node", "Node that it is attached to."),
        Column::boolean("Attached", "Whether it is attached by now."),
        Column::AGE,
    ],
    |attachment, now| {
        vec![
            name(attachment),
            text(attachment, &["spec", "attacher"]),
            text(attachment, &["spec", "source", "persistentVolumeName"]),
            text(attachment, &["spec", "nodeName"]),
            truth_or(attachment, &["status", "attached"], false),
            age(attachment, now),
        ]
    },
);

pub static CSI_NODE: Columns = Columns::new(
    &[Column::NAME, Column::integer("Drivers", "How many CSI drivers the node has."), Column::AGE],
    |node, now| vec![name(node), count(node, &["spec", "drivers"]).into(), age(node, now)],
);

pub static CSI_DRIVER: Columns = Columns::new(
    &[
        Column::NAME,
        Column::boolean("AttachRequired", "Whether volumes are attached before they are mounted."),
        Column::boolean("PodInfoOnMount", "Whether the driver is told of the pod when it mounts."),
        Column::boolean("StorageCapacity", "Whether the driver tells its capacity."),
        Column::text("TokenRequests", "Audiences of the tokens that the driver gets."),
        Column::boolean("RequiresRepublish", "Whether mounts are refreshed from time to time."),
        Column::text("Modes", "Lives that a volume of the driver can have."),
        Column::AGE,
    ],
    driver,
);

fn driver(driver: &Value, now: Wall) -> Vec<Value> {
    let modes = texts(driver, &["spec", "volumeLifecycleModes"]).join(",");
    let requests = items(driver, &["spec", "tokenRequests"]).iter();
    let audiences: Vec<&str> = requests.map(|request| request.text_at(&["audience"])).collect();
    let audiences =
        if is_set(driver, &["spec", "tokenRequests"]) { audiences.join(",") } else { UNSET.into() };
    vec![
        name(driver),
        truth_or(driver, &["spec", "attachRequired"], true),
        truth_or(driver, &["spec", "podInfoOnMount"], false),
        truth_or(driver, &["spec", "storageCapacity"], false),
        audiences.into(),
        truth_or(driver, &["spec", "requiresRepublish"], false),
        if modes.is_empty() { NONE.into() } else { modes.into() },
        age(driver, now),
    ]
}

//! PersistentVolumeClaims.
//! k8s: pkg/registry/core/persistentvolumeclaim/strategy.go, pkg/apis/core/v1/defaults.go

use super::{sources, validation};
use crate::kinds::rules::fill::{Default, Fill, fill, round_amounts};
use crate::kinds::rules::{status, warnings};
use crate::kinds::validation::Located;
use crate::kinds::{Facts, Rules, Strategy};
use crate::value::{Map, Value};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

pub static RULES: Rules = Rules {
    default,
    prepare_for_create,
    validate: validation::validate,
    warnings_on_create: warn,
    update: Strategy {
        prepare_for_update,
        validate_update: validation::validate_update,
        warnings_on_update: warn,
        ..status::UPDATE
    },
    subresources: &[(
        "status",
        Strategy { validate_update: validation::validate_status_update, ..status::STATUS },
    )],
    returns_deleted: true,
    ..status::SPLIT
};

const DEFAULTS: &[Default] = &[
    (&["spec"], "volumeMode", Fill::TextOfPointer("Filesystem")),
    (&[], "status", Fill::Object),
    (&["status"], "phase", Fill::Text("Pending")),
];

/// Fills in a claim, or the template of one in a StatefulSet.
pub(in crate::kinds::rules) fn default(object: &mut Value) {
    fill(object, DEFAULTS);
    round_amounts(
        object,
        &[
            &["spec", "resources", "requests"],
            &["spec", "resources", "limits"],
            &["status", "capacity"],
            &["status", "allocatedResources"],
        ],
    );
}

fn prepare_for_create(object: &mut Value, facts: &Facts<'_>) {
    let mut status = Map::new();
    status.insert("phase", "Pending".into());
    object.set("status", status.into());
    sources::drop_disabled(object, facts.old);
    sources::mirror(object);
}

fn prepare_for_update(object: &mut Value, facts: &Facts<'_>) {
    status::keep_status(object, facts);
    sources::drop_disabled(object, facts.old);
    sources::mirror(object);
}

/// k8s: pkg/api/persistentvolumeclaim/util.go
fn warn(object: &Located<'_, '_>, _facts: &Facts<'_>, warnings: &mut Vec<String>) {
    let annotations = object.at(&["metadata", "annotations"]);
    let class = annotations.key("volume.beta.kubernetes.io/storage-class");
    if class.is_set() {
        warnings.push(format!("{class}: deprecated since v1.8; use \"storageClassName\" attribute instead"));
    }
    warnings::claim_spec(&object.member("spec"), warnings);
}

//! PersistentVolumeClaims.
//! k8s: pkg/registry/core/persistentvolumeclaim/strategy.go, pkg/apis/core/v1/defaults.go

use super::fill::{Default, Fill, fill, is_unset, round_amounts};
use super::{status, warnings};
use crate::kinds::validation::Located;
use crate::kinds::{Facts, Rules, Strategy};
use crate::value::{Map, Value};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

pub static RULES: Rules = Rules {
    default,
    prepare_for_create,
    warnings_on_create: warn,
    update: Strategy { prepare_for_update, warnings_on_update: warn, ..status::UPDATE },
    returns_deleted: true,
    ..status::SPLIT
};

const DEFAULTS: &[Default] = &[
    (&["spec"], "volumeMode", Fill::Text("Filesystem")),
    (&[], "status", Fill::Object),
    (&["status"], "phase", Fill::Text("Pending")),
];

/// Fills in a claim, or the template of one in a StatefulSet.
pub(super) fn default(object: &mut Value) {
    fill(object, DEFAULTS);
    round_amounts(
        object,
        &[&["spec", "resources", "requests"], &["spec", "resources", "limits"], &["status", "capacity"]],
    );
}

fn prepare_for_create(object: &mut Value, _facts: &Facts<'_>) {
    let mut status = Map::new();
    status.insert("phase", "Pending".into());
    object.set("status", status.into());
    mirror_data_sources(object);
}

fn prepare_for_update(object: &mut Value, facts: &Facts<'_>) {
    status::keep_status(object, facts);
    mirror_data_sources(object);
}

/// `dataSource` and `dataSourceRef` say the same: each fills in the other, where it can say it.
fn mirror_data_sources(object: &mut Value) {
    let Some(spec) = object.field_mut("spec") else { return };
    let (source, reference) = (spec.field("dataSource").cloned(), spec.field("dataSourceRef").cloned());
    if let Some(source) = source.filter(|source| !source.is_null() && is_unset(spec, "dataSourceRef")) {
        spec.set("dataSourceRef", source);
    } else if let Some(reference) = reference.filter(|held| !held.is_null() && is_unset(spec, "dataSource"))
        && is_unset(&reference, "namespace")
        && is_old_source(&reference)
    {
        spec.set("dataSource", reference);
    }
}

/// What `dataSource` may name: a claim, or a snapshot.
fn is_old_source(reference: &Value) -> bool {
    let kind = (reference.text_at(&["apiGroup"]), reference.text_at(&["kind"]));
    matches!(kind, ("", "PersistentVolumeClaim") | ("snapshot.storage.k8s.io", "VolumeSnapshot"))
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

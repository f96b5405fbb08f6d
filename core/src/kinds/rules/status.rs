//! The status of an object belongs to the status subresource: other writes leave it alone.

use crate::kinds::Rules;
use crate::value::Value;

/// The rules of a kind that has a status subresource, and nothing else of its own.
pub(super) const SPLIT: Rules = Rules { prepare_create: drop, prepare_update: keep, ..Rules::PLAIN };

/// The metadata that a writer of the status cannot change, for the kinds that let it change none of its own.
/// k8s: staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/helpers.go ResetObjectMetaForStatus
pub(super) const RESET: &[&str] =
    &["annotations", "deletionTimestamp", "finalizers", "labels", "ownerReferences", "selfLink"];

/// All metadata but `managedFields`, which say who wrote the status.
/// k8s: pkg/registry/flowcontrol/flowschema/strategy.go
pub(super) const RESET_ALL: &[&str] = &[
    "annotations",
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "finalizers",
    "generateName",
    "generation",
    "labels",
    "name",
    "namespace",
    "ownerReferences",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// A creator sets no status.
pub(super) fn drop(object: &mut Value) {
    object.remove_at(&["status"]);
}

/// An updater of the object carries the status over.
pub(super) fn keep(object: &mut Value, old: &Value) {
    match old.field("status") {
        Some(status) => object.set("status", status.clone()),
        None => drop(object),
    }
}

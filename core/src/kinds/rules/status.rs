//! The status of an object belongs to the status subresource: other writes leave it alone.

use crate::kinds::Rules;
use crate::value::Value;

/// The rules of a kind that has a status subresource, and nothing else of its own.
pub(super) const SPLIT: Rules = Rules { prepare_create: drop, prepare_update: keep, ..Rules::PLAIN };

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

//! The metadata that every object has, read from and written to the dynamic tree.
//!
//! Setters follow Go's `omitempty`: an empty text, list or map, and a zero number, leave no member.
//! k8s: staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/types.go ObjectMeta

use super::{Map, Text, Value};
use crate::now::Wall;
use alloc::vec::Vec;

/// A finalizer that makes the garbage collector orphan the dependents.
pub const FINALIZER_ORPHAN_DEPENDENTS: &str = "orphan";

/// A finalizer that makes the garbage collector delete the dependents first.
pub const FINALIZER_DELETE_DEPENDENTS: &str = "foregroundDeletion";

/// The object's `metadata` when it is a map.
pub fn metadata(object: &Value) -> Option<&Map> {
    object.field("metadata")?.as_map()
}

fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    metadata(object).and_then(|metadata| metadata.get(field)).and_then(Value::as_str).unwrap_or("")
}

fn set_text(object: &mut Value, field: &str, text: &str) {
    if text.is_empty() { remove(object, field) } else { set(object, field, text.into()) }
}

fn set(object: &mut Value, field: &str, value: Value) {
    object.set_at(&["metadata", field], value);
}

fn remove(object: &mut Value, field: &str) {
    object.remove_at(&["metadata", field]);
}

pub fn api_version(object: &Value) -> &str {
    object.text_at(&["apiVersion"])
}

pub fn kind(object: &Value) -> &str {
    object.text_at(&["kind"])
}

pub fn set_api_version_and_kind(object: &mut Value, api_version: &str, kind: &str) {
    object.set("apiVersion", api_version.into());
    object.set("kind", kind.into());
}

pub fn name(object: &Value) -> &str {
    text(object, "name")
}

pub fn set_name(object: &mut Value, name: &str) {
    set_text(object, "name", name);
}

pub fn generate_name(object: &Value) -> &str {
    text(object, "generateName")
}

pub fn namespace(object: &Value) -> &str {
    text(object, "namespace")
}

pub fn set_namespace(object: &mut Value, namespace: &str) {
    set_text(object, "namespace", namespace);
}

pub fn uid(object: &Value) -> &str {
    text(object, "uid")
}

pub fn set_uid(object: &mut Value, uid: &str) {
    set_text(object, "uid", uid);
}

/// As sent or stored; the empty text when there is none.
pub fn resource_version(object: &Value) -> &str {
    text(object, "resourceVersion")
}

pub fn set_resource_version(object: &mut Value, resource_version: &str) {
    set_text(object, "resourceVersion", resource_version);
}

pub fn clear_self_link(object: &mut Value) {
    remove(object, "selfLink");
}

/// 0 when unset.
pub fn generation(object: &Value) -> i64 {
    metadata(object).and_then(|metadata| metadata.get("generation")?.as_int()).unwrap_or(0)
}

pub fn set_generation(object: &mut Value, generation: i64) {
    if generation == 0 {
        remove(object, "generation");
    } else {
        set(object, "generation", Value::Int(generation));
    }
}

/// Counts one change of an object that has a generation. A client may have sent the largest number there is.
pub fn raise_generation(object: &mut Value) {
    let held = generation(object);
    if held > 0 {
        set_generation(object, held.saturating_add(1));
    }
}

/// The label map; None when absent.
pub fn labels(object: &Value) -> Option<&Map> {
    metadata(object)?.get("labels")?.as_map()
}

pub fn label<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    labels(object)?.get(key)?.as_str()
}

pub fn set_label(object: &mut Value, key: &str, value: &str) {
    object.set_at(&["metadata", "labels", key], value.into());
}

pub fn annotations(object: &Value) -> Option<&Map> {
    metadata(object)?.get("annotations")?.as_map()
}

pub fn annotation<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    annotations(object)?.get(key)?.as_str()
}

pub fn set_annotation(object: &mut Value, key: &str, value: &str) {
    object.set_at(&["metadata", "annotations", key], value.into());
}

/// Removes an annotation, and the map when it was the last.
pub fn remove_annotation(object: &mut Value, key: &str) {
    object.remove_at(&["metadata", "annotations", key]);
    if annotations(object).is_some_and(Map::is_empty) {
        remove(object, "annotations");
    }
}

/// RFC 3339, None when unset.
pub fn creation_timestamp(object: &Value) -> Option<&str> {
    Some(text(object, "creationTimestamp")).filter(|text| !text.is_empty())
}

pub fn set_creation_timestamp(object: &mut Value, time: Option<Wall>) {
    set_text(object, "creationTimestamp", &time.map(Wall::rfc3339).unwrap_or_default());
}

/// RFC 3339, None when the object is not being deleted.
pub fn deletion_timestamp(object: &Value) -> Option<&str> {
    Some(text(object, "deletionTimestamp")).filter(|text| !text.is_empty())
}

pub fn set_deletion_timestamp(object: &mut Value, time: Option<Wall>) {
    set_text(object, "deletionTimestamp", &time.map(Wall::rfc3339).unwrap_or_default());
}

pub fn is_being_deleted(object: &Value) -> bool {
    deletion_timestamp(object).is_some()
}

/// None when unset; 0 is a value of its own.
pub fn deletion_grace_period_seconds(object: &Value) -> Option<i64> {
    metadata(object)?.get("deletionGracePeriodSeconds")?.as_int()
}

pub fn set_deletion_grace_period_seconds(object: &mut Value, seconds: Option<i64>) {
    match seconds {
        Some(seconds) => set(object, "deletionGracePeriodSeconds", Value::Int(seconds)),
        None => remove(object, "deletionGracePeriodSeconds"),
    }
}

pub fn finalizers(object: &Value) -> impl Iterator<Item = &str> {
    list(object, "finalizers").iter().filter_map(Value::as_str)
}

pub fn has_finalizer(object: &Value, name: &str) -> bool {
    finalizers(object).any(|held| held == name)
}

pub fn set_finalizers(object: &mut Value, names: Vec<Text>) {
    set_list(object, "finalizers", names.into_iter().map(Value::Str).collect());
}

/// Adds a finalizer at the end unless it is there.
pub fn add_finalizer(object: &mut Value, name: &str) {
    if !has_finalizer(object, name) {
        let names = finalizers(object).chain([name]).map(Text::from).collect();
        set_finalizers(object, names);
    }
}

pub fn remove_finalizer(object: &mut Value, name: &str) {
    let names = finalizers(object).filter(|held| *held != name).map(Text::from).collect();
    set_finalizers(object, names);
}

/// One entry of `metadata.ownerReferences`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnerReference<'a> {
    pub api_version: &'a str,
    pub kind: &'a str,
    pub name: &'a str,
    pub uid: &'a str,
    pub controller: Option<bool>,
    pub block_owner_deletion: Option<bool>,
}

pub fn owner_references(object: &Value) -> impl Iterator<Item = OwnerReference<'_>> {
    list(object, "ownerReferences").iter().map(|reference| OwnerReference {
        api_version: reference.text_at(&["apiVersion"]),
        kind: reference.text_at(&["kind"]),
        name: reference.text_at(&["name"]),
        uid: reference.text_at(&["uid"]),
        controller: reference.field("controller").and_then(Value::as_bool),
        block_owner_deletion: reference.field("blockOwnerDeletion").and_then(Value::as_bool),
    })
}

/// The owner that controls the object.
pub fn controller(object: &Value) -> Option<OwnerReference<'_>> {
    owner_references(object).find(|reference| reference.controller == Some(true))
}

/// The entries of `metadata.managedFields`.
pub fn managed_fields(object: &Value) -> &[Value] {
    list(object, "managedFields")
}

pub fn set_managed_fields(object: &mut Value, entries: Vec<Value>) {
    set_list(object, "managedFields", entries);
}

fn list<'a>(object: &'a Value, field: &str) -> &'a [Value] {
    metadata(object).and_then(|metadata| metadata.get(field)?.as_list()).unwrap_or_default()
}

fn set_list(object: &mut Value, field: &str, items: Vec<Value>) {
    if items.is_empty() { remove(object, field) } else { set(object, field, Value::list(items)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setters_leave_no_empty_members() {
        let mut object = Value::empty_map();
        set_name(&mut object, "a");
        set_generation(&mut object, 2);
        add_finalizer(&mut object, "x/y");
        add_finalizer(&mut object, "x/y");
        set_deletion_grace_period_seconds(&mut object, Some(0));
        set_deletion_timestamp(&mut object, Some(Wall::from_seconds(0)));
        set_annotation(&mut object, "k", "v");
        assert_eq!((name(&object), generation(&object)), ("a", 2));
        assert_eq!(finalizers(&object).collect::<Vec<_>>(), ["x/y"]);
        assert_eq!(deletion_timestamp(&object), Some("1970-01-01T00:00:00Z"));
        assert_eq!(deletion_grace_period_seconds(&object), Some(0));

        set_generation(&mut object, 0);
        remove_finalizer(&mut object, "x/y");
        set_deletion_grace_period_seconds(&mut object, None);
        set_deletion_timestamp(&mut object, None);
        remove_annotation(&mut object, "k");
        let left: Vec<&str> = metadata(&object).unwrap().iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(left, ["name"]);
    }
}

//! How the lists and maps of a schema are merged.
//! k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation/validation.go

use crate::kinds::validation::{Errors, Located};
use alloc::collections::BTreeSet;

const LIST_TYPE: &str = "x-kubernetes-list-type";
const MAP_TYPE: &str = "x-kubernetes-map-type";
const MAP_KEYS: &str = "x-kubernetes-list-map-keys";

/// A schema whose type must be this because something else is specified.
fn validate_type(schema: &Located<'_, '_>, wanted: &str, because: &str, errors: &mut Errors) {
    let kind = schema.member("type");
    let detail = format_args!("must be {wanted} if {because} is specified");
    if kind.is_empty() {
        errors.required(&kind, detail);
    } else {
        errors.invalid(&kind, detail);
    }
}

pub(super) fn validate_map_type(schema: &Located<'_, '_>, errors: &mut Errors) {
    let map_type = schema.member(MAP_TYPE);
    if !map_type.is_set() {
        return;
    }
    if schema.member("type").text() != "object" {
        validate_type(schema, "object", MAP_TYPE, errors);
    }
    if !matches!(map_type.text(), "atomic" | "granular") {
        errors.not_supported(&map_type, &["atomic", "granular"]);
    }
}

/// `atomic_sets` asks that the items of a set are merged as wholes.
pub(super) fn validate_list_type(schema: &Located<'_, '_>, atomic_sets: bool, errors: &mut Errors) {
    let (list_type, items, keys) =
        (schema.member(LIST_TYPE), schema.member("items"), schema.member(MAP_KEYS));
    if list_type.is_set() && schema.member("type").text() != "array" {
        validate_type(schema, "array", LIST_TYPE, errors);
    } else if atomic_sets && list_type.text() == "set" {
        validate_set_items(&items, errors);
    }
    if list_type.is_set() && !matches!(list_type.text(), "atomic" | "set" | "map") {
        errors.not_supported(&list_type, &["atomic", "set", "map"]);
    }
    if !keys.is_empty() && list_type.text() != "map" {
        let detail = "must be map if x-kubernetes-list-map-keys is non-empty";
        if list_type.is_set() {
            errors.invalid(&list_type, detail);
        } else {
            errors.required(&list_type, detail);
        }
    }
    if list_type.text() == "map" {
        validate_map_list(&items, &keys, errors);
    }
}

pub(super) fn validate_set_items(items: &Located<'_, '_>, errors: &mut Errors) {
    const DETAIL: &str = "must be atomic as item of a list with x-kubernetes-list-type=set";
    let (list_type, map_type) = (items.member(LIST_TYPE), items.member(MAP_TYPE));
    match items.member("type").text() {
        "array" if list_type.is_set() && list_type.text() != "atomic" => errors.invalid(&list_type, DETAIL),
        // Upstream shows the type of a list here.
        "object" if map_type.text() != "atomic" => errors.invalid(&list_type.shown_at(&map_type), DETAIL),
        _ => {}
    }
}

fn validate_map_list(items: &Located<'_, '_>, keys: &Located<'_, '_>, errors: &mut Errors) {
    if keys.is_empty() {
        errors.required(keys, "must not be empty if x-kubernetes-list-type is map");
    }
    if !items.is_set() {
        errors.required(items, "must have a schema if x-kubernetes-list-type is map");
        return;
    }
    if items.value().is_some_and(|value| value.as_list().is_some()) {
        errors.invalid(items, "must only have a single schema if x-kubernetes-list-type is map");
        return;
    }
    let kind = items.member("type");
    if kind.text() != "object" {
        let detail = "must be object if parent array's x-kubernetes-list-type is map";
        errors.invalid_value(&kind, kind.text(), detail);
        return;
    }
    let properties = items.member("properties");
    let mut seen = BTreeSet::new();
    for key in keys.items() {
        if errors.is_full() {
            return;
        }
        let property = properties.key(key.text());
        let of_property = property.member("type");
        if !property.is_set() {
            errors.invalid(keys, "entries must all be names of item properties");
        } else if matches!(of_property.text(), "array" | "object") {
            let detail = "must be a scalar type if parent array's x-kubernetes-list-type is map";
            errors.invalid(&kind.shown_at(&of_property), detail);
        }
        if !seen.insert(key.text()) {
            errors.invalid(keys, "must not contain duplicate entries");
        }
    }
}

/// The keys of a list of maps are always there, and no item of a set or of a list of maps is null.
pub(super) fn validate_map_keys(schema: &Located<'_, '_>, errors: &mut Errors) {
    let (list_type, items) = (schema.member(LIST_TYPE), schema.member("items"));
    if !matches!(list_type.text(), "set" | "map")
        || items.value().is_none_or(|value| value.as_map().is_none())
    {
        return;
    }
    let nullable = items.member("nullable");
    if nullable.bool() {
        let detail = format_args!("cannot be nullable when x-kubernetes-list-type is {}", list_type.text());
        errors.forbidden(&nullable, detail);
    }
    if list_type.text() != "map" {
        return;
    }
    let (required, properties) = (items.member("required"), items.member("properties"));
    for key in schema.member(MAP_KEYS).items() {
        if errors.is_full() {
            return;
        }
        let property = properties.key(key.text());
        if !property.is_set() {
            continue;
        }
        let (default, nullable) = (property.member("default"), property.member("nullable"));
        if !default.is_set() && !required.items().any(|name| name.text() == key.text()) {
            let detail = "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required \
                          property";
            errors.required(&default, detail);
        }
        if nullable.bool() {
            let detail = "this property is in x-kubernetes-list-map-keys, so it cannot be nullable";
            errors.forbidden(&nullable, detail);
        }
    }
}

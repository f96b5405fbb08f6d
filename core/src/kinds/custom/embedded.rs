//! Whole objects inside custom ones: their kind, version and metadata must be those of an object.
//! k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta/validation.go

use crate::kinds::metadata;
use crate::kinds::validation::{Errors, Located};
use crate::schema::structural::{Additional, Structural};
use crate::value::Value;
use crate::value::names::{dns1035_label, path_segment};
use alloc::format;

/// Adds the errors of all objects inside a value, whose place is that of the schema.
pub(in crate::kinds) fn validate(schema: &Structural, at: &Located<'_, '_>, errors: &mut Errors) {
    if !schema.has_embedded || errors.is_full() {
        return;
    }
    if schema.is_embedded && at.value().is_some_and(|value| value.as_map().is_some()) {
        validate_object(at, errors);
    }
    for (name, member) in at.entries() {
        match (schema.properties.get(name), &schema.additional) {
            (Some(property), _) => validate(property, &at.named(name), errors),
            (None, Additional::Schema(inner)) => validate(inner, &member, errors),
            (None, Additional::Absent | Additional::Denied | Additional::Any) => {}
        }
    }
    if let Some(inner) = &schema.items {
        for item in at.items() {
            validate(inner, &item, errors);
        }
    }
}

fn validate_object(at: &Located<'_, '_>, errors: &mut Errors) {
    let has = |name: &str| at.value().is_some_and(|value| value.field(name).is_some());
    let (version, kind) = (at.member("apiVersion"), at.member("kind"));
    for (place, name) in [(&version, "apiVersion"), (&kind, "kind")] {
        if !has(name) {
            errors.required(place, "");
        }
    }
    let is_text = |place: &Located<'_, '_>| place.value().is_some_and(|value| value.as_str().is_some());
    if has("apiVersion") {
        let text = version.text();
        if !is_text(&version) {
            errors.invalid(&version, "must be a string");
        } else if text.is_empty() {
            errors.invalid(&version, "must not be empty");
        } else if text.matches('/').count() > 1 {
            errors.invalid(&version, format_args!("unexpected GroupVersion string: {text}"));
        }
    }
    if has("kind") {
        let problems = dns1035_label(&kind.text().to_lowercase(), false);
        if !is_text(&kind) {
            errors.invalid(&kind, "must be a string");
        } else if kind.text().is_empty() {
            errors.invalid(&kind, "must not be empty");
        } else if !problems.is_empty() {
            let detail = format!("may have mixed case, but should otherwise match: {}", problems.join(","));
            errors.invalid(&kind, detail);
        }
    }
    if has("metadata") {
        validate_metadata(at, errors);
    }
}

/// The metadata of an object inside another one may lack a name.
fn validate_metadata(at: &Located<'_, '_>, errors: &mut Errors) {
    let metadata = at.member("metadata");
    let mut named = Value::empty_map();
    named.set("metadata", metadata.value().cloned().unwrap_or_else(Value::empty_map));
    if metadata.member("name").is_empty() {
        named.set_at(&["metadata", "name"], "fakename".into());
    }
    let namespaced = !metadata.member("namespace").is_empty();
    let root = Located::root(&named);
    metadata::validate(&root.shown_at(at), namespaced, path_segment, errors);
}

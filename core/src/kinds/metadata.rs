//! What metadata must look like, on creation and on update, with upstream's sentences, paths and order.
//! k8s: staging/src/k8s.io/apimachinery/pkg/api/validation/objectmeta.go,
//! pkg/apis/core/validation/validation.go ValidateObjectMeta, apis/meta/v1/validation/validation.go

use crate::codec::json;
use crate::kinds::validation::{
    Errors, IMMUTABLE, Located, validate_immutable_field, validate_nonnegative_field,
};
use crate::value::names::{Problems, dns_label, label_key, label_value, path_segment};
use crate::value::quoted;
use crate::value::{Value, object};
use crate::wire::field_manager::validate_field_manager;
use alloc::borrow::Cow;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Bytes of all annotations of an object, keys and values.
pub const ANNOTATION_BYTES: usize = crate::limits::ANNOTATIONS_BYTES;

const SUBRESOURCE_BYTES: usize = 256;

/// Problems of a name; `prefix` is true for a generateName.
pub type NameRule = fn(name: &str, prefix: bool) -> Problems;

/// A new object of a built-in kind: the general rules, and those on finalizers that custom resources are
/// free of.
pub fn validate_built_in(object: &Located<'_, '_>, namespaced: bool, rule: NameRule, errors: &mut Errors) {
    validate(object, namespaced, rule, errors);
    validate_finalizer_qualification(object, errors);
}

/// What every update is checked for before its kind's own rules; a kind that checks its metadata itself
/// repeats some of it, and upstream lists such problems twice.
/// k8s: staging/src/k8s.io/apiserver/pkg/registry/rest/update.go validateCommonFields
pub fn validate_common_update(object: &Located<'_, '_>, old: &Value, namespaced: bool, errors: &mut Errors) {
    validate(object, namespaced, path_segment, errors);
    validate_update(object, old, errors);
}

/// The metadata of an object that replaces `old`, after `validate` has looked at it, with all errors that were found
/// so far. What nothing was found wrong with is not looked at again.
pub fn validate_update(object: &Located<'_, '_>, old: &Value, errors: &mut Errors) {
    let is_sound = errors.is_empty();
    validate_change(object, old, errors);
    if !is_sound {
        validate_content(object, errors);
    }
}

/// The metadata of a new object, after a name was generated.
pub fn validate(object: &Located<'_, '_>, namespaced: bool, rule: NameRule, errors: &mut Errors) {
    validate_name(object, rule, errors);
    let metadata = object.member("metadata");
    validate_namespace(&metadata.member("namespace"), namespaced, errors);
    validate_nonnegative_field(&metadata.member("generation"), errors);
    validate_labels(&metadata.member("labels"), errors);
    validate_annotations(&metadata.member("annotations"), errors);
    validate_owner_references(&metadata.member("ownerReferences"), errors);
    validate_finalizers(&metadata.member("finalizers"), errors);
    validate_managed_fields(&metadata.member("managedFields"), errors);
}

/// The name of a new object, and what a name was generated from.
pub fn validate_name(object: &Located<'_, '_>, rule: NameRule, errors: &mut Errors) {
    let metadata = object.member("metadata");
    let (name, generate_name) = (metadata.member("name"), metadata.member("generateName"));
    if !generate_name.is_empty() {
        errors.invalid_for_each(&generate_name, generate_name.text(), rule(generate_name.text(), true));
    }
    if name.is_empty() {
        errors.required(&name, "name or generateName is required");
    } else {
        errors.invalid_for_each(&name, name.text(), rule(name.text(), false));
    }
}

/// What an object that replaces `old` must keep of it.
fn validate_change(object: &Located<'_, '_>, old: &Value, errors: &mut Errors) {
    let old = Located::root(old);
    let (metadata, held) = (object.member("metadata"), old.member("metadata"));
    if held.member("deletionTimestamp").is_set() {
        validate_no_new_finalizers(&metadata.member("finalizers"), &held.member("finalizers"), errors);
    }
    let resource_version = metadata.member("resourceVersion");
    if resource_version.is_empty() {
        errors.invalid_value(&resource_version, "", "must be specified for an update");
    }
    let generation = metadata.member("generation");
    if generation.int() < held.member("generation").int() {
        errors.invalid_value(&generation, generation.int(), "must not be decremented");
    }
    for field in ["name", "namespace", "uid"] {
        let new = metadata.member(field);
        if new.text() != held.member(field).text() {
            errors.invalid_value(&new, new.text(), IMMUTABLE);
        }
    }
    for field in ["creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"] {
        validate_immutable_field(&metadata.member(field), &held.member(field), errors);
    }
}

/// What is checked of new metadata and of changed ones alike.
fn validate_content(object: &Located<'_, '_>, errors: &mut Errors) {
    let metadata = object.member("metadata");
    validate_labels(&metadata.member("labels"), errors);
    validate_annotations(&metadata.member("annotations"), errors);
    validate_owner_references(&metadata.member("ownerReferences"), errors);
    validate_managed_fields(&metadata.member("managedFields"), errors);
}

fn validate_namespace(namespace: &Located<'_, '_>, namespaced: bool, errors: &mut Errors) {
    if !namespaced {
        if !namespace.is_empty() {
            errors.forbidden(namespace, "not allowed on this type");
        }
    } else if namespace.is_empty() {
        errors.required(namespace, "");
    } else {
        errors.invalid_for_each(namespace, namespace.text(), dns_label(namespace.text(), false));
    }
}

/// A map of labels, wherever it is.
pub fn validate_labels(labels: &Located<'_, '_>, errors: &mut Errors) {
    for (key, value) in labels.entries() {
        if errors.is_full() {
            return;
        }
        errors.invalid_for_each(labels, key, label_key(key));
        errors.invalid_for_each(labels, value.text(), label_value(value.text()));
    }
}

/// A map of annotations, wherever it is.
pub fn validate_annotations(annotations: &Located<'_, '_>, errors: &mut Errors) {
    let mut bytes = 0;
    for (key, value) in annotations.entries() {
        if errors.is_full() {
            return;
        }
        bytes += key.len() + value.text().len();
        let is_lower = !key.bytes().any(|byte| byte.is_ascii_uppercase() || !byte.is_ascii());
        let lower = if is_lower { Cow::Borrowed(key) } else { Cow::Owned(key.to_lowercase()) };
        errors.invalid_for_each(annotations, key, label_key(&lower));
    }
    if bytes > ANNOTATION_BYTES {
        errors.too_long(annotations, ANNOTATION_BYTES);
    }
}

fn validate_owner_references(references: &Located<'_, '_>, errors: &mut Errors) {
    let mut first_controller: Option<String> = None;
    for reference in references.items() {
        if errors.is_full() {
            return;
        }
        validate_owner_reference(references, &reference, errors);
        if !reference.member("controller").bool() {
            continue;
        }
        let controller = format!("{}/{}", reference.member("kind").text(), reference.member("name").text());
        let Some(first) = &first_controller else {
            first_controller = Some(controller);
            continue;
        };
        let shown: Vec<String> =
            references.items().map(|reference| owner_reference_json(&reference)).collect();
        let detail = format!(
            "Only one reference can have Controller set to true. \
             Found \"true\" in references for {first} and {controller}"
        );
        errors.invalid_shown(references, &format!("[{}]", shown.join(",")), detail);
    }
}

/// Upstream's paths name the list, and not which of its items is wrong.
fn validate_owner_reference(references: &Located<'_, '_>, reference: &Located<'_, '_>, errors: &mut Errors) {
    let api_version = reference.member("apiVersion").text();
    let (group, version) = group_and_version(api_version);
    if version.is_empty() {
        errors.invalid_value(&references.member("apiVersion"), api_version, "version must not be empty");
    }
    for field in ["kind", "name", "uid"] {
        if reference.member(field).is_empty() {
            errors.invalid_value(&references.member(field), "", "must not be empty");
        }
    }
    if (group, version, reference.member("kind").text()) == ("", "v1", "Event") {
        let shown = owner_reference_json(reference);
        errors.invalid_shown(references, &shown, "/v1, Kind=Event is disallowed from being an owner");
    }
}

/// Group and version of an `apiVersion`; both empty when it is malformed.
/// k8s: staging/src/k8s.io/apimachinery/pkg/runtime/schema/group_version.go ParseGroupVersion
pub fn group_and_version(api_version: &str) -> (&str, &str) {
    match api_version.split_once('/') {
        None => ("", api_version),
        Some((_, version)) if version.contains('/') => ("", ""),
        Some((group, version)) => (group, version),
    }
}

/// The reference as Go writes it, members in the order of its struct.
fn owner_reference_json(reference: &Located<'_, '_>) -> String {
    let mut out = Vec::new();
    let texts = [
        ("{\"apiVersion\":", "apiVersion"),
        (",\"kind\":", "kind"),
        (",\"name\":", "name"),
        (",\"uid\":", "uid"),
    ];
    for (before, field) in texts {
        out.extend_from_slice(before.as_bytes());
        json::write_str(reference.member(field).text(), &mut out);
    }
    for field in ["controller", "blockOwnerDeletion"] {
        if let Some(truth) = reference.member(field).bool_if_set() {
            out.extend_from_slice(format!(",\"{field}\":{truth}").as_bytes());
        }
    }
    out.push(b'}');
    String::from_utf8(out).expect("the writer writes UTF-8")
}

fn validate_finalizers(finalizers: &Located<'_, '_>, errors: &mut Errors) {
    let (orphan, delete) = (object::FINALIZER_ORPHAN_DEPENDENTS, object::FINALIZER_DELETE_DEPENDENTS);
    let (mut orphans, mut deletes) = (false, false);
    for finalizer in finalizers.items() {
        if errors.is_full() {
            return;
        }
        errors.invalid_for_each(finalizers, finalizer.text(), label_key(finalizer.text()));
        orphans |= finalizer.text() == orphan;
        deletes |= finalizer.text() == delete;
    }
    if orphans && deletes {
        errors.invalid(finalizers, format_args!("finalizer {orphan} and {delete} cannot be both set"));
    }
}

fn validate_no_new_finalizers(finalizers: &Located<'_, '_>, old: &Located<'_, '_>, errors: &mut Errors) {
    let held: BTreeSet<&str> = old.items().map(|finalizer| finalizer.text()).collect();
    let new: BTreeSet<&str> = finalizers.items().map(|finalizer| finalizer.text()).collect();
    let new: Vec<String> = new.difference(&held).map(|name| quoted(name)).collect();
    if !new.is_empty() {
        let detail = format!(
            "no new finalizers can be added if the object is being deleted, \
             found new finalizers []string{{{}}}",
            new.join(", ")
        );
        errors.forbidden(finalizers, detail);
    }
}

/// Finalizers need a domain, but for the standard ones.
pub fn validate_finalizer_qualification(object: &Located<'_, '_>, errors: &mut Errors) {
    for finalizer in object.at(&["metadata", "finalizers"]).items() {
        if errors.is_full() {
            return;
        }
        validate_standard_finalizer(&finalizer, errors);
    }
}

fn validate_standard_finalizer(finalizer: &Located<'_, '_>, errors: &mut Errors) {
    let standard = ["kubernetes", object::FINALIZER_ORPHAN_DEPENDENTS, object::FINALIZER_DELETE_DEPENDENTS];
    if !finalizer.text().contains('/') && !standard.contains(&finalizer.text()) {
        errors.invalid(finalizer, "name is neither a standard finalizer name nor is it fully qualified");
    }
}

/// The name of a finalizer, wherever it is.
pub fn validate_finalizer_name(finalizer: &Located<'_, '_>, errors: &mut Errors) {
    errors.invalid_for_each(finalizer, finalizer.text(), label_key(finalizer.text()));
    validate_standard_finalizer(finalizer, errors);
}

fn validate_managed_fields(entries: &Located<'_, '_>, errors: &mut Errors) {
    for entry in entries.items() {
        if errors.is_full() {
            return;
        }
        let operation = entry.member("operation");
        if !matches!(operation.text(), "Apply" | "Update") {
            errors.invalid_value(&operation, operation.text(), "must be `Apply` or `Update`");
        }
        let fields_type = entry.member("fieldsType");
        if !matches!(fields_type.text(), "" | "FieldsV1") {
            errors.invalid(&fields_type, "must be `FieldsV1`");
        }
        let manager = entry.member("manager");
        validate_field_manager(manager.text(), &manager, errors.causes());
        let subresource = entry.member("subresource");
        if subresource.len() > SUBRESOURCE_BYTES {
            errors.too_long(&subresource, SUBRESOURCE_BYTES);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::names::dns_subdomain;
    use crate::value::{Map, Text};

    fn object(metadata: &[(&str, Value)]) -> Value {
        let mut object = Value::empty_map();
        object.set_at(&["metadata", "name"], "x".into());
        object.set_at(&["metadata", "namespace"], "d".into());
        object.set_at(&["metadata", "resourceVersion"], "1".into());
        for (field, value) in metadata {
            object.set_at(&["metadata", field], value.clone());
        }
        object
    }

    fn map(pairs: &[(&str, Value)]) -> Value {
        pairs.iter().map(|(key, value)| (Text::from(*key), value.clone())).collect::<Map>().into()
    }

    fn texts(items: &[&str]) -> Value {
        Value::list(items.iter().map(|item| Value::from(*item)).collect())
    }

    fn on_create(object: &Value) -> Vec<String> {
        let mut errors = Errors::new();
        validate_built_in(&Located::root(object), true, dns_subdomain, &mut errors);
        errors.into_causes().iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect()
    }

    fn on_update(object: &Value, old: &Value) -> Vec<String> {
        let mut errors = Errors::new();
        validate_change(&Located::root(object), old, &mut errors);
        validate_content(&Located::root(object), &mut errors);
        validate_finalizer_qualification(&Located::root(object), &mut errors);
        errors.into_causes().iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect()
    }

    #[test]
    fn new_objects() {
        let owner = |kind: &str| {
            let name = ("name", "x".into());
            map(&[("apiVersion", "v1".into()), ("kind", kind.into()), name, ("controller", true.into())])
        };
        let table: [(Value, &[&str]); 7] = [
            (object(&[]), &[]),
            (
                object(&[("name", "".into()), ("namespace", "".into())]),
                &[
                    "metadata.name: Required value: name or generateName is required",
                    "metadata.namespace: Required value",
                ],
            ),
            (
                object(&[("generation", Value::Int(-1))]),
                &["metadata.generation: Invalid value: -1: must be greater than or equal to 0"],
            ),
            (
                object(&[("finalizers", texts(&["a", "kubernetes"]))]),
                &["metadata.finalizers[0]: Invalid value: \"a\": \
                   name is neither a standard finalizer name nor is it fully qualified"],
            ),
            (
                object(&[("finalizers", texts(&["orphan", "foregroundDeletion"]))]),
                &["metadata.finalizers: Invalid value: [\"orphan\",\"foregroundDeletion\"]: \
                   finalizer orphan and foregroundDeletion cannot be both set"],
            ),
            (
                object(&[("ownerReferences", Value::list(alloc::vec![owner("Event")]))]),
                &[
                    "metadata.ownerReferences.uid: Invalid value: \"\": must not be empty",
                    "metadata.ownerReferences: Invalid value: {\"apiVersion\":\"v1\",\"kind\":\"Event\",\
                     \"name\":\"x\",\"uid\":\"\",\"controller\":true}: \
                     /v1, Kind=Event is disallowed from being an owner",
                ],
            ),
            (
                object(&[("annotations", map(&[("k", "v".repeat(ANNOTATION_BYTES).into())]))]),
                &["metadata.annotations: Too long: may not be more than 262144 bytes"],
            ),
        ];
        for (object, expected) in table {
            assert_eq!(on_create(&object), expected);
        }
    }

    #[test]
    fn updates() {
        let old = object(&[("uid", "u".into()), ("generation", Value::Int(2))]);
        let mut new = old.clone();
        assert!(on_update(&new, &old).is_empty());
        object::set_uid(&mut new, "v");
        object::set_generation(&mut new, 1);
        object::set_resource_version(&mut new, "");
        let expected = [
            "metadata.resourceVersion: Invalid value: \"\": must be specified for an update",
            "metadata.generation: Invalid value: 1: must not be decremented",
            "metadata.uid: Invalid value: \"v\": field is immutable",
        ];
        assert_eq!(on_update(&new, &old), expected);

        let old =
            object(&[("deletionTimestamp", "2026-01-01T00:00:00Z".into()), ("finalizers", texts(&["a/b"]))]);
        let mut new = old.clone();
        object::set_finalizers(&mut new, alloc::vec!["a/d".into(), "a/c".into()]);
        let expected = "metadata.finalizers: Forbidden: \
             no new finalizers can be added if the object is being deleted, \
             found new finalizers []string{\"a/c\", \"a/d\"}";
        assert_eq!(on_update(&new, &old), [expected]);
    }
}

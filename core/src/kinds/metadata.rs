//! What metadata must look like, on creation and on update, with upstream's sentences, paths and order.
//! k8s: staging/src/k8s.io/apimachinery/pkg/api/validation/objectmeta.go,
//! pkg/apis/core/validation/validation.go ValidateObjectMeta, apis/meta/v1/validation/validation.go

use crate::codec::json;
use crate::status::{CauseType, Causes, Path};
use crate::value::names::{Problems, dns_label, label_key, label_value, path_segment};
use crate::value::quoted;
use crate::value::{Map, Value, object};
use crate::wire::field_manager::{FIELD_MANAGER_BYTES, is_print, validate_field_manager};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Bytes of all annotations of an object, keys and values.
pub const ANNOTATION_BYTES: usize = 256 * 1024;

const SUBRESOURCE_BYTES: usize = 256;

/// What a setter of an immutable field is told.
pub const IMMUTABLE: &str = "field is immutable";

/// Problems of a name; `prefix` is true for a generateName.
pub type NameRule = fn(name: &str, prefix: bool) -> Problems;

/// A new object of a built-in kind: the general rules, and those on finalizers that custom resources are
/// free of.
pub fn validate_built_in(object: &Value, namespaced: bool, rule: NameRule, causes: &mut Causes) {
    validate(object, namespaced, rule, causes);
    validate_finalizer_qualification(object, causes);
}

/// An update of a built-in kind.
pub fn validate_built_in_update(object: &Value, old: &Value, causes: &mut Causes) {
    validate_update(object, old, causes);
    validate_finalizer_qualification(object, causes);
}

/// What every update is checked for before its kind's own rules; a kind that checks its metadata itself
/// repeats some of it, and upstream lists such problems twice.
/// k8s: staging/src/k8s.io/apiserver/pkg/registry/rest/update.go validateCommonFields
pub fn validate_common_update(object: &Value, old: &Value, namespaced: bool, causes: &mut Causes) {
    validate(object, namespaced, path_segment, causes);
    validate_update(object, old, causes);
}

/// The metadata of a new object, after a name was generated.
pub fn validate(object: &Value, namespaced: bool, rule: NameRule, causes: &mut Causes) {
    let path = Path::new("metadata");
    let (name, generate_name) = (object::name(object), object::generate_name(object));
    if !generate_name.is_empty() {
        push_all(&path.child("generateName"), generate_name, rule(generate_name, true), causes);
    }
    if name.is_empty() {
        causes.required(&path.child("name"), "name or generateName is required");
    } else {
        push_all(&path.child("name"), name, rule(name, false), causes);
    }
    validate_namespace(object::namespace(object), namespaced, &path.child("namespace"), causes);
    if object::generation(object) < 0 {
        let generation = Value::Int(object::generation(object));
        causes.invalid(&path.child("generation"), &generation, "must be greater than or equal to 0");
    }
    validate_labels(object::labels(object), &path.child("labels"), causes);
    validate_annotations(object::annotations(object), &path.child("annotations"), causes);
    validate_owner_references(object, &path.child("ownerReferences"), causes);
    validate_finalizers(object, &path.child("finalizers"), causes);
    validate_managed_fields(object, &path.child("managedFields"), causes);
}

/// The metadata of an object that replaces `old`.
pub fn validate_update(object: &Value, old: &Value, causes: &mut Causes) {
    let path = Path::new("metadata");
    if object::is_being_deleted(old) {
        validate_no_new_finalizers(object, old, &path.child("finalizers"), causes);
    }
    if object::resource_version(object).is_empty() {
        causes.invalid(&path.child("resourceVersion"), &"".into(), "must be specified for an update");
    }
    if object::generation(object) < object::generation(old) {
        let generation = Value::Int(object::generation(object));
        causes.invalid(&path.child("generation"), &generation, "must not be decremented");
    }
    for field in ["name", "namespace", "uid"] {
        let text = |object: &Value| Value::from(object.text_at(&["metadata", field]));
        validate_immutable(&text(object), &text(old), &path.child(field), causes);
    }
    for field in ["creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"] {
        let value = |object: &Value| object.at(&["metadata", field]).cloned().unwrap_or_default();
        validate_immutable(&value(object), &value(old), &path.child(field), causes);
    }
    validate_labels(object::labels(object), &path.child("labels"), causes);
    validate_annotations(object::annotations(object), &path.child("annotations"), causes);
    validate_owner_references(object, &path.child("ownerReferences"), causes);
    validate_managed_fields(object, &path.child("managedFields"), causes);
}

/// A field that must stay as it is.
pub fn validate_immutable(new: &Value, old: &Value, path: &Path, causes: &mut Causes) {
    if new != old {
        causes.invalid(path, new, IMMUTABLE);
    }
}

fn push_all(path: &Path, value: &str, problems: Problems, causes: &mut Causes) {
    for problem in problems {
        causes.invalid(path, &value.into(), &problem);
    }
}

fn validate_namespace(namespace: &str, namespaced: bool, path: &Path, causes: &mut Causes) {
    if !namespaced {
        if !namespace.is_empty() {
            causes.forbidden(path, "not allowed on this type");
        }
    } else if namespace.is_empty() {
        causes.required(path, "");
    } else {
        push_all(path, namespace, dns_label(namespace, false), causes);
    }
}

/// A map of labels, wherever it is.
pub fn validate_labels(labels: Option<&Map>, path: &Path, causes: &mut Causes) {
    for (key, value) in labels.into_iter().flat_map(Map::iter) {
        if causes.is_full() {
            return;
        }
        push_all(path, key, label_key(key), causes);
        let value = value.as_str().unwrap_or("");
        push_all(path, value, label_value(value), causes);
    }
}

/// A map of annotations, wherever it is.
pub fn validate_annotations(annotations: Option<&Map>, path: &Path, causes: &mut Causes) {
    let mut bytes = 0;
    for (key, value) in annotations.into_iter().flat_map(Map::iter) {
        if causes.is_full() {
            return;
        }
        bytes += key.len() + value.as_str().unwrap_or("").len();
        push_all(path, key, label_key(&key.to_lowercase()), causes);
    }
    if bytes > ANNOTATION_BYTES {
        causes.too_long(path, ANNOTATION_BYTES);
    }
}

fn validate_owner_references(object: &Value, path: &Path, causes: &mut Causes) {
    let references: Vec<object::OwnerReference<'_>> = object::owner_references(object).collect();
    let mut first_controller: Option<String> = None;
    for reference in &references {
        if causes.is_full() {
            return;
        }
        validate_owner_reference(reference, path, causes);
        if reference.controller != Some(true) {
            continue;
        }
        let controller = format!("{}/{}", reference.kind, reference.name);
        let Some(first) = &first_controller else {
            first_controller = Some(controller);
            continue;
        };
        let shown: Vec<String> = references.iter().map(owner_reference_json).collect();
        let detail = format!(
            "Only one reference can have Controller set to true. \
             Found \"true\" in references for {first} and {controller}"
        );
        let message = format!("Invalid value: [{}]: {detail}", shown.join(","));
        causes.push(CauseType::Invalid, path, message);
    }
}

fn validate_owner_reference(reference: &object::OwnerReference<'_>, path: &Path, causes: &mut Causes) {
    let (group, version) = group_and_version(reference.api_version);
    if version.is_empty() {
        causes.invalid(&path.child("apiVersion"), &reference.api_version.into(), "version must not be empty");
    }
    for (field, text) in [("kind", reference.kind), ("name", reference.name), ("uid", reference.uid)] {
        if text.is_empty() {
            causes.invalid(&path.child(field), &text.into(), "must not be empty");
        }
    }
    if (group, version, reference.kind) == ("", "v1", "Event") {
        let shown = owner_reference_json(reference);
        let message = format!("Invalid value: {shown}: /v1, Kind=Event is disallowed from being an owner");
        causes.push(CauseType::Invalid, path, message);
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
fn owner_reference_json(reference: &object::OwnerReference<'_>) -> String {
    let mut out = Vec::new();
    let texts = [
        ("{\"apiVersion\":", reference.api_version),
        (",\"kind\":", reference.kind),
        (",\"name\":", reference.name),
        (",\"uid\":", reference.uid),
    ];
    for (before, text) in texts {
        out.extend_from_slice(before.as_bytes());
        json::write_str(text, &mut out);
    }
    let truths =
        [("controller", reference.controller), ("blockOwnerDeletion", reference.block_owner_deletion)];
    for (field, truth) in truths {
        if let Some(truth) = truth {
            out.extend_from_slice(format!(",\"{field}\":{truth}").as_bytes());
        }
    }
    out.push(b'}');
    String::from_utf8(out).expect("the writer writes UTF-8")
}

fn validate_finalizers(object: &Value, path: &Path, causes: &mut Causes) {
    for finalizer in object::finalizers(object) {
        if causes.is_full() {
            return;
        }
        push_all(path, finalizer, label_key(finalizer), causes);
    }
    let (orphan, delete) = (object::FINALIZER_ORPHAN_DEPENDENTS, object::FINALIZER_DELETE_DEPENDENTS);
    if object::has_finalizer(object, orphan) && object::has_finalizer(object, delete) {
        let shown = Value::list(object::finalizers(object).map(Value::from).collect());
        causes.invalid(path, &shown, &format!("finalizer {orphan} and {delete} cannot be both set"));
    }
}

fn validate_no_new_finalizers(object: &Value, old: &Value, path: &Path, causes: &mut Causes) {
    let held: BTreeSet<&str> = object::finalizers(old).collect();
    let new: BTreeSet<&str> = object::finalizers(object).filter(|name| !held.contains(name)).collect();
    if !new.is_empty() {
        let shown: Vec<String> = new.into_iter().map(quoted).collect();
        let detail = format!(
            "no new finalizers can be added if the object is being deleted, \
             found new finalizers []string{{{}}}",
            shown.join(", ")
        );
        causes.forbidden(path, &detail);
    }
}

/// Finalizers need a domain, but for the standard ones.
fn validate_finalizer_qualification(object: &Value, causes: &mut Causes) {
    let standard = ["kubernetes", object::FINALIZER_ORPHAN_DEPENDENTS, object::FINALIZER_DELETE_DEPENDENTS];
    let path = Path::new("metadata").child("finalizers");
    for (index, finalizer) in object::finalizers(object).enumerate() {
        if causes.is_full() {
            return;
        }
        if !finalizer.contains('/') && !standard.contains(&finalizer) {
            let detail = "name is neither a standard finalizer name nor is it fully qualified";
            causes.invalid(&path.index(index), &finalizer.into(), detail);
        }
    }
}

fn validate_managed_fields(object: &Value, path: &Path, causes: &mut Causes) {
    for (index, entry) in object::managed_fields(object).iter().enumerate() {
        if causes.is_full() {
            return;
        }
        let operation = entry.text_at(&["operation"]);
        let fields_type = entry.text_at(&["fieldsType"]);
        let manager = entry.text_at(&["manager"]);
        let fine = matches!(operation, "Apply" | "Update")
            && matches!(fields_type, "" | "FieldsV1")
            && manager.len() <= FIELD_MANAGER_BYTES
            && manager.chars().all(is_print)
            && entry.text_at(&["subresource"]).len() <= SUBRESOURCE_BYTES;
        // Paths are made only where there is something to be said of them.
        if fine {
            continue;
        }
        let path = path.index(index);
        if !matches!(operation, "Apply" | "Update") {
            causes.invalid(&path.child("operation"), &operation.into(), "must be `Apply` or `Update`");
        }
        if !matches!(fields_type, "" | "FieldsV1") {
            causes.invalid(&path.child("fieldsType"), &fields_type.into(), "must be `FieldsV1`");
        }
        validate_field_manager(manager, &path.child("manager"), causes);
        if entry.text_at(&["subresource"]).len() > SUBRESOURCE_BYTES {
            causes.too_long(&path.child("subresource"), SUBRESOURCE_BYTES);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Text;
    use crate::value::names::dns_subdomain;

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
        let mut causes = Causes::new();
        validate_built_in(object, true, dns_subdomain, &mut causes);
        causes.iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect()
    }

    fn on_update(object: &Value, old: &Value) -> Vec<String> {
        let mut causes = Causes::new();
        validate_built_in_update(object, old, &mut causes);
        causes.iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect()
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

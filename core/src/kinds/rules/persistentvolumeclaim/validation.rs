//! What a claim must look like, and how it may change.
//! k8s: pkg/apis/core/validation/validation.go

use super::sources;
use super::spec::{SpecRules, validate_claim_spec};
use crate::kinds::Facts;
use crate::kinds::metadata::validate_built_in;
use crate::kinds::rules::resource_names::{is_native, validate_quantity};
use crate::kinds::validation::{
    Errors, IMMUTABLE, Located, internal_diff, semantically_equal, validate_immutable_field,
    validate_label_selector,
};
use crate::value::quantity::Quantity;
use crate::value::{Value, names};
use alloc::format;
use core::cmp::Ordering;

/// The annotation that named the class of a claim before the spec did.
const CLASS: &str = "volume.beta.kubernetes.io/storage-class";

const RESIZE_STATUSES: &[&str] = &[
    "ControllerResizeInProgress",
    "ControllerResizeInfeasible",
    "NodeResizeInProgress",
    "NodeResizeInfeasible",
    "NodeResizePending",
];

pub(super) fn validate(object: &Located<'_, '_>, _facts: &Facts<'_>, errors: &mut Errors) {
    validate_claim_spec(&object.member("spec"), SpecRules::default(), errors);
}

pub(super) fn validate_update(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    let mut old = facts.old.clone();
    sources::mirror(&mut old);
    let held = Located::root(&old);
    let spec = object.member("spec");
    // Upstream looks at the metadata of an update once more.
    validate_built_in(object, true, names::dns_subdomain, errors);
    validate_claim_spec(&spec, allowances(facts.old), errors);
    validate_class_annotation(object, &held, errors);
    validate_same_spec(object, &held, errors);
    validate_size(object, &held, errors);
    validate_immutable_field(
        &spec.member("volumeMode").shown_at(&object.member("volumeMode")),
        &held.at(&["spec", "volumeMode"]),
        errors,
    );
    validate_attributes_class(&spec, &held, errors);
}

/// What the stored claim may keep.
fn allowances(old: &Value) -> SpecRules {
    let old = Located::root(old);
    let spec = old.member("spec");
    let mut selector = Errors::new();
    validate_label_selector(&spec.member("selector"), false, &mut selector);
    let has_group = |source: &'static str| spec.member(source).member("apiGroup").is_set();
    SpecRules {
        old_label_values: !selector.is_empty(),
        old_api_groups: has_group("dataSource") || has_group("dataSourceRef"),
    }
}

/// The class that an annotation named may move into the spec.
fn moves_class_from_annotation(object: &Located<'_, '_>, old: &Located<'_, '_>) -> bool {
    let (annotations, held) = (object.at(&["metadata", "annotations"]), old.at(&["metadata", "annotations"]));
    let class = object.at(&["spec", "storageClassName"]);
    let (annotated, was_annotated) = (annotations.key(CLASS), held.key(CLASS));
    was_annotated.is_set()
        && !old.at(&["spec", "storageClassName"]).is_set()
        && class.is_set()
        && class.text() == was_annotated.text()
        && (!annotated.is_set() || annotated.text() == was_annotated.text())
}

fn validate_class_annotation(object: &Located<'_, '_>, old: &Located<'_, '_>, errors: &mut Errors) {
    if moves_class_from_annotation(object, old) {
        return;
    }
    let metadata = object.member("metadata");
    let annotations = metadata.member("annotations");
    let annotated = annotations.key(CLASS);
    if annotated.text() != old.at(&["metadata", "annotations"]).key(CLASS).text() {
        // Upstream writes the key as if it were a field.
        let place = annotations.member(CLASS);
        errors.invalid_value(&place, annotated.text(), IMMUTABLE);
    }
}

/// Only the size, the class of attributes and, once, the volume and the class may change.
fn validate_same_spec(object: &Located<'_, '_>, old: &Located<'_, '_>, errors: &mut Errors) {
    let null = Value::Null;
    let mut new_spec = object.member("spec").value().unwrap_or(&null).clone();
    let mut old_spec = old.member("spec").value().unwrap_or(&null).clone();
    if old.at(&["spec", "volumeName"]).is_empty() {
        old_spec.take(&new_spec, &["volumeName"]);
    }
    let class = object.at(&["spec", "storageClassName"]);
    if moves_class_from_annotation(object, old) {
        new_spec.remove_at(&["storageClassName"]);
    } else if class.is_set() && !old.at(&["spec", "storageClassName"]).is_set() {
        let annotations = old.at(&["metadata", "annotations"]);
        let was_annotated = annotations.key(CLASS);
        if !was_annotated.is_set() || was_annotated.text() == class.text() {
            new_spec.take(&old_spec, &["storageClassName"]);
        }
    }
    if object.at(&["status", "phase"]).text() == "Bound" {
        if new_spec.at(&["resources", "requests"]).is_some_and(|requests| !requests.is_null()) {
            new_spec.take(&old_spec, &["resources", "requests", "storage"]);
        }
        new_spec.take(&old_spec, &["volumeAttributesClassName"]);
    }
    if !semantically_equal(Some(&new_spec), Some(&old_spec)) {
        let difference = internal_diff("PersistentVolumeClaimSpec", Some(&old_spec), Some(&new_spec));
        errors.forbidden(
            &object.member("spec"),
            format!(
                "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound \
                 claims\n{difference}"
            ),
        );
    }
}

/// A request may shrink after an expansion that failed, but not to what the volume has already.
fn validate_size(object: &Located<'_, '_>, old: &Located<'_, '_>, errors: &mut Errors) {
    let size = |claim: &Located<'_, '_>, path: &'static [&'static str]| {
        claim.at(path).quantity().unwrap_or_else(|| Quantity::from_int(0))
    };
    const REQUEST: &[&str] = &["spec", "resources", "requests", "storage"];
    let (new_size, old_size) = (size(object, REQUEST), size(old, REQUEST));
    let capacity = size(old, &["status", "capacity", "storage"]);
    if new_size.compare(&old_size) == Ordering::Less && new_size.compare(&capacity) != Ordering::Greater {
        errors.forbidden(&object.at(REQUEST), "field can not be less than status.capacity");
    }
}

fn validate_attributes_class(spec: &Located<'_, '_>, old: &Located<'_, '_>, errors: &mut Errors) {
    let class = spec.member("volumeAttributesClassName");
    let is_applied = old.at(&["status", "currentVolumeAttributesClassName"]).is_set();
    if class.value() == old.at(&["spec", "volumeAttributesClassName"]).value() || !is_applied {
        return;
    }
    if !class.is_set() {
        let detail = "update to nil is forbidden when status.currentVolumeAttributesClassName is not nil";
        errors.forbidden(&class, detail);
    } else if class.is_empty() {
        let detail =
            "update to empty string is forbidden when status.currentVolumeAttributesClassName is not nil";
        errors.forbidden(&class, detail);
    }
}

pub(super) fn validate_status_update(object: &Located<'_, '_>, _facts: &Facts<'_>, errors: &mut Errors) {
    if object.at(&["metadata", "resourceVersion"]).is_empty() {
        errors.required(&object.member("resourceVersion"), "");
    }
    let spec = object.member("spec").shown_as("Spec");
    let modes = spec.member("accessModes");
    if modes.is_empty() {
        errors.required(&modes, "");
    }
    let status = object.member("status");
    for (_, amount) in status.member("capacity").entries() {
        validate_amount(&amount, errors);
    }
    let statuses = status.member("allocatedResourceStatuses");
    for (resource, held) in statuses.entries() {
        if errors.is_full() {
            return;
        }
        validate_resource(resource, &statuses, errors);
        if !RESIZE_STATUSES.contains(&held.text()) {
            // The message shows the resource in place of its status.
            errors.not_supported_value(&statuses, resource, RESIZE_STATUSES);
        }
    }
    let allocated = status.member("allocatedResources");
    for (resource, amount) in allocated.entries() {
        if validate_resource(resource, &allocated, errors) && validate_amount(&amount, errors) {
            validate_quantity("storage", &amount, errors);
        }
    }
}

/// An amount that is not negative. Its whole number is shown. False with an error.
fn validate_amount(amount: &Located<'_, '_>, errors: &mut Errors) -> bool {
    let number = amount
        .quantity()
        .map_or(0, |held| held.to_i64().unwrap_or(if held.signum() < 0 { i64::MIN } else { i64::MAX }));
    if number < 0 {
        errors.invalid_value(amount, number, "must be a valid resource quantity");
    }
    number >= 0
}

/// A resource that a claim can be given. False with an error.
fn validate_resource(resource: &str, place: &Located<'_, '_>, errors: &mut Errors) -> bool {
    let problems = names::qualified_name(resource);
    if !problems.is_empty() {
        errors.invalid_for_each(place, resource, problems);
        return false;
    }
    if is_native(resource) && resource != "storage" {
        errors.not_supported_value(place, resource, &["storage"]);
        return false;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;
    use crate::kinds::facts::given::{InMemory, with_facts};

    const SPEC: &str = r#""accessModes":["ReadWriteOnce"],"volumeMode":"Filesystem""#;

    fn claim(spec: &str, status: &str) -> Value {
        let text = format!(
            r#"{{"metadata":{{"name":"c","namespace":"n"}},"spec":{{{SPEC}{spec}}},"status":{{{status}}}}}"#
        );
        json::parse(text.as_bytes()).expect("JSON").value
    }

    #[test]
    fn bound_claims_may_grow_and_go_back_above_what_they_have() {
        let bound = r#""phase":"Bound","capacity":{"storage":"2Gi"}"#;
        let storage = |size: &str| format!(r#","resources":{{"requests":{{"storage":"{size}"}}}}"#);
        let table = [
            ("2Gi", "3Gi", bound, ""),
            ("4Gi", "3Gi", bound, ""),
            ("4Gi", "2049Mi", bound, ""),
            ("4Gi", "2Gi", bound, "field can not be less than status.capacity"),
            ("2Gi", "2048Mi", r#""phase":"Pending""#, ""),
            ("2Gi", "3Gi", r#""phase":"Pending""#, "spec is immutable after creation"),
        ];
        for (from, to, status, expected) in table {
            let (old, new) = (claim(&storage(from), status), claim(&storage(to), status));
            let mut errors = Errors::new();
            with_facts(&InMemory::default(), |facts| {
                validate_update(&Located::root(&new), &facts.of_update("", &old), &mut errors);
            });
            let summary = errors.summary();
            assert!(summary.contains(expected) && summary.len() >= expected.len(), "{from} {to}: {summary}");
            assert_eq!(errors.is_empty(), expected.is_empty(), "{from} {to}: {summary}");
        }
    }

    #[test]
    fn statuses_have_known_resources() {
        let status = r#""capacity":{"storage":"-1"},"allocatedResources":{"cpu":"1","x/y":"-1"},
            "allocatedResourceStatuses":{"storage":"X"}"#;
        let (claim, mut errors) = (claim("", status), Errors::new());
        with_facts(&InMemory::default(), |facts| {
            validate_status_update(&Located::root(&claim), facts, &mut errors);
        });
        let expected = "[resourceVersion: Required value, \
             status.capacity[storage]: Invalid value: -1: must be a valid resource quantity, \
             status.allocatedResourceStatuses: Unsupported value: \"storage\": supported values: \
             \"ControllerResizeInProgress\", \"ControllerResizeInfeasible\", \"NodeResizeInProgress\", \
             \"NodeResizeInfeasible\", \"NodeResizePending\", \
             status.allocatedResources: Unsupported value: \"cpu\": supported values: \"storage\", \
             status.allocatedResources[x/y]: Invalid value: -1: must be a valid resource quantity]";
        assert_eq!(errors.summary(), expected);
    }
}

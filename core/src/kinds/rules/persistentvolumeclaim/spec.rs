//! The spec of a claim, wherever it is.
//! k8s: pkg/apis/core/validation/validation.go ValidatePersistentVolumeClaimSpec, ValidatePersistentVolumeClaimTemplate

use crate::kinds::metadata::{validate_annotations, validate_labels};
use crate::kinds::rules::resource_names::validate_quantity;
use crate::kinds::validation::{Errors, Located, validate_label_selector};
use crate::value::names;

/// What a stored claim may keep although it would be refused today.
#[derive(Clone, Copy, Debug, Default)]
pub struct SpecRules {
    /// Values of labels in the selector that are none.
    pub old_label_values: bool,
    /// API groups of sources that are none.
    pub old_api_groups: bool,
}

const ACCESS_MODES: &[&str] = &["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];

/// Checks the spec of a new claim.
pub fn validate_claim_spec(spec: &Located<'_, '_>, rules: SpecRules, errors: &mut Errors) {
    let modes = spec.member("accessModes");
    if modes.is_empty() {
        errors.required(&modes, "at least 1 access mode is required");
    }
    validate_label_selector(&spec.member("selector"), rules.old_label_values, errors);
    validate_access_modes(&modes, errors);
    validate_storage(spec, errors);
    validate_class_name(&spec.member("storageClassName"), errors);
    let volume_mode = spec.member("volumeMode");
    if volume_mode.is_set() && !matches!(volume_mode.text(), "Block" | "Filesystem") {
        errors.not_supported(&volume_mode, &["Block", "Filesystem"]);
    }
    let (source, reference) = (spec.member("dataSource"), spec.member("dataSourceRef"));
    if source.is_set() {
        validate_source(&source, rules, errors);
    }
    if reference.is_set() {
        validate_source(&reference, rules, errors);
        let namespace = reference.member("namespace");
        if !namespace.is_empty() {
            errors.invalid_for_each(&namespace, namespace.text(), names::dns_label(namespace.text(), false));
        }
    }
    validate_same_source(spec, errors);
    validate_class_name(&spec.member("volumeAttributesClassName"), errors);
}

/// Checks the template of a claim that a volume of a pod describes: of its metadata only labels and annotations count.
pub fn validate_claim_template(template: &Located<'_, '_>, rules: SpecRules, errors: &mut Errors) {
    const REFUSED: &[(&str, &str)] = &[
        ("name", "name"),
        ("generateName", "generateName"),
        ("namespace", "namespace"),
        ("selfLink", "selfLink"),
        ("uid", "uID"),
        ("resourceVersion", "resourceVersion"),
        ("generation", "generation"),
        ("creationTimestamp", "creationTimestamp"),
        ("deletionTimestamp", "deletionTimestamp"),
        ("deletionGracePeriodSeconds", "deletionGracePeriodSeconds"),
        ("ownerReferences", "ownerReferences"),
        ("finalizers", "finalizers"),
        ("managedFields", "managedFields"),
    ];
    let metadata = template.member("metadata");
    validate_annotations(&metadata.member("annotations"), errors);
    validate_labels(&metadata.member("labels"), errors);
    for (field, shown) in REFUSED.iter().copied() {
        let held = metadata.member(field);
        let is_zero = held.value().is_none_or(|value| {
            value.as_str().is_some_and(str::is_empty) || (field == "generation" && value.as_int() == Some(0))
        });
        if !is_zero {
            errors.forbidden(&held.shown_as(shown), "cannot be set");
        }
    }
    validate_claim_spec(&template.member("spec"), rules, errors);
}

/// Upstream's paths name the list, and not which of its items is wrong.
fn validate_access_modes(modes: &Located<'_, '_>, errors: &mut Errors) {
    let (mut alone, mut others) = (false, false);
    for mode in modes.items() {
        if errors.is_full() {
            return;
        }
        match mode.text() {
            "ReadWriteOncePod" => alone = true,
            text if ACCESS_MODES.contains(&text) => others = true,
            _ => errors.not_supported_text(&mode.shown_at(modes), ACCESS_MODES),
        }
    }
    if alone && others {
        errors.forbidden(modes, "may not use ReadWriteOncePod with other access modes");
    }
}

fn validate_storage(spec: &Located<'_, '_>, errors: &mut Errors) {
    let resources = spec.member("resources");
    let place = resources.key("storage");
    let requests = resources.member("requests");
    let storage = requests.key("storage");
    let storage = storage.shown_at(&place);
    match storage.quantity() {
        None => errors.required(&storage, ""),
        Some(amount) if amount.signum() <= 0 => {
            errors.invalid_value(&storage, amount.canonical(), "must be greater than zero");
        }
        Some(_) => validate_quantity("storage", &storage, errors),
    }
}

fn validate_class_name(name: &Located<'_, '_>, errors: &mut Errors) {
    if !name.is_empty() {
        errors.invalid_for_each(name, name.text(), names::dns_subdomain(name.text(), false));
    }
}

fn validate_source(source: &Located<'_, '_>, rules: SpecRules, errors: &mut Errors) {
    for field in ["name", "kind"] {
        let held = source.member(field);
        if held.is_empty() {
            errors.required(&held, "");
        }
    }
    let (group, kind) = (source.member("apiGroup"), source.member("kind").text());
    if group.is_empty() && kind != "PersistentVolumeClaim" {
        errors.invalid_value(
            source,
            kind,
            "must be 'PersistentVolumeClaim' when referencing the default apiGroup",
        );
    }
    if !group.is_empty() && !rules.old_api_groups {
        errors.invalid_for_each(&group, group.text(), names::dns_subdomain(group.text(), false));
    }
}

/// The message shows a field path, which Go writes as an empty object.
fn validate_same_source(spec: &Located<'_, '_>, errors: &mut Errors) {
    let (source, reference) = (spec.member("dataSource"), spec.member("dataSourceRef"));
    if !source.is_set() || !reference.is_set() {
        return;
    }
    if !reference.member("namespace").is_empty() {
        errors.invalid_shown(spec, "{}", "may not be specified when dataSourceRef.namespace is specified");
        return;
    }
    let differs = |field: &'static str| source.member(field).text() != reference.member(field).text();
    let group_differs = source.member("apiGroup").value() != reference.member("apiGroup").value();
    if group_differs || differs("kind") || differs("name") {
        errors.invalid_shown(spec, "{}", "must match dataSourceRef");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;

    #[test]
    fn specs_have_upstreams_problems() {
        let table = [
            (
                "{}",
                "[accessModes: Required value: at least 1 access mode is required, resources[storage]: Required value]",
            ),
            (
                r#"{"accessModes":["ReadWriteOncePod","ReadOnlyMany"],"resources":{"requests":{"storage":"0"}}}"#,
                "[accessModes: Forbidden: may not use ReadWriteOncePod with other access modes, \
                 resources[storage]: Invalid value: \"0\": must be greater than zero]",
            ),
            (
                r#"{"accessModes":["X"],"resources":{"requests":{"storage":"1m"}},"volumeMode":"Y"}"#,
                "[accessModes: Unsupported value: \"X\": supported values: \"ReadOnlyMany\", \"ReadWriteMany\", \
                 \"ReadWriteOnce\", \"ReadWriteOncePod\", \
                 volumeMode: Unsupported value: \"Y\": supported values: \"Block\", \"Filesystem\"]",
            ),
            (
                r#"{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1"}},
                    "dataSource":{"kind":"PersistentVolumeClaim","name":"a"},
                    "dataSourceRef":{"kind":"PersistentVolumeClaim","name":"b"}}"#,
                ": Invalid value: {}: must match dataSourceRef",
            ),
        ];
        for (text, expected) in table {
            let spec = json::parse(text.as_bytes()).expect("JSON").value;
            let mut errors = Errors::new();
            validate_claim_spec(&Located::root(&spec), SpecRules::default(), &mut errors);
            assert_eq!(errors.summary(), expected, "{text}");
        }
    }

    #[test]
    fn templates_have_labels_and_annotations_alone() {
        let text = r#"{"metadata":{"labels":{"a":"b"},"annotations":{"a":"b"},"name":"x","uid":"u","generation":0},
            "spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1"}}}}"#;
        let template = json::parse(text.as_bytes()).expect("JSON").value;
        let mut errors = Errors::new();
        validate_claim_template(&Located::root(&template), SpecRules::default(), &mut errors);
        let expected = "[metadata.name: Forbidden: cannot be set, metadata.uID: Forbidden: cannot be set]";
        assert_eq!(errors.summary(), expected);
    }
}

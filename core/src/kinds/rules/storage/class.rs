//! StorageClasses and VolumeAttributesClasses.
//! k8s: pkg/apis/storage/validation/validation.go

use crate::kinds::Facts;
use crate::kinds::metadata::validate_built_in;
use crate::kinds::validation::{Errors, Located, validate_immutable_field, validate_immutable_text};
use crate::value::names::{dns_subdomain, label_key, qualified_name};
use alloc::collections::{BTreeMap, BTreeSet};

const MAX_PARAMETERS: usize = 512;
const PARAMETERS_BYTES: usize = 256 * 1024;

pub(super) fn validate(object: &Located<'_, '_>, _facts: &Facts<'_>, errors: &mut Errors) {
    validate_provisioner(&object.member("provisioner"), errors);
    validate_parameters(&object.member("parameters"), true, errors);
    let (policy, mode) = (object.member("reclaimPolicy"), object.member("volumeBindingMode"));
    if !policy.is_empty() && !matches!(policy.text(), "Delete" | "Retain") {
        errors.not_supported(&policy, &["Delete", "Retain"]);
    }
    if !mode.is_set() {
        errors.required(&mode, "");
    } else if !matches!(mode.text(), "Immediate" | "WaitForFirstConsumer") {
        errors.not_supported(&mode, &["Immediate", "WaitForFirstConsumer"]);
    }
    validate_topologies(&object.member("allowedTopologies"), errors);
}

pub(super) fn validate_update(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    let old = Located::root(facts.old);
    validate_built_in(object, false, dns_subdomain, errors);
    validate(object, facts, errors);
    validate_immutable_field(&object.member("parameters"), &old.member("parameters"), errors);
    validate_immutable_text(&object.member("provisioner"), &old.member("provisioner"), errors);
    for field in ["reclaimPolicy", "volumeBindingMode"] {
        validate_immutable_field(&object.member(field), &old.member(field), errors);
    }
}

pub(super) fn validate_attributes(object: &Located<'_, '_>, _facts: &Facts<'_>, errors: &mut Errors) {
    validate_provisioner(&object.member("driverName"), errors);
    validate_parameters(&object.member("parameters"), false, errors);
}

pub(super) fn validate_attributes_update(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    let old = Located::root(facts.old);
    for field in ["driverName", "parameters"] {
        let new = object.member(field);
        if new.value() != old.member(field).value() {
            errors.forbidden(&new, format_args!("updates to {field} are forbidden."));
        }
    }
    validate_built_in(object, false, dns_subdomain, errors);
    validate_attributes(object, facts, errors);
}

fn validate_provisioner(provisioner: &Located<'_, '_>, errors: &mut Errors) {
    if provisioner.is_empty() {
        errors.required(provisioner, "");
    } else {
        let lower = provisioner.text().to_lowercase();
        errors.invalid_for_each(provisioner, &lower, qualified_name(&lower));
    }
}

fn validate_parameters(parameters: &Located<'_, '_>, may_be_empty: bool, errors: &mut Errors) {
    if parameters.len() > MAX_PARAMETERS {
        errors.too_long(parameters, MAX_PARAMETERS);
        return;
    }
    let mut bytes = 0_usize;
    for (key, value) in parameters.entries() {
        if key.is_empty() {
            errors.invalid_value(parameters, key, "field can not be empty.");
        }
        bytes = bytes.saturating_add(key.len()).saturating_add(value.len());
    }
    if bytes > PARAMETERS_BYTES {
        errors.too_long(parameters, PARAMETERS_BYTES);
    }
    if !may_be_empty && parameters.is_empty() {
        errors.required(parameters, "must contain at least one key/value pair");
    }
}

/// Terms of which no two say the same. Upstream compares each with those before it and with an empty one for each of
/// the list, so that an empty term is a duplicate as often as the list is long.
fn validate_topologies(topologies: &Located<'_, '_>, errors: &mut Errors) {
    let mut seen: BTreeMap<BTreeMap<&str, BTreeSet<&str>>, usize> = BTreeMap::new();
    seen.insert(BTreeMap::new(), topologies.len());
    for term in topologies.items() {
        if errors.is_full() {
            return;
        }
        let expressions = term.member("matchLabelExpressions");
        let mut said: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for expression in expressions.items() {
            let (key, values) = (expression.member("key"), expression.member("values"));
            validate_values(&values, errors);
            errors.invalid_for_each(&key, key.text(), label_key(key.text()));
            let values = values.items().map(|value| value.text()).collect();
            if said.insert(key.text(), values).is_some() {
                errors.duplicate_value(&key, key.text());
            }
        }
        let times = seen.entry(said).or_default();
        for _ in 0..*times {
            if errors.is_full() {
                return;
            }
            errors.duplicate_value(&expressions, "");
        }
        *times += 1;
    }
}

fn validate_values(values: &Located<'_, '_>, errors: &mut Errors) {
    if values.is_empty() {
        errors.required(values, "");
    }
    let mut seen = BTreeSet::new();
    for value in values.items() {
        if errors.is_full() {
            return;
        }
        if !seen.insert(value.text()) {
            errors.duplicate_value(&value, value.text());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::rules::workload::given::problems;

    #[test]
    fn classes_of_storage_are_checked() {
        let table: &[(&str, Option<&str>, &str)] = &[
            (
                r#"{"provisioner":"Example.com/P","volumeBindingMode":"Immediate","reclaimPolicy":"Retain","allowedTopologies":[{"matchLabelExpressions":[{"key":"a","values":["b"]}]}]}"#,
                None,
                "",
            ),
            (
                r#"{"provisioner":"a","volumeBindingMode":"","reclaimPolicy":"Recycle","parameters":{"":"x"}}"#,
                None,
                r#"[parameters: Invalid value: "": field can not be empty., reclaimPolicy: Unsupported value: "Recycle": supported values: "Delete", "Retain", volumeBindingMode: Unsupported value: "": supported values: "Immediate", "WaitForFirstConsumer"]"#,
            ),
            (
                r#"{"provisioner":"a","volumeBindingMode":"Immediate","allowedTopologies":[{}]}"#,
                None,
                r#"allowedTopologies[0].matchLabelExpressions: Duplicate value: """#,
            ),
        ];
        for (object, old, wanted) in table {
            assert_eq!(problems(validate, object, *old), *wanted, "{object}");
        }
    }
}

//! CSIDrivers and CSIStorageCapacities.
//! k8s: pkg/apis/storage/validation/validation.go, pkg/registry/storage/csidriver/strategy.go

use crate::kinds::Facts;
use crate::kinds::metadata::validate_built_in;
use crate::kinds::validation::{
    Errors, IMMUTABLE, Located, validate_immutable_field, validate_label_selector,
    validate_quantity_nonnegative,
};
use crate::value::Value;
use crate::value::names::dns_subdomain;
use alloc::collections::BTreeSet;

/// Removes the field of a feature that this release has but does not turn on, unless the stored driver has it.
pub(super) fn drop_disabled_fields(object: &mut Value, facts: &Facts<'_>) {
    const FIELD: &[&str] = &["spec", "preventPodSchedulingIfMissing"];
    if facts.old.at(FIELD).is_none_or(Value::is_null) {
        object.remove_at(FIELD);
    }
}

pub(super) fn validate(object: &Located<'_, '_>, _facts: &Facts<'_>, errors: &mut Errors) {
    let spec = object.member("spec");
    let attach = spec.member("attachRequired").shown_as("attachedRequired");
    for truth in [attach, spec.member("podInfoOnMount"), spec.member("storageCapacity")] {
        if !truth.is_set() {
            errors.required(&truth, "");
        }
    }
    const POLICIES: &[&str] = &["File", "None", "ReadWriteOnceWithFSType"];
    let policy = spec.member("fsGroupPolicy");
    if policy.is_set() && !POLICIES.contains(&policy.text()) {
        errors.not_supported(&policy, POLICIES);
    }
    let tokens = spec.member("tokenRequests");
    validate_tokens(&tokens, errors);
    const MODES: &[&str] = &["Persistent", "Ephemeral"];
    let modes = spec.member("volumeLifecycleModes");
    for mode in modes.items().filter(|mode| !MODES.contains(&mode.text())) {
        errors.not_supported_value(&modes, mode.text(), MODES);
    }
    let mount = spec.member("seLinuxMount");
    if !mount.is_set() {
        errors.required(&mount, "");
    }
    let period = spec.member("nodeAllocatableUpdatePeriodSeconds");
    if period.int_if_set().is_some_and(|seconds| seconds < 10) {
        errors.invalid(&period, "must be greater than or equal to 10 seconds");
    }
    let secrets = spec.member("serviceAccountTokenInSecrets");
    if secrets.is_set() && tokens.is_empty() {
        errors.invalid(&secrets, "serviceAccountTokenInSecrets is set but no tokenRequests are specified");
    }
}

fn validate_tokens(tokens: &Located<'_, '_>, errors: &mut Errors) {
    let mut audiences = BTreeSet::new();
    for token in tokens.items() {
        if errors.is_full() {
            return;
        }
        let (audience, seconds) = (token.member("audience"), token.member("expirationSeconds"));
        if !audiences.insert(audience.text()) {
            errors.duplicate_value(&audience, audience.text());
            continue;
        }
        match seconds.int_if_set() {
            Some(..600) => errors.invalid(&seconds, "may not specify a duration less than 10 minutes"),
            Some(4_294_967_297..) => {
                errors.invalid(&seconds, "may not specify a duration larger than 2^32 seconds");
            }
            Some(_) | None => {}
        }
    }
}

pub(super) fn validate_update(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    validate(object, facts, errors);
    let (spec, old) = (object.member("spec"), Located::root(facts.old));
    let old = old.member("spec");
    let attach = spec.member("attachRequired").shown_as("attachedRequired");
    validate_immutable_field(&attach, &old.member("attachRequired"), errors);
    let modes = spec.member("volumeLifecycleModes");
    validate_immutable_field(&modes, &old.member("volumeLifecycleModes"), errors);
}

pub(super) fn validate_capacity(object: &Located<'_, '_>, _facts: &Facts<'_>, errors: &mut Errors) {
    validate_capacity_fields(object, false, errors);
}

/// `kept` lets label values pass that are none, which the stored object has.
fn validate_capacity_fields(object: &Located<'_, '_>, kept: bool, errors: &mut Errors) {
    validate_label_selector(&object.member("nodeTopology"), kept, errors);
    let (class, capacity) = (object.member("storageClassName"), object.member("capacity"));
    errors.invalid_for_each(&class, class.text(), dns_subdomain(class.text(), false));
    if capacity.is_set() {
        validate_quantity_nonnegative(&capacity, errors);
    }
}

pub(super) fn validate_capacity_update(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    let old = Located::root(facts.old);
    let mut held = Errors::new();
    validate_label_selector(&old.member("nodeTopology"), false, &mut held);
    validate_built_in(object, true, dns_subdomain, errors);
    validate_capacity_fields(object, !held.is_empty(), errors);
    let (topology, class) = (object.member("nodeTopology"), object.member("storageClassName"));
    validate_immutable_field(&topology, &old.member("nodeTopology"), errors);
    if class.text() != old.member("storageClassName").text() {
        errors.invalid_value(&class, class.text(), IMMUTABLE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::rules::workload::given::problems;

    #[test]
    fn drivers_are_checked() {
        let table: &[(&str, Option<&str>, &str)] = &[
            (
                r#"{"spec":{"attachRequired":true,"podInfoOnMount":false,"storageCapacity":false,"seLinuxMount":false,"nodeAllocatableUpdatePeriodSeconds":10,"tokenRequests":[{"audience":"a","expirationSeconds":600},{"expirationSeconds":4294967296}]}}"#,
                None,
                "",
            ),
            (
                r#"{"spec":{"podInfoOnMount":false,"storageCapacity":false,"seLinuxMount":false,"nodeAllocatableUpdatePeriodSeconds":9,"tokenRequests":[{"audience":"a","expirationSeconds":599},{"audience":"a"},{"expirationSeconds":4294967297}]}}"#,
                None,
                r#"[spec.attachedRequired: Required value, spec.tokenRequests[0].expirationSeconds: Invalid value: 599: may not specify a duration less than 10 minutes, spec.tokenRequests[1].audience: Duplicate value: "a", spec.tokenRequests[2].expirationSeconds: Invalid value: 4294967297: may not specify a duration larger than 2^32 seconds, spec.nodeAllocatableUpdatePeriodSeconds: Invalid value: 9: must be greater than or equal to 10 seconds]"#,
            ),
        ];
        for (object, old, wanted) in table {
            assert_eq!(problems(validate, object, *old), *wanted, "{object}");
        }
    }
}

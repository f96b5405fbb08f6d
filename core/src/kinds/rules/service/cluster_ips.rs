//! What the addresses of a service and their families must look like, and how they may change.
//! k8s: pkg/apis/core/validation/validation.go ValidateServiceClusterIPsRelatedFields,
//! validateUpgradeDowngradeClusterIPs, validateUpgradeDowngradeIPFamilies

use super::kind::{is_external_name, is_headless_by_addresses};
use crate::kinds::validation::{Errors, Located, validate_ip_for_legacy_field};
use crate::value::Value;
use crate::value::ip::SloppyIp;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::vec::Vec;

const ONCE_SET: &str = "may not change once set";
const POLICIES: [&str; 3] = ["PreferDualStack", "RequireDualStack", "SingleStack"];

/// Checks the fields on their own and against each other. It is also the first check when addresses are allocated.
pub(super) fn validate(service: &Located<'_, '_>, old: &Value, errors: &mut Errors) {
    let spec = service.member("spec");
    if spec.value().is_some_and(is_external_name) {
        return;
    }
    let (address, addresses) = (spec.member("clusterIP"), spec.member("clusterIPs"));
    if address.is_empty() {
        if !addresses.is_empty() {
            errors.invalid(&addresses, "must be empty when `clusterIP` is not specified");
        }
    } else if addresses.is_empty() {
        errors.required(&addresses, "");
    } else if addresses.index(0).text() != address.text() {
        errors.invalid(&addresses, "first value must match `clusterIP`");
    }
    validate_families(&spec, errors);
    let old = Located::root(old);
    let old_addresses = old.at(&["spec", "clusterIPs"]);
    let held: Vec<&str> = old_addresses.items().map(|address| address.text()).collect();
    let mut is_sound = true;
    for (index, address) in addresses.items().enumerate() {
        if errors.is_full() {
            return;
        }
        if index == 0 && address.text() == "None" {
            if addresses.items().len() > 1 {
                is_sound = false;
                errors.invalid(&addresses, "'None' must be the first and only value");
            }
            continue;
        }
        let before = errors.len();
        validate_ip_for_legacy_field(&address, &held, errors);
        is_sound &= errors.len() == before;
    }
    if addresses.items().len() > 2 {
        errors.invalid(&addresses, "may only hold up to 2 values");
    }
    if is_sound {
        validate_stacks(&spec, errors);
    }
}

fn validate_families(spec: &Located<'_, '_>, errors: &mut Errors) {
    let mut seen = BTreeSet::new();
    for family in spec.member("ipFamilies").items() {
        if errors.is_full() {
            return;
        }
        if !matches!(family.text(), "IPv4" | "IPv6") {
            errors.not_supported_text(&family, &["IPv4", "IPv6"]);
        }
        if !seen.insert(family.text()) {
            errors.duplicate(&family);
        }
    }
    let policy = spec.member("ipFamilyPolicy");
    if policy.is_set() && !POLICIES.contains(&policy.text()) {
        errors.not_supported_text(&policy, &POLICIES);
    }
}

/// At most one address of each family, each of the family that is named for it.
fn validate_stacks(spec: &Located<'_, '_>, errors: &mut Errors) {
    let (addresses, families) = (spec.member("clusterIPs"), spec.member("ipFamilies"));
    let of: Vec<bool> = addresses.items().map(|address| is_ipv6(address.text())).collect();
    if of.len() > 1 && !(of.contains(&true) && of.contains(&false)) {
        errors.invalid(&addresses, "may specify no more than one IP for each IP family");
    }
    if spec.value().is_some_and(is_headless_by_addresses) {
        return;
    }
    for (index, (address, family)) in addresses.items().zip(families.items()).enumerate() {
        let expected = match family.text() {
            "IPv4" if is_ipv6(address.text()) => "IPv4",
            "IPv6" if !is_ipv6(address.text()) => "IPv6",
            _ => continue,
        };
        errors
            .invalid(&address, format!("expected an {expected} value as indicated by `ipFamilies[{index}]`"));
    }
}

pub(super) fn is_ipv6(text: &str) -> bool {
    SloppyIp::parse(text).is_some_and(|address| address.is_ipv6())
}

/// The first address and family stay as they are; a second one may come, or go if the policy says so. All of them may
/// change with the type, to and from a name outside the cluster.
pub(super) fn validate_update(service: &Located<'_, '_>, old: &Value, errors: &mut Errors) {
    let old = Located::root(old);
    let (spec, old_spec) = (service.member("spec"), old.member("spec"));
    let both = [&spec, &old_spec];
    if both.iter().any(|spec| spec.value().is_some_and(is_external_name)) {
        return;
    }
    let [headless, was_headless] = both.map(|spec| spec.value().is_some_and(is_headless_by_addresses));
    if !(headless && was_headless) {
        validate_addresses_update(&spec, &old_spec, errors);
    }
    if !headless && !was_headless {
        validate_families_update(&spec, &old_spec, errors);
    }
}

fn validate_addresses_update(spec: &Located<'_, '_>, old: &Located<'_, '_>, errors: &mut Errors) {
    let (new, old) = (spec.member("clusterIPs"), old.member("clusterIPs"));
    let (count, old_count) = (new.items().len(), old.items().len());
    if count == old_count {
        for (address, held) in new.items().zip(old.items()) {
            if address.text() != held.text() {
                errors.invalid(&new.shown_at(&address), ONCE_SET);
            }
        }
        return;
    }
    let first = new.index(0);
    if old_count > count && count == 0 {
        errors.invalid(&new.shown_at(&first), "primary clusterIP can not be unset");
    }
    if old_count > 0 && count > 0 && first.text() != old.index(0).text() {
        errors.invalid(&new.shown_at(&first), ONCE_SET);
    }
    let policy = spec.member("ipFamilyPolicy");
    if old_count > count && count == 1 && policy.text() != "SingleStack" {
        errors.invalid(&policy, "must be set to 'SingleStack' when releasing the secondary clusterIP");
    }
}

fn validate_families_update(spec: &Located<'_, '_>, old: &Located<'_, '_>, errors: &mut Errors) {
    let (new, old) = (spec.member("ipFamilies"), old.member("ipFamilies"));
    let addresses = spec.member("clusterIPs");
    let first = new.index(0);
    let (count, old_count) = (new.items().len(), old.items().len());
    if count == old_count {
        for (family, held) in new.items().zip(old.items()) {
            if family.text() != held.text() {
                errors.invalid(&new.shown_at(&first), ONCE_SET);
            }
        }
        return;
    }
    if old_count > count && addresses.is_empty() {
        errors.invalid(&new.shown_at(&first), "primary ipFamily can not be unset");
    }
    // Upstream shows the addresses here.
    if old_count > 0 && count > 0 && first.text() != old.index(0).text() {
        errors.invalid(&addresses.shown_at(&first), ONCE_SET);
    }
    let policy = spec.member("ipFamilyPolicy");
    if old_count > count && count == 1 && policy.text() != "SingleStack" {
        errors.invalid(&policy, "must be set to 'SingleStack' when releasing the secondary ipFamily");
    }
}

//! Names of resources, and which amounts of them there can be.
//! k8s: pkg/apis/core/helper/helpers.go, pkg/apis/core/validation/validation.go

use crate::kinds::validation::{Errors, Located};
use crate::value::names;
use crate::value::quantity::Quantity;
use alloc::format;
use core::cmp::Ordering;

/// Resources that the system counts, beside huge pages.
const STANDARD: &[&str] = &[
    "cpu",
    "memory",
    "ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "storage",
    "requests.storage",
    "services.nodeports",
    "services.loadbalancers",
];

/// Of those, the objects, which are counted in whole numbers.
const OBJECTS: &[&str] = &[
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "services.nodeports",
    "services.loadbalancers",
];

const HUGE_PAGES: &str = "hugepages-";

pub(super) fn is_huge_pages(name: &str) -> bool {
    name.starts_with(HUGE_PAGES)
}

fn is_huge_pages_of_quota(name: &str) -> bool {
    is_huge_pages(name.strip_prefix("requests.").unwrap_or(name))
}

/// A resource of Kubernetes itself: without a prefix, or with one of kubernetes.io.
pub(crate) fn is_native(name: &str) -> bool {
    !name.contains('/') || name.contains("kubernetes.io/")
}

/// A resource that somebody else has brought.
pub(crate) fn is_extended(name: &str) -> bool {
    !is_native(name)
        && !name.starts_with("requests.")
        && names::qualified_name(&format!("requests.{name}")).is_empty()
}

/// A resource of which more may be promised than there is.
pub(super) fn is_overcommit_allowed(name: &str) -> bool {
    is_native(name) && !is_huge_pages(name)
}

fn is_standard(name: &str) -> bool {
    STANDARD.contains(&name) || is_huge_pages_of_quota(name)
}

/// A resource that a quota can limit by itself.
pub(super) fn is_standard_for_quota(name: &str) -> bool {
    (STANDARD.contains(&name) && name != "storage") || is_huge_pages_of_quota(name)
}

fn is_standard_for_containers(name: &str) -> bool {
    matches!(name, "cpu" | "memory" | "ephemeral-storage") || is_huge_pages(name)
}

/// Any resource. False with an error.
/// k8s: pkg/apis/core/validation/validation.go validateResourceName
pub(super) fn validate_resource_name(name: &str, place: &Located<'_, '_>, errors: &mut Errors) -> bool {
    let problems = names::qualified_name(name);
    if !problems.is_empty() {
        errors.invalid_for_each(place, name, problems);
        return false;
    }
    let good = name.contains('/') || is_standard(name);
    if !good {
        errors.invalid_value(place, name, "must be a standard resource type or fully qualified");
    }
    good
}

/// A resource that a container can have.
pub(super) fn validate_container_resource_name(name: &str, place: &Located<'_, '_>, errors: &mut Errors) {
    validate_resource_name(name, place, errors);
    if !name.contains('/') {
        if !is_standard_for_containers(name) {
            errors.invalid_value(place, name, "must be a standard resource for containers");
        }
    } else if !is_native(name) && !is_extended(name) {
        errors.invalid_value(place, name, "doesn't follow extended resource name standard");
    }
}

/// A resource that a quota can limit.
pub(super) fn validate_quota_resource_name(name: &str, place: &Located<'_, '_>, errors: &mut Errors) {
    validate_resource_name(name, place, errors);
    if !name.contains('/') && !is_standard_for_quota(name) {
        errors.invalid_value(place, name, "must be a standard resource for quota");
    }
}

/// An amount of a resource: not negative, and whole where only whole ones are.
/// k8s: pkg/apis/core/validation/validation.go ValidateResourceQuantityValue
pub(super) fn validate_quantity(resource: &str, amount: &Located<'_, '_>, errors: &mut Errors) {
    let Some(held) = amount.quantity() else { return };
    if held.signum() < 0 {
        errors.invalid_value(amount, held.canonical(), "must be greater than or equal to 0");
    }
    if (OBJECTS.contains(&resource) || is_extended(resource)) && !is_whole(&held) {
        errors.invalid(amount, "must be an integer");
    }
}

/// Whole when thousandths are counted, which upstream counts by rounding up.
fn is_whole(amount: &Quantity) -> bool {
    let (mut milli, mut whole) = (amount.clone(), amount.clone());
    milli.round_up(-3);
    whole.round_up(0);
    milli.compare(&whole) == Ordering::Equal
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;

    #[test]
    fn names_and_amounts() {
        type Check = fn(&str, &Located<'_, '_>, &mut Errors);
        let name: Check = |name, place, errors| {
            validate_resource_name(name, place, errors);
        };
        let table: &[(Check, &str, &str, &str)] = &[
            (name, "cpu", "1", ""),
            (name, "hugepages-2Mi", "1", ""),
            (name, "requests.hugepages-2Mi", "1", ""),
            (name, "gpu", "1", "must be a standard resource type or fully qualified"),
            (name, "x.y/gpu", "1", ""),
            (validate_container_resource_name, "pods", "1", "must be a standard resource for containers"),
            (
                validate_container_resource_name,
                "requests.x/y",
                "1",
                "doesn't follow extended resource name standard",
            ),
            (validate_container_resource_name, "x.kubernetes.io/y", "1", ""),
            (validate_quota_resource_name, "storage", "1", "must be a standard resource for quota"),
            (validate_quota_resource_name, "requests.storage", "1", ""),
            (validate_quantity, "cpu", "-1", "must be greater than or equal to 0"),
            (validate_quantity, "cpu", "1m", ""),
            (validate_quantity, "pods", "1500m", "must be an integer"),
            (validate_quantity, "x/y", "1500m", "must be an integer"),
            (validate_quantity, "x/y", "0", ""),
        ];
        for (check, name, amount, problem) in table {
            let (amount, mut errors) = (Value::from(*amount), Errors::new());
            check(name, &Located::root(&amount), &mut errors);
            assert_eq!(errors.is_empty(), problem.is_empty(), "{name}: {}", errors.summary());
            assert!(errors.summary().contains(problem), "{name}: {}", errors.summary());
        }
    }
}

//! The resource claims that were made for a pod.

use super::validation::{validate_dns_label, validate_dns_subdomain};
use crate::kinds::validation::{Errors, Located};
use alloc::collections::BTreeSet;

pub(super) fn validate(status: &Located<'_, '_>, spec: &Located<'_, '_>, errors: &mut Errors) {
    let (claims, statuses) = (spec.member("resourceClaims"), status.member("resourceClaimStatuses"));
    let known: BTreeSet<&str> = claims.items().map(|claim| claim.member("name").text()).collect();
    let mut seen = BTreeSet::new();
    for status in statuses.items() {
        if errors.is_full() {
            return;
        }
        let (name, claim) = (status.member("name"), status.member("resourceClaimName"));
        if !known.contains(name.text()) {
            let detail = "must match the name of an entry in `spec.resourceClaims`";
            errors.invalid_value(&name, name.text(), detail);
        }
        if !seen.insert(name.text()) {
            errors.duplicate_value(&name, name.text());
        }
        if claim.is_set() {
            validate_dns_subdomain(&claim, errors);
        }
    }
    let extended = status.member("extendedResourceClaimStatus");
    if extended.is_set() {
        validate_extended(&extended, spec, errors);
    }
}

/// The claim that stands behind extended resources.
fn validate_extended(status: &Located<'_, '_>, spec: &Located<'_, '_>, errors: &mut Errors) {
    const NO_CONTAINER: &str =
        "must match the name of an entry in spec.initContainers.name or spec.containers.name";
    const NO_RESOURCE: &str = "must match the extended resource name of an entry in \
        spec.initContainers.resources.requests or spec.containers.resources.requests";
    let mappings = status.member("requestMappings");
    if mappings.is_empty() {
        errors.required(&mappings, "at least one request mapping is required");
    }
    let (first, others) = (spec.member("initContainers"), spec.member("containers"));
    let shown = status.member("requestName");
    let mut seen = BTreeSet::new();
    for mapping in mappings.items() {
        if errors.is_full() {
            return;
        }
        let (name, resource) = (mapping.member("containerName"), mapping.member("resourceName"));
        let request = mapping.member("requestName");
        let mut containers = first.items().chain(others.items()).rev();
        match containers.find(|container| container.member("name").text() == name.text()) {
            None => errors.invalid_value(&name, name.text(), NO_CONTAINER),
            Some(container) => {
                if !container.at(&["resources", "requests"]).key(resource.text()).is_set() {
                    errors.invalid_value(&resource, resource.text(), NO_RESOURCE);
                }
            }
        }
        validate_dns_label(&request.shown_at(&shown), errors);
        if !seen.insert((name.text(), resource.text(), request.text())) {
            for field in [name, resource, request] {
                errors.duplicate_value(&field, field.text());
            }
        }
    }
    let claim = status.member("resourceClaimName");
    if claim.is_empty() {
        errors.required(&claim, "");
    } else {
        validate_dns_subdomain(&claim, errors);
    }
}

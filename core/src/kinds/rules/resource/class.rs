//! Classes of devices.
//! k8s: pkg/apis/resource/validation/validation.go ValidateDeviceClass

use super::claim::MAX_CONFIGURATIONS;
use super::configuration::{validate_configuration, validate_selectors};
use super::naming::is_short;
use crate::kinds::Facts;
use crate::kinds::metadata::validate_built_in;
use crate::kinds::validation::{Errors, Located};
use crate::value::names::{dns_subdomain, qualified_name};
use alloc::format;

/// The facts of an update hold the class as it was, whose parameters may stay as they are.
pub(super) fn validate_class(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    let (spec, old) = (object.member("spec"), Located::root(facts.old));
    validate_selectors(&spec.member("selectors"), errors);
    let configurations = spec.member("config");
    let stored = !facts.is_create() && configurations.value() == old.at(&["spec", "config"]).value();
    if is_short(&configurations, MAX_CONFIGURATIONS, errors) {
        for configuration in configurations.items() {
            validate_configuration(&configuration, stored, errors);
        }
    }
    let extended = spec.member("extendedResourceName");
    if extended.is_set() && !is_extended_resource(extended.text()) {
        errors.invalid_value(&extended, extended.text(), "must be a valid extended resource name");
    }
}

pub(super) fn validate_class_update(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    validate_built_in(object, false, dns_subdomain, errors);
    validate_class(object, facts, errors);
}

/// k8s: pkg/apis/core/v1/helper/helpers.go IsExtendedResourceName
fn is_extended_resource(name: &str) -> bool {
    let native = !name.contains('/') || name.contains("kubernetes.io/");
    !native && !name.starts_with("requests.") && qualified_name(&format!("requests.{name}")).is_empty()
}

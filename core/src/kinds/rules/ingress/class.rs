//! IngressClasses.
//! k8s: pkg/apis/networking/validation/validation.go ValidateIngressClass

use crate::kinds::Facts;
use crate::kinds::metadata::validate_built_in;
use crate::kinds::validation::{Errors, Located, validate_domain_prefixed_path, validate_immutable_text};
use crate::value::names::{dns_label, dns_subdomain, path_segment};

const CONTROLLER_BYTES: usize = 250;

pub(super) fn validate(object: &Located<'_, '_>, _facts: &Facts<'_>, errors: &mut Errors) {
    let spec = object.member("spec");
    let controller = spec.member("controller");
    if controller.len() > CONTROLLER_BYTES {
        errors.too_long(&controller, CONTROLLER_BYTES);
    }
    validate_domain_prefixed_path(&controller, errors);
    let parameters = spec.member("parameters");
    if !parameters.is_set() {
        return;
    }
    validate_reference(&parameters, errors);
    let (scope, namespace) = (parameters.member("scope"), parameters.member("namespace"));
    match scope.text() {
        _ if !scope.is_set() => errors.required(&scope, ""),
        "Namespace" if !namespace.is_set() => {
            errors.required(&namespace, "`parameters.scope` is set to 'Namespace'");
        }
        "Namespace" => {
            errors.invalid_for_each(&namespace, namespace.text(), dns_label(namespace.text(), false));
        }
        "Cluster" if namespace.is_set() => {
            errors.forbidden(&namespace, "`parameters.scope` is set to 'Cluster'");
        }
        "Cluster" => {}
        _ => errors.not_supported_text(&scope, &["Cluster", "Namespace"]),
    }
}

pub(super) fn validate_update(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    let old = Located::root(facts.old);
    let controller = object.at(&["spec", "controller"]);
    validate_immutable_text(&controller, &old.at(&["spec", "controller"]), errors);
    validate_built_in(object, false, dns_subdomain, errors);
    validate(object, facts, errors);
}

/// A reference to an object of any kind.
pub(super) fn validate_reference(reference: &Located<'_, '_>, errors: &mut Errors) {
    let group = reference.member("apiGroup");
    if group.is_set() {
        errors.invalid_for_each(&group, group.text(), dns_subdomain(group.text(), false));
    }
    for field in ["kind", "name"] {
        let text = reference.member(field);
        if text.is_empty() {
            errors.required(&text, "");
        } else {
            errors.invalid_for_each(&text, text.text(), path_segment(text.text(), false));
        }
    }
}

//! What a claim asks for: requests, constraints among their devices, and parameters.
//! k8s: pkg/apis/resource/validation/validation.go

use super::configuration::{validate_configuration, validate_selectors};
use super::naming::{
    is_short, validate_attribute_name, validate_class_name, validate_label_as_name, validate_unique,
    validate_unique_texts,
};
use super::toleration::validate_tolerations;
use crate::kinds::Facts;
use crate::kinds::metadata::{validate_annotations, validate_built_in, validate_labels};
use crate::kinds::validation::{Errors, IMMUTABLE, Located, internal_json};
use crate::value::names::dns_subdomain;
use crate::value::{object, quoted};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;

pub(super) const MAX_REQUESTS: usize = 32;
pub(super) const MAX_CONFIGURATIONS: usize = 32;
const MAX_CONSTRAINTS: usize = 32;
const MAX_ALTERNATIVES: usize = 8;

/// The label of namespaces in which claims may ask for access beside the users of a device.
const ADMIN_LABEL: &str = "resource.kubernetes.io/admin-access";

/// The requests of a claim by their names, each with those of its alternatives.
pub(super) struct RequestNames<'v>(BTreeMap<&'v str, BTreeSet<&'v str>>);

impl<'v> RequestNames<'v> {
    pub(super) fn of(requests: &Located<'v, '_>) -> Self {
        let alternatives = |request: &Located<'v, '_>| {
            request.member("firstAvailable").items().map(|item| item.member("name").text()).collect()
        };
        Self(requests.items().map(|item| (item.member("name").text(), alternatives(&item))).collect())
    }

    fn has(&self, name: &str) -> bool {
        match name.split_once('/') {
            None => self.0.contains_key(name),
            Some((request, alternative)) => {
                self.0.get(request).is_some_and(|alternatives| alternatives.contains(alternative))
            }
        }
    }

    /// A reference to a request, or to one of its alternatives.
    pub(super) fn validate_reference(&self, at: &Located<'_, '_>, errors: &mut Errors) {
        const DETAIL: &str = "must be the name of a request in the claim or the name of a request and a subrequest \
                              separated by '/'";
        let name = at.text();
        if name.split('/').count() > 2 {
            errors.invalid_value(at, name, DETAIL);
            return;
        }
        for part in name.split('/') {
            let part = part.into();
            validate_label_as_name(&Located::root(&part).shown_at(at), errors);
        }
        if !self.has(name) {
            errors.invalid_value(at, name, DETAIL);
        }
    }

    pub(super) fn validate_references(&self, references: &Located<'_, '_>, errors: &mut Errors) {
        if !is_short(references, MAX_REQUESTS, errors) {
            return;
        }
        references.items().for_each(|reference| self.validate_reference(&reference, errors));
        validate_unique_texts(references, errors);
    }
}

pub(super) fn validate_claim(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    let requests = object.at(&["spec", "devices", "requests"]);
    validate_admin_access(object, &requests, facts, errors);
    validate_spec(&object.member("spec"), errors);
}

pub(super) fn validate_template(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    let spec = object.member("spec");
    validate_admin_access(object, &spec.at(&["spec", "devices", "requests"]), facts, errors);
    validate_template_spec(object, errors);
}

fn validate_template_spec(object: &Located<'_, '_>, errors: &mut Errors) {
    let spec = object.member("spec");
    let metadata = spec.member("metadata");
    validate_annotations(&metadata.member("annotations"), errors);
    validate_labels(&metadata.member("labels"), errors);
    const UNSUPPORTED: &[&str] = &[
        "name",
        "generateName",
        "namespace",
        "selfLink",
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "ownerReferences",
        "finalizers",
        "managedFields",
    ];
    for field in UNSUPPORTED.iter().copied() {
        let held = metadata.member(field);
        if held.is_set() && (held.int_if_set().is_some() || !held.is_empty()) {
            let shown = if field == "uid" { held.shown_as("uID") } else { held };
            errors.forbidden(&shown, "cannot be set");
        }
    }
    validate_spec(&spec.member("spec"), errors);
}

/// What is asked for never changes.
pub(super) fn validate_claim_update(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    validate_built_in(object, true, dns_subdomain, errors);
    validate_immutable_spec(object, facts, "ResourceClaimSpec", errors);
}

pub(super) fn validate_template_update(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    validate_built_in(object, true, dns_subdomain, errors);
    validate_template_spec(object, errors);
    validate_immutable_spec(object, facts, "ResourceClaimTemplateSpec", errors);
}

/// `internal` is what Go calls the type of the spec.
fn validate_immutable_spec(object: &Located<'_, '_>, facts: &Facts<'_>, internal: &str, errors: &mut Errors) {
    let (spec, old) = (object.member("spec"), Located::root(facts.old));
    if spec.value() != old.member("spec").value() {
        errors.invalid_shown(&spec, &internal_json(internal, spec.value()), IMMUTABLE);
    }
}

/// Access beside the users of a device is for namespaces that are meant for it.
/// k8s: pkg/registry/resource/authorization.go AuthorizedForAdmin
fn validate_admin_access(
    object: &Located<'_, '_>,
    requests: &Located<'_, '_>,
    facts: &Facts<'_>,
    errors: &mut Errors,
) {
    let Some(index) = requests.items().position(|item| item.at(&["exactly", "adminAccess"]).bool()) else {
        return;
    };
    let shown = object.at(&["spec", "devices", "requests"]);
    let request = shown.index(index);
    validate_admin_namespace(object, &request.member("adminAccess"), facts, errors);
}

/// The namespace of an object must be marked as one for administrators.
pub(super) fn validate_admin_namespace(
    object: &Located<'_, '_>,
    at: &Located<'_, '_>,
    facts: &Facts<'_>,
    errors: &mut Errors,
) {
    let name = object.at(&["metadata", "namespace"]).text();
    let Some(namespace) = facts.objects.get("", "namespaces", "", name) else {
        let detail = format!(
            "could not retrieve namespace to verify admin access: namespaces {} not found",
            quoted(name)
        );
        errors.internal(at, detail);
        return;
    };
    if object::label(&namespace, ADMIN_LABEL) != Some("true") {
        let detail = "admin access to devices requires the `resource.kubernetes.io/admin-access: true` label on the \
                      containing namespace";
        errors.forbidden(at, detail);
    }
}

fn validate_spec(spec: &Located<'_, '_>, errors: &mut Errors) {
    let devices = spec.member("devices");
    let requests = devices.member("requests");
    let names = RequestNames::of(&requests);
    if is_short(&requests, MAX_REQUESTS, errors) {
        for request in requests.items() {
            validate_request(&request, errors);
        }
        validate_unique(&requests, "name", errors);
    }
    let constraints = devices.member("constraints");
    if is_short(&constraints, MAX_CONSTRAINTS, errors) {
        for constraint in constraints.items() {
            validate_constraint(&constraint, &names, errors);
        }
    }
    let configurations = devices.member("config");
    if is_short(&configurations, MAX_CONFIGURATIONS, errors) {
        for configuration in configurations.items() {
            names.validate_references(&configuration.member("requests"), errors);
            validate_configuration(&configuration, false, errors);
        }
    }
}

fn validate_request(request: &Located<'_, '_>, errors: &mut Errors) {
    validate_label_as_name(&request.member("name"), errors);
    let (exactly, alternatives) = (request.member("exactly"), request.member("firstAvailable"));
    match (exactly.is_set(), !alternatives.is_empty()) {
        (false, false) => {
            errors.required(request, "exactly one of `exactly` or `firstAvailable` is required");
        }
        (true, true) => errors.invalid_shown(
            request,
            "null",
            "exactly one of `exactly` or `firstAvailable` is required, but multiple fields are set",
        ),
        (true, false) => validate_exact_request(&exactly, errors),
        (false, true) => {
            if is_short(&alternatives, MAX_ALTERNATIVES, errors) {
                for alternative in alternatives.items() {
                    validate_label_as_name(&alternative.member("name"), errors);
                    validate_exact_request(&alternative, errors);
                }
                validate_unique(&alternatives, "name", errors);
            }
        }
    }
}

/// What a request and an alternative have in common.
fn validate_exact_request(request: &Located<'_, '_>, errors: &mut Errors) {
    validate_class_name(&request.member("deviceClassName"), errors);
    validate_selectors(&request.member("selectors"), errors);
    let (mode, count) = (request.member("allocationMode"), request.member("count"));
    match mode.text() {
        "All" if count.int() != 0 => {
            errors.invalid(&count, "must not be specified when allocationMode is 'All'");
        }
        "All" => {}
        "ExactCount" if count.int() <= 0 => {
            errors.invalid_value(&count, count.int(), "must be greater than zero");
        }
        "ExactCount" => {}
        _ => errors.not_supported_text(&mode, &["All", "ExactCount"]),
    }
    validate_tolerations(&request.member("tolerations"), errors);
}

fn validate_constraint(constraint: &Located<'_, '_>, names: &RequestNames<'_>, errors: &mut Errors) {
    names.validate_references(&constraint.member("requests"), errors);
    let (same, distinct) = (constraint.member("matchAttribute"), constraint.member("distinctAttribute"));
    if same.is_set() {
        validate_attribute_name(&same, errors);
    } else if distinct.is_set() {
        validate_attribute_name(&distinct, errors);
    } else {
        let detail = "exactly one of \"matchAttribute\" or \"distinctAttribute\" is required, but multiple fields \
                      are set";
        errors.required(constraint, detail);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::rules::workload::given::problems;

    #[test]
    fn requests_constraints_and_parameters_are_checked() {
        let table: &[(&str, Option<&str>, &str)] = &[
            (
                r#"{"spec":{"devices":{"requests":[{"name":"r","exactly":{"deviceClassName":"c","allocationMode":"ExactCount","count":1}}],"constraints":[{"requests":["r"],"matchAttribute":"a.b/c"}],"config":[{"requests":["r"],"opaque":{"driver":"d","parameters":{}}}]}}}"#,
                None,
                "",
            ),
            (
                r#"{"spec":{"devices":{"requests":[{"name":"r"},{"name":"r","exactly":{"deviceClassName":"c","allocationMode":"ExactCount"}}],"constraints":[{"requests":["x"]}],"config":[{}]}}}"#,
                None,
                r#"[spec.devices.requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is required, spec.devices.requests[1].exactly.count: Invalid value: 0: must be greater than zero, spec.devices.requests[1]: Duplicate value: "r", spec.devices.constraints[0].requests[0]: Invalid value: "x": must be the name of a request in the claim or the name of a request and a subrequest separated by '/', spec.devices.constraints[0]: Required value: exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set, spec.devices.config[0].opaque: Required value]"#,
            ),
        ];
        for (object, old, wanted) in table {
            assert_eq!(problems(validate_claim, object, *old), *wanted, "{object}");
        }
    }
}

//! RuntimeClasses.
//! k8s: pkg/registry/node/runtimeclass/strategy.go, pkg/apis/node/validation/validation.go

use super::pod::validation::{validate_resource_requirements, validate_tolerations};
use super::warnings;
use crate::kinds::metadata::{self, validate_labels};
use crate::kinds::validation::{Errors, Located, internal_json, validate_immutable_text};
use crate::kinds::{Facts, Rules, Strategy};
use crate::value::names::{dns_label, dns_subdomain};
use crate::value::{Map, Value};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

pub static RULES: Rules = Rules {
    validate,
    warnings_on_create: warn,
    update: Strategy { validate_update, warnings_on_update: warn, ..Strategy::PLAIN },
    allow_create_on_update: true,
    allow_unconditional_update: false,
    standard_finalizers: false,
    ..Rules::PLAIN
};

/// k8s: pkg/api/node/util.go
fn warn(object: &Located<'_, '_>, _facts: &Facts<'_>, warnings: &mut Vec<String>) {
    let selector = object.at(&["scheduling", "nodeSelector"]);
    let replaced = warnings::node_label::keys(&selector);
    warnings.extend(replaced.map(|(_, message)| format!("{selector}: {message}")));
}

fn validate(object: &Located<'_, '_>, _facts: &Facts<'_>, errors: &mut Errors) {
    let handler = object.member("handler");
    if handler.is_empty() {
        errors.required(&handler, "");
    } else {
        errors.invalid_for_each(&handler, handler.text(), dns_label(handler.text(), false));
    }
    let (overhead, scheduling) = (object.member("overhead"), object.member("scheduling"));
    if overhead.is_set() {
        // The amounts are checked as the limits of a container are, and are called that.
        let mut resources = Map::new();
        if let Some(amounts) = overhead.member("podFixed").value() {
            resources.insert("limits", amounts.clone());
        }
        let resources = Value::map(resources);
        validate_resource_requirements(&Located::root(&resources).shown_at(&overhead), errors);
    }
    validate_labels(&scheduling.member("nodeSelector"), errors);
    let tolerations = scheduling.member("tolerations");
    validate_tolerations(&tolerations, false, errors);
    let mut seen = BTreeSet::new();
    for toleration in tolerations.items() {
        if errors.is_full() {
            return;
        }
        let identity = ["key", "operator", "value", "effect"].map(|field| toleration.member(field).text());
        if !seen.insert(identity) {
            errors.duplicate_shown(&toleration, &internal_json("Toleration", toleration.value()));
        }
    }
}

fn validate_update(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    let old = Located::root(facts.old);
    metadata::validate(object, false, dns_subdomain, errors);
    validate(object, facts, errors);
    validate_immutable_text(&object.member("handler"), &old.member("handler"), errors);
}

//! The ephemeral containers of a pod, which are added to it while it runs.
//! k8s: pkg/registry/core/pod/strategy.go, pkg/apis/core/validation/validation.go ValidatePodEphemeralContainersUpdate

use super::super::status;
use crate::kinds::validation::{Errors, Located};
use crate::kinds::{Facts, ResetFields, Strategy};
use crate::value::Value;
use crate::value::quoted;

pub(super) const STRATEGY: Strategy = Strategy {
    prepare_for_update,
    validate_update,
    reset_fields: ResetFields::AllBut(&[&["spec", "ephemeralContainers"]]),
    ..Strategy::PLAIN
};

/// Of metadata only `managedFields` are taken.
fn prepare_for_update(object: &mut Value, facts: &Facts<'_>) {
    let mut out = facts.old.clone();
    status::take_metadata(&mut out, object, facts.old, status::METADATA);
    out.take(object, &["spec", "ephemeralContainers"]);
    *object = out;
}

/// Ephemeral containers are added, and never change or go.
fn validate_update(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    let containers = object.at(&["spec", "ephemeralContainers"]);
    for held in Located::root(facts.old).at(&["spec", "ephemeralContainers"]).items() {
        let name = held.member("name").text();
        let what = match containers.items().rfind(|new| new.member("name").text() == name) {
            None => "removed",
            Some(new) if new.value() != held.value() => "changed",
            Some(_) => continue,
        };
        let name = quoted(name);
        errors
            .forbidden(&containers, format_args!("existing ephemeral containers {name} may not be {what}\n"));
    }
}

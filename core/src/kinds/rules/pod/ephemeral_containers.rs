//! The ephemeral containers of a pod, which are added to it while it runs.
//! k8s: pkg/registry/core/pod/strategy.go, pkg/apis/core/validation/validation.go ValidatePodEphemeralContainersUpdate

use super::super::status;
use super::validation::{MIRROR, validate_metadata_and_spec};
use super::{disabled, update};
use crate::kinds::validation::{Errors, Located, internal_diff, semantically_equal};
use crate::kinds::{Facts, ResetFields, Strategy};
use crate::value::Value;
use crate::value::quoted;
use alloc::format;
use alloc::string::String;

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
    disabled::drop_disabled_fields(&mut out, facts.old);
    *object = out;
}

/// Ephemeral containers are added, and never change or go.
fn validate_update(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    let old = Located::root(facts.old);
    if old.at(&["metadata", "annotations"]).key(MIRROR).is_set() {
        let nothing = Value::Null;
        let detail = "static pods do not support ephemeral containers";
        return errors.forbidden(&Located::root(&nothing), detail);
    }
    validate_metadata_and_spec(object, update::context(object, facts), errors);
    update::validate_annotations(object, &old, errors);
    let containers = object.at(&["spec", "ephemeralContainers"]);
    for held in old.at(&["spec", "ephemeralContainers"]).items() {
        let name = held.member("name").text();
        let (what, diff) = match containers.items().rfind(|new| new.member("name").text() == name) {
            None => ("removed", String::new()),
            Some(new) if !semantically_equal(new.value(), held.value()) => {
                ("changed", internal_diff("EphemeralContainer", held.value(), new.value()))
            }
            Some(_) => continue,
        };
        let name = quoted(name);
        let detail = format!("existing ephemeral containers {name} may not be {what}\n{diff}");
        errors.forbidden(&containers, detail);
    }
}

//! Containers that are added to a pod while it runs.

use super::container::{Surroundings, validate_container, validate_image_of_pod};
use crate::kinds::validation::{Errors, Located};
use alloc::collections::BTreeSet;

/// What such a container cannot have, in the order of upstream's type; the last members say which values are none.
const FORBIDDEN: &[&str] = &[
    "ports",
    "resources",
    "resizePolicy",
    "restartPolicy",
    "restartPolicyRules",
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
    "lifecycle",
];

pub(super) fn validate_ephemeral_containers(around: &Surroundings<'_, '_>, errors: &mut Errors) {
    let list = around.spec.member("ephemeralContainers");
    let (containers, first) = (around.spec.member("containers"), around.spec.member("initContainers"));
    let others: BTreeSet<&str> =
        containers.items().chain(first.items()).map(|other| other.member("name").text()).collect();
    let mut seen = others.clone();
    for container in list.items() {
        if errors.is_full() {
            return;
        }
        validate_container(&container, around, errors);
        validate_image_of_pod(&container.member("image"), errors);
        let (name, target) = (container.member("name"), container.member("targetContainerName"));
        if !seen.insert(name.text()) {
            errors.duplicate_value(&name, name.text());
        }
        if !target.is_empty() && !others.contains(target.text()) {
            errors.not_found(&target);
        }
        validate_fields(&container, errors);
    }
}

fn validate_fields(container: &Located<'_, '_>, errors: &mut Errors) {
    const DETAIL: &str = "cannot be set for an Ephemeral Container";
    for field in FORBIDDEN {
        let held = container.member(field);
        // An object without members is the zero value of a Go struct, and not of a pointer to one.
        let is_held = if *field == "resources" { !held.is_empty() } else { held.is_set() };
        if is_held {
            errors.forbidden(&held, DETAIL);
        }
    }
    let mounts = container.member("volumeMounts");
    for mount in mounts.items() {
        for field in ["subPath", "subPathExpr"] {
            let path = mount.member(field);
            if !path.is_empty() {
                errors.forbidden(&path, DETAIL);
            }
        }
    }
}

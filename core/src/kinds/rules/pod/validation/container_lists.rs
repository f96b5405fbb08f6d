//! The lists of containers of a pod spec: those that run as long as the pod does, and those that run before.

use super::container::{Surroundings, validate_container};
use super::context::is_sidecar;
use super::ports::HostPorts;
use super::{handlers, restart};
use crate::kinds::validation::{Errors, Located};
use alloc::collections::BTreeSet;

pub(super) fn validate_containers(around: &Surroundings<'_, '_>, errors: &mut Errors) {
    let containers = around.spec.member("containers");
    if containers.is_empty() {
        return errors.required(&containers, "");
    }
    let mut seen = BTreeSet::new();
    for container in containers.items() {
        if errors.is_full() {
            return;
        }
        validate_container(&container, around, errors);
        let name = container.member("name");
        if !seen.insert(name.text()) {
            errors.duplicate_value(&name, name.text());
        }
        handlers::validate_hooks_and_probes(&container, around.spec, &around.context, errors);
        restart::validate_container_policy(&container, errors);
    }
    let mut taken = HostPorts::default();
    for container in containers.items() {
        taken.add(&container, errors);
    }
}

pub(super) fn validate_init_containers(around: &Surroundings<'_, '_>, errors: &mut Errors) {
    let (list, others) = (around.spec.member("initContainers"), around.spec.member("containers"));
    let mut seen: BTreeSet<&str> = others.items().map(|other| other.member("name").text()).collect();
    let first = list.index(0);
    for container in list.items() {
        if errors.is_full() {
            return;
        }
        validate_container(&container, around, errors);
        restart::validate_init_container_policy(&container, errors);
        let name = container.member("name");
        if seen.contains(name.text()) {
            errors.duplicate_value(&name, name.text());
        } else if !name.is_empty() {
            seen.insert(name.text());
        }
        // They run one after the other, so that each has the ports for itself. Upstream looks at each as the only one
        // of the list, which shows in the path.
        HostPorts::default().add(&container.shown_at(&first), errors);
        if is_sidecar(&container) {
            handlers::validate_hooks_and_probes(&container, around.spec, &around.context, errors);
            continue;
        }
        for field in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] {
            let field = container.member(field);
            if field.is_set() {
                let detail = "may not be set for init containers without restartPolicy=Always";
                errors.forbidden(&field, detail);
            }
        }
        validate_resize_of_init_container(&container, around, errors);
    }
}

fn validate_resize_of_init_container(
    container: &Located<'_, '_>,
    around: &Surroundings<'_, '_>,
    errors: &mut Errors,
) {
    if around.context.lets_restart_of_init_containers {
        return;
    }
    let policies = container.member("resizePolicy");
    for policy in policies.items() {
        let restart = policy.member("restartPolicy");
        if restart.text() == "RestartContainer" {
            let detail = "must not be set to 'RestartContainer' for non-sidecar initContainers";
            errors.invalid(&restart, detail);
        }
    }
}

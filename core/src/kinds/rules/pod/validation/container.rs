//! What every container must keep, whichever list it stands in.

use super::context::PodContext;
use super::volumes::Volumes;
use super::words::{require, validate_choice, validate_dns_label};
use super::{environment, mounts, ports, resources, restart, security};
use crate::kinds::validation::{Errors, Located};
use alloc::collections::BTreeSet;

const MESSAGE_POLICIES: &[&str] = &["File", "FallbackToLogsOnError"];
pub(super) const PULL_POLICIES: &[&str] = &["Always", "IfNotPresent", "Never"];

/// What the containers of a spec refer to.
pub(super) struct Surroundings<'s, 'v> {
    pub(super) spec: &'s Located<'v, 's>,
    pub(super) volumes: Volumes<'v>,
    /// The names of the pod's resource claims.
    pub(super) claims: BTreeSet<&'v str>,
    pub(super) context: PodContext<'s>,
}

pub(super) fn validate_container(
    container: &Located<'_, '_>,
    around: &Surroundings<'_, '_>,
    errors: &mut Errors,
) {
    let name = container.member("name");
    if name.is_empty() {
        errors.required(&name, "");
    } else {
        validate_dns_label(&name, errors);
    }
    require(&container.member("image"), errors);
    validate_choice(&container.member("terminationMessagePolicy"), MESSAGE_POLICIES, errors);
    ports::validate_container_ports(&container.member("ports"), errors);
    environment::validate_variables(&container.member("env"), errors);
    environment::validate_sources(&container.member("envFrom"), errors);
    mounts::validate_mounts_and_devices(container, &around.volumes, errors);
    validate_choice(&container.member("imagePullPolicy"), PULL_POLICIES, errors);
    let requirements = container.member("resources");
    let names = resources::ResourceNames::OfContainer;
    let lets = around.context.lets_indivisible_huge_pages;
    resources::validate_requirements(&requirements, names, lets, &around.claims, errors);
    let (policies, of_pod) = (container.member("resizePolicy"), around.spec.member("restartPolicy"));
    restart::validate_resize_policy(&policies, &of_pod, errors);
    security::validate_container(&container.member("securityContext"), around, errors);
}

/// What the containers of pods must keep, and those of templates need not.
pub(in crate::kinds::rules::pod) fn validate_containers_of_pods_only(
    list: &Located<'_, '_>,
    errors: &mut Errors,
) {
    for container in list.items() {
        validate_image_of_pod(&container.member("image"), errors);
    }
}

pub(super) fn validate_image_of_pod(image: &Located<'_, '_>, errors: &mut Errors) {
    if image.text().trim() != image.text() {
        errors.invalid(image, "must not have leading or trailing whitespace");
    }
}

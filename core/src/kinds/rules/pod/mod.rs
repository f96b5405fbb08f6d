//! Pods, and the pod templates of workloads.

mod claim_status;
mod container_warnings;
mod defaults;
mod disabled;
mod ephemeral_containers;
mod preparation;
mod quality;
mod resize;
mod status_validation;
mod strategy;
mod update;
pub(super) mod validation;
mod volume_warnings;
pub(super) mod warnings;

pub(super) use defaults::default_template;
pub(super) use disabled::drop_disabled_fields;
pub use strategy::RULES;

use crate::kinds::validation::{Errors, Located};
use crate::value::Value;

/// Tells what is wrong with a list of tolerations that is not a pod's.
pub(crate) fn validate_tolerations(tolerations: &Located<'_, '_>, errors: &mut Errors) {
    validation::validate_tolerations(tolerations, false, errors);
}

/// The quality of service of a pod, which is in its status once it was prepared.
/// k8s: pkg/apis/core/helper/qos/qos.go GetPodQOS
pub(crate) fn quality_of(pod: &Value) -> &str {
    match pod.text_at(&["status", "qosClass"]) {
        "" => quality::of_spec(pod.field("spec").unwrap_or(&Value::Null)),
        class => class,
    }
}

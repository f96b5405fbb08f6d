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

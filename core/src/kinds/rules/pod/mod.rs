//! Pods, and the pod templates of workloads.

mod container_warnings;
mod defaults;
mod disabled;
mod ephemeral_containers;
pub(super) mod equality;
mod preparation;
mod quality;
mod resize;
mod strategy;
pub(super) mod validation;
mod volume_warnings;
pub(super) mod warnings;

pub(super) use defaults::default_template;
pub(super) use disabled::drop_disabled_fields;
pub use strategy::RULES;

//! Pods, and the pod templates of workloads.

mod container_warnings;
mod defaults;
mod ephemeral_containers;
mod quality;
mod resize;
mod strategy;
mod volume_warnings;
pub(super) mod warnings;

pub(super) use defaults::default_template;
pub use strategy::RULES;

//! Jobs, and their specs in CronJobs.

mod failure_policy;
mod indexes;
mod spec;
mod status;
mod strategy;
mod update;

pub(super) use spec::validate_template_spec;
pub use strategy::RULES;
pub(super) use strategy::warn_of_spec;

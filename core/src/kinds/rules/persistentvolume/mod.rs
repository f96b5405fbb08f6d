//! PersistentVolumes.

mod strategy;
pub(super) mod validation;

pub use strategy::RULES;

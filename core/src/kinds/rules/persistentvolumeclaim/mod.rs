//! PersistentVolumeClaims, and the claims that other kinds describe: templates in pods and StatefulSets.

mod sources;
mod spec;
mod strategy;
mod validation;

pub use spec::{SpecRules, validate_claim_spec, validate_claim_template};
pub use strategy::RULES;
pub(super) use strategy::default;

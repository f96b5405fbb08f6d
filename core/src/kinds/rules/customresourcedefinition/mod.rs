//! CustomResourceDefinitions.

mod approval;
mod conversion;
mod defaults;
mod hoisted;
mod listing;
mod names;
mod rules;
mod schema;
mod strategy;
mod structural;
mod validation;
mod version;
mod warnings;

pub use approval::{Approval, ApprovalState};
pub use strategy::RULES;

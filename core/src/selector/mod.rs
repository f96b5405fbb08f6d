//! Selectors: which objects a list, a watch or a controller means, by labels and by fields.

mod field;
mod label;
mod parse;

pub use field::{FieldSelector, FieldTerm, not_a_known_field};
pub use label::{LabelSelector, Operator, Requirement};

//! Who manages which fields of an object: sets of fields, what of an object each manager wrote, server-side apply.
//!
//! k8s: staging/src/k8s.io/apimachinery/pkg/util/managedfields, sigs.k8s.io/structured-merge-diff

mod check;
mod compare;
mod element;
mod entries;
mod extract;
mod fields_v1;
mod filter;
mod form;
mod fresh;
#[cfg(test)]
mod fresh_properties;
mod last_applied;
mod merge;
mod mutate;
mod problems;
#[cfg(test)]
mod properties;
mod remove;
mod scale;
mod set;
mod updater;
mod write;

pub use element::PathElement;
pub use entries::{FieldOwner, OwnedFields, Owners, Tracked};
pub use filter::FieldFilter;
pub use mutate::mutated;
pub use scale::{to_parent, to_scale};
pub use set::FieldSet;
pub use write::{AppliedObject, Ownership, Versions, applied, recorded};

//! The stages that every write passes, in the order in which it passes them.

mod commit;
mod history;
#[cfg(test)]
mod properties;
mod store;

pub(crate) use commit::{Committing, Outcome, Progress};
pub(super) use store::{Storing, Turn, Write};

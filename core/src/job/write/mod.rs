//! The stages that every write passes, in the order in which it passes them.

mod commit;
mod history;

pub(crate) use commit::{Committing, Outcome, Progress};

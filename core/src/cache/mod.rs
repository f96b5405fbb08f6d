//! The watch cache: per stored collection an ordered persistent map of encoded entries.

mod collection;
mod entry;
mod list;
pub mod tree;

pub use collection::{Cache, Change};
pub use entry::{Entry, Undecodable, set_version};
pub use list::{Items, ListBody};

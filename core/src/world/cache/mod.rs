//! The watch cache: for each stored collection an ordered persistent map of encoded entries.

mod collection;
mod entry;
mod forms;
mod kept_tree;
mod mark;
pub mod tree;

pub use collection::{Applied, Cache, Change, Held, Unreadable};
pub use entry::{Entry, Undecodable, set_version};
pub use forms::{FormKey, FormPart, FormRoom, FormText};
pub use mark::LabelMark;

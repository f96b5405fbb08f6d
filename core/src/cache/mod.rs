//! The watch cache: per stored collection an ordered persistent map of encoded entries and a window of
//! recent events.

pub mod tree;

/// A list to be rendered chunk by chunk.
#[derive(Clone, Debug)]
pub struct ListBody {}

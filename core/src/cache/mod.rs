//! The watch cache: per stored collection an ordered persistent map of encoded entries and a window of
//! recent events.

pub mod tree;

use bytes::Bytes;

/// A list to be rendered chunk by chunk.
#[derive(Clone, Debug)]
pub struct ListBody {}

impl ListBody {
    /// The next piece, about `limits::LIST_CHUNK_BYTES` long; None at the end.
    pub fn next_chunk(&mut self) -> Option<Bytes> {
        todo!()
    }
}

/// One stored collection.
#[derive(Clone, Debug)]
pub struct Cache {}

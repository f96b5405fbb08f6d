//! A scan over a stored object's own JSON that finds what the cache needs without building a tree.

use crate::value::{Text, Value};
use alloc::vec::Vec;

/// Where things are in an object's encoded bytes, and the few values the cache indexes.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Scan {
    /// Offset of the first member after `kind` and `apiVersion`: a list item is `{` and the bytes from here.
    pub content_at: usize,
    /// Offset right after `"metadata":{`.
    pub metadata_at: usize,
    /// Offset at which `"resourceVersion":"N",` may be inserted: after `uid` and before what follows it.
    /// With `version_last` the text to insert is `,"resourceVersion":"N"` or, in an empty map, without comma.
    pub version_at: usize,
    /// Nothing follows in `metadata`: the inserted member needs no comma after it but one before it
    /// (unless `version_at == metadata_at`).
    pub version_last: bool,
    pub name: Text,
    pub namespace: Text,
    /// Sorted by key.
    pub labels: Vec<(Text, Text)>,
    /// The scalars at the asked paths, in the order asked; None where absent.
    pub values: Vec<Option<Value>>,
}

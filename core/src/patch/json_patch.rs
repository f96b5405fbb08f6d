//! JSON patch, RFC 6902, with the quirks of the library that upstream uses.

use crate::value::Value;
use alloc::string::String;

/// A patch that cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PatchError {
    /// The patch is malformed: 400 with this sentence.
    Malformed(String),
    /// The patch does not fit the object: 422.
    Inapplicable(String),
    /// More than `limits::JSON_PATCH_OPERATIONS` or `limits::JSON_PATCH_COPY_BYTES`: 413.
    TooLarge(String),
}

/// The target after every operation of the patch, or the first failure.
pub fn apply(_target: Value, _patch: &Value) -> Result<Value, PatchError> {
    todo!()
}

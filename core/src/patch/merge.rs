//! JSON merge patch, RFC 7386.

use crate::value::Value;

/// The target after the patch.
pub fn apply(_target: Value, _patch: &Value) -> Value {
    todo!()
}

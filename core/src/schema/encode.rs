//! Writes a typed value as JSON with its fields in upstream's order.

use super::{Catalogue, TypeId};
use crate::value::Value;
use alloc::vec::Vec;

/// Appends compact JSON. Members that the type does not know come last, in key order.
pub fn to_json(_catalogue: &Catalogue, _root: TypeId, _value: &Value, _out: &mut Vec<u8>) {
    todo!()
}

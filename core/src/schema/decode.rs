//! From a parsed body to a typed shape: type checks with Go's sentences, unknown and duplicate fields,
//! zero values as Go's encoder would write them.

use super::{Catalogue, TypeId};
use crate::codec::json::Parsed;
use crate::value::Value;
use alloc::string::String;
use alloc::vec::Vec;

/// A body in its typed shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    pub value: Value,
    /// Strict errors in upstream's order and words: `duplicate field "a.b"`, `unknown field "spec.x"`.
    pub strict_errors: Vec<String>,
}

/// A body that does not fit its type, in the words of Go's decoder, without the
/// `Kind in version "v1" cannot be handled as a Kind: ` before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError(pub String);

/// Fits a parsed body to a type.
pub fn decode(_catalogue: &Catalogue, _root: TypeId, _body: Parsed) -> Result<Decoded, DecodeError> {
    todo!()
}

/// Fits a value that is already known to be of the type (defaulted, patched) to Go's shape again:
/// unknown members go, zero values go or come as Go's encoder would have it, times and quantities
/// are canonical.
pub fn normalize(_catalogue: &Catalogue, _root: TypeId, _value: Value) -> Result<Value, DecodeError> {
    todo!()
}

/// Puts the catalogue's declared defaults into absent fields of objects that are present.
pub fn apply_defaults(_catalogue: &Catalogue, _root: TypeId, _value: &mut Value) {
    todo!()
}

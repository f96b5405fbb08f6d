//! Strategic merge patch: merge keys and strategies from the catalogue, directives from the patch.
//! k8s: staging/src/k8s.io/apimachinery/pkg/util/strategicpatch/patch.go

use crate::schema::{Catalogue, TypeId};
use crate::value::Value;
use alloc::string::String;

/// A patch that upstream refuses: the message, and whether it counts as a bad request (400) or as an
/// error of the server (500), as upstream has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StrategicError {
    pub message: String,
    pub bad_request: bool,
}

/// The target after the patch.
pub fn apply(
    _catalogue: &Catalogue,
    _root: TypeId,
    _target: Value,
    _patch: &Value,
) -> Result<Value, StrategicError> {
    todo!()
}

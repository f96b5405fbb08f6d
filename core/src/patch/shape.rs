//! What a merge asks of the catalogue: the field behind a member, with Go's sentences when there is none.
//! k8s: staging/src/k8s.io/apimachinery/third_party/forked/golang/json/fields.go,
//! pkg/util/strategicpatch/meta.go

use super::PatchError;
use crate::schema::{Catalogue, Field, Shape};
use crate::value::quoted;
use alloc::format;

/// The field of a member that target and patch both have as an object.
pub(super) fn field<'c>(
    catalogue: &'c Catalogue,
    shape: &Shape,
    member: &str,
) -> Result<&'c Field, PatchError> {
    let (name, found) = match shape {
        Shape::Struct(id) => {
            let def = catalogue.get(*id);
            (def.go_name(), def.field(member))
        }
        Shape::Quantity => ("Quantity", None),
        Shape::IntOrString => ("IntOrString", None),
        Shape::Time => ("Time", None),
        Shape::MicroTime => ("MicroTime", None),
        Shape::Duration => ("Duration", None),
        Shape::Any | Shape::Custom(_) => ("RawExtension", None),
        Shape::String
        | Shape::Int32
        | Shape::Int64
        | Shape::Bool
        | Shape::Double
        | Shape::Bytes
        | Shape::List(_)
        | Shape::Map(_) => {
            let kind = go_kind(shape);
            let why = format!("merging an object in json but data type is not struct, instead is: {kind}");
            return Err(PatchError::Other(why));
        }
    };
    found.ok_or_else(|| {
        let member = quoted(member);
        PatchError::Other(format!("unable to find api field in struct {name} for the json field {member}"))
    })
}

/// The field of a member that target and patch both have as a list, and the shape of its items.
pub(super) fn list_field<'c>(
    catalogue: &'c Catalogue,
    shape: &Shape,
    member: &str,
) -> Result<(&'c Field, &'c Shape), PatchError> {
    let field = field(catalogue, shape, member)?;
    match &field.shape {
        Shape::List(items) => match &**items {
            Shape::List(_) => Err(PatchError::Other("unexpected slice of slice".into())),
            items => Ok((field, items)),
        },
        Shape::String
        | Shape::Int32
        | Shape::Int64
        | Shape::Bool
        | Shape::Double
        | Shape::Bytes
        | Shape::Quantity
        | Shape::IntOrString
        | Shape::Time
        | Shape::MicroTime
        | Shape::Duration
        | Shape::Any
        | Shape::Custom(_)
        | Shape::Struct(_)
        | Shape::Map(_) => {
            let kind = go_kind(shape);
            Err(PatchError::Other(format!("expected slice or array type, but got: {kind}")))
        }
    }
}

/// Go's word for the kind of a type.
pub(super) fn go_kind(shape: &Shape) -> &'static str {
    match shape {
        Shape::String => "string",
        Shape::Int32 => "int32",
        Shape::Int64 => "int64",
        Shape::Bool => "bool",
        Shape::Double => "float64",
        Shape::Bytes | Shape::List(_) => "slice",
        Shape::Map(_) => "map",
        Shape::Quantity
        | Shape::IntOrString
        | Shape::Time
        | Shape::MicroTime
        | Shape::Duration
        | Shape::Any
        | Shape::Custom(_)
        | Shape::Struct(_) => "struct",
    }
}

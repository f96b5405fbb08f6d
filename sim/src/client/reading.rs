//! Reads the fields of answers that clients need.

use crate::driver::Reply;
use steersman_core::store::Rev;
use steersman_core::value::{Text, Value, object};

/// The object in an answer; null if there is none.
pub(super) fn body(reply: &Reply) -> Value {
    reply.value().clone()
}

/// The resource version of an object or a list; 0 if there is none.
pub(super) fn revision(object: &Value) -> Rev {
    Rev(object::resource_version(object).parse().unwrap_or(0))
}

/// The namespace and name of an object.
pub(super) fn key(object: &Value) -> (Text, Text) {
    (object::namespace(object).into(), object::name(object).into())
}

/// The items of a list.
pub(super) fn items(list: &Value) -> &[Value] {
    list.field("items").and_then(Value::as_list).unwrap_or_default()
}

pub(super) const fn is_success(reply: &Reply) -> bool {
    matches!(reply.status, 200..300)
}

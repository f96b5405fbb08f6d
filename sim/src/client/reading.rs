//! What clients read out of answers.

use crate::driver::Reply;
use steersman_core::store::Rev;
use steersman_core::value::{Text, Value, object};

/// The object of an answer; null where there is none.
pub(super) fn body(reply: &Reply) -> Value {
    reply.value().clone()
}

/// The revision that an object or a list says it is of; 0 where it says none.
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

//! FieldsV1: a set of fields as JSON.
//! k8s: sigs.k8s.io/structured-merge-diff fieldpath/serialize.go

use super::element::{PathElement, Unnamed};
use super::set::{FieldNode, FieldSet};
use crate::codec::json;
use crate::value::{Map, Text, Value};
use alloc::borrow::Cow;
use alloc::vec::Vec;

/// The member that says that the field around it is in the set.
const ITSELF: &str = ".";

/// The set as JSON.
pub(super) fn encoded(set: &FieldSet) -> Value {
    object(set, false)
}

fn object(set: &FieldSet, is_member: bool) -> Value {
    let mut entries: Vec<(Text, Value)> = Vec::with_capacity(set.nodes().len() + 1);
    if is_member && !set.is_empty() {
        entries.push((Text::const_new(ITSELF), Value::empty_map()));
    }
    for node in set.nodes() {
        entries.push((node.element.encoded(), object(&node.inner, node.is_member)));
    }
    Value::map(Map::from_entries(entries))
}

/// The set that JSON names; None when it names none.
pub(super) fn decoded(value: &Value) -> Option<FieldSet> {
    let value = match value {
        Value::Json(_) => Cow::Owned(json::plain(value)),
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::Str(_)
        | Value::List(_)
        | Value::Map(_) => Cow::Borrowed(value),
    };
    Some(inner(&value)?.0)
}

/// The fields inside, and whether the field around them is in the set itself.
fn inner(value: &Value) -> Option<(FieldSet, bool)> {
    if value.is_null() {
        return Some((FieldSet::EMPTY, true));
    }
    let map = value.as_map()?;
    let mut is_member = false;
    let mut nodes = Vec::with_capacity(map.len());
    for (name, below) in map.iter() {
        if name == ITSELF {
            is_member = true;
            continue;
        }
        let element = match PathElement::decoded(name) {
            Ok(element) => element,
            Err(Unnamed::UnknownSort) => continue,
            Err(Unnamed::Malformed) => return None,
        };
        let (inner, is_member) = inner(below)?;
        if is_member || !inner.is_empty() {
            nodes.push(FieldNode { element, is_member, inner });
        }
    }
    is_member |= nodes.is_empty();
    Some((FieldSet::of_nodes(nodes), is_member))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_read_and_written_as_upstream_does() {
        let cases = [
            ("{}", "{}"),
            ("null", "{}"),
            (r#"{"f:a":{}}"#, r#"{"f:a":{}}"#),
            (r#"{"f:a":{".":{},"f:b":{}}}"#, r#"{"f:a":{".":{},"f:b":{}}}"#),
            (r#"{"f:a":{".":{}}}"#, r#"{"f:a":{}}"#),
            (r#"{"f:a":null}"#, r#"{"f:a":{}}"#),
            (r#"{".":{},"f:a":{}}"#, r#"{"f:a":{}}"#),
            (r#"{"f:a":{"x:new":{}},"x:b":{}}"#, r#"{"f:a":{}}"#),
            (r#"{"f:a":{"k:{\"b\":1,\"a\":2.0}":{}}}"#, r#"{"f:a":{"k:{\"a\":2,\"b\":1}":{}}}"#),
            (r#"{"f:a":1}"#, ""),
            (r#"{"a":{}}"#, ""),
            (r#"{"k:1":{}}"#, ""),
            ("[]", ""),
        ];
        for (text, expected) in cases {
            let value = json::parse(text.as_bytes()).expect("JSON").value;
            let found = decoded(&value).map(|set| json::to_string(&encoded(&set)));
            assert_eq!(found.unwrap_or_default(), expected, "{text}");
        }
    }
}

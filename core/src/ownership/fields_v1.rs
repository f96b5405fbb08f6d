//! FieldsV1: a set of fields as JSON.
//! k8s: sigs.k8s.io/structured-merge-diff fieldpath/serialize.go

use super::element::{self, PathElement, Unnamed};
use super::set::{FieldNode, FieldSet};
use crate::codec::json::{self, Parser, SyntaxError};
use crate::value::{Text, Value};
use alloc::vec::Vec;

/// The member that says that the field around it is in the set.
const ITSELF: &str = ".";

/// The text of the set that has no fields.
pub(super) const NONE: &str = "{}";

/// The set as a JSON text.
pub(super) fn encoded(set: &FieldSet) -> Value {
    let mut text = FieldsText::new();
    write(set, &mut text);
    text.into_value()
}

fn write(set: &FieldSet, text: &mut FieldsText) {
    for node in set.nodes() {
        let place = text.begin(&node.element, node.is_member);
        write(&node.inner, text);
        text.end(place, node.is_member);
    }
}

/// A set that is written as a JSON text, field by field in the order of their elements.
pub(super) struct FieldsText {
    out: Vec<u8>,
}

/// Where a field begins in the text that is not at its end.
pub(super) struct OpenText {
    start: usize,
    brace: usize,
    inside: usize,
}

/// Bytes that most texts have room in.
const BYTES_USUAL: usize = 4096;

impl FieldsText {
    pub(super) fn new() -> Self {
        let mut out = Vec::with_capacity(BYTES_USUAL);
        out.push(b'{');
        Self { out }
    }

    /// Begins a field. Those inside it follow, until it is ended.
    pub(super) fn begin(&mut self, element: &PathElement, is_member: bool) -> OpenText {
        let start = self.out.len();
        element.write_name(&mut self.out);
        self.begun(start, is_member)
    }

    /// As `begin`, of a member of a map.
    pub(super) fn begin_field(&mut self, name: &str, is_member: bool) -> OpenText {
        let start = self.out.len();
        element::write_field_name(name, &mut self.out);
        self.begun(start, is_member)
    }

    fn begun(&mut self, start: usize, is_member: bool) -> OpenText {
        self.out.extend_from_slice(b":{");
        let brace = self.out.len();
        if is_member {
            self.out.extend_from_slice(b"\".\":{},");
        }
        OpenText { start, brace, inside: self.out.len() }
    }

    /// Ends a field. It goes if it is no member and nothing is inside.
    pub(super) fn end(&mut self, place: OpenText, is_member: bool) {
        if self.out.len() > place.inside {
            self.close();
        } else if is_member {
            self.out.truncate(place.brace);
            self.out.push(b'}');
        } else {
            self.out.truncate(place.start);
            return;
        }
        self.out.push(b',');
    }

    /// Where the fields end that were written so far.
    pub(super) fn end_of_fields(&self) -> usize {
        self.out.len()
    }

    /// Forgets the fields that were written after such a place, all of which have ended.
    pub(super) fn forget_after(&mut self, end_of_fields: usize) {
        self.out.truncate(end_of_fields);
    }

    /// Puts the closing brace in place of the comma after the last field.
    fn close(&mut self) {
        if let Some(last @ b',') = self.out.last_mut() {
            *last = b'}';
        } else {
            self.out.push(b'}');
        }
    }

    pub(super) fn into_value(mut self) -> Value {
        self.close();
        // It is cut where it ends: trees keep it for long.
        let text = str::from_utf8(&self.out).expect("the writer writes UTF-8");
        Value::Json(Text::from(text))
    }
}

/// The text of the fields of an entry, if it says plainly which they are: without escapes by number.
pub(super) fn text(entry: &Value) -> Option<&str> {
    match entry.field("fieldsV1")? {
        Value::Json(text) if !text.contains("\\u") => Some(text),
        Value::Json(_)
        | Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::Str(_)
        | Value::List(_)
        | Value::Map(_) => None,
    }
}

/// False when such a text names none of the outermost fields of a set.
pub(super) fn may_name_any(text: &str, set: &FieldSet) -> bool {
    set.nodes().iter().any(|node| {
        let mut name = Vec::new();
        node.element.write_name(&mut name);
        let is_plain = name.iter().all(|byte| byte.is_ascii() && *byte != b'\\');
        !is_plain || str::from_utf8(&name).is_ok_and(|name| text.contains(name))
    })
}

/// The set that JSON names; None when it names none.
pub(super) fn decoded(value: &Value) -> Option<FieldSet> {
    match value {
        Value::Json(text) => read(text.as_bytes()),
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::Str(_)
        | Value::List(_)
        | Value::Map(_) => read(&json::to_vec(value)),
    }
}

fn read(text: &[u8]) -> Option<FieldSet> {
    let mut parser = Parser::of(text);
    let (set, _) = inner(&mut parser).ok()?;
    parser.is_at_end().then_some(set)
}

/// The fields inside, and whether the field around them is in the set itself.
fn inner(parser: &mut Parser<'_>) -> Result<(FieldSet, bool), SyntaxError> {
    if parser.peek() == Some(b'n') {
        parser.pass()?;
        return Ok((FieldSet::EMPTY, true));
    }
    let mut is_member = false;
    let mut nodes = Vec::new();
    parser.members(&mut |parser, name| {
        if name == ITSELF {
            is_member = true;
            return parser.pass();
        }
        let element = match PathElement::decoded(name) {
            Ok(element) => element,
            Err(Unnamed::UnknownSort) => return parser.pass(),
            Err(Unnamed::Malformed) => return Err(SyntaxError("no path element".into())),
        };
        let (inner, is_member) = inner(parser)?;
        if is_member || !inner.is_empty() {
            nodes.push(FieldNode { element, is_member, inner });
        }
        Ok(())
    })?;
    is_member |= nodes.is_empty();
    Ok((FieldSet::of_nodes(nodes), is_member))
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

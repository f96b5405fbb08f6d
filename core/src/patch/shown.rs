//! A patched object as error texts show it: what the patch touched has its members in key order, the
//! rest is as it was encoded before, because upstream's library leaves untouched parts as bytes.

use crate::codec::json;
use crate::schema::{Catalogue, Shape, TypeId, encode};
use crate::value::Value;
use alloc::string::String;
use alloc::vec::Vec;

/// The JSON of `after`, which a JSON patch or a merge patch made of `before`, an object of the type.
pub fn shown(catalogue: &Catalogue, root: TypeId, before: &Value, after: &Value) -> String {
    let mut out = Vec::new();
    write(catalogue, Some(&Shape::Struct(root)), Some(before), after, &mut out);
    String::from_utf8(out).expect("the writers write UTF-8")
}

fn write(
    catalogue: &Catalogue,
    shape: Option<&Shape>,
    before: Option<&Value>,
    after: &Value,
    out: &mut Vec<u8>,
) {
    let untouched = before == Some(after);
    match (after, shape) {
        (Value::Map(_), Some(Shape::Struct(id))) if untouched => encode::to_json(catalogue, *id, after, out),
        (Value::Map(members), shape) => {
            out.push(b'{');
            for (index, (key, member)) in members.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                json::write_str(key, out);
                out.push(b':');
                let before = before.and_then(|before| before.field(key));
                write(catalogue, member_shape(catalogue, shape, key), before, member, out);
            }
            out.push(b'}');
        }
        (Value::List(items), shape) => {
            let item_shape = if let Some(Shape::List(items)) = shape { Some(&**items) } else { None };
            let before = before.and_then(Value::as_list).unwrap_or_default();
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                let before = before.iter().find(|before| *before == item);
                write(catalogue, item_shape, before, item, out);
            }
            out.push(b']');
        }
        (
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Json(_) | Value::Str(_),
            _,
        ) => {
            json::write(after, out);
        }
    }
}

fn member_shape<'c>(catalogue: &'c Catalogue, shape: Option<&'c Shape>, key: &str) -> Option<&'c Shape> {
    match shape? {
        Shape::Struct(id) => catalogue.get(*id).field(key).map(|field| &field.shape),
        Shape::Map(members) => Some(members),
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
        | Shape::List(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patch::tests::json;
    use crate::schema::catalogue;

    #[test]
    fn untouched_parts_keep_the_order_of_their_type() {
        let catalogue = catalogue();
        let root = catalogue.type_named("core.v1.ConfigMap").unwrap();
        let before = json(r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"uid":"u","name":"n"}}"#);
        let after = json(
            r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"uid":"u","name":"n"},"data":{"a":5}}"#,
        );
        let expected =
            r#"{"apiVersion":"v1","data":{"a":5},"kind":"ConfigMap","metadata":{"name":"n","uid":"u"}}"#;
        assert_eq!(shown(&catalogue, root, &before, &after), expected);
    }
}

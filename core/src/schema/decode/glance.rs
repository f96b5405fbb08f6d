//! What need not be fitted to its type: most of what clients send is already as Go's encoder would write it.

use super::{Field, Shape};
use crate::value::Value;
use crate::value::quantity::Quantity;

/// Whether a look at a value is enough to know that it stays as it is: most members are plain texts, numbers and
/// truths of their shape, or lists and maps of these.
pub(super) fn fits_already(field: &Field, value: &Value) -> bool {
    let stays = |is_zero: bool| !is_zero || field.pointer || !field.omit_empty;
    match (&field.shape, value) {
        (Shape::String, Value::Str(text)) => stays(text.is_empty()),
        (Shape::Bool, Value::Bool(truth)) => stays(!truth),
        (Shape::Int64, Value::Int(number)) => stays(*number == 0),
        (Shape::Int32, Value::Int(number)) => i32::try_from(*number).is_ok() && stays(*number == 0),
        (Shape::List(item), Value::List(items)) => {
            !items.is_empty() && items.iter().all(|held| is_plain(item, held))
        }
        (Shape::Map(inner), Value::Map(map)) => {
            !map.is_empty() && map.iter().all(|(_, held)| is_plain(inner, held))
        }
        (_, _) => false,
    }
}

/// Whether an item of a list, or a member of a map with free keys, is a plain value of its shape.
fn is_plain(shape: &Shape, value: &Value) -> bool {
    match (shape, value) {
        (Shape::String, Value::Str(_)) | (Shape::Bool, Value::Bool(_)) | (Shape::Int64, Value::Int(_)) => {
            true
        }
        (Shape::Int32, Value::Int(number)) => i32::try_from(*number).is_ok(),
        (Shape::Quantity, Value::Str(text)) => Quantity::is_plain(text),
        (_, _) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Decoder, Location};
    use super::*;
    use crate::codec::json;
    use crate::schema::catalogue;
    use alloc::vec::Vec;

    #[test]
    fn what_fits_already_is_not_changed() {
        let texts = [
            r#""""#,
            r#""a""#,
            r#""1""#,
            r#""500m""#,
            r#""1.5""#,
            "true",
            "false",
            "0",
            "7",
            "-1",
            "2147483648",
            "1.5",
            "null",
            "[]",
            "{}",
            r#"["a"]"#,
            r#"["a",""]"#,
            r#"["a",null]"#,
            "[1,0]",
            "[2147483648]",
            "[true]",
            "[{}]",
            r#"{"a":"b"}"#,
            r#"{"a":"128Mi","b":"1"}"#,
            r#"{"a":"1000m"}"#,
            r#"{"a":1}"#,
            r#"{"a":null}"#,
            r#"{"a":{}}"#,
            r#"{"a":["b"]}"#,
        ];
        let catalogue = catalogue();
        let values: Vec<Value> =
            texts.iter().map(|text| json::parse(text.as_bytes()).expect(text).value).collect();
        let mut count = 0;
        for field in catalogue.iter().flat_map(|(_, def)| &def.fields) {
            for value in values.iter().filter(|value| fits_already(field, value)) {
                count += 1;
                for stored in [false, true] {
                    let mut decoder = Decoder { stored, ..Decoder::new(&catalogue) };
                    let fitted = decoder.member(field, value.clone(), &Location::Root);
                    assert_eq!(fitted, Ok(Some(value.clone())), "{field:?}");
                    assert!(decoder.faults.is_empty(), "{field:?} {value:?}");
                }
            }
        }
        assert!(count > 5_000, "{count}");
    }
}

//! Values as Go's `%#v` prints what the YAML library made of them.

use crate::value::quoted;
use crate::value::{Map, Value};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Bytes of a printed value, after which no more of it is printed.
const SHOWN_BYTES: usize = 64 * 1024;

pub(super) fn syntax(value: &Value) -> String {
    let mut out = String::new();
    if value.is_null() {
        return "<nil>".into();
    }
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut String) {
    if out.len() > SHOWN_BYTES {
        return;
    }
    match value {
        Value::Null => out.push_str("interface {}(nil)"),
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Int(number) => out.push_str(&number.to_string()),
        Value::Float(number) => out.push_str(&super::write::float(*number)),
        Value::Str(text) => out.push_str(&quoted(text)),
        Value::Json(text) => out.push_str(text),
        Value::List(items) => {
            out.push_str("[]interface {}{");
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                write(item, out);
            }
            out.push('}');
        }
        Value::Map(map) => write_map(map, out),
    }
}

fn write_map(map: &Map, out: &mut String) {
    out.push_str("map[interface {}]interface {}{");
    let members: Vec<_> = map.iter().collect();
    for (index, (key, member)) in members.into_iter().enumerate() {
        let comma = if index > 0 { ", " } else { "" };
        out.push_str(&format!("{comma}{}:", quoted(key)));
        write(member, out);
        if out.len() > SHOWN_BYTES {
            return;
        }
    }
    out.push('}');
}

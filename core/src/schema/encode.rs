//! Writes a typed value as JSON with its fields in upstream's order.

use super::{Catalogue, Field, Shape, TypeDef, TypeId};
use crate::codec::json;
use crate::value::{Map, Text, Value};
use alloc::vec::Vec;
use core::cmp::Ordering;

/// Appends compact JSON. Members that the type does not know come last, in key order.
pub fn to_json(catalogue: &Catalogue, root: TypeId, value: &Value, out: &mut Vec<u8>) {
    shaped(catalogue, &Shape::Struct(root), value, out);
}

/// As `to_json`; `reuse` may know how a member of the object itself is written.
pub(super) fn to_json_reusing<'b>(
    catalogue: &Catalogue,
    root: TypeId,
    value: &Value,
    reuse: &dyn Fn(&Text, &Value) -> Option<&'b [u8]>,
    out: &mut Vec<u8>,
) {
    let Value::Map(map) = value else { return to_json(catalogue, root, value, out) };
    let def = catalogue.get(root);
    members(def, map, out, |field, member, out| match reuse(&field.name, member) {
        Some(bytes) => out.extend_from_slice(bytes),
        None => write_member(catalogue, def, field, member, out),
    });
}

fn shaped(catalogue: &Catalogue, shape: &Shape, value: &Value, out: &mut Vec<u8>) {
    if let (Shape::Struct(id), Value::Map(map)) = (shape, value) {
        object(catalogue, catalogue.get(*id), map, out);
    } else if let (Shape::List(item), Value::List(items)) = (shape, value) {
        write_list(items, out, |member, out| shaped(catalogue, item, member, out));
    } else if let (Shape::Map(inner), Value::Map(map)) = (shape, value) {
        write_map(map, out, |member, out| shaped(catalogue, inner, member, out));
    } else {
        json::write(value, out);
    }
}

fn write_list(items: &[Value], out: &mut Vec<u8>, write: impl Fn(&Value, &mut Vec<u8>)) {
    out.push(b'[');
    for (index, member) in items.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(member, out);
    }
    out.push(b']');
}

fn write_map(map: &Map, out: &mut Vec<u8>, write: impl Fn(&Value, &mut Vec<u8>)) {
    out.push(b'{');
    for (index, (key, member)) in map.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        json::write_str(key, out);
        out.push(b':');
        write(member, out);
    }
    out.push(b'}');
}

/// Most fields of one type for which the fast order below is used; no type has more today.
const ORDERED_FIELDS: usize = 64;

fn object(catalogue: &Catalogue, def: &TypeDef, map: &Map, out: &mut Vec<u8>) {
    members(def, map, out, |field, member, out| write_member(catalogue, def, field, member, out));
}

fn write_member(catalogue: &Catalogue, def: &TypeDef, field: &Field, member: &Value, out: &mut Vec<u8>) {
    if matches!(field.shape, Shape::Any | Shape::Map(_)) && def.is_schema_union(&field.name) {
        schema_union(catalogue, def, &field.name, member, out);
    } else if field.is_field_set() {
        fields_v1(member, out);
    } else {
        shaped(catalogue, &field.shape, member, out);
    }
}

/// Appends an object whose known members `write` appends.
fn members(def: &TypeDef, map: &Map, out: &mut Vec<u8>, write: impl Fn(&Field, &Value, &mut Vec<u8>)) {
    let mut members: [&Value; ORDERED_FIELDS] = [&Value::Null; ORDERED_FIELDS];
    // A bit for each place that has a member.
    let mut present = 0_u64;
    let mut unknown: Vec<(&Text, &Value)> = Vec::new();
    let mut from = 0;
    for (key, member) in map.iter() {
        match def.position_from(key, &mut from) {
            Some(index) if index < ORDERED_FIELDS => {
                members[index] = member;
                present |= 1 << index;
            }
            Some(_) | None => unknown.push((key, member)),
        }
    }
    out.push(b'{');
    let mut first = true;
    while present != 0 {
        let index = present.trailing_zeros() as usize;
        present &= present - 1;
        let (field, member) = (&def.fields[index], members[index]);
        if !core::mem::take(&mut first) {
            out.push(b',');
        }
        out.push(b'"');
        // Field names are plain letters: nothing to escape.
        out.extend_from_slice(field.name.as_bytes());
        out.extend_from_slice(b"\":");
        write(field, member, out);
    }
    for (key, member) in unknown {
        if !core::mem::take(&mut first) {
            out.push(b',');
        }
        json::write_str(key, out);
        out.push(b':');
        json::write(member, out);
    }
    out.push(b'}');
}

/// A schema, a list of them, a map of them, or plain JSON.
fn schema_union(catalogue: &Catalogue, def: &TypeDef, name: &str, value: &Value, out: &mut Vec<u8>) {
    let inside = |member: &Value, out: &mut Vec<u8>| schema_union(catalogue, def, "", member, out);
    match value {
        Value::Map(map) if name == "dependencies" => write_map(map, out, inside),
        Value::Map(map) => object(catalogue, def, map, out),
        Value::List(items) => write_list(items, out, inside),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Json(_) | Value::Str(_) => {
            json::write(value, out)
        }
    }
}

/// The fields of a manager as the text that a tree holds of them.
pub(super) fn field_set(value: Value) -> Value {
    if matches!(value, Value::Null | Value::Json(_)) {
        return value;
    }
    let mut out = Vec::new();
    fields_v1(&value, &mut out);
    Value::Json(Text::from_utf8_lossy(&out))
}

/// Managed fields: list items by their keys, of which numbers go by value (port 80 before port 443).
/// k8s: sigs.k8s.io/structured-merge-diff fieldpath/set.go
fn fields_v1(value: &Value, out: &mut Vec<u8>) {
    let Value::Map(map) = value else { return json::write(value, out) };
    let numbered = |key: &Text| key.starts_with("k:") || key.starts_with("v:");
    if map.iter().filter(|(key, _)| numbered(key)).count() < 2 {
        return write_map(map, out, fields_v1);
    }
    let mut members: Vec<(&Text, &Value)> = map.iter().collect();
    members.sort_by(|left, right| path_element_order(left.0, right.0));
    out.push(b'{');
    for (index, (key, member)) in members.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        json::write_str(key, out);
        out.push(b':');
        fields_v1(member, out);
    }
    out.push(b'}');
}

/// By bytes, but where two numbers differ that are values of keys, by those.
fn path_element_order(left: &str, right: &str) -> Ordering {
    let Some(at) = left.bytes().zip(right.bytes()).position(|(one, other)| one != other) else {
        return left.len().cmp(&right.len());
    };
    let number = |text: &str| -> Option<u64> {
        let (before, _) = text.split_at_checked(at)?;
        let start = before.trim_end_matches(|letter: char| letter.is_ascii_digit());
        let digits = text.get(start.len()..)?;
        let end = digits.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
        (start.ends_with("\":") || start == "v:").then(|| digits.get(..end)?.parse().ok())?
    };
    match (number(left), number(right)) {
        (Some(one), Some(other)) => one.cmp(&other),
        (Some(_) | None, _) => left.cmp(right),
    }
}

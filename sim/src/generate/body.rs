//! Bodies: random values, changes in the middle of valid ones, patches that nearly fit, damaged bytes.

use super::words::{KEYS, POINTERS, TEXTS};
use super::{Pick, one};
use std::sync::Arc;
use steersman_core::value::{Finite, Map, Value};

const NUMBERS: &[i64] = &[0, -1, 1, 65_536, i64::MIN, i64::MAX];
const FLOATS: &[f64] = &[0.5, -0.0, 1e300, 5e-324, 9_007_199_254_740_993.0];

/// Any value, at most so deep.
pub(super) fn value(pick: Pick<'_>, depth: u64) -> Value {
    let sorts = if depth == 0 { 5 } else { 8 };
    match pick(sorts) {
        0 => Value::Null,
        1 => Value::Bool(pick(2) == 1),
        2 => Value::Int(one(pick, NUMBERS)),
        3 => Finite::new(one(pick, FLOATS)).map_or(Value::Null, Value::Float),
        4 => one(pick, TEXTS).into(),
        5 => {
            let count = pick(5);
            Value::List(Arc::new((0..count).map(|_| value(pick, depth - 1)).collect()))
        }
        _ => {
            let mut map = Map::default();
            for _ in 0..pick(6) {
                map.insert(one(pick, KEYS), value(pick, depth - 1));
            }
            map.into()
        }
    }
}

/// Changes one node of a value: it becomes another value, or, in a list, is there twice, or, in an object,
/// has another name.
pub(super) fn change(pick: Pick<'_>, root: &mut Value) {
    let mut left = pick(count(root));
    let with = if pick(5) == 4 { None } else { Some(value(pick, 2)) };
    replace(root, &mut left, with.as_ref());
}

fn count(value: &Value) -> u64 {
    1 + match value {
        Value::List(items) => items.iter().map(count).sum(),
        Value::Map(members) => members.iter().map(|(_, held)| count(held)).sum(),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Json(_) | Value::Str(_) => 0,
    }
}

/// Goes to the node that is `left` nodes away; true once it is found.
fn replace(value: &mut Value, left: &mut u64, with: Option<&Value>) -> bool {
    if *left == 0 {
        if let Some(with) = with {
            *value = with.clone();
        }
        return true;
    }
    *left -= 1;
    if let Some(items) = value.as_list_mut() {
        let found = items.iter_mut().position(|item| replace(item, left, with));
        if let (Some(at), None) = (found, with) {
            items.insert(at, items[at].clone());
        }
        return found.is_some();
    }
    let Some(members) = value.as_map_mut() else { return false };
    let found = members.iter_mut().find_map(|(name, held)| replace(held, left, with).then(|| name.clone()));
    if let (Some(name), None) = (&found, with) {
        let held = members.remove(name).unwrap_or_default();
        members.insert(name.to_uppercase(), held);
    }
    found.is_some()
}

/// A JSON patch whose operations and pointers nearly fit.
pub(super) fn json_patch(pick: Pick<'_>) -> Value {
    let mut operations = Vec::new();
    for _ in 0..pick(6) {
        let mut operation = Map::default();
        operation.insert(
            "op",
            one(pick, &["add", "remove", "replace", "move", "copy", "test", "", "nope"]).into(),
        );
        operation.insert("path", pointer(pick).into());
        if pick(3) == 1 {
            operation.insert("from", pointer(pick).into());
        }
        if pick(3) != 2 {
            operation.insert("value", value(pick, 2));
        }
        operations.push(operation.into());
    }
    operations.into()
}

fn pointer(pick: Pick<'_>) -> String {
    (0..pick(5)).map(|_| one(pick, POINTERS)).collect()
}

/// Bytes with a few places changed: overwritten, doubled, cut.
pub(super) fn damaged(pick: Pick<'_>, mut bytes: Vec<u8>) -> Vec<u8> {
    for _ in 0..=pick(4) {
        if bytes.is_empty() {
            return bytes;
        }
        let at = pick(bytes.len() as u64) as usize;
        match pick(6) {
            0 => bytes[at] = pick(256) as u8,
            1 => bytes.insert(at, pick(256) as u8),
            2 => {
                bytes.remove(at);
            }
            3 => bytes.truncate(at),
            _ => bytes[at] ^= 1 << pick(8),
        }
    }
    bytes
}

//! Whether two parts of objects are the same in Go's eyes: amounts by their value, lists and maps that are empty as
//! those that are absent.
//! k8s: staging/src/k8s.io/apimachinery/pkg/api/equality/semantic.go

use crate::value::quantity::Quantity;
use crate::value::{Map, Value};
use alloc::collections::BTreeSet;
use core::cmp::Ordering;

/// How deep objects may be nested, which decoding has bounded before.
const DEPTH: usize = 128;

/// Maps with keys that a client chooses, which are the same when they are empty and when they are absent. Everything
/// else that is written as a map is a struct, which is something even when it is empty.
const MAPS: &[&str] = &[
    "allocatedResources",
    "annotations",
    "capacity",
    "labels",
    "limits",
    "matchLabels",
    "nodeSelector",
    "options",
    "overhead",
    "requests",
    "volumeAttributes",
];

/// Maps of amounts, and amounts that stand alone.
const AMOUNTS: &[&str] =
    &["allocatedResources", "capacity", "divisor", "limits", "overhead", "requests", "sizeLimit"];

/// Whether two values of the same type are the same.
pub(in crate::kinds::rules) fn is_same(one: Option<&Value>, other: Option<&Value>) -> bool {
    is_same_field("", one, other, DEPTH)
}

fn is_same_field(name: &str, one: Option<&Value>, other: Option<&Value>, depth: usize) -> bool {
    let held = |value: Option<&Value>| match value {
        None | Some(Value::Null) => false,
        Some(Value::List(items)) => !items.is_empty(),
        Some(Value::Map(map)) => !(map.is_empty() && MAPS.contains(&name)),
        Some(Value::Str(text)) => !text.is_empty(),
        Some(Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Json(_)) => true,
    };
    let (Some(one), Some(other)) =
        (one.filter(|one| held(Some(one))), other.filter(|other| held(Some(other))))
    else {
        return held(one) == held(other);
    };
    let Some(depth) = depth.checked_sub(1) else { return one == other };
    match (one, other) {
        (Value::Map(one), Value::Map(other)) => is_same_map(name, one, other, depth),
        (Value::List(one), Value::List(other)) => {
            one.len() == other.len()
                && one.iter().zip(other.iter()).all(|(one, other)| {
                    is_same_field("", Some(one), Some(other), depth) && one.is_null() == other.is_null()
                })
        }
        _ if AMOUNTS.contains(&name) => is_same_amount(one, other),
        _ => one == other,
    }
}

fn is_same_map(name: &str, one: &Map, other: &Map, depth: usize) -> bool {
    let keys: BTreeSet<&str> = one.iter().chain(other.iter()).map(|(key, _)| key.as_str()).collect();
    let is_of_amounts = AMOUNTS.contains(&name);
    if MAPS.contains(&name) {
        return keys.into_iter().all(|key| match (one.get(key), other.get(key)) {
            (Some(one), Some(other)) if is_of_amounts => is_same_amount(one, other),
            (one, other) => one == other,
        });
    }
    keys.into_iter().all(|key| is_same_field(key, one.get(key), other.get(key), depth))
}

fn is_same_amount(one: &Value, other: &Value) -> bool {
    match (Quantity::from_value(one), Quantity::from_value(other)) {
        (Ok(one), Ok(other)) => one.compare(&other) == Ordering::Equal,
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;

    #[test]
    fn what_is_the_same_for_go_is_the_same() {
        let table = [
            ("{}", "{}", true),
            (r#"{"a":null}"#, "{}", true),
            (r#"{"a":[]}"#, "{}", true),
            (r#"{"a":""}"#, "{}", true),
            (r#"{"a":{}}"#, "{}", false),
            (r#"{"limits":{}}"#, "{}", true),
            (r#"{"limits":{"cpu":"1"}}"#, r#"{"limits":{"cpu":"1000m"}}"#, true),
            (r#"{"limits":{"cpu":"1"}}"#, r#"{"limits":{"cpu":"2"}}"#, false),
            (r#"{"labels":{"a":"1"}}"#, r#"{"labels":{"a":"1000m"}}"#, false),
            (r#"{"labels":{"a":""}}"#, r#"{"labels":{}}"#, false),
            (r#"{"a":[1,2]}"#, r#"{"a":[1]}"#, false),
            (r#"{"a":[{"b":1}]}"#, r#"{"a":[{"b":2}]}"#, false),
            (r#"{"a":1}"#, "{}", false),
        ];
        for (one, other, same) in table {
            let parsed = |text: &str| json::parse(text.as_bytes()).expect("JSON").value;
            let (one, other) = (parsed(one), parsed(other));
            assert_eq!(is_same(Some(&one), Some(&other)), same, "{}", json::to_string(&one));
            assert_eq!(is_same(Some(&other), Some(&one)), same, "{}", json::to_string(&one));
        }
    }
}

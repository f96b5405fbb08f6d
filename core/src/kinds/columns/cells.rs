//! What the cells of many kinds have in common: names, ages, counts, joined lists, selectors.
//!
//! Nothing here fails: what is absent or of another type counts as unset.

use super::age;
use crate::now::Wall;
use crate::selector::LabelSelector;
use crate::value::quantity::Quantity;
use crate::value::{Map, Value};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

pub(super) const NONE: &str = "<none>";
pub(super) const UNSET: &str = "<unset>";
pub(super) const UNKNOWN: &str = "<unknown>";

/// Of a longer list this many are shown, and the others counted.
const SHOWN: usize = 3;

pub(super) fn name(object: &Value) -> Value {
    text(object, &["metadata", "name"])
}

/// The time since the object was created.
pub(super) fn age(object: &Value, now: Wall) -> Value {
    since(object, &["metadata", "creationTimestamp"], now).into()
}

/// The time that has passed since the time at a path.
pub(super) fn since(object: &Value, path: &[&str], now: Wall) -> String {
    time(object, path).map_or_else(|| UNKNOWN.to_string(), |then| age::between(then, now))
}

/// The time at a path. Go's zero time counts as none.
pub(super) fn time(object: &Value, path: &[&str]) -> Option<Wall> {
    let text = object.text_at(path);
    Wall::parse_rfc3339(text).filter(|_| !text.starts_with("0001-01-01T00:00:00"))
}

/// The text at a path, empty when unset.
pub(super) fn text(object: &Value, path: &[&str]) -> Value {
    object.text_at(path).into()
}

/// The text at a path; another when it is unset, or empty.
pub(super) fn filled_or<'a>(object: &'a Value, path: &[&str], otherwise: &'a str) -> &'a str {
    Some(object.text_at(path)).filter(|text| !text.is_empty()).unwrap_or(otherwise)
}

/// The text at a path; another when it is unset.
pub(super) fn set_or<'a>(object: &'a Value, path: &[&str], otherwise: &'a str) -> &'a str {
    object.at(path).and_then(Value::as_str).unwrap_or(otherwise)
}

/// The integer at a path, 0 when unset.
pub(super) fn int(object: &Value, path: &[&str]) -> i64 {
    object.at(path).and_then(Value::as_int).unwrap_or(0)
}

pub(super) fn integer(object: &Value, path: &[&str]) -> Value {
    int(object, path).into()
}

/// The truth at a path; another when it is unset.
pub(super) fn truth_or(object: &Value, path: &[&str], otherwise: bool) -> Value {
    object.at(path).and_then(Value::as_bool).unwrap_or(otherwise).into()
}

/// The list at a path, empty when unset.
pub(super) fn items<'a>(object: &'a Value, path: &[&str]) -> &'a [Value] {
    object.at(path).and_then(Value::as_list).unwrap_or_default()
}

/// The texts of the list at a path.
pub(super) fn texts<'a>(object: &'a Value, path: &[&str]) -> Vec<&'a str> {
    items(object, path).iter().filter_map(Value::as_str).collect()
}

/// How many items the list or map at a path has.
pub(super) fn count(object: &Value, path: &[&str]) -> i64 {
    let found = object.at(path);
    let list = found.and_then(Value::as_list).map(<[Value]>::len);
    let len = list.or_else(|| found.and_then(Value::as_map).map(Map::len)).unwrap_or(0);
    i64::try_from(len).unwrap_or(i64::MAX)
}

/// Something is at a path, and it is not null.
pub(super) fn is_set(object: &Value, path: &[&str]) -> bool {
    object.at(path).is_some_and(|value| !value.is_null())
}

pub(super) fn is_being_deleted(object: &Value) -> bool {
    is_set(object, &["metadata", "deletionTimestamp"])
}

/// The first of the conditions in the object's status that is of this type.
pub(super) fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    items(object, &["status", "conditions"]).iter().find(|one| one.text_at(&["type"]) == kind)
}

/// The first condition of this type is there, and true.
pub(super) fn is_true(object: &Value, kind: &str) -> bool {
    condition(object, kind).is_some_and(|one| one.text_at(&["status"]) == "True")
}

/// The quantity at a path in its canonical text; `0` when unset.
pub(super) fn quantity(object: &Value, path: &[&str]) -> String {
    let found = object.at(path).filter(|value| !value.is_null());
    let parsed = found.and_then(|value| Quantity::from_value(value).ok());
    parsed.unwrap_or(Quantity::ZERO).canonical().to_string()
}

/// Names and images of the containers in the list at a path.
pub(super) fn containers(object: &Value, path: &[&str]) -> [Value; 2] {
    let all = items(object, path);
    ["name", "image"].map(|field| {
        let column: Vec<&str> = all.iter().map(|container| container.text_at(&[field])).collect();
        column.join(",").into()
    })
}

/// `a=b,c=d` of the map at a path.
/// k8s: staging/src/k8s.io/apimachinery/pkg/labels/labels.go FormatLabels
pub(super) fn labels(object: &Value, path: &[&str]) -> String {
    let map = object.at(path).and_then(Value::as_map).filter(|map| !map.is_empty());
    let Some(map) = map else { return NONE.to_string() };
    let pairs: Vec<String> =
        map.iter().map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or(""))).collect();
    pairs.join(",")
}

/// The text of the LabelSelector at a path.
/// k8s: staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/helpers.go FormatLabelSelector
pub(super) fn selector(object: &Value, path: &[&str]) -> String {
    match LabelSelector::from_object(object.at(path)) {
        Ok(selector) => {
            Some(selector.to_string()).filter(|text| !text.is_empty()).unwrap_or(NONE.to_string())
        }
        Err(_) => "<error>".to_string(),
    }
}

/// The first few of a list, and how many more there are.
pub(super) fn some(all: &[String]) -> String {
    let shown = all.get(..SHOWN).unwrap_or(all).join(",");
    match all.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} + {more} more..."),
    }
}

/// As `some`, with a word for a list of nothing.
pub(super) fn some_or_unset(all: &[String]) -> String {
    Some(some(all)).filter(|text| !text.is_empty()).unwrap_or_else(|| UNSET.to_string())
}

/// `kind.group/name` in lower case, without the group when it is empty.
pub(super) fn reference(kind: &str, group: &str, name: &str) -> String {
    match (kind, group) {
        ("", "") => name.to_string(),
        (kind, "") => format!("{}/{name}", kind.to_lowercase()),
        (kind, group) => format!("{}.{}/{name}", kind.to_lowercase(), group.to_lowercase()),
    }
}

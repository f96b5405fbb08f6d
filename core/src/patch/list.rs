//! The lists of a strategic merge patch: items merged by key or as a set, and their order.
//! k8s: staging/src/k8s.io/apimachinery/pkg/util/strategicpatch/patch.go mergeSlice, normalizeElementOrder

use super::shape::go_kind;
use super::strategic::{
    DIRECTIVE, Merge, SET_ELEMENT_ORDER, go_type, no_merge_key, same_go_type, unknown_directive, wrong_type,
};
use super::{PatchError, go_text};
use crate::codec::json;
use crate::schema::Shape;
use crate::value::{Map, Type, Value};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Merges a list whose strategy is `merge`. With `deletes`, the patch lists items to remove.
pub(super) fn merge(
    merge: &Merge<'_>,
    items: &Shape,
    target: Vec<Value>,
    patch: &mut [Value],
    merge_key: &str,
    deletes: bool,
) -> Result<Vec<Value>, PatchError> {
    if target.is_empty() && patch.is_empty() {
        return Ok(target);
    }
    let kind = element_type(&[&target, patch])?;
    if kind != Type::Object {
        if deletes {
            let deleted: BTreeSet<String> = patch.iter().map(identity).collect();
            return Ok(target.into_iter().filter(|item| !deleted.contains(&identity(item))).collect());
        }
        let mut seen = BTreeSet::new();
        let both = target.iter().chain(patch.iter()).filter(|item| seen.insert(identity(item)));
        let merged = both.cloned().collect();
        return order(merged, patch, &target, merge_key, || Ok(kind));
    }
    if merge_key.is_empty() {
        return Err(PatchError::Other(format!(
            "cannot merge lists without merge key for {}",
            go_kind(items)
        )));
    }
    let (target, mut plain) = take_directives(target, patch, merge_key)?;
    let merged = merge_by_key(merge, items, target.clone(), &mut plain, merge_key)?;
    let plain: Vec<Value> = plain.into_iter().map(|item| item.clone()).collect();
    order(merged, &plain, &target, merge_key, || Ok(kind))
}

/// Carries out the items that are directives, and returns the other items of target and patch.
fn take_directives<'p>(
    mut target: Vec<Value>,
    patch: &'p mut [Value],
    merge_key: &str,
) -> Result<(Vec<Value>, Vec<&'p mut Value>), PatchError> {
    let mut plain = Vec::with_capacity(patch.len());
    let mut deleted: BTreeSet<String> = BTreeSet::new();
    let mut replace = false;
    for item in patch {
        let members = item.as_map();
        let Some((members, directive)) = members.and_then(|members| Some((members, members.get(DIRECTIVE)?)))
        else {
            plain.push(item);
            continue;
        };
        match directive.as_str() {
            Some("delete") => {
                let key = members.get(merge_key).ok_or_else(|| no_merge_key(item, merge_key))?;
                deleted.insert(json::to_string(key));
            }
            Some("replace") => replace = true,
            Some("merge") => {
                return Err(PatchError::Other("merging lists cannot yet be specified in the patch".into()));
            }
            Some(_) | None => return Err(unknown_directive(directive, members)),
        }
    }
    if !deleted.is_empty() {
        let is_deleted =
            |held: &Value| held.field(merge_key).is_some_and(|key| deleted.contains(&json::to_string(key)));
        target.retain(|held| !is_deleted(held));
    }
    Ok(if replace {
        (plain.into_iter().map(|item| item.clone()).collect(), Vec::new())
    } else {
        (target, plain)
    })
}

fn merge_by_key(
    merge: &Merge<'_>,
    items: &Shape,
    mut merged: Vec<Value>,
    patch: &mut [&mut Value],
    merge_key: &str,
) -> Result<Vec<Value>, PatchError> {
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for (place, held) in merged.iter().enumerate() {
        if let Some(key) = held.field(merge_key) {
            places.entry(identity(key)).or_insert(place);
        }
    }
    for item in patch {
        let key = item.field(merge_key).ok_or_else(|| no_merge_key(item, merge_key))?;
        let place = *places.entry(identity(key)).or_insert(merged.len());
        match merged.get_mut(place) {
            Some(held) => {
                let current = members_of(core::mem::take(held))?;
                let found = wrong_type("map[string]interface {}", item);
                let changes = item.as_map_mut().ok_or(found)?;
                *held = Value::map(merge.maps(items, current, changes)?);
            }
            None => merged.push((**item).clone()),
        }
    }
    Ok(merged)
}

fn members_of(item: Value) -> Result<Map, PatchError> {
    match item {
        Value::Map(members) => Ok(Arc::unwrap_or_clone(members)),
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::Json(_)
        | Value::Str(_)
        | Value::List(_) => Err(wrong_type("map[string]interface {}", &item)),
    }
}

/// The common type of all items. Lists of lists, mixed types and empty lists are refused (422).
pub(super) fn element_type(lists: &[&[Value]]) -> Result<Type, PatchError> {
    let mut all = lists.iter().flat_map(|list| list.iter());
    let Some(first) = all.next() else {
        return Err(PatchError::Other("no elements in any of the given slices".into()));
    };
    if first.type_of() == Type::Array {
        return Err(PatchError::Inapplicable("lists of lists are not supported".into()));
    }
    if first.is_null() || !all.all(|item| same_go_type(first, item)) {
        let shown: Vec<String> = lists.iter().map(|list| go_text(&Value::list(list.to_vec()))).collect();
        return Err(PatchError::Other(format!(
            "list element types are not identical: [{}]",
            shown.join(" ")
        )));
    }
    Ok(first.type_of())
}

/// Orders a merged list: items of the patch as in `patch_order`, the others as in `target_order`. Both are
/// interleaved by their order in the target. `kind` is called only if there are items.
pub(super) fn order(
    merged: Vec<Value>,
    patch_order: &[Value],
    target_order: &[Value],
    merge_key: &str,
    kind: impl FnOnce() -> Result<Type, PatchError>,
) -> Result<Vec<Value>, PatchError> {
    let (from_patch, others) = partition(merged, patch_order, merge_key)?;
    let key = (kind()? == Type::Object).then_some(merge_key);
    let patch_places = places(patch_order, key)?;
    let target_places = places(target_order, key)?;
    let from_patch = sorted(from_patch, &patch_places, key)?;
    let others = sorted(others, &target_places, key)?;
    Ok(weave(others, from_patch, &target_places, key))
}

/// Splits items into those that a list names, and the others.
fn partition(
    items: Vec<Value>,
    named: &[Value],
    merge_key: &str,
) -> Result<(Vec<Value>, Vec<Value>), PatchError> {
    let key = (!merge_key.is_empty()).then_some(merge_key);
    let named: BTreeSet<String> = named.iter().filter_map(|item| place_key(item, key)).collect();
    let mut present = Vec::new();
    let mut others = Vec::new();
    for item in items {
        if let Some(merge_key) = key {
            check_has_key(&item, merge_key)?;
        }
        let is_named = place_key(&item, key).is_some_and(|key| named.contains(&key));
        if is_named { present.push(item) } else { others.push(item) }
    }
    Ok((present, others))
}

fn check_has_key(item: &Value, merge_key: &str) -> Result<(), PatchError> {
    let members = item.as_map().ok_or_else(|| wrong_type("map[string]interface {}", item))?;
    if members.contains_key(merge_key) { Ok(()) } else { Err(no_merge_key(item, merge_key)) }
}

/// The position of each item, by its merge key or its own value; for equal ones the first.
fn places(items: &[Value], key: Option<&str>) -> Result<BTreeMap<String, usize>, PatchError> {
    let mut places = BTreeMap::new();
    for (place, item) in items.iter().enumerate() {
        if let Some(merge_key) = key {
            check_has_key(item, merge_key)?;
        }
        if let Some(key) = place_key(item, key) {
            places.entry(key).or_insert(place);
        }
    }
    Ok(places)
}

fn place_of(places: &BTreeMap<String, usize>, item: &Value, key: Option<&str>) -> Option<usize> {
    places.get(&place_key(item, key)?).copied()
}

fn place_key(item: &Value, key: Option<&str>) -> Option<String> {
    match key {
        Some(merge_key) => item.field(merge_key).map(identity),
        None => Some(identity(item)),
    }
}

/// Sorts by position. Items without a position come first, items with a `delete` directive last.
fn sorted(
    mut items: Vec<Value>,
    places: &BTreeMap<String, usize>,
    key: Option<&str>,
) -> Result<Vec<Value>, PatchError> {
    for item in &items {
        if let Some(merge_key) = key {
            check_has_key(item, merge_key)?;
        }
    }
    let deletes = |item: &Value| key.is_some() && item.text_at(&[DIRECTIVE]) == "delete";
    items.sort_by_cached_key(|item| (deletes(item), place_of(places, item, key)));
    Ok(items)
}

/// Puts each item of `left` before the first item of `right` that follows it in the target.
fn weave(
    left: Vec<Value>,
    right: Vec<Value>,
    places: &BTreeMap<String, usize>,
    key: Option<&str>,
) -> Vec<Value> {
    let mut out = Vec::with_capacity(left.len() + right.len());
    let mut left = left.into_iter().peekable();
    let mut right = right.into_iter().peekable();
    while let (Some(first), Some(second)) = (left.peek(), right.peek()) {
        let before = match (place_of(places, first, key), place_of(places, second, key)) {
            (Some(first), Some(second)) => first < second,
            (Some(_) | None, _) => false,
        };
        out.extend(if before { left.next() } else { right.next() });
    }
    out.extend(left);
    out.extend(right);
    out
}

/// Checks that all items of the patch are in its `$setElementOrder` list, in the same order.
pub(super) fn check_order(patch: &[Value], listed: &[Value], merge_key: &str) -> Result<(), PatchError> {
    if patch.is_empty() || listed.is_empty() {
        return Ok(());
    }
    let mut plain = Vec::new();
    for item in patch {
        if !merge_key.is_empty() && item.as_map().is_none() {
            return Err(wrong_type("map[string]interface {}", item));
        }
        if item.field(DIRECTIVE).is_none() {
            plain.push(item);
        }
    }
    let mut listed_items = listed.iter();
    for item in &plain {
        loop {
            let Some(named) = listed_items.next() else {
                let (patch, listed) = (Value::list(patch.to_vec()), Value::list(listed.to_vec()));
                let (patch, listed) = (go_text(&patch), go_text(&listed));
                return Err(PatchError::Other(format!(
                    "The order in patch list:\n{patch}\n doesn't match {SET_ELEMENT_ORDER} list:\n{listed}\n"
                )));
            };
            if !merge_key.is_empty() {
                check_has_key(item, merge_key)?;
                check_has_key(named, merge_key)?;
            }
            let key = (!merge_key.is_empty()).then_some(merge_key);
            if place_key(item, key) == place_key(named, key) {
                break;
            }
        }
    }
    Ok(())
}

/// A text that is equal for equal values of the same Go type, and different for all others.
fn identity(value: &Value) -> String {
    format!("{}:{}", go_type(value), json::to_string(value))
}

//! Strategic merge patch: merge keys and strategies from the catalogue, directives from the patch.
//! k8s: staging/src/k8s.io/apimachinery/pkg/util/strategicpatch/patch.go

use super::merge::without_nulls;
use super::shape::{field, list_field};
use super::{PatchError, go_text, list};
use crate::schema::{Catalogue, Shape, TypeId};
use crate::value::{Map, Type, Value};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// What a map or an item of a list says of itself: `merge`, `replace` or `delete`.
pub(super) const DIRECTIVE: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const DELETE_FROM_PRIMITIVE_LIST: &str = "$deleteFromPrimitiveList";
pub(super) const SET_ELEMENT_ORDER: &str = "$setElementOrder";

/// The target after the patch. Recursion is as deep as the patch, which its parser bounds.
pub fn apply(catalogue: &Catalogue, root: TypeId, target: Value, patch: &Value) -> Result<Value, PatchError> {
    let patch = match patch {
        Value::Null => Map::new(),
        Value::Map(members) => (**members).clone(),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Str(_) | Value::List(_) => {
            let found = patch.type_of().word();
            let why =
                format!("json: cannot unmarshal {found} into Go value of type map[string]interface {{}}");
            return Err(PatchError::Malformed(why));
        }
    };
    Merge { catalogue }.maps(&Shape::Struct(root), into_map(target), patch).map(Value::map)
}

fn into_map(value: Value) -> Map {
    match value {
        Value::Map(members) => Arc::unwrap_or_clone(members),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Str(_) | Value::List(_) => {
            Map::new()
        }
    }
}

/// One patch at work.
pub(super) struct Merge<'c> {
    catalogue: &'c Catalogue,
}

impl Merge<'_> {
    pub(super) fn maps(&self, shape: &Shape, mut target: Map, mut patch: Map) -> Result<Map, PatchError> {
        if let Some(directive) = patch.get(DIRECTIVE) {
            return match directive.as_str() {
                Some("replace") => {
                    patch.remove(DIRECTIVE);
                    Ok(patch)
                }
                Some("delete") => Ok(Map::new()),
                Some(_) | None => Err(unknown_directive(directive, &patch)),
            };
        }
        retain_keys(&mut target, &mut patch)?;
        self.ordered_lists(shape, &mut target, &mut patch)?;
        for (key, change) in patch.into_entries() {
            match directive_field(&key, DELETE_FROM_PRIMITIVE_LIST)? {
                Some(field) => self.member(shape, &mut target, field, change, true)?,
                None => self.member(shape, &mut target, &key, change, false)?,
            }
        }
        Ok(target)
    }

    /// Merges one member. With `deletes`, the change lists the items to be removed from it.
    fn member(
        &self,
        shape: &Shape,
        target: &mut Map,
        key: &str,
        change: Value,
        deletes: bool,
    ) -> Result<(), PatchError> {
        if change.is_null() {
            target.remove(key);
            return Ok(());
        }
        let current = target.get_mut(key).map(core::mem::take);
        let merged = match (current, change) {
            (Some(Value::Map(current)), Value::Map(change)) => {
                let field = field(self.catalogue, shape, key)?;
                let change = Arc::unwrap_or_clone(change);
                let current = Arc::unwrap_or_clone(current);
                let merged =
                    if field.patch.replace { change } else { self.maps(&field.shape, current, change)? };
                Some(Value::map(merged))
            }
            (Some(Value::List(current)), Value::List(change)) => {
                let (current, change) = (Arc::unwrap_or_clone(current), Arc::unwrap_or_clone(change));
                Some(Value::list(self.lists(shape, key, current, change, deletes)?))
            }
            (Some(current), change) if same_go_type(&current, &change) => Some(change),
            (current, _) if deletes => current,
            (Some(_) | None, change) => without_directives(&without_nulls(&change)),
        };
        match merged {
            Some(merged) => target.insert(key, merged),
            None => target.remove(key),
        };
        Ok(())
    }

    fn lists(
        &self,
        shape: &Shape,
        key: &str,
        target: Vec<Value>,
        patch: Vec<Value>,
        deletes: bool,
    ) -> Result<Vec<Value>, PatchError> {
        let (field, items) = list_field(self.catalogue, shape, key)?;
        if !field.patch.merge {
            return Ok(patch);
        }
        list::merge(self, items, target, patch, field.patch.merge_key.unwrap_or(""), deletes)
    }

    /// Takes the `$setElementOrder/...` lists from the patch, with the lists they order, and merges those.
    fn ordered_lists(&self, shape: &Shape, target: &mut Map, patch: &mut Map) -> Result<(), PatchError> {
        let directives: Vec<_> = patch
            .iter()
            .map(|(key, _)| key.clone())
            .filter(|key| key.starts_with(SET_ELEMENT_ORDER))
            .collect();
        for directive in directives {
            let order = into_list(patch.remove(&directive).unwrap_or_default())?;
            let Some(key) = directive_field(&directive, SET_ELEMENT_ORDER)? else { continue };
            let current = target.get(key).cloned().map(into_list).transpose()?;
            let change = patch.get(key).cloned().map(into_list).transpose()?;
            let (field, _) = list_field(self.catalogue, shape, key)?;
            let merge_key = field.patch.merge_key.unwrap_or("");
            list::check_order(change.as_deref().unwrap_or_default(), &order, merge_key)?;
            let kind = |current: &[Value], change: &[Value]| list::element_type(&[current, change]);
            let merged = match (&current, &change) {
                (None, None) => continue,
                (Some(current), None) => current.clone(),
                (None, Some(change)) => change.iter().filter_map(without_directives).collect(),
                (Some(current), Some(change)) => {
                    self.lists(shape, key, current.clone(), change.clone(), false)?
                }
            };
            let current = current.unwrap_or_default();
            let ordered = list::order(merged, &order, &current, merge_key, || {
                kind(&current, change.as_deref().unwrap_or_default())
            })?;
            target.insert(key, Value::list(ordered));
            patch.remove(key);
        }
        Ok(())
    }
}

/// Applies `$retainKeys`: what the list does not name goes, and the patch may set nothing else.
fn retain_keys(target: &mut Map, patch: &mut Map) -> Result<(), PatchError> {
    let Some(listed) = patch.remove(RETAIN_KEYS) else { return Ok(()) };
    let malformed = || PatchError::Malformed("invalid patch format of retainKeys".into());
    let listed = listed.as_list().ok_or_else(malformed)?;
    let mut retained: Vec<&str> = listed.iter().filter_map(Value::as_str).collect();
    retained.sort_unstable();
    let is_retained = |key: &str| retained.binary_search(&key).is_ok();
    for (key, change) in patch.iter() {
        let directive = key.starts_with(DELETE_FROM_PRIMITIVE_LIST) || key.starts_with(SET_ELEMENT_ORDER);
        if !change.is_null() && !directive && !is_retained(key) {
            return Err(malformed());
        }
    }
    target.retain(|key, _| is_retained(key));
    Ok(())
}

/// The field that a `$directive/field` member is about; None when it is no such member.
fn directive_field<'k>(key: &'k str, directive: &str) -> Result<Option<&'k str>, PatchError> {
    let Some(rest) = key.strip_prefix(directive) else { return Ok(None) };
    match rest.strip_prefix('/') {
        Some(field) => Ok(Some(field)),
        None => Err(malformed_directive(directive)),
    }
}

fn malformed_directive(directive: &str) -> PatchError {
    let what = if directive == SET_ELEMENT_ORDER { "setElementOrder list" } else { "primitive list" };
    PatchError::Malformed(format!("invalid patch format of {what}"))
}

fn into_list(value: Value) -> Result<Vec<Value>, PatchError> {
    match value {
        Value::List(items) => Ok(Arc::unwrap_or_clone(items)),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Str(_) | Value::Map(_) => {
            Err(wrong_type("[]interface {}", &value))
        }
    }
}

/// The value without maps that carry a directive; None when it is one itself. Of a field that the
/// target does not have, there is nothing that a directive could be about.
fn without_directives(value: &Value) -> Option<Value> {
    match value {
        Value::Map(members) if members.contains_key(DIRECTIVE) => None,
        Value::Map(members) => {
            let kept =
                members.iter().filter_map(|(key, member)| Some((key.clone(), without_directives(member)?)));
            Some(Value::map(kept.collect()))
        }
        Value::List(items) => Some(Value::list(items.iter().filter_map(without_directives).collect())),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Str(_) => Some(value.clone()),
    }
}

/// Values of one Go type, as its JSON decoder would make them.
pub(super) fn same_go_type(left: &Value, right: &Value) -> bool {
    go_type(left) == go_type(right)
}

pub(super) fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "%!s(<nil>)",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int64",
        Value::Float(_) => "float64",
        Value::Str(_) => "string",
        Value::List(_) => "[]interface {}",
        Value::Map(_) => "map[string]interface {}",
    }
}

pub(super) fn wrong_type(expected: &str, found: &Value) -> PatchError {
    PatchError::Other(format!("expected a {expected}, but received a {}", go_type(found)))
}

pub(super) fn no_merge_key(map: &Value, merge_key: &str) -> PatchError {
    PatchError::Other(format!("map: {} does not contain declared merge key: {merge_key}", go_text(map)))
}

pub(super) fn unknown_directive(directive: &Value, map: &Map) -> PatchError {
    let shown: String = match directive.type_of() {
        Type::String => go_text(directive),
        Type::Null => "%!s(<nil>)".into(),
        Type::Bool | Type::Number | Type::Array | Type::Object => {
            format!("%!s({}={})", go_type(directive), go_text(directive))
        }
    };
    let map = go_text(&Value::map(map.clone()));
    PatchError::Other(format!("unknown patch type: {shown} in map: {map}"))
}

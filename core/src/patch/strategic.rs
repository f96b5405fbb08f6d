//! Strategic merge patch: merge keys and strategies from the catalogue, directives from the patch.
//! k8s: staging/src/k8s.io/apimachinery/pkg/util/strategicpatch/patch.go

use super::shape::{field, list_field};
use super::{PatchError, go_string, go_text, list};
use crate::schema::{Catalogue, Shape, TypeId};
use crate::value::{Map, Value};
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// What a map or an item of a list says of itself: `merge`, `replace` or `delete`.
pub(super) const DIRECTIVE: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const DELETE_FROM_PRIMITIVE_LIST: &str = "$deleteFromPrimitiveList";
pub(super) const SET_ELEMENT_ORDER: &str = "$setElementOrder";

/// The target after the patch. Error texts show the patch as upstream's merge leaves it, so what the merge takes
/// from it is taken here too. Recursion is as deep as the patch, which its parser bounds.
pub fn apply(
    catalogue: &Catalogue,
    root: TypeId,
    target: Value,
    patch: &mut Value,
) -> Result<Value, PatchError> {
    if patch.is_null() {
        *patch = Value::empty_map();
    }
    let found = patch.type_of().word();
    let Some(members) = patch.as_map_mut() else {
        let why = format!("json: cannot unmarshal {found} into Go value of type map[string]interface {{}}");
        return Err(PatchError::Malformed(why));
    };
    Merge { catalogue }.maps(&Shape::Struct(root), into_map(target), members).map(Value::map)
}

fn into_map(value: Value) -> Map {
    match value {
        Value::Map(members) => Arc::unwrap_or_clone(members),
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::Str(_)
        | Value::List(_)
        | Value::Json(_) => Map::new(),
    }
}

/// One patch at work.
pub(super) struct Merge<'c> {
    catalogue: &'c Catalogue,
}

impl Merge<'_> {
    pub(super) fn maps(&self, shape: &Shape, mut target: Map, patch: &mut Map) -> Result<Map, PatchError> {
        if let Some(directive) = patch.get(DIRECTIVE) {
            return match directive.as_str() {
                Some("replace") => {
                    patch.remove(DIRECTIVE);
                    Ok(patch.clone())
                }
                Some("delete") => Ok(Map::new()),
                Some(_) | None => Err(unknown_directive(directive, patch)),
            };
        }
        retain_keys(&mut target, patch)?;
        self.ordered_lists(shape, &mut target, patch)?;
        for (key, change) in patch.iter_mut() {
            match directive_field(key, DELETE_FROM_PRIMITIVE_LIST)? {
                // A directive without a name is about the member that is called like it.
                Some("") => self.member(shape, &mut target, key, change, true)?,
                Some(field) => self.member(shape, &mut target, field, change, true)?,
                None => self.member(shape, &mut target, key, change, false)?,
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
        change: &mut Value,
        deletes: bool,
    ) -> Result<(), PatchError> {
        if change.is_null() {
            target.remove(key);
            return Ok(());
        }
        let current = target.get_mut(key).map(core::mem::take);
        let merged = match (current, &mut *change) {
            (Some(Value::Map(current)), Value::Map(members)) => {
                let field = field(self.catalogue, shape, key)?;
                let members = Arc::make_mut(members);
                let merged = if field.patch.replace {
                    members.clone()
                } else {
                    self.maps(&field.shape, Arc::unwrap_or_clone(current), members)?
                };
                Some(Value::map(merged))
            }
            (Some(Value::List(current)), Value::List(items)) => {
                let (current, items) = (Arc::unwrap_or_clone(current), Arc::make_mut(items).as_mut_slice());
                Some(Value::list(self.lists(shape, key, current, items, deletes)?))
            }
            (Some(current), change) if same_go_type(&current, change) => Some(change.clone()),
            (current, _) if deletes => current,
            (Some(_) | None, change) => {
                discard_nulls(change);
                if remove_directives(change) { Some(change.clone()) } else { None }
            }
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
        patch: &mut [Value],
        deletes: bool,
    ) -> Result<Vec<Value>, PatchError> {
        let (field, items) = list_field(self.catalogue, shape, key)?;
        if !field.patch.merge && !deletes {
            return Ok(patch.to_vec());
        }
        list::merge(self, items, target, patch, field.patch.merge_key.as_deref().unwrap_or(""), deletes)
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
            let mut change = patch.get(key).cloned().map(into_list).transpose()?;
            let (field, _) = list_field(self.catalogue, shape, key)?;
            let merge_key = field.patch.merge_key.as_deref().unwrap_or("");
            list::check_order(change.as_deref().unwrap_or_default(), &order, merge_key)?;
            let kinds = list::element_type(&[
                current.as_deref().unwrap_or_default(),
                change.as_deref().unwrap_or_default(),
            ]);
            let merged = match (&current, &mut change) {
                (None, None) => continue,
                (Some(current), None) => current.clone(),
                (None, Some(change)) => {
                    change.retain_mut(remove_directives);
                    change.clone()
                }
                (Some(current), Some(change)) => self.lists(shape, key, current.clone(), change, false)?,
            };
            let current = current.unwrap_or_default();
            let ordered = list::order(merged, &order, &current, merge_key, || kinds)?;
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
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::Json(_)
        | Value::Str(_)
        | Value::Map(_) => Err(wrong_type("[]interface {}", &value)),
    }
}

/// Takes the maps that carry a directive from a value; false when it is one itself. Of a field that the target
/// does not have, there is nothing that a directive could be about.
fn remove_directives(value: &mut Value) -> bool {
    if value.field(DIRECTIVE).is_some() {
        return false;
    }
    if let Some(members) = value.as_map_mut() {
        members.retain(|_, member| remove_directives(member));
    } else if let Some(items) = value.as_list_mut() {
        items.retain_mut(remove_directives);
    }
    true
}

/// Takes the members that are null from a value, also inside lists. Items of lists that are null stay.
fn discard_nulls(value: &mut Value) {
    if let Some(members) = value.as_map_mut() {
        members.retain(|_, member| {
            discard_nulls(member);
            !member.is_null()
        });
    } else if let Some(items) = value.as_list_mut() {
        items.iter_mut().for_each(discard_nulls);
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
        Value::Float(_) | Value::Json(_) => "float64",
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
    let shown = go_string(directive);
    let map = go_text(&Value::map(map.clone()));
    PatchError::Other(format!("unknown patch type: {shown} in map: {map}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patch::merge::without_nulls;
    use crate::patch::tests::{arbitrary, json};
    use crate::schema::catalogue;
    use proptest::prelude::*;

    fn patched(kind: &str, target: &str, patch: &str) -> Result<Value, PatchError> {
        let catalogue = catalogue();
        let root = catalogue.type_named(kind).unwrap();
        apply(&catalogue, root, json(target), &mut json(patch))
    }

    /// The spec of a pod, patched.
    fn pod(target: &str, patch: &str) -> Result<Value, PatchError> {
        patched("core.v1.PodSpec", target, patch)
    }

    #[test]
    fn lists_merge_by_key_and_in_order() {
        let table = [
            // New items come first, changed ones keep their place.
            (
                r#"{"containers":[{"name":"a","image":"1"},{"name":"b"}]}"#,
                r#"{"containers":[{"name":"a","image":"2"}]}"#,
                r#"{"containers":[{"name":"a","image":"2"},{"name":"b"}]}"#,
            ),
            (
                r#"{"containers":[{"name":"a"},{"name":"b"}]}"#,
                r#"{"containers":[{"name":"c","image":"3"}]}"#,
                r#"{"containers":[{"name":"c","image":"3"},{"name":"a"},{"name":"b"}]}"#,
            ),
            (
                r#"{"containers":[{"name":"a"},{"name":"b"},{"name":"c"}]}"#,
                r#"{"containers":[{"name":"b","$patch":"delete"},{"name":"c","x":1},{"name":"a","x":2}]}"#,
                r#"{"containers":[{"name":"c","x":1},{"name":"a","x":2}]}"#,
            ),
            (
                r#"{"containers":[{"name":"a","env":[{"name":"A"},{"name":"B"}]}]}"#,
                r#"{"containers":[{"name":"a","env":[{"name":"A","$patch":"delete"},{"name":"C"}]}]}"#,
                r#"{"containers":[{"name":"a","env":[{"name":"C"},{"name":"B"}]}]}"#,
            ),
            (
                r#"{"containers":[{"name":"c3"},{"name":"c1"},{"name":"c2"}]}"#,
                r#"{"$setElementOrder/containers":[{"name":"c1"},{"name":"c3"}],"containers":[]}"#,
                r#"{"containers":[{"name":"c1"},{"name":"c3"},{"name":"c2"}]}"#,
            ),
            (
                r#"{"volumes":[{"name":"v1","emptyDir":{}}]}"#,
                r#"{"volumes":[{"$patch":"replace"},{"name":"v2","emptyDir":{}}]}"#,
                r#"{"volumes":[{"name":"v2","emptyDir":{}}]}"#,
            ),
            (
                r#"{"volumes":[{"name":"v","emptyDir":{}}]}"#,
                r#"{"volumes":[{"name":"v","emptyDir":null,"configMap":{"name":"c"}}]}"#,
                r#"{"volumes":[{"name":"v","configMap":{"name":"c"}}]}"#,
            ),
            // `retainKeys` clears the other kinds of volume.
            (
                r#"{"volumes":[{"name":"v","emptyDir":{}}]}"#,
                r#"{"volumes":[{"$retainKeys":["name","configMap"],"name":"v","configMap":{"name":"c"}}]}"#,
                r#"{"volumes":[{"name":"v","configMap":{"name":"c"}}]}"#,
            ),
            // No merge strategy: replaced.
            (
                r#"{"tolerations":[{"key":"a"}]}"#,
                r#"{"tolerations":[{"key":"b"}]}"#,
                r#"{"tolerations":[{"key":"b"}]}"#,
            ),
            (
                r#"{"imagePullSecrets":[{"name":"a"}]}"#,
                r#"{"imagePullSecrets":[{"name":"b"}]}"#,
                r#"{"imagePullSecrets":[{"name":"b"},{"name":"a"}]}"#,
            ),
        ];
        for (target, patch, expected) in table {
            assert_eq!(pod(target, patch), Ok(json(expected)), "{target} {patch}");
        }
    }

    #[test]
    fn maps_and_sets_merge() {
        let table = [
            (
                r#"{"nodeSelector":{"a":"1"}}"#,
                r#"{"nodeSelector":{"b":"2"}}"#,
                r#"{"nodeSelector":{"a":"1","b":"2"}}"#,
            ),
            (
                r#"{"nodeSelector":{"a":"1"}}"#,
                r#"{"nodeSelector":{"$patch":"replace","z":"y"}}"#,
                r#"{"nodeSelector":{"z":"y"}}"#,
            ),
            (
                r#"{"nodeSelector":{"a":"1"}}"#,
                r#"{"nodeSelector":{"$patch":"delete"}}"#,
                r#"{"nodeSelector":{}}"#,
            ),
            (r#"{"nodeSelector":{"a":"1"}}"#, r#"{"nodeSelector":null}"#, "{}"),
            // What the target lacks is taken without nulls and directives.
            (
                "{}",
                r#"{"containers":[{"name":"a","x":null},{"name":"b","$patch":"delete"}],"dns":{"$patch":"x"}}"#,
                r#"{"containers":[{"name":"a"}]}"#,
            ),
            ("{}", "null", "{}"),
        ];
        for (target, patch, expected) in table {
            assert_eq!(pod(target, patch), Ok(json(expected)), "{target} {patch}");
        }
        let table = [
            (
                r#"{"finalizers":["b","a"]}"#,
                r#"{"finalizers":["c","a","c"]}"#,
                r#"{"finalizers":["c","b","a"]}"#,
            ),
            (
                r#"{"finalizers":["a","b"]}"#,
                r#"{"$deleteFromPrimitiveList/finalizers":["a"]}"#,
                r#"{"finalizers":["b"]}"#,
            ),
            ("{}", r#"{"$deleteFromPrimitiveList/finalizers":["a"]}"#, "{}"),
            // Nothing is put in the place of what cannot be taken from.
            (
                r#"{"finalizers":["a"]}"#,
                r#"{"$deleteFromPrimitiveList/finalizers":"a"}"#,
                r#"{"finalizers":["a"]}"#,
            ),
            ("{\"finalizers\":[\"a\"]}", r#"{"$deleteFromPrimitiveList/finalizers":null}"#, "{}"),
            (
                r#"{"finalizers":["a","b","c"]}"#,
                r#"{"$setElementOrder/finalizers":["c","a"],"finalizers":["a"]}"#,
                r#"{"finalizers":["b","c","a"]}"#,
            ),
        ];
        for (target, patch, expected) in table {
            let found = patched("meta.v1.ObjectMeta", target, patch);
            assert_eq!(found, Ok(json(expected)), "{target} {patch}");
        }
    }

    #[test]
    fn a_list_without_a_strategy_can_be_taken_from() {
        let target = r#"{"containers":[{"name":"a","args":["x","y","z"]}]}"#;
        let patch = r#"{"containers":[{"name":"a","$deleteFromPrimitiveList/args":["y"]}]}"#;
        let expected = r#"{"containers":[{"name":"a","args":["x","z"]}]}"#;
        assert_eq!(pod(target, patch), Ok(json(expected)));
    }

    #[test]
    fn the_merge_takes_directives_from_the_patch() {
        let catalogue = catalogue();
        let root = catalogue.type_named("core.v1.PodSpec").unwrap();
        let table = [
            (r#"{"$retainKeys":["a"],"a":1}"#, r#"{"a":1}"#),
            (r#"{"nodeSelector":{"$patch":"replace","b":"1"}}"#, r#"{"nodeSelector":{"b":"1"}}"#),
            (r#"{"$setElementOrder/volumes":[{"name":"v"}],"volumes":[{"name":"v"}]}"#, "{}"),
            (r#"{"dns":{"a":null,"b":[{"c":null}]}}"#, r#"{"dns":{"b":[{}]}}"#),
        ];
        for (text, expected) in table {
            let mut patch = json(text);
            let target = json(r#"{"nodeSelector":{"a":"b"},"volumes":[{"name":"v"}]}"#);
            apply(&catalogue, root, target, &mut patch).unwrap();
            assert_eq!(patch, json(expected), "{text}");
        }
    }

    #[test]
    fn errors_are_upstreams() {
        let other = |why: &str| PatchError::Other(why.into());
        let malformed = |why: &str| PatchError::Malformed(why.into());
        let target = r#"{"containers":[{"name":"a"}],"nodeSelector":{"a":"b"},"volumes":[{"name":"v"}]}"#;
        let table = [
            (
                r#"{"containers":[{"image":"noname"}]}"#,
                other("map: map[image:noname] does not contain declared merge key: name"),
            ),
            (
                r#"{"nodeSelector":{"$patch":"bogus"}}"#,
                other("unknown patch type: bogus in map: map[$patch:bogus]"),
            ),
            (
                r#"{"nodeSelector":{"$patch":5}}"#,
                other("unknown patch type: %!s(int64=5) in map: map[$patch:5]"),
            ),
            (
                r#"{"nodeSelector":{"$patch":{"a":[1]}}}"#,
                other("unknown patch type: map[a:[%!s(int64=1)]] in map: map[$patch:map[a:[1]]]"),
            ),
            (
                r#"{"containers":[{"$patch":"merge"}]}"#,
                other("merging lists cannot yet be specified in the patch"),
            ),
            (r#"{"containers":["a"]}"#, other("list element types are not identical: [[map[name:a]] [a]]")),
            (
                r#"{"volumes":[{"name":"v","$retainKeys":["name"],"emptyDir":{}}]}"#,
                malformed("invalid patch format of retainKeys"),
            ),
            (r#"{"$setElementOrder":[]}"#, malformed("invalid patch format of setElementOrder list")),
            (r#"{"$deleteFromPrimitiveList":[]}"#, malformed("invalid patch format of primitive list")),
            (
                r#"{"$setElementOrder/containers":5}"#,
                other("expected a []interface {}, but received a int64"),
            ),
            (
                r#"{"$setElementOrder/containers":[{"name":"b"}],"containers":[{"name":"a"}]}"#,
                other(
                    "The order in patch list:\n[map[name:a]]\n doesn't match $setElementOrder list:\n\
                     [map[name:b]]\n",
                ),
            ),
            ("[]", malformed("json: cannot unmarshal array into Go value of type map[string]interface {}")),
        ];
        for (patch, expected) in table {
            assert_eq!(pod(target, patch), Err(expected), "{patch}");
        }
        let found = patched("core.v1.Pod", r#"{"nope":{}}"#, r#"{"nope":{}}"#);
        assert_eq!(found, Err(other("unable to find api field in struct Pod for the json field \"nope\"")));
        let lists = patched("meta.v1.ObjectMeta", r#"{"finalizers":[]}"#, r#"{"finalizers":[[]]}"#);
        assert_eq!(lists, Err(PatchError::Inapplicable("lists of lists are not supported".into())));
    }

    /// Pod specs and patches of them that meet: few names, every strategy.
    fn pod_spec(directives: bool) -> impl Strategy<Value = Value> {
        let name = || prop::sample::select(alloc::vec!["a", "b", "c"]);
        let item = move |field: &'static str| {
            (name(), name(), 0..6_u8).prop_map(move |(name, value, kind)| {
                let mut item = Value::empty_map();
                item.set("name", name.into());
                match kind {
                    0 if directives => item.set("$patch", "delete".into()),
                    1 if directives => item.set(field, Value::Null),
                    _ => item.set(field, value.into()),
                }
                item
            })
        };
        let unique = |items: Vec<Value>| {
            let mut seen = alloc::collections::BTreeSet::new();
            Value::list(
                items.into_iter().filter(|item| seen.insert(go_text(item.field("name").unwrap()))).collect(),
            )
        };
        let container =
            (item("image"), prop::collection::vec(item("value"), 0..4)).prop_map(move |(mut held, env)| {
                held.set("env", unique(env));
                held
            });
        let selector = prop::collection::vec((name(), name()), 0..3).prop_map(|pairs| {
            Value::map(pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
        });
        (prop::collection::vec(container, 0..4), prop::collection::vec(item("x"), 0..3), selector).prop_map(
            move |(containers, secrets, selector)| {
                let mut spec = Value::empty_map();
                spec.set("containers", unique(containers));
                spec.set("imagePullSecrets", unique(secrets));
                spec.set("nodeSelector", selector);
                spec
            },
        )
    }

    /// With every container, so that no patch's directive is about one that is not there: upstream takes
    /// such an item as it is.
    fn target_spec() -> impl Strategy<Value = Value> {
        let names = Just(alloc::vec!["a", "b", "c"]).prop_shuffle();
        (pod_spec(false), names).prop_map(|(mut spec, names)| {
            let containers = names.into_iter().map(|name| json(&format!(r#"{{"name":"{name}","env":[]}}"#)));
            spec.set("containers", Value::list(containers.collect()));
            spec
        })
    }

    #[test]
    fn a_patch_changes_nothing_more_when_applied_again() {
        let catalogue = catalogue();
        let root = catalogue.type_named("core.v1.PodSpec").unwrap();
        proptest!(|(target in target_spec(), patch in pod_spec(true))| {
            let once = without_nulls(&apply(&catalogue, root, target, &mut patch.clone()).unwrap());
            let twice = apply(&catalogue, root, once.clone(), &mut patch.clone()).unwrap();
            prop_assert_eq!(without_nulls(&twice), once);
        });
        proptest!(|(target in pod_spec(false))| {
            prop_assert_eq!(apply(&catalogue, root, target.clone(), &mut target.clone()), Ok(target));
        });
    }

    #[test]
    fn any_patch_is_answered() {
        let catalogue = catalogue();
        let root = catalogue.type_named("core.v1.PodSpec").unwrap();
        const NAMES: &[&str] = &["containers", "$setElementOrder/containers", "$retainKeys", "nodeSelector"];
        proptest!(|(target in arbitrary(), patch in arbitrary(), name in prop::sample::select(NAMES))| {
            let members = [(name.into(), patch.clone()), ("containers".into(), patch)];
            let object = [("containers".into(), target)];
            let object = Value::map(object.into_iter().collect());
            let _ = apply(&catalogue, root, object, &mut Value::map(members.into_iter().collect()));
        });
    }
}

//! The OpenAPI v2 documents of other servers within this one's: what they serve, with the types that it uses. A type or
//! a parameter whose name is taken by another one gets a new name; a path that is taken is left out.
//! k8s: k8s.io/kube-openapi/pkg/aggregator/{aggregator,walker}.go

use crate::value::{Map, Text, Value};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

const DEFINITIONS: &str = "#/definitions/";
const PARAMETERS: &str = "#/parameters/";
const KINDS: &str = "x-kubernetes-group-version-kind";

/// The part of a document that is below a path, with the definitions that it needs. Those that nothing in the whole
/// document uses are kept too.
pub(super) fn below(document: Value, root: &str) -> Value {
    kept(document, &|path| path.starts_with(root))
}

fn kept(mut document: Value, keeps: &dyn Fn(&str) -> bool) -> Value {
    let before = used(&document);
    if let Some(paths) = document.field_mut("paths").and_then(Value::as_map_mut) {
        paths.retain(|path, _| keeps(path));
    }
    let after = used(&document);
    if let Some(definitions) = document.field_mut("definitions").and_then(Value::as_map_mut) {
        definitions.retain(|name, _| after.contains(name) || !before.contains(name));
    }
    document
}

/// The definitions that the paths of a document lead to.
fn used(document: &Value) -> BTreeSet<Text> {
    let mut found = BTreeSet::new();
    let mut waiting: Vec<&Value> = document.field("paths").into_iter().collect();
    while let Some(value) = waiting.pop() {
        waiting.extend(value.as_list().into_iter().flatten());
        for (name, member) in value.as_map().into_iter().flat_map(Map::iter) {
            let Some(target) = member.as_str().filter(|_| name == "$ref") else {
                waiting.push(member);
                continue;
            };
            if let Some(name) = target.strip_prefix(PARAMETERS) {
                waiting.extend(document.at(&["parameters", name]));
            } else if let Some(name) = target.strip_prefix(DEFINITIONS)
                && let Some(definition) = document.at(&["definitions", name])
                && found.insert(Text::from(name))
            {
                waiting.push(definition);
            }
        }
    }
    found
}

/// Adds a document to another one.
pub(super) fn merge(into: &mut Value, mut source: Value) {
    let Some(paths) = source.field("paths").and_then(Value::as_map) else { return };
    let is_new = |path: &str| into.at(&["paths", path]).is_none();
    let (all, new) = (paths.len(), paths.iter().filter(|(path, _)| is_new(path)).count());
    if new == 0 {
        return;
    }
    if new < all {
        source = kept(source, &is_new);
    }
    let definitions = new_names(into, &source, "definitions", &is_same_type);
    let parameters = new_names(into, &source, "parameters", &|one, other| one == other);
    rename(&mut source, &definitions, &parameters);
    let take = |from: &mut Value, field: &str| from.as_map_mut().and_then(|map| map.remove(field));
    for field in ["definitions", "parameters", "paths"] {
        let Some(added) = take(&mut source, field) else { continue };
        let Value::Map(added) = added else { continue };
        let mut all = take(into, field).unwrap_or_else(Value::empty_map);
        for (name, value) in added.iter() {
            match all.field_mut(name) {
                Some(held) => add_kinds(held, value),
                None => all.set(name, value.clone()),
            }
        }
        into.set(field, all);
    }
}

/// New names for members of a document whose names are taken by others.
fn new_names(
    into: &Value,
    source: &Value,
    field: &str,
    is_same: &dyn Fn(&Value, &Value) -> bool,
) -> BTreeMap<Text, Text> {
    let own = |name: &str| into.at(&[field, name]);
    let mut given: BTreeMap<Text, Text> = BTreeMap::new();
    let mut taken: BTreeSet<Text> = BTreeSet::new();
    for (name, value) in source.field(field).and_then(Value::as_map).into_iter().flat_map(Map::iter) {
        if own(name).is_none_or(|held| is_same(held, value)) {
            continue;
        }
        // One of the names is free: there are as many as there are numbers.
        for number in 2_u32.. {
            let new = Text::from(format!("{name}_v{number}"));
            let is_free = || !taken.contains(&new) && source.at(&[field, new.as_str()]).is_none();
            let fits = match own(&new) {
                Some(held) => is_same(held, value),
                None => is_free(),
            };
            if fits {
                taken.insert(new.clone());
                given.insert(name.clone(), new);
                break;
            }
        }
    }
    given
}

/// Gives members new names, and whatever refers to them.
fn rename(source: &mut Value, definitions: &BTreeMap<Text, Text>, parameters: &BTreeMap<Text, Text>) {
    if definitions.is_empty() && parameters.is_empty() {
        return;
    }
    refer(source, &|target| {
        let found = |prefix: &str, names: &BTreeMap<Text, Text>| {
            let new = names.get(target.strip_prefix(prefix)?)?;
            Some(format!("{prefix}{new}"))
        };
        found(DEFINITIONS, definitions).or_else(|| found(PARAMETERS, parameters))
    });
    for (field, names) in [("definitions", definitions), ("parameters", parameters)] {
        let Some(members) = source.field_mut(field).and_then(Value::as_map_mut) else { continue };
        let entries = core::mem::take(members).into_entries();
        let renamed = entries.into_iter().map(|(name, value)| {
            let new = names.get(&name).cloned();
            (new.unwrap_or(name), value)
        });
        *members = Map::from_entries(renamed.collect());
    }
}

/// Lets references lead elsewhere.
fn refer(value: &mut Value, leads: &dyn Fn(&str) -> Option<String>) {
    if let Some(items) = value.as_list_mut() {
        items.iter_mut().for_each(|item| refer(item, leads));
    }
    for (name, member) in value.as_map_mut().into_iter().flat_map(Map::iter_mut) {
        match member.as_str().filter(|_| name == "$ref") {
            Some(target) => {
                if let Some(elsewhere) = leads(target) {
                    *member = Value::str(elsewhere);
                }
            }
            None => refer(member, leads),
        }
    }
}

/// A type that several documents have is of the kinds that any of them names.
fn add_kinds(held: &mut Value, other: &Value) {
    let Some(added) = other.field(KINDS).and_then(Value::as_list) else { return };
    let mut kinds = held.field(KINDS).and_then(Value::as_list).unwrap_or_default().to_vec();
    for kind in added {
        if !kinds.contains(kind) {
            kinds.push(kind.clone());
        }
    }
    held.set(KINDS, Value::list(kinds));
}

/// Whether two types are the same but for the kinds that they are of.
fn is_same_type(one: &Value, other: &Value) -> bool {
    let without_kinds = |value: &Value| {
        let mut value = value.clone();
        value.remove_at(&[KINDS]);
        value
    };
    without_kinds(one) == without_kinds(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;

    fn parsed(text: &str) -> Value {
        json::parse(text.as_bytes()).expect("JSON").value
    }

    /// A document with an operation for each path, which refers to a definition.
    fn document(operations: &[(&str, &str)], definitions: &str) -> Value {
        let paths: Vec<String> = operations
            .iter()
            .map(|(path, name)| {
                format!(r##""{path}":{{"get":{{"schema":{{"$ref":"#/definitions/{name}"}}}}}}"##)
            })
            .collect();
        parsed(&format!(r#"{{"paths":{{{}}},"definitions":{definitions}}}"#, paths.join(",")))
    }

    #[test]
    fn a_part_of_a_document_keeps_what_it_needs() {
        let definitions = r##"{"A":{"properties":{"b":{"$ref":"#/definitions/B"},"a":{"$ref":"#/definitions/A"}}},
            "B":{"type":"string"},"C":{"type":"object"},"Unused":{"type":"object"}}"##;
        let whole =
            document(&[("/apis/g/v1/as", "A"), ("/apis/g/v1x/cs", "C"), ("/apis/", "C")], definitions);
        let part = below(whole, "/apis/g/v1/");
        let names = |field: &str| -> Vec<String> {
            let map = part.field(field).and_then(Value::as_map).expect("members");
            map.iter().map(|(name, _)| String::from(name.as_str())).collect()
        };
        assert_eq!(
            (names("paths").join(" ").as_str(), names("definitions").join(" ").as_str()),
            ("/apis/g/v1/as", "A B Unused")
        );
    }

    #[test]
    fn names_that_are_taken_are_exchanged() {
        let mut all = document(
            &[("/a", "T")],
            r#"{"T":{"type":"string"},"T_v2":{"type":"integer"},"Same":{"type":"x"}}"#,
        );
        let other = document(
            &[("/a", "Same"), ("/b", "T"), ("/c", "U"), ("/d", "Same")],
            r##"{"T":{"type":"object"},"U":{"items":{"$ref":"#/definitions/T"}},
                "Same":{"type":"x","x-kubernetes-group-version-kind":[{"kind":"K"}]}}"##,
        );
        merge(&mut all, other.clone());
        let wanted = parsed(
            r##"{"T":{"type":"string"},"T_v2":{"type":"integer"},
                "Same":{"type":"x","x-kubernetes-group-version-kind":[{"kind":"K"}]},
                "T_v3":{"type":"object"},"U":{"items":{"$ref":"#/definitions/T_v3"}}}"##,
        );
        assert_eq!(all.field("definitions"), Some(&wanted));
        let reference = |path: &str| String::from(all.text_at(&["paths", path, "get", "schema", "$ref"]));
        assert_eq!(
            ["/a", "/b", "/c"].map(reference),
            ["#/definitions/T", "#/definitions/T_v3", "#/definitions/U"]
        );
        // A third document with the same type takes the name that it has got.
        let third = document(&[("/e", "T")], r#"{"T":{"type":"object"}}"#);
        merge(&mut all, third);
        assert_eq!(all.text_at(&["paths", "/e", "get", "schema", "$ref"]), "#/definitions/T_v3");
        // Whose paths are all taken adds nothing.
        let before = all.clone();
        merge(&mut all, other);
        assert_eq!(all, before);
    }

    #[test]
    fn documents_that_make_no_sense_add_nothing() {
        let all = document(&[("/a", "T")], r#"{"T":{"type":"string"}}"#);
        for text in ["[]", "1", "{}", r#"{"paths":[]}"#, r#"{"paths":{},"definitions":7}"#] {
            let mut merged = all.clone();
            merge(&mut merged, below(parsed(text), "/"));
            assert_eq!(merged, all, "{text}");
        }
    }
}

//! What occurs twice in lists that hold nothing twice.
//! k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype/validation.go

use super::{Additional, Structural};
use crate::codec::json;
use crate::schema::ListType;
use crate::status::{CauseType, Causes, Path};
use crate::value::{Text, Value};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

/// Adds the errors of all lists of an object.
pub fn validate_list_types(schema: &Structural, object: &Value, causes: &mut Causes) {
    check_object(schema, object, None, causes);
}

fn check_object(schema: &Structural, object: &Value, path: Option<&Path>, causes: &mut Causes) {
    let Some(members) = object.as_map() else { return };
    if let Additional::Schema(inner) = &schema.additional {
        for (name, member) in members.iter() {
            let path = path.map_or_else(|| Path::default().key(name), |path| path.key(name));
            check(inner, member, &path, causes);
        }
    }
    for (name, member) in members.iter() {
        if let Some(property) = schema.properties.get(name) {
            let path = path.map_or_else(|| Path::new(name), |path| path.child(name));
            check(property, member, &path, causes);
        }
    }
}

/// The recursion is as deep as the value, which its parser bounds.
fn check(schema: &Structural, value: &Value, path: &Path, causes: &mut Causes) {
    let Some(items) = value.as_list() else { return check_object(schema, value, Some(path), causes) };
    match &schema.list {
        ListType::Undeclared | ListType::Atomic => {}
        ListType::Set => {
            for index in repeated(items) {
                causes.add(CauseType::Duplicate, &path.index(index), Some(&items[index]), &"");
            }
        }
        ListType::Map(keys) => check_map(keys, items, path, causes),
    }
    if let Some(inner) = &schema.items {
        for (index, item) in items.iter().enumerate() {
            check(inner, item, &path.index(index), causes);
        }
    }
}

fn check_map(keys: &[Text], items: &[Value], path: &Path, causes: &mut Causes) {
    let stranger = items.iter().position(|item| !item.is_null() && item.as_map().is_none());
    if let Some(index) = stranger {
        let detail = "must be an object for an array of list-type map";
        causes.invalid(&path.index(index), &items[index], detail);
        return;
    }
    let identities: Vec<Value> = items.iter().map(|item| identity(item, keys)).collect();
    for index in repeated(&identities) {
        causes.add(CauseType::Duplicate, &path.index(index), Some(&identities[index]), &"");
    }
}

fn identity(item: &Value, keys: &[Text]) -> Value {
    let members = keys.iter().filter_map(|key| Some((key.clone(), item.field(key)?.clone())));
    Value::map(members.collect())
}

/// The indexes at which values stand that stood before, of each value the first such index.
fn repeated(values: &[Value]) -> Vec<usize> {
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    let mut found = Vec::new();
    for (index, value) in values.iter().enumerate() {
        let seen = times.entry(json::to_string(value)).or_default();
        *seen += 1;
        if *seen == 2 {
            found.push(index);
        }
    }
    found
}

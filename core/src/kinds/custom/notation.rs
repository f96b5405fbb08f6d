//! What an object must look like whose types are in the notation of the catalogue.

use crate::kinds::Kind;
use crate::schema::{Catalogue, ListType, Shape, TypeId};
use crate::status::{CauseType, Causes, Path};
use crate::value::{Text, Value};
use alloc::vec::Vec;

/// The errors of an object by its schema: what is required and absent, and what occurs twice in a list that holds
/// nothing twice. Types were checked when the object was decoded.
/// k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/validation/validation.go,
/// pkg/apiserver/schema/listtype/validation.go
pub(super) fn check(kind: &Kind, object: &Value, causes: &mut Causes) {
    for field in &kind.catalogue.get(kind.type_id).fields {
        // The metadata has a validation of its own.
        if field.name == "metadata" {
            continue;
        }
        let path = Path::new(&field.name);
        match object.field(&field.name) {
            Some(value) => check_value(&kind.catalogue, &field.shape, &field.list, value, &path, causes),
            None if field.required => causes.required(&path, ""),
            None => {}
        }
    }
}

/// The recursion is bounded by the depth of the value, which its parser bounds.
fn check_value(
    catalogue: &Catalogue,
    shape: &Shape,
    list: &ListType,
    value: &Value,
    path: &Path,
    causes: &mut Causes,
) {
    match shape {
        Shape::Struct(id) => check_fields(catalogue, *id, value, path, causes),
        Shape::List(inner) => {
            let items = value.as_list().unwrap_or_default();
            for (index, item) in items.iter().enumerate() {
                check_value(catalogue, inner, &ListType::Undeclared, item, &path.index(index), causes);
            }
            check_list(list, items, path, causes);
        }
        Shape::Map(inner) => {
            for (key, member) in value.as_map().into_iter().flat_map(crate::value::Map::iter) {
                check_value(catalogue, inner, &ListType::Undeclared, member, &path.child(key), causes);
            }
        }
        Shape::String
        | Shape::Int32
        | Shape::Int64
        | Shape::Bool
        | Shape::Double
        | Shape::Bytes
        | Shape::Quantity
        | Shape::IntOrString
        | Shape::Time
        | Shape::MicroTime
        | Shape::Duration
        | Shape::Any
        | Shape::Custom(_) => {}
    }
}

fn check_fields(catalogue: &Catalogue, id: TypeId, value: &Value, path: &Path, causes: &mut Causes) {
    for field in &catalogue.get(id).fields {
        let path = path.child(&field.name);
        match value.field(&field.name) {
            Some(value) => check_value(catalogue, &field.shape, &field.list, value, &path, causes),
            None if field.required => causes.required(&path, ""),
            None => {}
        }
    }
}

/// What occurs twice in a list that is a set, or that is a map by some of its items' fields.
fn check_list(list: &ListType, items: &[Value], path: &Path, causes: &mut Causes) {
    let identities: Vec<Value> = match list {
        ListType::Undeclared | ListType::Atomic => return,
        ListType::Set => items.to_vec(),
        ListType::Map(keys) => items.iter().map(|item| identity(item, keys)).collect(),
    };
    let mut order: Vec<usize> = (0..identities.len()).collect();
    let text = |index: usize| crate::codec::json::to_string(&identities[index]);
    order.sort_by_cached_key(|index| (text(*index), *index));
    let mut repeated: Vec<usize> = order
        .windows(2)
        .filter(|pair| identities[pair[0]] == identities[pair[1]])
        .map(|pair| pair[1])
        .collect();
    repeated.sort_unstable();
    for index in repeated {
        causes.add(CauseType::Duplicate, &path.index(index), Some(&identities[index]), &"");
    }
}

fn identity(item: &Value, keys: &[Text]) -> Value {
    let members = keys.iter().filter_map(|key| Some((key.clone(), item.field(key)?.clone())));
    Value::map(members.collect())
}

//! The defaults that the catalogue declares.

use super::{Catalogue, Shape, TypeDef, TypeId};
use crate::value::{Map, Value};

/// Puts the catalogue's declared defaults into absent fields of objects that are present.
pub fn apply_defaults(catalogue: &Catalogue, root: TypeId, value: &mut Value) {
    let shape = Shape::Struct(root);
    // To look first costs little and spares shared objects a copy.
    if lacks_default(catalogue, &shape, value) {
        default_shape(catalogue, &shape, value);
    }
}

fn lacks_default(catalogue: &Catalogue, shape: &Shape, value: &Value) -> bool {
    match (shape, value) {
        (Shape::Struct(id), Value::Map(map)) => {
            catalogue.get(*id).defaulting().any(|field| match map.get(&field.name) {
                None | Some(Value::Null) => field.default.is_some(),
                Some(member) => lacks_default(catalogue, &field.shape, member),
            })
        }
        (Shape::List(item), Value::List(items)) if item.holds_structs() => {
            items.iter().any(|member| lacks_default(catalogue, item, member))
        }
        (Shape::Map(inner), Value::Map(map)) if inner.holds_structs() => {
            map.iter().any(|(_, member)| lacks_default(catalogue, inner, member))
        }
        (Shape::Custom(_), _) => true,
        (_, _) => false,
    }
}

fn default_shape(catalogue: &Catalogue, shape: &Shape, value: &mut Value) {
    if let (Shape::Struct(id), Value::Map(_)) = (shape, &*value) {
        default_object(catalogue, catalogue.get(*id), value);
    } else if let Shape::List(item) = shape {
        for member in value.as_list_mut().into_iter().flatten() {
            default_shape(catalogue, item, member);
        }
    } else if let Shape::Map(inner) = shape {
        for (_, member) in value.as_map_mut().into_iter().flat_map(Map::iter_mut) {
            default_shape(catalogue, inner, member);
        }
    } else if let Shape::Custom(schema) = shape {
        schema.0.default(value);
    }
}

fn default_object(catalogue: &Catalogue, def: &TypeDef, value: &mut Value) {
    for field in def.defaulting() {
        let absent = match &field.shape {
            Shape::Custom(schema) => value.field(&field.name).is_none_or(|held| schema.0.refuses(held)),
            _ => value.field(&field.name).is_none_or(Value::is_null),
        };
        if absent && let Some(default) = &field.default {
            value.set(&field.name, default.clone());
        }
        let is_inside = !absent || matches!(field.shape, Shape::Custom(_));
        if is_inside
            && field.shape.holds_structs()
            && let Some(member) = value.field_mut(&field.name)
        {
            default_shape(catalogue, &field.shape, member);
        }
    }
}

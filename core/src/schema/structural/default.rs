//! Fills in what a schema declares as a default, and removes nulls that it does not allow.
//! k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting/{algorithm,prunenulls}.go

use super::{Additional, Structural};
use crate::value::{Map, Value};

impl Structural {
    /// Fills in the defaults of absent members, and of nulls that are not allowed.
    pub fn default(&self, value: &mut Value) {
        if value.as_map().is_some() {
            for (name, property) in &self.properties {
                if let Some(default) = &property.default
                    && value.field(name).is_none_or(|member| property.refuses(member))
                {
                    value.set(name, default.clone());
                }
            }
            for (name, member) in value.as_map_mut().into_iter().flat_map(Map::iter_mut) {
                match (self.properties.get(name), &self.additional) {
                    (Some(property), _) => property.default(member),
                    (None, Additional::Schema(inner)) => inner.default_element(member),
                    (None, Additional::Absent | Additional::Denied | Additional::Any) => {}
                }
            }
        } else if let (Some(items), Some(inner)) = (value.as_list_mut(), &self.items) {
            for item in items {
                inner.default_element(item);
            }
        }
    }

    fn default_element(&self, element: &mut Value) {
        if self.refuses(element) {
            *element = self.default.clone().unwrap_or(Value::Null);
        }
        self.default(element);
    }

    /// A null that is not allowed.
    pub(in crate::schema) fn refuses(&self, value: &Value) -> bool {
        value.is_null() && !self.nullable
    }

    /// Removes the nulls of objects that are not allowed and have no default.
    pub fn prune_nulls(&self, value: &mut Value) {
        prune_nulls(value, Some(self));
    }
}

fn prune_nulls(value: &mut Value, schema: Option<&Structural>) {
    if let Some(map) = value.as_map_mut() {
        map.retain(|name, member| {
            let inner = schema.and_then(|schema| schema.member(name));
            let drops = inner.is_some_and(|inner| inner.refuses(member) && inner.default.is_none());
            if !drops {
                prune_nulls(member, inner);
            }
            !drops
        });
    } else if let Some(items) = value.as_list_mut() {
        for item in items {
            prune_nulls(item, schema.and_then(|schema| schema.items.as_deref()));
        }
    }
}

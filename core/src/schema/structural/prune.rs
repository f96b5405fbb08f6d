//! Takes away what a schema does not name.
//! k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning/algorithm.go

use super::{Additional, Structural, is_meta_field};
use crate::value::{Map, Value};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

impl Structural {
    /// Removes the members that nothing is said about, and returns their paths in order. The value is a whole object,
    /// whose kind and metadata are not looked at.
    pub fn prune(&self, object: &mut Value) -> Vec<String> {
        let mut pruning = Pruning { unknown: Vec::new() };
        if object.as_map().is_some() {
            pruning.object(object, Some(self), "", Keep { meta: true, unknown: self.preserves_unknown });
        }
        pruning.unknown.sort();
        pruning.unknown
    }

    /// As `prune`, of a value that stands at a path in its object and has this schema.
    pub fn prune_member(&self, value: &mut Value, path: &str) -> Vec<String> {
        let mut pruning = Pruning { unknown: Vec::new() };
        pruning.value(value, Some(self), path);
        pruning.unknown.sort();
        pruning.unknown
    }
}

struct Pruning {
    unknown: Vec<String>,
}

/// What of an object is kept although its properties do not name it.
#[derive(Clone, Copy)]
struct Keep {
    /// Kind and metadata, as of every whole object.
    meta: bool,
    unknown: bool,
}

impl Keep {
    fn of(schema: Option<&Structural>) -> Self {
        Self {
            meta: schema.is_some_and(|schema| schema.is_embedded),
            unknown: schema.is_some_and(|schema| schema.preserves_unknown),
        }
    }
}

impl Pruning {
    /// Without a schema, every member is unknown. The recursion is as deep as the value, which its parser bounds.
    fn value(&mut self, value: &mut Value, schema: Option<&Structural>, path: &str) {
        let keep = Keep::of(schema);
        if keep.unknown {
            self.kept(value, schema, path);
        } else if value.as_map().is_some() {
            self.object(value, schema, path, keep);
        } else {
            let inner = schema.and_then(|schema| schema.items.as_deref());
            for (index, item) in value.as_list_mut().into_iter().flatten().enumerate() {
                self.value(item, inner, &format!("{path}[{index}]"));
            }
        }
    }

    /// A value whose unknown members are kept, and those of the items of lists in it.
    fn kept(&mut self, value: &mut Value, schema: Option<&Structural>, path: &str) {
        let Some(known) = schema else { return };
        if value.as_map().is_some() {
            self.object(value, schema, path, Keep { unknown: true, ..Keep::of(schema) });
            return;
        }
        for (index, item) in value.as_list_mut().into_iter().flatten().enumerate() {
            self.kept(item, known.items.as_deref(), &format!("{path}[{index}]"));
        }
    }

    fn object(&mut self, value: &mut Value, schema: Option<&Structural>, path: &str, keep: Keep) {
        let mut gone = Vec::new();
        for (name, member) in value.as_map_mut().into_iter().flat_map(Map::iter_mut) {
            if keep.meta && is_meta_field(name) {
                continue;
            }
            let property = schema.and_then(|schema| schema.properties.get(name));
            match (property, schema.map_or(&Additional::Absent, |schema| &schema.additional)) {
                (Some(property), _) => self.value(member, Some(property), &below(path, name)),
                (None, Additional::Schema(inner)) => self.value(member, Some(inner), &below(path, name)),
                // What is denied stays, so that it is an error.
                (None, Additional::Any | Additional::Denied) => {
                    self.value(member, None, &below(path, name));
                }
                (None, Additional::Absent) if keep.unknown => {}
                (None, Additional::Absent) => {
                    self.unknown.push(below(path, name));
                    gone.push(name.clone());
                }
            }
        }
        if let Some(map) = value.as_map_mut().filter(|_| !gone.is_empty()) {
            map.retain(|name, _| !gone.iter().any(|pruned| pruned == name));
        }
    }
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.into() } else { format!("{path}.{name}") }
}

//! Removes fields and items from a value.
//! k8s: sigs.k8s.io/structured-merge-diff typed/remove.go

use super::element::PathElement;
use super::form::{ListForm, MapForm, MergeForm, Relation, Schema, Walked};
use super::set::FieldSet;
use crate::value::{Map, Text, Value};
use alloc::vec::Vec;

impl<'c> Schema<'c> {
    /// A value without these fields and items, and all that is in them.
    pub(super) fn without(&self, value: &Value, gone: &FieldSet) -> Value {
        self.remaining(self.form(), value, gone)
    }

    fn remaining(&self, form: MergeForm<'c>, value: &Value, gone: &FieldSet) -> Value {
        if gone.is_empty() {
            return value.clone();
        }
        match self.atom(form).walked(Some(value)) {
            None => Value::Null,
            Some(Walked::Scalar(_)) => value.clone(),
            Some(Walked::Map(map)) => match value.as_map() {
                Some(members) if !members.is_empty() && !map.atomic => {
                    self.remaining_members(&map, members, gone)
                }
                Some(_) | None => Value::Null,
            },
            Some(Walked::List(list)) => match value.as_list() {
                Some(items) if !items.is_empty() && !matches!(list.relation, Relation::Atomic) => {
                    self.remaining_items(&list, items, gone)
                }
                Some(_) | None => Value::Null,
            },
        }
    }

    fn remaining_members(&self, form: &MapForm<'c>, members: &Map, gone: &FieldSet) -> Value {
        let mut kept: Vec<(Text, Value)> = Vec::with_capacity(members.len());
        let mut is_matched = false;
        for (name, value) in members.iter() {
            let value = match gone.node(&PathElement::Field(name.clone())) {
                None => value.clone(),
                Some(node) if node.is_member => continue,
                Some(node) => {
                    is_matched = true;
                    self.emptied(form.member(name), value, &node.inner)
                }
            };
            kept.push((name.clone(), value));
        }
        if kept.is_empty() && !is_matched { Value::Null } else { Value::map(Map::from_entries(kept)) }
    }

    fn remaining_items(&self, form: &ListForm<'c>, items: &[Value], gone: &FieldSet) -> Value {
        let mut kept = Vec::with_capacity(items.len());
        let mut is_matched = false;
        for item in items {
            let node = self.element(form, item).ok().and_then(|element| gone.node(&element));
            kept.push(match node {
                None => item.clone(),
                Some(node) if node.is_member => continue,
                Some(node) => {
                    is_matched = true;
                    self.emptied(Some(form.item), item, &node.inner)
                }
            });
        }
        if kept.is_empty() && !is_matched { Value::Null } else { Value::list(kept) }
    }

    /// A map or list of which nothing remains stays, empty.
    fn emptied(&self, form: Option<MergeForm<'c>>, value: &Value, gone: &FieldSet) -> Value {
        let remaining = form.map_or(Value::Null, |form| self.remaining(form, value, gone));
        match (value, remaining) {
            (Value::Map(_), Value::Null) => Value::empty_map(),
            (Value::List(_), Value::Null) => Value::list(Vec::new()),
            (_, remaining) => remaining,
        }
    }
}

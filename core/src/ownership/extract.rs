//! The set of the fields that a value has.
//! k8s: sigs.k8s.io/structured-merge-diff typed/tofieldset.go

use super::element::PathElement;
use super::form::{ListForm, MapForm, MergeForm, Relation, Schema, Walked};
use super::set::{FieldNode, FieldSet};
use crate::value::{Map, Value};
use alloc::collections::BTreeMap;
use alloc::collections::btree_map::Entry;
use alloc::vec::Vec;

impl<'c> Schema<'c> {
    /// The leaves and the items of lists that a value has. It has been checked.
    pub(super) fn fields_of(&self, value: &Value) -> FieldSet {
        self.fields(self.form(), value).inner
    }

    /// The fields inside a value, and whether the value itself is one.
    fn fields(&self, form: MergeForm<'c>, value: &Value) -> Found {
        match self.atom(form).walked(Some(value)) {
            None => Found::default(),
            Some(Walked::Scalar(_)) => Found::LEAF,
            Some(Walked::Map(map)) if map.atomic => Found::LEAF,
            Some(Walked::List(list)) if matches!(list.relation, Relation::Atomic) => Found::LEAF,
            Some(Walked::Map(map)) => {
                let inner = value.as_map().map_or(FieldSet::EMPTY, |members| self.members(&map, members));
                Found { is_member: false, inner }
            }
            Some(Walked::List(list)) => {
                let inner = value.as_list().map_or(FieldSet::EMPTY, |items| self.items(&list, items));
                Found { is_member: false, inner }
            }
        }
    }

    fn members(&self, form: &MapForm<'c>, members: &Map) -> FieldSet {
        let mut set = FieldSet::EMPTY;
        for (name, value) in members.iter() {
            let named = form.named(name);
            let Some(below) = named.or_else(|| form.member(name)) else { continue };
            let found = self.fields(below, value);
            let is_empty = value.is_null() || value.as_map().is_some_and(Map::is_empty);
            let is_member = found.is_member || is_empty || named.is_none();
            set.push(PathElement::Field(name.clone()), is_member, found.inner);
        }
        set
    }

    /// Of items that cannot be told apart, nothing inside is told.
    fn items(&self, form: &ListForm<'c>, items: &[Value]) -> FieldSet {
        let mut nodes: BTreeMap<PathElement, FieldSet> = BTreeMap::new();
        let mut repeated: Vec<PathElement> = Vec::new();
        for item in items {
            let Ok(element) = self.element(form, item) else { continue };
            match nodes.entry(element) {
                Entry::Occupied(held) => repeated.push(held.key().clone()),
                Entry::Vacant(slot) => {
                    slot.insert(self.fields(form.item, item).inner);
                }
            }
        }
        for element in repeated {
            nodes.insert(element, FieldSet::EMPTY);
        }
        let nodes = nodes.into_iter().map(|(element, inner)| FieldNode { element, is_member: true, inner });
        FieldSet::of_nodes(nodes.collect())
    }
}

#[derive(Default)]
struct Found {
    is_member: bool,
    inner: FieldSet,
}

impl Found {
    const LEAF: Self = Self { is_member: true, inner: FieldSet::EMPTY };
}

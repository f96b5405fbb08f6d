//! Merges a configuration into an object by the type of both.
//! k8s: sigs.k8s.io/structured-merge-diff typed/merge.go

use super::compare::zipped;
use super::element::PathElement;
use super::form::{ListForm, MapForm, MergeForm, Relation, Schema, Walked, check_scalar};
use super::problems::FieldProblems;
use crate::value::{Map, Text, Value};
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::format;
use alloc::vec::Vec;

type Merged = Result<Option<Value>, FieldProblems>;

impl<'c> Schema<'c> {
    /// An object with all that a configuration has. Where both have a leaf, it is the configuration's.
    ///
    /// # Errors
    /// A value is not of the type.
    pub(super) fn merge(&self, object: &Value, configuration: &Value) -> Result<Value, FieldProblems> {
        let merged = self.merged(self.form(), Some(object), Some(configuration))?;
        Ok(merged.unwrap_or(Value::Null))
    }

    fn merged(&self, form: MergeForm<'c>, old: Option<&Value>, new: Option<&Value>) -> Merged {
        let atom = self.atom(form);
        let (Some(was), Some(is)) = (atom.walked(old), atom.walked(new)) else {
            return Err(FieldProblems::of("schema error: invalid atom"));
        };
        if new.is_none() { self.merge_walked(&was, old, new) } else { self.merge_walked(&is, old, new) }
    }

    fn merge_walked(&self, walked: &Walked<'c>, old: Option<&Value>, new: Option<&Value>) -> Merged {
        let leaf = || Ok(new.or(old).cloned());
        match walked {
            Walked::Scalar(scalar) => {
                if let (Err(mut was), Err(is)) =
                    (check_scalar(*scalar, old, "lhs: "), check_scalar(*scalar, new, "rhs: "))
                {
                    was.extend(is);
                    return Err(was);
                }
                leaf()
            }
            Walked::Map(form) => {
                let [was, is] = [old, new].map(|value| value.and_then(Value::as_map));
                let is_empty = |map: Option<&Map>| map.is_none_or(Map::is_empty);
                if form.atomic || (is_empty(was) && is_empty(is)) {
                    return leaf();
                }
                // What the configuration says nothing of stays as it is.
                if new.is_none() { leaf() } else { self.merged_members(form, was, is) }
            }
            Walked::List(form) => {
                let [was, is] = [old, new].map(|value| value.and_then(Value::as_list).unwrap_or_default());
                if matches!(form.relation, Relation::Atomic) || (was.is_empty() && is.is_empty()) {
                    return leaf();
                }
                self.merged_items(form, was, is)
            }
        }
    }

    fn merged_members(&self, form: &MapForm<'c>, old: Option<&Map>, new: Option<&Map>) -> Merged {
        let mut members: Vec<(Text, Value)> = Vec::new();
        let mut problems = FieldProblems::default();
        for (name, old, new) in zipped(old, new) {
            let merged = match (form.member(name), new) {
                (None, _) | (_, None) => Ok(new.or(old).cloned()),
                (Some(below), Some(_)) => self.merged(below, old, new),
            };
            match merged {
                Ok(value) => members.extend(value.map(|value| (name.clone(), value))),
                Err(found) => problems.extend(found.below(&PathElement::Field(name.clone()))),
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok((!members.is_empty()).then(|| Value::map(Map::from_entries(members))))
    }

    fn merged_items(&self, form: &ListForm<'c>, old: &[Value], new: &[Value]) -> Merged {
        let olds = self.indexed(form, old, true)?;
        let news = self.indexed(form, new, false)?;
        let mut out = Vec::with_capacity(old.len().max(new.len()));
        for (place, element) in placed(&olds, &news) {
            let (was, is) = match place {
                Place::Old(at) => (old.get(at), None),
                Place::New => (olds.found.get(element).copied(), news.found.get(element).copied()),
            };
            // Errors inside items are not told.
            out.extend(self.merged(form.item, was, is).ok().flatten());
        }
        Ok((!out.is_empty()).then(|| Value::list(out)))
    }

    fn indexed<'v>(
        &self,
        form: &ListForm<'c>,
        items: &'v [Value],
        may_repeat: bool,
    ) -> Result<Indexed<'v>, FieldProblems> {
        let mut problems = FieldProblems::default();
        let mut indexed = Indexed::default();
        for (at, item) in items.iter().enumerate() {
            match self.element(form, item) {
                Err(why) => problems.add(format!("element {at}: {why}")),
                Ok(element) if indexed.found.contains_key(&element) && !may_repeat => {
                    problems.add(format!("duplicate entries for key {element}"));
                }
                Ok(element) => {
                    let is_repeated = indexed.found.contains_key(&element);
                    // Of items that cannot be told apart, none is merged with the new one.
                    indexed.found.insert(element.clone(), if is_repeated { &Value::Null } else { item });
                    indexed.elements.push(element);
                }
            }
        }
        if problems.is_empty() { Ok(indexed) } else { Err(problems) }
    }
}

/// The items of a list by their elements.
#[derive(Default)]
struct Indexed<'v> {
    elements: Vec<PathElement>,
    found: BTreeMap<PathElement, &'v Value>,
}

/// Where an item of the merged list comes from.
#[derive(Clone, Copy)]
enum Place {
    /// Of the old list alone, at this place.
    Old(usize),
    /// Of the new list; it is merged with the old item.
    New,
}

/// The items of the merged list in their order: that of the new list, in which those of the old list keep their places
/// between the items that both have.
fn placed<'a>(olds: &'a Indexed<'_>, news: &'a Indexed<'_>) -> Vec<(Place, &'a PathElement)> {
    let mut out = Vec::with_capacity(olds.elements.len() + news.elements.len());
    let mut shared: VecDeque<&PathElement> =
        news.elements.iter().filter(|element| olds.found.contains_key(*element)).collect();
    let mut next = shared.pop_front();
    let mut merged: BTreeSet<&PathElement> = BTreeSet::new();
    let (mut at, mut new_at) = (0, 0);
    while at < olds.elements.len() || new_at < news.elements.len() {
        let (was, is) = (olds.elements.get(at), news.elements.get(new_at));
        if let (Some(was), Some(is)) = (was, is) {
            if was == is {
                merged.insert(was);
                out.push((Place::New, was));
                (at, new_at) = (at + 1, new_at + 1);
                next = shared.pop_front();
                continue;
            }
            if news.found.contains_key(was) && next.is_some_and(|next| next != was) {
                at += 1;
                continue;
            }
        }
        if let Some(was) = was {
            if !news.found.contains_key(was) {
                out.push((Place::Old(at), was));
                at += 1;
                continue;
            }
            if merged.contains(was) {
                at += 1;
            }
        }
        if let Some(is) = is {
            merged.insert(is);
            out.push((Place::New, is));
            new_at += 1;
            if next == Some(is) {
                next = shared.pop_front();
            }
        } else if was.is_some_and(|was| !merged.contains(was)) {
            // Every item that both lists have was merged when the new list came to its end.
            at += 1;
        }
    }
    out
}

//! Which fields one value has that another has not, or has otherwise.
//! k8s: sigs.k8s.io/structured-merge-diff typed/compare.go

use super::element::PathElement;
use super::form::{ListForm, MapForm, MergeForm, Relation, Schema, Walked, check_scalar};
use super::problems::FieldProblems;
use super::set::FieldSet;
use crate::value::{Map, Text, Value};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec::Vec;
use core::cmp::Ordering;

/// What a change does to fields. Only the items of a list that have one key are in more than one of the sets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Comparison {
    pub(super) removed: FieldSet,
    pub(super) modified: FieldSet,
    pub(super) added: FieldSet,
}

/// What became of a field and of those inside it.
#[derive(Debug, Default)]
struct Outcome {
    /// Of the field itself.
    removed: bool,
    modified: bool,
    added: bool,
    inner: Comparison,
}

impl Outcome {
    fn is_nothing(&self) -> bool {
        !self.removed && !self.modified && !self.added && self.inner.is_empty()
    }

    fn and(self, other: Self) -> Self {
        Self {
            removed: self.removed || other.removed,
            modified: self.modified || other.modified,
            added: self.added || other.added,
            inner: self.inner.union(other.inner),
        }
    }

    fn removed() -> Self {
        Self { removed: true, ..Self::default() }
    }

    /// Of a field that has gone, with what was inside it.
    fn removed_with(inner: FieldSet) -> Self {
        Self {
            removed: true,
            inner: Comparison { removed: inner, ..Comparison::default() },
            ..Self::default()
        }
    }

    fn modified() -> Self {
        Self { modified: true, ..Self::default() }
    }

    fn added() -> Self {
        Self { added: true, ..Self::default() }
    }

    /// Of a field that has come, with what is inside it.
    fn added_with(inner: FieldSet) -> Self {
        Self { added: true, inner: Comparison { added: inner, ..Comparison::default() }, ..Self::default() }
    }
}

impl Comparison {
    /// Adds what became of a field that comes after all others.
    fn push(&mut self, element: &PathElement, outcome: Outcome) {
        let Outcome { removed, modified, added, inner } = outcome;
        let parts = [
            (&mut self.removed, removed, inner.removed),
            (&mut self.modified, modified, inner.modified),
            (&mut self.added, added, inner.added),
        ];
        for (set, is_member, inner) in parts {
            if is_member || !inner.is_empty() {
                set.push(element.clone(), is_member, inner);
            }
        }
    }

    fn union(self, other: Self) -> Self {
        Self {
            removed: self.removed.union(other.removed),
            modified: self.modified.union(other.modified),
            added: self.added.union(other.added),
        }
    }

    /// What was set to a value that it had not.
    pub(super) fn into_set(self) -> FieldSet {
        self.modified.union(self.added)
    }

    fn is_empty(&self) -> bool {
        self.removed.is_empty() && self.modified.is_empty() && self.added.is_empty()
    }
}

type Compared = Result<Outcome, FieldProblems>;

impl<'c> Schema<'c> {
    /// What changes from one value to another.
    ///
    /// # Errors
    /// A value is not of the type.
    pub(super) fn compare(&self, old: &Value, new: &Value) -> Result<Comparison, FieldProblems> {
        self.compared(self.form(), Some(old), Some(new)).map(|outcome| outcome.inner)
    }

    /// Compares two values, of which one may be absent.
    fn compared(&self, form: MergeForm<'c>, old: Option<&Value>, new: Option<&Value>) -> Compared {
        let (old, new) = match (old, new) {
            (None, None) => return Ok(Outcome::default()),
            (Some(old), None) => return Ok(Outcome::removed_with(self.all_inside(form, old)?)),
            (None, Some(new)) => return Ok(Outcome::added_with(self.all_inside(form, new)?)),
            (Some(old), Some(new)) if old.is_same(new) => return Ok(Outcome::default()),
            (Some(old), Some(new)) => (old, new),
        };
        let atom = self.atom(form);
        let (Some(was), Some(is)) = (atom.walked(Some(old)), atom.walked(Some(new))) else {
            return Err(invalid_atom());
        };
        // Null is whatever the other value is, and walked as a map of any form.
        if atom.is_settled() || was.is_alike(&is) {
            return self.walk(&is, old, new);
        }
        Ok(self.walk(&was, old, new)?.and(self.walk(&is, old, new)?))
    }

    fn walk(&self, walked: &Walked<'c>, old: &Value, new: &Value) -> Compared {
        let inner = match walked {
            Walked::Scalar(scalar) => {
                let [was, is] = [(old, "lhs: "), (new, "rhs: ")]
                    .map(|(value, side)| check_scalar(*scalar, Some(value), side));
                if let (Err(mut was), Err(is)) = (was, is) {
                    was.extend(is);
                    return Err(was);
                }
                return Ok(leaf(old, new));
            }
            Walked::Map(form) => {
                let [was, is] = [old, new].map(Value::as_map);
                let is_empty = |map: Option<&Map>| map.is_none_or(Map::is_empty);
                if form.atomic || (is_empty(was) && is_empty(is)) {
                    return Ok(leaf(old, new));
                }
                self.compared_members(form, was, is)?
            }
            Walked::List(form) => {
                let [was, is] = [old, new].map(|value| value.as_list().unwrap_or_default());
                if matches!(form.relation, Relation::Atomic) || (was.is_empty() && is.is_empty()) {
                    return Ok(leaf(old, new));
                }
                self.compared_items(form, was, is)?
            }
        };
        Ok(Outcome { inner, ..Outcome::default() })
    }

    /// All fields inside a value whose counterpart does not exist.
    fn all_inside(&self, form: MergeForm<'c>, value: &Value) -> Result<FieldSet, FieldProblems> {
        match self.atom(form).walked(Some(value)) {
            None => Err(invalid_atom()),
            Some(Walked::Scalar(_)) => Ok(FieldSet::EMPTY),
            Some(Walked::Map(form)) => match value.as_map() {
                Some(members) if !form.atomic => self.all_members(&form, members),
                Some(_) | None => Ok(FieldSet::EMPTY),
            },
            Some(Walked::List(form)) => match value.as_list() {
                Some(items) if !matches!(form.relation, Relation::Atomic) => self.all_items(&form, items),
                Some(_) | None => Ok(FieldSet::EMPTY),
            },
        }
    }

    fn all_members(&self, form: &MapForm<'c>, members: &Map) -> Result<FieldSet, FieldProblems> {
        let mut set = FieldSet::with_room(members.len());
        let mut problems = FieldProblems::default();
        for (name, value) in members.iter() {
            let Some(below) = form.member(name) else { continue };
            match self.all_inside(below, value) {
                Ok(inner) => set.push(PathElement::Field(name.clone()), true, inner),
                Err(found) => problems.extend(found.below(&PathElement::Field(name.clone()))),
            }
        }
        if problems.is_empty() { Ok(set) } else { Err(problems) }
    }

    /// Of items that have one key, nothing inside is told.
    fn all_items(&self, form: &ListForm<'c>, items: &[Value]) -> Result<FieldSet, FieldProblems> {
        let mut problems = FieldProblems::default();
        let mut found: Vec<(PathElement, &Value)> = Vec::with_capacity(items.len());
        for (at, item) in items.iter().enumerate() {
            match self.element(form, item) {
                Ok(element) => found.push((element, item)),
                Err(why) => problems.add(format!("element {at}: {why}")),
            }
        }
        found.sort_by(|(one, _), (other, _)| one.cmp(other));
        let mut set = FieldSet::with_room(found.len());
        let mut found = found.into_iter().peekable();
        while let Some((element, item)) = found.next() {
            let mut is_alone = true;
            while found.next_if(|(other, _)| *other == element).is_some() {
                is_alone = false;
            }
            let inner = if is_alone { self.all_inside(form.item, item) } else { Ok(FieldSet::EMPTY) };
            match inner {
                Ok(inner) => set.push(element, true, inner),
                Err(found) => problems.extend(found.below(&element)),
            }
        }
        if problems.is_empty() { Ok(set) } else { Err(problems) }
    }

    fn compared_members(
        &self,
        form: &MapForm<'c>,
        old: Option<&Map>,
        new: Option<&Map>,
    ) -> Result<Comparison, FieldProblems> {
        let mut comparison = Comparison::default();
        let mut problems = FieldProblems::default();
        for (name, old, new) in zipped(old, new) {
            let Some(below) = form.member(name) else { continue };
            match self.compared(below, old, new) {
                Ok(outcome) if outcome.is_nothing() => {}
                Ok(outcome) => comparison.push(&PathElement::Field(name.clone()), outcome),
                Err(found) => problems.extend(found.below(&PathElement::Field(name.clone()))),
            }
        }
        if problems.is_empty() { Ok(comparison) } else { Err(problems) }
    }

    fn compared_items(
        &self,
        form: &ListForm<'c>,
        old: &[Value],
        new: &[Value],
    ) -> Result<Comparison, FieldProblems> {
        let mut problems = FieldProblems::default();
        let mut found: BTreeMap<PathElement, [Vec<&Value>; 2]> = BTreeMap::new();
        for (side, items) in [old, new].into_iter().enumerate() {
            for (at, item) in items.iter().enumerate() {
                match self.element(form, item) {
                    Ok(element) => found.entry(element).or_default()[side].push(item),
                    Err(why) => problems.add(format!("element {at}: {why}")),
                }
            }
        }
        let mut comparison = Comparison::default();
        for (element, [old, new]) in found {
            match self.compared_item(form, &old, &new) {
                Ok(outcome) => comparison.push(&element, outcome),
                Err(found) => problems.extend(found.below(&element)),
            }
        }
        if problems.is_empty() { Ok(comparison) } else { Err(problems) }
    }

    /// Compares the items that have one key. Several on one side are told as a whole.
    fn compared_item(&self, form: &ListForm<'c>, old: &[&Value], new: &[&Value]) -> Compared {
        match (old, new) {
            ([] | [_], [] | [_]) => self.compared(form.item, old.first().copied(), new.first().copied()),
            ([_, _, ..], [_, _, ..]) if old == new => Ok(Outcome::default()),
            ([_, _, ..], [_, _, ..]) => Ok(Outcome::modified()),
            ([_, _, ..], []) => Ok(Outcome::removed()),
            ([_, _, ..], [new]) => Ok(self.compared(form.item, None, Some(new))?.and(Outcome::removed())),
            ([], [_, _, ..]) => Ok(Outcome::added()),
            ([old], [_, _, ..]) => Ok(self.compared(form.item, Some(old), None)?.and(Outcome::added())),
        }
    }
}

/// A value that is compared as a whole.
fn leaf(old: &Value, new: &Value) -> Outcome {
    if equal(old, new) { Outcome::default() } else { Outcome::modified() }
}

fn invalid_atom() -> FieldProblems {
    FieldProblems::of("schema error: invalid atom")
}

/// Whether two values are equal. Numbers are, if they are the same number in two forms.
/// k8s: sigs.k8s.io/structured-merge-diff value/value.go EqualsUsing
pub(super) fn equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Int(one), Value::Float(other)) | (Value::Float(other), Value::Int(one)) => {
            (*one as f64).total_cmp(&other.to_f64()) == Ordering::Equal
        }
        (Value::List(ones), Value::List(others)) => {
            ones.len() == others.len() && ones.iter().zip(others.iter()).all(|(one, other)| equal(one, other))
        }
        (Value::Map(ones), Value::Map(others)) => {
            ones.len() == others.len()
                && ones
                    .iter()
                    .zip(others.iter())
                    .all(|((name, one), (other_name, other))| name == other_name && equal(one, other))
        }
        (
            Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::Str(_)
            | Value::List(_)
            | Value::Map(_)
            | Value::Json(_),
            _,
        ) => one == other,
    }
}

/// The members of two maps by name, each with its values.
pub(super) fn zipped<'a>(
    old: Option<&'a Map>,
    new: Option<&'a Map>,
) -> impl Iterator<Item = (&'a Text, Option<&'a Value>, Option<&'a Value>)> {
    let mut olds = old.into_iter().flat_map(Map::iter).peekable();
    let mut news = new.into_iter().flat_map(Map::iter).peekable();
    core::iter::from_fn(move || {
        let order = match (olds.peek(), news.peek()) {
            (None, None) => return None,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((old, _)), Some((new, _))) => old.as_str().cmp(new.as_str()),
        };
        let old = if order.is_le() { olds.next() } else { None };
        let new = if order.is_ge() { news.next() } else { None };
        let name = old.or(new).map(|(name, _)| name)?;
        Some((name, old.map(|(_, value)| value), new.map(|(_, value)| value)))
    })
}

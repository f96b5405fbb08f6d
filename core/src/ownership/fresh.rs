//! The fields of a new object as the text that its manager's entry has, written while the object is walked. The way by
//! sets (a comparison of two objects, a filter, a printed set) finds the same, and takes longer.
//!
//! What is not plain here, such as items that share their keys, is left to that way, which knows all cases.

use super::compare::equal;
use super::element::PathElement;
use super::fields_v1::FieldsText;
use super::filter::FieldFilter;
use super::form::{ListForm, MapForm, Relation, Schema, Walked, check_scalar};
use crate::value::{Map, Value};
use alloc::vec::Vec;

/// Paths of names of fields that nobody owns. What is inside them may be owned.
type Paths<'a> = &'a [&'a [&'a str]];

/// Only the way by sets tells what the fields are.
struct Unplain;

type Telling = Result<(), Unplain>;

impl Schema<'_> {
    /// The fields in which a new object differs from one whose fields have not been set, as a text, without those that
    /// a filter hides and those that nobody owns. None where only the way by sets tells them.
    pub(super) fn fresh_fields(
        &self,
        unset: &Value,
        new: &Value,
        filter: FieldFilter<'_>,
        unowned: Paths<'_>,
    ) -> Option<Value> {
        let FieldFilter::Without(hidden) = filter else { return None };
        let (unset, new) = (unset.as_map()?, new.as_map()?);
        let atom = self.atom(self.form());
        let form = atom.map.filter(|form| atom.is_settled() && !form.atomic)?;
        let mut fresh = Fresh { schema: self, text: FieldsText::new() };
        for (name, value) in new.iter() {
            let found = hidden.iter().find(|path| path.first() == Some(&name.as_str()));
            if found.is_some_and(|path| path.len() > 1) {
                return None;
            }
            let before = fresh.text.end_of_fields();
            fresh.member(&form, name, unset.get(name), value, unowned).ok()?;
            if found.is_some() {
                // It was looked at because nothing is told of an object of which a part cannot be told.
                fresh.text.forget_after(before);
            }
        }
        Some(fresh.text.into_value())
    }
}

struct Fresh<'s, 'c> {
    schema: &'s Schema<'c>,
    text: FieldsText,
}

impl<'c> Fresh<'_, 'c> {
    /// Tells of a member of a map, which may have been there before any field was set.
    fn member(
        &mut self,
        form: &MapForm<'c>,
        name: &str,
        unset: Option<&Value>,
        value: &Value,
        unowned: Paths<'_>,
    ) -> Telling {
        let Some(below) = form.member(name) else { return Ok(()) };
        let atom = self.schema.atom(below);
        let walked = atom.walked(Some(value)).ok_or(Unplain)?;
        let has_come = match unset {
            None => true,
            Some(unset) if unset.is_same(value) => return Ok(()),
            Some(unset) => {
                let was = atom.walked(Some(unset)).ok_or(Unplain)?;
                if !atom.is_settled() && !was.is_alike(&walked) {
                    return Err(Unplain);
                }
                if let Walked::Scalar(scalar) = walked {
                    check_scalar(scalar, Some(value), "").map_err(|_| Unplain)?;
                }
                is_whole(&walked, unset) && is_whole(&walked, value) && !equal(unset, value)
            }
        };
        let is_member = has_come && !unowned.iter().any(|path| *path == [name]);
        let below: Vec<&[&str]> = unowned.iter().filter_map(|path| path.strip_prefix(&[name])).collect();
        let field = self.text.begin_field(name, is_member);
        self.inside(&walked, unset, value, &below)?;
        self.text.end(field, is_member);
        Ok(())
    }

    /// Tells of what is inside a value.
    fn inside(
        &mut self,
        walked: &Walked<'c>,
        unset: Option<&Value>,
        value: &Value,
        unowned: Paths<'_>,
    ) -> Telling {
        match walked {
            Walked::Map(form) if !form.atomic => {
                let unset = unset.and_then(Value::as_map);
                let members = value.as_map().into_iter().flat_map(Map::iter);
                members.into_iter().try_for_each(|(name, value)| {
                    self.member(form, name, unset.and_then(|unset| unset.get(name)), value, unowned)
                })
            }
            Walked::List(form) if !matches!(form.relation, Relation::Atomic) => {
                if unset.and_then(Value::as_list).is_some_and(|items| !items.is_empty()) {
                    return Err(Unplain);
                }
                self.items(form, value.as_list().unwrap_or_default())
            }
            Walked::Map(_) | Walked::List(_) | Walked::Scalar(_) => Ok(()),
        }
    }

    fn items(&mut self, form: &ListForm<'c>, items: &[Value]) -> Telling {
        let mut found: Vec<(PathElement, &Value)> = Vec::with_capacity(items.len());
        for item in items {
            found.push((self.schema.element(form, item).map_err(|_| Unplain)?, item));
        }
        found.sort_by(|(one, _), (other, _)| one.cmp(other));
        if !found.is_sorted_by(|(one, _), (other, _)| one < other) {
            return Err(Unplain);
        }
        let atom = self.schema.atom(form.item);
        for (element, item) in found {
            let walked = atom.walked(Some(item)).ok_or(Unplain)?;
            let place = self.text.begin(&element, true);
            self.inside(&walked, None, item, &[])?;
            self.text.end(place, true);
        }
        Ok(())
    }
}

/// Whether nothing is inside that could be told apart.
fn is_whole(walked: &Walked<'_>, value: &Value) -> bool {
    match walked {
        Walked::Scalar(_) => true,
        Walked::Map(form) => form.atomic || value.as_map().is_none_or(Map::is_empty),
        Walked::List(form) => {
            matches!(form.relation, Relation::Atomic) || value.as_list().is_none_or(<[Value]>::is_empty)
        }
    }
}

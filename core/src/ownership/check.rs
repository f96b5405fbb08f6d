//! Whether a client's configuration is of its type.
//! k8s: sigs.k8s.io/structured-merge-diff typed/validate.go

use super::element::PathElement;
use super::form::{ListForm, MapForm, MergeForm, Relation, Schema, Walked, check_scalar, go_pointer};
use super::problems::FieldProblems;
use crate::value::{Map, Value};
use alloc::collections::BTreeSet;
use alloc::format;

impl<'c> Schema<'c> {
    /// What is wrong with a configuration.
    pub(super) fn check(&self, value: &Value) -> Result<(), FieldProblems> {
        let problems = self.checked(self.form(), value);
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    fn checked(&self, form: MergeForm<'c>, value: &Value) -> FieldProblems {
        match self.atom(form).walked(Some(value)) {
            None => FieldProblems::of("schema error: invalid atom"),
            Some(Walked::Scalar(scalar)) => check_scalar(scalar, Some(value), "").err().unwrap_or_default(),
            Some(Walked::Map(form)) => match value {
                Value::Null => FieldProblems::default(),
                Value::Map(members) => self.checked_members(&form, members),
                Value::Bool(_)
                | Value::Int(_)
                | Value::Float(_)
                | Value::Str(_)
                | Value::List(_)
                | Value::Json(_) => FieldProblems::of(format!("expected map, got {}", go_pointer(value))),
            },
            Some(Walked::List(form)) => match value {
                Value::Null => FieldProblems::default(),
                Value::List(items) => self.checked_items(&form, items),
                Value::Bool(_)
                | Value::Int(_)
                | Value::Float(_)
                | Value::Str(_)
                | Value::Map(_)
                | Value::Json(_) => FieldProblems::of(format!("expected list, got {}", go_pointer(value))),
            },
        }
    }

    /// No further member is looked at after one that the type does not know.
    fn checked_members(&self, form: &MapForm<'c>, members: &Map) -> FieldProblems {
        let mut problems = FieldProblems::default();
        for (name, value) in members.iter() {
            let found = match form.member(name) {
                Some(below) => self.checked(below, value),
                None => FieldProblems::of("field not declared in schema"),
            };
            if !found.is_empty() {
                problems.extend(found.below(&PathElement::Field(name.clone())));
            }
            if form.member(name).is_none() || problems.is_full() {
                break;
            }
        }
        problems
    }

    fn checked_items(&self, form: &ListForm<'c>, items: &[Value]) -> FieldProblems {
        let mut problems = FieldProblems::default();
        let mut seen = BTreeSet::new();
        for (at, item) in items.iter().enumerate() {
            let element = match form.relation {
                Relation::Atomic => PathElement::Index(i64::try_from(at).unwrap_or(i64::MAX)),
                Relation::Set | Relation::Keys(_) => match self.element(form, item) {
                    Ok(element) => element,
                    Err(why) => {
                        problems.add(format!("element {at}: {why}"));
                        return problems;
                    }
                },
            };
            if seen.contains(&element) {
                problems.add(format!("duplicate entries for key {element}"));
            }
            let found = self.checked(form.item, item);
            if !found.is_empty() {
                problems.extend(found.below(&element));
            }
            seen.insert(element);
            if problems.is_full() {
                break;
            }
        }
        problems
    }
}

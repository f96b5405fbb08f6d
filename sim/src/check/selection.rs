//! What a list or a watch selects, decided from the stored objects alone.

use crate::ask::Ask;
use crate::directory::Directory;
use crate::truth::{Change, Stored, Truth};
use bytes::Bytes;
use std::sync::Arc;
use steersman_core::store::Rev;
use steersman_core::value::{Text, Value};

/// The selection of a request.
#[derive(Clone, Debug)]
pub struct Selection {
    prefix: Bytes,
    /// The object's own key, when the request names one.
    key: Option<Bytes>,
    label: Option<(Arc<str>, String)>,
    field: Option<(Arc<str>, String)>,
}

impl Selection {
    /// None for a request that is about nothing stored.
    pub fn of(ask: &Ask, directory: &Directory) -> Option<Self> {
        let place = ask.place.as_ref()?;
        let key = if place.name.is_empty() { None } else { Some(directory.key(place)?) };
        Some(Self {
            prefix: directory.prefix(place)?,
            key,
            label: ask.query.label.clone(),
            field: ask.query.field.clone(),
        })
    }

    /// What the selected keys begin with.
    pub fn prefix(&self) -> &Bytes {
        &self.prefix
    }

    pub fn selects(&self, stored: &Stored) -> bool {
        let in_place = match &self.key {
            Some(key) => *key == stored.key,
            None => stored.key.starts_with(&self.prefix),
        };
        let labelled = |(label, value): &(Arc<str>, String)| {
            stored.object.text_at(&["metadata", "labels", label]) == value.as_str()
        };
        let fielded = |(field, value): &(Arc<str>, String)| {
            let path: Vec<&str> = field.split('.').collect();
            stored.object.text_at(&path) == value.as_str()
        };
        in_place && self.label.as_ref().is_none_or(labelled) && self.field.as_ref().is_none_or(fielded)
    }

    /// What was selected at a revision, in key order.
    pub fn at<'a>(&'a self, truth: &'a Truth, revision: Rev) -> impl Iterator<Item = &'a Arc<Stored>> {
        truth.under(&self.prefix, revision).filter(|stored| self.selects(stored))
    }

    /// Whether the state before and after a change is selected.
    pub fn of_change(&self, change: &Change) -> (bool, bool) {
        if !change.key.starts_with(&self.prefix) {
            return (false, false);
        }
        let selects =
            |stored: &Option<Arc<Stored>>| stored.as_ref().is_some_and(|stored| self.selects(stored));
        (selects(&change.old), selects(&change.new))
    }
}

/// An object of an answer: namespace and name, its revision, and the rest as the store has it.
pub fn split(object: &Value) -> ((Text, Text), Rev, Value) {
    let name = (
        Text::from(object.text_at(&["metadata", "namespace"])),
        Text::from(object.text_at(&["metadata", "name"])),
    );
    let revision = object.text_at(&["metadata", "resourceVersion"]).parse().unwrap_or(0);
    (name, Rev(revision), bare(object.clone()))
}

/// An object without what an answer adds to it.
pub(super) fn bare(mut object: Value) -> Value {
    object.remove_at(&["metadata", "resourceVersion"]);
    object.remove_at(&["kind"]);
    object.remove_at(&["apiVersion"]);
    object
}

/// Whether an object of an answer is what was stored.
pub(super) fn is_stored(object: &Value, stored: &Stored) -> bool {
    let (_, revision, rest) = split(object);
    revision == stored.revision && rest == bare(stored.object.clone())
}

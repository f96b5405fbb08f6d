//! The objects that a list or a watch selects, computed from the stored objects only.

use crate::client_request::ClientRequest;
use crate::directory::Directory;
use crate::truth::{CommittedChange, StoredObject, Truth};
use bytes::Bytes;
use std::sync::Arc;
use steersman_core::store::Rev;
use steersman_core::value::{Map, Text, Value};

/// The selection of a request.
#[derive(Clone, Debug)]
pub struct Selection {
    prefix: Bytes,
    /// The key of the object, if the request names one.
    key: Option<Bytes>,
    label: Option<(Arc<str>, String)>,
    field: Option<(Arc<str>, String)>,
}

impl Selection {
    /// None for a request that is not about a stored resource.
    pub fn of(ask: &ClientRequest, directory: &Directory) -> Option<Self> {
        let place = ask.place.as_ref()?;
        let key = if place.name.is_empty() { None } else { Some(directory.key(place)?) };
        Some(Self {
            prefix: directory.prefix(place)?,
            key,
            label: ask.options.label.clone(),
            field: ask.options.field.clone(),
        })
    }

    /// The prefix of the selected keys.
    pub fn prefix(&self) -> &Bytes {
        &self.prefix
    }

    pub fn selects(&self, stored: &StoredObject) -> bool {
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

    /// The selected objects at a revision, in key order.
    pub fn at<'a>(&'a self, truth: &'a Truth, revision: Rev) -> impl Iterator<Item = &'a Arc<StoredObject>> {
        truth.under(&self.prefix, revision).filter(|stored| self.selects(stored))
    }

    /// Whether the object is selected before a change, and after it.
    pub fn of_change(&self, change: &CommittedChange) -> (bool, bool) {
        if !change.key.starts_with(&self.prefix) {
            return (false, false);
        }
        let selects =
            |stored: &Option<Arc<StoredObject>>| stored.as_ref().is_some_and(|stored| self.selects(stored));
        (selects(&change.old), selects(&change.new))
    }
}

/// The resource version in an object of an answer; 0 if there is none.
pub(super) fn revision_of(object: &Value) -> Rev {
    Rev(object.text_at(&["metadata", "resourceVersion"]).parse().unwrap_or(0))
}

/// Whether two objects are equal except for the fields that an answer adds to the stored form. It is called for every
/// object of every answer and event, so it copies nothing.
pub(super) fn is_same(one: &Value, other: &Value) -> bool {
    let (Value::Map(one), Value::Map(other)) = (one, other) else { return one == other };
    fn kept(map: &Map) -> impl Iterator<Item = (&Text, &Value)> {
        map.iter().filter(|(key, _)| !matches!(key.as_str(), "kind" | "apiVersion"))
    }
    let mut others = kept(other);
    kept(one).all(|(key, value)| {
        others.next().is_some_and(|(other_key, other)| {
            key == other_key
                && if key == "metadata" { is_same_metadata(value, other) } else { value == other }
        })
    }) && others.next().is_none()
}

fn is_same_metadata(one: &Value, other: &Value) -> bool {
    let (Value::Map(one), Value::Map(other)) = (one, other) else { return one == other };
    fn kept(map: &Map) -> impl Iterator<Item = (&Text, &Value)> {
        map.iter().filter(|(key, _)| key.as_str() != "resourceVersion")
    }
    kept(one).eq(kept(other))
}

/// Whether an object of an answer equals the stored one.
pub(super) fn is_stored(object: &Value, stored: &StoredObject) -> bool {
    revision_of(object) == stored.revision && is_same(object, &stored.object)
}

#[cfg(test)]
mod tests {
    use super::is_same;
    use steersman_core::codec::json;
    use steersman_core::value::Value;

    #[test]
    fn only_what_an_answer_adds_may_differ() {
        let value = |text: &str| json::parse(text.as_bytes()).expect("a value").value;
        let stored = value(r#"{"data":{"a":"1"},"metadata":{"name":"x","uid":"u"}}"#);
        let shown = r#"{"apiVersion":"v1","data":{"a":"1"},"kind":"K","metadata":{"name":"x","resourceVersion":"7","uid":"u"}}"#;
        assert!(is_same(&value(shown), &stored));
        for (from, to) in [
            (r#""a":"1""#, r#""a":"2""#),
            (r#""a":"1""#, ""),
            (r#""uid":"u""#, r#""uid":"w""#),
            (r#","uid":"u""#, ""),
            (r#""data":{"a":"1"},"#, ""),
            (r#""kind":"K""#, r#""kind":"K","more":1"#),
            (r#""metadata":{"#, r#""metadata":{"generation":1,"#),
        ] {
            let other = value(&shown.replace(from, to));
            assert!(!is_same(&other, &stored) && !is_same(&stored, &other), "{from} became {to}");
        }
        assert!(!is_same(&Value::Null, &stored));
    }
}

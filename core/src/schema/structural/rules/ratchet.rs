//! What of an object has not changed, as far as it can be told which value an old one was.
//! k8s: staging/src/k8s.io/apiserver/pkg/cel/common/equality.go

use crate::schema::ListType;
use crate::schema::structural::{Additional, Structural};
use crate::value::{Text, Value};

/// A value and the one that it was.
#[derive(Clone, Copy)]
pub(super) struct Correlated<'o> {
    new: &'o Value,
    old: &'o Value,
    schema: &'o Structural,
}

/// Where errors are found.
#[derive(Clone, Copy, Default)]
pub(super) struct Ratchet<'o> {
    /// None if it cannot be told what the value was.
    current: Option<Correlated<'o>>,
    /// The nearest value around it of which it can be told; None at the root.
    around: Option<Correlated<'o>>,
}

impl<'o> Ratchet<'o> {
    /// At the root of an object that replaces another one.
    pub(super) fn of_update(new: &'o Value, old: &'o Value, schema: &'o Structural) -> Self {
        Self { current: Some(Correlated { new, old, schema }), around: None }
    }

    /// Whether an error is one of a value that has not changed, so that it is only a warning.
    pub(super) fn is_unchanged(&self) -> bool {
        self.current.or(self.around).is_some_and(|held| held.is_equal())
    }

    pub(super) fn key(&self, name: &str) -> Self {
        match (self.current, self.around) {
            (None, _) => *self,
            // What an object is called does not count as a change of it.
            (Some(_), None) if matches!(name, "apiVersion" | "kind") => Self::default(),
            (Some(current), _) => Self { current: current.key(name), around: Some(current) },
        }
    }

    pub(super) fn index(&self, index: usize) -> Self {
        match self.current {
            None => *self,
            Some(current) => Self { current: current.index(index), around: Some(current) },
        }
    }
}

impl<'o> Correlated<'o> {
    fn key(&self, name: &str) -> Option<Self> {
        let (old, new) = (self.old.as_map()?.get(name)?, self.new.as_map()?.get(name)?);
        let schema = match (self.schema.properties.get(name), &self.schema.additional) {
            (Some(property), _) => property,
            (None, Additional::Schema(inner)) => inner,
            (None, Additional::Absent | Additional::Denied | Additional::Any) => return None,
        };
        Some(Self { new, old, schema })
    }

    fn index(&self, index: usize) -> Option<Self> {
        let ListType::Map(keys) = &self.schema.list else { return None };
        let new = self.new.as_list()?.get(index)?;
        let old = find(keys, self.old.as_list()?, new)?;
        Some(Self { new, old, schema: self.schema.items.as_deref()? })
    }

    /// The recursion is as deep as the value, which its parser bounds.
    fn is_equal(&self) -> bool {
        match (self.new, self.old) {
            (Value::List(new), Value::List(old)) => {
                if new.len() != old.len() {
                    return false;
                }
                let ListType::Map(_) = &self.schema.list else { return new == old };
                (0..new.len()).all(|index| self.index(index).is_some_and(|item| item.is_equal()))
            }
            (Value::Map(new), Value::Map(old)) => {
                let is_same = |name: &Text| self.key(name).is_some_and(|member| member.is_equal());
                new.len() == old.len() && new.iter().all(|(name, _)| is_same(name))
            }
            (new, old) => new == old,
        }
    }
}

/// The item of a list that has the same keys as another one. Items without all keys are like none.
/// k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/maplist.go
pub(super) fn find<'o>(keys: &[Text], items: &'o [Value], item: &Value) -> Option<&'o Value> {
    let is_scalar = |value: &Value| {
        matches!(value, Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Str(_) | Value::Json(_))
    };
    if keys.is_empty() || !keys.iter().all(|key| item.field(key).is_some_and(is_scalar)) {
        return None;
    }
    items.iter().find(|held| keys.iter().all(|key| held.field(key) == item.field(key)))
}

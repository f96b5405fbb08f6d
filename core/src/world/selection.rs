//! What a list or watch selects (namespace, name, labels, fields), and by which index its watchers are found.

use crate::kinds::{Kind, fields};
use crate::selector::{FieldSelector, LabelSelector};
use crate::store::key::KeySpace;
use crate::value::Text;
use crate::world::cache::{Cache, Change, Entry, LabelMark};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;

/// A selection of a collection's entries.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    /// Empty selects all namespaces.
    namespace: Text,
    /// Empty selects all names.
    name: Text,
    labels: LabelSelector,
    /// The mark of the labels that an entry must have.
    mark: LabelMark,
    fields: Vec<FieldTest>,
    /// The required value of the collection's indexed field.
    indexed: Option<Text>,
}

#[derive(Clone, Debug)]
struct FieldTest {
    source: Source,
    value: Text,
    equal: bool,
}

#[derive(Clone, Copy, Debug)]
enum Source {
    Name,
    Namespace,
    /// The position in the list of selectable fields of the kind whose version the entries have: the stored one, unless
    /// a webhook converts.
    Field(usize),
}

impl Filter {
    /// `namespace` and `name` come from the path, and are empty if it has none. The error is upstream's, for a field
    /// by which the kind cannot be selected.
    pub(crate) fn new(
        kind: &Kind,
        cache: &Cache,
        namespace: &str,
        name: &str,
        labels: LabelSelector,
        fields: &FieldSelector,
    ) -> Result<Self, String> {
        let wanted = labels.equalities().map(|(key, value)| LabelMark::of(key, value));
        let mut filter = Self {
            namespace: namespace.into(),
            name: name.into(),
            mark: wanted.fold(LabelMark::NONE, LabelMark::with),
            labels,
            fields: Vec::new(),
            indexed: None,
        };
        for term in fields.terms() {
            let source = source(kind, cache, &term.field)?;
            if term.equal {
                filter.narrow(source, &term.value, cache);
            }
            filter.fields.push(FieldTest { source, value: term.value.clone(), equal: term.equal });
        }
        Ok(filter)
    }

    /// Uses an equality to reduce the entries that must be looked at.
    fn narrow(&mut self, source: Source, value: &Text, cache: &Cache) {
        match source {
            Source::Name if self.name.is_empty() => self.name = value.clone(),
            Source::Namespace if self.namespace.is_empty() => self.namespace = value.clone(),
            Source::Field(index) if cache.indexed_field() == Some(index) => {
                self.indexed = Some(value.clone())
            }
            Source::Name | Source::Namespace | Source::Field(_) => {}
        }
    }

    /// Whether the selection is a namespace or everything, so that it is a range of the collection.
    pub(crate) fn is_run(&self) -> bool {
        self.name.is_empty() && self.labels.is_everything() && self.fields.is_empty()
    }

    pub(crate) fn matches(&self, entry: &Entry) -> bool {
        (self.namespace.is_empty() || entry.namespace() == self.namespace)
            && (self.name.is_empty() || entry.name() == self.name)
            && (self.labels.is_everything() || self.labels.matches(|key| entry.label(key)))
            && self.fields.iter().all(|test| test.holds(entry))
    }

    /// Whether an entry matches as far as its key tells.
    pub(crate) fn may_match(&self, entry: &Entry) -> bool {
        (self.namespace.is_empty() || entry.namespace() == self.namespace)
            && (self.name.is_empty() || entry.name() == self.name)
    }

    /// The prefix of the keys in the selected namespace.
    pub(crate) fn prefix(&self, keys: &KeySpace) -> Bytes {
        keys.namespace_prefix(&self.namespace)
    }

    /// The selected entries from the key on, in key order.
    pub(crate) fn pick<'a>(
        &'a self,
        cache: &'a Cache,
        keys: &KeySpace,
        from: &'a [u8],
    ) -> impl Iterator<Item = &'a Arc<Entry>> {
        let one = self.one_key(keys).map(|key| cache.get(&key).into_iter());
        let indexed = self.indexed.as_ref().filter(|_| one.is_none()).map(|value| cache.with_field(value));
        let scan = (one.is_none() && indexed.is_none()).then(|| {
            let ranks = cache.entries().prefix_ranks(&self.prefix(keys));
            cache.entries().at_ranks(ranks.start.max(cache.entries().rank(from)).min(ranks.end)..ranks.end)
        });
        let found = one.into_iter().flatten();
        let found = found.chain(indexed.into_iter().flatten());
        let scanned = scan.into_iter().flatten().filter(|(_, held)| held.mark().may_hold(self.mark));
        let found = found.chain(scanned.map(|(_, held)| held.entry()));
        found.filter(move |entry| (from.is_empty() || &entry.key()[..] >= from) && self.matches(entry))
    }

    /// The key of the only entry that can match, if there is one.
    fn one_key(&self, keys: &KeySpace) -> Option<Bytes> {
        let known = !self.name.is_empty() && (!keys.is_namespaced() || !self.namespace.is_empty());
        known.then(|| keys.key(&self.namespace, &self.name))
    }

    pub(crate) fn hint(&self) -> Hint {
        if !self.name.is_empty() {
            Hint::Name(self.name.clone())
        } else if let Some(value) = &self.indexed {
            Hint::Field(value.clone())
        } else if !self.namespace.is_empty() {
            Hint::Namespace(self.namespace.clone())
        } else {
            Hint::All
        }
    }
}

impl FieldTest {
    fn holds(&self, entry: &Entry) -> bool {
        let held = match self.source {
            Source::Name => entry.name(),
            Source::Namespace => entry.namespace(),
            Source::Field(index) => entry.field(index),
        };
        (held == self.value) == self.equal
    }
}

fn source(kind: &Kind, cache: &Cache, field: &str) -> Result<Source, String> {
    let unsupported = || fields::unsupported(kind, field);
    if !fields::allows(kind, field) {
        return Err(unsupported());
    }
    match field {
        "metadata.name" => Ok(Source::Name),
        "metadata.namespace" => Ok(Source::Namespace),
        other => {
            // Versions that share storage may name the same stored field differently.
            let known = kind.fields.iter().find(|known| known.name == other);
            if kind.converter.is_some() {
                // What is selected is in the version of the kind.
                let place = kind.fields.iter().position(|known| known.name == other);
                return place.map(Source::Field).ok_or_else(unsupported);
            }
            let place = known.and_then(|known| cache.place_of_field(&known.source));
            place.map(Source::Field).ok_or_else(unsupported)
        }
    }
}

/// The narrowest index for a watch. A change concerns only watchers under one of its own hints.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Hint {
    All,
    Namespace(Text),
    Name(Text),
    /// The value of the collection's indexed field.
    Field(Text),
}

impl Hint {
    /// The hints under which watchers of a change are found, each once.
    pub(crate) fn of_change(change: &Change, cache: &Cache) -> Vec<Self> {
        let mut hints = alloc::vec![Self::All];
        for entry in [&change.old, &change.new].into_iter().flatten() {
            let mut add = |hint: Self| {
                if !hints.contains(&hint) {
                    hints.push(hint);
                }
            };
            add(Self::Namespace(entry.namespace().into()));
            add(Self::Name(entry.name().into()));
            if let Some(index) = cache.indexed_field() {
                add(Self::Field(entry.field(index).into()));
            }
        }
        hints
    }
}

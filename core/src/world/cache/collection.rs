//! One stored collection as of one revision, and how an event of the store changes it.

use super::tree::Tree;
use super::{Entry, LabelMark, Undecodable};
use crate::kinds::{FieldSource, Kind, StorageId};
use crate::store::Rev;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;
use core::ops::Bound;

/// The selectable field that has an index, since every kubelet lists and watches pods by it.
const INDEXED_FIELD: &str = "spec.nodeName";

/// A collection. A clone shares all of its parts.
#[derive(Clone, Debug)]
pub struct Cache {
    entries: Tree<Held>,
    /// Entries ordered by the indexed field's value, then by key.
    by_field: Tree<Arc<Entry>>,
    indexed: Option<usize>,
    /// The kind in whose version the objects are stored.
    kind: Arc<Kind>,
    /// The revision of the last change to this collection.
    revision: Rev,
    /// Keys whose values cannot be read. While there are any, the collection is not served, since an answer without
    /// them would be wrong.
    unreadable: Arc<BTreeMap<Bytes, Unreadable>>,
}

/// A stored value that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    pub revision: Rev,
    pub why: Undecodable,
    /// Whether the value was there when the server first listed its store; only then it keeps the server from being
    /// ready.
    pub at_start: bool,
}

/// An entry, and beside the pointer to it the mark of its labels. A list by labels then reads only those entries from
/// memory that may match.
#[derive(Clone, Debug)]
pub struct Held {
    mark: LabelMark,
    entry: Arc<Entry>,
}

impl Held {
    fn new(entry: Arc<Entry>) -> Self {
        Self { mark: entry.mark(), entry }
    }

    pub fn mark(&self) -> LabelMark {
        self.mark
    }

    pub fn entry(&self) -> &Arc<Entry> {
        &self.entry
    }

    pub fn into_entry(self) -> Arc<Entry> {
        self.entry
    }
}

/// What one event of the store did to a collection.
#[derive(Clone, Debug)]
pub enum Applied {
    Changed(Change),
    /// A key got a value that cannot be read, for this reason.
    Spoilt(StorageId, Rev, Undecodable),
    /// A key no longer holds a value that cannot be read.
    Mended(StorageId, Rev),
}

impl Applied {
    /// The revision of the event.
    pub fn revision(&self) -> Rev {
        match self {
            Self::Changed(change) => change.revision,
            Self::Spoilt(_, revision, _) | Self::Mended(_, revision) => *revision,
        }
    }
}

/// A change of one object. At least one of `new` and `old` is present.
#[derive(Clone, Debug)]
pub struct Change {
    pub storage: StorageId,
    pub revision: Rev,
    /// The object after the change; None for a deletion.
    pub new: Option<Arc<Entry>>,
    /// The object before the change, as of its own revision; None for a creation.
    pub old: Option<Arc<Entry>>,
    /// The object before the change in other versions, as far as webhooks have converted it.
    pub old_converted: Vec<Arc<Entry>>,
}

impl Cache {
    /// An empty collection. Changes up to the revision `since` are unknown, so no watch can start before it.
    pub fn new(kind: Arc<Kind>, since: Rev) -> Self {
        let indexed = kind.fields.iter().position(|field| field.name == INDEXED_FIELD);
        Self {
            entries: Tree::new(),
            by_field: Tree::new(),
            indexed,
            kind,
            revision: since,
            unreadable: Arc::default(),
        }
    }

    pub fn revision(&self) -> Rev {
        self.revision
    }

    pub fn entries(&self) -> &Tree<Held> {
        &self.entries
    }

    pub fn get(&self, key: &[u8]) -> Option<&Arc<Entry>> {
        self.entries.get(key).map(Held::entry)
    }

    /// The position of the indexed field in the kind's list of selectable fields, if it is among them.
    pub fn indexed_field(&self) -> Option<usize> {
        self.indexed
    }

    /// The position at which entries of this collection hold the field read from a source.
    pub fn place_of_field(&self, source: &FieldSource) -> Option<usize> {
        self.kind.fields.iter().position(|field| field.source == *source)
    }

    /// Entries whose indexed field has this value, in key order.
    pub fn with_field<'a>(&'a self, value: &str) -> impl Iterator<Item = &'a Arc<Entry>> {
        self.by_field.prefix(&field_key(value, b"")).map(|(_, entry)| entry)
    }

    /// The first key under a prefix whose value cannot be read, and why.
    pub fn unreadable_under(&self, prefix: &[u8]) -> Option<(&Bytes, &Unreadable)> {
        let from = (Bound::Included(prefix), Bound::Unbounded);
        self.unreadable.range::<[u8], _>(from).next().filter(|(key, _)| key.starts_with(prefix))
    }

    pub fn unreadable(&self) -> &BTreeMap<Bytes, Unreadable> {
        &self.unreadable
    }

    /// Notes that a key holds a value that cannot be read, and removes the entry that was there.
    pub(crate) fn spoil(&mut self, key: Bytes, unreadable: Unreadable) {
        self.remove(&key, unreadable.revision);
        Arc::make_mut(&mut self.unreadable).insert(key, unreadable);
    }

    /// Notes that a key holds no unreadable value any more. Returns whether it held one.
    pub(crate) fn mend(&mut self, key: &[u8]) -> bool {
        self.unreadable.contains_key(key) && Arc::make_mut(&mut self.unreadable).remove(key).is_some()
    }

    /// Puts an entry and returns the one it replaces.
    pub fn put(&mut self, entry: Arc<Entry>) -> Option<Arc<Entry>> {
        self.revision = self.revision.max(entry.revision());
        let old = self.entries.insert(entry.key().clone(), Held::new(entry.clone())).map(Held::into_entry);
        if let Some(index) = self.indexed {
            if let Some(old) = old.as_ref().filter(|old| old.field(index) != entry.field(index)) {
                self.by_field.remove(&field_key(old.field(index), old.key()));
            }
            self.by_field.insert(field_key(entry.field(index), entry.key()), entry);
        }
        self.check_field_order();
        old
    }

    /// Removes an entry and returns it.
    pub fn remove(&mut self, key: &[u8], revision: Rev) -> Option<Arc<Entry>> {
        self.revision = self.revision.max(revision);
        let old = self.entries.remove(key)?.into_entry();
        if let Some(index) = self.indexed {
            self.by_field.remove(&field_key(old.field(index), old.key()));
        }
        self.check_field_order();
        Some(old)
    }

    /// Asserts that the order by the indexed field has as many entries as the collection.
    fn check_field_order(&self) {
        let count = if self.indexed.is_some() { self.entries.len() } else { 0 };
        assert_eq!(self.by_field.len(), count, "every entry stands once in the order by field");
    }
}

fn field_key(value: &str, key: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(value.len() + 1 + key.len());
    out.extend_from_slice(value.as_bytes());
    out.push(0);
    out.extend_from_slice(key);
    Bytes::from(out)
}

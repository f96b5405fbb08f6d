//! The versions of one key. The newest is held apart from the others, since most keys have no other.

use crate::store::{Event, EventType, KeyValue, LeaseId, Rev};
use alloc::vec::Vec;
use bytes::Bytes;

/// One version of a key; `content` is None for a deletion.
#[derive(Debug)]
pub(super) struct Version {
    pub(super) modified: Rev,
    pub(super) content: Option<Content>,
}

#[derive(Debug)]
pub(super) struct Content {
    pub(super) value: Bytes,
    pub(super) created: Rev,
    pub(super) version: u64,
    pub(super) lease: LeaseId,
}

/// At least one version, ordered by revision; no two have the same revision.
#[derive(Debug)]
pub(super) struct History {
    newest: Version,
    older: Vec<Version>,
}

/// The result of compacting a history.
pub(super) struct Compacted {
    /// False when no version is left.
    pub(super) kept: bool,
    /// Bytes of the superseded values that were dropped.
    pub(super) freed_bytes: usize,
}

impl Version {
    /// The length of the value in bytes; 0 for a deletion.
    pub(super) fn value_len(&self) -> usize {
        self.content.as_ref().map_or(0, |content| content.value.len())
    }

    /// The key-value of this version; None for a deletion.
    pub(super) fn key_value(&self, key: &Bytes) -> Option<KeyValue> {
        self.content.as_ref().map(|content| KeyValue {
            key: key.clone(),
            value: content.value.clone(),
            create_revision: content.created,
            mod_revision: self.modified,
            version: content.version,
            lease: content.lease,
        })
    }

    fn event(&self, key: &Bytes, previous: Option<KeyValue>) -> Event {
        match self.key_value(key) {
            Some(kv) => Event { kind: EventType::Put, kv, previous },
            None => Event { kind: EventType::Delete, kv: tombstone(key, self.modified), previous },
        }
    }
}

/// The key-value that a deletion's event carries.
fn tombstone(key: &Bytes, modified: Rev) -> KeyValue {
    KeyValue { key: key.clone(), mod_revision: modified, ..KeyValue::default() }
}

impl History {
    pub(super) const fn new(first: Version) -> Self {
        Self { newest: first, older: Vec::new() }
    }

    pub(super) const fn newest(&self) -> &Version {
        &self.newest
    }

    /// The newest version at or below a revision.
    pub(super) fn at(&self, revision: Rev) -> Option<&Version> {
        if self.newest.modified <= revision {
            return Some(&self.newest);
        }
        let newer_from = self.older.partition_point(|version| version.modified <= revision);
        newer_from.checked_sub(1).and_then(|index| self.older.get(index))
    }

    pub(super) fn push(&mut self, version: Version) {
        assert!(self.newest.modified < version.modified, "versions are written in order of revision");
        self.older.push(core::mem::replace(&mut self.newest, version));
    }

    /// Removes the newest version. False when it was the only one, so that the key must be removed.
    pub(super) fn pop(&mut self) -> bool {
        match self.older.pop() {
            Some(before) => {
                self.newest = before;
                true
            }
            None => false,
        }
    }

    /// The event of the version that was written at exactly this revision.
    pub(super) fn event(&self, key: &Bytes, revision: Rev) -> Option<Event> {
        let version = self.at(revision).filter(|version| version.modified == revision)?;
        let before = Rev(revision.0.saturating_sub(1));
        Some(version.event(key, self.at(before).and_then(|previous| previous.key_value(key))))
    }

    /// Drops the versions that no read at or above the revision sees. A deletion at the revision itself stays until
    /// the next compaction, for watches that start there.
    /// etcd: server/storage/mvcc/key_index.go
    pub(super) fn compact(&mut self, revision: Rev) -> Compacted {
        let newest_gone = self.newest.content.is_none() && self.newest.modified < revision;
        if newest_gone || self.newest.modified <= revision {
            let freed_bytes = self.superseded_bytes();
            self.older = Vec::new();
            return Compacted { kept: !newest_gone, freed_bytes };
        }
        let newer_from = self.older.partition_point(|version| version.modified <= revision);
        let kept_from = match newer_from.checked_sub(1) {
            None => 0,
            Some(visible) => {
                let version = &self.older[visible];
                let gone = version.content.is_none() && version.modified < revision;
                if gone { newer_from } else { visible }
            }
        };
        let freed_bytes = self.older.drain(..kept_from).map(|version| version.value_len()).sum();
        self.older.shrink_to_fit();
        Compacted { kept: true, freed_bytes }
    }

    /// Bytes of the values that newer versions superseded.
    pub(super) fn superseded_bytes(&self) -> usize {
        self.older.iter().map(Version::value_len).sum()
    }

    /// How many versions are held.
    pub(super) fn len(&self) -> usize {
        self.older.len() + 1
    }
}

//! All keys with their histories, and which keys each revision changed.

use super::history::{Content, History, Version};
use super::interval::Interval;
use crate::store::{Event, KeyValue, LeaseId, Range, Ranged, Rev, StoreError};
use alloc::collections::btree_map::Entry;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use bytes::Bytes;

#[derive(Debug)]
pub(super) struct Keyspace {
    keys: BTreeMap<Bytes, History>,
    /// The keys that each revision changed, in the order of its operations: one entry for each revision from
    /// `first_change` to `revision`.
    changes: VecDeque<Vec<Bytes>>,
    first_change: Rev,
    revision: Rev,
    compact_revision: Rev,
    /// Keys changed by the transaction that is running.
    pending: Vec<Bytes>,
    /// Bytes of the values that newer versions superseded.
    superseded_bytes: usize,
    /// Bytes of the newest values.
    live_bytes: usize,
    /// How many keys are in `changes` and `pending`.
    changed_keys: usize,
}

/// Bytes that a change takes besides the superseded value: for the version, and for the key in the list of the
/// revision's changes.
const CHANGE_BYTES: usize = 160;

/// A key whose newest version was rolled back: the lease that it had, and the one that it has now.
pub(super) struct Undone {
    pub(super) key: Bytes,
    pub(super) lease_was: LeaseId,
    pub(super) lease_is: LeaseId,
}

impl Keyspace {
    /// An empty etcd is at revision 1, which changed nothing.
    pub(super) fn new() -> Self {
        let changes = VecDeque::from([Vec::new()]);
        let (first_change, revision) = (Rev(1), Rev(1));
        Self {
            keys: BTreeMap::new(),
            changes,
            first_change,
            revision,
            compact_revision: Rev(0),
            pending: Vec::new(),
            superseded_bytes: 0,
            live_bytes: 0,
            changed_keys: 0,
        }
    }

    /// A key space with these key-values as of a revision, without earlier history. Keys must be ascending, and no
    /// revision above the given one.
    pub(super) fn restored(revision: Rev, kvs: Vec<KeyValue>) -> Result<Self, &'static str> {
        if !kvs.is_sorted_by(|a, b| a.key < b.key) {
            return Err("keys are not in order");
        }
        let sound = |kv: &KeyValue| {
            kv.version > 0
                && kv.create_revision <= kv.mod_revision
                && kv.mod_revision <= revision
                && !kv.key.is_empty()
        };
        if !kvs.iter().all(sound) {
            return Err("a key-value contradicts the snapshot's revision");
        }
        let live_bytes = kvs.iter().map(|kv| kv.value.len()).sum();
        let history = |kv: KeyValue| {
            let content = Content {
                value: kv.value,
                created: kv.create_revision,
                version: kv.version,
                lease: kv.lease,
            };
            (kv.key, History::new(Version { modified: kv.mod_revision, content: Some(content) }))
        };
        Ok(Self {
            keys: kvs.into_iter().map(history).collect(),
            changes: VecDeque::new(),
            first_change: Rev(revision.0 + 1),
            revision,
            compact_revision: revision,
            pending: Vec::new(),
            superseded_bytes: 0,
            live_bytes,
            changed_keys: 0,
        })
    }

    pub(super) const fn revision(&self) -> Rev {
        self.revision
    }

    pub(super) const fn compact_revision(&self) -> Rev {
        self.compact_revision
    }

    /// The revision that a read inside the running transaction sees.
    pub(super) fn view(&self) -> Rev {
        if self.pending.is_empty() { self.revision } else { self.next() }
    }

    fn next(&self) -> Rev {
        Rev(self.revision.0 + 1)
    }

    /// The newest version's key-value.
    pub(super) fn get(&self, key: &[u8]) -> Option<KeyValue> {
        self.keys.get_key_value(key).and_then(|(key, history)| history.newest().key_value(key))
    }

    /// Whether a read at a revision is possible while `newest` is the newest visible revision.
    pub(super) fn check_readable(&self, revision: Rev, newest: Rev) -> Result<(), StoreError> {
        if revision > newest {
            return Err(StoreError::FutureRevision { current: newest });
        }
        if revision < self.compact_revision {
            return Err(StoreError::Compacted { compact_revision: self.compact_revision });
        }
        Ok(())
    }

    /// Reads while `newest` is the newest visible revision.
    pub(super) fn range(&self, range: &Range, newest: Rev) -> Result<Ranged, StoreError> {
        let at = if range.revision == Rev(0) { newest } else { range.revision };
        self.check_readable(at, newest)?;
        let limit = match range.limit {
            0 => usize::MAX,
            limit => usize::try_from(limit).unwrap_or(usize::MAX),
        };
        let limit = if range.count_only { 0 } else { limit };
        let mut ranged = Ranged { kvs: Vec::new(), count: 0, revision: newest };
        let Some(bounds) = Interval::new(&range.key, range.end.as_ref()).bounds() else { return Ok(ranged) };
        for (key, history) in self.keys.range::<[u8], _>(bounds) {
            let Some(version) = history.at(at).filter(|version| version.content.is_some()) else { continue };
            ranged.count += 1;
            if ranged.kvs.len() < limit {
                ranged.kvs.extend(version.key_value(key));
            }
        }
        if range.keys_only {
            ranged.kvs.iter_mut().for_each(|kv| kv.value = Bytes::new());
        }
        Ok(ranged)
    }

    /// The keys of an interval that exist at the newest revision.
    pub(super) fn live_keys(&self, interval: Interval<'_>) -> Vec<Bytes> {
        let Some(bounds) = interval.bounds() else { return Vec::new() };
        let live =
            self.keys.range::<[u8], _>(bounds).filter(|(_, history)| history.newest().content.is_some());
        live.map(|(key, _)| key.clone()).collect()
    }

    /// The key-values at a readable revision, in key order.
    pub(super) fn key_values(&self, at: Rev) -> impl Iterator<Item = KeyValue> {
        self.keys.iter().filter_map(move |(key, history)| history.at(at)?.key_value(key))
    }

    /// Writes a key in the running transaction.
    pub(super) fn put(&mut self, key: &Bytes, value: Bytes, lease: LeaseId) -> Event {
        let modified = self.next();
        let (created, version) =
            match self.keys.get(key).and_then(|history| history.newest().content.as_ref()) {
                Some(content) => (content.created, content.version + 1),
                None => (modified, 1),
            };
        self.write(key, Version { modified, content: Some(Content { value, created, version, lease }) })
    }

    /// Deletes a key in the running transaction; None when the key does not exist.
    pub(super) fn delete(&mut self, key: &Bytes) -> Option<Event> {
        self.keys.get(key)?.newest().content.as_ref()?;
        Some(self.write(key, Version { modified: self.next(), content: None }))
    }

    fn write(&mut self, key: &Bytes, version: Version) -> Event {
        let modified = version.modified;
        self.live_bytes += version.value_len();
        self.changed_keys += 1;
        let (held, event) = match self.keys.entry(key.clone()) {
            Entry::Occupied(mut entry) => {
                let held = entry.key().clone();
                let superseded = entry.get().newest().value_len();
                self.live_bytes -= superseded;
                self.superseded_bytes += superseded;
                entry.get_mut().push(version);
                let event = entry.get().event(&held, modified);
                (held, event)
            }
            Entry::Vacant(entry) => {
                let event = entry.insert(History::new(version)).event(key, modified);
                (key.clone(), event)
            }
        };
        self.pending.push(held);
        event.expect("the version was just written")
    }

    /// Ends the running transaction. It makes a new revision only when it changed something.
    pub(super) fn commit(&mut self) -> Rev {
        if !self.pending.is_empty() {
            self.changes.push_back(core::mem::take(&mut self.pending));
            self.revision = self.next();
        }
        self.revision
    }

    /// The changes within an interval after one revision up to another, in order. It stops after the revision that
    /// reaches `limit` events, and also returns the revision up to which the events are complete.
    pub(super) fn events(
        &self,
        after: Rev,
        up_to: Rev,
        interval: Interval<'_>,
        limit: usize,
    ) -> Result<(Vec<Event>, Rev), StoreError> {
        let up_to = up_to.min(self.revision);
        let mut events = Vec::new();
        if after >= up_to {
            return Ok((events, after));
        }
        let Some(skipped) = (after.0 + 1).checked_sub(self.first_change.0) else {
            return Err(StoreError::Compacted {
                compact_revision: self.first_change.max(self.compact_revision),
            });
        };
        let skipped = usize::try_from(skipped).unwrap_or(usize::MAX);
        for (changed, revision) in self.changes.range(skipped..).zip(after.0 + 1..=up_to.0) {
            for key in changed.iter().filter(|key| interval.contains(key)) {
                let event = self.keys.get(key).and_then(|history| history.event(key, Rev(revision)));
                events.push(event.expect("a change of a kept revision has its version"));
            }
            if events.len() >= limit {
                return Ok((events, Rev(revision)));
            }
        }
        Ok((events, up_to))
    }

    /// Forgets the revisions above `to`.
    pub(super) fn rollback(&mut self, to: Rev) -> Vec<Undone> {
        assert!(self.pending.is_empty(), "no transaction is running");
        assert!(to >= self.compact_revision, "compacted revisions cannot be returned to");
        let mut undone = Vec::new();
        while self.revision > to {
            for key in self.changes.pop_back().expect("revisions above the compacted one have changes") {
                let history = self.keys.get_mut(&key).expect("a changed key has a history");
                assert!(history.newest().modified == self.revision, "the newest change is undone first");
                let lease = |history: &History| {
                    history.newest().content.as_ref().map_or(LeaseId(0), |content| content.lease)
                };
                let lease_was = lease(history);
                self.live_bytes -= history.newest().value_len();
                self.changed_keys -= 1;
                let lease_is = if history.pop() {
                    let again = history.newest().value_len();
                    self.live_bytes += again;
                    self.superseded_bytes -= again;
                    lease(history)
                } else {
                    self.keys.remove(&key);
                    LeaseId(0)
                };
                undone.push(Undone { key, lease_was, lease_is });
            }
            self.revision = Rev(self.revision.0 - 1);
        }
        undone
    }

    /// Drops the versions that no read at or above the revision sees.
    /// etcd: server/storage/mvcc/kvstore.go
    pub(super) fn compact(&mut self, to: Rev) -> Result<(), StoreError> {
        if to <= self.compact_revision {
            return Err(StoreError::Compacted { compact_revision: self.compact_revision });
        }
        if to > self.revision {
            return Err(StoreError::FutureRevision { current: self.revision });
        }
        while self.first_change < to {
            let changed = self.changes.pop_front().expect("every revision has an entry");
            self.changed_keys -= changed.len();
            for key in changed {
                self.compact_key(&key, to);
            }
            self.first_change = Rev(self.first_change.0 + 1);
        }
        if self.first_change == to {
            for key in self.changes.front().cloned().unwrap_or_default() {
                self.compact_key(&key, to);
            }
        }
        self.compact_revision = to;
        Ok(())
    }

    fn compact_key(&mut self, key: &Bytes, to: Rev) {
        let Some(history) = self.keys.get_mut(key) else { return };
        let compacted = history.compact(to);
        self.superseded_bytes -= compacted.freed_bytes;
        if !compacted.kept {
            self.keys.remove(key);
        }
    }

    /// Roughly how many bytes only reads of past revisions need.
    pub(super) const fn history_bytes(&self) -> usize {
        self.superseded_bytes + self.changed_keys * CHANGE_BYTES
    }

    /// Bytes of the newest values.
    pub(super) const fn live_bytes(&self) -> usize {
        self.live_bytes
    }

    /// The smallest revision whose compaction leaves at most `most` bytes of history; None when there are no more
    /// than that.
    pub(super) fn compaction_to(&self, most: usize) -> Option<Rev> {
        let mut left = self.history_bytes();
        let mut revision = self.first_change;
        for changed in &self.changes {
            if left <= most {
                break;
            }
            let before = Rev(revision.0.saturating_sub(1));
            let superseded = changed.iter().filter_map(|key| self.keys.get(key)?.at(before));
            let freed: usize = superseded.map(Version::value_len).sum();
            left = left.saturating_sub(freed + changed.len() * CHANGE_BYTES);
            revision = Rev(revision.0 + 1);
        }
        let to = revision.min(self.revision);
        (to > self.compact_revision && to > self.first_change).then_some(to)
    }

    /// Versions held in memory, deletions included.
    pub(super) fn versions(&self) -> usize {
        self.keys.values().map(History::len).sum()
    }

    /// Asserts the invariants. The simulator calls it after every step.
    pub(super) fn check(&self) {
        assert!(self.pending.is_empty(), "no transaction is left running");
        assert!(self.compact_revision <= self.revision, "only the past is compacted");
        let entries = self.revision.0 + 1 - self.first_change.0;
        assert!(self.changes.len() as u64 == entries, "every kept revision has one entry");
        let superseded: usize = self.keys.values().map(History::superseded_bytes).sum();
        assert!(self.superseded_bytes == superseded, "the bytes of the past are counted");
        let live: usize = self.keys.values().map(|history| history.newest().value_len()).sum();
        assert!(self.live_bytes == live, "the bytes of the present are counted");
        let changed: usize = self.changes.iter().map(Vec::len).sum();
        assert!(self.changed_keys == changed, "the changes are counted");
    }
}

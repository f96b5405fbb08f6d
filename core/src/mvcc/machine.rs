//! The machine: reads at any kept revision, compaction, rollback, events.

use super::interval::Interval;
use super::keyspace::Keyspace;
use super::lease::Leases;
use crate::limits;
use crate::store::{Event, Range, Ranged, Rev, StoreError};
use alloc::vec::Vec;
use bytes::Bytes;

/// A revisioned key-value store with leases, in memory. Writes take effect at once. A caller that makes them durable
/// afterwards reads with [`Mvcc::range_at`], so that no client sees a write that may be lost, and drops writes that
/// could not be made durable with [`Mvcc::rollback`].
#[derive(Debug)]
pub struct Mvcc {
    pub(super) keyspace: Keyspace,
    pub(super) leases: Leases,
}

impl Default for Mvcc {
    fn default() -> Self {
        Self::new()
    }
}

impl Mvcc {
    /// An empty store at revision 1, like a new etcd.
    pub fn new() -> Self {
        Self { keyspace: Keyspace::new(), leases: Leases::new(Rev(1)) }
    }

    /// The revision of the newest change.
    pub fn revision(&self) -> Rev {
        self.keyspace.revision()
    }

    /// The oldest revision that can be read; 0 before the first compaction.
    pub fn compact_revision(&self) -> Rev {
        self.keyspace.compact_revision()
    }

    /// Reads at the newest or an older revision. The cost grows with the keys in the range, since all of them are
    /// counted; values are shared, not copied.
    ///
    /// # Errors
    /// `Compacted` and `FutureRevision`, when the revision cannot be read; `Internal` for an empty key.
    pub fn range(&self, range: &Range) -> Result<Ranged, StoreError> {
        self.range_at(range, self.revision())
    }

    /// Reads as if `visible` were the newest revision. It must not be below the compacted one.
    ///
    /// # Errors
    /// As [`Mvcc::range`].
    pub fn range_at(&self, range: &Range, visible: Rev) -> Result<Ranged, StoreError> {
        if range.key.is_empty() {
            return Err(empty_key());
        }
        self.keyspace.range(range, visible.min(self.revision()))
    }

    /// The changes after one revision up to another of the keys that `key` and `end` select, oldest
    /// first. `previous` is None where compaction has removed it.
    ///
    /// # Errors
    /// `Compacted`, when the revision after `after` lies below the compacted one, or before a restored
    /// snapshot.
    pub fn events_between(
        &self,
        after: Rev,
        up_to: Rev,
        key: &Bytes,
        end: Option<&Bytes>,
    ) -> Result<Vec<Event>, StoreError> {
        let interval = Interval::new(key, end);
        self.keyspace.events(after, up_to, interval, usize::MAX).map(|(events, _)| events)
    }

    /// Drops history before the revision. What exists at it stays readable. Deletions before it are dropped, and one
    /// at the revision itself with the next compaction.
    ///
    /// # Errors
    /// `Compacted`, when it already was; `FutureRevision`, when it lies ahead.
    pub fn compact(&mut self, revision: Rev) -> Result<(), StoreError> {
        self.keyspace.compact(revision)?;
        self.leases.forget_revoked(revision);
        Ok(())
    }

    /// The revision at which history should be compacted now, because it has grown beyond `history_bytes` or beyond a
    /// fraction of the live bytes. Compacting there leaves half of the bound. None while there is room. etcd keeps
    /// its history on disk and has no such bound; this machine keeps it in memory.
    pub fn compaction_due(&self, history_bytes: usize) -> Option<Rev> {
        let most = history_bytes.max(self.keyspace.live_bytes() / limits::STORE_HISTORY_PART);
        if self.keyspace.history_bytes() <= most { None } else { self.keyspace.compaction_to(most / 2) }
    }

    /// Bytes of the newest values, which is about what a snapshot takes.
    pub const fn live_bytes(&self) -> usize {
        self.keyspace.live_bytes()
    }

    /// Drops every revision above `to`, and restores the leases that were revoked after it.
    ///
    /// # Panics
    /// When `to` lies below the compacted revision: only changes that no client has seen may be rolled back.
    pub fn rollback(&mut self, to: Rev) {
        self.leases.restore_revoked(to);
        for undone in self.keyspace.rollback(to) {
            self.leases.detach(undone.lease_was, &undone.key);
            self.leases.attach(undone.lease_is, &undone.key);
        }
    }

    /// Versions of keys held in memory, deletions included.
    pub fn versions(&self) -> usize {
        self.keyspace.versions()
    }

    /// Asserts the invariants.
    ///
    /// # Panics
    /// When one does not hold, which is a bug in this module.
    pub fn check(&self) {
        self.keyspace.check();
        let attached = |kv: &crate::store::KeyValue| kv.lease.0 != 0;
        let expected = self.keyspace.key_values(self.revision()).filter(attached);
        self.leases.check(expected.map(|kv| (kv.lease, kv.key)));
    }
}

/// etcd: api/v3rpc/rpctypes/error.go ErrGRPCEmptyKey
pub(super) fn empty_key() -> StoreError {
    StoreError::Internal("etcdserver: key is not provided".into())
}

//! Saves the machine as a snapshot, restores it from one, and replays changes from a log.

use super::keyspace::Keyspace;
use super::lease::{Lease, Leases};
use super::machine::Mvcc;
use crate::now::Mono;
use crate::store::{Event, EventType, KeyValue, LeaseId, Put, Rev, StoreError};
use alloc::format;
use alloc::vec::Vec;

/// All that exists at one revision.
pub struct Snapshot<'a> {
    mvcc: &'a Mvcc,
    /// The revision that the snapshot was taken at.
    pub revision: Rev,
    /// Leases in order of id. Those that were revoked after the revision are included.
    pub leases: Vec<Lease>,
}

impl Snapshot<'_> {
    /// Key-values in key order; values are shared, not copied.
    pub fn key_values(&self) -> impl Iterator<Item = KeyValue> {
        self.mvcc.keyspace.key_values(self.revision)
    }
}

impl Mvcc {
    /// A snapshot of what exists at a revision, to be written to disk.
    ///
    /// # Errors
    /// `Compacted` and `FutureRevision`, when the revision cannot be read.
    pub fn snapshot(&self, at: Rev) -> Result<Snapshot<'_>, StoreError> {
        self.keyspace.check_readable(at, self.revision())?;
        Ok(Snapshot { mvcc: self, revision: at, leases: self.leases.at(at) })
    }

    /// A machine restored from a snapshot. Its revision becomes the compacted one: earlier revisions cannot be read,
    /// and events begin after it. Leases get their full duration again from `now`, as after a change of etcd's
    /// leader.
    ///
    /// # Errors
    /// `Internal`, when the parts contradict each other.
    pub fn restore(
        now: Mono,
        revision: Rev,
        kvs: Vec<KeyValue>,
        leases: &[Lease],
    ) -> Result<Self, StoreError> {
        let mut restored = Leases::new(revision);
        for lease in leases {
            restored.grant(now, lease.ttl_seconds, Some(lease.id))?;
        }
        for kv in kvs.iter().filter(|kv| kv.lease != LeaseId(0)) {
            if !restored.contains(kv.lease) {
                return Err(corrupt("a key's lease is missing"));
            }
            restored.attach(kv.lease, &kv.key);
        }
        let keyspace = Keyspace::restored(revision, kvs).map_err(corrupt)?;
        Ok(Self { keyspace, leases: restored })
    }

    /// Replays the changes of the next revision. Each event's `previous` is ignored; the key-value that the change
    /// leads to must equal the event's.
    ///
    /// # Errors
    /// `Internal`, when the events do not continue this state. The machine must not be used any more then.
    pub fn replay(&mut self, revision: Rev, events: &[Event]) -> Result<(), StoreError> {
        if revision.0 != self.revision().0 + 1 || events.is_empty() {
            return Err(corrupt(&format!("revision {} does not follow {}", revision.0, self.revision().0)));
        }
        for event in events {
            let KeyValue { key, value, lease, .. } = &event.kv;
            let replayed = match event.kind {
                EventType::Put if *lease != LeaseId(0) && !self.leases.contains(*lease) => None,
                EventType::Put => {
                    Some(self.put(&Put { key: key.clone(), value: value.clone(), lease: *lease }))
                }
                EventType::Delete => self.delete(key),
            };
            if replayed.is_none_or(|replayed| replayed.kv != event.kv) {
                self.keyspace.commit();
                return Err(corrupt(&format!(
                    "a change of revision {} does not fit the state before it",
                    revision.0
                )));
            }
        }
        self.keyspace.commit();
        Ok(())
    }
}

fn corrupt(what: &str) -> StoreError {
    StoreError::Internal(format!("the stored data is corrupt: {what}").into())
}

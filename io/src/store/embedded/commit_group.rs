//! One group commit: the operations that are done together on the in-memory machine, and the log records of their
//! effects.

use super::queue::QueuedOperation;
use super::record::{self, Record, encode_changes};
use steersman_core::mvcc::{Lease, Mvcc};
use steersman_core::now::Mono;
use steersman_core::store::{Event, LeaseId, Op, Range, Rev, StoreError, Stored, Txn, TxnOp};
use tokio::sync::oneshot;

/// Operations that were done in memory and are not durable yet.
#[derive(Default)]
pub(super) struct CommitGroup {
    /// The encoded records; empty when nothing has to be made durable.
    pub(super) payload: Vec<u8>,
    /// Whether a record adds data, for which a full disk has no room.
    pub(super) grows: bool,
    pub(super) events: Vec<Event>,
    pub(super) replies: Vec<PendingResult>,
    /// A compaction. It is done once the group is durable, since it cannot be undone.
    pub(super) compaction: Option<Rev>,
    granted: Vec<LeaseId>,
    revoked: Vec<Lease>,
}

/// A result that its caller gets when the group is durable.
pub(super) struct PendingResult {
    pub(super) to: oneshot::Sender<Stored>,
    pub(super) outcome: Stored,
    pub(super) wrote: bool,
    /// The operation, to do it again if the group is undone because of other operations in it.
    pub(super) op: Op,
}

impl PendingResult {
    /// Whether a full disk still has room for this group, because it only removes data.
    pub(super) fn takes_away(&self) -> bool {
        takes_away(&self.op)
    }
}

impl CommitGroup {
    /// Revokes the leases that have expired.
    pub(super) fn expire(&mut self, mvcc: &mut Mvcc, now: Mono) {
        for expired in mvcc.expire(now) {
            self.revoked_with(expired.lease, expired.events);
        }
    }

    /// Performs one operation. It reads what was durable before the group and what the group itself has written.
    pub(super) fn perform(&mut self, mvcc: &mut Mvcc, now: Mono, visible: Rev, request: QueuedOperation) {
        let recorded = self.payload.len();
        let outcome = match &request.op {
            Op::Range(range) => read(mvcc, range, visible),
            Op::Txn(txn) => self.txn(mvcc, txn),
            Op::Compact(revision) => self.compact(mvcc, *revision),
            Op::LeaseGrant { ttl_seconds } => self.grant(mvcc, now, *ttl_seconds),
            Op::LeaseRevoke(id) => self.revoke(mvcc, now, *id),
        };
        let wrote = self.payload.len() > recorded;
        self.grows |= wrote && !takes_away(&request.op);
        self.replies.push(PendingResult { to: request.reply, outcome, wrote, op: request.op });
    }

    /// Undoes the whole group, because it did not become durable.
    pub(super) fn undo(&self, mvcc: &mut Mvcc, now: Mono, visible: Rev) {
        mvcc.rollback(visible);
        for id in &self.granted {
            // The lease has no keys. If it was revoked in the same group, it is gone already, which is no error.
            let _ = mvcc.lease_revoke(*id);
        }
        for lease in self.revoked.iter().filter(|lease| !self.granted.contains(&lease.id)) {
            // The rollback restored the revoked leases that had keys; those fail here, which is no error.
            let _ = mvcc.lease_grant(now, lease.ttl_seconds, Some(lease.id));
        }
    }

    fn txn(&mut self, mvcc: &mut Mvcc, txn: &Txn) -> Stored {
        match mvcc.txn(txn) {
            Ok((reply, events)) => {
                self.changed(events);
                Stored::Txn(reply)
            }
            Err(error) => Stored::Failed(error),
        }
    }

    /// Compacts when history takes too much memory, unless the group compacts further itself.
    pub(super) fn compact_early(&mut self, mvcc: &Mvcc, revision: Rev) {
        if let Stored::Compacted = self.compact(mvcc, revision) {
            tracing::debug!(revision = revision.0, "history is compacted early: it takes too much memory");
        }
    }

    fn compact(&mut self, mvcc: &Mvcc, revision: Rev) -> Stored {
        let compact_revision = self.compaction.unwrap_or(mvcc.compact_revision());
        if revision <= compact_revision {
            return Stored::Failed(StoreError::Compacted { compact_revision });
        }
        if revision > mvcc.revision() {
            return Stored::Failed(StoreError::FutureRevision { current: mvcc.revision() });
        }
        self.compaction = Some(revision);
        Record::Compact(revision).encode(&mut self.payload);
        Stored::Compacted
    }

    fn grant(&mut self, mvcc: &mut Mvcc, now: Mono, ttl_seconds: i64) -> Stored {
        match mvcc.lease_grant(now, ttl_seconds, None) {
            Ok(Lease { id, ttl_seconds }) => {
                self.granted.push(id);
                Record::LeaseGrant { id, ttl_seconds }.encode(&mut self.payload);
                Stored::Leased { id, ttl_seconds }
            }
            Err(error) => Stored::Failed(error),
        }
    }

    fn revoke(&mut self, mvcc: &mut Mvcc, now: Mono, id: LeaseId) -> Stored {
        let revoked = mvcc.lease_keepalive(now, id).and_then(|lease| Ok((lease, mvcc.lease_revoke(id)?)));
        match revoked {
            Ok((lease, events)) => {
                self.revoked.push(lease);
                self.revoked_with(id, events);
                Stored::Revoked
            }
            Err(error) => Stored::Failed(error),
        }
    }

    fn revoked_with(&mut self, id: LeaseId, events: Vec<Event>) {
        self.changed(events);
        Record::LeaseRevoke(id).encode(&mut self.payload);
    }

    /// Records the changes of one revision.
    fn changed(&mut self, events: Vec<Event>) {
        if let Some(first) = events.first() {
            encode_changes(&mut self.payload, first.kv.mod_revision, &events);
            self.events.extend(events);
        }
    }
}

/// Whether an operation does nothing but remove keys, leases or history.
fn takes_away(op: &Op) -> bool {
    match op {
        Op::Txn(txn) => !txn.then.iter().chain(&txn.otherwise).any(|op| matches!(op, TxnOp::Put(_))),
        Op::Range(_) | Op::Compact(_) | Op::LeaseRevoke(_) => true,
        Op::LeaseGrant { .. } => false,
    }
}

/// A read at the newest visible revision or an older one.
pub(super) fn read(mvcc: &Mvcc, range: &Range, visible: Rev) -> Stored {
    match mvcc.range_at(range, visible) {
        Ok(ranged) => Stored::Ranged(ranged),
        Err(error) => Stored::Failed(error),
    }
}

/// Applies a batch of the log to the machine during a restart.
pub(super) fn replay_batch(mvcc: &mut Mvcc, mut payload: &[u8]) -> Result<(), String> {
    while let Some(record) = record::decode(&mut payload)? {
        replay(mvcc, Mono(0), record)?;
    }
    Ok(())
}

fn replay(mvcc: &mut Mvcc, now: Mono, record: Record) -> Result<(), String> {
    let replayed = match record {
        Record::Changes { revision, events } => mvcc.replay(revision, &events),
        Record::Compact(revision) => match mvcc.compact(revision) {
            // A snapshot has no history, so a compaction recorded before it was taken is done already.
            Err(StoreError::Compacted { .. }) => Ok(()),
            other => other,
        },
        Record::LeaseGrant { id, ttl_seconds } => mvcc.lease_grant(now, ttl_seconds, Some(id)).map(|_| ()),
        Record::LeaseRevoke(id) => match mvcc.lease_revoke(id) {
            Ok(events) if !events.is_empty() => return Err("a revoked lease still has keys".into()),
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        },
        Record::Snapshot(_) | Record::Live(_) | Record::SnapshotEnd { .. } | Record::Sealed { .. } => {
            return Err("a record that has no place in a log".into());
        }
    };
    replayed.map_err(|error| format!("a record does not follow from those before it: {error:?}"))
}

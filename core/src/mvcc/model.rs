//! A deliberately naive model for tests: it keeps a list of every change and computes all else from that list.

use crate::now::Mono;
use crate::store::{
    Compare, Condition, Event, EventType, KeyValue, LeaseId, Range, Ranged, Rev, StoreError, Txn, TxnOp,
    TxnReply, TxnReplyOp,
};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use bytes::Bytes;

/// A put, or a deletion when it is None.
#[derive(Clone, Debug)]
pub(super) struct ModelChange {
    revision: Rev,
    key: Bytes,
    put: Option<(Bytes, LeaseId)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ModelLease {
    pub(super) id: LeaseId,
    pub(super) ttl_seconds: i64,
    pub(super) expiry: Mono,
}

pub(super) struct Model {
    changes: Vec<ModelChange>,
    pub(super) revision: Rev,
    pub(super) compact_revision: Rev,
    /// The first revision whose changes are known. After a restart it is the one after the snapshot.
    pub(super) first_event: Rev,
    pub(super) leases: Vec<ModelLease>,
    /// Revoked and expired leases, with the revision of their end.
    pub(super) ended: Vec<(Rev, ModelLease)>,
}

pub(super) type State = BTreeMap<Bytes, KeyValue>;

pub(super) fn selects(key: &Bytes, end: Option<&Bytes>, candidate: &Bytes) -> bool {
    match end {
        Some(end) if end == "\0" => candidate >= key,
        Some(end) if !end.is_empty() => candidate >= key && candidate < end,
        _ => candidate == key,
    }
}

fn apply(state: &mut State, change: &ModelChange) -> Event {
    let previous = state.remove(&change.key);
    let kv = KeyValue { key: change.key.clone(), mod_revision: change.revision, ..KeyValue::default() };
    match &change.put {
        None => Event { kind: EventType::Delete, kv, previous },
        Some((value, lease)) => {
            let create_revision = previous.as_ref().map_or(change.revision, |kv| kv.create_revision);
            let version = previous.as_ref().map_or(1, |kv| kv.version + 1);
            let kv = KeyValue { value: value.clone(), create_revision, version, lease: *lease, ..kv };
            state.insert(change.key.clone(), kv.clone());
            Event { kind: EventType::Put, kv, previous }
        }
    }
}

impl Model {
    pub(super) fn new() -> Self {
        Self {
            changes: Vec::new(),
            revision: Rev(1),
            compact_revision: Rev(0),
            first_event: Rev(1),
            leases: Vec::new(),
            ended: Vec::new(),
        }
    }

    pub(super) fn at(&self, revision: Rev) -> State {
        let mut state = State::new();
        for change in self.changes.iter().filter(|change| change.revision <= revision) {
            apply(&mut state, change);
        }
        state
    }

    fn readable(&self, revision: Rev, newest: Rev) -> Result<(), StoreError> {
        match revision {
            Rev(0) => Ok(()),
            _ if revision > newest => Err(StoreError::FutureRevision { current: newest }),
            _ if revision < self.compact_revision => {
                Err(StoreError::Compacted { compact_revision: self.compact_revision })
            }
            _ => Ok(()),
        }
    }

    pub(super) fn range(&self, range: &Range, newest: Rev) -> Result<Ranged, StoreError> {
        self.readable(range.revision, newest)?;
        let at = if range.revision == Rev(0) { newest } else { range.revision };
        Ok(select(&self.at(at), range, newest))
    }

    pub(super) fn events(&self, after: Rev, up_to: Rev) -> Vec<Event> {
        let mut state = State::new();
        let mut events = Vec::new();
        for change in self.changes.iter().filter(|change| change.revision <= up_to) {
            let mut event = apply(&mut state, change);
            if change.revision <= self.compact_revision {
                event.previous = None;
            }
            if change.revision > after {
                events.push(event);
            }
        }
        events
    }

    /// Versions that a bounded machine keeps.
    pub(super) fn versions(&self) -> usize {
        let compacted = self.compact_revision;
        let superseded = |change: &ModelChange| {
            let newer = |other: &ModelChange| other.key == change.key && other.revision > change.revision;
            self.changes.iter().any(|other| newer(other) && other.revision <= compacted)
        };
        let kept = |change: &&ModelChange| {
            let watchable = change.revision == compacted && change.revision >= self.first_event;
            change.revision > compacted || (!superseded(change) && (change.put.is_some() || watchable))
        };
        self.changes.iter().filter(kept).count()
    }

    pub(super) fn txn(&mut self, txn: &Txn) -> Result<(TxnReply, Vec<Event>), StoreError> {
        for ops in [&txn.then, &txn.otherwise] {
            check_duplicates(ops)?;
        }
        let mut state = self.at(self.revision);
        let succeeded = txn.compare.iter().all(|compare| holds(&state, compare));
        let ops = if succeeded { &txn.then } else { &txn.otherwise };
        for op in ops {
            match op {
                TxnOp::Range(range) => self.readable(range.revision, self.revision)?,
                TxnOp::Put(put)
                    if put.lease != LeaseId(0) && !self.leases.iter().any(|held| held.id == put.lease) =>
                {
                    return Err(StoreError::LeaseNotFound);
                }
                TxnOp::Put(_) | TxnOp::Delete { .. } => {}
            }
        }
        let next = Rev(self.revision.0 + 1);
        let (mut events, mut replies) = (Vec::new(), Vec::new());
        for op in ops {
            let view = if events.is_empty() { self.revision } else { next };
            replies.push(match op {
                TxnOp::Range(range) if range.revision == Rev(0) => {
                    TxnReplyOp::Range(select(&state, range, view))
                }
                TxnOp::Range(range) => TxnReplyOp::Range(select(&self.at(range.revision), range, view)),
                TxnOp::Put(put) => {
                    let written = Some((put.value.clone(), put.lease));
                    events.push(self.change(&mut state, next, put.key.clone(), written));
                    TxnReplyOp::Put
                }
                TxnOp::Delete { key, end } => {
                    let doomed: Vec<Bytes> =
                        state.keys().filter(|held| selects(key, end.as_ref(), held)).cloned().collect();
                    let deleted = doomed.len() as u64;
                    events.extend(doomed.into_iter().map(|key| self.change(&mut state, next, key, None)));
                    TxnReplyOp::Delete { deleted }
                }
            });
        }
        if !events.is_empty() {
            self.revision = next;
        }
        Ok((TxnReply { succeeded, revision: self.revision, replies }, events))
    }

    fn change(
        &mut self,
        state: &mut State,
        revision: Rev,
        key: Bytes,
        put: Option<(Bytes, LeaseId)>,
    ) -> Event {
        let change = ModelChange { revision, key, put };
        let event = apply(state, &change);
        self.changes.push(change);
        event
    }

    pub(super) fn revoke(&mut self, id: LeaseId) -> Result<Vec<Event>, StoreError> {
        let held = self.leases.iter().position(|lease| lease.id == id).ok_or(StoreError::LeaseNotFound)?;
        let lease = self.leases.remove(held);
        let mut state = self.at(self.revision);
        let doomed: Vec<Bytes> =
            state.values().filter(|kv| kv.lease == id).map(|kv| kv.key.clone()).collect();
        let next = Rev(self.revision.0 + 1);
        let events: Vec<Event> =
            doomed.into_iter().map(|key| self.change(&mut state, next, key, None)).collect();
        if !events.is_empty() {
            self.revision = next;
        }
        self.ended.push((self.revision, lease));
        Ok(events)
    }

    /// Ids of the leases that have expired, in the order in which they expired.
    pub(super) fn due(&self, now: Mono) -> Vec<LeaseId> {
        let mut due: Vec<(Mono, LeaseId)> = self
            .leases
            .iter()
            .filter(|lease| lease.expiry <= now)
            .map(|lease| (lease.expiry, lease.id))
            .collect();
        due.sort();
        due.into_iter().map(|(_, id)| id).collect()
    }

    pub(super) fn compact(&mut self, to: Rev) -> Result<(), StoreError> {
        if to <= self.compact_revision {
            return Err(StoreError::Compacted { compact_revision: self.compact_revision });
        }
        if to > self.revision {
            return Err(StoreError::FutureRevision { current: self.revision });
        }
        self.compact_revision = to;
        self.first_event = self.first_event.max(to);
        Ok(())
    }

    pub(super) fn rollback(&mut self, to: Rev) {
        self.revision = self.revision.min(to);
        self.changes.retain(|change| change.revision <= to);
        self.leases.extend(self.ended.iter().filter(|(revision, _)| *revision > to).map(|(_, lease)| *lease));
        self.ended.retain(|(revision, _)| *revision <= to);
    }
}

fn check_duplicates(ops: &[TxnOp]) -> Result<(), StoreError> {
    for (index, op) in ops.iter().enumerate() {
        let TxnOp::Put(put) = op else { continue };
        for (other_index, other) in ops.iter().enumerate() {
            let clashes = match other {
                TxnOp::Range(_) => false,
                TxnOp::Put(other) => other_index != index && other.key == put.key,
                TxnOp::Delete { key, end } => selects(key, end.as_ref(), &put.key),
            };
            if clashes {
                return Err(StoreError::DuplicateKey);
            }
        }
    }
    Ok(())
}

fn holds(state: &State, compare: &Compare) -> bool {
    let found = state.get(&compare.key);
    let kv = found.cloned().unwrap_or_default();
    match &compare.condition {
        Condition::ModRevisionEquals(revision) => kv.mod_revision == *revision,
        Condition::ModRevisionGreater(revision) => kv.mod_revision > *revision,
        Condition::ModRevisionLess(revision) => kv.mod_revision < *revision,
        Condition::CreateRevisionEquals(revision) => kv.create_revision == *revision,
        Condition::VersionEquals(version) => kv.version == *version,
        Condition::VersionGreater(version) => kv.version > *version,
        Condition::VersionLess(version) => kv.version < *version,
        Condition::ValueEquals(value) => found.is_some_and(|kv| kv.value == *value),
    }
}

fn select(state: &State, range: &Range, revision: Rev) -> Ranged {
    let mut kvs: Vec<KeyValue> =
        state.values().filter(|kv| selects(&range.key, range.end.as_ref(), &kv.key)).cloned().collect();
    let count = kvs.len() as u64;
    if range.limit > 0 {
        kvs.truncate(range.limit as usize);
    }
    if range.keys_only {
        kvs.iter_mut().for_each(|kv| kv.value = Bytes::new());
    }
    if range.count_only {
        kvs.clear();
    }
    Ranged { kvs, count, revision }
}

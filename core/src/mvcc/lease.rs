//! Leases: granted for a duration, kept alive, and revoked together with their keys. Callers pass the time in.

use super::machine::Mvcc;
use crate::limits;
use crate::now::Mono;
use crate::store::{Event, LeaseId, Rev, StoreError};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use bytes::Bytes;

/// A lease and the seconds it was granted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    pub id: LeaseId,
    pub ttl_seconds: i64,
}

/// A lease that expired, and the deletions of its keys, all of one revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expired {
    pub lease: LeaseId,
    pub events: Vec<Event>,
}

#[derive(Debug)]
struct Granted {
    ttl_seconds: i64,
    expiry: Mono,
    keys: BTreeSet<Bytes>,
}

#[derive(Debug)]
pub(super) struct Leases {
    granted: BTreeMap<LeaseId, Granted>,
    expiries: BTreeSet<(Mono, LeaseId)>,
    /// Revoked leases with the revision of their revocation, so that a rollback can restore them.
    revoked: BTreeMap<(Rev, LeaseId), Granted>,
    next_id: i64,
}

impl Mvcc {
    /// Grants a lease, with a generated id when none is given. Durations shorter than etcd's minimum are lengthened
    /// to it, as etcd does.
    ///
    /// # Errors
    /// `Internal` when the id is taken or the duration too long, `TooManyRequests` beyond the bound.
    pub fn lease_grant(
        &mut self,
        now: Mono,
        ttl_seconds: i64,
        id: Option<LeaseId>,
    ) -> Result<Lease, StoreError> {
        self.leases.grant(now, ttl_seconds, id.filter(|id| *id != LeaseId(0)))
    }

    /// Restarts a lease's duration.
    ///
    /// # Errors
    /// `LeaseNotFound`.
    pub fn lease_keepalive(&mut self, now: Mono, id: LeaseId) -> Result<Lease, StoreError> {
        self.leases.keepalive(now, id)
    }

    /// Restarts every lease's duration, as a new leader of etcd does, which does not know how much of it had passed.
    /// etcd: server/lease/lessor.go Promote
    pub fn lease_renew_all(&mut self, now: Mono) {
        self.leases.renew_all(now);
    }

    /// Revokes a lease and deletes its keys in one revision. No revision is made when it has no keys.
    ///
    /// # Errors
    /// `LeaseNotFound`.
    pub fn lease_revoke(&mut self, id: LeaseId) -> Result<Vec<Event>, StoreError> {
        let keys = self.leases.keys(id).ok_or(StoreError::LeaseNotFound)?;
        let events = keys.iter().filter_map(|key| self.delete(key)).collect();
        let revision = self.keyspace.commit();
        self.leases.remove(id, revision);
        Ok(events)
    }

    /// Revokes a bounded number of leases that have expired; call again while [`Mvcc::next_expiry`] is not in the
    /// future. Leases are revoked in the order in which they expired, then by id.
    pub fn expire(&mut self, now: Mono) -> Vec<Expired> {
        let due: Vec<LeaseId> = self.leases.due(now).collect();
        let revoke = |id: LeaseId| {
            let events = self.lease_revoke(id).expect("a due lease exists");
            Expired { lease: id, events }
        };
        due.into_iter().map(revoke).collect()
    }

    /// When the next lease expires.
    pub fn next_expiry(&self) -> Option<Mono> {
        self.leases.expiries.first().map(|(expiry, _)| *expiry)
    }
}

impl Leases {
    /// Generated ids start above every id that an earlier run of the same store can have given out.
    pub(super) fn new(revision: Rev) -> Self {
        let high = i64::try_from(revision.0 & 0x7ff_ffff_ffff).unwrap_or(0);
        Self {
            granted: BTreeMap::new(),
            expiries: BTreeSet::new(),
            revoked: BTreeMap::new(),
            next_id: (high << 20) + 1,
        }
    }

    pub(super) fn contains(&self, id: LeaseId) -> bool {
        self.granted.contains_key(&id)
    }

    fn keys(&self, id: LeaseId) -> Option<Vec<Bytes>> {
        self.granted.get(&id).map(|granted| granted.keys.iter().cloned().collect())
    }

    fn due(&self, now: Mono) -> impl Iterator<Item = LeaseId> {
        let due = self.expiries.iter().take_while(move |(expiry, _)| *expiry <= now);
        due.take(limits::LEASE_EXPIRIES_AT_ONCE).map(|(_, id)| *id)
    }

    /// etcd: server/lease/lessor.go Grant
    pub(super) fn grant(
        &mut self,
        now: Mono,
        ttl_seconds: i64,
        id: Option<LeaseId>,
    ) -> Result<Lease, StoreError> {
        if ttl_seconds > limits::LEASE_TTL_SECONDS_MAX {
            return Err(StoreError::Internal("etcdserver: too large lease TTL".into()));
        }
        if self.granted.len() >= limits::LEASES {
            return Err(StoreError::TooManyRequests);
        }
        let id = id.unwrap_or_else(|| self.free_id());
        if self.contains(id) {
            return Err(StoreError::Internal("etcdserver: lease already exists".into()));
        }
        self.next_id = self.next_id.max(id.0.saturating_add(1));
        let ttl_seconds = ttl_seconds.max(limits::LEASE_TTL_SECONDS_MIN);
        let expiry = expiry(now, ttl_seconds);
        self.expiries.insert((expiry, id));
        self.granted.insert(id, Granted { ttl_seconds, expiry, keys: BTreeSet::new() });
        Ok(Lease { id, ttl_seconds })
    }

    fn free_id(&self) -> LeaseId {
        let mut id = self.next_id.max(1);
        while self.granted.contains_key(&LeaseId(id)) {
            id = id.checked_add(1).unwrap_or(1);
        }
        LeaseId(id)
    }

    fn keepalive(&mut self, now: Mono, id: LeaseId) -> Result<Lease, StoreError> {
        let granted = self.granted.get_mut(&id).ok_or(StoreError::LeaseNotFound)?;
        self.expiries.remove(&(granted.expiry, id));
        granted.expiry = expiry(now, granted.ttl_seconds);
        self.expiries.insert((granted.expiry, id));
        Ok(Lease { id, ttl_seconds: granted.ttl_seconds })
    }

    fn renew_all(&mut self, now: Mono) {
        self.expiries.clear();
        for (id, granted) in &mut self.granted {
            granted.expiry = expiry(now, granted.ttl_seconds);
            self.expiries.insert((granted.expiry, *id));
        }
    }

    fn remove(&mut self, id: LeaseId, revision: Rev) {
        let granted = self.granted.remove(&id).expect("the lease to be revoked exists");
        self.expiries.remove(&(granted.expiry, id));
        assert!(granted.keys.is_empty(), "a revoked lease's keys are deleted");
        self.revoked.insert((revision, id), granted);
    }

    /// Restores, without keys, the leases that were revoked after a revision.
    pub(super) fn restore_revoked(&mut self, to: Rev) {
        let undone = self.revoked.split_off(&(Rev(to.0.saturating_add(1)), LeaseId(i64::MIN)));
        for ((_, id), granted) in undone {
            self.expiries.insert((granted.expiry, id));
            self.granted.insert(id, granted);
        }
    }

    /// Forgets revocations up to a compacted revision, which can no longer be rolled back.
    pub(super) fn forget_revoked(&mut self, up_to: Rev) {
        self.revoked = self.revoked.split_off(&(Rev(up_to.0.saturating_add(1)), LeaseId(i64::MIN)));
    }

    /// Leases as of a revision, in order of id.
    pub(super) fn at(&self, revision: Rev) -> Vec<Lease> {
        let lease = |id: LeaseId, granted: &Granted| Lease { id, ttl_seconds: granted.ttl_seconds };
        let revoked_since = self.revoked.range((Rev(revision.0.saturating_add(1)), LeaseId(i64::MIN))..);
        let revoked = revoked_since.map(|((_, id), granted)| lease(*id, granted));
        let mut all: Vec<Lease> =
            self.granted.iter().map(|(id, granted)| lease(*id, granted)).chain(revoked).collect();
        all.sort_by_key(|lease| lease.id);
        all.dedup_by_key(|lease| lease.id);
        all
    }

    pub(super) fn attach(&mut self, id: LeaseId, key: &Bytes) {
        if let Some(granted) = self.granted.get_mut(&id) {
            granted.keys.insert(key.clone());
        }
    }

    pub(super) fn detach(&mut self, id: LeaseId, key: &Bytes) {
        if let Some(granted) = self.granted.get_mut(&id) {
            granted.keys.remove(key);
        }
    }

    /// Asserts that the leases have exactly the given keys attached.
    pub(super) fn check(&self, expected: impl Iterator<Item = (LeaseId, Bytes)>) {
        let expected: BTreeSet<(LeaseId, Bytes)> = expected.collect();
        let attached = |(id, granted): (&LeaseId, &Granted)| {
            let id = *id;
            granted.keys.iter().map(move |key| (id, key.clone())).collect::<Vec<_>>()
        };
        let held: BTreeSet<(LeaseId, Bytes)> = self.granted.iter().flat_map(attached).collect();
        assert!(held == expected, "a lease holds exactly the keys whose newest version names it");
        let expiries = self.granted.iter().map(|(id, granted)| (granted.expiry, *id));
        assert!(expiries.collect::<BTreeSet<_>>() == self.expiries, "every lease has one expiry");
    }
}

fn expiry(now: Mono, ttl_seconds: i64) -> Mono {
    now.plus_millis(u64::try_from(ttl_seconds).unwrap_or(0).saturating_mul(1000))
}

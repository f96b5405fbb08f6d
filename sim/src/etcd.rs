//! A fake etcd: the core's MVCC machine answering operations and delivering changes to followers.
//!
//! Modelled: the KV, Watch, Lease and Compact services as one healthy member shows them: revisions,
//! transactions and their refusals, reads in the past, compaction, leases that run out by given time,
//! watches from the past and the future that are cancelled when their history is compacted, progress
//! reports on request. A batch of changes claims no more than its own last revision, as a watch
//! response of etcd proves no more.
//!
//! Not modelled: members and elections, lost or late replies, broken or lagging watches, quotas and
//! alarms, authentication, defragmentation, watch fragments. Nothing ends in `Stored::Unknown`, and
//! what is performed is at once durable and visible.

use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use steersman_core::mvcc::{Mvcc, Notice, WatchId, WatchRequest, Watchers, prefix_end};
use steersman_core::now::Mono;
use steersman_core::store::{Batch, Feed, Op, Rev, StoreError, Stored, Why};

/// One of the servers over the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Server(pub u32);

/// What a server gets from a feed that it follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    Changed(Batch),
    /// The feed broke off and is no longer followed.
    Lost(Feed, Why),
}

/// One store. A feed's name only labels what is delivered: stores of several feeds are several fakes.
#[derive(Debug, Default)]
pub struct FakeEtcd {
    mvcc: Mvcc,
    watchers: Watchers,
    followers: BTreeMap<WatchId, (Server, Feed)>,
    progress_wanted: BTreeSet<WatchId>,
    undelivered: Vec<(Server, Delivery)>,
}

impl FakeEtcd {
    /// Empty, at revision 1.
    pub fn new() -> Self {
        Self::default()
    }

    /// The machine inside, for checkers: what etcd really holds.
    pub fn mvcc(&self) -> &Mvcc {
        &self.mvcc
    }

    /// Performs an operation, after revoking the leases that have run out by now.
    pub fn perform(&mut self, now: Mono, op: &Op) -> Stored {
        self.expire(now);
        let outcome = match op {
            Op::Range(range) => self.mvcc.range(range).map(Stored::Ranged),
            Op::Txn(txn) => self.mvcc.txn(txn).map(|(reply, _)| Stored::Txn(reply)),
            Op::Compact(revision) => self.mvcc.compact(*revision).map(|()| Stored::Compacted),
            Op::LeaseGrant { ttl_seconds } => self
                .mvcc
                .lease_grant(now, *ttl_seconds, None)
                .map(|lease| Stored::Leased { id: lease.id, ttl_seconds: lease.ttl_seconds }),
            Op::LeaseRevoke(id) => self.mvcc.lease_revoke(*id).map(|_| Stored::Revoked),
        };
        outcome.unwrap_or_else(Stored::Failed)
    }

    /// Revokes the leases that have run out.
    pub fn expire(&mut self, now: Mono) {
        while !self.mvcc.expire(now).is_empty() {}
    }

    /// When [`FakeEtcd::expire`] has something to do.
    pub fn next_expiry(&self) -> Option<Mono> {
        self.mvcc.next_expiry()
    }

    /// Delivers all changes of the keys under the prefix after the revision. A server follows a feed
    /// once; following it again replaces what was.
    pub fn follow(&mut self, server: Server, feed: Feed, prefix: &Bytes, after: Rev) {
        self.unfollow(server, feed);
        let request = WatchRequest {
            key: prefix.clone(),
            end: Some(prefix_end(prefix)),
            start_revision: Rev(after.0.saturating_add(1)),
            progress_notify: false,
            previous: true,
        };
        match self.watchers.create(self.mvcc.revision(), request) {
            Ok(watch) => {
                self.followers.insert(watch, (server, feed));
            }
            Err(error) => self.undelivered.push((server, Delivery::Lost(feed, refused(&error)))),
        }
    }

    /// Stops delivering, as when the server ends or its connection breaks.
    pub fn unfollow(&mut self, server: Server, feed: Feed) {
        for (watch, _) in self.followers.extract_if(.., |_, follower| *follower == (server, feed)) {
            self.watchers.cancel(watch);
        }
    }

    /// Makes the next [`FakeEtcd::drain`] report to which revision the feed is complete, also when
    /// nothing has changed.
    pub fn request_progress(&mut self, server: Server, feed: Feed) {
        let asking = self.followers.iter().filter(|(_, follower)| **follower == (server, feed));
        self.progress_wanted.extend(asking.map(|(watch, _)| *watch));
    }

    /// Everything there is to deliver: for each server and feed batches in order of revision, then a
    /// progress report where one was asked for.
    pub fn drain(&mut self) -> Vec<(Server, Delivery)> {
        let mut deliveries = std::mem::take(&mut self.undelivered);
        loop {
            let notices = self.watchers.poll(&self.mvcc, self.mvcc.revision());
            if notices.is_empty() {
                break;
            }
            deliveries.extend(notices.into_iter().filter_map(|notice| self.delivery(notice)));
        }
        for watch in std::mem::take(&mut self.progress_wanted) {
            if let (Some((server, feed)), Some(revision)) =
                (self.followers.get(&watch), self.watchers.delivered(watch))
            {
                let revision = revision.min(self.mvcc.revision());
                let report = Batch { feed: *feed, events: Vec::new(), revision };
                deliveries.push((*server, Delivery::Changed(report)));
            }
        }
        deliveries
    }

    fn delivery(&mut self, notice: Notice) -> Option<(Server, Delivery)> {
        match notice {
            Notice::Events { watch, events, .. } => {
                let (server, feed) = *self.followers.get(&watch)?;
                let revision = events.last()?.kv.mod_revision;
                Some((server, Delivery::Changed(Batch { feed, events, revision })))
            }
            Notice::Compacted { watch, compact_revision } => {
                let (server, feed) = self.followers.remove(&watch)?;
                Some((server, Delivery::Lost(feed, Why::Compacted { compact_revision })))
            }
        }
    }
}

fn refused(error: &StoreError) -> Why {
    Why::Disconnected(format!("the watch was refused: {error:?}").into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use steersman_core::store::{LeaseId, Put, Txn, TxnOp};

    const SERVER: Server = Server(0);
    const FEED: Feed = Feed(0);

    fn put(etcd: &mut FakeEtcd, now: Mono, key: &'static str, lease: LeaseId) -> Stored {
        let put = Put { key: Bytes::from_static(key.as_bytes()), value: Bytes::from_static(b"v"), lease };
        etcd.perform(now, &Op::Txn(Txn { then: vec![TxnOp::Put(put)], ..Txn::default() }))
    }

    /// Revisions of the changes, and of the batches that brought them.
    fn drained(etcd: &mut FakeEtcd) -> Vec<(Vec<u64>, u64)> {
        let summary = |(_, delivery)| match delivery {
            Delivery::Changed(batch) => {
                (batch.events.iter().map(|event| event.kv.mod_revision.0).collect(), batch.revision.0)
            }
            Delivery::Lost(_, why) => panic!("lost: {why:?}"),
        };
        etcd.drain().into_iter().map(summary).collect()
    }

    #[test]
    fn followers_get_what_is_under_their_prefix() {
        let mut etcd = FakeEtcd::new();
        let now = Mono(0);
        put(&mut etcd, now, "/registry/pods/a/b", LeaseId(0));
        etcd.follow(SERVER, FEED, &Bytes::from_static(b"/registry/"), Rev(1));
        put(&mut etcd, now, "/other/x", LeaseId(0));
        assert_eq!(drained(&mut etcd), [(vec![2], 2)]);
        etcd.request_progress(SERVER, FEED);
        assert_eq!(drained(&mut etcd), [(vec![], 3)]);
        assert_eq!(drained(&mut etcd), []);
        etcd.unfollow(SERVER, FEED);
        put(&mut etcd, now, "/registry/pods/a/c", LeaseId(0));
        assert_eq!(drained(&mut etcd), []);
    }

    #[test]
    fn compacted_history_loses_the_feed() {
        let mut etcd = FakeEtcd::new();
        let now = Mono(0);
        for key in ["/registry/a", "/registry/b", "/registry/c"] {
            put(&mut etcd, now, key, LeaseId(0));
        }
        assert_eq!(etcd.perform(now, &Op::Compact(Rev(3))), Stored::Compacted);
        etcd.follow(SERVER, FEED, &Bytes::from_static(b"/registry/"), Rev(1));
        let why = Why::Compacted { compact_revision: Rev(3) };
        assert_eq!(etcd.drain(), [(SERVER, Delivery::Lost(FEED, why))]);
        etcd.follow(SERVER, FEED, &Bytes::from_static(b"/registry/"), Rev(2));
        assert_eq!(drained(&mut etcd), [(vec![3, 4], 4)]);
    }

    #[test]
    fn leases_end_with_time() {
        let mut etcd = FakeEtcd::new();
        let Stored::Leased { id, ttl_seconds: 10 } =
            etcd.perform(Mono(0), &Op::LeaseGrant { ttl_seconds: 10 })
        else {
            panic!("a lease is granted");
        };
        put(&mut etcd, Mono(0), "/registry/events/a", id);
        etcd.follow(SERVER, FEED, &Bytes::from_static(b"/registry/"), Rev(2));
        etcd.expire(Mono(9_999_999));
        assert_eq!(drained(&mut etcd), []);
        assert_eq!(etcd.next_expiry(), Some(Mono(10_000_000)));
        etcd.expire(Mono(10_000_000));
        assert_eq!(drained(&mut etcd), [(vec![3], 3)]);
        assert_eq!(etcd.perform(Mono(0), &Op::LeaseRevoke(id)), Stored::Failed(StoreError::LeaseNotFound));
    }
}

//! One healthy member: what is performed is at once committed, applied and there to be delivered, and
//! leases end when their time is up.

use super::{Delivery, EtcdCluster, MemberId, ServerId};
use bytes::Bytes;
use steersman_core::mvcc::Mvcc;
use steersman_core::now::Mono;
use steersman_core::store::{Feed, Op, Rev, Stored};

const MEMBER: MemberId = MemberId(0);

/// One store. A feed's name only labels what is delivered: stores of several feeds are several fakes.
#[derive(Debug)]
pub struct FakeEtcd {
    cluster: EtcdCluster,
}

impl Default for FakeEtcd {
    fn default() -> Self {
        Self::new()
    }
}

impl FakeEtcd {
    /// Empty, at revision 1.
    pub fn new() -> Self {
        Self { cluster: EtcdCluster::new(1) }
    }

    /// The machine inside, for checkers: what etcd really holds.
    pub fn mvcc(&self) -> &Mvcc {
        self.cluster.mvcc()
    }

    /// Performs an operation, after revoking the leases that have run out by now.
    pub fn perform(&mut self, now: Mono, op: &Op) -> Stored {
        self.cluster.expire(now);
        self.cluster.perform(now, MEMBER, op)
    }

    /// Revokes the leases that have run out.
    pub fn expire(&mut self, now: Mono) {
        self.cluster.expire(now);
    }

    /// When [`FakeEtcd::expire`] has something to do.
    pub fn next_expiry(&self) -> Option<Mono> {
        self.cluster.next_expiry()
    }

    /// Delivers all changes of the keys under the prefix after the revision. A server follows a feed
    /// once; following it again replaces what was.
    pub fn follow(&mut self, server: ServerId, feed: Feed, prefix: &Bytes, after: Rev) {
        self.cluster.follow(server, feed, MEMBER, prefix, after);
    }

    /// Stops delivering, as when the server ends or its connection breaks.
    pub fn unfollow(&mut self, server: ServerId, feed: Feed) {
        self.cluster.unfollow(server, feed);
    }

    /// Makes the next [`FakeEtcd::drain`] report to which revision the feed is complete, also when
    /// nothing has changed.
    pub fn request_progress(&mut self, server: ServerId, feed: Feed) {
        self.cluster.request_progress(server, feed);
    }

    /// Everything there is to deliver: for each server and feed batches in order of revision, then a
    /// progress report where one was asked for.
    pub fn drain(&mut self) -> Vec<(ServerId, Delivery)> {
        self.cluster.drain()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use steersman_core::store::{LeaseId, Put, StoreError, Txn, TxnOp, Why};

    const SERVER: ServerId = ServerId(0);
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

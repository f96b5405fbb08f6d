//! Dialogues with a cluster: one behaviour each.

use super::{Delivery, EtcdCluster, MemberId, ServerId};
use bytes::Bytes;
use steersman_core::now::Mono;
use steersman_core::store::{
    EventType, Feed, LeaseId, Op, Put, Range, Rev, StoreError, Stored, Txn, TxnOp, Why,
};

const SERVER: ServerId = ServerId(7);
const FEED: Feed = Feed(0);
const ONE: MemberId = MemberId(0);
const TWO: MemberId = MemberId(1);
const THREE: MemberId = MemberId(2);
const NOW: Mono = Mono(0);

fn put(key: &'static str, bytes: usize, lease: LeaseId) -> TxnOp {
    let key = Bytes::from_static(key.as_bytes());
    TxnOp::Put(Put { key, value: Bytes::from(vec![b'v'; bytes]), lease })
}

fn delete(key: &'static str) -> TxnOp {
    TxnOp::Delete { key: Bytes::from_static(key.as_bytes()), end: None }
}

fn txn(then: Vec<TxnOp>) -> Op {
    Op::Txn(Txn { then, ..Txn::default() })
}

fn read(key: &'static str) -> Op {
    Op::Range(Range { key: Bytes::from_static(key.as_bytes()), ..Range::default() })
}

fn unavailable(why: &str) -> Stored {
    Stored::Failed(StoreError::Unavailable(why.into()))
}

/// A committed write through the first member.
fn write(cluster: &mut EtcdCluster, op: TxnOp) {
    let stored = cluster.perform(NOW, ONE, &txn(vec![op]));
    assert!(matches!(stored, Stored::Txn(_)), "{stored:?}");
}

fn write_keys(cluster: &mut EtcdCluster, keys: &[&'static str]) {
    keys.iter().for_each(|key| write(cluster, put(key, 1, LeaseId(0))));
}

fn follow(cluster: &mut EtcdCluster, member: MemberId, after: u64) {
    cluster.follow(SERVER, FEED, member, &Bytes::from_static(b"/"), Rev(after));
}

/// A delivery in a word: the revisions of its events and what it claims, or why the feed was lost.
fn said(delivery: Delivery) -> String {
    match delivery {
        Delivery::Changed(batch) => {
            let revisions: Vec<u64> = batch.events.iter().map(|event| event.kv.mod_revision.0).collect();
            format!("{revisions:?} up to {}", batch.revision.0)
        }
        Delivery::Lost(_, Why::Compacted { compact_revision }) => format!("compacted {}", compact_revision.0),
        Delivery::Lost(_, Why::Disconnected(why)) => format!("lost: {}", why.as_str()),
    }
}

fn drained(cluster: &mut EtcdCluster) -> Vec<String> {
    cluster.check();
    let deliveries = cluster.drain();
    cluster.check();
    deliveries.into_iter().map(|(_, delivery)| said(delivery)).collect()
}

fn delivered(cluster: &mut EtcdCluster, at_most: usize) -> Option<String> {
    cluster.deliver(SERVER, FEED, at_most).map(said)
}

#[test]
fn a_member_delivers_what_it_has_applied() {
    let mut cluster = EtcdCluster::new(3);
    follow(&mut cluster, TWO, 1);
    cluster.begin_lag(TWO);
    write_keys(&mut cluster, &["/a", "/b", "/c"]);
    cluster.request_progress(SERVER, FEED);
    assert_eq!((cluster.revision(), cluster.applied(TWO)), (Rev(4), Rev(1)));
    assert_eq!(drained(&mut cluster), [""; 0]);
    cluster.apply(TWO, Rev(3));
    assert_eq!(drained(&mut cluster), ["[2, 3] up to 3", "[] up to 3"]);
    let stored = cluster.perform(NOW, TWO, &read("/c"));
    assert!(matches!(stored, Stored::Ranged(ranged) if ranged.count == 1 && ranged.revision == Rev(4)));
    cluster.catch_up(TWO);
    assert_eq!(drained(&mut cluster), ["[4] up to 4"]);
    write_keys(&mut cluster, &["/d"]);
    assert_eq!(drained(&mut cluster), ["[5] up to 5"]);
}

#[test]
fn without_a_leader_nothing_is_written_and_leases_do_not_expire() {
    let mut cluster = EtcdCluster::new(3);
    let Stored::Leased { id, .. } = cluster.perform(NOW, ONE, &Op::LeaseGrant { ttl_seconds: 10 }) else {
        panic!("a lease is granted");
    };
    write(&mut cluster, put("/a", 1, id));
    cluster.elect();
    assert!(!cluster.has_leader());
    for op in [txn(vec![delete("/a")]), read("/a"), Op::Compact(Rev(2)), Op::LeaseRevoke(id)] {
        assert_eq!(cluster.perform(NOW, TWO, &op), unavailable("etcdserver: no leader"));
    }
    follow(&mut cluster, TWO, 1);
    assert_eq!(drained(&mut cluster), ["lost: etcdserver: no leader"]);
    cluster.expire(Mono(20_000_000));
    assert_eq!((cluster.revision(), cluster.next_expiry()), (Rev(2), None));
    assert!(cluster.elected(Mono(20_000_000), TWO));
    assert_eq!(cluster.next_expiry(), Some(Mono(30_000_000)), "the new leader gives the full time");
    cluster.expire(Mono(29_999_999));
    assert_eq!(cluster.revision(), Rev(2));
    cluster.expire(Mono(30_000_000));
    assert_eq!(cluster.revision(), Rev(3));
}

#[test]
fn a_stopped_members_watches_break_and_it_catches_up_later() {
    let mut cluster = EtcdCluster::new(3);
    follow(&mut cluster, TWO, 1);
    write_keys(&mut cluster, &["/a"]);
    cluster.stop(TWO);
    assert_eq!(drained(&mut cluster), ["lost: connection reset by peer"]);
    assert!(!cluster.is_up(TWO) && cluster.has_leader());
    assert_eq!(cluster.perform(NOW, TWO, &read("/a")), unavailable("connection refused"));
    follow(&mut cluster, TWO, 1);
    assert_eq!(drained(&mut cluster), ["lost: connection refused"]);
    write_keys(&mut cluster, &["/b"]);
    cluster.start(TWO);
    assert_eq!(cluster.applied(TWO), Rev(2), "it is where it was");
    follow(&mut cluster, TWO, 1);
    assert_eq!(drained(&mut cluster), ["[2] up to 2"]);
    cluster.catch_up(TWO);
    assert_eq!(drained(&mut cluster), ["[3] up to 3"]);
}

#[test]
fn following_again_delivers_nothing_of_the_earlier_feed() {
    let mut cluster = EtcdCluster::new(3);
    follow(&mut cluster, TWO, 1);
    cluster.stop(TWO);
    follow(&mut cluster, THREE, 1);
    assert_eq!(cluster.followed(SERVER, FEED), Some(THREE));
    assert_eq!(drained(&mut cluster), [""; 0]);
}

#[test]
fn a_leader_needs_a_majority_and_must_run() {
    let mut cluster = EtcdCluster::new(3);
    cluster.stop(ONE);
    assert!(!cluster.has_leader(), "the leader is gone");
    assert!(!cluster.elected(NOW, ONE), "the stopped cannot lead");
    assert!(cluster.elected(NOW, TWO) && cluster.has_leader());
    cluster.pause(THREE);
    assert!(!cluster.has_leader() && !cluster.elected(NOW, TWO), "one of three is no majority");
    cluster.resume(THREE);
    assert!(cluster.has_leader() && cluster.leader() == Some(TWO));
    cluster.check();
}

#[test]
fn a_paused_member_is_silent_until_it_goes_on() {
    let mut cluster = EtcdCluster::new(3);
    follow(&mut cluster, TWO, 1);
    write_keys(&mut cluster, &["/a"]);
    cluster.pause(TWO);
    write_keys(&mut cluster, &["/b"]);
    assert!(cluster.is_paused(TWO) && cluster.is_up(TWO));
    assert_eq!(drained(&mut cluster), [""; 0]);
    assert_eq!(delivered(&mut cluster, 10), None);
    let stored = cluster.perform(NOW, TWO, &txn(vec![delete("/a")]));
    assert!(matches!(stored, Stored::Unknown(_)), "its sender cannot know");
    assert_eq!(cluster.revision(), Rev(3), "though it had no effect");
    cluster.resume(TWO);
    assert_eq!(drained(&mut cluster), ["[2] up to 2"]);
    cluster.catch_up(TWO);
    assert_eq!(drained(&mut cluster), ["[3] up to 3"]);
}

#[test]
fn small_batches_hold_whole_revisions() {
    let mut cluster = EtcdCluster::new(1);
    follow(&mut cluster, ONE, 1);
    cluster.hold(SERVER, FEED);
    write_keys(&mut cluster, &["/a"]);
    cluster.perform(NOW, ONE, &txn(vec![put("/a", 1, LeaseId(0)), put("/b", 1, LeaseId(0))]));
    write_keys(&mut cluster, &["/c", "/d"]);
    assert_eq!(drained(&mut cluster), [""; 0], "it is held");
    assert_eq!(delivered(&mut cluster, 2).as_deref(), Some("[2, 3, 3] up to 3"));
    assert_eq!(delivered(&mut cluster, 1).as_deref(), Some("[4] up to 4"));
    cluster.release(SERVER, FEED);
    assert_eq!(drained(&mut cluster), ["[5] up to 5"], "what is left goes on");
}

#[test]
fn progress_claims_only_what_was_delivered() {
    let mut cluster = EtcdCluster::new(1);
    follow(&mut cluster, ONE, 2);
    cluster.request_progress(SERVER, FEED);
    assert_eq!(drained(&mut cluster), [""; 0], "nothing before the watch begins");
    cluster.hold(SERVER, FEED);
    write_keys(&mut cluster, &["/a", "/b", "/c"]);
    assert_eq!(delivered(&mut cluster, 1).as_deref(), Some("[3] up to 3"));
    assert_eq!(delivered(&mut cluster, 1).as_deref(), Some("[4] up to 4"), "events come first");
    assert_eq!(delivered(&mut cluster, 1).as_deref(), Some("[] up to 4"));
    cluster.request_progress(SERVER, FEED);
    cluster.forget_progress(SERVER, FEED);
    assert_eq!(delivered(&mut cluster, 1), None);
}

#[test]
fn cancelling_concerns_one_feed() {
    let mut cluster = EtcdCluster::new(1);
    follow(&mut cluster, ONE, 1);
    cluster.follow(ServerId(8), FEED, ONE, &Bytes::from_static(b"/"), Rev(1));
    write_keys(&mut cluster, &["/a"]);
    cluster.cancel(SERVER, FEED);
    cluster.cancel(SERVER, FEED);
    assert_eq!(drained(&mut cluster), ["lost: etcdserver: watch canceled", "[2] up to 2"]);
}

#[test]
fn a_watch_is_cancelled_when_compaction_took_what_it_needs() {
    let mut cluster = EtcdCluster::new(1);
    for (server, after) in [(0, 1), (1, 2), (2, 3)] {
        cluster.follow(ServerId(server), FEED, ONE, &Bytes::from_static(b"/"), Rev(after));
    }
    write_keys(&mut cluster, &["/a", "/b", "/c"]);
    assert_eq!(cluster.perform(NOW, ONE, &Op::Compact(Rev(3))), Stored::Compacted);
    assert_eq!(drained(&mut cluster), ["compacted 3", "[3, 4] up to 4", "[4] up to 4"]);
    assert_eq!(cluster.followed(ServerId(0), FEED), None);
}

#[test]
fn a_slow_watch_gets_a_deletion_without_what_was_before() {
    let mut cluster = EtcdCluster::new(1);
    write_keys(&mut cluster, &["/a", "/b"]);
    follow(&mut cluster, ONE, 3);
    write(&mut cluster, delete("/a"));
    write(&mut cluster, delete("/b"));
    assert_eq!(cluster.perform(NOW, ONE, &Op::Compact(Rev(4))), Stored::Compacted);
    let deliveries = cluster.drain();
    let [(_, Delivery::Changed(batch))] = &deliveries[..] else { panic!("one batch: {deliveries:?}") };
    assert!(batch.events.iter().all(|event| event.kind == EventType::Delete));
    let known: Vec<bool> = batch.events.iter().map(|event| event.previous.is_some()).collect();
    assert_eq!(known, [false, true], "only of the compacted revision itself it is gone");
}

#[test]
fn refusals_have_no_effect() {
    let mut cluster = EtcdCluster::new(3);
    write_keys(&mut cluster, &["/a"]);
    let writes = |bytes| txn(vec![put("/b", bytes, LeaseId(0))]);
    let failed = Stored::Failed;
    cluster.set_request_bytes_max(100);
    assert_eq!(cluster.perform(NOW, ONE, &writes(99)), failed(StoreError::TooLarge));
    cluster.set_no_space(true);
    assert_eq!(cluster.perform(NOW, ONE, &writes(1)), failed(StoreError::NoSpace));
    let grant = Op::LeaseGrant { ttl_seconds: 5 };
    assert_eq!(cluster.perform(NOW, ONE, &grant), failed(StoreError::NoSpace));
    assert_eq!(cluster.revision(), Rev(2));
    assert!(matches!(cluster.perform(NOW, ONE, &read("/a")), Stored::Ranged(_)));
    assert!(matches!(cluster.perform(NOW, ONE, &txn(vec![delete("/a")])), Stored::Txn(_)));
    assert_eq!(cluster.perform(NOW, ONE, &Op::Compact(Rev(3))), Stored::Compacted);
    cluster.set_no_space(false);
    cluster.set_too_many_requests(true);
    assert_eq!(cluster.perform(NOW, ONE, &writes(1)), failed(StoreError::TooManyRequests));
    assert!(matches!(cluster.perform(NOW, ONE, &read("/a")), Stored::Ranged(_)));
    cluster.set_too_many_requests(false);
    assert!(matches!(cluster.perform(NOW, ONE, &writes(98)), Stored::Txn(_)));
    assert_eq!(cluster.revision(), Rev(4));
}

#[test]
fn a_witness_gets_every_change_at_once() {
    let mut cluster = EtcdCluster::new(3);
    write_keys(&mut cluster, &["/before"]);
    cluster.keep_changes();
    cluster.members().for_each(|member| cluster.begin_lag(member));
    let Stored::Leased { id, .. } = cluster.perform(NOW, TWO, &Op::LeaseGrant { ttl_seconds: 10 }) else {
        panic!("a lease is granted");
    };
    write(&mut cluster, put("/a", 1, id));
    write(&mut cluster, put("/a", 2, id));
    cluster.expire(Mono(10_000_000));
    cluster.perform(NOW, ONE, &Op::Compact(Rev(5)));
    let changes = cluster.take_changes();
    let revisions: Vec<u64> = changes.iter().map(|event| event.kv.mod_revision.0).collect();
    assert_eq!(revisions, [3, 4, 5]);
    let before = |index: usize| changes[index].previous.as_ref().map(|kv| kv.value.len());
    assert_eq!((before(0), before(1), before(2)), (None, Some(1), Some(2)));
    assert_eq!(cluster.take_changes(), []);
}

#[cfg(feature = "museum")]
mod museum {
    use super::*;
    use crate::etcd::{EtcdFlaw, Flawed};

    fn flawed(flaw: EtcdFlaw) -> EtcdCluster {
        let mut cluster = EtcdCluster::new(3);
        cluster.set_flawed(Flawed::with(flaw));
        cluster
    }

    #[test]
    fn progress_runs_ahead() {
        let mut cluster = flawed(EtcdFlaw::ProgressAhead);
        follow(&mut cluster, ONE, 1);
        write_keys(&mut cluster, &["/a", "/b"]);
        cluster.request_progress(SERVER, FEED);
        assert_eq!(drained(&mut cluster), ["[] up to 3", "[2, 3] up to 3"]);
    }

    #[test]
    fn a_starving_watch_skips_events() {
        let mut cluster = flawed(EtcdFlaw::LostUnderStarvation);
        follow(&mut cluster, ONE, 1);
        cluster.hold(SERVER, FEED);
        write_keys(&mut cluster, &["/a", "/b", "/c"]);
        assert_eq!(delivered(&mut cluster, 1).as_deref(), Some("[2] up to 2"));
        write_keys(&mut cluster, &["/d"]);
        assert_eq!(cluster.perform(NOW, ONE, &Op::Compact(Rev(5))), Stored::Compacted);
        assert_eq!(delivered(&mut cluster, 9).as_deref(), Some("[5] up to 5"));
        cluster.check();
    }

    #[test]
    fn a_compacted_deletion_is_dropped() {
        let mut cluster = flawed(EtcdFlaw::DeleteDroppedAtCompaction);
        write_keys(&mut cluster, &["/a"]);
        write(&mut cluster, delete("/a"));
        write_keys(&mut cluster, &["/b"]);
        assert_eq!(cluster.perform(NOW, ONE, &Op::Compact(Rev(3))), Stored::Compacted);
        follow(&mut cluster, ONE, 2);
        assert_eq!(drained(&mut cluster), ["[4] up to 4"]);
    }

    #[test]
    fn a_read_after_a_pause_is_stale() {
        let mut cluster = flawed(EtcdFlaw::StaleReadOfPausedMember);
        cluster.pause(TWO);
        write_keys(&mut cluster, &["/a"]);
        cluster.resume(TWO);
        let stored = cluster.perform(NOW, TWO, &read("/a"));
        assert!(matches!(stored, Stored::Ranged(ranged) if ranged.count == 0 && ranged.revision == Rev(1)));
    }

    #[test]
    fn every_flaw_has_its_name() {
        let names: std::collections::BTreeSet<&str> = EtcdFlaw::ALL.iter().map(|flaw| flaw.name()).collect();
        assert_eq!(names.len(), EtcdFlaw::ALL.len());
        assert!(EtcdFlaw::ALL.iter().all(|flaw| flaw.issue().starts_with("etcd#")));
        assert!(EtcdFlaw::ALL.iter().all(|flaw| flaw.sentence().ends_with('.')));
    }
}

//! Feeds over a real etcd: nothing lost and nothing repeated, whatever happens to etcd meanwhile.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use steersman_core::store::{Event, EventType, Feed, Op, Rev, StoreError, Stored, TxnOp, Why};
use steersman_io::store::Store;
use steersman_io::store::etcd::{EtcdConfig, EtcdStore};

use crate::etcd_server::{Etcd, Heard, PATIENCE, bytes, committed, put, under, write};

const MAIN: Feed = Feed(0);

fn follow(store: &EtcdStore, prefix: &str, after: Rev) -> Heard {
    let heard = Heard::after(after);
    store.follow(MAIN, bytes(prefix), after, heard.sink());
    heard
}

/// Writes two keys at a time until told to stop, and gives the revisions that were acknowledged.
async fn write_for_a_while(store: Arc<EtcdStore>, stop: Arc<AtomicBool>) -> Vec<Rev> {
    let mut acknowledged = Vec::new();
    for counter in 0_u64.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let one = format!("/a/{}", counter % 7);
        let other = format!("/a/x{}", counter % 5);
        let value = Bytes::from(format!("{counter}"));
        let second = match counter % 3 {
            0 => TxnOp::Delete { key: bytes(&other), end: None },
            _ => put(&other, value.clone()),
        };
        match store.perform(write(vec![put(&one, value), second])).await {
            Stored::Txn(reply) => acknowledged.push(reply.revision),
            Stored::Unknown(_) | Stored::Failed(StoreError::Unavailable(_)) => {}
            other => panic!("{other:?}"),
        }
    }
    acknowledged
}

/// The state that the events lead to.
fn replay(events: &[Event]) -> BTreeMap<Bytes, (Bytes, Rev)> {
    let mut state = BTreeMap::new();
    for event in events {
        let before = event.previous.as_ref().map(|kv| (kv.value.clone(), kv.mod_revision));
        assert_eq!(state.get(&event.kv.key), before.as_ref(), "an event of {:?} is missing", event.kv.key);
        match event.kind {
            EventType::Put => {
                state.insert(event.kv.key.clone(), (event.kv.value.clone(), event.kv.mod_revision))
            }
            EventType::Delete => state.remove(&event.kv.key),
        };
    }
    state
}

/// Everything that was acknowledged was told, once and in order, and leads to what is there.
async fn check(store: &EtcdStore, heard: &Heard, acknowledged: &[Rev]) {
    let Stored::Ranged(last) = store.perform(Op::Range(under("/a/"))).await else { panic!("a read") };
    let heard = heard.until(store, MAIN, last.revision).await;
    assert_eq!(heard.lost, None);
    let mut told: Vec<Rev> = heard.events.iter().map(|event| event.kv.mod_revision).collect();
    told.dedup();
    assert!(acknowledged.iter().all(|revision| told.binary_search(revision).is_ok()), "an event is lost");
    assert!(acknowledged.len() > 50, "the writer did write");
    let found: BTreeMap<_, _> =
        last.kvs.into_iter().map(|kv| (kv.key, (kv.value, kv.mod_revision))).collect();
    assert_eq!(replay(&heard.events), found);
    eprintln!("{} writes acknowledged, {} revisions told", acknowledged.len(), told.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_of_etcd_no_event_is_lost_or_repeated() {
    let Some(mut etcd) = Etcd::start(&[]) else { return };
    let store = Arc::new(etcd.connect().await);
    let heard = follow(&store, "/a/", Rev(1));
    let stop = Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn(write_for_a_while(Arc::clone(&store), Arc::clone(&stop)));
    for pause_millis in [300, 0, 700] {
        tokio::time::sleep(Duration::from_millis(400)).await;
        etcd.kill();
        tokio::time::sleep(Duration::from_millis(pause_millis)).await;
        etcd.start_again();
    }
    tokio::time::sleep(Duration::from_millis(400)).await;
    stop.store(true, Ordering::Relaxed);
    check(&store, &heard, &writer.await.expect("the writer ends")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopped_and_paused_members_are_replaced() {
    let Some(mut members) = Etcd::start_cluster(3) else { return };
    let endpoints = members.iter().map(Etcd::endpoint).collect();
    let short = Duration::from_secs(2);
    let config = EtcdConfig { write_timeout: short, read_timeout: short, ..EtcdConfig::new(endpoints) };
    let store = Arc::new(EtcdStore::connect(&config).await.expect("etcd answers"));
    let heard = follow(&store, "/a/", Rev(1));
    let stop = Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn(write_for_a_while(Arc::clone(&store), Arc::clone(&stop)));
    for member in &mut members {
        tokio::time::sleep(Duration::from_millis(400)).await;
        member.kill();
        tokio::time::sleep(Duration::from_millis(1500)).await;
        member.start_again();
    }
    // Without the others one member has no leader, and with them again there is one.
    members[1..].iter().for_each(|member| member.signal("STOP"));
    tokio::time::sleep(Duration::from_secs(3)).await;
    members[1..].iter().for_each(|member| member.signal("CONT"));
    tokio::time::sleep(Duration::from_secs(2)).await;
    stop.store(true, Ordering::Relaxed);
    check(&store, &heard, &writer.await.expect("the writer ends")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_reads_do_not_wait_for_a_paused_member() {
    let Some(members) = Etcd::start_cluster(3) else { return };
    let endpoints = members.iter().map(Etcd::endpoint).collect();
    let store = EtcdStore::connect(&EtcdConfig::new(endpoints)).await.expect("etcd answers");
    let heard = follow(&store, "/a/", Rev(1));
    heard.until(&store, MAIN, committed(&store, write(vec![put("/a/k", "1")])).await.revision).await;
    members[0].signal("STOP");
    let begin = Instant::now();
    // Perhaps the leader was stopped.
    let other = EtcdConfig::new(members[1..].iter().map(Etcd::endpoint).collect());
    let other = EtcdStore::connect(&other).await.expect("the others answer");
    let revision = loop {
        if let Stored::Txn(reply) = other.perform(write(vec![put("/a/k", "2")])).await {
            break reply.revision;
        }
        assert!(begin.elapsed() < PATIENCE, "no leader");
    };
    let waits = Instant::now();
    let told = heard.until(&store, MAIN, revision).await;
    assert_eq!(told.events.last().map(|event| event.kv.mod_revision), Some(revision));
    eprintln!("told after {:?}", waits.elapsed());
    members[0].signal("CONT");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_compacted_cannot_be_followed() {
    let Some(etcd) = Etcd::start(&[]) else { return };
    let store = etcd.connect().await;
    for value in ["1", "2", "3"] {
        committed(&store, write(vec![put("/a/k", value)])).await;
    }
    assert_eq!(store.perform(Op::Compact(Rev(4))).await, Stored::Compacted);
    let heard = follow(&store, "/a/", Rev(1)).until(&store, MAIN, Rev(4)).await;
    assert_eq!(heard.lost, Some(Why::Compacted { compact_revision: Rev(4) }));
    let heard = follow(&store, "/a/", Rev(3)).until(&store, MAIN, Rev(4)).await;
    assert_eq!((heard.lost, heard.events.len()), (None, 1), "the compacted revision itself is there");
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_is_reported_when_nothing_changes() {
    let Some(etcd) = Etcd::start(&[]) else { return };
    for doubts_progress in [false, true] {
        let config = EtcdConfig { doubts_progress, ..EtcdConfig::new(vec![etcd.endpoint()]) };
        let store = EtcdStore::connect(&config).await.expect("etcd answers");
        let before = committed(&store, write(vec![put("/a/k", "1")])).await.revision;
        let heard = follow(&store, "/a/", before);
        let elsewhere = committed(&store, write(vec![put("/b/k", "1")])).await.revision;
        let told = heard.until(&store, MAIN, elsewhere).await;
        assert_eq!((told.events.len(), told.revision), (0, elsewhere));
        let here =
            committed(&store, write(vec![TxnOp::Delete { key: bytes("/a/k"), end: None }])).await.revision;
        let told = heard.until(&store, MAIN, here).await;
        assert_eq!((told.events.len(), told.revision, told.lost), (1, here, None));
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_is_answered_after_its_event() {
    let Some(etcd) = Etcd::start(&[]) else { return };
    let store = etcd.connect().await;
    let heard = follow(&store, "/a/", Rev(1));
    heard.until(&store, MAIN, committed(&store, write(vec![put("/a/k", "0")])).await.revision).await;
    for value in 0..200 {
        let reply = committed(&store, write(vec![put("/a/k", value.to_string())])).await;
        assert_eq!(heard.now().revision, reply.revision);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn large_revisions_arrive_whole_and_a_new_sink_replaces_the_old() {
    let Some(etcd) = Etcd::start(&["--max-txn-ops=2000"]) else { return };
    let store = etcd.connect().await;
    let value = Bytes::from(vec![b'v'; 7000]);
    for part in 0..20 {
        let keys = (0..100).map(|key| put(&format!("/a/{part}/{key}"), value.clone()));
        committed(&store, write(keys.collect())).await;
    }
    let first = follow(&store, "/a/", Rev(1));
    let told = first.until(&store, MAIN, Rev(21)).await;
    assert_eq!((told.events.len(), told.revision), (2000, Rev(21)));
    let end = under("/a/").end;
    let deleted = committed(&store, write(vec![TxnOp::Delete { key: bytes("/a/"), end }])).await.revision;
    // 14 MB of previous values in one revision: etcd sends that in pieces.
    let told = first.until(&store, MAIN, deleted).await;
    assert_eq!(told.events.len(), 4000);
    assert!(
        told.events[2000..].iter().all(|event| event.previous.as_ref().is_some_and(|kv| kv.value == value))
    );

    let second = follow(&store, "/a/", deleted);
    let last = committed(&store, write(vec![put("/a/k", "1")])).await.revision;
    let heard = tokio::time::timeout(PATIENCE, second.until(&store, MAIN, last)).await.expect("in time");
    assert_eq!(heard.events.len(), 1);
    assert_eq!(first.now().revision, deleted, "the first sink hears nothing more");
}

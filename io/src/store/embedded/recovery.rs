//! Tests of restarts from intact and from damaged files.

use super::directory::DataDirectory;
use super::disk::RealDisk;
use super::log::{Dropped, Log};
use super::{Embedded, OpenError, Sizes};
use crate::store::{FeedInput, Store};
use bytes::Bytes;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use steersman_core::store::{
    Compare, Condition, Event, Feed, LeaseId, Op, Put, Range, Rev, StoreError, Stored, Txn, TxnOp, Why,
};

/// Sizes that never lead to a snapshot.
pub(super) const SMALL: Sizes =
    Sizes { snapshot_after_bytes: u64::MAX, segment_bytes: 1 << 20, reserve_bytes: 0 };

pub(super) fn open(path: &Path, sizes: Sizes) -> Embedded {
    Embedded::open(path, sizes).unwrap_or_else(|error| panic!("{error}"))
}

pub(super) fn put(key: &str, value: &str, lease: i64) -> Op {
    let (key, value) = (Bytes::from(key.to_owned()), Bytes::from(value.to_owned()));
    let then = vec![TxnOp::Put(Put { key, value, lease: LeaseId(lease) })];
    Op::Txn(Txn { then, ..Txn::default() })
}

pub(super) fn delete(key: &str) -> Op {
    let then = vec![TxnOp::Delete { key: Bytes::from(key.to_owned()), end: None }];
    Op::Txn(Txn { then, ..Txn::default() })
}

pub(super) async fn create(store: &Embedded, key: &str, value: &str) -> Rev {
    let Op::Txn(txn) = put(key, value, 0) else { unreachable!("a put is a transaction") };
    let absent =
        Compare { key: Bytes::from(key.to_owned()), condition: Condition::ModRevisionEquals(Rev(0)) };
    match store.perform(Op::Txn(Txn { compare: vec![absent], ..txn })).await {
        Stored::Txn(reply) if reply.succeeded => reply.revision,
        other => panic!("{other:?}"),
    }
}

/// All keys with their revisions, in the order of their last writes.
pub(super) fn state(store: &Embedded) -> Vec<(String, u64)> {
    let range =
        Range { key: Bytes::from_static(b"/"), end: Some(Bytes::from_static(b"0")), ..Range::default() };
    let Some(Stored::Ranged(ranged)) = store.answer_now(&Op::Range(range)) else { panic!("a read") };
    let pair = |kv: &steersman_core::store::KeyValue| {
        (String::from_utf8(kv.key.to_vec()).expect("test keys are text"), kv.mod_revision.0)
    };
    let mut pairs: Vec<_> = ranged.kvs.iter().map(pair).collect();
    pairs.sort_by_key(|(_, revision)| *revision);
    pairs
}

/// Writes a few batches, and returns the state and revision after each one.
async fn history(path: &Path) -> Vec<(u64, Vec<(String, u64)>)> {
    let store = open(path, SMALL);
    let mut states = vec![(1, Vec::new())];
    let ops = [
        put("/a", "one", 0),
        put("/b", &"x".repeat(90), 0),
        delete("/a"),
        put("/b", "2", 0),
        put("/c", "3", 0),
    ];
    for op in ops {
        assert!(matches!(store.perform(op).await, Stored::Txn(_)));
        states.push((store.revision().0, state(&store)));
    }
    store.close().await;
    states
}

fn only_segment(path: &Path) -> PathBuf {
    path.join("log-0000000000000001")
}

/// The bytes of the log without the zeros at its end.
fn log_bytes(path: &Path) -> Vec<u8> {
    let mut bytes = fs::read(only_segment(path)).expect("the log");
    let end = bytes.iter().rposition(|byte| *byte != 0).expect("not only zeros") + 1;
    bytes.truncate(end.next_multiple_of(8));
    bytes
}

fn reopened(bytes: &[u8]) -> Result<(u64, Vec<(String, u64)>), OpenError> {
    let place = tempfile::tempdir().expect("a temporary directory");
    fs::write(only_segment(place.path()), bytes).expect("written");
    let store = Embedded::open(place.path(), SMALL)?;
    Ok((store.revision().0, state(&store)))
}

/// Adds zeros, as a server leaves them.
fn with_zeros(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes.resize(bytes.len() + 1000, 0);
    bytes
}

/// The file in version 1 of the format.
fn of_version_1(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[8] = 1;
    let crc = crc32fast::hash(&bytes[..32]);
    bytes[32..36].copy_from_slice(&crc.to_le_bytes());
    bytes
}

#[tokio::test]
async fn a_log_torn_at_any_byte_is_a_prefix() {
    let place = tempfile::tempdir().expect("a temporary directory");
    let states = history(place.path()).await;
    let bytes = log_bytes(place.path());
    let mut seen = 0;
    for cut in super::file::HEADER_BYTES..=bytes.len() {
        // Files of version 1 could end where the log ends.
        let found = reopened(&of_version_1(&bytes[..cut])).expect("a torn log opens");
        let index = states.iter().position(|state| *state == found).expect("a state that was");
        assert!(index >= seen, "a longer log holds no less");
        seen = index;
        let mut zeros_after = with_zeros(&bytes);
        zeros_after[cut..].fill(0);
        for log in [of_version_1(&zeros_after), zeros_after] {
            let found = reopened(&log).expect("a torn log opens");
            assert!(states[seen..].iter().take(2).any(|state| *state == found));
        }
    }
    assert_eq!(seen + 1, states.len());
    for cut in 0..super::file::HEADER_BYTES {
        assert!(matches!(reopened(&bytes[..cut]), Err(OpenError::Damaged { .. })));
    }
}

#[tokio::test]
async fn a_truncated_log_is_refused() {
    let place = tempfile::tempdir().expect("a temporary directory");
    history(place.path()).await;
    let bytes = log_bytes(place.path());
    let whole = with_zeros(&bytes);
    reopened(&whole).expect("a whole log opens");
    for cut in super::file::HEADER_BYTES..bytes.len() + super::file::GUARD_BYTES as usize - 8 {
        match reopened(&whole[..cut]) {
            Err(OpenError::Damaged { what, .. }) if what.contains("cut off") => {}
            other => panic!("cut at {cut}: {other:?}"),
        }
    }
}

/// Every file but the last is known to be missing; so is the only one.
#[tokio::test]
async fn a_missing_file_is_noticed() {
    let place = tempfile::tempdir().expect("a temporary directory");
    let sizes = Sizes { segment_bytes: 1000, ..SMALL };
    for restarts in 0..3 {
        let store = open(place.path(), sizes);
        for number in 0..restarts * 20 {
            create(&store, &format!("/{restarts}/{number}"), &"x".repeat(100)).await;
        }
        let shown = state(&store);
        store.close().await;
        let mut logs: Vec<PathBuf> = fs::read_dir(place.path())
            .expect("listed")
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.to_string_lossy().contains("/log-"))
            .collect();
        logs.sort();
        for log in &logs {
            let aside = place.path().join("aside");
            fs::rename(log, &aside).expect("renamed");
            match Embedded::open(place.path(), sizes) {
                Err(OpenError::Missing { .. }) => {}
                other => panic!("without {}: {:?}", log.display(), other.err()),
            }
            fs::rename(&aside, log).expect("renamed");
        }
        let store = open(place.path(), sizes);
        assert_eq!(state(&store), shown);
        store.close().await;
    }
}

/// A start with a torn end reports which bytes of which file it dropped, and removes them.
#[tokio::test]
async fn dropped_bytes_are_reported() {
    let place = tempfile::tempdir().expect("a temporary directory");
    history(place.path()).await;
    let path = only_segment(place.path());
    let end = log_bytes(place.path()).len();
    let mut torn = fs::read(&path).expect("the log");
    torn[end..end + 20].copy_from_slice(&[7; 20]);
    torn[end + 22] = 7;
    fs::write(&path, torn).expect("written");
    let opened = || {
        let directory = Arc::new(DataDirectory::open(place.path(), Arc::new(RealDisk)).expect("free"));
        Log::open(directory, SMALL.segment_bytes, 0, 0, &mut |_| Ok(())).expect("a torn log opens")
    };
    let dropped = Dropped { path, offset: end as u64, bytes: 23 };
    assert_eq!(opened().dropped(), Some(&dropped));
    assert_eq!(opened().dropped(), None);
}

#[tokio::test]
async fn files_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let place = tempfile::tempdir().expect("a temporary directory");
    let path = place.path().join("store");
    history(&path).await;
    let files = || fs::read_dir(&path).expect("listed").map(|entry| entry.expect("an entry").path());
    for file in files().chain([path.clone()]) {
        fs::set_permissions(file, fs::Permissions::from_mode(0o755)).expect("changed");
    }
    open(&path, SMALL).close().await;
    for file in files() {
        let mode = file.metadata().expect("is there").permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", file.display());
    }
    assert_eq!(path.metadata().expect("is there").permissions().mode() & 0o777, 0o700);
}

#[tokio::test]
async fn a_changed_byte_is_found() {
    let place = tempfile::tempdir().expect("a temporary directory");
    let states = history(place.path()).await;
    let newest = states.last().expect("states");
    let bytes = log_bytes(place.path());
    reopened(&with_zeros(&bytes)).expect("a whole log opens");
    let mut errors = 0;
    for at in 0..bytes.len() {
        for change in [0x01, 0x80] {
            let mut changed = with_zeros(&bytes);
            changed[at] ^= change;
            match reopened(&changed) {
                Ok(found) => assert_eq!(found, *newest, "byte {at} changed unnoticed"),
                Err(OpenError::Damaged { .. } | OpenError::UnknownVersion { .. }) => errors += 1,
                Err(other) => panic!("{other}"),
            }
        }
    }
    assert!(errors > bytes.len(), "most changes are found: {errors}");
}

#[tokio::test]
async fn errors_name_the_file_and_the_place() {
    let place = tempfile::tempdir().expect("a temporary directory");
    history(place.path()).await;
    let path = only_segment(place.path());
    let sound = fs::read(&path).expect("the log");
    let error = |bytes: &[u8]| {
        fs::write(&path, bytes).expect("written");
        Embedded::open(place.path(), SMALL).err().expect("not to be opened").to_string()
    };
    let mut changed = sound.clone();
    changed[70] ^= 1;
    let damaged = format!(
        "{} is damaged at byte 40: a checksum is wrong; move the data directory away, and restore it from a backup \
         (steersman store restore) or begin with an empty store",
        path.display()
    );
    assert_eq!(error(&changed), damaged);
    assert_eq!(fs::read(&path).expect("the log"), changed, "a refused directory is left as it is");
    changed = sound;
    changed[8] = 9;
    let version = format!(
        "{} has format version 9, this server knows versions up to 2; use the server that wrote it",
        path.display()
    );
    assert_eq!(error(&changed), version);
    fs::rename(&path, place.path().join("log-0000000000000007")).expect("renamed");
    let error = Embedded::open(place.path(), SMALL).err().expect("not to be opened");
    assert!(matches!(error, OpenError::Missing { sequence: 1, .. }), "{error}");
}

#[tokio::test]
async fn snapshots_take_the_place_of_the_log() {
    let place = tempfile::tempdir().expect("a temporary directory");
    let sizes = Sizes { snapshot_after_bytes: 4000, segment_bytes: 1000, reserve_bytes: 5000 };
    let store = open(place.path(), sizes);
    for number in 0..600_u32 {
        let key = format!("/{}", number % 7);
        assert!(matches!(store.perform(put(&key, &"x".repeat(100), 0)).await, Stored::Txn(_)));
        if number == 550 {
            assert_eq!(store.perform(Op::Compact(Rev(500))).await, Stored::Compacted);
        }
    }
    let (revision, shown) = (store.revision(), state(&store));
    store.close().await;
    let names: Vec<_> = fs::read_dir(place.path()).expect("listed").collect();
    assert!(names.len() < 30, "old files are removed, {} are there", names.len());
    let size = store.size_bytes();
    for _ in 0..3 {
        let store = open(place.path(), sizes);
        assert_eq!((store.revision(), state(&store)), (revision, shown.clone()));
        store.close().await;
    }
    assert!(size > 1000, "{size} bytes on disk");
    let path = fs::read_dir(place.path()).expect("listed").map(|entry| entry.expect("an entry").path());
    let path = path.max().expect("the snapshot's name comes last");
    let mut bytes = fs::read(&path).expect("the snapshot");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).expect("written");
    let error = Embedded::open(place.path(), sizes).err().expect("not to be opened");
    assert!(matches!(error, OpenError::Damaged { path: found, .. } if found == path));
}

#[tokio::test]
async fn revisions_go_on_after_everything_was_deleted_and_compacted() {
    let place = tempfile::tempdir().expect("a temporary directory");
    let sizes = Sizes { snapshot_after_bytes: 1, segment_bytes: 1000, reserve_bytes: 0 };
    let mut newest = 0;
    for _ in 0..5 {
        let store = open(place.path(), sizes);
        assert!(store.revision().0 >= newest, "revisions never go back");
        let created = create(&store, "/a", "1").await;
        assert!(created.0 > newest);
        store.perform(delete("/a")).await;
        newest = store.revision().0;
        assert_eq!(store.perform(Op::Compact(Rev(newest))).await, Stored::Compacted);
        store.close().await;
    }
}

#[tokio::test]
async fn leases_survive_a_restart_and_expire() {
    let place = tempfile::tempdir().expect("a temporary directory");
    let store = open(place.path(), SMALL);
    let Stored::Leased { id, ttl_seconds: 1 } = store.perform(Op::LeaseGrant { ttl_seconds: 1 }).await else {
        panic!("a lease is granted")
    };
    let Stored::Leased { id: revoked, .. } = store.perform(Op::LeaseGrant { ttl_seconds: 100 }).await else {
        panic!("a lease is granted")
    };
    store.perform(put("/leased", "1", id.0)).await;
    store.perform(put("/revoked", "1", revoked.0)).await;
    assert_eq!(store.perform(Op::LeaseRevoke(revoked)).await, Stored::Revoked);
    store.close().await;
    let store = open(place.path(), SMALL);
    assert_eq!(state(&store).len(), 1);
    let again = store.perform(Op::LeaseRevoke(revoked)).await;
    assert_eq!(again, Stored::Failed(StoreError::LeaseNotFound));
    let (sender, mut deleted) = tokio::sync::mpsc::unbounded_channel();
    let sink = move |input| sender.send(input).expect("the test listens");
    store.follow(Feed(0), Bytes::from_static(b"/"), store.revision(), Arc::new(sink));
    let FeedInput::Changed(batch) = deleted.recv().await.expect("an expiry") else { panic!("not lost") };
    assert_eq!(batch.events.len(), 1);
    assert_eq!(state(&store), []);
    store.close().await;
    assert_eq!(state(&open(place.path(), SMALL)), []);
}

#[tokio::test]
async fn feeds_deliver_in_order_before_the_caller_is_answered() {
    let store = Embedded::in_memory().expect("a thread");
    for number in 0..3 {
        create(&store, &format!("/a/{number}"), "1").await;
    }
    let seen = Arc::new(Mutex::new((Vec::<Event>::new(), Rev(0))));
    let sink_seen = Arc::clone(&seen);
    let sink = move |input| {
        let FeedInput::Changed(batch) = input else { panic!("not lost") };
        let mut seen = sink_seen.lock().expect("not poisoned");
        assert!(batch.revision > seen.1, "revisions rise");
        seen.0.extend(batch.events);
        seen.1 = batch.revision;
    };
    store.follow(Feed(2), Bytes::from_static(b"/a/"), Rev(2), Arc::new(sink));
    for number in 3..40 {
        let prefix = if number % 3 == 0 { "/b" } else { "/a" };
        let revision = create(&store, &format!("{prefix}/{number}"), "1").await;
        assert_eq!(seen.lock().expect("not poisoned").1, revision, "told before the caller");
    }
    let events = std::mem::take(&mut seen.lock().expect("not poisoned").0);
    assert!(events.is_sorted_by_key(|event| event.kv.mod_revision));
    let keys = state(&store);
    let wanted = keys.iter().filter(|(key, revision)| key.starts_with("/a/") && *revision > 2);
    assert_eq!(events.len(), wanted.count());

    store.perform(Op::Compact(Rev(30))).await;
    let (sender, mut lost) = tokio::sync::mpsc::unbounded_channel();
    let sink = move |input| sender.send(input).expect("the test listens");
    store.follow(Feed(2), Bytes::from_static(b"/a/"), Rev(5), Arc::new(sink));
    let why = Why::Compacted { compact_revision: Rev(30) };
    assert_eq!(lost.recv().await, Some(FeedInput::Lost(Feed(2), why)));
    assert_eq!(store.size_bytes(), 0);
    store.close().await;
}

//! Tests of a failing disk: at every call, because the disk is full, or for good.

use super::commit::FULL;
use super::disk::{Disk, RealDisk};
use super::recovery::{SMALL, create, delete, open, put, state};
use super::{Embedded, Sizes};
use crate::store::Store;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;
use steersman_core::limits;
use steersman_core::store::{Op, StoreError, Stored, Txn};

/// A disk whose n-th call from now fails. A failing write still writes half of its bytes.
#[derive(Default)]
struct FaultyDisk {
    fault: Mutex<Fault>,
    /// While true, syncs wait.
    stuck: Mutex<bool>,
    moved: Condvar,
}

#[derive(Default)]
struct Fault {
    calls_before: Option<usize>,
    calls: u32,
    kind: Option<io::ErrorKind>,
    hits: usize,
}

impl FaultyDisk {
    /// Lets `calls_before` calls succeed and then `calls` calls in a row fail.
    fn fail_after(&self, calls_before: usize, calls: u32, kind: io::ErrorKind) {
        *self.fault.lock().unwrap() =
            Fault { calls_before: Some(calls_before), calls, kind: Some(kind), hits: 0 };
    }

    fn heal(&self) -> usize {
        std::mem::take(&mut *self.fault.lock().unwrap()).hits
    }

    fn stick(&self, stuck: bool) {
        *self.stuck.lock().unwrap() = stuck;
        self.moved.notify_all();
    }

    fn check(&self) -> io::Result<()> {
        let mut fault = self.fault.lock().unwrap();
        match fault.calls_before {
            Some(0) if fault.calls > 0 => {
                fault.calls -= 1;
                fault.hits += 1;
                Err(fault.kind.expect("set with the count").into())
            }
            Some(0) | None => Ok(()),
            Some(calls) => {
                fault.calls_before = Some(calls - 1);
                Ok(())
            }
        }
    }
}

impl Disk for FaultyDisk {
    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        if let Err(error) = self.check() {
            RealDisk.write_at(file, &bytes[..bytes.len() / 2], offset)?;
            return Err(error);
        }
        RealDisk.write_at(file, bytes, offset)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        let stuck = self.stuck.lock().unwrap();
        drop(self.moved.wait_while(stuck, |stuck| *stuck).unwrap());
        self.check().and_then(|()| RealDisk.sync(file))
    }

    fn truncate(&self, file: &File, length: u64) -> io::Result<()> {
        self.check().and_then(|()| RealDisk.truncate(file, length))
    }

    fn allocate(&self, file: &File, length: u64) -> io::Result<()> {
        self.check().and_then(|()| RealDisk.allocate(file, length))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.check().and_then(|()| RealDisk.rename(from, to))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove(path)
    }

    /// Never fails: after a failure it would be unknown whether a name exists, which nothing can repair.
    fn sync_directory(&self, directory: &File) -> io::Result<()> {
        RealDisk.sync_directory(directory)
    }
}

/// The answer to a write that a full disk has no room for.
fn refusal() -> Stored {
    Stored::Failed(StoreError::Internal(FULL.into()))
}

fn faulty(path: &Path, sizes: Sizes) -> (Embedded, Arc<FaultyDisk>) {
    let disk = Arc::new(FaultyDisk::default());
    let store =
        Embedded::open_on(path, sizes, Arc::clone(&disk) as Arc<dyn Disk>).expect("a sound directory");
    (store, disk)
}

#[tokio::test]
async fn a_full_disk_refuses_writes_until_there_is_room() {
    let sizes = Sizes { segment_bytes: 700, ..SMALL };
    let mut hits = 0;
    for (calls_before, calls) in (0..24).flat_map(|before| [(before, 1), (before, 3)]) {
        let place = tempfile::tempdir().expect("a temporary directory");
        let (store, disk) = faulty(place.path(), sizes);
        create(&store, "/before", "1").await;
        disk.fail_after(calls_before, calls, io::ErrorKind::StorageFull);
        let mut acknowledged = state(&store);
        let (mut refused, mut unknown) = (false, None);
        for number in 0..8 {
            let key = format!("/key{number}");
            match store.perform(put(&key, &"x".repeat(100), 0)).await {
                Stored::Txn(reply) => assert!(reply.succeeded),
                full if full == refusal() => refused = true,
                Stored::Unknown(_) => unknown = Some(key.clone()),
                Stored::Failed(StoreError::Internal(_)) if unknown.is_some() => {}
                other => panic!("{other:?}"),
            }
            let shown = state(&store);
            assert!(shown.starts_with(&acknowledged), "what was shown stays");
            acknowledged = shown;
        }
        let hit = disk.heal();
        hits += usize::from(hit > 0);
        // A failed cut only leaves useless bytes; with three failures in a row, the repair itself may fail.
        assert!(hit < 2 || refused || unknown.is_some(), "{hit} failures went unnoticed");
        assert!(unknown.is_none() || calls > 1, "one failure can be repaired");
        if unknown.is_none() {
            create(&store, "/after", "1").await;
            acknowledged = state(&store);
        }
        store.close().await;
        let mut recovered = state(&open(place.path(), sizes));
        if let Some(key) = unknown {
            recovered.retain(|(found, _)| *found != key);
        }
        assert_eq!(recovered, acknowledged, "fault after {calls_before} calls");
    }
    assert!(hits > 20, "the faults were met: {hits}");
}

#[tokio::test]
async fn a_failed_sync_ends_writing_and_not_reading() {
    let place = tempfile::tempdir().expect("a temporary directory");
    let (store, disk) = faulty(place.path(), SMALL);
    create(&store, "/a", "1").await;
    // Two writes (zeros ahead, the frame), then the sync.
    create(&store, "/b", "1").await;
    disk.fail_after(1, 1, io::ErrorKind::Other);
    let Stored::Unknown(why) = store.perform(put("/c", "1", 0)).await else { panic!("it is not known") };
    assert!(why.starts_with("the store refuses writes until a restart"), "{why}");
    assert_eq!(disk.heal(), 1);
    let told = Arc::new(Mutex::new(Vec::new()));
    let teller = Arc::clone(&told);
    let ended = store.watch_health(Arc::new(move |health| teller.lock().unwrap().push(health))).await;
    assert_eq!((&ended, &*told.lock().unwrap()), (&why, &vec![Err(why.clone())]));
    assert_eq!(store.perform(put("/d", "1", 0)).await, Stored::Failed(StoreError::Internal(why)));
    let shown = state(&store);
    assert_eq!(shown.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), ["/a", "/b"]);
    store.close().await;
    let reopened = open(place.path(), SMALL);
    assert!(state(&reopened).starts_with(&shown));
    create(&reopened, "/d", "1").await;
}

#[tokio::test]
async fn a_full_queue_refuses() {
    let place = tempfile::tempdir().expect("a temporary directory");
    let (store, disk) = faulty(place.path(), Sizes::default());
    disk.stick(true);
    let mut waiting = Vec::new();
    let refused = loop {
        match store.shared.queue.push(put(&format!("/{}", waiting.len()), "1", 0)) {
            Ok(outcome) => waiting.push(outcome),
            Err(error) => break error,
        }
    };
    assert_eq!(refused, StoreError::TooManyRequests);
    let (most, batch) = (limits::STORE_QUEUE_OPERATIONS, limits::STORE_BATCH_OPERATIONS);
    let queued = store.figures().expect("figures").queued_operations;
    assert!((most - batch..=most).contains(&queued), "{queued}");
    assert!((most..=most + batch).contains(&waiting.len()), "{}", waiting.len());
    assert_eq!(state(&store), [], "nothing is shown that is not durable");
    disk.stick(false);
    for outcome in waiting {
        assert!(matches!(outcome.await, Ok(Stored::Txn(_))));
    }
    let figures = store.figures().expect("figures");
    assert_eq!((figures.queued_operations, figures.queued_bytes), (0, 0));
    assert_eq!(figures.batch_operations.count(), figures.syncs.count(), "each batch has its sync");
    assert!(figures.batch_operations.count() >= (most / batch) as u64);
    store.close().await;
    let closed = store.perform(Op::Txn(Txn::default())).await;
    assert_eq!(closed, Stored::Failed(StoreError::Internal("the store is closed".into())));
}

#[tokio::test]
async fn leases_and_compactions_are_undone_too() {
    let place = tempfile::tempdir().expect("a temporary directory");
    let (store, disk) = faulty(place.path(), SMALL);
    let mut leases = Vec::new();
    for _ in 0..2 {
        match store.perform(Op::LeaseGrant { ttl_seconds: 1000 }).await {
            Stored::Leased { id, .. } => leases.push(id),
            other => panic!("{other:?}"),
        }
    }
    store.perform(put("/leased", "1", leases[0].0)).await;
    let (shown, newest) = (state(&store), store.revision());
    let ops = [
        Op::LeaseGrant { ttl_seconds: 1000 },
        Op::LeaseRevoke(leases[0]),
        Op::LeaseRevoke(leases[1]),
        Op::Compact(newest),
    ];
    for op in &ops {
        disk.fail_after(0, 1, io::ErrorKind::StorageFull);
        assert_eq!(store.perform(op.clone()).await, refusal(), "{op:?}");
        assert_eq!((disk.heal(), state(&store)), (1, shown.clone()));
        store.shared.memory.read().expect("sound").mvcc.check();
    }
    for op in ops {
        let outcome = store.perform(op).await;
        let done = matches!(outcome, Stored::Leased { .. } | Stored::Revoked | Stored::Compacted);
        assert!(done, "as if nothing had failed: {outcome:?}");
    }
    assert_eq!(state(&store), []);
    store.close().await;
    assert_eq!(state(&open(place.path(), SMALL)), []);
}

/// A disk with limited room.
#[derive(Default)]
struct SmallDisk {
    left: Mutex<u64>,
}

impl SmallDisk {
    fn grow(&self, file: &File, end: u64) -> io::Result<()> {
        let growth = end.saturating_sub(file.metadata()?.len());
        let mut left = self.left.lock().unwrap();
        *left = left.checked_sub(growth).ok_or(io::ErrorKind::StorageFull)?;
        Ok(())
    }

    fn give(&self, bytes: u64) {
        *self.left.lock().unwrap() += bytes;
    }
}

impl Disk for SmallDisk {
    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.grow(file, offset + bytes.len() as u64)?;
        RealDisk.write_at(file, bytes, offset)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        RealDisk.sync(file)
    }

    fn truncate(&self, file: &File, length: u64) -> io::Result<()> {
        self.grow(file, length)?;
        self.give(file.metadata()?.len().saturating_sub(length));
        RealDisk.truncate(file, length)
    }

    fn allocate(&self, file: &File, length: u64) -> io::Result<()> {
        self.grow(file, length)?;
        RealDisk.allocate(file, length)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.give(to.metadata().map_or(0, |metadata| metadata.len()));
        RealDisk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.give(path.metadata()?.len());
        RealDisk.remove(path)
    }

    fn sync_directory(&self, directory: &File) -> io::Result<()> {
        RealDisk.sync_directory(directory)
    }
}

const FILLED: Sizes = Sizes { snapshot_after_bytes: u64::MAX, segment_bytes: 20_000, reserve_bytes: 60_000 };

/// Writes until there is no room, and returns the number of keys.
async fn fill(store: &Embedded) -> usize {
    for number in 0.. {
        match store.perform(put(&format!("/{number}"), &"x".repeat(1000), 0)).await {
            Stored::Txn(_) => {}
            other => {
                assert_eq!(other, refusal());
                return number;
            }
        }
    }
    unreachable!("a disk has an end")
}

#[tokio::test]
async fn a_full_disk_still_accepts_deletions() {
    let place = tempfile::tempdir().expect("a temporary directory");
    let disk = Arc::new(SmallDisk::default());
    disk.give(200_000);
    let opened = || {
        Embedded::open_on(place.path(), FILLED, Arc::clone(&disk) as Arc<dyn Disk>)
            .unwrap_or_else(|error| panic!("{error}"))
    };
    let store = opened();
    let keys = fill(&store).await;
    assert!(keys > 80, "{keys}");
    store.close().await;
    // A server also starts on a full disk, and continues where it was.
    *disk.left.lock().unwrap() = 0;
    let store = opened();
    assert_eq!(state(&store).len(), keys);
    // Deletions also succeed beside writes that are refused, in the same batch or in others.
    for number in 0..keys / 2 {
        let (refused, deleted) = tokio::join!(
            store.perform(put("/more", &"x".repeat(1000), 0)),
            store.perform(delete(&format!("/{number}")))
        );
        assert_eq!(refused, refusal());
        assert!(matches!(deleted, Stored::Txn(_)), "{deleted:?}");
    }
    let figures = store.figures().expect("figures");
    assert!(figures.is_full && figures.refused_full == (keys / 2) as u64, "{figures:?}");
    store.close().await;
    let store = opened();
    assert_eq!(state(&store).len(), keys - keys / 2);
    for number in keys / 2..keys {
        let deleted = store.perform(delete(&format!("/{number}"))).await;
        assert!(matches!(deleted, Stored::Txn(_)), "{deleted:?}");
    }
    disk.give(500_000);
    create(&store, "/after", "1").await;
    store.close().await;
    let again = opened();
    assert_eq!(state(&again).iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), ["/after"]);
    again.close().await;
}

/// Overwritten values take room until there is a snapshot.
#[tokio::test]
async fn a_full_disk_reclaims_the_room_of_overwritten_values() {
    let place = tempfile::tempdir().expect("a temporary directory");
    let disk = Arc::new(SmallDisk::default());
    disk.give(200_000);
    let store = Embedded::open_on(place.path(), FILLED, Arc::clone(&disk) as Arc<dyn Disk>).expect("opens");
    let mut refusals = 0;
    let mut taken_again = false;
    for number in 0..100_000 {
        match store.perform(put("/a", &format!("{number}.{}", "x".repeat(1000)), 0)).await {
            Stored::Txn(_) if refusals > 0 => {
                taken_again = true;
                break;
            }
            Stored::Txn(_) => {}
            other => {
                assert_eq!(other, refusal());
                refusals += 1;
            }
        }
    }
    assert!(refusals > 0, "the disk was full");
    assert!(taken_again, "the snapshot has made room");
    assert!(!store.figures().expect("figures").is_full, "a write that adds data was taken");
    // The file is in its place a moment before the committer knows of it.
    let counted = async {
        while store.figures().expect("figures").snapshots.count() == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), counted).await.expect("the snapshot is counted");
    assert!(store.figures().expect("figures").snapshot_bytes > 0);
    store.close().await;
}

/// A copy of a directory may have the reserve's length without its room.
#[tokio::test]
async fn a_reserve_without_blocks_is_taken_anew() {
    use std::os::unix::fs::MetadataExt;
    let place = tempfile::tempdir().expect("a temporary directory");
    let sizes = Sizes { reserve_bytes: 60_000, ..SMALL };
    open(place.path(), sizes).close().await;
    let reserve = place.path().join("reserve");
    let blocks = || std::fs::metadata(&reserve).expect("is there").blocks();
    let taken = blocks();
    File::create(&reserve).and_then(|file| file.set_len(60_000)).expect("a file that is all hole");
    open(place.path(), sizes).close().await;
    assert_eq!(blocks(), taken);
}

//! Tests of power that fails: of what was not synced, any sectors may be on the disk and any not.

use super::disk::{Disk, RealDisk};
use super::recovery::{open, put};
use super::{Embedded, Sizes};
use crate::store::Store;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use steersman_core::store::{Op, Range, Stored};

const SECTOR_BYTES: usize = 512;
const SIZES: Sizes = Sizes { snapshot_after_bytes: 20_000, segment_bytes: 8000 };

/// A disk that remembers of each file what is surely on it, and what was only asked for.
struct CrashDisk {
    directory: PathBuf,
    files: Mutex<BTreeMap<u64, Image>>,
    /// Calls until the power fails; what happens afterwards happens in another world.
    calls_left: AtomicU64,
    acknowledged: AtomicU64,
    remains: Mutex<Option<Remains>>,
}

#[derive(Clone, Default)]
struct Image {
    durable: Vec<u8>,
    pending: Vec<Pending>,
}

#[derive(Clone)]
enum Pending {
    Write(usize, Vec<u8>),
    Truncate(usize),
}

/// The directory when the power failed, and how many writes were acknowledged by then.
struct Remains {
    files: Vec<(String, Image)>,
    acknowledged: u64,
}

impl CrashDisk {
    fn call(&self, file: &File, change: impl FnOnce(&mut Image)) -> io::Result<()> {
        let mut files = self.files.lock().unwrap();
        change(files.entry(file.metadata()?.ino()).or_default());
        if self.calls_left.fetch_sub(1, Ordering::SeqCst) == 1 {
            let mut remaining = Vec::new();
            for entry in fs::read_dir(&self.directory)? {
                let entry = entry?;
                // A file may be removed meanwhile by the thread that writes snapshots.
                let Ok(metadata) = entry.metadata() else { continue };
                if let Some(image) = files.get(&metadata.ino()) {
                    remaining.push((entry.file_name().into_string().expect("text"), image.clone()));
                }
            }
            let acknowledged = self.acknowledged.load(Ordering::SeqCst);
            *self.remains.lock().unwrap() = Some(Remains { files: remaining, acknowledged });
        }
        Ok(())
    }
}

impl Disk for CrashDisk {
    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        RealDisk.write_at(file, bytes, offset)?;
        self.call(file, |image| {
            if offset == 0 {
                // A new file, perhaps in the place of a removed one.
                *image = Image::default();
            }
            image.pending.push(Pending::Write(offset as usize, bytes.to_vec()));
        })
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        // The power may fail before the sync, or after it.
        self.call(file, |_| {})?;
        self.call(file, |image| image.settle(&mut |_| true))
    }

    fn truncate(&self, file: &File, length: u64) -> io::Result<()> {
        RealDisk.truncate(file, length)?;
        self.call(file, |image| image.pending.push(Pending::Truncate(length as usize)))
    }
}

impl Image {
    /// Makes what is pending durable, sector by sector as `keep` says.
    fn settle(&mut self, keep: &mut dyn FnMut(usize) -> bool) {
        for pending in std::mem::take(&mut self.pending) {
            match pending {
                Pending::Truncate(length) if keep(0) => self.durable.truncate(length),
                Pending::Truncate(_) => {}
                Pending::Write(offset, bytes) => self.write(offset, &bytes, keep),
            }
        }
    }

    fn write(&mut self, offset: usize, bytes: &[u8], keep: &mut dyn FnMut(usize) -> bool) {
        let mut at = 0;
        while at < bytes.len() {
            let place = offset + at;
            let end = bytes.len().min(at + SECTOR_BYTES - place % SECTOR_BYTES);
            if keep(place / SECTOR_BYTES) {
                let length = self.durable.len().max(offset + end);
                self.durable.resize(length, 0);
                self.durable[place..offset + end].copy_from_slice(&bytes[at..end]);
            }
            at = end;
        }
    }
}

/// A small generator: the same seed, the same crash.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

fn nth(number: u64) -> (String, String) {
    let length = if number.is_multiple_of(5) { 3000 } else { 30 };
    (format!("/{}", number % 9), format!("{number}.{}", "x".repeat(length)))
}

/// Writes until the power fails at the given call, and puts what remains of the disk into `place`.
async fn crash(seed: u64, place: &Path) -> u64 {
    let mut draw = Draw(seed);
    let scratch = tempfile::tempdir().expect("a temporary directory");
    let disk = Arc::new(CrashDisk {
        directory: scratch.path().to_path_buf(),
        files: Mutex::default(),
        calls_left: AtomicU64::new(draw.below(250) + 5),
        acknowledged: AtomicU64::new(0),
        remains: Mutex::default(),
    });
    let store = Embedded::open_on(scratch.path(), SIZES, Arc::clone(&disk) as Arc<dyn Disk>).expect("empty");
    let remains = loop {
        if let Some(remains) = disk.remains.lock().unwrap().take() {
            break remains;
        }
        let number = disk.acknowledged.load(Ordering::SeqCst) + 1;
        let (key, value) = nth(number);
        assert!(matches!(store.perform(put(&key, &value, 0)).await, Stored::Txn(_)));
        disk.acknowledged.store(number, Ordering::SeqCst);
    };
    store.close().await;
    let share = draw.below(5);
    for (name, mut image) in remains.files {
        image.settle(&mut |_| draw.below(4) < share);
        fs::write(place.join(name), &image.durable).expect("written");
    }
    remains.acknowledged
}

#[tokio::test]
async fn power_failures_lose_nothing_that_was_acknowledged() {
    for seed in 0..60 {
        let place = tempfile::tempdir().expect("a temporary directory");
        let acknowledged = crash(seed, place.path()).await;
        let store = open(place.path(), SIZES);
        // Write n makes revision n + 1.
        let found = store.revision().0 - 1;
        assert!(
            found == acknowledged || found == acknowledged + 1,
            "seed {seed}: {acknowledged} writes were acknowledged, {found} are there"
        );
        let mut wanted = BTreeMap::new();
        wanted.extend((1..=found).map(nth));
        let range =
            Range { key: Bytes::from_static(b"/"), end: Some(Bytes::from_static(b"0")), ..Range::default() };
        let Some(Stored::Ranged(ranged)) = store.answer_now(&Op::Range(range)) else { panic!("a read") };
        let pairs = ranged.kvs.iter().map(|kv| (kv.key.clone(), kv.value.clone()));
        let wanted = wanted.into_iter().map(|(key, value)| (Bytes::from(key), Bytes::from(value)));
        assert!(pairs.eq(wanted), "seed {seed}: other values");
        store.close().await;
    }
}

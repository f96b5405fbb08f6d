//! Tests of power failures, killed processes and failing syncs. After a power failure, any sectors and names that
//! were not synced may be on the disk or not; a process that merely restarts sees all of them.

use super::disk::{Disk, RealDisk};
use super::recovery::{open, put};
use super::{Embedded, Sizes};
use crate::store::Store;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, Mutex};
use steersman_core::store::{Op, Range, Stored};

const SECTOR_BYTES: usize = 512;
const SIZES: Sizes = Sizes { snapshot_after_bytes: 20_000, segment_bytes: 8000, reserve_bytes: 0 };

/// A disk that distinguishes what is durable from what was only written. The test's directory shows what the
/// operating system would show.
#[derive(Default)]
struct CrashDisk {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    platter: Platter,
    /// For each file of the directory its contents on the platter, since the system reuses the inode numbers of
    /// removed files.
    files: BTreeMap<u64, usize>,
    ending: Ending,
    calls_left: u64,
    acknowledged: u64,
    /// The platter when the power failed, and how many writes were acknowledged by then.
    remains: Option<(Platter, u64)>,
    /// The process was killed: its calls have no effect any more.
    killed: bool,
}

/// What happens when the number of calls is used up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Ending {
    /// The power fails: later calls do not reach the platter that the test looks at.
    #[default]
    PowerFails,
    Killed,
    /// The next sync fails, and the system forgets that the pages were not written.
    SyncFails,
}

#[derive(Clone, Default)]
struct Platter {
    files: Vec<Image>,
    names: BTreeMap<String, usize>,
    pending: Vec<(String, Option<usize>)>,
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

impl State {
    /// Counts one call of the process. The end may come before it takes effect.
    fn call(&mut self) -> io::Result<()> {
        if self.killed {
            return Err(io::Error::other("the process was killed"));
        }
        self.calls_left = self.calls_left.saturating_sub(1);
        if self.calls_left == 0 {
            match self.ending {
                Ending::PowerFails if self.remains.is_none() => {
                    self.remains = Some((self.platter.clone(), self.acknowledged));
                }
                Ending::Killed => {
                    self.killed = true;
                    return Err(io::Error::other("the process was killed"));
                }
                Ending::PowerFails | Ending::SyncFails => {}
            }
        }
        Ok(())
    }

    fn image(&mut self, file: &File, is_new: bool) -> io::Result<&mut Image> {
        let number = file.metadata()?.ino();
        if is_new || !self.files.contains_key(&number) {
            self.files.insert(number, self.platter.files.len());
            self.platter.files.push(Image::default());
        }
        Ok(&mut self.platter.files[self.files[&number]])
    }
}

fn name(path: &Path) -> String {
    path.file_name().expect("a name").to_str().expect("text").to_owned()
}

impl Disk for CrashDisk {
    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        state.call()?;
        RealDisk.write_at(file, bytes, offset)?;
        let pending = Pending::Write(offset as usize, bytes.to_vec());
        state.image(file, offset == 0)?.pending.push(pending);
        Ok(())
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        // The end may come before the sync, or after it.
        state.call()?;
        let fails = state.ending == Ending::SyncFails && state.calls_left == 0;
        let image = state.image(file, false)?;
        if fails {
            image.pending.clear();
            state.ending = Ending::PowerFails;
            state.calls_left = u64::MAX;
            return Err(io::Error::other("the disk has an error"));
        }
        image.settle(&mut |_| true);
        state.call()
    }

    fn truncate(&self, file: &File, length: u64) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        state.call()?;
        RealDisk.truncate(file, length)?;
        state.image(file, false)?.pending.push(Pending::Truncate(length as usize));
        Ok(())
    }

    fn allocate(&self, _: &File, _: u64) -> io::Result<()> {
        unreachable!("no room is reserved")
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        state.call()?;
        RealDisk.rename(from, to)?;
        let file = state.files[&fs::metadata(to)?.ino()];
        state.platter.pending.push((name(to), Some(file)));
        // The end may come before the directory is synced.
        state.call()
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        state.call()?;
        RealDisk.remove(path)?;
        state.platter.pending.push((name(path), None));
        Ok(())
    }

    fn sync_directory(&self, _: &File) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        state.call()?;
        state.platter.settle_names(&mut || true);
        state.call()
    }
}

impl Platter {
    fn settle_names(&mut self, keep: &mut dyn FnMut() -> bool) {
        for (name, file) in std::mem::take(&mut self.pending) {
            match file {
                _ if !keep() => {}
                Some(file) => drop(self.names.insert(name, file)),
                None => drop(self.names.remove(&name)),
            }
        }
    }
}

impl Image {
    /// Makes pending writes durable, those sectors for which `keep` is true.
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

/// A small random generator, so that the same seed gives the same crash.
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

/// Runs a server that writes until its end comes. What it holds when it starts counts as acknowledged.
async fn live(disk: &Arc<CrashDisk>, directory: &Path, ending: Ending, calls: u64) {
    {
        let mut state = disk.state.lock().unwrap();
        (state.ending, state.calls_left, state.killed) = (ending, calls, false);
    }
    let Ok(store) = Embedded::open_on(directory, SIZES, Arc::clone(disk) as Arc<dyn Disk>) else {
        assert_ne!(ending, Ending::PowerFails, "the system shows a sound directory");
        return;
    };
    let mut number = store.revision().0 - 1;
    {
        let mut state = disk.state.lock().unwrap();
        let acknowledged = state.acknowledged;
        assert!(
            state.remains.is_some() || number == acknowledged || number == acknowledged + 1,
            "{acknowledged} writes were acknowledged, a start shows {number}"
        );
        state.acknowledged = number;
    }
    let mut writes_after_end = 20;
    while disk.state.lock().unwrap().remains.is_none() && writes_after_end > 0 {
        // A failing sync of a snapshot does not end the writing.
        if disk.state.lock().unwrap().ending != ending {
            writes_after_end -= 1;
        }
        number += 1;
        let (key, value) = nth(number);
        match store.perform(put(&key, &value, 0)).await {
            Stored::Txn(_) => disk.state.lock().unwrap().acknowledged = number,
            _ => break,
        }
    }
    store.close().await;
}

/// Checks what a server finds in a directory that holds what a power failure left.
async fn check_remains(seed: u64, draw: &mut Draw, remains: (Platter, u64)) {
    let place = tempfile::tempdir().expect("a temporary directory");
    let (mut platter, acknowledged) = remains;
    let share = draw.below(5);
    platter.settle_names(&mut || draw.below(4) < share);
    for (name, file) in &platter.names {
        let mut image = platter.files[*file].clone();
        image.settle(&mut |_| draw.below(4) < share);
        fs::write(place.path().join(name), &image.durable).expect("written");
    }
    let store = open(place.path(), SIZES);
    // The n-th write makes revision n + 1.
    let found = store.revision().0 - 1;
    assert!(
        found == acknowledged || found == acknowledged + 1,
        "seed {seed}: {acknowledged} writes were acknowledged, {found} are there"
    );
    let wanted: BTreeMap<String, String> = (1..=found).map(nth).collect();
    let range =
        Range { key: Bytes::from_static(b"/"), end: Some(Bytes::from_static(b"0")), ..Range::default() };
    let Some(Stored::Ranged(ranged)) = store.answer_now(&Op::Range(range)) else { panic!("a read") };
    let pairs = ranged.kvs.iter().map(|kv| (kv.key.clone(), kv.value.clone()));
    let wanted = wanted.into_iter().map(|(key, value)| (Bytes::from(key), Bytes::from(value)));
    assert!(pairs.eq(wanted), "seed {seed}: other values");
    store.close().await;
}

/// Runs servers that end in the given ways, then one that ends by a power failure.
async fn play(seed: u64, endings: &[Ending]) {
    let mut draw = Draw(seed);
    let scratch = tempfile::tempdir().expect("a temporary directory");
    let disk = Arc::new(CrashDisk::default());
    for ending in endings {
        live(&disk, scratch.path(), *ending, draw.below(60) + 1).await;
    }
    // Half of the ends come soon after the start, where what the previous run left matters.
    let calls = if draw.below(2) == 0 { draw.below(25) } else { draw.below(250) };
    live(&disk, scratch.path(), Ending::PowerFails, calls + 1).await;
    let remains = disk.state.lock().unwrap().remains.take().expect("the power has failed");
    check_remains(seed, &mut draw, remains).await;
}

#[tokio::test]
async fn power_failures_lose_nothing_that_was_acknowledged() {
    for seed in 0..60 {
        play(seed, &[]).await;
    }
}

/// A killed process leaves names and pages that look durable and are not.
#[tokio::test]
async fn kills_before_a_power_failure_lose_nothing() {
    for seed in 0..150 {
        play(seed, &[Ending::Killed, Ending::Killed]).await;
    }
}

/// After a failed sync, the system shows pages that will never be written.
#[tokio::test]
async fn failed_syncs_before_a_power_failure_lose_nothing() {
    for seed in 0..150 {
        play(seed, &[Ending::SyncFails]).await;
        play(seed, &[Ending::SyncFails, Ending::Killed, Ending::SyncFails]).await;
    }
}

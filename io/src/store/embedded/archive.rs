//! What operators do with the files of a store, whether or not a server uses them: check them, list what they hold,
//! copy them as one consistent backup, and begin a store with a backup.
//!
//! The files are read as a start reads them, so what is damaged for a start is damaged here, with the same words. A
//! server that runs goes on meanwhile: it appends, and it removes files that a newer snapshot has made superfluous.
//! A reading that it interferes with is begun again.

use super::commit_group;
use super::directory::DataDirectory;
use super::disk::RealDisk;
use super::error::OpenError;
use super::files::StoreFiles;
use super::log::{self, Dropped};
use super::snapshot::{self, Contents};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use steersman_core::mvcc::Mvcc;
use steersman_core::now::Mono;
use steersman_core::store::{KeyValue, Rev};

/// How often files are read that change meanwhile.
const ATTEMPTS: u32 = 20;

/// The whole content of a store, verified, as of its last complete batch.
pub struct Archive {
    mvcc: Mvcc,
    /// The number of the last batch.
    sequence: u64,
    unfinished: Option<Unfinished>,
    bytes: u64,
}

/// The beginning of a batch that was never acknowledged, at the end of the log. The next start drops it. A server that
/// runs may just be writing it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfinished {
    pub path: PathBuf,
    /// Where it begins in the file.
    pub offset: u64,
    pub bytes: u64,
}

/// What a store holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    pub revision: Rev,
    pub keys: u64,
    pub leases: u64,
    /// The size of all keys and values.
    pub content_bytes: u64,
    /// The size of the snapshot and of the log.
    pub file_bytes: u64,
    pub unfinished: Option<Unfinished>,
}

impl Archive {
    /// Reads the store in a directory, and changes nothing.
    ///
    /// # Errors
    /// What a start would refuse: damage with its file and byte, missing files, an unknown version.
    pub fn read(directory: &Path) -> Result<Self, OpenError> {
        let files = StoreFiles::at(directory);
        let mut seen = None;
        let mut attempt = 1;
        loop {
            let before = files.list()?;
            let error = match Self::read_once(&files) {
                Ok(read) => return Ok(read),
                Err(error) => error,
            };
            // A batch that is read while it is written looks damaged, and files may go meanwhile. What is really
            // wrong is wrong in the same way when it is read again.
            let words = error.to_string();
            let is_lasting = seen.as_ref() == Some(&words) && files.list()? == before;
            if is_lasting || attempt == ATTEMPTS {
                return Err(error);
            }
            seen = Some(words);
            attempt += 1;
        }
    }

    fn read_once(files: &StoreFiles) -> Result<Self, OpenError> {
        let listing = files.list()?;
        if listing.segments.is_empty() && listing.snapshots.is_empty() && !files.has_begun() {
            let none = io::Error::new(io::ErrorKind::NotFound, "there is no store");
            return Err(OpenError::io(files.path(), "read", none));
        }
        let covered = listing.covered();
        let (mut mvcc, snapshot_bytes) = match covered {
            0 => (Mvcc::new(), 0),
            covered => snapshot::read(files, covered, Mono(0))?,
        };
        let mut replay = |payload: &[u8]| commit_group::replay_batch(&mut mvcc, payload);
        let (sequence, dropped) = log::replay_all(files, covered, &mut replay)?;
        let length = |first: &u64| fs::metadata(files.segment(*first)).map_or(0, |metadata| metadata.len());
        let log_bytes: u64 = listing.segments.iter().filter(|first| **first > covered).map(length).sum();
        let unfinished = dropped.map(|Dropped { path, offset, bytes }| Unfinished { path, offset, bytes });
        Ok(Self { mvcc, sequence, unfinished, bytes: snapshot_bytes + log_bytes })
    }

    /// What the store holds.
    pub fn summary(&self) -> Summary {
        let (mut keys, mut content_bytes) = (0, 0);
        for kv in self.key_values() {
            keys += 1;
            content_bytes += (kv.key.len() + kv.value.len()) as u64;
        }
        let leases = self.mvcc.snapshot(self.mvcc.revision()).map_or(0, |snapshot| snapshot.leases.len());
        Summary {
            revision: self.mvcc.revision(),
            keys,
            leases: leases as u64,
            content_bytes,
            file_bytes: self.bytes,
            unfinished: self.unfinished.clone(),
        }
    }

    /// All keys with their values, in the order of the keys.
    pub fn key_values(&self) -> impl Iterator<Item = KeyValue> {
        let snapshot = self.mvcc.snapshot(self.mvcc.revision());
        snapshot.into_iter().flat_map(|snapshot| snapshot.key_values().collect::<Vec<_>>())
    }

    /// Writes the content as a new store, which is durable when this returns. Its revision is at least `revision`: a
    /// server that goes back to an earlier state must not give revisions that clients have seen to other states.
    ///
    /// # Errors
    /// When the directory holds a store or is in use, or cannot be written.
    pub fn write(&self, directory: &Path, revision: Rev) -> Result<(), OpenError> {
        let directory = DataDirectory::open(directory, Arc::new(RealDisk))?;
        let files = directory.files();
        let listing = files.list()?;
        if files.has_begun() || !listing.segments.is_empty() || !listing.snapshots.is_empty() {
            let exists = io::Error::new(io::ErrorKind::AlreadyExists, "there is a store already");
            return Err(OpenError::io(files.path(), "write", exists));
        }
        // A snapshot that covers nothing would be none.
        let covered = self.sequence.max(1);
        let contents = Contents::of(&self.mvcc).at(revision);
        snapshot::write(&directory, covered, contents)
            .map_err(|error| OpenError::io(files.snapshot(covered), "write", error))?;
        log::begin(&directory, covered)
    }
}

#[cfg(test)]
mod tests {
    use super::super::recovery::put;
    use super::super::{Embedded, Sizes};
    use super::*;
    use crate::store::Store;
    use bytes::Bytes;
    use steersman_core::store::{Op, Range, Stored};

    const SMALL: Sizes = Sizes { snapshot_after_bytes: 4096, segment_bytes: 2048, reserve_bytes: 0 };

    async fn write(store: &Embedded, key: &str, value: &str) {
        let stored = store.perform(put(key, value, 0)).await;
        assert!(matches!(stored, Stored::Txn(_)), "{stored:?}");
    }

    fn contents(archive: &Archive) -> Vec<(Bytes, Bytes, Rev)> {
        archive.key_values().map(|kv| (kv.key, kv.value, kv.mod_revision)).collect()
    }

    /// While a server writes, and removes files, each backup is a state that it had.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_backup_of_a_store_in_use_is_a_state_that_it_had() {
        let place = tempfile::tempdir().expect("a directory");
        let path = place.path().join("store");
        let store = Embedded::open(&path, SMALL).expect("a store");
        write(&store, "/a", "00-00").await;
        for round in 0..20 {
            let reader = path.clone();
            let reading = tokio::task::spawn_blocking(move || Archive::read(&reader));
            for number in 0..30 {
                let value = format!("{round:02}-{number:02}");
                write(&store, "/a", &value).await;
                write(&store, "/b", &value).await;
            }
            let archive = reading.await.expect("no panic").expect("whole");
            let found = contents(&archive);
            let revision = archive.summary().revision;
            let values: Vec<&Bytes> = found.iter().map(|(_, value, _)| value).collect();
            assert!(found.iter().all(|(.., modified)| *modified <= revision), "{found:?}");
            assert!(found.iter().any(|(.., modified)| *modified == revision), "{found:?}");
            if let [a, b] = values[..] {
                assert!(a >= b, "{found:?}");
            }
        }
        store.close().await;
    }

    #[tokio::test]
    async fn a_store_that_begins_with_a_backup_goes_on_after_a_later_revision() {
        let place = tempfile::tempdir().expect("a directory");
        let (path, copy) = (place.path().join("store"), place.path().join("copy"));
        let store = Embedded::open(&path, Sizes::default()).expect("a store");
        for key in ["/a", "/b", "/c"] {
            write(&store, key, "1").await;
        }
        store.close().await;
        let archive = Archive::read(&path).expect("whole");
        archive.write(&copy, Rev(1000)).expect("written");
        let again = archive.write(&copy, Rev(1000)).expect_err("there is one");
        assert!(again.to_string().contains("there is a store already"), "{again}");
        let copied = Archive::read(&copy).expect("whole");
        assert_eq!(contents(&copied), contents(&archive));
        assert_eq!(copied.summary().revision, Rev(1000));

        let store = Embedded::open(&copy, Sizes::default()).expect("a store");
        write(&store, "/d", "1").await;
        let range = Range { key: Bytes::from_static(b"/d"), ..Range::default() };
        let Stored::Ranged(found) = store.perform(Op::Range(range)).await else { panic!("no range") };
        assert_eq!(found.kvs[0].mod_revision, Rev(1001));
        store.close().await;
    }

    #[test]
    fn what_is_no_store_and_what_is_damaged_is_said() {
        let place = tempfile::tempdir().expect("a directory");
        let Err(none) = Archive::read(place.path()) else { panic!("read") };
        assert!(none.to_string().ends_with("there is no store"), "{none}");
        drop(Embedded::open(place.path(), Sizes::default()).expect("a store"));
        let segment = StoreFiles::at(place.path()).segment(1);
        let mut bytes = fs::read(&segment).expect("a segment");
        bytes[9] ^= 1;
        fs::write(&segment, bytes).expect("written");
        let Err(damaged) = Archive::read(place.path()) else { panic!("read") };
        assert!(damaged.to_string().contains("has format version"), "{damaged}");
    }
}

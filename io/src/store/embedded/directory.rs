//! The data directory: its lock, the names of its files, and making changes of names durable.
//!
//! `lock` is held by the one process that uses the directory; `begun` says that a store was created here; `log-N`
//! begins with batch N; `snapshot-N` holds the state after all batches up to N; `reserve` keeps room for deletions on
//! a full disk; `*.tmp` is a file that was not finished.

use super::disk::Disk;
use super::error::OpenError;
use crate::private::{self, LockError};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The content of `begun`.
const BEGUN: &[u8] = b"The log in this directory has begun: without it the store is not whole.\n";

/// A directory that no other process uses.
pub(super) struct DataDirectory {
    path: PathBuf,
    handle: File,
    disk: Arc<dyn Disk>,
    /// The lock is released with the file, even when the process is killed.
    _lock: File,
}

/// The files of the store, ordered by their numbers.
#[derive(Debug, Default)]
pub(super) struct FolderListing {
    pub(super) snapshots: Vec<u64>,
    pub(super) segments: Vec<u64>,
    pub(super) unfinished: Vec<PathBuf>,
}

impl DataDirectory {
    /// Creates the directory if it is missing, locks it, and makes the names in it durable: a process that was killed
    /// may have created names that are not durable yet.
    pub(super) fn open(path: &Path, disk: Arc<dyn Disk>) -> Result<Self, OpenError> {
        let failed = |action| move |error| OpenError::io(path, action, error);
        private::create_directory(path).map_err(failed("create data directory"))?;
        let lock = private::lock_directory(path).map_err(|error| match error {
            LockError::Held(holder) => OpenError::Locked { directory: path.to_path_buf(), holder },
            LockError::Io(error) => OpenError::io(path.join("lock"), "lock", error),
        })?;
        private::own_directory(path).map_err(failed("take others' rights to"))?;
        private::sync_parent(path).map_err(failed("make durable the name of"))?;
        let handle = File::open(path).map_err(failed("open data directory"))?;
        disk.sync_directory(&handle).map_err(failed("sync data directory"))?;
        Ok(Self { path: path.to_path_buf(), handle, disk, _lock: lock })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn disk(&self) -> &dyn Disk {
        &*self.disk
    }

    pub(super) fn segment(&self, first_sequence: u64) -> PathBuf {
        self.path.join(format!("log-{first_sequence:016x}"))
    }

    pub(super) fn snapshot(&self, last_sequence: u64) -> PathBuf {
        self.path.join(format!("snapshot-{last_sequence:016x}"))
    }

    pub(super) fn reserve(&self) -> PathBuf {
        self.path.join("reserve")
    }

    fn begun(&self) -> PathBuf {
        self.path.join("begun")
    }

    pub(super) fn list(&self) -> Result<FolderListing, OpenError> {
        let failed = |error| OpenError::io(&self.path, "list data directory", error);
        let mut listing = FolderListing::default();
        for entry in fs::read_dir(&self.path).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
            let number = |prefix| {
                let digits = name.strip_prefix(prefix)?;
                (digits.len() == 16).then(|| u64::from_str_radix(digits, 16).ok()).flatten()
            };
            if name.ends_with(".tmp") {
                listing.unfinished.push(path);
            } else if let Some(number) = number("log-") {
                listing.segments.push(number);
            } else if let Some(number) = number("snapshot-") {
                listing.snapshots.push(number);
            }
        }
        listing.segments.sort_unstable();
        listing.snapshots.sort_unstable();
        Ok(listing)
    }

    /// Whether a log was begun here once. Directories of the first releases do not have the file `begun`.
    pub(super) fn has_begun(&self) -> bool {
        self.begun().exists()
    }

    pub(super) fn begin(&self) -> io::Result<()> {
        self.create(&self.begun(), |file| self.disk.write_at(file, BEGUN, 0))?;
        self.sync()
    }

    /// Creates a file, replacing one of the same name. It gets its name only after its content was written and
    /// synced, and the name is durable once the directory is synced. A failure leaves no file behind.
    pub(super) fn create(
        &self,
        path: &Path,
        write: impl FnOnce(&File) -> io::Result<()>,
    ) -> io::Result<File> {
        let unfinished = unfinished(path);
        let file = private::create_file(&unfinished, private::FILE_MODE)?;
        let written = write(&file)
            .and_then(|()| self.disk.sync(&file))
            .and_then(|()| self.disk.rename(&unfinished, path));
        match written {
            Ok(()) => Ok(file),
            Err(error) => {
                // An unfinished file would take room that a full disk does not have.
                let _ = self.disk.remove(&unfinished);
                Err(error)
            }
        }
    }

    /// Removes files that a snapshot covers, and unfinished ones. A file that cannot be removed does no harm: the
    /// next start tries again.
    pub(super) fn remove_obsolete(&self, listing: &FolderListing, covered: u64) {
        let segments = listing.segments.iter().filter(|first| **first <= covered);
        let snapshots = listing.snapshots.iter().filter(|last| **last < covered);
        let paths =
            segments.map(|first| self.segment(*first)).chain(snapshots.map(|last| self.snapshot(*last)));
        for path in &listing.unfinished {
            let bytes = fs::metadata(path).map_or(0, |metadata| metadata.len());
            tracing::info!("{} was never finished: its {bytes} bytes are dropped", path.display());
        }
        for path in paths.chain(listing.unfinished.iter().cloned()) {
            if let Err(error) = self.disk.remove(&path) {
                tracing::warn!("cannot remove {}: {error}", path.display());
            }
        }
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        self.disk.sync_directory(&self.handle)
    }
}

fn unfinished(path: &Path) -> PathBuf {
    path.with_extension("tmp")
}

#[cfg(test)]
mod tests {
    use super::super::disk::RealDisk;
    use super::*;

    #[test]
    fn one_process_at_a_time() {
        let place = tempfile::tempdir().expect("a temporary directory");
        let path = place.path().join("data");
        let first = DataDirectory::open(&path, Arc::new(RealDisk)).expect("free");
        let Err(error) = DataDirectory::open(&path, Arc::new(RealDisk)) else { panic!("opened twice") };
        let words = format!(
            "data directory {} is in use by another process (process {})",
            path.display(),
            std::process::id()
        );
        assert_eq!(error.to_string(), words);
        drop(first);
        DataDirectory::open(&path, Arc::new(RealDisk)).expect("free again");
    }
}

//! The data directory of a process that uses it: its lock, and making changes of names durable.

use super::disk::Disk;
use super::error::OpenError;
use super::files::{FolderListing, StoreFiles};
use crate::private::{self, LockError};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The content of `begun`.
const BEGUN: &[u8] = b"The log in this directory has begun: without it the store is not whole.\n";

/// A directory that no other process uses.
pub(super) struct DataDirectory {
    files: StoreFiles,
    handle: File,
    disk: Arc<dyn Disk>,
    /// The lock is released with the file, even when the process is killed.
    _lock: File,
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
        Ok(Self { files: StoreFiles::at(path), handle, disk, _lock: lock })
    }

    /// The names of its files.
    pub(super) fn files(&self) -> &StoreFiles {
        &self.files
    }

    pub(super) fn disk(&self) -> &dyn Disk {
        &*self.disk
    }

    pub(super) fn begin(&self) -> io::Result<()> {
        self.create(&self.files.begun(), |file| self.disk.write_at(file, BEGUN, 0))?;
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
        let paths = segments
            .map(|first| self.files.segment(*first))
            .chain(snapshots.map(|last| self.files.snapshot(*last)));
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

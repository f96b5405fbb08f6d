//! The data directory: its lock, the names in it, and making changes of names durable.
//!
//! `lock` is held by the one process that uses the directory; `log-N` starts with batch N;
//! `snapshot-N` holds what all batches up to N came to; `*.tmp` was never finished.

use super::error::OpenError;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// A directory that no other process uses.
pub(super) struct Directory {
    path: PathBuf,
    handle: File,
    /// Its lock ends with the file, also when the process is killed.
    _lock: File,
}

/// The files of the store, in order of their numbers.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) snapshots: Vec<u64>,
    pub(super) segments: Vec<u64>,
    pub(super) unfinished: Vec<PathBuf>,
}

impl Directory {
    /// Creates the directory when it is missing, and locks it.
    pub(super) fn open(path: &Path) -> Result<Self, OpenError> {
        fs::create_dir_all(path).map_err(|error| OpenError::io(path, "create data directory", error))?;
        let lock = lock(path)?;
        let handle = File::open(path).map_err(|error| OpenError::io(path, "open data directory", error))?;
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            let synced = File::open(parent).and_then(|parent| parent.sync_all());
            synced.map_err(|error| OpenError::io(parent, "sync directory", error))?;
        }
        Ok(Self { path: path.to_path_buf(), handle, _lock: lock })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn segment(&self, first_sequence: u64) -> PathBuf {
        self.path.join(format!("log-{first_sequence:016x}"))
    }

    pub(super) fn snapshot(&self, last_sequence: u64) -> PathBuf {
        self.path.join(format!("snapshot-{last_sequence:016x}"))
    }

    pub(super) fn list(&self) -> Result<Listing, OpenError> {
        let failed = |error| OpenError::io(&self.path, "list data directory", error);
        let mut listing = Listing::default();
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

    /// A file under a name that says it is unfinished, until [`Directory::name`] gives it its own.
    pub(super) fn create_unfinished(path: &Path) -> io::Result<File> {
        OpenOptions::new().write(true).create(true).truncate(true).open(unfinished(path))
    }

    /// Gives a file that was written and synced its name, durably once the directory is synced.
    pub(super) fn name(path: &Path) -> io::Result<()> {
        fs::rename(unfinished(path), path)
    }

    /// Removes what a snapshot covers, and what was never finished. A file that stays does no harm: the
    /// next start removes it.
    pub(super) fn remove_obsolete(&self, listing: &Listing, covered: u64) {
        let segments = listing.segments.iter().filter(|first| **first <= covered);
        let snapshots = listing.snapshots.iter().filter(|last| **last < covered);
        let paths =
            segments.map(|first| self.segment(*first)).chain(snapshots.map(|last| self.snapshot(*last)));
        for path in paths.chain(listing.unfinished.iter().cloned()) {
            if let Err(error) = fs::remove_file(&path) {
                tracing::warn!("cannot remove {}: {error}", path.display());
            }
        }
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        self.handle.sync_all()
    }
}

fn unfinished(path: &Path) -> PathBuf {
    path.with_extension("tmp")
}

fn lock(directory: &Path) -> Result<File, OpenError> {
    let path = directory.join("lock");
    let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
    let mut file = opened.map_err(|error| OpenError::io(&path, "open", error))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            let known = file.read_to_string(&mut holder).is_ok() && !holder.trim().is_empty();
            let holder = if known { format!(" (process {})", holder.trim()) } else { String::new() };
            return Err(OpenError::Locked { directory: directory.to_path_buf(), holder });
        }
        Err(TryLockError::Error(error)) => return Err(OpenError::io(&path, "lock", error)),
    }
    // Only for the message above: that it cannot be written must not keep the server down.
    let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_at_a_time() {
        let place = tempfile::tempdir().expect("a temporary directory");
        let path = place.path().join("data");
        let first = Directory::open(&path).expect("free");
        let Err(error) = Directory::open(&path) else { panic!("opened twice") };
        let words = format!(
            "data directory {} is in use by another process (process {})",
            path.display(),
            std::process::id()
        );
        assert_eq!(error.to_string(), words);
        drop(first);
        Directory::open(&path).expect("free again");
    }
}

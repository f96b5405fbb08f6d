//! The names of the store's files in a directory.
//!
//! `lock` is held by the one process that uses the directory; `begun` says that a store was created here; `log-N`
//! begins with batch N; `snapshot-N` holds the state after all batches up to N; `reserve` keeps room for deletions on
//! a full disk; `*.tmp` is a file that was not finished.

use super::error::OpenError;
use std::fs;
use std::path::{Path, PathBuf};

/// Where the files of a store are, whether or not this process may change them.
#[derive(Clone, Debug)]
pub(super) struct StoreFiles {
    path: PathBuf,
}

/// The files of the store, ordered by their numbers.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct FolderListing {
    pub(super) snapshots: Vec<u64>,
    pub(super) segments: Vec<u64>,
    pub(super) unfinished: Vec<PathBuf>,
}

impl FolderListing {
    /// The last batch that the newest snapshot covers; 0 without a snapshot.
    pub(super) fn covered(&self) -> u64 {
        self.snapshots.last().copied().unwrap_or(0)
    }
}

impl StoreFiles {
    pub(super) fn at(path: &Path) -> Self {
        Self { path: path.to_path_buf() }
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

    pub(super) fn reserve(&self) -> PathBuf {
        self.path.join("reserve")
    }

    pub(super) fn begun(&self) -> PathBuf {
        self.path.join("begun")
    }

    /// Whether a log was begun here once. Directories of the first releases do not have the file `begun`.
    pub(super) fn has_begun(&self) -> bool {
        self.begun().exists()
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
}

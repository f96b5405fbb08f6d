//! The file operations of the store, as a trait, so that tests can make each of them fail.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// The operations that change files and their names.
pub(super) trait Disk: Send + Sync + 'static {
    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Returns when the file's data, and the length needed to read them, are durable.
    fn sync(&self, file: &File) -> io::Result<()>;

    fn truncate(&self, file: &File, length: u64) -> io::Result<()>;

    /// Allocates this many bytes on the disk.
    fn allocate(&self, file: &File, length: u64) -> io::Result<()>;

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Returns when the names in a directory are durable.
    fn sync_directory(&self, directory: &File) -> io::Result<()>;
}

/// The real disk.
pub(super) struct RealDisk;

impl Disk for RealDisk {
    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        file.write_all_at(bytes, offset)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_data()
    }

    fn truncate(&self, file: &File, length: u64) -> io::Result<()> {
        file.set_len(length)
    }

    fn allocate(&self, file: &File, length: u64) -> io::Result<()> {
        let bytes = libc::off_t::try_from(length).map_err(io::Error::other)?;
        // SAFETY: the call only reads its arguments, and the descriptor is open as long as `file` is borrowed.
        match unsafe { libc::posix_fallocate(file.as_raw_fd(), 0, bytes) } {
            0 => Ok(()),
            error => Err(io::Error::from_raw_os_error(error)),
        }
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_directory(&self, directory: &File) -> io::Result<()> {
        directory.sync_all()
    }
}

/// Whether a write failed because the disk is full, which an operator can cure while the server runs.
pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

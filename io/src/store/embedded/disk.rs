//! What the log asks of a disk, so that tests can make it fail at any step.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// The three calls by which the log changes a file.
pub(super) trait Disk: Send + Sync + 'static {
    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Returns when the file's data, and the length needed to read them, are on the disk.
    fn sync(&self, file: &File) -> io::Result<()>;

    fn truncate(&self, file: &File, length: u64) -> io::Result<()>;
}

/// The disk of the machine.
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
}

/// True when a write failed for want of room, which an operator can cure while the server runs.
pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

//! The snapshot file: all that exists at one revision, so that the log before it can be removed.

use super::directory::DataDirectory;
use super::disk::Disk;
use super::error::OpenError;
use super::file::{self, FrameReader, NextFrame, SNAPSHOT_MAGIC};
use super::files::StoreFiles;
use super::frame;
use super::record::{self, Record};
use std::fs::File;
use std::io;
use steersman_core::mvcc::{Lease, Mvcc};
use steersman_core::now::Mono;
use steersman_core::store::{KeyValue, LeaseId, Rev};

/// Roughly the size of a snapshot's frames.
const FRAME_BYTES: usize = 256 * 1024;
const FRAMES_PER_SYNC: u64 = 16;

/// All that exists at one revision.
pub(super) struct Contents {
    revision: Rev,
    leases: Vec<Lease>,
    kvs: Vec<KeyValue>,
}

impl Contents {
    /// The contents of a machine at its newest revision. It walks over all keys; values are shared, not copied.
    pub(super) fn of(mvcc: &Mvcc) -> Self {
        let snapshot = mvcc.snapshot(mvcc.revision()).expect("the newest revision is readable");
        let kvs = snapshot.key_values().collect();
        Self { revision: snapshot.revision, leases: snapshot.leases, kvs }
    }

    /// The same at a later revision.
    pub(super) fn at(self, revision: Rev) -> Self {
        Self { revision: revision.max(self.revision), ..self }
    }

    /// A machine with these contents.
    fn restore(self, now: Mono) -> Result<Mvcc, String> {
        Mvcc::restore(now, self.revision, self.kvs, &self.leases).map_err(|error| format!("{error:?}"))
    }

    fn records(self) -> impl Iterator<Item = Record> {
        let leases = self.leases.into_iter();
        let leases = leases.map(|lease| Record::LeaseGrant { id: lease.id, ttl_seconds: lease.ttl_seconds });
        std::iter::once(Record::Snapshot(self.revision))
            .chain(leases)
            .chain(self.kvs.into_iter().map(Record::Live))
    }
}

/// Writes the snapshot that covers all batches up to `covered`, and returns its size when it is durable. A snapshot
/// that fails leaves no file behind.
pub(super) fn write(directory: &DataDirectory, covered: u64, contents: Contents) -> io::Result<u64> {
    let mut bytes = 0;
    directory.create(&directory.files().snapshot(covered), |file| {
        bytes = write_to(file, directory.disk(), covered, contents)?;
        Ok(())
    })?;
    directory.sync()?;
    Ok(bytes)
}

fn write_to(file: &File, disk: &dyn Disk, covered: u64, contents: Contents) -> io::Result<u64> {
    let (salt, mut pending) = file::header(SNAPSHOT_MAGIC, covered);
    let (mut payload, mut offset, mut sequence, mut records) = (Vec::new(), 0, 0, 0);
    let mut records_left = contents.records();
    loop {
        let record = records_left.next();
        let last = record.is_none();
        record.unwrap_or(Record::SnapshotEnd { records }).encode(&mut payload);
        records += 1;
        if last || payload.len() >= FRAME_BYTES {
            sequence += 1;
            frame::write(&mut pending, salt, sequence, &payload);
            disk.write_at(file, &pending, offset)?;
            offset += pending.len() as u64;
            pending.clear();
            payload.clear();
            // A single sync of the whole file would delay the log's syncs for long.
            if sequence % FRAMES_PER_SYNC == 0 {
                disk.sync(file)?;
            }
        }
        if last {
            return Ok(offset);
        }
    }
}

/// Reads a snapshot: the machine, and the file's size. The content was durable before the file got its name, so any
/// error in it is damage.
pub(super) fn read(files: &StoreFiles, covered: u64, now: Mono) -> Result<(Mvcc, u64), OpenError> {
    let path = files.snapshot(covered);
    let mut reader = FrameReader::open(&path, SNAPSHOT_MAGIC, covered)?;
    let mut contents = Contents { revision: Rev(0), leases: Vec::new(), kvs: Vec::new() };
    let (mut payload, mut sequence, mut records, mut ended) = (Vec::new(), 0, 0, false);
    while !ended {
        let offset = reader.offset();
        sequence += 1;
        if reader.next(sequence, &mut payload)? != NextFrame::Frame {
            return Err(OpenError::damaged(path, offset, "a checksum is wrong"));
        }
        let mut rest = payload.as_slice();
        let damaged = |what| OpenError::damaged(&path, offset, what);
        while let Some(record) = record::decode(&mut rest).map_err(damaged)? {
            ended = take(&mut contents, record, records).map_err(damaged)?;
            records += 1;
        }
    }
    if contents.revision == Rev(0) {
        return Err(OpenError::damaged(path, 0, "the snapshot names no revision"));
    }
    let size = reader.length();
    let mvcc = contents.restore(now).map_err(|what| OpenError::damaged(path, 0, what))?;
    Ok((mvcc, size))
}

/// Adds a record to the contents. True for the last record.
fn take(contents: &mut Contents, record: Record, records_before: u64) -> Result<bool, &'static str> {
    match record {
        Record::Snapshot(revision) => contents.revision = revision,
        Record::LeaseGrant { id, ttl_seconds } => contents.leases.push(Lease { id, ttl_seconds }),
        Record::Live(kv) => contents.kvs.push(kv),
        Record::SnapshotEnd { records } if records == records_before => return Ok(true),
        Record::SnapshotEnd { .. } => return Err("records are missing"),
        Record::Changes { .. }
        | Record::Compact(_)
        | Record::LeaseRevoke(LeaseId(_))
        | Record::Sealed { .. } => {
            return Err("a record that has no place in a snapshot");
        }
    }
    Ok(false)
}

/// Removes the snapshots before this one.
pub(super) fn forget(directory: &DataDirectory, covered: u64) {
    let Ok(listing) = directory.files().list() else { return };
    for older in listing.snapshots.into_iter().filter(|last| *last < covered) {
        let _ = directory.disk().remove(&directory.files().snapshot(older));
    }
}

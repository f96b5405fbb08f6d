//! The log: batches of records in segments, each batch durable when its append returns.

use super::directory::Directory;
use super::disk::{self, Disk};
use super::error::OpenError;
use super::file::{self, FrameReader, Next, SEGMENT_MAGIC};
use super::frame::{self, Tail};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::sync::Arc;

/// Zeros are written ahead of the log by so much, so that a sync of a batch needs no change of the
/// file's length or blocks.
const AHEAD_BYTES: u64 = 4 * 1024 * 1024;

pub(super) struct Log {
    directory: Arc<Directory>,
    disk: Arc<dyn Disk>,
    segment_bytes: u64,
    current: Segment,
    /// First sequences and lengths of the segments before the current one.
    older: Vec<(u64, u64)>,
    next_sequence: u64,
    frame: Vec<u8>,
}

struct Segment {
    file: File,
    first_sequence: u64,
    salt: u64,
    /// Where the next frame goes.
    tail: u64,
    /// Length of the file; zeros from `tail` on.
    length: u64,
}

/// Why a batch was not appended.
#[derive(Debug)]
pub(super) enum AppendError {
    /// No room. The batch is not in the log, and appending may be tried again.
    Full,
    /// The disk refused otherwise. As above.
    Refused(io::Error),
    /// The batch may or may not be there after a restart. Nothing may be appended any more.
    Unknown(io::Error),
}

impl From<AppendError> for io::Error {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Full => io::ErrorKind::StorageFull.into(),
            AppendError::Refused(error) | AppendError::Unknown(error) => error,
        }
    }
}

impl Log {
    /// Opens the log behind the batches that a snapshot covers, and hands every later batch to `replay`
    /// in order. A torn end is cut off.
    pub(super) fn open(
        directory: Arc<Directory>,
        disk: Arc<dyn Disk>,
        segment_bytes: u64,
        covered: u64,
        replay: &mut dyn FnMut(&[u8]) -> Result<(), String>,
    ) -> Result<Self, OpenError> {
        let mut segments = directory.list()?.segments;
        segments.retain(|first_sequence| *first_sequence > covered);
        let mut next_sequence = covered + 1;
        let (mut older, frame) = (Vec::new(), Vec::new());
        let Some(last) = segments.pop() else {
            if covered > 0 {
                return Err(missing(&directory, next_sequence));
            }
            let path = directory.segment(next_sequence);
            let current = Segment::create(&directory, &*disk, next_sequence)
                .map_err(|error| OpenError::io(path, "create", error.into()))?;
            return Ok(Self { directory, disk, segment_bytes, current, older, next_sequence, frame });
        };
        for first_sequence in segments {
            let (reader, tail) = read(&directory, first_sequence, &mut next_sequence, replay)?;
            if tail != Tail::Clean {
                // Only the newest segment can have been written to when the last process ended.
                let path = directory.segment(first_sequence);
                return Err(OpenError::damaged(
                    path,
                    reader.offset(),
                    "a segment breaks off before the last",
                ));
            }
            older.push((first_sequence, reader.length()));
        }
        let (reader, tail) = read(&directory, last, &mut next_sequence, replay)?;
        let current = Segment::reopen(&directory, &*disk, last, &reader, tail == Tail::Torn)
            .map_err(|error| OpenError::io(directory.segment(last), "repair", error))?;
        Ok(Self { directory, disk, segment_bytes, current, older, next_sequence, frame })
    }

    /// Appends a batch and makes it durable.
    pub(super) fn append(&mut self, payload: &[u8]) -> Result<(), AppendError> {
        let frame_bytes = frame::frame_bytes(payload.len()) as u64;
        if !self.current.is_empty() && self.current.tail + frame_bytes > self.segment_bytes {
            self.roll()?;
        }
        self.frame.clear();
        frame::write(&mut self.frame, self.current.salt, self.next_sequence, payload);
        let frame = std::mem::take(&mut self.frame);
        let appended = self.current.append(&*self.disk, &frame, self.segment_bytes);
        self.frame = frame;
        self.frame.shrink_to(AHEAD_BYTES as usize);
        appended?;
        self.next_sequence += 1;
        Ok(())
    }

    /// Starts a new segment, so that the ones before it can be removed when a snapshot covers them.
    /// Returns the sequence of the last batch before it.
    pub(super) fn roll(&mut self) -> Result<u64, AppendError> {
        let covered = self.next_sequence - 1;
        if self.current.is_empty() {
            return Ok(covered);
        }
        let fresh = Segment::create(&self.directory, &*self.disk, self.next_sequence)?;
        let full = std::mem::replace(&mut self.current, fresh);
        // What was written ahead is not needed any more; that it stays does no harm.
        let cut = self.disk.truncate(&full.file, full.tail);
        self.older.push((full.first_sequence, if cut.is_ok() { full.tail } else { full.length }));
        Ok(covered)
    }

    /// Removes the segments that a durable snapshot covers.
    pub(super) fn forget(&mut self, covered: u64) {
        let directory = &self.directory;
        self.older.retain(|(first_sequence, _)| {
            *first_sequence > covered || fs::remove_file(directory.segment(*first_sequence)).is_err()
        });
    }

    /// Bytes of batches that a restart would have to replay.
    pub(super) fn replay_bytes(&self) -> u64 {
        self.older.iter().map(|(_, bytes)| bytes).sum::<u64>() + self.current.tail
    }

    /// Bytes on disk.
    pub(super) fn disk_bytes(&self) -> u64 {
        self.older.iter().map(|(_, bytes)| bytes).sum::<u64>() + self.current.length
    }
}

impl Segment {
    fn create(directory: &Directory, disk: &dyn Disk, first_sequence: u64) -> Result<Self, AppendError> {
        let path = directory.segment(first_sequence);
        let (salt, header) = file::header(SEGMENT_MAGIC, first_sequence);
        let named = || {
            let file = Directory::create_unfinished(&path)?;
            disk.write_at(&file, &header, 0)?;
            disk.sync(&file)?;
            Directory::name(&path)?;
            Ok(file)
        };
        let file = named().map_err(refused)?;
        // With the name neither surely there nor surely gone, the segment before may not go on.
        directory.sync().map_err(AppendError::Unknown)?;
        let tail = header.len() as u64;
        Ok(Self { file, first_sequence, salt, tail, length: tail })
    }

    /// What was read may only have reached the system's memory before the last process was killed: it is
    /// synced before anyone is told of it.
    fn reopen(
        directory: &Directory,
        disk: &dyn Disk,
        first_sequence: u64,
        reader: &FrameReader,
        torn: bool,
    ) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open(directory.segment(first_sequence))?;
        let tail = reader.offset();
        if torn {
            disk.truncate(&file, tail)?;
        }
        disk.sync(&file)?;
        let length = if torn { tail } else { reader.length() };
        Ok(Self { file, first_sequence, salt: reader.salt(), tail, length })
    }

    fn is_empty(&self) -> bool {
        self.tail == file::HEADER_BYTES as u64
    }

    fn append(&mut self, disk: &dyn Disk, frame: &[u8], segment_bytes: u64) -> Result<(), AppendError> {
        let end = self.tail + frame.len() as u64;
        let written = self
            .write_ahead(disk, end, segment_bytes)
            .and_then(|()| disk.write_at(&self.file, frame, self.tail));
        if let Err(error) = written {
            return Err(self.take_back(disk, error));
        }
        match disk.sync(&self.file) {
            Ok(()) => {
                self.tail = end;
                Ok(())
            }
            Err(error) if disk::is_full(&error) => Err(self.take_back(disk, error)),
            // After a failed sync the system may count the pages as written: a second sync would
            // succeed without having done anything. Only reading the file afresh tells what is there.
            Err(error) => Err(AppendError::Unknown(error)),
        }
    }

    fn write_ahead(&mut self, disk: &dyn Disk, end: u64, segment_bytes: u64) -> io::Result<()> {
        if end <= self.length {
            return Ok(());
        }
        let length = (end + AHEAD_BYTES).min(segment_bytes).max(end);
        disk.write_at(&self.file, &vec![0; (length - end) as usize], end)?;
        self.length = length;
        Ok(())
    }

    /// Removes what a failed append has left, so that the next one follows the last whole frame.
    fn take_back(&mut self, disk: &dyn Disk, error: io::Error) -> AppendError {
        let repaired = disk.truncate(&self.file, self.tail).and_then(|()| disk.sync(&self.file));
        self.length = self.tail;
        match repaired {
            Ok(()) => refused(error),
            Err(repair_error) => AppendError::Unknown(repair_error),
        }
    }
}

/// Replays one segment, which has to start with the given sequence, and tells how it ends: not with
/// damage.
fn read(
    directory: &Directory,
    first_sequence: u64,
    next_sequence: &mut u64,
    replay: &mut dyn FnMut(&[u8]) -> Result<(), String>,
) -> Result<(FrameReader, Tail), OpenError> {
    if first_sequence != *next_sequence {
        return Err(missing(directory, *next_sequence));
    }
    let path = directory.segment(first_sequence);
    let mut reader = FrameReader::open(&path, SEGMENT_MAGIC, first_sequence)?;
    let mut payload = Vec::new();
    loop {
        let offset = reader.offset();
        match reader.next(*next_sequence, &mut payload)? {
            Next::Frame => {
                replay(&payload).map_err(|what| OpenError::damaged(&path, offset, what))?;
                *next_sequence += 1;
            }
            Next::End(Tail::Damaged) => return Err(OpenError::damaged(path, offset, "a checksum is wrong")),
            Next::End(tail @ (Tail::Clean | Tail::Torn)) => return Ok((reader, tail)),
        }
    }
}

fn missing(directory: &Directory, sequence: u64) -> OpenError {
    OpenError::Missing { directory: directory.path().to_path_buf(), sequence }
}

fn refused(error: io::Error) -> AppendError {
    if disk::is_full(&error) { AppendError::Full } else { AppendError::Refused(error) }
}

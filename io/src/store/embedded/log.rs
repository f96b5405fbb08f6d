//! The log: batches of records in segments, each batch durable when its append returns.
//!
//! A start continues in a new segment, which begins with a copy of the last batch that was found. It is unknown
//! whether that batch ever became durable: its sync may have failed, and the operating system shows the bytes
//! nevertheless. A segment that begins with a batch replaces what older segments hold from that batch on. A finished
//! segment ends with a seal, which says that there is a next one.

use super::directory::DataDirectory;
use super::disk;
use super::error::OpenError;
use super::file::{self, FrameReader, GUARD_BYTES, NextFrame, SEGMENT_MAGIC};
use super::files::StoreFiles;
use super::frame::{self, Tail};
use super::record::{self, Record};
use super::reserve::Reserve;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Zeros are written this far ahead of the log, so that the sync of a batch need not change the file's length or its
/// blocks.
const AHEAD_BYTES: u64 = 4 * 1024 * 1024;

pub(super) struct Log {
    directory: Arc<DataDirectory>,
    segment_bytes: u64,
    current: Segment,
    /// The first sequence number and the length of each segment before the current one.
    older: Vec<(u64, u64)>,
    next_sequence: u64,
    frame: Vec<u8>,
    reserve: Reserve,
    dropped: Option<Dropped>,
}

/// What a start found after the last complete batch: the beginning of one that was never acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dropped {
    pub(super) path: PathBuf,
    pub(super) offset: u64,
    pub(super) bytes: u64,
}

struct Segment {
    file: File,
    first_sequence: u64,
    salt: u64,
    /// The position of the next frame.
    tail: u64,
    /// The length of the file. From `tail` on it holds zeros, which are durable.
    length: u64,
}

/// What a start found in a segment.
struct Found {
    first_sequence: u64,
    version: u32,
    salt: u64,
    /// Where the valid batches end.
    tail: u64,
    length: u64,
    sealed: bool,
    /// The position of the last batch, and its content.
    last: Option<(u64, Vec<u8>)>,
    dropped: u64,
}

impl Found {
    fn dropped(&self, files: &StoreFiles) -> Option<Dropped> {
        let path = files.segment(self.first_sequence);
        (self.dropped > 0).then_some(Dropped { path, offset: self.tail, bytes: self.dropped })
    }
}

/// Why a batch was not appended.
#[derive(Debug)]
pub(super) enum AppendError {
    /// The disk is full. The batch is not in the log, and appending can be tried again.
    Full,
    /// The disk reported another error. The batch is not in the log, and appending can be tried again.
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

/// Called with each batch.
type Replay<'a> = &'a mut dyn FnMut(&[u8]) -> Result<(), String>;

impl Log {
    /// Opens the log after the batches that a snapshot covers, and gives every later batch to `replay` in order. A
    /// torn end is dropped.
    pub(super) fn open(
        directory: Arc<DataDirectory>,
        segment_bytes: u64,
        reserve_bytes: u64,
        covered: u64,
        replay: Replay<'_>,
    ) -> Result<Self, OpenError> {
        let (found, next_sequence) = read_all(directory.files(), covered, replay)?;
        let reserve = Reserve::find(&directory, reserve_bytes);
        let (current, older, dropped) = go_on(&directory, segment_bytes, found, next_sequence)?;
        if !directory.files().has_begun() {
            directory.begin().map_err(|error| {
                OpenError::io(directory.files().path(), "write into data directory", error)
            })?;
        }
        let frame = Vec::new();
        let mut log =
            Self { directory, segment_bytes, current, older, next_sequence, frame, reserve, dropped };
        if log.reserve.hold(&log.directory).is_err() {
            tracing::warn!(
                "{}: there is no room to reserve for deletions, writes are refused until there is",
                log.directory.files().path().display()
            );
        }
        Ok(log)
    }

    /// What was dropped at the start.
    pub(super) fn dropped(&self) -> Option<&Dropped> {
        self.dropped.as_ref()
    }

    /// Appends a batch and makes it durable, and returns how long the sync took. On a full disk the reserve is used
    /// only for batches that remove data; others are refused until there is room again.
    pub(super) fn append(&mut self, payload: &[u8], takes_away: bool) -> Result<Duration, AppendError> {
        if !takes_away {
            self.reserve.hold(&self.directory)?;
        }
        match self.try_append(payload) {
            Err(AppendError::Full) if takes_away && self.reserve.release(&self.directory) => {
                self.try_append(payload)
            }
            appended => appended,
        }
    }

    fn try_append(&mut self, payload: &[u8]) -> Result<Duration, AppendError> {
        let frame_bytes = frame::frame_bytes(payload.len()) as u64;
        if !self.current.is_empty() && self.current.tail + frame_bytes > self.segment_bytes {
            self.roll()?;
        }
        self.frame.clear();
        frame::write(&mut self.frame, self.current.salt, self.next_sequence, payload);
        let frame = std::mem::take(&mut self.frame);
        let appended = self.current.append(&self.directory, &frame, self.segment_bytes);
        self.frame = frame;
        self.frame.shrink_to(AHEAD_BYTES as usize);
        let synced = appended?;
        self.next_sequence += 1;
        Ok(synced)
    }

    /// Starts a new segment, so that older ones can be removed when a snapshot covers them. Returns the sequence
    /// number of the last batch before it.
    pub(super) fn roll(&mut self) -> Result<u64, AppendError> {
        let covered = self.next_sequence - 1;
        if self.current.is_empty() {
            return Ok(covered);
        }
        let fresh = Segment::create(&self.directory, self.next_sequence, self.segment_bytes, None)?;
        let full = std::mem::replace(&mut self.current, fresh);
        let sealed = seal(&self.directory, &full.file, full.salt, full.tail, self.next_sequence);
        let length = sealed.unwrap_or_else(|error| {
            // The segment's batches are durable, and the next start seals it.
            let path = self.directory.files().segment(full.first_sequence);
            tracing::warn!("cannot seal {}: {error}", path.display());
            full.length
        });
        self.older.push((full.first_sequence, length));
        Ok(covered)
    }

    /// Like `roll`, for a snapshot that is to free room: it may use the reserve on a full disk.
    pub(super) fn roll_for_room(&mut self) -> Result<u64, AppendError> {
        match self.roll() {
            Err(AppendError::Full) if self.reserve.release(&self.directory) => self.roll(),
            rolled => rolled,
        }
    }

    /// Whether the disk was full when room was last asked for.
    pub(super) fn lacks_room(&self) -> bool {
        self.reserve.is_missing()
    }

    /// Room that deletions have on a full disk.
    pub(super) fn reserve_bytes(&self) -> u64 {
        self.reserve.bytes()
    }

    /// Removes the segments that a durable snapshot covers.
    pub(super) fn forget(&mut self, covered: u64) {
        let directory = &self.directory;
        self.older.retain(|(first_sequence, _)| {
            *first_sequence > covered
                || directory.disk().remove(&directory.files().segment(*first_sequence)).is_err()
        });
    }

    /// How many bytes of batches a restart would replay.
    pub(super) fn replay_bytes(&self) -> u64 {
        self.older.iter().map(|(_, bytes)| bytes).sum::<u64>() + self.current.tail
    }

    /// How many bytes the log takes on the disk.
    pub(super) fn disk_bytes(&self) -> u64 {
        self.older.iter().map(|(_, bytes)| bytes).sum::<u64>() + self.current.length
    }
}

/// Begins a log after a snapshot that covers all batches so far, in a directory that has no log.
pub(super) fn begin(directory: &DataDirectory, covered: u64) -> Result<(), OpenError> {
    let segment = Segment::create(directory, covered + 1, AHEAD_BYTES, None);
    let begun = segment.map_err(io::Error::from).and_then(|_| directory.begin());
    begun.map_err(|error| OpenError::io(directory.files().path(), "write into data directory", error))
}

/// The segment in which a start continues, the segments before it, and what was dropped.
type Going = (Segment, Vec<(u64, u64)>, Option<Dropped>);

fn go_on(
    directory: &DataDirectory,
    segment_bytes: u64,
    mut found: Vec<Found>,
    next_sequence: u64,
) -> Result<Going, OpenError> {
    let failed = |first_sequence, error: io::Error| {
        OpenError::io(directory.files().segment(first_sequence), "write", error)
    };
    let create = |first_sequence: u64, payload: Option<&[u8]>| {
        Segment::create(directory, first_sequence, segment_bytes, payload)
    };
    let Some(mut last) = found.pop() else {
        let first = create(next_sequence, None).map_err(|error| failed(next_sequence, error.into()))?;
        return Ok((first, Vec::new(), None));
    };
    let dropped = last.dropped(directory.files());
    let batch = last.last.take();
    let created = match &batch {
        Some((_, payload)) => create(next_sequence - 1, Some(payload.as_slice())),
        None if last.version == file::FORMAT_VERSION && last.dropped == 0 => {
            Segment::reopen(directory, &last).map_err(AppendError::Refused)
        }
        None => create(last.first_sequence, None),
    };
    let current = match created {
        // Rewriting a batch in its place needs no room, so it works on a full disk.
        Err(AppendError::Full) => Segment::rewrite(directory, &last, batch.as_ref(), next_sequence - 1),
        created => created.map_err(io::Error::from),
    };
    let current = current.map_err(|error| failed(last.first_sequence, error))?;
    if let Some((offset, _)) = batch
        && current.first_sequence != last.first_sequence
    {
        found.push(Found { tail: offset, sealed: false, ..last });
    }
    let mut older: Vec<(u64, u64)> = found.iter().map(|found| (found.first_sequence, found.length)).collect();
    if let (Some(last), Some((_, length))) = (found.last(), older.last_mut())
        && !last.sealed
    {
        let path = directory.files().segment(last.first_sequence);
        let sealed = OpenOptions::new()
            .write(true)
            .open(&path)
            .and_then(|file| seal(directory, &file, last.salt, last.tail, current.first_sequence));
        *length = sealed.map_err(|error| OpenError::io(path, "seal", error))?;
    }
    Ok((current, older, dropped))
}

/// Writes the seal at the end of a segment, with the number of the batch that the next segment begins with, and cuts
/// off what follows. Returns the length.
fn seal(directory: &DataDirectory, file: &File, salt: u64, tail: u64, next_sequence: u64) -> io::Result<u64> {
    let (mut payload, mut bytes) = (Vec::new(), Vec::new());
    Record::Sealed { next_sequence }.encode(&mut payload);
    frame::write(&mut bytes, salt, next_sequence, &payload);
    let length = tail + bytes.len() as u64;
    directory.disk().write_at(file, &bytes, tail)?;
    directory.disk().truncate(file, length)?;
    directory.disk().sync(file)?;
    Ok(length)
}

impl Segment {
    /// Creates a new segment, with its first batch if one is given. It replaces one of the same name.
    fn create(
        directory: &DataDirectory,
        first_sequence: u64,
        segment_bytes: u64,
        payload: Option<&[u8]>,
    ) -> Result<Self, AppendError> {
        let (salt, mut start) = file::header(SEGMENT_MAGIC, first_sequence);
        if let Some(payload) = payload {
            frame::write(&mut start, salt, first_sequence, payload);
        }
        let tail = start.len() as u64;
        // A full disk may still have room for a shorter file.
        let lengths = [(tail + AHEAD_BYTES).min(segment_bytes).max(tail + GUARD_BYTES), tail + GUARD_BYTES];
        for (length, is_last) in [(lengths[0], lengths[0] == lengths[1]), (lengths[1], true)] {
            start.resize(length as usize, 0);
            let written = |file: &File| directory.disk().write_at(file, &start, 0);
            match directory.create(&directory.files().segment(first_sequence), written) {
                Ok(file) => {
                    // It is not known whether the name is durable, so appending to the previous segment would be
                    // wrong.
                    directory.sync().map_err(AppendError::Unknown)?;
                    return Ok(Self { file, first_sequence, salt, tail, length });
                }
                Err(error) if is_last || !disk::is_full(&error) => return Err(refused(error)),
                Err(_) => {}
            }
        }
        unreachable!("the last try returns")
    }

    /// Continues in an existing segment. If it has no batches, its content was made durable before it got its name.
    fn reopen(directory: &DataDirectory, found: &Found) -> io::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(directory.files().segment(found.first_sequence))?;
        let Found { first_sequence, salt, tail, length, .. } = *found;
        Ok(Self { file, first_sequence, salt, tail, length })
    }

    /// Rewrites the last batch in its place, and zeros over a torn end. The bytes of the batch are the same as
    /// before, so a power failure meanwhile does no harm.
    fn rewrite(
        directory: &DataDirectory,
        found: &Found,
        batch: Option<&(u64, Vec<u8>)>,
        sequence: u64,
    ) -> io::Result<Self> {
        let segment = Self::reopen(directory, found)?;
        let (mut bytes, mut offset) = (Vec::new(), found.tail);
        if let Some((at, payload)) = batch {
            frame::write(&mut bytes, found.salt, sequence, payload);
            offset = *at;
        }
        bytes.resize(bytes.len() + found.dropped as usize, 0);
        directory.disk().write_at(&segment.file, &bytes, offset)?;
        directory.disk().sync(&segment.file)?;
        Ok(segment)
    }

    fn is_empty(&self) -> bool {
        self.tail == file::HEADER_BYTES as u64
    }

    fn append(
        &mut self,
        directory: &DataDirectory,
        frame: &[u8],
        segment_bytes: u64,
    ) -> Result<Duration, AppendError> {
        let disk = directory.disk();
        let end = self.tail + frame.len() as u64;
        self.write_ahead(directory, end, segment_bytes)?;
        if let Err(error) = disk.write_at(&self.file, frame, self.tail) {
            return Err(self.take_back(directory, frame.len(), error));
        }
        let began = Instant::now();
        match disk.sync(&self.file) {
            Ok(()) => {
                self.tail = end;
                Ok(began.elapsed())
            }
            Err(error) if disk::is_full(&error) => Err(self.take_back(directory, frame.len(), error)),
            // After a failed sync the system may regard the pages as written: a second sync would succeed without
            // writing them. Only writing the batch again can make it durable.
            Err(error) => Err(AppendError::Unknown(error)),
        }
    }

    /// Makes zeros durable up to a position after the next frame, so that a shorter file at the next start is known
    /// to be truncated.
    fn write_ahead(
        &mut self,
        directory: &DataDirectory,
        end: u64,
        segment_bytes: u64,
    ) -> Result<(), AppendError> {
        let least = end + GUARD_BYTES;
        if least <= self.length {
            return Ok(());
        }
        let disk = directory.disk();
        for length in [(end + AHEAD_BYTES).min(segment_bytes).max(least), least] {
            let zeros = vec![0; (length - self.length) as usize];
            let written = disk.write_at(&self.file, &zeros, self.length).and_then(|()| disk.sync(&self.file));
            match written {
                Ok(()) => {
                    self.length = length;
                    return Ok(());
                }
                // There may be room for fewer zeros. What the failed write has left are zeros, which do no harm.
                Err(error) if disk::is_full(&error) => {}
                Err(error) => return Err(AppendError::Refused(error)),
            }
        }
        Err(AppendError::Full)
    }

    /// Removes what a failed append has left, so that the next frame follows the last complete one.
    fn take_back(&mut self, directory: &DataDirectory, frame_bytes: usize, error: io::Error) -> AppendError {
        let disk = directory.disk();
        let zeros = vec![0; frame_bytes];
        let repaired = disk.write_at(&self.file, &zeros, self.tail).and_then(|()| disk.sync(&self.file));
        match repaired {
            Ok(()) => refused(error),
            Err(repair_error) => AppendError::Unknown(repair_error),
        }
    }
}

/// Gives every batch after those that a snapshot covers to `replay`, in order, and changes nothing. Returns the number
/// of the last batch and what follows it that was not written to its end.
pub(super) fn replay_all(
    files: &StoreFiles,
    covered: u64,
    replay: Replay<'_>,
) -> Result<(u64, Option<Dropped>), OpenError> {
    let (found, next_sequence) = read_all(files, covered, replay)?;
    Ok((next_sequence - 1, found.last().and_then(|last| last.dropped(files))))
}

/// Replays the segments after a snapshot. Returns what they are, and the number of the next batch.
fn read_all(files: &StoreFiles, covered: u64, replay: Replay<'_>) -> Result<(Vec<Found>, u64), OpenError> {
    let mut segments = files.list()?.segments;
    segments.retain(|first_sequence| *first_sequence > covered);
    if segments.is_empty() && (covered > 0 || files.has_begun()) {
        return Err(missing(files, covered + 1));
    }
    let mut next_sequence = covered + 1;
    let mut found = Vec::new();
    for (at, first_sequence) in segments.iter().enumerate() {
        let until = segments.get(at + 1).copied();
        found.push(read(files, *first_sequence, until, &mut next_sequence, replay)?);
    }
    Ok((found, next_sequence))
}

/// Replays one segment, which must begin with the given sequence number, up to the batch `until` that the next
/// segment begins with. A segment that ends before that is damaged; only the newest may have a torn end.
fn read(
    files: &StoreFiles,
    first_sequence: u64,
    until: Option<u64>,
    next_sequence: &mut u64,
    replay: Replay<'_>,
) -> Result<Found, OpenError> {
    if first_sequence != *next_sequence {
        return Err(missing(files, *next_sequence));
    }
    let path = files.segment(first_sequence);
    let mut reader = FrameReader::open(&path, SEGMENT_MAGIC, first_sequence)?;
    let mut found = Found {
        first_sequence,
        version: reader.version(),
        salt: reader.salt(),
        tail: reader.offset(),
        length: reader.length(),
        sealed: false,
        last: None,
        dropped: 0,
    };
    let (mut payload, mut last) = (Vec::new(), (0, Vec::new()));
    loop {
        let offset = reader.offset();
        let next = reader.next(*next_sequence, &mut payload)?;
        let is_seal = next == NextFrame::Frame && record::is_seal(&payload);
        if until == Some(*next_sequence) {
            found.sealed = is_seal;
            return Ok(found);
        }
        match next {
            NextFrame::Frame if is_seal => return Err(missing(files, *next_sequence)),
            NextFrame::Frame => {
                replay(&payload).map_err(|what| OpenError::damaged(&path, offset, what))?;
                *next_sequence += 1;
                found.tail = reader.offset();
                last = (offset, std::mem::take(&mut payload));
            }
            NextFrame::End { tail: Tail::Damaged, .. } => {
                return Err(OpenError::damaged(path, offset, "a checksum is wrong"));
            }
            NextFrame::End { tail: Tail::Cut, .. } => {
                return Err(OpenError::damaged(
                    path,
                    offset,
                    "the file was cut off, and batches are missing",
                ));
            }
            NextFrame::End { .. } if until.is_some() => {
                return Err(OpenError::damaged(path, offset, "the log breaks off, and other files follow"));
            }
            NextFrame::End { tail: Tail::Clean | Tail::Torn, bytes } => {
                found.dropped = bytes;
                found.last = (found.tail > file::HEADER_BYTES as u64).then_some(last);
                return Ok(found);
            }
        }
    }
}

fn missing(files: &StoreFiles, sequence: u64) -> OpenError {
    OpenError::Missing { directory: files.path().to_path_buf(), sequence }
}

fn refused(error: io::Error) -> AppendError {
    if disk::is_full(&error) { AppendError::Full } else { AppendError::Refused(error) }
}

//! What log segments and snapshots have in common: a header, then frames in sequence.
//!
//! ```text
//! magic 8 | version u32 | zero u32 | salt u64 | sequence u64 | crc u32 | zero u32 | frames
//! ```

use super::error::OpenError;
use super::frame::{self, Tail};
use std::fs::File;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// The version is raised when files are written that older servers cannot read. A log of version 1 may end where its
/// file ends. Since version 2 zeros follow the last frame, so that a truncated file is noticed, and finished files
/// end with a seal.
pub(super) const FORMAT_VERSION: u32 = 2;
/// The oldest version that can still be read.
const OLDEST_VERSION: u32 = 1;
/// At least this many zeros follow the last frame of the log that is being written.
pub(super) const GUARD_BYTES: u64 = 512;
pub(super) const HEADER_BYTES: usize = 40;

pub(super) const SEGMENT_MAGIC: &[u8; 8] = b"STRSMLOG";
pub(super) const SNAPSHOT_MAGIC: &[u8; 8] = b"STRSMSNP";

const READ_BYTES: usize = 256 * 1024;

/// A new file's header, with a salt of its own.
pub(super) fn header(magic: &[u8; 8], sequence: u64) -> (u64, Vec<u8>) {
    // The standard library's hasher is seeded by the operating system, so it serves as a source of randomness.
    let salt = RandomState::new().build_hasher().finish();
    let mut bytes = magic.to_vec();
    bytes.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(&salt.to_le_bytes());
    bytes.extend_from_slice(&sequence.to_le_bytes());
    let crc = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes.resize(HEADER_BYTES, 0);
    (salt, bytes)
}

/// Reads a file's frames, one after the other.
pub(super) struct FrameReader {
    input: BufReader<File>,
    path: PathBuf,
    version: u32,
    salt: u64,
    offset: u64,
    length: u64,
}

/// What follows at the reader's position.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NextFrame {
    /// A complete frame, whose payload was read.
    Frame,
    /// There is no complete frame, and the position stays. `bytes` is how many bytes follow up to the last one that
    /// is not zero.
    End { tail: Tail, bytes: u64 },
}

impl FrameReader {
    /// Opens the file with the number `sequence`, and checks its header.
    pub(super) fn open(path: &Path, magic: &[u8; 8], sequence: u64) -> Result<Self, OpenError> {
        let failed = |error| OpenError::io(path, "open", error);
        let file = File::open(path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        let mut input = BufReader::with_capacity(READ_BYTES, file);
        let mut bytes = [0; HEADER_BYTES];
        if length < HEADER_BYTES as u64 {
            return Err(OpenError::damaged(path, length, "the file header breaks off"));
        }
        input.read_exact(&mut bytes).map_err(|error| OpenError::io(path, "read", error))?;
        let (version, salt) = check_header(path, &bytes, magic, sequence)?;
        Ok(Self { input, path: path.to_path_buf(), version, salt, offset: HEADER_BYTES as u64, length })
    }

    pub(super) fn version(&self) -> u32 {
        self.version
    }

    pub(super) fn salt(&self) -> u64 {
        self.salt
    }

    /// The position of the next frame.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Reads the frame with the given sequence into `payload`, or decides why there is none.
    pub(super) fn next(&mut self, sequence: u64, payload: &mut Vec<u8>) -> Result<NextFrame, OpenError> {
        let path = self.path.clone();
        let failed = |error| OpenError::io(&path, "read", error);
        if self.read_frame(sequence, payload).map_err(failed)? {
            return Ok(NextFrame::Frame);
        }
        let mut rest = Vec::new();
        self.input.seek(SeekFrom::Start(self.offset)).map_err(failed)?;
        self.input.read_to_end(&mut rest).map_err(failed)?;
        let tail = match frame::judge(self.salt, sequence, self.offset, &rest) {
            Tail::Clean | Tail::Torn if self.version > 1 && is_cut(self.salt, &rest) => Tail::Cut,
            judged => judged,
        };
        let bytes = rest.iter().rposition(|byte| *byte != 0).map_or(0, |last| last as u64 + 1);
        Ok(NextFrame::End { tail, bytes })
    }

    fn read_frame(&mut self, sequence: u64, payload: &mut Vec<u8>) -> std::io::Result<bool> {
        let left = self.length - self.offset;
        let mut bytes = [0; frame::HEADER_BYTES];
        if left < bytes.len() as u64 {
            return Ok(false);
        }
        self.input.read_exact(&mut bytes)?;
        let Some(header) = frame::header(self.salt, &bytes) else { return Ok(false) };
        let frame_bytes = frame::frame_bytes(header.length as usize) as u64;
        if header.sequence != sequence || left < frame_bytes {
            return Ok(false);
        }
        payload.resize(header.length as usize, 0);
        self.input.read_exact(payload)?;
        if !header.fits(payload) {
            return Ok(false);
        }
        let after = frame_bytes as i64 - bytes.len() as i64 - i64::from(header.length);
        self.input.seek_relative(after)?;
        self.offset += frame_bytes;
        Ok(true)
    }
}

/// Whether a file ends where zeros should follow. They are made durable before a frame is written over them, so a
/// power failure cannot remove them, and the file must have been truncated.
fn is_cut(salt: u64, rest: &[u8]) -> bool {
    let frame_bytes = match frame::header(salt, rest) {
        Some(header) => frame::frame_bytes(header.length as usize),
        None if rest.iter().all(|byte| *byte == 0) => 0,
        None => frame::HEADER_BYTES,
    };
    (rest.len() as u64) < frame_bytes as u64 + GUARD_BYTES
}

/// The version and the salt.
fn check_header(
    path: &Path,
    bytes: &[u8; HEADER_BYTES],
    magic: &[u8],
    sequence: u64,
) -> Result<(u32, u64), OpenError> {
    let (found_magic, rest) = bytes.split_at(8);
    if found_magic != magic {
        return Err(OpenError::damaged(path, 0, "the file does not start as a file of the store does"));
    }
    let number = |at: usize| u32::from_le_bytes([rest[at], rest[at + 1], rest[at + 2], rest[at + 3]]);
    let long = |at: usize| u64::from(number(at)) | u64::from(number(at + 4)) << 32;
    if !(OLDEST_VERSION..=FORMAT_VERSION).contains(&number(0)) {
        return Err(OpenError::UnknownVersion { path: path.to_path_buf(), version: number(0) });
    }
    if number(24) != crc32fast::hash(&bytes[..32]) || number(28) != 0 {
        return Err(OpenError::damaged(path, 0, "the checksum of the file header is wrong"));
    }
    if long(16) != sequence {
        return Err(OpenError::damaged(path, 0, "the file has the name of another one"));
    }
    Ok((number(0), long(8)))
}

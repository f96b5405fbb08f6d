//! The frame of the log: one batch of records, written by one append and made durable by one sync.
//!
//! ```text
//! length u32 | payload crc u32 | sequence u64 | header crc u32 | mark u32 | payload | mark u32 | zeros
//! ```
//!
//! Numbers are little-endian, frames start at multiples of eight bytes, and zeros follow the last frame of a file.
//! The checksums decide whether a frame is complete. The two marks, which are never zero, only distinguish a frame
//! that was not completely written (allowed at the end of the log) from one that was and has changed since (never
//! allowed).

pub(super) const HEADER_BYTES: usize = 24;
const MARK: [u8; 4] = [0xa5, 0x5a, 0xc3, 0x3c];
/// Disks write whole sectors. A sector inside a frame that is all zeros was never written.
const SECTOR_BYTES: u64 = 512;

/// The header of a frame. Its checksum was correct.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FrameHeader {
    pub(super) length: u32,
    pub(super) payload_crc: u32,
    pub(super) sequence: u64,
}

/// Why the bytes at the end of a log are not a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tail {
    /// There are only zeros: the log ends here.
    Clean,
    /// A frame was not completely written, so no caller was told that it is durable.
    Torn,
    /// A frame was durable once and has been damaged.
    Damaged,
    /// The file was longer once.
    Cut,
}

/// Appends one frame to `out`. `salt` belongs to the file, so that neither a stored value nor a block of another file
/// can be mistaken for a frame.
pub(super) fn write(out: &mut Vec<u8>, salt: u64, sequence: u64, payload: &[u8]) {
    let length = u32::try_from(payload.len()).expect("the size of a batch is bounded");
    let start = out.len();
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&crc32fast::hash(payload).to_le_bytes());
    out.extend_from_slice(&sequence.to_le_bytes());
    let header_crc = header_crc(salt, &out[start..]);
    out.extend_from_slice(&header_crc.to_le_bytes());
    out.extend_from_slice(&MARK);
    out.extend_from_slice(payload);
    out.extend_from_slice(&MARK);
    out.resize(start + frame_bytes(payload.len()), 0);
}

/// How many bytes a frame takes in the file.
pub(super) const fn frame_bytes(payload_bytes: usize) -> usize {
    (HEADER_BYTES + payload_bytes + MARK.len()).next_multiple_of(8)
}

/// The header at the start of `bytes`, if it is complete.
pub(super) fn header(salt: u64, bytes: &[u8]) -> Option<FrameHeader> {
    let bytes = bytes.get(..HEADER_BYTES)?;
    let (checked, rest) = bytes.split_at(16);
    let (crc, mark) = rest.split_at(4);
    let whole = mark == MARK && crc == header_crc(salt, checked).to_le_bytes();
    whole.then(|| FrameHeader {
        length: u32_at(checked, 0),
        payload_crc: u32_at(checked, 4),
        sequence: u64::from(u32_at(checked, 8)) | u64::from(u32_at(checked, 12)) << 32,
    })
}

impl FrameHeader {
    pub(super) fn fits(&self, payload: &[u8]) -> bool {
        crc32fast::hash(payload) == self.payload_crc
    }
}

/// Decides why the bytes from `offset` to the end of the file do not start with a complete frame. `expected` is the
/// sequence number that this frame should have.
pub(super) fn judge(salt: u64, expected: u64, offset: u64, rest: &[u8]) -> Tail {
    if rest.iter().all(|byte| *byte == 0) {
        return Tail::Clean;
    }
    // A frame is appended only after the previous one was synced, so a later frame proves that this one was complete.
    if has_later_frame(salt, expected, rest) {
        return Tail::Damaged;
    }
    let (marked_bytes, frame_bytes) = match header(salt, rest) {
        Some(FrameHeader { length, .. }) => {
            (HEADER_BYTES + length as usize + MARK.len(), frame_bytes(length as usize))
        }
        None => (HEADER_BYTES, HEADER_BYTES),
    };
    if rest.len() < frame_bytes {
        return Tail::Torn;
    }
    let marked = &rest[..marked_bytes];
    let mark_is_torn = marked[marked_bytes - MARK.len()..].contains(&0);
    if mark_is_torn || has_unwritten_sector(offset, marked) { Tail::Torn } else { Tail::Damaged }
}

fn has_later_frame(salt: u64, expected: u64, rest: &[u8]) -> bool {
    (0..rest.len()).step_by(8).any(|at| {
        let bytes = &rest[at..];
        bytes.get(20..24) == Some(&MARK)
            && header(salt, bytes).is_some_and(|header| {
                let payload = bytes.get(HEADER_BYTES..HEADER_BYTES.saturating_add(header.length as usize));
                header.sequence > expected && payload.is_some_and(|payload| header.fits(payload))
            })
    })
}

fn has_unwritten_sector(offset: u64, frame: &[u8]) -> bool {
    let to_boundary = (SECTOR_BYTES - offset % SECTOR_BYTES) as usize;
    let (first, others) = frame.split_at(to_boundary.min(frame.len()));
    std::iter::once(first)
        .chain(others.chunks(SECTOR_BYTES as usize))
        .any(|sector| sector.iter().all(|byte| *byte == 0))
}

fn header_crc(salt: u64, checked: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&salt.to_le_bytes());
    hasher.update(checked);
    hasher.finalize()
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALT: u64 = 7;

    fn two_frames() -> (Vec<u8>, usize) {
        let mut bytes = Vec::new();
        write(&mut bytes, SALT, 1, &[1; 700]);
        let second = bytes.len();
        write(&mut bytes, SALT, 2, b"second");
        (bytes, second)
    }

    #[test]
    fn a_frame_reads_back() {
        let (bytes, second) = two_frames();
        let first = header(SALT, &bytes).expect("whole");
        assert_eq!((first.length, first.sequence, second), (700, 1, frame_bytes(700)));
        assert!(first.fits(&bytes[HEADER_BYTES..HEADER_BYTES + 700]));
        assert_eq!(header(SALT + 1, &bytes), None, "another file's frame");
        assert_eq!(header(SALT, &bytes[second..]).map(|header| header.sequence), Some(2));
    }

    #[test]
    fn a_torn_end_is_distinguished_from_damage() {
        let (bytes, second) = two_frames();
        let zeros = [0_u8; 64];
        assert_eq!(judge(SALT, 3, bytes.len() as u64, &zeros), Tail::Clean);
        for cut in 1..bytes.len() - second - 2 {
            let mut torn = bytes[second..second + cut].to_vec();
            let judged = judge(SALT, 2, second as u64, &torn);
            assert!(judged == Tail::Torn || torn.iter().all(|byte| *byte == 0), "cut at {cut}: {judged:?}");
            torn.resize(bytes.len() - second + 64, 0);
            let whole =
                header(SALT, &torn).is_some_and(|header| header.fits(&torn[HEADER_BYTES..HEADER_BYTES + 6]));
            assert!(whole || judge(SALT, 2, second as u64, &torn) == Tail::Torn, "zeros from {cut}");
        }
        for at in 0..HEADER_BYTES + 6 {
            let mut flipped = bytes.clone();
            flipped[second + at] ^= 0x10;
            assert_eq!(
                judge(SALT, 2, second as u64, &flipped[second..]),
                Tail::Damaged,
                "last frame, byte {at}"
            );
            flipped = bytes.clone();
            flipped[at] = 0;
            assert_eq!(judge(SALT, 1, 0, &flipped), Tail::Damaged, "a frame follows, byte {at}");
        }
    }
}

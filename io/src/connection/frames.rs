//! Follows the frames that an HTTP/2 client sends, without changing them, to know whether it has begun a preface, a
//! frame or a head and not finished it. Deadlines apply to these only. RFC 9113, 3.4 and 4.1.

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const FRAME_HEADER_BYTES: usize = 9;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;

/// Follows the bytes that a client sends.
pub(super) struct Frames {
    preface: usize,
    has_settings: bool,
    /// The part of the next frame's header that has arrived.
    header: [u8; FRAME_HEADER_BYTES],
    header_bytes: usize,
    /// How many bytes of the current frame's payload are still to come.
    payload: usize,
    /// The head has begun and continues in the next frame.
    in_head: bool,
    /// How many frames have ended; the frames of one head count once.
    ended: u64,
}

/// What the client has begun to send and must finish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owed {
    Preface,
    Settings,
    /// The rest of a frame, or of a head that takes several frames.
    Rest,
    Nothing,
}

impl Frames {
    pub(super) fn new() -> Self {
        Self {
            preface: 0,
            has_settings: false,
            header: [0; FRAME_HEADER_BYTES],
            header_bytes: 0,
            payload: 0,
            in_head: false,
            ended: 0,
        }
    }

    pub(super) fn ended(&self) -> u64 {
        self.ended
    }

    pub(super) fn owed(&self) -> Owed {
        if self.preface < PREFACE.len() {
            Owed::Preface
        } else if !self.has_settings {
            Owed::Settings
        } else if self.payload > 0 || self.header_bytes > 0 || self.in_head {
            Owed::Rest
        } else {
            Owed::Nothing
        }
    }

    /// Whether a head has begun and is not complete.
    pub(super) fn in_head(&self) -> bool {
        self.in_head
    }

    /// Follows the bytes that arrived. Whether they are valid is for the HTTP/2 library to find out.
    pub(super) fn pass(&mut self, mut bytes: &[u8]) {
        let preface = (PREFACE.len() - self.preface).min(bytes.len());
        self.preface += preface;
        bytes = &bytes[preface..];
        while !bytes.is_empty() {
            if self.payload > 0 {
                let skipped = self.payload.min(bytes.len());
                self.payload -= skipped;
                bytes = &bytes[skipped..];
                self.end_frame();
                continue;
            }
            let taken = (FRAME_HEADER_BYTES - self.header_bytes).min(bytes.len());
            self.header[self.header_bytes..self.header_bytes + taken].copy_from_slice(&bytes[..taken]);
            self.header_bytes += taken;
            bytes = &bytes[taken..];
            if self.header_bytes == FRAME_HEADER_BYTES {
                let [high, middle, low, ..] = self.header;
                self.payload = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
                self.begin_frame();
                self.end_frame();
            }
        }
    }

    fn begin_frame(&mut self) {
        let [_, _, _, kind, flags, ..] = self.header;
        if kind == HEADERS || kind == CONTINUATION {
            self.in_head = flags & END_HEADERS == 0;
        }
    }

    fn end_frame(&mut self) {
        if self.payload == 0 {
            self.has_settings |= self.header[3] == SETTINGS;
            self.header_bytes = 0;
            self.ended += u64::from(!self.in_head);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unfinished_frames_are_known_however_the_bytes_are_split() {
        let mut bytes = PREFACE.to_vec();
        let mut expected = vec![(PREFACE.len(), Owed::Preface)];
        let mut add = |frame: &[u8], last_owed: Owed| {
            expected.push((frame.len(), last_owed));
            bytes.extend_from_slice(frame);
        };
        add(&[0, 0, 6, SETTINGS, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 100], Owed::Settings);
        add(&[0, 0, 0, SETTINGS, 1, 0, 0, 0, 0], Owed::Rest);
        add(&[0, 0, 2, HEADERS, 0, 0, 0, 0, 1, 7, 7], Owed::Rest);
        add(&[0, 0, 1, CONTINUATION, END_HEADERS, 0, 0, 0, 1, 7], Owed::Rest);
        add(&[0, 0, 3, 0, 1, 0, 0, 0, 1, 1, 2, 3], Owed::Rest);
        let after_headers = expected[..4].iter().map(|(length, _)| length).sum::<usize>();
        for step in 1..bytes.len() {
            let mut frames = Frames::new();
            let mut passed = 0;
            for piece in bytes.chunks(step) {
                frames.pass(piece);
                passed += piece.len();
                let mut end = 0;
                let inside = expected.iter().find(|(length, _)| {
                    let begin = end;
                    end += length;
                    (begin..end).contains(&passed)
                });
                let is_at_end = passed == bytes.len();
                let begin = inside.map_or(end, |(length, _)| end - length);
                let owed = match inside {
                    None => Owed::Nothing,
                    Some((_, owed)) if passed > begin || *owed != Owed::Rest => *owed,
                    Some(_) if frames.in_head() => Owed::Rest,
                    Some(_) => Owed::Nothing,
                };
                assert_eq!(frames.owed(), owed, "after {passed} bytes in steps of {step}, end {is_at_end}");
                let begun_head = passed >= after_headers - 11 + FRAME_HEADER_BYTES;
                let in_head = begun_head && passed < after_headers + FRAME_HEADER_BYTES;
                assert_eq!(frames.in_head(), in_head, "after {passed} bytes in steps of {step}");
            }
        }
    }
}

//! The characters of a YAML stream: UTF-8, or UTF-16 with a byte order mark, without control characters.
//! Go: go.yaml.in/yaml/v2 readerc.go

use alloc::borrow::Cow;
use alloc::vec::Vec;

/// What can be read of a stream, in UTF-8, and what is wrong with the rest.
pub(super) struct Source<'a> {
    pub(super) text: Cow<'a, [u8]>,
    /// Why the characters after the text cannot be read; None when the stream ends there.
    pub(super) fault: Option<&'static str>,
}

/// Why a character cannot be read.
#[derive(Clone, Copy)]
enum Fault {
    /// The stream ends within it. This is met when all before it was read.
    CutOff(&'static str),
    Broken(&'static str),
}

impl Fault {
    fn text(self) -> &'static str {
        match self {
            Self::CutOff(text) | Self::Broken(text) => text,
        }
    }
}

/// Go reads so many bytes at once: a fault is met when the part that it is in is needed.
const PART_BYTES: usize = 512;

pub(super) fn read(bytes: &[u8]) -> Source<'_> {
    match bytes {
        [0xFF, 0xFE, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => wide(rest, u16::from_be_bytes),
        [0xEF, 0xBB, 0xBF, rest @ ..] => narrow(rest, 3),
        _ => narrow(bytes, 0),
    }
}

fn narrow(bytes: &[u8], before: usize) -> Source<'_> {
    let Some((offset, fault)) = narrow_fault(bytes) else {
        return Source { text: Cow::Borrowed(bytes), fault: None };
    };
    if let Fault::CutOff(text) = fault {
        return Source { text: Cow::Borrowed(bytes.get(..offset).unwrap_or_default()), fault: Some(text) };
    }
    // Where the part begins that has the fault; a part ends with a whole character.
    let mut start = 0;
    let mut length = PART_BYTES.saturating_sub(before);
    while start + length <= offset {
        let mut end = start + length;
        while end > start && bytes.get(end).is_some_and(|byte| byte & 0xC0 == 0x80) {
            end -= 1;
        }
        start = end.max(start + 1);
        length = PART_BYTES;
    }
    Source { text: Cow::Borrowed(bytes.get(..start).unwrap_or_default()), fault: Some(fault.text()) }
}

/// The first character that no stream may have.
fn narrow_fault(bytes: &[u8]) -> Option<(usize, Fault)> {
    let (text, broken) = match str::from_utf8(bytes) {
        Ok(text) => (text, None),
        Err(error) => {
            let offset = error.valid_up_to();
            let head = bytes.get(..offset).and_then(|head| str::from_utf8(head).ok()).unwrap_or_default();
            (head, Some((offset, sequence_fault(bytes.get(offset..).unwrap_or_default()))))
        }
    };
    let control = text.char_indices().find(|(_, letter)| !is_allowed(*letter));
    control.map(|(offset, _)| (offset, CONTROL)).or(broken)
}

const CONTROL: Fault = Fault::Broken("control characters are not allowed");

fn sequence_fault(bytes: &[u8]) -> Fault {
    let lead = bytes.first().copied().unwrap_or_default();
    let width = match lead {
        0x00..0x80 => 1,
        0xC0..0xE0 => 2,
        0xE0..0xF0 => 3,
        0xF0..0xF8 => 4,
        0x80..0xC0 | 0xF8..=0xFF => return Fault::Broken("invalid leading UTF-8 octet"),
    };
    let Some(rest) = bytes.get(1..width) else {
        return Fault::CutOff("incomplete UTF-8 octet sequence");
    };
    if rest.iter().any(|byte| byte & 0xC0 != 0x80) {
        return Fault::Broken("invalid trailing UTF-8 octet");
    }
    let mask = 0xFF_u32 >> (width + 1);
    let value = rest.iter().fold(u32::from(lead) & mask, |value, byte| value << 6 | u32::from(byte & 0x3F));
    let least = [0, 0, 0x80, 0x800, 0x1_0000][width];
    Fault::Broken(if value < least {
        "invalid length of a UTF-8 sequence"
    } else {
        "invalid Unicode character"
    })
}

fn wide(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Source<'static> {
    let mut text = Vec::with_capacity(bytes.len());
    let mut offset = 0;
    // The length of the text where the part began that is being read.
    let mut part = (0, 0);
    let fault = loop {
        if offset >= bytes.len() {
            break None;
        }
        if (offset + 2) / PART_BYTES > part.0 {
            part = ((offset + 2) / PART_BYTES, text.len());
        }
        let at = |from: usize| Some(unit([*bytes.get(from)?, *bytes.get(from + 1)?]));
        let Some(first) = at(offset) else { break Some(Fault::CutOff("incomplete UTF-16 character")) };
        let value = match first {
            0xDC00..0xE000 => break Some(Fault::Broken("unexpected low surrogate area")),
            0xD800..0xDC00 => {
                let Some(second) = at(offset + 2) else {
                    break Some(Fault::CutOff("incomplete UTF-16 surrogate pair"));
                };
                if !(0xDC00..0xE000).contains(&second) {
                    break Some(Fault::Broken("expected low surrogate area"));
                }
                offset += 2;
                0x1_0000 + ((u32::from(first) & 0x3FF) << 10) + (u32::from(second) & 0x3FF)
            }
            _ => u32::from(first),
        };
        offset += 2;
        let Some(letter) = char::from_u32(value).filter(|letter| is_allowed(*letter)) else {
            break Some(CONTROL);
        };
        text.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
    };
    if matches!(fault, Some(Fault::Broken(_))) {
        text.truncate(part.1);
    }
    Source { text: Cow::Owned(text), fault: fault.map(Fault::text) }
}

fn is_allowed(letter: char) -> bool {
    matches!(letter, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{A0}'..='\u{FFFD}' | '\u{10000}'..)
}

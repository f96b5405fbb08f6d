//! The tokens that hold text: scalars of all styles, anchors, tags, directives.
//! Go: go.yaml.in/yaml/v2 scannerc.go

use super::scanner::{Scanner, Scanning, YamlTokenKind};
use crate::value::Text;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

/// Digits that a number of a `%YAML` directive may have.
const VERSION_DIGITS: usize = 2;

/// What is done with the line breaks at the end of a block scalar.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Chomping {
    Strip,
    Clip,
    Keep,
}

fn text_of(bytes: Vec<u8>) -> Text {
    match String::from_utf8(bytes) {
        Ok(text) => Text::from(text),
        Err(error) => Text::from(String::from_utf8_lossy(error.as_bytes()).as_ref()),
    }
}

fn string_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// White space inside a scalar that goes over several lines, until it is known what it means.
#[derive(Default)]
struct Space {
    blanks: Vec<u8>,
    first_break: Vec<u8>,
    more_breaks: Vec<u8>,
    /// A line break was met.
    broken: bool,
}

impl Space {
    /// One line break is a blank, several are themselves without the first.
    fn fold(&mut self, out: &mut Vec<u8>) {
        if self.broken {
            if self.first_break.first() != Some(&b'\n') {
                out.append(&mut self.first_break);
            } else if self.more_breaks.is_empty() {
                out.push(b' ');
            }
            out.append(&mut self.more_breaks);
            self.first_break.clear();
        } else {
            out.append(&mut self.blanks);
        }
        self.blanks.clear();
        self.broken = false;
    }

    fn read_break(&mut self, scanner: &mut Scanner<'_>) {
        if self.broken {
            scanner.read_line(&mut self.more_breaks);
        } else {
            self.blanks.clear();
            scanner.read_line(&mut self.first_break);
            self.broken = true;
        }
    }

    fn read_blank(&mut self, scanner: &mut Scanner<'_>) {
        if self.broken { scanner.skip() } else { scanner.read(&mut self.blanks) }
    }
}

impl Scanner<'_> {
    /// True when the scalar ended with line breaks, after which a key may stand.
    pub(super) fn scan_plain_scalar(&mut self) -> Scanning<bool> {
        let start = self.mark;
        let mut end_line = start.line;
        let indent = self.indent + 1;
        let mut out = Vec::new();
        let mut space = Space::default();
        loop {
            if self.is_document_indicator() || self.byte(0) == b'#' {
                break;
            }
            while !self.is_blank_or_end(0) {
                let byte = self.byte(0);
                if byte == b':' && self.is_blank_or_end(1) {
                    break;
                }
                if self.flow_level > 0 && matches!(byte, b',' | b'?' | b'[' | b']' | b'{' | b'}') {
                    break;
                }
                if space.broken || !space.blanks.is_empty() {
                    space.fold(&mut out);
                }
                self.read(&mut out);
                self.read_plain_run(&mut out);
                end_line = self.mark.line;
            }
            if !self.is_blank(0) && !self.is_break(0) {
                break;
            }
            loop {
                if self.is_blank(0) {
                    if space.broken && (self.mark.column as isize) < indent && self.byte(0) == b'\t' {
                        return self.problem("found a tab character that violates indentation");
                    }
                    space.read_blank(self);
                } else if self.is_break(0) {
                    space.read_break(self);
                } else {
                    break;
                }
            }
            if self.flow_level == 0 && (self.mark.column as isize) < indent {
                break;
            }
        }
        self.push_scalar(out, true, start.line, end_line);
        Ok(space.broken)
    }

    pub(super) fn scan_flow_scalar(&mut self, single: bool) -> Scanning<()> {
        let start = self.mark;
        let quote = if single { b'\'' } else { b'"' };
        let mut out = Vec::new();
        let mut space = Space::default();
        self.skip();
        loop {
            if self.is_document_indicator() {
                return self.problem("found unexpected document indicator");
            }
            if self.is_end() {
                return self.problem("found unexpected end of stream");
            }
            while !self.is_blank_or_end(0) {
                let byte = self.byte(0);
                if single && byte == quote && self.byte(1) == quote {
                    out.push(quote);
                    self.skip();
                    self.skip();
                } else if byte == quote {
                    break;
                } else if !single && byte == b'\\' && self.is_break(1) {
                    self.skip();
                    self.skip_line();
                    space.broken = true;
                    break;
                } else if !single && byte == b'\\' {
                    self.scan_escape(&mut out)?;
                } else {
                    self.read(&mut out);
                    self.read_plain_run(&mut out);
                }
            }
            if self.byte(0) == quote {
                break;
            }
            // A line break that was escaped is none, and the blanks after it are not told.
            let escaped = space.broken;
            loop {
                if self.is_blank(0) {
                    space.read_blank(self);
                } else if self.is_break(0) {
                    space.read_break(self);
                } else {
                    break;
                }
            }
            if escaped && space.first_break.is_empty() {
                out.append(&mut space.more_breaks);
                space.broken = false;
                space.blanks.clear();
            } else {
                space.fold(&mut out);
            }
        }
        self.skip();
        let end_line = self.mark.line;
        self.push_scalar(out, false, start.line, end_line);
        Ok(())
    }

    fn scan_escape(&mut self, out: &mut Vec<u8>) -> Scanning<()> {
        let (plain, digits): (&[u8], usize) = match self.byte(1) {
            b'0' => (b"\0", 0),
            b'a' => (b"\x07", 0),
            b'b' => (b"\x08", 0),
            b't' | b'\t' => (b"\t", 0),
            b'n' => (b"\n", 0),
            b'v' => (b"\x0B", 0),
            b'f' => (b"\x0C", 0),
            b'r' => (b"\r", 0),
            b'e' => (b"\x1B", 0),
            b' ' => (b" ", 0),
            b'"' => (b"\"", 0),
            b'\'' => (b"'", 0),
            b'\\' => (b"\\", 0),
            b'N' => ("\u{85}".as_bytes(), 0),
            b'_' => ("\u{A0}".as_bytes(), 0),
            b'L' => ("\u{2028}".as_bytes(), 0),
            b'P' => ("\u{2029}".as_bytes(), 0),
            b'x' => (b"", 2),
            b'u' => (b"", 4),
            b'U' => (b"", 8),
            _ => return self.problem("found unknown escape character"),
        };
        out.extend_from_slice(plain);
        self.skip();
        self.skip();
        if digits == 0 {
            return Ok(());
        }
        let mut value = 0_u32;
        for ahead in 0..digits {
            let Some(digit) = char::from(self.byte(ahead)).to_digit(16) else {
                return self.problem("did not find expected hexdecimal number");
            };
            value = value.wrapping_shl(4) | digit;
        }
        let Some(letter) = char::from_u32(value) else {
            return self.problem("found invalid Unicode character escape code");
        };
        out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
        (0..digits).for_each(|_| self.skip());
        Ok(())
    }

    pub(super) fn scan_block_scalar(&mut self, literal: bool) -> Scanning<()> {
        let start = self.mark;
        self.skip();
        let mut chomping = Chomping::Clip;
        let mut increment = 0;
        // The two indicators come in any order, each once.
        for _ in 0..2 {
            match self.byte(0) {
                sign @ (b'+' | b'-') if chomping == Chomping::Clip => {
                    chomping = if sign == b'+' { Chomping::Keep } else { Chomping::Strip };
                    self.skip();
                }
                b'0' if increment == 0 => {
                    return self.problem("found an indentation indicator equal to 0");
                }
                digit @ b'1'..=b'9' if increment == 0 => {
                    increment = isize::from(digit - b'0');
                    self.skip();
                }
                _ => break,
            }
        }
        self.skip_blanks();
        self.skip_comment();
        if !self.is_break_or_end(0) {
            return self.problem("did not find expected comment or line break");
        }
        self.skip_line();
        let mut end_line = self.mark.line;
        let mut indent = if increment > 0 { self.indent.max(0) + increment } else { 0 };
        let (mut out, mut first_break, mut more_breaks) = (Vec::new(), Vec::new(), Vec::new());
        self.scan_block_breaks(&mut indent, &mut more_breaks, &mut end_line)?;
        let mut leading_blank = false;
        while self.mark.column as isize == indent && !self.is_end() {
            let blank = self.is_blank(0);
            if !literal && !leading_blank && !blank && first_break.first() == Some(&b'\n') {
                if more_breaks.is_empty() {
                    out.push(b' ');
                }
                first_break.clear();
            } else {
                out.append(&mut first_break);
            }
            out.append(&mut more_breaks);
            leading_blank = blank;
            while !self.is_break_or_end(0) {
                self.read(&mut out);
                self.read_plain_run(&mut out);
            }
            self.read_line(&mut first_break);
            self.scan_block_breaks(&mut indent, &mut more_breaks, &mut end_line)?;
        }
        if chomping != Chomping::Strip {
            out.append(&mut first_break);
        }
        if chomping == Chomping::Keep {
            out.append(&mut more_breaks);
        }
        self.push_scalar(out, false, start.line, end_line);
        Ok(())
    }

    /// Lines that are empty, and the indentation of the line after them; the first line's is the scalar's.
    fn scan_block_breaks(
        &mut self,
        indent: &mut isize,
        breaks: &mut Vec<u8>,
        end_line: &mut usize,
    ) -> Scanning<()> {
        *end_line = self.mark.line;
        let mut deepest = 0;
        loop {
            while (*indent == 0 || (self.mark.column as isize) < *indent) && self.byte(0) == b' ' {
                self.skip();
            }
            deepest = deepest.max(self.mark.column as isize);
            if (*indent == 0 || (self.mark.column as isize) < *indent) && self.byte(0) == b'\t' {
                return self.problem("found a tab character where an indentation space is expected");
            }
            if !self.is_break(0) {
                break;
            }
            self.read_line(breaks);
            *end_line = self.mark.line;
        }
        if *indent == 0 {
            *indent = deepest.max(self.indent + 1).max(1);
        }
        Ok(())
    }

    fn push_scalar(&mut self, bytes: Vec<u8>, plain: bool, line: usize, end_line: usize) {
        self.push_ended(YamlTokenKind::Scalar { text: text_of(bytes), plain }, line, end_line);
    }

    pub(super) fn scan_anchor(&mut self, alias: bool) -> Scanning<()> {
        let start = self.mark;
        let mut name = Vec::new();
        self.skip();
        while self.is_word() {
            self.read(&mut name);
        }
        let ends = self.is_blank_or_end(0)
            || matches!(self.byte(0), b'?' | b':' | b',' | b']' | b'}' | b'%' | b'@' | b'`');
        if name.is_empty() || !ends {
            return self.problem("did not find expected alphabetic or numeric character");
        }
        let name = text_of(name);
        self.push(if alias { YamlTokenKind::Alias(name) } else { YamlTokenKind::Anchor(name) }, start);
        Ok(())
    }

    pub(super) fn scan_tag(&mut self) -> Scanning<()> {
        let start = self.mark;
        let (handle, suffix) = if self.byte(1) == b'<' {
            self.skip();
            self.skip();
            let suffix = self.scan_tag_uri(&[])?;
            if self.byte(0) != b'>' {
                return self.problem("did not find the expected '>'");
            }
            self.skip();
            (Vec::new(), suffix)
        } else {
            let handle = self.scan_tag_handle(false)?;
            if handle.len() > 1 && handle.ends_with(b"!") {
                let suffix = self.scan_tag_uri(&[])?;
                (handle, suffix)
            } else {
                let suffix = self.scan_tag_uri(&handle)?;
                if suffix.is_empty() { (Vec::new(), b"!".to_vec()) } else { (b"!".to_vec(), suffix) }
            }
        };
        if !self.is_blank_or_end(0) {
            return self.problem("did not find expected whitespace or line break");
        }
        self.push(YamlTokenKind::Tag(Box::new((string_of(&handle), string_of(&suffix)))), start);
        Ok(())
    }

    fn scan_tag_handle(&mut self, directive: bool) -> Scanning<Vec<u8>> {
        if self.byte(0) != b'!' {
            return self.problem("did not find expected '!'");
        }
        let mut handle = Vec::new();
        self.read(&mut handle);
        while self.is_word() {
            self.read(&mut handle);
        }
        if self.byte(0) == b'!' {
            self.read(&mut handle);
        } else if directive && handle != b"!" {
            return self.problem("did not find expected '!'");
        }
        Ok(handle)
    }

    /// The rest of a tag; `head` is what was taken for a handle and is none.
    fn scan_tag_uri(&mut self, head: &[u8]) -> Scanning<Vec<u8>> {
        let mut uri = head.get(1..).unwrap_or_default().to_vec();
        let mut some = !head.is_empty();
        while self.is_word() || b";/?:@&=+$,.!~*'()[]%".contains(&self.byte(0)) {
            if self.byte(0) == b'%' {
                self.scan_uri_escapes(&mut uri)?;
            } else {
                self.read(&mut uri);
            }
            some = true;
        }
        if some { Ok(uri) } else { self.problem("did not find expected tag URI") }
    }

    /// The octets of one character.
    fn scan_uri_escapes(&mut self, out: &mut Vec<u8>) -> Scanning<()> {
        let mut left = None;
        while left != Some(0) {
            let digits = [1, 2].map(|ahead| char::from(self.byte(ahead)).to_digit(16));
            let (b'%', [Some(high), Some(low)]) = (self.byte(0), digits) else {
                return self.problem("did not find URI escaped octet");
            };
            let octet = (high * 16 + low) as u8;
            left = Some(match (left, octet) {
                (None, 0x00..0x80) => 0,
                (None, 0xC0..0xE0) => 1,
                (None, 0xE0..0xF0) => 2,
                (None, 0xF0..0xF8) => 3,
                (None, 0x80..0xC0 | 0xF8..=0xFF) => {
                    return self.problem("found an incorrect leading UTF-8 octet");
                }
                (Some(left), 0x80..0xC0) => left - 1,
                (Some(_), _) => return self.problem("found an incorrect trailing UTF-8 octet"),
            });
            out.push(octet);
            (0..3).for_each(|_| self.skip());
        }
        Ok(())
    }

    pub(super) fn scan_directive(&mut self) -> Scanning<()> {
        let start = self.mark;
        let mut name = Vec::new();
        self.skip();
        while self.is_word() {
            self.read(&mut name);
        }
        if name.is_empty() {
            return self.problem("could not find expected directive name");
        }
        if !self.is_blank_or_end(0) {
            return self.problem("found unexpected non-alphabetical character");
        }
        let kind = match name.as_slice() {
            b"YAML" => {
                self.skip_blanks();
                let major = self.scan_version_number()?;
                if self.byte(0) != b'.' {
                    return self.problem("did not find expected digit or '.' character");
                }
                self.skip();
                YamlTokenKind::Version(major, self.scan_version_number()?)
            }
            b"TAG" => {
                self.skip_blanks();
                let handle = self.scan_tag_handle(true)?;
                if !self.is_blank(0) {
                    return self.problem("did not find expected whitespace");
                }
                self.skip_blanks();
                let prefix = self.scan_tag_uri(&[])?;
                if !self.is_blank_or_end(0) {
                    return self.problem("did not find expected whitespace or line break");
                }
                YamlTokenKind::TagDirective(Box::new((string_of(&handle), string_of(&prefix))))
            }
            _ => return self.problem("found unknown directive name"),
        };
        let end_line = self.mark.line;
        self.skip_blanks();
        self.skip_comment();
        if !self.is_break_or_end(0) {
            return self.problem("did not find expected comment or line break");
        }
        self.skip_line();
        self.push_ended(kind, start.line, end_line);
        Ok(())
    }

    fn scan_version_number(&mut self) -> Scanning<u8> {
        let (mut value, mut length) = (0, 0);
        while let digit @ b'0'..=b'9' = self.byte(0) {
            length += 1;
            if length > VERSION_DIGITS {
                return self.problem("found extremely long version number");
            }
            value = value * 10 + (digit - b'0');
            self.skip();
        }
        if length == 0 { self.problem("did not find expected version number") } else { Ok(value) }
    }
}

//! Cuts a YAML stream into tokens, as the Go library does: the same tokens, the same complaints at the same lines.
//! Go: go.yaml.in/yaml/v2 scannerc.go

use super::source::Source;
use crate::value::Text;
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;

/// Characters that a key on one line may have before its colon. Beyond: it is no key.
const KEY_LETTERS: usize = 1024;

/// A place in the stream, all counted from 0, in characters.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Position {
    pub(super) index: usize,
    pub(super) line: usize,
    pub(super) column: usize,
}

#[derive(Debug)]
pub(super) struct YamlToken {
    pub(super) kind: YamlTokenKind,
    pub(super) line: usize,
    pub(super) end_line: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum YamlTokenKind {
    StreamStart,
    StreamEnd,
    Version(u8, u8),
    TagDirective(Box<(String, String)>),
    DocumentStart,
    DocumentEnd,
    BlockSequenceStart,
    BlockMappingStart,
    BlockEnd,
    FlowSequenceStart,
    FlowSequenceEnd,
    FlowMappingStart,
    FlowMappingEnd,
    BlockEntry,
    FlowEntry,
    Key,
    Value,
    Alias(Text),
    Anchor(Text),
    /// Handle and suffix.
    Tag(Box<(String, String)>),
    Scalar {
        text: Text,
        plain: bool,
    },
}

/// Why the stream is no YAML.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) text: &'static str,
    /// As the library tells it; 0 where it tells none.
    pub(super) line: usize,
}

pub(super) type Scanning<T> = Result<T, Problem>;

/// A token that is a key if a colon follows soon.
#[derive(Clone, Copy, Debug, Default)]
struct SimpleKey {
    possible: bool,
    /// In a block mapping nothing else can stand here.
    required: bool,
    token: usize,
    mark: Position,
}

pub(super) struct Scanner<'a> {
    text: &'a [u8],
    fault: Option<&'static str>,
    /// Something after the end of the text was asked for.
    overran: bool,
    at: usize,
    pub(super) mark: Position,
    tokens: VecDeque<YamlToken>,
    /// Tokens that were taken.
    taken: usize,
    pub(super) flow_level: usize,
    /// Column of the innermost block collection; -1 outside of all.
    pub(super) indent: isize,
    indents: Vec<isize>,
    simple_key_allowed: bool,
    /// One for each level of flow collections.
    simple_keys: Vec<SimpleKey>,
    keys_by_token: BTreeMap<usize, usize>,
    started: bool,
    /// What the next token is will not change any more.
    available: bool,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(source: &'a Source<'_>) -> Self {
        Self {
            text: &source.text,
            fault: source.fault,
            overran: false,
            at: 0,
            mark: Position::default(),
            tokens: VecDeque::new(),
            taken: 0,
            flow_level: 0,
            indent: -1,
            indents: Vec::new(),
            simple_key_allowed: true,
            simple_keys: Vec::from([SimpleKey::default()]),
            keys_by_token: BTreeMap::new(),
            started: false,
            available: false,
        }
    }

    /// The next token, which stays.
    pub(super) fn peek_token(&mut self) -> Scanning<&YamlToken> {
        while !self.available {
            if !self.tokens.is_empty() {
                let Some(level) = self.keys_by_token.get(&self.taken).copied() else { break };
                if !self.is_valid_key(level)? {
                    break;
                }
            }
            let fetched = self.fetch();
            if let Some(fault) = self.fault.filter(|_| self.overran) {
                return Err(Problem { text: fault, line: 0 });
            }
            fetched?;
        }
        self.available = true;
        Ok(self.tokens.front().expect("fetched until there is one"))
    }

    pub(super) fn take_token(&mut self) -> Scanning<YamlToken> {
        self.peek_token()?;
        self.taken += 1;
        self.available = false;
        Ok(self.tokens.pop_front().expect("fetched by the look at it"))
    }

    // ---- characters

    /// The byte so far ahead; 0 after the end, which no text has.
    pub(super) fn byte(&mut self, ahead: usize) -> u8 {
        match self.text.get(self.at + ahead) {
            Some(byte) => *byte,
            None => {
                self.overran = true;
                0
            }
        }
    }

    pub(super) fn is_end(&mut self) -> bool {
        self.byte(0) == 0
    }

    pub(super) fn is_blank(&mut self, ahead: usize) -> bool {
        matches!(self.byte(ahead), b' ' | b'\t')
    }

    /// Bytes of the line break here, 0 where there is none.
    fn break_bytes(&mut self, ahead: usize) -> usize {
        match self.byte(ahead) {
            b'\r' | b'\n' => 1,
            0xC2 if self.byte(ahead + 1) == 0x85 => 2,
            0xE2 if self.byte(ahead + 1) == 0x80 && matches!(self.byte(ahead + 2), 0xA8 | 0xA9) => 3,
            _ => 0,
        }
    }

    pub(super) fn is_break(&mut self, ahead: usize) -> bool {
        self.break_bytes(ahead) > 0
    }

    pub(super) fn is_break_or_end(&mut self, ahead: usize) -> bool {
        self.byte(ahead) == 0 || self.is_break(ahead)
    }

    pub(super) fn is_blank_or_end(&mut self, ahead: usize) -> bool {
        self.is_blank(ahead) || self.is_break_or_end(ahead)
    }

    /// A letter, digit, `_` or `-`.
    pub(super) fn is_word(&mut self) -> bool {
        matches!(self.byte(0), b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'_' | b'-')
    }

    fn width(&mut self) -> usize {
        match self.byte(0) {
            0x00..0xC0 => 1,
            0xC0..0xE0 => 2,
            0xE0..0xF0 => 3,
            0xF0..=0xFF => 4,
        }
    }

    pub(super) fn skip(&mut self) {
        self.at += self.width();
        self.mark.index += 1;
        self.mark.column += 1;
    }

    pub(super) fn read(&mut self, out: &mut Vec<u8>) {
        let end = self.at + self.width();
        out.extend_from_slice(self.text.get(self.at..end).unwrap_or_default());
        self.skip();
    }

    /// Reads on over letters, digits and what else means nothing in the middle of any scalar.
    pub(super) fn read_plain_run(&mut self, out: &mut Vec<u8>) {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._/=+".contains(byte);
        let length = rest.iter().position(|byte| !plain(byte)).unwrap_or(rest.len());
        out.extend_from_slice(rest.get(..length).unwrap_or_default());
        self.at += length;
        self.mark.index += length;
        self.mark.column += length;
    }

    pub(super) fn skip_line(&mut self) {
        self.read_line(&mut Vec::new());
    }

    /// Reads a line break: as a line feed, or as itself where it is one of Unicode's separators.
    pub(super) fn read_line(&mut self, out: &mut Vec<u8>) {
        let mut bytes = self.break_bytes(0);
        match bytes {
            0 => return,
            3 => out.extend_from_slice(self.text.get(self.at..self.at + 3).unwrap_or_default()),
            _ => out.push(b'\n'),
        }
        if self.byte(0) == b'\r' && self.byte(1) == b'\n' {
            bytes = 2;
            self.mark.index += 1;
        }
        self.at += bytes;
        self.mark.index += 1;
        self.mark.column = 0;
        self.mark.line += 1;
    }

    pub(super) fn skip_blanks(&mut self) {
        while self.is_blank(0) {
            self.skip();
        }
    }

    pub(super) fn skip_comment(&mut self) {
        if self.byte(0) == b'#' {
            while !self.is_break_or_end(0) {
                self.skip();
            }
        }
    }

    /// `---` or `...` at the start of a line.
    pub(super) fn is_document_indicator(&mut self) -> bool {
        let byte = self.byte(0);
        self.mark.column == 0
            && matches!(byte, b'-' | b'.')
            && self.byte(1) == byte
            && self.byte(2) == byte
            && self.is_blank_or_end(3)
    }

    /// A complaint of the scanner: it tells the line after the one it stands in, but nothing of the first.
    pub(super) fn problem<T>(&self, text: &'static str) -> Scanning<T> {
        let line = if self.mark.line > 0 { self.mark.line + 1 } else { 0 };
        Err(Problem { text, line })
    }

    // ---- tokens

    pub(super) fn push(&mut self, kind: YamlTokenKind, start: Position) {
        self.tokens.push_back(YamlToken { kind, line: start.line, end_line: self.mark.line });
    }

    pub(super) fn push_ended(&mut self, kind: YamlTokenKind, line: usize, end_line: usize) {
        self.tokens.push_back(YamlToken { kind, line, end_line });
    }

    fn insert(&mut self, place: usize, kind: YamlTokenKind, mark: Position) {
        let place = place.min(self.tokens.len());
        self.tokens.insert(place, YamlToken { kind, line: mark.line, end_line: mark.line });
    }

    /// A token of so many characters, all of one byte.
    fn push_indicator(&mut self, kind: YamlTokenKind, letters: usize) {
        let start = self.mark;
        (0..letters).for_each(|_| self.skip());
        self.push(kind, start);
    }

    fn fetch(&mut self) -> Scanning<()> {
        if !self.started {
            self.started = true;
            self.push(YamlTokenKind::StreamStart, self.mark);
            return Ok(());
        }
        self.skip_to_token();
        self.unroll_indent(self.mark.column as isize);
        let first = self.byte(0);
        if first == 0 {
            return self.fetch_stream_end();
        }
        if self.mark.column == 0 && first == b'%' {
            self.leave_block()?;
            return self.scan_directive();
        }
        if self.is_document_indicator() {
            self.leave_block()?;
            let kind = if first == b'-' { YamlTokenKind::DocumentStart } else { YamlTokenKind::DocumentEnd };
            self.push_indicator(kind, 3);
            return Ok(());
        }
        let in_flow = self.flow_level > 0;
        match first {
            b'[' => self.fetch_flow_start(YamlTokenKind::FlowSequenceStart),
            b'{' => self.fetch_flow_start(YamlTokenKind::FlowMappingStart),
            b']' => self.fetch_flow_end(YamlTokenKind::FlowSequenceEnd),
            b'}' => self.fetch_flow_end(YamlTokenKind::FlowMappingEnd),
            b',' => {
                self.remove_key()?;
                self.simple_key_allowed = true;
                self.push_indicator(YamlTokenKind::FlowEntry, 1);
                Ok(())
            }
            b'-' if self.is_blank_or_end(1) => self.fetch_block_entry(),
            b'?' if in_flow || self.is_blank_or_end(1) => self.fetch_key(),
            b':' if in_flow || self.is_blank_or_end(1) => self.fetch_value(),
            b'*' | b'&' => {
                self.begin_scalar()?;
                self.scan_anchor(first == b'*')
            }
            b'!' => {
                self.begin_scalar()?;
                self.scan_tag()
            }
            b'|' | b'>' if !in_flow => {
                self.remove_key()?;
                self.simple_key_allowed = true;
                self.scan_block_scalar(first == b'|')
            }
            b'\'' | b'"' => {
                self.begin_scalar()?;
                self.scan_flow_scalar(first == b'\'')
            }
            b'#' | b'|' | b'>' | b'%' | b'@' | b'`' | b' ' | b'\t' | b'\r' | b'\n' => {
                self.problem("found character that cannot start any token")
            }
            _ => {
                self.begin_scalar()?;
                let breaks = self.scan_plain_scalar()?;
                if breaks {
                    self.simple_key_allowed = true;
                }
                Ok(())
            }
        }
    }

    fn begin_scalar(&mut self) -> Scanning<()> {
        self.save_key()?;
        self.simple_key_allowed = false;
        Ok(())
    }

    fn skip_to_token(&mut self) {
        loop {
            let has_mark =
                self.mark.index == 0 && self.text.get(self.at..).is_some_and(|rest| rest.starts_with(BOM));
            if has_mark {
                self.skip();
            }
            while self.byte(0) == b' '
                || (self.flow_level > 0 || !self.simple_key_allowed) && self.byte(0) == b'\t'
            {
                self.skip();
            }
            self.skip_comment();
            if !self.is_break(0) {
                return;
            }
            self.skip_line();
            if self.flow_level == 0 {
                self.simple_key_allowed = true;
            }
        }
    }

    // ---- simple keys

    fn is_valid_key(&mut self, level: usize) -> Scanning<bool> {
        let Some(key) = self.simple_keys.get(level).copied().filter(|key| key.possible) else {
            return Ok(false);
        };
        if key.mark.line < self.mark.line || key.mark.index + KEY_LETTERS < self.mark.index {
            if key.required {
                return self.problem("could not find expected ':'");
            }
            self.simple_keys[level].possible = false;
            return Ok(false);
        }
        Ok(true)
    }

    fn save_key(&mut self) -> Scanning<()> {
        if !self.simple_key_allowed {
            return Ok(());
        }
        let required = self.flow_level == 0 && self.indent == self.mark.column as isize;
        let token = self.taken + self.tokens.len();
        self.remove_key()?;
        if let Some(key) = self.simple_keys.last_mut() {
            *key = SimpleKey { possible: true, required, token, mark: self.mark };
        }
        self.keys_by_token.insert(token, self.simple_keys.len() - 1);
        Ok(())
    }

    /// What might have been a key is none.
    fn remove_key(&mut self) -> Scanning<()> {
        let Some(key) = self.simple_keys.last_mut().filter(|key| key.possible) else { return Ok(()) };
        if key.required {
            return self.problem("could not find expected ':'");
        }
        key.possible = false;
        let token = key.token;
        self.keys_by_token.remove(&token);
        Ok(())
    }

    // ---- indentation

    fn roll_indent(&mut self, column: usize, place: Option<usize>, kind: YamlTokenKind, mark: Position) {
        let column = column as isize;
        if self.flow_level > 0 || self.indent >= column {
            return;
        }
        self.indents.push(self.indent);
        self.indent = column;
        self.insert(place.unwrap_or(usize::MAX), kind, mark);
    }

    fn unroll_indent(&mut self, column: isize) {
        while self.flow_level == 0 && self.indent > column {
            self.push(YamlTokenKind::BlockEnd, self.mark);
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }

    /// Before a directive or a document's start or end.
    fn leave_block(&mut self) -> Scanning<()> {
        self.unroll_indent(-1);
        self.remove_key()?;
        self.simple_key_allowed = false;
        Ok(())
    }

    // ---- indicators

    fn fetch_stream_end(&mut self) -> Scanning<()> {
        if self.mark.column != 0 {
            self.mark.column = 0;
            self.mark.line += 1;
        }
        self.leave_block()?;
        self.push(YamlTokenKind::StreamEnd, self.mark);
        Ok(())
    }

    fn fetch_flow_start(&mut self, kind: YamlTokenKind) -> Scanning<()> {
        self.save_key()?;
        let token = self.taken + self.tokens.len();
        self.simple_keys.push(SimpleKey { possible: false, required: false, token, mark: self.mark });
        self.flow_level += 1;
        self.simple_key_allowed = true;
        self.push_indicator(kind, 1);
        Ok(())
    }

    fn fetch_flow_end(&mut self, kind: YamlTokenKind) -> Scanning<()> {
        self.remove_key()?;
        if self.flow_level > 0 {
            self.flow_level -= 1;
            let token = self.simple_keys.pop().map_or(0, |key| key.token);
            self.keys_by_token.remove(&token);
        }
        self.simple_key_allowed = false;
        self.push_indicator(kind, 1);
        Ok(())
    }

    fn fetch_block_entry(&mut self) -> Scanning<()> {
        if self.flow_level == 0 {
            if !self.simple_key_allowed {
                return self.problem("block sequence entries are not allowed in this context");
            }
            self.roll_indent(self.mark.column, None, YamlTokenKind::BlockSequenceStart, self.mark);
        }
        self.remove_key()?;
        self.simple_key_allowed = true;
        self.push_indicator(YamlTokenKind::BlockEntry, 1);
        Ok(())
    }

    fn fetch_key(&mut self) -> Scanning<()> {
        if self.flow_level == 0 {
            if !self.simple_key_allowed {
                return self.problem("mapping keys are not allowed in this context");
            }
            self.roll_indent(self.mark.column, None, YamlTokenKind::BlockMappingStart, self.mark);
        }
        self.remove_key()?;
        self.simple_key_allowed = self.flow_level == 0;
        self.push_indicator(YamlTokenKind::Key, 1);
        Ok(())
    }

    fn fetch_value(&mut self) -> Scanning<()> {
        let level = self.simple_keys.len() - 1;
        if self.is_valid_key(level)? {
            let key = self.simple_keys[level];
            let place = key.token.saturating_sub(self.taken);
            self.insert(place, YamlTokenKind::Key, key.mark);
            self.roll_indent(key.mark.column, Some(place), YamlTokenKind::BlockMappingStart, key.mark);
            self.simple_keys[level].possible = false;
            self.keys_by_token.remove(&key.token);
            self.simple_key_allowed = false;
        } else {
            if self.flow_level == 0 {
                if !self.simple_key_allowed {
                    return self.problem("mapping values are not allowed in this context");
                }
                self.roll_indent(self.mark.column, None, YamlTokenKind::BlockMappingStart, self.mark);
            }
            self.simple_key_allowed = self.flow_level == 0;
        }
        self.push_indicator(YamlTokenKind::Value, 1);
        Ok(())
    }
}

const BOM: &[u8] = b"\xEF\xBB\xBF";

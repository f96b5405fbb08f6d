//! The words of a text.
//! cel-go: parser/gen/CEL.g4

use crate::cel::source::{Issues, Offset};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// What a word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// An operator, a bracket, or one of the words `in`, `true`, `false` and `null`.
    Sign(&'static str),
    Int,
    Uint,
    Float,
    Str,
    Bytes,
    Ident,
    EscapedIdent,
    End,
}

/// A word in its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct ExprToken<'a> {
    pub(super) word: Word,
    pub(super) text: &'a str,
    pub(super) at: Offset,
}

impl ExprToken<'_> {
    pub(super) fn is(&self, sign: &str) -> bool {
        matches!(self.word, Word::Sign(held) if held == sign)
    }
}

/// The signs; one that begins with another one stands before it.
const SIGNS: &[&str] = &[
    "==", "!=", "<=", ">=", "&&", "||", "<", ">", "[", "]", "{", "}", "(", ")", ".", ",", "-", "!", "?", ":",
    "+", "*", "/", "%",
];

const WORDS: &[&str] = &["in", "true", "false", "null"];

/// All words of a text, the last one its end. What is no word is an issue and left out.
pub(super) fn tokens<'a>(text: &'a str, issues: &mut Issues) -> Vec<ExprToken<'a>> {
    let mut tokens = Vec::new();
    let mut lexer = Lexer { rest: text, at: 0 };
    loop {
        lexer.skip_blank();
        if lexer.rest.is_empty() {
            tokens.push(ExprToken { word: Word::End, text: "<EOF>", at: lexer.at });
            return tokens;
        }
        match lexer.word() {
            Ok((word, length)) => {
                let at = lexer.at;
                tokens.push(ExprToken { word, text: lexer.take(length), at });
            }
            Err(valid) => {
                // What could have been the beginning of a word is left out together with what follows it.
                let at = lexer.at;
                let next = lexer.rest.get(valid..).and_then(|rest| rest.chars().next());
                let length = valid + next.map_or(0, char::len_utf8);
                let shown = shown(lexer.take(length));
                issues.add(at, format!("Syntax error: token recognition error at: '{shown}'"));
            }
        }
    }
}

/// A text as messages show it.
pub(super) fn shown(text: &str) -> String {
    text.replace('\n', "\\n").replace('\r', "\\r").replace('\t', "\\t")
}

struct Lexer<'a> {
    rest: &'a str,
    at: Offset,
}

/// The length of a word, or of what could have been the beginning of one.
type Measured = Result<(Word, usize), usize>;

impl<'a> Lexer<'a> {
    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        self.rest = rest;
        self.at += Offset::try_from(taken.chars().count()).unwrap_or(Offset::MAX);
        taken
    }

    fn skip_blank(&mut self) {
        loop {
            let rest = self.rest.trim_start_matches(['\t', ' ', '\r', '\n', '\u{c}']);
            let comment = if rest.starts_with("//") { rest.find('\n').unwrap_or(rest.len()) } else { 0 };
            let blank = self.rest.len() - rest.len() + comment;
            if blank == 0 {
                return;
            }
            self.take(blank);
        }
    }

    fn word(&self) -> Measured {
        let rest = self.rest;
        let first = rest.chars().next().unwrap_or_default();
        if let Some(measured) = string(rest) {
            return measured;
        }
        if first.is_ascii_digit() || (first == '.' && digits(rest.get(1..).unwrap_or_default()) > 0) {
            return Ok(number(rest));
        }
        if first.is_ascii_alphabetic() || first == '_' {
            let length = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            let text = rest.get(..length).unwrap_or_default();
            let sign = WORDS.iter().find(|word| **word == text);
            return Ok((sign.map_or(Word::Ident, |word| Word::Sign(word)), length));
        }
        if first == '`' {
            let inner = rest.get(1..).unwrap_or_default();
            let allowed = |c: char| c.is_ascii_alphanumeric() || "_.-/ ".contains(c);
            let length = inner.find(|c| !allowed(c)).unwrap_or(inner.len());
            let is_closed = length > 0 && inner.get(length..).is_some_and(|rest| rest.starts_with('`'));
            return if is_closed { Ok((Word::EscapedIdent, length + 2)) } else { Err(length + 1) };
        }
        let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
        let begins = usize::from(matches!(first, '=' | '&' | '|'));
        sign.map(|sign| (Word::Sign(sign), sign.len())).ok_or(begins)
    }
}

fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

fn number(text: &str) -> (Word, usize) {
    let after = |length: usize| text.get(length..).unwrap_or_default();
    let unsigned = |length: usize| after(length).starts_with(['u', 'U']);
    if let Some(hex) = text.strip_prefix("0x") {
        let length = hex.bytes().take_while(u8::is_ascii_hexdigit).count();
        if length > 0 {
            return if unsigned(length + 2) { (Word::Uint, length + 3) } else { (Word::Int, length + 2) };
        }
    }
    let whole = digits(text);
    let fraction = after(whole).strip_prefix('.').map_or(0, digits);
    let mantissa = if fraction > 0 { whole + 1 + fraction } else { whole };
    let exponent = after(mantissa).strip_prefix(['e', 'E']).map_or(0, |rest| {
        let sign = usize::from(rest.starts_with(['+', '-']));
        let length = digits(rest.get(sign..).unwrap_or_default());
        if length > 0 { 1 + sign + length } else { 0 }
    });
    if fraction > 0 || exponent > 0 {
        (Word::Float, mantissa + exponent)
    } else if unsigned(whole) {
        (Word::Uint, whole + 1)
    } else {
        (Word::Int, whole)
    }
}

/// A string or bytes literal at the beginning of a text; None if there is none.
fn string(text: &str) -> Option<Measured> {
    let unprefixed = text.strip_prefix(['b', 'B']);
    let is_bytes = unprefixed.is_some();
    let quoted = unprefixed.unwrap_or(text);
    let is_raw = quoted.starts_with(['r', 'R']);
    let quoted = quoted.get(usize::from(is_raw)..).unwrap_or_default();
    let mark = quoted.chars().next().filter(|mark| matches!(mark, '"' | '\''))?;
    let before = text.len() - quoted.len();
    let word = if is_bytes { Word::Bytes } else { Word::Str };
    let triple = if mark == '"' { "\"\"\"" } else { "'''" };
    let long = quoted.strip_prefix(triple).and_then(|inner| closed(inner, triple, is_raw, true).ok());
    if let Some(length) = long {
        return Some(Ok((word, before + 6 + length)));
    }
    let single = if mark == '"' { "\"" } else { "'" };
    let inner = quoted.get(1..).unwrap_or_default();
    Some(match closed(inner, single, is_raw, false) {
        Ok(length) => Ok((word, before + 2 + length)),
        // The letters before a literal without an end are a name.
        Err(_) if before > 0 => Ok((Word::Ident, before)),
        Err(length) => Err(1 + length),
    })
}

/// The length up to the marks that close a literal, or the length up to where it cannot go on.
fn closed(inner: &str, marks: &str, is_raw: bool, spans_lines: bool) -> Result<usize, usize> {
    let mut length = 0;
    while let Some(rest) = inner.get(length..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with(marks) {
            return Ok(length);
        }
        let first = rest.chars().next().unwrap_or_default();
        if !spans_lines && matches!(first, '\n' | '\r') {
            return Err(length);
        }
        length += match first {
            '\\' if !is_raw => sequence(rest).map_err(|valid| length + valid)?,
            first => first.len_utf8(),
        };
    }
    Err(inner.len())
}

/// The length of an escape sequence, or of the part of it that is one.
fn sequence(text: &str) -> Result<usize, usize> {
    let digits = |from: usize, count: usize, base: u32| {
        let held = text.chars().skip(from).take(count).take_while(|digit| digit.is_digit(base)).count();
        if held == count { Ok(from + count) } else { Err(from + held) }
    };
    match text.chars().nth(1) {
        Some('a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' | '"' | '\'' | '\\' | '?' | '`') => Ok(2),
        Some('x' | 'X') => digits(2, 2, 16),
        Some('u') => digits(2, 4, 16),
        Some('U') => digits(2, 8, 16),
        Some('0'..='3') => digits(2, 2, 8),
        Some(_) | None => Err(1),
    }
}

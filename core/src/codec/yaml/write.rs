//! The YAML writer: block style and the quoting of go-yaml v2, so that texts compare equal to upstream's.
//!
//! Go: sigs.k8s.io/yaml/goyaml.v2/encode.go, emitterc.go, sorter.go

use super::scalar;
use crate::codec::json;
use crate::value::{Finite, Map, Text, Value};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;

/// Column after which a text is folded at its next space.
const WIDTH: usize = 80;
/// Longest key, bytes, that stands on one line with its value without a `? ` before it.
const SIMPLE_KEY_BYTES: usize = 128;

/// Block style, map members in key order, as sigs.k8s.io/yaml writes.
pub fn to_string(value: &Value) -> String {
    let mut writer = Writer { out: String::new(), column: 0 };
    writer.root(&json::plain(value));
    writer.out
}

struct Writer {
    out: String,
    column: usize,
}

impl Writer {
    fn root(&mut self, value: &Value) {
        match value {
            Value::Map(map) if !map.is_empty() => self.map(map, 0),
            Value::List(items) if !items.is_empty() => self.list(items, 0),
            Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::Json(_)
            | Value::Str(_)
            | Value::List(_)
            | Value::Map(_) => {
                self.leaf(value, 2);
                self.line();
            }
        }
    }

    fn put(&mut self, text: &str) {
        self.out.push_str(text);
        self.column += text.chars().count();
    }

    fn line(&mut self) {
        if self.column > 0 {
            self.out.push('\n');
            self.column = 0;
        }
    }

    fn indent(&mut self, indent: usize) {
        self.line();
        self.out.extend(core::iter::repeat_n(' ', indent));
        self.column = indent;
    }

    /// The members, the first one where the writer stands.
    fn map(&mut self, map: &Map, indent: usize) {
        let mut members: Vec<(&Text, &Value)> = map.iter().collect();
        members.sort_by(|left, right| natural_order(left.0, right.0));
        for (index, (key, member)) in members.into_iter().enumerate() {
            if index > 0 {
                self.indent(indent);
            }
            if key.len() > SIMPLE_KEY_BYTES {
                self.put("? ");
                self.text(key, indent + 2, false);
                self.indent(indent);
            } else {
                self.text(key, indent, true);
            }
            self.put(":");
            self.member(member, indent);
        }
        self.line();
    }

    /// What follows a key's colon.
    fn member(&mut self, member: &Value, indent: usize) {
        match member {
            Value::Map(map) if !map.is_empty() => {
                self.indent(indent + 2);
                self.map(map, indent + 2);
            }
            // A list's dashes stand under the key, not deeper.
            Value::List(items) if !items.is_empty() => {
                self.indent(indent);
                self.list(items, indent);
            }
            Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::Json(_)
            | Value::Str(_)
            | Value::List(_)
            | Value::Map(_) => {
                self.put(" ");
                self.leaf(member, indent + 2);
            }
        }
    }

    fn list(&mut self, items: &[Value], indent: usize) {
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.indent(indent);
            }
            self.put("- ");
            match item {
                Value::Map(map) if !map.is_empty() => self.map(map, indent + 2),
                Value::List(items) if !items.is_empty() => self.list(items, indent + 2),
                Value::Null
                | Value::Bool(_)
                | Value::Int(_)
                | Value::Float(_)
                | Value::Json(_)
                | Value::Str(_)
                | Value::List(_)
                | Value::Map(_) => self.leaf(item, indent + 2),
            }
        }
        self.line();
    }

    fn leaf(&mut self, value: &Value, indent: usize) {
        match value {
            Value::Null => self.put("null"),
            Value::Bool(truth) => self.put(if *truth { "true" } else { "false" }),
            Value::Int(number) => self.put(&format!("{number}")),
            Value::Float(number) => self.put(&float(*number)),
            Value::Str(text) => self.text(text, indent, false),
            Value::List(_) => self.put("[]"),
            Value::Map(_) => self.put("{}"),
            Value::Json(text) => self.put(text),
        }
    }

    fn text(&mut self, text: &str, indent: usize, key: bool) {
        let form = Form::of(text);
        if text.contains(OTHER_BREAKS) {
            // Outside of double quotes a reader takes them for line breaks, and the text does not come back. Upstream
            // loses them.
            self.double_quoted(text, indent, key);
        } else if text.contains('\n') {
            if form.block && !key {
                self.literal(text, indent)
            } else {
                self.double_quoted(text, indent, key)
            }
        } else if !scalar::reads_as_text(text) {
            self.double_quoted(text, indent, key);
        } else if form.plain {
            self.folded(text, indent, key, None);
        } else if form.single {
            self.put("'");
            self.folded(text, indent, key, Some("''"));
            self.put("'");
        } else {
            self.double_quoted(text, indent, key);
        }
    }

    /// Plain text, or with `quote` the inside of single quotes; folded at spaces past the width.
    fn folded(&mut self, text: &str, indent: usize, key: bool, quote: Option<&str>) {
        let mut after_space = false;
        let last = text.char_indices().next_back().map_or(0, |(at, _)| at);
        for (at, letter) in text.char_indices() {
            if letter == ' ' {
                let inside = quote.is_none() || at > 0 && at < last;
                let next_is_space = text.get(at + 1..).is_some_and(|rest| rest.starts_with(' '));
                if !key && !after_space && self.column > WIDTH && inside && !next_is_space {
                    self.indent(indent);
                } else {
                    self.put(" ");
                }
                after_space = true;
                continue;
            }
            after_space = false;
            match quote {
                Some(doubled) if letter == '\'' => self.put(doubled),
                Some(_) | None => {
                    self.out.push(letter);
                    self.column += 1;
                }
            }
        }
    }

    fn double_quoted(&mut self, text: &str, indent: usize, key: bool) {
        self.put("\"");
        let mut after_space = false;
        let last = text.char_indices().next_back().map_or(0, |(at, _)| at);
        for (at, letter) in text.char_indices() {
            if letter == ' ' && !key && !after_space && self.column > WIDTH && at > 0 && at < last {
                self.indent(indent);
                if text.get(at + 1..).is_some_and(|rest| rest.starts_with(' ')) {
                    self.put("\\");
                }
                after_space = true;
                continue;
            }
            after_space = letter == ' ';
            if is_printable(letter) && !matches!(letter, '"' | '\\' | '\n') && !OTHER_BREAKS.contains(&letter)
            {
                self.out.push(letter);
                self.column += 1;
            } else {
                self.put(&escape(letter));
            }
        }
        self.put("\"");
    }

    /// `|` and the lines, indented.
    fn literal(&mut self, text: &str, indent: usize) {
        self.put("|");
        if text.starts_with([' ', '\n']) {
            self.put("2");
        }
        if !text.ends_with('\n') {
            self.put("-");
        } else if text == "\n" || text.ends_with("\n\n") {
            self.put("+");
        }
        let body = text.strip_suffix('\n').unwrap_or(text);
        for line in body.split('\n') {
            self.out.push('\n');
            if !line.is_empty() {
                self.out.extend(core::iter::repeat_n(' ', indent));
                self.out.push_str(line);
            }
        }
        // The last line is still open, even when it is empty.
        self.column = 1;
    }
}

/// Go's shortest `%g`: an exponent below 1e-4 and from 1e6 on.
pub(super) fn float(number: Finite) -> String {
    let number = number.to_f64();
    shortest(&format!("{number:e}"), &format!("{number}"))
}

/// Of the shortest digits with an exponent and without one those that Go takes.
pub(super) fn shortest(with_exponent: &str, without: &str) -> String {
    let (digits, exponent) = with_exponent.split_once('e').unwrap_or((with_exponent, "0"));
    let power: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&power) {
        return without.into();
    }
    format!("{digits}e{}{:02}", if power < 0 { '-' } else { '+' }, power.abs())
}

/// The styles that a text can be written in.
struct Form {
    plain: bool,
    single: bool,
    block: bool,
}

impl Form {
    fn of(text: &str) -> Self {
        let mut form = Self { plain: !text.is_empty(), single: true, block: !text.is_empty() };
        if text.starts_with("---") || text.starts_with("...") || text.starts_with([' ', '\n']) {
            form.plain = false;
        }
        if text.ends_with([' ', '\n']) {
            form.plain = false;
            form.block = !text.ends_with(' ');
        }
        let mut previous = ' ';
        let mut letters = text.chars().peekable();
        let mut first = true;
        while let Some(letter) = letters.next() {
            let blank_follows = letters.peek().is_none_or(|next| matches!(next, ' ' | '\t' | '\n'));
            let indicator = match letter {
                '#' => first || matches!(previous, ' ' | '\t' | '\n'),
                ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`' => {
                    first
                }
                '?' | '-' => first && blank_follows,
                ':' => blank_follows,
                _ => false,
            };
            form.plain &= !indicator && letter != '\n';
            form.single &= !(previous == '\n' && letter == ' ');
            if !is_printable(letter) || (previous == ' ' && letter == '\n' && !first) {
                form = Self { plain: false, single: false, block: false };
            }
            previous = letter;
            first = false;
        }
        form
    }
}

/// What YAML 1.1 takes for line breaks beside those of ASCII.
const OTHER_BREAKS: [char; 3] = ['\u{85}', '\u{2028}', '\u{2029}'];

fn is_printable(letter: char) -> bool {
    let ascii = matches!(letter, '\n' | ' '..='~');
    ascii || matches!(letter, '\u{85}' | '\u{A0}'..='\u{FEFE}' | '\u{FF00}'..='\u{FFFD}' | '\u{10000}'..)
}

fn escape(letter: char) -> String {
    let short = match letter {
        '\0' => '0',
        '\u{7}' => 'a',
        '\u{8}' => 'b',
        '\t' => 't',
        '\n' => 'n',
        '\u{B}' => 'v',
        '\u{C}' => 'f',
        '\r' => 'r',
        '\u{1B}' => 'e',
        '"' => '"',
        '\\' => '\\',
        '\u{85}' => 'N',
        '\u{A0}' => '_',
        '\u{2028}' => 'L',
        '\u{2029}' => 'P',
        _ => {
            let code = u32::from(letter);
            return match code {
                0..=0xFF => format!("\\x{code:02X}"),
                0x100..=0xFFFF => format!("\\u{code:04X}"),
                _ => format!("\\U{code:08X}"),
            };
        }
    };
    format!("\\{short}")
}

/// The encoder's order of keys: letters after everything else, and digits by their number.
fn natural_order(left: &str, right: &str) -> Ordering {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let Some(at) = left.iter().zip(&right).position(|(one, other)| one != other) else {
        return left.len().cmp(&right.len());
    };
    let (one, other) = (left[at], right[at]);
    match (one.is_alphabetic(), other.is_alphabetic()) {
        (true, true) => return one.cmp(&other),
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    // Within a longer number, a zero counts as a digit of it and not as the start of one.
    let before = left[..at].iter().rev().take_while(|letter| letter.is_ascii_digit());
    let inside = (one == '0' || other == '0') && before.clone().any(|letter| *letter != '0');
    let run = |letters: &[char]| {
        let digits = letters[at..].iter().map_while(|letter| letter.to_digit(10));
        let start = u64::from(inside);
        digits.fold((start, 0), |(sum, count), digit| {
            (sum.saturating_mul(10).saturating_add(digit.into()), count + 1)
        })
    };
    run(&left).cmp(&run(&right)).then(one.cmp(&other))
}

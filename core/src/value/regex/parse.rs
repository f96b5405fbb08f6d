//! The syntax.
//! Go: src/regexp/syntax/parse.go

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// What an expression is made of.
#[derive(Clone, Debug)]
pub(super) enum Pattern {
    Empty,
    /// One character of a set.
    CharacterSet(CharacterSet),
    Assert(Assertion),
    Concat(Vec<Self>),
    Alternate(Vec<Self>),
    Repeat {
        of: Box<Self>,
        least: u32,
        /// None for any number.
        most: Option<u32>,
        greedy: bool,
    },
}

/// Characters by ranges, both ends included.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct CharacterSet {
    pub(super) ranges: Vec<(char, char)>,
    /// Classes of Unicode, each negated or not.
    pub(super) classes: Vec<(Class, bool)>,
    pub(super) negated: bool,
    pub(super) folds: bool,
}

/// What is known of characters beside their numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Class {
    Letter,
    Upper,
    Lower,
    Number,
    Space,
    Control,
    Any,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Assertion {
    TextStart,
    TextEnd,
    LineStart,
    LineEnd,
    WordBoundary,
    NoWordBoundary,
}

impl CharacterSet {
    fn of(ranges: &[(char, char)]) -> Self {
        Self { ranges: ranges.to_vec(), ..Self::default() }
    }

    pub(super) fn has(&self, character: char) -> bool {
        let plain = |character: char| {
            self.ranges.iter().any(|(low, high)| (*low..=*high).contains(&character))
                || self.classes.iter().any(|(class, negated)| class.has(character) != *negated)
        };
        let found = plain(character)
            || (self.folds && (character.to_lowercase().any(plain) || character.to_uppercase().any(plain)));
        found != self.negated
    }
}

impl Class {
    fn has(self, character: char) -> bool {
        match self {
            Self::Letter => character.is_alphabetic(),
            Self::Upper => character.is_uppercase(),
            Self::Lower => character.is_lowercase(),
            Self::Number => character.is_numeric(),
            Self::Space => character.is_whitespace() && !character.is_control(),
            Self::Control => character.is_control(),
            Self::Any => true,
        }
    }
}

const DIGITS: &[(char, char)] = &[('0', '9')];
const WORD: &[(char, char)] = &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')];
const SPACES: &[(char, char)] = &[('\t', '\n'), ('\u{c}', '\r'), (' ', ' ')];

/// The classes that are named within brackets.
const POSIX: &[(&str, &[(char, char)])] = &[
    ("alnum", &[('0', '9'), ('A', 'Z'), ('a', 'z')]),
    ("alpha", &[('A', 'Z'), ('a', 'z')]),
    ("ascii", &[('\0', '\u{7f}')]),
    ("blank", &[('\t', '\t'), (' ', ' ')]),
    ("cntrl", &[('\0', '\u{1f}'), ('\u{7f}', '\u{7f}')]),
    ("digit", DIGITS),
    ("graph", &[('!', '~')]),
    ("lower", &[('a', 'z')]),
    ("print", &[(' ', '~')]),
    ("punct", &[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')]),
    ("space", &[('\t', '\r'), (' ', ' ')]),
    ("upper", &[('A', 'Z')]),
    ("word", WORD),
    ("xdigit", &[('0', '9'), ('A', 'F'), ('a', 'f')]),
];

/// The most that a repetition may count to, and how deeply groups may be nested.
const REPEAT_MAX: u32 = 1000;
const DEPTH_MAX: u32 = 200;

pub(super) fn sentence(what: &str, of: &str) -> String {
    format!("error parsing regexp: {what}: `{of}`")
}

#[derive(Clone, Copy, Default)]
struct Flags {
    folds: bool,
    lines: bool,
    dot_all: bool,
    lazy: bool,
}

struct Parser<'a> {
    whole: &'a str,
    rest: &'a str,
    depth: u32,
}

type Parsed<T> = Result<T, String>;

pub(super) fn parse(expr: &str) -> Parsed<Pattern> {
    let mut parser = Parser { whole: expr, rest: expr, depth: 0 };
    let mut flags = Flags::default();
    let node = parser.alternatives(&mut flags)?;
    if parser.rest.is_empty() { Ok(node) } else { Err(sentence("unexpected )", expr)) }
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    fn take(&mut self) -> Option<char> {
        let first = self.peek()?;
        self.skip(first.len_utf8());
        Some(first)
    }

    fn take_if(&mut self, text: &str) -> bool {
        let found = self.rest.starts_with(text);
        if found {
            self.skip(text.len());
        }
        found
    }

    /// What was read since a place.
    fn since(&self, start: &'a str) -> &'a str {
        start.get(..start.len() - self.rest.len()).unwrap_or_default()
    }

    fn alternatives(&mut self, flags: &mut Flags) -> Parsed<Pattern> {
        if self.depth >= DEPTH_MAX {
            return Err(sentence("expression nests too deeply", self.whole));
        }
        self.depth += 1;
        let mut all = Vec::from([self.sequence(flags)?]);
        while self.take_if("|") {
            all.push(self.sequence(flags)?);
        }
        self.depth -= 1;
        Ok(if all.len() == 1 { all.pop().unwrap_or(Pattern::Empty) } else { Pattern::Alternate(all) })
    }

    fn sequence(&mut self, flags: &mut Flags) -> Parsed<Pattern> {
        let mut parts: Vec<Pattern> = Vec::new();
        let mut repeated: Option<&'a str> = None;
        while let Some(next) = self.peek().filter(|next| !matches!(*next, '|' | ')')) {
            let start = self.rest;
            if let Some((least, most)) = self.repetition(next)? {
                let lazy = self.take_if("?");
                let sign = self.since(start);
                if let Some(before) = repeated {
                    let both = before.get(..before.len() - self.rest.len()).unwrap_or_default();
                    return Err(sentence("invalid nested repetition operator", both));
                }
                let Some(of) = parts.pop() else {
                    return Err(sentence("missing argument to repetition operator", sign));
                };
                parts.push(Pattern::Repeat { of: Box::new(of), least, most, greedy: lazy == flags.lazy });
                repeated = Some(start);
                continue;
            }
            repeated = None;
            if let Some(quoted) = self.rest.strip_prefix("\\Q") {
                let end = quoted.split_once("\\E").map(|(text, _)| text);
                let text = end.unwrap_or(quoted);
                self.skip(2 + text.len() + if end.is_some() { 2 } else { 0 });
                parts.extend(text.chars().map(|literal| single(literal, *flags)));
                continue;
            }
            if let Some(node) = self.atom(next, flags)? {
                parts.push(node);
            }
        }
        Ok(if parts.len() == 1 { parts.pop().unwrap_or(Pattern::Empty) } else { Pattern::Concat(parts) })
    }

    /// `*`, `+`, `?` or a count in braces; braces around something else are characters.
    fn repetition(&mut self, next: char) -> Parsed<Option<(u32, Option<u32>)>> {
        let counts = match next {
            '*' => (0, None),
            '+' => (1, None),
            '?' => (0, Some(1)),
            '{' => return self.count(),
            _ => return Ok(None),
        };
        self.take();
        Ok(Some(counts))
    }

    fn count(&mut self) -> Parsed<Option<(u32, Option<u32>)>> {
        let Some(end) = self.rest.find('}') else { return Ok(None) };
        let inner = self.rest.get(1..end).unwrap_or_default();
        let number = |text: &str| {
            let is_plain = !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
            (is_plain && (text == "0" || !text.starts_with('0')))
                .then(|| text.parse::<u32>().unwrap_or(u32::MAX))
        };
        let counts = match inner.split_once(',') {
            None => number(inner).map(|count| (count, Some(count))),
            Some((least, "")) => number(least).map(|least| (least, None)),
            Some((least, most)) => number(least).zip(number(most)).map(|(least, most)| (least, Some(most))),
        };
        let Some((least, most)) = counts else { return Ok(None) };
        if least > REPEAT_MAX || most.is_some_and(|most| most > REPEAT_MAX || most < least) {
            return Err(sentence("invalid repeat count", self.rest.get(..=end).unwrap_or_default()));
        }
        self.skip(end + 1);
        Ok(Some((least, most)))
    }

    fn atom(&mut self, next: char, flags: &mut Flags) -> Parsed<Option<Pattern>> {
        match next {
            '(' => return self.group(flags),
            '[' => return self.class(*flags).map(|set| Some(Pattern::CharacterSet(set))),
            '\\' => return self.escaped(*flags).map(Some),
            _ => {}
        }
        self.take();
        Ok(Some(match next {
            '.' if flags.dot_all => Pattern::CharacterSet(CharacterSet {
                classes: Vec::from([(Class::Any, false)]),
                ..CharacterSet::default()
            }),
            '.' => Pattern::CharacterSet(CharacterSet { negated: true, ..CharacterSet::of(&[('\n', '\n')]) }),
            '^' if flags.lines => Pattern::Assert(Assertion::LineStart),
            '^' => Pattern::Assert(Assertion::TextStart),
            '$' if flags.lines => Pattern::Assert(Assertion::LineEnd),
            '$' => Pattern::Assert(Assertion::TextEnd),
            literal => single(literal, *flags),
        }))
    }

    fn group(&mut self, flags: &mut Flags) -> Parsed<Option<Pattern>> {
        let start = self.rest;
        self.take();
        let mut inner = *flags;
        if self.take_if("?") {
            if self.take_if("P<") || (self.rest.starts_with('<') && self.take_if("<")) {
                let end = self.rest.find('>').ok_or_else(|| sentence("invalid named capture", start))?;
                let name = self.rest.get(..end).unwrap_or_default();
                let is_name =
                    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
                self.skip(end + 1);
                if !is_name {
                    return Err(sentence("invalid named capture", self.since(start)));
                }
            } else if !self.flags(start, &mut inner)? {
                *flags = inner;
                return Ok(None);
            }
        }
        let node = self.alternatives(&mut inner)?;
        if !self.take_if(")") {
            return Err(sentence("missing closing )", self.whole));
        }
        Ok(Some(node))
    }

    /// Reads flags. Whether a group follows them.
    fn flags(&mut self, start: &'a str, flags: &mut Flags) -> Parsed<bool> {
        let (mut sign, mut any) = (true, false);
        loop {
            match self.take() {
                Some('i') => flags.folds = sign,
                Some('m') => flags.lines = sign,
                Some('s') => flags.dot_all = sign,
                Some('U') => flags.lazy = sign,
                Some('-') if sign => {
                    (sign, any) = (false, false);
                    continue;
                }
                Some(':') if sign || any => return Ok(true),
                Some(')') if any => return Ok(false),
                _ => return Err(sentence("invalid or unsupported Perl syntax", self.since(start))),
            }
            any = true;
        }
    }

    fn escaped(&mut self, flags: Flags) -> Parsed<Pattern> {
        let start = self.rest;
        let assertion = match start.get(1..).and_then(|rest| rest.chars().next()) {
            Some('A') => Some(Assertion::TextStart),
            Some('z') => Some(Assertion::TextEnd),
            Some('b') => Some(Assertion::WordBoundary),
            Some('B') => Some(Assertion::NoWordBoundary),
            _ => None,
        };
        if let Some(assertion) = assertion {
            self.skip(2);
            return Ok(Pattern::Assert(assertion));
        }
        if let Some(set) = self.named_class()? {
            return Ok(Pattern::CharacterSet(CharacterSet { folds: flags.folds, ..set }));
        }
        self.escape().map(|literal| single(literal, flags))
    }

    /// `\d`, `\pL` and their like.
    fn named_class(&mut self) -> Parsed<Option<CharacterSet>> {
        let start = self.rest;
        let Some(letter) = start.get(1..).and_then(|rest| rest.chars().next()) else { return Ok(None) };
        let set = match letter {
            'd' | 'D' => CharacterSet::of(DIGITS),
            'w' | 'W' => CharacterSet::of(WORD),
            's' | 'S' => CharacterSet::of(SPACES),
            'p' | 'P' => return self.unicode_class(letter == 'P').map(Some),
            _ => return Ok(None),
        };
        self.skip(2);
        Ok(Some(CharacterSet { negated: letter.is_ascii_uppercase(), ..set }))
    }

    fn unicode_class(&mut self, negated: bool) -> Parsed<CharacterSet> {
        let start = self.rest;
        self.skip(2);
        let name = match self.take() {
            Some('{') => {
                let end =
                    self.rest.find('}').ok_or_else(|| sentence("invalid character class range", start))?;
                let name = self.rest.get(..end).unwrap_or_default();
                self.skip(end + 1);
                name
            }
            Some(letter) => start.get(2..2 + letter.len_utf8()).unwrap_or_default(),
            None => "",
        };
        let (name, turned) = name.strip_prefix('^').map_or((name, negated), |name| (name, !negated));
        let class = match name {
            "Any" => Class::Any,
            "L" => Class::Letter,
            "Lu" => Class::Upper,
            "Ll" => Class::Lower,
            "N" | "Nd" => Class::Number,
            "Z" | "Zs" => Class::Space,
            "C" | "Cc" => Class::Control,
            _ => return Err(sentence("invalid character class range", self.since(start))),
        };
        Ok(CharacterSet { classes: Vec::from([(class, false)]), negated: turned, ..CharacterSet::default() })
    }

    /// A character that is written with a backslash.
    fn escape(&mut self) -> Parsed<char> {
        let start = self.rest;
        self.take();
        let Some(letter) = self.take() else {
            return Err(sentence("trailing backslash at end of expression", ""));
        };
        let plain = match letter {
            'a' => Some('\u{7}'),
            'f' => Some('\u{c}'),
            'n' => Some('\n'),
            'r' => Some('\r'),
            't' => Some('\t'),
            'v' => Some('\u{b}'),
            'x' => self.hexadecimal(),
            '1'..='7' if !self.rest.starts_with(|digit: char| ('0'..='7').contains(&digit)) => None,
            '0'..='7' => {
                let mut code = letter.to_digit(8).unwrap_or(0);
                for _ in 0..2 {
                    let Some(digit) = self.peek().and_then(|digit| digit.to_digit(8)) else { break };
                    code = code * 8 + digit;
                    self.take();
                }
                char::from_u32(code)
            }
            sign if sign.is_ascii_punctuation() => Some(sign),
            _ => None,
        };
        plain.ok_or_else(|| sentence("invalid escape sequence", self.since(start)))
    }

    fn hexadecimal(&mut self) -> Option<char> {
        let digits = if self.take_if("{") {
            let end = self.rest.find('}')?;
            let digits = self.rest.get(..end)?;
            self.skip(end + 1);
            digits
        } else {
            let digits = self.rest.get(..2)?;
            self.skip(2);
            digits
        };
        let is_plain = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        u32::from_str_radix(digits, 16).ok().filter(|_| is_plain).and_then(char::from_u32)
    }

    fn class(&mut self, flags: Flags) -> Parsed<CharacterSet> {
        let start = self.rest;
        self.take();
        let mut set =
            CharacterSet { negated: self.take_if("^"), folds: flags.folds, ..CharacterSet::default() };
        let mut is_first = true;
        loop {
            let missing = || sentence("missing closing ]", start);
            let next = self.peek().ok_or_else(missing)?;
            if next == ']' && !is_first {
                self.take();
                return Ok(set);
            }
            is_first = false;
            if self.rest.starts_with("[:")
                && let Some(end) = self.rest.find(":]")
            {
                let name = self.rest.get(2..end).unwrap_or_default();
                let (name, negated) = name.strip_prefix('^').map_or((name, false), |name| (name, true));
                let whole = self.rest.get(..end + 2).unwrap_or_default();
                let known = POSIX.iter().find(|(known, _)| *known == name);
                let (_, ranges) = known.ok_or_else(|| sentence("invalid character class range", whole))?;
                self.skip(end + 2);
                add(&mut set, &CharacterSet { negated, ..CharacterSet::of(ranges) });
                continue;
            }
            if next == '\\'
                && let Some(class) = self.named_class()?
            {
                add(&mut set, &class);
                continue;
            }
            let range_start = self.rest;
            let low = self.class_character(start)?;
            let mut high = low;
            let continues = self.rest.starts_with('-') && !self.rest.starts_with("-]");
            if continues {
                self.take();
                high = self.class_character(start)?;
                if high < low {
                    return Err(sentence("invalid character class range", self.since(range_start)));
                }
            }
            set.ranges.push((low, high));
        }
    }

    fn class_character(&mut self, start: &'a str) -> Parsed<char> {
        match self.peek() {
            Some('\\') => self.escape(),
            Some(_) => Ok(self.take().unwrap_or_default()),
            None => Err(sentence("missing closing ]", start)),
        }
    }
}

/// Adds a class to a set. The characters that are not in ranges are ranges too.
fn add(set: &mut CharacterSet, more: &CharacterSet) {
    set.classes.extend(more.classes.iter().map(|(class, negated)| (*class, *negated != more.negated)));
    if !more.classes.is_empty() {
        return;
    }
    if !more.negated {
        set.ranges.extend(&more.ranges);
        return;
    }
    let mut low = '\0';
    for (from, to) in &more.ranges {
        if let Some(before) = (low..*from).next_back() {
            set.ranges.push((low, before));
        }
        low = (*to..char::MAX).nth(1).unwrap_or(char::MAX);
    }
    set.ranges.push((low, char::MAX));
}

fn single(literal: char, flags: Flags) -> Pattern {
    Pattern::CharacterSet(CharacterSet { folds: flags.folds, ..CharacterSet::of(&[(literal, literal)]) })
}

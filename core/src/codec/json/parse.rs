//! The JSON parser: one pass over the bytes; a second one only to name duplicate members.

mod pass;

use super::exact::{RawForm, RawPaths, kept_value, text_value};
use super::run::plain_run;
use super::{Duplicates, Parsed, SyntaxError, to_vec};
use crate::limits;
use crate::value::{Finite, Map, Text, Value};
use alloc::borrow::Cow;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Parses one JSON text. Nesting is bounded by `limits::JSON_DEPTH`.
///
/// Integers that do not fit 64 bits become floats; bytes that are no UTF-8 become U+FFFD.
pub fn parse(text: &[u8]) -> Result<Parsed, SyntaxError> {
    let (value, repeated) = Parser::new(text, false).document()?;
    if !repeated {
        return Ok(Parsed { value, duplicates: Duplicates::NONE });
    }
    let mut naming = Parser::new(text, true);
    let (value, _) = naming.document()?;
    Ok(Parsed { value, duplicates: Duplicates::Paths(naming.duplicates) })
}

/// The value of a JSON number's text; None when it is beyond a 64-bit float.
pub fn number(text: &str) -> Option<Value> {
    if !text.contains(['.', 'e', 'E'])
        && let Ok(whole) = text.parse()
    {
        return Some(Value::Int(whole));
    }
    Finite::new(text.parse().ok()?).map(Value::Float)
}

/// A place in a JSON text that is being parsed.
pub(crate) struct Parser<'a> {
    text: &'a [u8],
    /// The same, where all of it is UTF-8: then so is every part.
    valid: Option<&'a str>,
    at: usize,
    depth: usize,
    /// Some object had a member more than once.
    repeated: bool,
    /// Members are looked up as they come, so that duplicates are named in document order.
    naming: bool,
    duplicates: Vec<String>,
    /// Members of the objects that are not at their end, so that each map is made at once, in its size.
    members: Vec<(Text, Value)>,
    /// Numbers that would be written otherwise stay texts.
    exact: bool,
    /// What is raw below the current place.
    raws: Option<&'a RawPaths>,
    /// The text comes from the store, so that nobody looks for errors in what is kept of it as text.
    stored: bool,
}

type Parsing<T> = Result<T, SyntaxError>;

impl<'a> Parser<'a> {
    /// At the beginning of a text.
    pub(crate) fn of(text: &'a [u8]) -> Self {
        Self::new(text, false)
    }

    fn new(text: &'a [u8], naming: bool) -> Self {
        let valid = str::from_utf8(text).ok();
        Self {
            text,
            valid,
            at: 0,
            depth: 0,
            repeated: false,
            naming,
            duplicates: Vec::new(),
            members: Vec::new(),
            exact: false,
            raws: None,
            stored: false,
        }
    }

    pub(super) fn exact(text: &'a [u8], naming: bool, raws: &'a RawPaths) -> Self {
        Self { exact: true, raws: Some(raws), ..Self::new(text, naming) }
    }

    pub(super) fn stored(text: &'a [u8], raws: &'a RawPaths) -> Self {
        Self { stored: true, ..Self::exact(text, false, raws) }
    }

    pub(super) fn into_duplicates(self) -> Vec<String> {
        self.duplicates
    }

    /// Whether nothing but space is left.
    pub(crate) fn is_at_end(&mut self) -> bool {
        self.space();
        self.at == self.text.len()
    }

    pub(super) fn document(&mut self) -> Parsing<(Value, bool)> {
        self.space();
        let value = self.value()?;
        self.space();
        if self.at < self.text.len() {
            return Err(self.unexpected("after top-level value"));
        }
        Ok((value, self.repeated))
    }

    /// The byte that comes next.
    pub(crate) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// The error for the byte at the current place, or for the end of the text.
    fn unexpected(&self, context: &str) -> SyntaxError {
        match self.peek() {
            None => SyntaxError("unexpected end of JSON input".into()),
            Some(byte) => SyntaxError(format!("invalid character {} {context}", quoted(byte))),
        }
    }

    /// The value that begins here.
    pub(crate) fn value(&mut self) -> Parsing<Value> {
        if let Some(form) = self.raws.and_then(RawPaths::raw) {
            return self.raw(form);
        }
        match self.peek() {
            Some(b'"') => Ok(Value::Str(Text::from(self.text()?))),
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.literal("true", Value::Bool(true)),
            Some(b'f') => self.literal("false", Value::Bool(false)),
            Some(b'n') => self.literal("null", Value::Null),
            Some(_) | None => Err(self.unexpected("looking for beginning of value")),
        }
    }

    /// A value that is kept byte for byte; duplicate members inside it are not looked for.
    fn raw(&mut self, form: RawForm) -> Parsing<Value> {
        let (start, repeated, known) = (self.at, self.repeated, self.duplicates.len());
        let raws = self.raws.take();
        let value = match form {
            RawForm::Kept => Some(self.value()?),
            RawForm::Text => {
                self.pass_text()?;
                None
            }
        };
        self.raws = raws;
        self.repeated = repeated;
        self.duplicates.truncate(known);
        let text = self.text.get(start..self.at).unwrap_or_default();
        Ok(value.map_or_else(|| text_value(text), |value| kept_value(value, text)))
    }

    fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parsing<T>) -> Parsing<T> {
        self.depth += 1;
        if self.depth > limits::JSON_DEPTH {
            return Err(SyntaxError("exceeded max depth".into()));
        }
        self.at += 1;
        self.space();
        let value = inner(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn object(&mut self) -> Parsing<Value> {
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::empty_map());
        }
        let first = self.members.len();
        let raws = self.raws;
        let mut seen = BTreeSet::new();
        loop {
            let key = Text::from(self.name()?);
            if self.naming && !seen.insert(key.clone()) {
                self.note_duplicate(key.as_str());
            }
            let known = self.duplicates.len();
            self.raws = raws.and_then(|raws| raws.member(&key));
            let value = self.value()?;
            if self.duplicates.len() > known {
                self.prefix_duplicates(known, &key);
            }
            self.members.push((key, value));
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                Some(_) | None => return Err(self.unexpected("after object key:value pair")),
            }
            self.space();
        }
        self.at += 1;
        self.raws = raws;
        let entries: Vec<_> = self.members.drain(first..).collect();
        let met = entries.len();
        let map = Map::from_entries(entries);
        self.repeated |= map.len() < met;
        Ok(Value::map(map))
    }

    /// A member's name and the colon after it.
    fn name(&mut self) -> Parsing<Cow<'a, str>> {
        if self.peek() != Some(b'"') {
            return Err(self.unexpected("looking for beginning of object key string"));
        }
        let key = self.text()?;
        self.space();
        if self.peek() != Some(b':') {
            return Err(self.unexpected("after object key"));
        }
        self.at += 1;
        self.space();
        Ok(key)
    }

    fn array(&mut self) -> Parsing<Value> {
        let mut items = Vec::new();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::list(items));
        }
        let raws = self.raws;
        self.raws = raws.and_then(RawPaths::item);
        loop {
            let known = self.duplicates.len();
            let item = self.value()?;
            if self.duplicates.len() > known {
                self.prefix_duplicates(known, &format!("[{}]", items.len()));
            }
            items.push(item);
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                Some(_) | None => return Err(self.unexpected("after array element")),
            }
            self.space();
        }
        self.at += 1;
        self.raws = raws;
        Ok(Value::list(items))
    }

    fn note_duplicate(&mut self, path: &str) {
        if self.duplicates.len() < limits::STRICT_ERRORS {
            self.duplicates.push(path.into());
        }
    }

    /// Duplicates found inside a member get the member's name before theirs; each path is kept once.
    fn prefix_duplicates(&mut self, known: usize, name: &str) {
        // There are few, so that they may be searched.
        for path in self.duplicates.split_off(known) {
            let dot = if path.starts_with('[') { "" } else { "." };
            let path = format!("{name}{dot}{path}");
            if !self.duplicates.contains(&path) {
                self.duplicates.push(path);
            }
        }
    }

    fn literal(&mut self, word: &str, value: Value) -> Parsing<Value> {
        for expected in word.bytes() {
            if self.peek() != Some(expected) {
                let wanted = char::from(expected);
                return Err(self.unexpected(&format!("in literal {word} (expecting '{wanted}')")));
            }
            self.at += 1;
        }
        Ok(value)
    }

    fn digits(&mut self, context: &str) -> Parsing<()> {
        if !self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return Err(self.unexpected(context));
        }
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Parsing<Value> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits("in numeric literal")?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits("after decimal point in numeric literal")?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits("in exponent of numeric literal")?;
        }
        let text = self.text.get(start..self.at).and_then(|bytes| str::from_utf8(bytes).ok());
        let text = text.expect("a number is ASCII");
        if self.exact {
            let same = |value: &Value| match value {
                Value::Int(number) => *number != 0 || text == "0",
                other => to_vec(other) == text.as_bytes(),
            };
            return Ok(number(text).filter(same).unwrap_or_else(|| Value::Json(text.into())));
        }
        let too_large = || format!("json: cannot unmarshal number {text} into Go value of type float64");
        number(text).ok_or_else(|| SyntaxError(too_large()))
    }

    /// A string.
    fn text(&mut self) -> Parsing<Cow<'a, str>> {
        self.at += 1;
        let start = self.at;
        self.plain();
        let run = self.text.get(start..self.at).unwrap_or_default();
        if self.peek() == Some(b'"') {
            let valid = self.valid.and_then(|text| text.get(start..self.at));
            self.at += 1;
            return Ok(match valid.ok_or(run).or_else(str::from_utf8) {
                Ok(text) => Cow::Borrowed(text),
                Err(_) => Cow::Owned(lossy(run)),
            });
        }
        let mut bytes = Vec::with_capacity(run.len() + 64);
        bytes.extend_from_slice(run);
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => self.escape(&mut bytes)?,
                Some(_) | None => return Err(self.unexpected("in string literal")),
            }
            let start = self.at;
            self.plain();
            bytes.extend_from_slice(self.text.get(start..self.at).unwrap_or_default());
        }
        self.at += 1;
        Ok(Cow::Owned(String::from_utf8(bytes).unwrap_or_else(|error| lossy(error.as_bytes()))))
    }

    /// Moves over bytes that stand for themselves in a string.
    fn plain(&mut self) {
        self.at += plain_run(self.text.get(self.at..).unwrap_or_default());
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Parsing<()> {
        self.at += 1;
        let plain = match self.peek() {
            Some(byte @ (b'"' | b'\\' | b'/')) => byte,
            Some(b'b') => 0x08,
            Some(b'f') => 0x0C,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => {
                self.at += 1;
                let unit = self.hex()?;
                let mut buffer = [0; 4];
                let letter = self.surrogate_pair(unit)?;
                out.extend_from_slice(letter.encode_utf8(&mut buffer).as_bytes());
                return Ok(());
            }
            Some(_) | None => return Err(self.unexpected("in string escape code")),
        };
        self.at += 1;
        out.push(plain);
        Ok(())
    }

    fn hex(&mut self) -> Parsing<u32> {
        let mut unit = 0;
        for _ in 0..4 {
            let Some(digit) = self.peek().and_then(|byte| char::from(byte).to_digit(16)) else {
                return Err(self.unexpected("in \\u hexadecimal character escape"));
            };
            unit = unit * 16 + digit;
            self.at += 1;
        }
        Ok(unit)
    }

    /// The character of one UTF-16 unit, with the unit after it where they make a pair; a unit without
    /// its partner is U+FFFD.
    fn surrogate_pair(&mut self, unit: u32) -> Parsing<char> {
        if let Some(letter) = char::from_u32(unit) {
            return Ok(letter);
        }
        let high = (0xD800..0xDC00).contains(&unit);
        if high && self.text.get(self.at..).is_some_and(|rest| rest.starts_with(b"\\u")) {
            let before = self.at;
            self.at += 2;
            let low = self.hex()?;
            if (0xDC00..0xE000).contains(&low) {
                let code = 0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = before;
        }
        Ok(char::REPLACEMENT_CHARACTER)
    }
}

/// Text with each byte that is not part of UTF-8 replaced, one by one as Go does it.
pub(crate) fn lossy(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() + 8);
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        for _ in chunk.invalid() {
            out.push(char::REPLACEMENT_CHARACTER);
        }
    }
    out
}

/// A byte as Go's error texts quote it: `'x'`, `'\n'`, `'\u0081'`.
fn quoted(byte: u8) -> String {
    match byte {
        b'\'' => "'\\''".into(),
        b'\\' => "'\\\\'".into(),
        0x07 => "'\\a'".into(),
        0x08 => "'\\b'".into(),
        0x0C => "'\\f'".into(),
        b'\n' => "'\\n'".into(),
        b'\r' => "'\\r'".into(),
        b'\t' => "'\\t'".into(),
        0x0B => "'\\v'".into(),
        0x20..0x7F => format!("'{}'", char::from(byte)),
        0x00..0x20 | 0x7F => format!("'\\x{byte:02x}'"),
        0x80..=0xA0 | 0xAD => format!("'\\u{byte:04x}'"),
        0xA1..=0xFF => format!("'{}'", char::from(byte)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json::{to_string, to_vec};
    use alloc::string::ToString;
    use alloc::vec;
    use proptest::prelude::*;

    #[test]
    fn errors_in_gos_words() {
        let cases = [
            ("{not json", "invalid character 'n' looking for beginning of object key string"),
            ("", "unexpected end of JSON input"),
            ("{} x", "invalid character 'x' after top-level value"),
            ("[1 2]", "invalid character '2' after array element"),
            ("{\"a\" 1}", "invalid character '1' after object key"),
            ("{\"a\":1 \"b\"}", "invalid character '\"' after object key:value pair"),
            ("{\"a\":1,}", "invalid character '}' looking for beginning of object key string"),
            ("[1,]", "invalid character ']' looking for beginning of value"),
            ("nul", "unexpected end of JSON input"),
            ("nulx", "invalid character 'x' in literal null (expecting 'l')"),
            ("tRue", "invalid character 'R' in literal true (expecting 'r')"),
            ("-x", "invalid character 'x' in numeric literal"),
            ("1.x", "invalid character 'x' after decimal point in numeric literal"),
            ("1ex", "invalid character 'x' in exponent of numeric literal"),
            ("01", "invalid character '1' after top-level value"),
            ("\"\\x\"", "invalid character 'x' in string escape code"),
            ("\"\\u12g4\"", "invalid character 'g' in \\u hexadecimal character escape"),
            ("\"a\nb\"", "invalid character '\\n' in string literal"),
            ("\"a", "unexpected end of JSON input"),
            ("{'a': 1}", "invalid character '\\'' looking for beginning of object key string"),
            ("[1e999]", "json: cannot unmarshal number 1e999 into Go value of type float64"),
        ];
        for (text, want) in cases {
            assert_eq!(parse(text.as_bytes()), Err(SyntaxError(want.into())), "{text}");
        }
        let broken = parse(b"\x81").expect_err("no value").0;
        assert_eq!(broken, "invalid character '\\u0081' looking for beginning of value");
    }

    #[test]
    fn values_are_kept() {
        let cases = [
            (
                r#" {"b" : [1, -0, 2.50 ,1e3], "a":"\u0041\ud83d\ude00\ud800x\/"} "#,
                "{\"a\":\"A😀\u{fffd}x/\",\"b\":[1,0,2.5,1000]}",
            ),
            ("[9223372036854775807,9223372036854775808]", "[9223372036854775807,9223372036854776000]"),
            ("[[],{},null,true,false]", "[[],{},null,true,false]"),
        ];
        for (text, want) in cases {
            assert_eq!(to_string(&parse(text.as_bytes()).expect("valid").value), want);
        }
        assert_eq!(parse(b"\"a\xff\xe2\x28\"").expect("valid").value, Value::str("a\u{fffd}\u{fffd}("));
    }

    #[test]
    fn duplicates_are_named_in_document_order() {
        let text = br#"{"z":1,"spec":{"c":[{"n":1,"n":2,"n":3},{"m":{"x.y":1,"x.y":2}}]},"a":1,"z":3,"a":0}"#;
        let parsed = parse(text).expect("valid");
        assert_eq!(parsed.duplicates.paths(), ["spec.c[0].n", "spec.c[1].m.x.y", "z", "a"]);
        assert_eq!(parsed.value.field("z"), Some(&Value::Int(3)));
        assert_eq!(parse(br#"{"a":{"b":1},"b":1}"#).expect("valid").duplicates, Duplicates::NONE);
    }

    #[test]
    fn nesting_is_bounded() {
        let text = |depth: usize| [vec![b'['; depth], vec![b']'; depth]].concat();
        assert!(parse(&text(limits::JSON_DEPTH)).is_ok());
        assert_eq!(parse(&text(limits::JSON_DEPTH + 1)), Err(SyntaxError("exceeded max depth".into())));
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Int),
            ".{0,30}".prop_map(Value::str),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            let members = proptest::collection::btree_map(".{0,30}", inner.clone(), 0..6);
            prop_oneof![
                proptest::collection::vec(inner, 0..6).prop_map(Value::list),
                members.prop_map(|map| Value::map(map.into_iter().map(|(k, v)| (k.into(), v)).collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(value in any_value()) {
            let text = to_vec(&value);
            prop_assert_eq!(&parse(&text).expect("own output").value, &value);
            let other: serde_json::Value = serde_json::from_slice(&text).expect("valid JSON");
            prop_assert_eq!(&parse(other.to_string().as_bytes()).expect("valid").value, &value);
        }

        #[test]
        fn floats_are_read_exactly(number in any::<f64>().prop_filter("finite", |n| n.is_finite())) {
            let value = Value::Float(Finite::new(number).expect("finite"));
            let back = parse(&to_vec(&value)).expect("own output").value;
            let whole = back.as_int().map(|whole| whole as f64);
            let same = if let Value::Float(same) = back { Some(same.to_f64()) } else { None };
            prop_assert_eq!(whole.or(same), Some(number));
        }

        #[test]
        fn no_input_panics(text in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = parse(&text);
        }

        #[test]
        fn agrees_with_another_parser(text in r#"[\[\]{}:,"a\\ut0-9eE.+ -]{0,14}"#) {
            let ours = parse(text.as_bytes());
            let theirs = serde_json::from_str::<serde_json::Value>(&text);
            let lone_surrogate = text.contains("\\u");
            prop_assert!(lone_surrogate || ours.is_ok() == theirs.is_ok(), "{} {:?} {:?}", text, ours, theirs);
        }
    }
}

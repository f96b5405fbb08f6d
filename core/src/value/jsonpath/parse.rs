//! Reads templates.
//! k8s: staging/src/k8s.io/client-go/util/jsonpath/parser.go

use super::{Bound, Node};
use crate::limits;
use crate::value::{Finite, Value};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Reads a template that is nested so deeply in others.
pub(super) fn template(input: &str, depth: usize) -> Result<Vec<Node>, String> {
    if depth > limits::JSON_PATH_DEPTH {
        return Err("nested too deeply".into());
    }
    let mut parser = Parser { input, at: 0, start: 0, depth };
    let mut root = Vec::new();
    loop {
        let brace = parser.rest().find('{');
        parser.at = brace.map_or(input.len(), |brace| parser.at + brace);
        let text = parser.take();
        if !text.is_empty() {
            root.push(Node::Literal(Value::from(text)));
        }
        if brace.is_none() {
            return Ok(root);
        }
        parser.at += 1;
        parser.take();
        root.push(Node::List(parser.action()?));
    }
}

struct Parser<'t> {
    input: &'t str,
    at: usize,
    /// Where the text begins that was not taken yet.
    start: usize,
    depth: usize,
}

impl<'t> Parser<'t> {
    fn rest(&self) -> &'t str {
        self.input.get(self.at..).unwrap_or("")
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn take(&mut self) -> &'t str {
        let text = self.input.get(self.start..self.at).unwrap_or("");
        self.start = self.at;
        text
    }

    /// What stands between braces, of which the first was read.
    fn action(&mut self) -> Result<Vec<Node>, String> {
        let mut nodes = Vec::new();
        loop {
            let rest = self.rest();
            if rest.starts_with('}') {
                self.at += 1;
                self.take();
                return Ok(nodes);
            }
            if rest.starts_with("[?(") {
                nodes.push(self.filter()?);
                continue;
            }
            if rest.starts_with("..") {
                if nodes.last() == Some(&Node::Recursive) {
                    return Err("invalid multiple recursive descent".into());
                }
                self.at += 2;
                self.take();
                nodes.push(Node::Recursive);
                if self.peek().is_some_and(is_word) {
                    nodes.push(self.field());
                }
                continue;
            }
            match self.peek() {
                None | Some('\r' | '\n') => return Err("unclosed action".into()),
                Some(' ' | '@' | '$') => {
                    self.next();
                    self.take();
                }
                Some('[') => self.array(&mut nodes)?,
                Some(quote @ ('"' | '\'')) => nodes.push(self.quote(quote)?),
                Some('.') => {
                    self.next();
                    nodes.push(self.field());
                }
                Some(sign) if sign == '+' || sign == '-' || sign.is_ascii_digit() => {
                    nodes.push(self.number()?)
                }
                Some(letter) if is_word(letter) => nodes.push(self.identifier()),
                Some(other) => return Err(format!("unrecognized character in action: {}", unicode(other))),
            }
        }
    }

    fn identifier(&mut self) -> Node {
        while self.peek().is_some_and(|next| !is_terminator(next)) {
            self.next();
        }
        match self.take() {
            "true" => Node::Literal(Value::Bool(true)),
            "false" => Node::Literal(Value::Bool(false)),
            name => Node::Identifier(name.to_string()),
        }
    }

    fn number(&mut self) -> Result<Node, String> {
        self.next();
        while self.peek().is_some_and(|next| next == '.' || next.is_ascii_digit()) {
            self.next();
        }
        let text = self.take();
        if let Ok(whole) = text.parse() {
            return Ok(Node::Int(whole));
        }
        let real = text.parse().ok().and_then(Finite::new);
        real.map(|real| Node::Literal(Value::Float(real)))
            .ok_or_else(|| format!("cannot parse number {text}"))
    }

    fn field(&mut self) -> Node {
        self.take();
        while let Some(next) = self.peek() {
            if is_terminator(next) {
                break;
            }
            self.next();
            if next == '\\' {
                self.next();
            }
        }
        match self.take() {
            "*" => Node::Wildcard,
            name => Node::Field(name.replace('\\', "")),
        }
    }

    fn quote(&mut self, quote: char) -> Result<Node, String> {
        self.next();
        loop {
            let escaped = self.input.as_bytes().get(self.at.wrapping_sub(1)) == Some(&b'\\');
            match self.next() {
                None | Some('\n') => return Err("unterminated quoted string".into()),
                Some(next) if next == quote && !escaped => break,
                Some(_) => {}
            }
        }
        let text = self.take();
        let inner = text.get(1..text.len().saturating_sub(1)).and_then(|inner| unquoted(inner, quote));
        let inner = inner.ok_or_else(|| format!("unquote string {text} error invalid syntax"))?;
        Ok(Node::Literal(Value::from(inner.as_str())))
    }

    /// What stands between brackets: several of them, a name or a slice.
    fn array(&mut self, nodes: &mut Vec<Node>) -> Result<(), String> {
        loop {
            match self.next() {
                None | Some('\n') => return Err("unterminated array".into()),
                Some(']') => break,
                Some(_) => {}
            }
        }
        let text = self.take();
        let text = text.get(1..text.len().saturating_sub(1)).unwrap_or("");
        if text.contains(',') {
            let each = text.split(',').map(|one| self.inner(&format!("[{}]", one.trim_matches(' '))));
            nodes.push(Node::Union(each.collect::<Result<_, _>>()?));
            return Ok(());
        }
        let name = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
        match name.filter(|name| !name.contains('\'')) {
            Some(name) => nodes.extend(self.inner(&format!(".{name}"))?),
            None => nodes.push(slice(if text == "*" { ":" } else { text })?),
        }
        Ok(())
    }

    fn filter(&mut self) -> Result<Node, String> {
        self.at += "[?(".len();
        self.take();
        let (mut opened, mut closed) = (None, false);
        loop {
            let escaped = self.input.as_bytes().get(self.at.wrapping_sub(1)) == Some(&b'\\');
            match self.next() {
                None | Some('\n') => return Err("unterminated filter".into()),
                Some(quote @ ('"' | '\'')) => match opened {
                    None => opened = Some(quote),
                    Some(open) => closed |= quote == open && !escaped,
                },
                Some(')') if opened.is_some() == closed => break,
                Some(_) => {}
            }
        }
        if self.next() != Some(']') {
            return Err("unclosed array expect ]".into());
        }
        let text = self.take();
        let text = text.strip_suffix(")]").unwrap_or(text);
        let Some((left, operator, right)) = comparison(text) else {
            return Ok(Node::Filter { left: self.inner(text)?, right: Vec::new(), operator: String::new() });
        };
        let operator = operator.to_string();
        Ok(Node::Filter { left: self.inner(left)?, right: self.inner(right)?, operator })
    }

    /// The nodes of a text that stands for what is between braces.
    fn inner(&self, text: &str) -> Result<Vec<Node>, String> {
        match template(&format!("{{{text}}}"), self.depth + 1)?.into_iter().next() {
            Some(Node::List(nodes)) => Ok(nodes),
            _ => Ok(Vec::new()),
        }
    }
}

/// `left op right`, each of at least one character.
fn comparison(text: &str) -> Option<(&str, &str, &str)> {
    let is_operator = |letter: char| matches!(letter, '!' | '<' | '>' | '=');
    let from = text.find(is_operator).filter(|from| *from > 0)?;
    let (left, rest) = text.split_at(from);
    let len = rest.find(|letter| !is_operator(letter)).unwrap_or(rest.len().saturating_sub(1));
    let (operator, right) = rest.split_at(len);
    (!operator.is_empty()).then_some((left, operator, right))
}

/// `from:to:step`, each of which may be left out.
fn slice(text: &str) -> Result<Node, String> {
    let invalid = || format!("invalid array index {text}");
    let mut parts = text.split(':');
    let texts = [parts.next(), parts.next(), parts.next()];
    if parts.next().is_some() {
        return Err(invalid());
    }
    let mut bounds = [Bound::default(); 3];
    for (bound, part) in bounds.iter_mut().zip(texts) {
        let part = part.unwrap_or("");
        let digits = part.strip_prefix('-').unwrap_or(part);
        if !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(invalid());
        }
        if part.is_empty() {
            continue;
        }
        let at = part.parse().map_err(|_| format!("array index {part} is not a number"))?;
        *bound = Bound { at: Some(at), derived: false };
    }
    if texts[1].is_none() {
        bounds[1] = Bound { at: Some(bounds[0].at.unwrap_or(0).wrapping_add(1)), derived: true };
    }
    Ok(Node::Slice(bounds))
}

/// The text between quotes, with its escapes replaced as by Go's `strconv.UnquoteChar`; None if it has others.
fn unquoted(text: &str, quote: char) -> Option<String> {
    if !text.contains('\\') && !text.contains(quote) {
        return Some(text.to_string());
    }
    let mut bytes: Vec<u8> = Vec::new();
    let mut rest = text.chars();
    while let Some(next) = rest.next() {
        if next == quote {
            return None;
        }
        if next != '\\' {
            bytes.extend_from_slice(next.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        let simple = |letter: char| match letter {
            'a' => Some(7),
            'b' => Some(8),
            'f' => Some(12),
            'n' => Some(b'\n'),
            'r' => Some(b'\r'),
            't' => Some(b'\t'),
            'v' => Some(11),
            '\\' => Some(b'\\'),
            '\'' | '"' if letter == quote => Some(letter as u8),
            _ => None,
        };
        let escape = rest.next()?;
        match escape {
            'x' => bytes.push(u8::try_from(digits(&mut rest, 2, 16)?).ok()?),
            'u' | 'U' => {
                let letter = char::from_u32(digits(&mut rest, if escape == 'u' { 4 } else { 8 }, 16)?)?;
                bytes.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
            }
            '0'..='7' => {
                let first = escape.to_digit(8)?;
                bytes.push(u8::try_from(first * 64 + digits(&mut rest, 2, 8)?).ok()?);
            }
            other => bytes.push(simple(other)?),
        }
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// The number that the next digits make; None if they are no digits.
fn digits(rest: &mut core::str::Chars<'_>, count: usize, radix: u32) -> Option<u32> {
    (0..count).try_fold(0_u32, |number, _| {
        Some(number.wrapping_mul(radix).wrapping_add(rest.next()?.to_digit(radix)?))
    })
}

fn is_word(letter: char) -> bool {
    letter == '_' || letter.is_alphanumeric()
}

fn is_terminator(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '\r' | '\n' | '.' | ',' | '[' | ']' | '$' | '@' | '{' | '}')
}

/// A character as Go's `%#U` shows it.
fn unicode(letter: char) -> String {
    let number = format!("U+{:04X}", letter as u32);
    if letter.is_control() { number } else { format!("{number} '{letter}'") }
}

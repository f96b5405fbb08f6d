//! Builds a value out of the parser's events.

use super::YamlError;
use super::scalar::{self, Plain};
use crate::codec::base64;
use crate::codec::json::{self, Parsed};
use crate::limits;
use crate::value::{Map, Text, Value};
use alloc::borrow::Cow;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Tag};

/// Parses one document. Alias expansion and nesting are bounded by `limits`.
///
/// `duplicates` holds at most one entry, which is no path but upstream's sentence about all of them:
/// `yaml: unmarshal errors:` and a line for each.
pub fn parse(text: &[u8]) -> Result<Parsed, YamlError> {
    // A text that is JSON means the same as YAML, and is much cheaper to read.
    if text.trim_ascii_start().starts_with(b"{")
        && let Ok(mut parsed) = json::parse(text)
        && parsed.duplicates.is_empty()
    {
        whole_floats(&mut parsed.value);
        return Ok(parsed);
    }
    let text = str::from_utf8(text).map_err(|_| YamlError("yaml: invalid leading UTF-8 octet".into()))?;
    if !text.chars().all(is_allowed) {
        return Err(YamlError("yaml: control characters are not allowed".into()));
    }
    let mut parser = Parser::new_from_str(text);
    let mut builder = Builder::default();
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| builder.syntax_error(text, &error))?;
        if builder.take(event, span.start.line())? {
            break;
        }
    }
    let duplicates = match builder.repeated.as_slice() {
        [] => Vec::new(),
        lines => Vec::from([format!("yaml: unmarshal errors:\n  {}", lines.join("\n  "))]),
    };
    Ok(Parsed { value: builder.root, duplicates })
}

fn is_allowed(letter: char) -> bool {
    matches!(letter, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{A0}'..='\u{FFFD}' | '\u{10000}'..)
}

fn whole_floats(value: &mut Value) {
    match value {
        Value::Float(number) => *value = scalar::whole(*number),
        Value::List(items) => Arc::make_mut(items).iter_mut().for_each(whole_floats),
        Value::Map(map) => Arc::make_mut(map).iter_mut().for_each(|(_, member)| whole_floats(member)),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Str(_) | Value::Json(_) => {}
    }
}

#[derive(Default)]
struct Builder {
    open: Vec<Frame>,
    /// Finished anchored values and the nodes in them.
    anchors: BTreeMap<usize, (Value, usize)>,
    nodes: usize,
    root: Value,
    /// `line 3: key "a" already set in map`
    repeated: Vec<String>,
}

/// A collection that is not closed yet.
struct Frame {
    anchor: usize,
    /// Line of its start, from 1.
    line: usize,
    nodes_before: usize,
    content: Content,
}

enum Content {
    List(Vec<Value>),
    Map { entries: Vec<(Text, Value)>, seen: BTreeSet<Text>, key: Option<Key> },
}

enum Key {
    Name { text: Text, shown: String },
    Merge,
}

/// A completed node on its way into its collection.
struct Node {
    value: Value,
    merge: bool,
    line: usize,
}

type Building<T> = Result<T, YamlError>;

fn fail<T>(message: &str) -> Building<T> {
    Err(YamlError(format!("yaml: {message}")))
}

impl Builder {
    /// Takes one event; true when the document is complete.
    fn take(&mut self, event: Event<'_>, line: usize) -> Building<bool> {
        match event {
            Event::DocumentEnd | Event::StreamEnd => return Ok(true),
            Event::Nothing | Event::StreamStart | Event::DocumentStart(_) => {}
            Event::Alias(anchor) => {
                let Some((value, nodes)) = self.anchors.get(&anchor).cloned() else {
                    return fail("anchor value contains itself");
                };
                self.count(nodes)?;
                self.place(Node { value, merge: false, line })?;
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.count(1)?;
                let (value, merge) = scalar_value(text, style, tag.as_deref(), line)?;
                if anchor > 0 {
                    self.anchors.insert(anchor, (value.clone(), 1));
                }
                self.place(Node { value, merge, line })?;
            }
            Event::SequenceStart(anchor, _) => self.begin(anchor, line, Content::List(Vec::new()))?,
            Event::MappingStart(anchor, _) => {
                let content = Content::Map { entries: Vec::new(), seen: BTreeSet::new(), key: None };
                self.begin(anchor, line, content)?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.end()?,
        }
        Ok(false)
    }

    fn count(&mut self, nodes: usize) -> Building<()> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > limits::YAML_EXPANDED_NODES {
            return fail("document contains excessive aliasing");
        }
        Ok(())
    }

    fn begin(&mut self, anchor: usize, line: usize, content: Content) -> Building<()> {
        if self.open.len() >= limits::JSON_DEPTH {
            return fail("exceeded max depth");
        }
        let nodes_before = self.nodes;
        self.count(1)?;
        self.open.push(Frame { anchor, line, nodes_before, content });
        Ok(())
    }

    fn end(&mut self) -> Building<()> {
        let Some(frame) = self.open.pop() else { return Ok(()) };
        let value = match frame.content {
            Content::List(items) => Value::list(items),
            Content::Map { entries, .. } => Value::map(Map::from_entries(entries)),
        };
        if frame.anchor > 0 {
            self.anchors.insert(frame.anchor, (value.clone(), self.nodes - frame.nodes_before));
        }
        self.place(Node { value, merge: false, line: frame.line })
    }

    /// Puts a completed node where it belongs: the list, the key, the key's value, or the root.
    fn place(&mut self, node: Node) -> Building<()> {
        let Some(frame) = self.open.last_mut() else {
            self.root = node.value;
            return Ok(());
        };
        match &mut frame.content {
            Content::List(items) => items.push(node.value),
            Content::Map { entries, seen, key } => match key.take() {
                None => *key = Some(key_of(&node)?),
                Some(Key::Merge) => merge(entries, node.value)?,
                Some(Key::Name { text, shown }) => {
                    if !seen.insert(text.clone()) {
                        self.repeated.push(format!("line {}: key {shown} already set in map", node.line));
                    }
                    entries.push((text, node.value));
                }
            },
        }
        Ok(())
    }

    /// The parser's complaint as go-yaml words it. A parser's mark counts lines from 0 and a scanner's
    /// from 1, and nothing is said of the first line.
    fn syntax_error(&self, text: &str, error: &ScanError) -> YamlError {
        let info = error.info();
        let problem =
            info.split_once(", ").filter(|_| info.starts_with("while ")).map_or(info, |(_, rest)| rest);
        if problem == "found unknown anchor" {
            let rest = text.chars().skip(error.marker().index()).skip_while(|letter| *letter == '*');
            let name: String =
                rest.take_while(|letter| !letter.is_whitespace() && !",[]{}".contains(*letter)).collect();
            return YamlError(format!("yaml: unknown anchor '{name}' referenced"));
        }
        let mut line = error.marker().line().saturating_sub(1);
        let scanner = SCANNER_PROBLEMS.contains(&problem) || info.starts_with("while scanning");
        if problem == "did not find expected key" {
            let start = self.open.last().map_or(1, |frame| frame.line).saturating_sub(1);
            line = if start > 0 { start } else { line };
        }
        if line == 0 && problem == "found unexpected end of stream" {
            line = text.matches('\n').count();
        }
        let line = if line > 0 && scanner { line + 1 } else { line };
        let place = if line > 0 { format!("line {line}: ") } else { String::new() };
        YamlError(format!("yaml: {place}{}", in_gos_words(problem)))
    }
}

/// Problems that go-yaml's scanner finds, as this parser words them.
const SCANNER_PROBLEMS: [&str; 6] = [
    "mapping values are not allowed in this context",
    "mapping keys are not allowed in this context",
    "block sequence entries are not allowed in this context",
    "simple key expected",
    "simple key expect ':'",
    "tabs disallowed within this context (block indentation)",
];

fn in_gos_words(problem: &str) -> &str {
    match problem {
        "simple key expected" | "simple key expect ':'" => "could not find expected ':'",
        "expected ',' or ']'" => "did not find expected ',' or ']'",
        "tabs disallowed within this context (block indentation)"
        | "tabs disallowed in this context"
        | "tab cannot be used as indentation"
        | "found a tab" => "found character that cannot start any token",
        "unexpected eof" | "misplaced bracket" => "did not find expected node content",
        "the handle wasn't declared" => "found undefined tag handle",
        problem if problem.starts_with("unexpected character") => {
            "found character that cannot start any token"
        }
        problem => problem,
    }
}

fn key_of(node: &Node) -> Building<Key> {
    if node.merge {
        return Ok(Key::Merge);
    }
    match scalar::key(&node.value) {
        Some(text) => Ok(Key::Name { shown: json::to_string(&node.value), text }),
        None => fail("invalid map key"),
    }
}

/// `<<`: the members of a map, or of several of which earlier ones win.
fn merge(entries: &mut Vec<(Text, Value)>, value: Value) -> Building<()> {
    let maps = match value {
        Value::Map(map) => Vec::from([Value::Map(map)]),
        Value::List(items) => items.iter().rev().cloned().collect(),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Str(_) | Value::Json(_) => {
            Vec::from([Value::Null])
        }
    };
    for map in maps {
        let Value::Map(map) = map else {
            return fail("map merge requires map or sequence of maps as the value");
        };
        entries.extend(map.iter().map(|(key, member)| (key.clone(), member.clone())));
    }
    Ok(())
}

/// A scalar's value, and whether it is the merge key.
fn scalar_value(
    text: Cow<'_, str>,
    style: ScalarStyle,
    tag: Option<&Tag>,
    line: usize,
) -> Building<(Value, bool)> {
    let core =
        tag.filter(|tag| tag.is_yaml_core_schema() || tag.handle == "!!").map(|tag| tag.suffix.as_str());
    let plain = style == ScalarStyle::Plain;
    match core {
        None if tag.is_some() || !plain => return Ok((Value::str(text.as_ref()), false)),
        Some("str") => return Ok((Value::str(text.as_ref()), false)),
        Some("binary") => {
            let bytes = base64::decode(&text).ok();
            let Some(bytes) = bytes else { return fail("!!binary value contains invalid base64 data") };
            return Ok((Value::from(String::from_utf8_lossy(&bytes).into_owned()), false));
        }
        Some(_) | None => {}
    }
    match scalar::resolve(&text) {
        Plain::Merge => Ok((Value::str("<<"), plain)),
        Plain::NotJson(number) => Err(YamlError(format!("json: unsupported value: {number}"))),
        Plain::Value(value) => {
            let wanted = match core {
                Some("int") => matches!(value, Value::Int(_)),
                Some("float") => matches!(value, Value::Int(_) | Value::Float(_)),
                Some("bool") => matches!(value, Value::Bool(_)),
                Some("null") => value.is_null(),
                Some(_) | None => true,
            };
            if wanted {
                return Ok((value, false));
            }
            let tag = core.unwrap_or_default();
            fail(&format!("unmarshal errors:\n  line {line}: cannot decode !!str `{text}` as a !!{tag}"))
        }
    }
}

//! Builds a value out of the events of the first document.
//! Go: go.yaml.in/yaml/v2 decode.go, sigs.k8s.io/yaml yaml.go
//!
//! The Go library reads the whole document before it makes values, and then makes JSON of the values. Therefore the
//! first error of the grammar is reported, or else the first of the values, or else the first of the conversion to
//! JSON.

use super::YamlError;
use super::anchors::{Anchors, Set, Subtree};
use super::go;
use super::grammar::{Grammar, YamlEventKind};
use super::scalar::{self, Resolved, Special};
use super::source;
use crate::codec::json::{self, Duplicates, Parsed};
use crate::limits;
use crate::value::{Map, Text, Value};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Parses the first document. Alias expansion and nesting are bounded by `limits`.
///
/// Of members that occur more than once, the first `limits::STRICT_ERRORS` are told.
pub fn parse(text: &[u8]) -> Result<Parsed, YamlError> {
    // A JSON text without escapes means the same as YAML, and the JSON parser is much faster.
    if text.trim_ascii_start().starts_with(b"{")
        && !text.contains(&b'\\')
        && source::read(text).fault.is_none()
        && let Ok(mut parsed) = json::parse(text)
        && parsed.duplicates.is_empty()
    {
        whole_floats(&mut parsed.value);
        return Ok(parsed);
    }
    let source = source::read(text);
    let mut grammar = Grammar::new(&source);
    let mut builder = Builder::default();
    loop {
        let event = grammar.next_event().map_err(|problem| {
            let place = if problem.line > 0 { format!("line {}: ", problem.line) } else { String::new() };
            YamlError(format!("yaml: {place}{}", problem.text))
        })?;
        if builder.take(event.kind, event.line)? {
            return builder.finish();
        }
    }
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
    anchors: Anchors,
    root: Value,
    /// The first error in a value. Nothing more is built after it.
    fault: Option<YamlError>,
    /// The first value that JSON cannot express, with the error of the conversion or the encoder.
    no_key: Option<String>,
    no_value: Option<String>,
    repeated: Vec<Repeated>,
    /// How many members were set so far, which gives the order of errors.
    sets: u32,
}

/// A member that is set again.
struct Repeated {
    set: u32,
    line: u32,
    key: String,
}

/// A collection that is not closed yet.
struct Frame {
    anchor: Option<Text>,
    start: Subtree,
    line: usize,
    content: Content,
}

enum Content {
    List(Vec<Value>),
    /// The list after `<<`: maps with the lines of their members.
    Merges(Vec<Node>),
    Map {
        sets: Vec<Set>,
        key: Option<Key>,
    },
}

enum Key {
    Name { text: Text, kind: scalar::KeyKind },
    Merge,
}

/// A completed node on its way into its collection.
struct Node {
    value: Value,
    special: Special,
    merge: bool,
    /// The members of a map with their lines, where they may be merged into another.
    members: Option<Arc<Vec<Set>>>,
    line: usize,
}

type Building<T> = Result<T, YamlError>;

fn fail<T>(message: &str) -> Building<T> {
    Err(YamlError(format!("yaml: {message}")))
}

const NOT_MERGED: &str = "map merge requires map or sequence of maps as the value";

impl Builder {
    /// Takes one event; true when the document is complete. An error is one of the grammar.
    fn take(&mut self, event: YamlEventKind, line: usize) -> Building<bool> {
        let taken = match event {
            YamlEventKind::DocumentEnd | YamlEventKind::StreamEnd => return Ok(true),
            YamlEventKind::DocumentStart => Ok(()),
            YamlEventKind::Alias(name) => {
                if !self.anchors.is_known(&name) {
                    return fail(&format!("unknown anchor '{name}' referenced"));
                }
                self.alias(&name, line)
            }
            YamlEventKind::Scalar { anchor, tag, text, implicit } => {
                self.scalar(anchor, &tag, text, implicit, line)
            }
            YamlEventKind::SequenceStart(anchor) => {
                let merges = self.awaits_merge();
                let content = if merges { Content::Merges(Vec::new()) } else { Content::List(Vec::new()) };
                self.begin(anchor, content, line)?;
                Ok(())
            }
            YamlEventKind::MappingStart(anchor) => {
                self.begin(anchor, Content::Map { sets: Vec::new(), key: None }, line)?;
                Ok(())
            }
            YamlEventKind::SequenceEnd | YamlEventKind::MappingEnd => self.end(),
        };
        if let Err(fault) = taken {
            self.fault.get_or_insert(fault);
        }
        Ok(false)
    }

    fn finish(mut self) -> Building<Parsed> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        if let Some(why) = self.no_key.or(self.no_value) {
            return Err(YamlError(why));
        }
        self.repeated.sort_by_key(|repeated| repeated.set);
        let lines = self.repeated.iter().take(limits::STRICT_ERRORS);
        let lines: Vec<String> = lines
            .map(|Repeated { line, key, .. }| format!("line {}: key {key} already set in map", line + 1))
            .collect();
        Ok(Parsed { value: self.root, duplicates: Duplicates::Lines(lines) })
    }

    fn awaits_merge(&self) -> bool {
        self.open
            .last()
            .is_some_and(|frame| matches!(frame.content, Content::Map { key: Some(Key::Merge), .. }))
    }

    /// The members of a map that ends here are wanted with their lines.
    fn may_be_merged(&self, anchor: Option<&Text>) -> bool {
        let in_list = self.open.last().is_some_and(|frame| matches!(frame.content, Content::Merges(_)));
        anchor.is_some() || in_list || self.awaits_merge()
    }

    fn alias(&mut self, name: &Text, line: usize) -> Building<()> {
        if self.fault.is_some() {
            return Ok(());
        }
        let anchored = self.anchors.expand(name)?;
        let (value, members) = (anchored.value.clone(), anchored.members.clone());
        self.place(Node { value, special: Special::None, merge: false, members, line })
    }

    fn scalar(
        &mut self,
        anchor: Option<Text>,
        tag: &str,
        text: Text,
        implicit: bool,
        line: usize,
    ) -> Building<()> {
        let start = self.anchors.count(text.len());
        if self.fault.is_some() {
            anchor.into_iter().for_each(|name| self.anchors.name(name));
            return Ok(());
        }
        let merge = text == "<<" && (implicit || tag == "tag:yaml.org,2002:merge");
        let Resolved { value, special } = scalar::scalar(text, tag, implicit)?;
        if let Special::NotJson(number) = special {
            // As a key it has a name; as a value the encoder refuses it.
            let is_key =
                matches!(self.open.last(), Some(Frame { content: Content::Map { key: None, .. }, .. }));
            if !is_key {
                self.no_value.get_or_insert(format!("json: unsupported value: {number}"));
            }
        }
        if let Some(name) = anchor {
            self.anchors.finish(name, &start, value.clone(), None);
        }
        self.place(Node { value, special, merge, members: None, line })
    }

    fn begin(&mut self, anchor: Option<Text>, content: Content, line: usize) -> Building<()> {
        if self.open.len() >= limits::JSON_DEPTH {
            return fail("exceeded max depth");
        }
        let start = self.anchors.count(0);
        if let Some(name) = &anchor {
            self.anchors.name(name.clone());
        }
        self.open.push(Frame { anchor, start, line, content });
        Ok(())
    }

    fn end(&mut self) -> Building<()> {
        let Some(frame) = self.open.pop() else { return Ok(()) };
        if self.fault.is_some() {
            return Ok(());
        }
        let mut members = None;
        let value = match frame.content {
            Content::List(items) => Value::list(items),
            Content::Merges(nodes) => return self.merge_all(nodes),
            Content::Map { sets, .. } => {
                let sets = self.without_repeated(sets);
                if self.may_be_merged(frame.anchor.as_ref()) {
                    members = Some(Arc::new(sets.clone()));
                }
                Value::map(Map::from_entries(sets.into_iter().map(|set| (set.text, set.value)).collect()))
            }
        };
        if let Some(name) = frame.anchor {
            self.anchors.finish(name, &frame.start, value.clone(), members.clone());
        }
        self.place(Node { value, special: Special::None, merge: false, members, line: frame.line })
    }

    /// The members sorted by name, of those with one name the last; notes which were set again.
    fn without_repeated(&mut self, mut sets: Vec<Set>) -> Vec<Set> {
        if sets.is_sorted_by(|one, other| one.text < other.text) {
            return sets;
        }
        sets.sort_by(|one, other| one.text.cmp(&other.text));
        for group in sets.chunk_by(|one, other| one.text == other.text).filter(|group| group.len() > 1) {
            let mut kinds = Vec::new();
            for set in group {
                if !kinds.contains(&set.kind) {
                    kinds.push(set.kind);
                } else if self.repeated.len() < REPEATED_MAX {
                    let key = set.kind.shown(&set.text);
                    self.repeated.push(Repeated { set: set.number, line: set.line, key });
                }
            }
        }
        sets.dedup_by(|later, kept| {
            let same = later.text == kept.text;
            if same {
                core::mem::swap(later, kept);
            }
            same
        });
        sets
    }

    /// Puts a completed node where it belongs: the list, the key, the key's value, or the root.
    fn place(&mut self, node: Node) -> Building<()> {
        let Some(frame) = self.open.last_mut() else {
            self.root = node.value;
            return Ok(());
        };
        match &mut frame.content {
            Content::List(items) => items.push(node.value),
            Content::Merges(nodes) => nodes.push(node),
            Content::Map { sets, key } => match key.take() {
                None => {
                    *key = Some(if node.merge {
                        Key::Merge
                    } else {
                        match scalar::key(&node.value, node.special) {
                            Some((text, kind)) => Key::Name { text, kind },
                            None => return fail(&format!("invalid map key: {}", go::syntax(&node.value))),
                        }
                    });
                }
                Some(Key::Merge) => return self.merge_all(Vec::from([node])),
                Some(Key::Name { text, kind }) => {
                    if let Some(shown) = kind.not_json() {
                        let value = go::syntax(&node.value);
                        let why = format!("unsupported map key of type: {shown}, value: {value}");
                        self.no_key.get_or_insert(why);
                    }
                    let number = self.sets;
                    self.sets += 1;
                    sets.push(Set { text, kind, value: node.value, line: node.line as u32, number });
                }
            },
        }
        Ok(())
    }

    /// `<<`: the members of a map, or of several of which earlier ones win.
    fn merge_all(&mut self, nodes: Vec<Node>) -> Building<()> {
        for node in nodes.into_iter().rev() {
            let Some(members) = node.members else { return fail(NOT_MERGED) };
            let mut merged: Vec<Set> = members.as_ref().clone();
            merged.sort_by_key(|set| set.number);
            for set in &mut merged {
                set.number = self.sets;
                self.sets += 1;
            }
            if let Some(Frame { content: Content::Map { sets, key }, .. }) = self.open.last_mut() {
                *key = None;
                sets.append(&mut merged);
            }
        }
        if let Some(Frame { content: Content::Map { key, .. }, .. }) = self.open.last_mut() {
            *key = None;
        }
        Ok(())
    }
}

/// How many repeated members are remembered; only the first are reported.
const REPEATED_MAX: usize = 100 * limits::STRICT_ERRORS;

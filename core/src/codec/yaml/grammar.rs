//! From tokens to events: where collections begin and end, and what has which anchor and tag.
//! Go: go.yaml.in/yaml/v2 parserc.go

use super::scanner::{Problem, Scanner, Scanning, YamlToken, YamlTokenKind};
use super::source::Source;
use crate::limits;
use crate::value::Text;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// What is found in a document, with the line (from 0) where it begins.
#[derive(Debug)]
pub(super) struct YamlEvent {
    pub(super) kind: YamlEventKind,
    pub(super) line: usize,
}

#[derive(Debug)]
pub(super) enum YamlEventKind {
    DocumentStart,
    DocumentEnd,
    StreamEnd,
    Alias(Text),
    Scalar {
        anchor: Option<Text>,
        /// Empty for none.
        tag: String,
        text: Text,
        /// Plain and without a tag, or with the tag `!`.
        implicit: bool,
    },
    SequenceStart(Option<Text>),
    SequenceEnd,
    MappingStart(Option<Text>),
    MappingEnd,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    StreamStart,
    FirstDocument,
    Document,
    DocumentContent,
    DocumentEnd,
    BlockNode,
    BlockSequenceFirst,
    BlockSequence,
    IndentlessSequence,
    BlockMappingFirst,
    BlockMappingKey,
    BlockMappingValue,
    FlowSequenceFirst,
    FlowSequence,
    FlowPairKey,
    FlowPairValue,
    FlowPairEnd,
    FlowMappingFirst,
    FlowMappingKey,
    FlowMappingValue,
    FlowMappingNoValue,
    End,
}

pub(super) struct Grammar<'a> {
    scanner: Scanner<'a>,
    state: State,
    /// States to go back to.
    states: Vec<State>,
    /// Lines where the open collections begin.
    lines: Vec<usize>,
    tag_directives: Vec<(String, String)>,
}

const CORE_TAGS: &str = "tag:yaml.org,2002:";

/// A complaint of the grammar at a line; in the first line, at the line of what is around it.
fn problem<T>(text: &'static str, line: usize, around: usize) -> Scanning<T> {
    Err(Problem { text, line: if line > 0 { line } else { around } })
}

fn empty_scalar(line: usize) -> Scanning<YamlEvent> {
    let kind =
        YamlEventKind::Scalar { anchor: None, tag: String::new(), text: Text::default(), implicit: true };
    Ok(YamlEvent { kind, line })
}

impl<'a> Grammar<'a> {
    pub(super) fn new(source: &'a Source<'_>) -> Self {
        let scanner = Scanner::new(source);
        Self {
            scanner,
            state: State::StreamStart,
            states: Vec::new(),
            lines: Vec::new(),
            tag_directives: Vec::new(),
        }
    }

    pub(super) fn next_event(&mut self) -> Scanning<YamlEvent> {
        loop {
            return match self.state {
                State::StreamStart => {
                    self.scanner.take_token()?;
                    self.state = State::FirstDocument;
                    continue;
                }
                State::FirstDocument => self.document_start(true),
                State::Document => self.document_start(false),
                State::DocumentContent => self.document_content(),
                State::DocumentEnd => self.document_end(),
                State::BlockNode => self.node(true, false),
                State::BlockSequenceFirst => self.block_sequence(true),
                State::BlockSequence => self.block_sequence(false),
                State::IndentlessSequence => self.indentless_sequence(),
                State::BlockMappingFirst => self.block_mapping_key(true),
                State::BlockMappingKey => self.block_mapping_key(false),
                State::BlockMappingValue => self.block_mapping_value(),
                State::FlowSequenceFirst => self.flow_sequence(true),
                State::FlowSequence => self.flow_sequence(false),
                State::FlowPairKey => self.flow_pair_key(),
                State::FlowPairValue => self.flow_pair_value(),
                State::FlowPairEnd => {
                    let (_, line, _) = self.look()?;
                    self.state = State::FlowSequence;
                    Ok(YamlEvent { kind: YamlEventKind::MappingEnd, line })
                }
                State::FlowMappingFirst => self.flow_mapping_key(true),
                State::FlowMappingKey => self.flow_mapping_key(false),
                State::FlowMappingValue => self.flow_mapping_value(false),
                State::FlowMappingNoValue => self.flow_mapping_value(true),
                State::End => Ok(YamlEvent { kind: YamlEventKind::StreamEnd, line: 0 }),
            };
        }
    }

    /// The next token's sort, and its lines.
    fn look(&mut self) -> Scanning<(Sort, usize, usize)> {
        let YamlToken { kind, line, end_line } = self.scanner.peek_token()?;
        Ok((Sort::of(kind), *line, *end_line))
    }

    fn skip(&mut self) -> Scanning<()> {
        self.scanner.take_token().map(drop)
    }

    fn back(&mut self) {
        self.state = self.states.pop().unwrap_or(State::End);
    }

    /// A node, after which the grammar goes on in a state.
    fn node_then(&mut self, then: State, block: bool, indentless: bool) -> Scanning<YamlEvent> {
        self.states.push(then);
        self.node(block, indentless)
    }

    fn document_start(&mut self, first: bool) -> Scanning<YamlEvent> {
        while !first && self.look()?.0 == Sort::DocumentEnd {
            self.skip()?;
        }
        let (sort, line, _) = self.look()?;
        if sort == Sort::StreamEnd {
            self.skip()?;
            self.state = State::End;
            return Ok(YamlEvent { kind: YamlEventKind::StreamEnd, line });
        }
        let explicit = !first || matches!(sort, Sort::Directive | Sort::DocumentStart);
        self.directives()?;
        self.states.push(State::DocumentEnd);
        self.state = State::BlockNode;
        if explicit {
            let (sort, line, _) = self.look()?;
            if sort != Sort::DocumentStart {
                return problem("did not find expected <document start>", line, 0);
            }
            self.skip()?;
            self.state = State::DocumentContent;
        }
        Ok(YamlEvent { kind: YamlEventKind::DocumentStart, line })
    }

    fn directives(&mut self) -> Scanning<()> {
        let mut has_version = false;
        while self.look()?.0 == Sort::Directive {
            let token = self.scanner.take_token()?;
            if let YamlTokenKind::Version(major, minor) = token.kind {
                if has_version {
                    return problem("found duplicate %YAML directive", token.line, 0);
                }
                if (major, minor) != (1, 1) {
                    return problem("found incompatible YAML document", token.line, 0);
                }
                has_version = true;
            } else if let YamlTokenKind::TagDirective(directive) = token.kind {
                if self.tag_directives.iter().any(|(handle, _)| *handle == directive.0) {
                    return problem("found duplicate %TAG directive", token.line, 0);
                }
                if self.tag_directives.len() >= limits::YAML_TAG_DIRECTIVES {
                    return problem("found too many %TAG directives", token.line, 0);
                }
                self.tag_directives.push(*directive);
            }
        }
        Ok(())
    }

    fn document_content(&mut self) -> Scanning<YamlEvent> {
        let (sort, line, _) = self.look()?;
        if matches!(sort, Sort::Directive | Sort::DocumentStart | Sort::DocumentEnd | Sort::StreamEnd) {
            self.back();
            return empty_scalar(line);
        }
        self.node(true, false)
    }

    fn document_end(&mut self) -> Scanning<YamlEvent> {
        let (sort, line, _) = self.look()?;
        if sort == Sort::DocumentEnd {
            self.skip()?;
        }
        self.tag_directives.clear();
        self.state = State::Document;
        Ok(YamlEvent { kind: YamlEventKind::DocumentEnd, line })
    }

    /// The tag that a handle and a suffix mean; None for a handle that nobody declared.
    fn tag(&self, handle: &str, suffix: &str) -> Option<String> {
        if handle.is_empty() {
            return Some(suffix.into());
        }
        let declared = self.tag_directives.iter().find(|(known, _)| known == handle);
        let prefix = match (declared, handle) {
            (Some((_, prefix)), _) => prefix.as_str(),
            (None, "!") => "!",
            (None, "!!") => CORE_TAGS,
            (None, _) => return None,
        };
        Some(format!("{prefix}{suffix}")).filter(|tag| !tag.is_empty())
    }

    fn node(&mut self, block: bool, indentless: bool) -> Scanning<YamlEvent> {
        let (sort, start, _) = self.look()?;
        if sort == Sort::Alias {
            self.back();
            let YamlTokenKind::Alias(name) = self.scanner.take_token()?.kind else {
                return empty_scalar(start);
            };
            return Ok(YamlEvent { kind: YamlEventKind::Alias(name), line: start });
        }
        let mut anchor = None;
        let mut tagged: Option<(String, String, usize)> = None;
        // An anchor and a tag come in any order, each once.
        loop {
            let sort = self.look()?.0;
            let wanted = sort == Sort::Anchor && anchor.is_none() || sort == Sort::Tag && tagged.is_none();
            if !wanted {
                break;
            }
            let token = self.scanner.take_token()?;
            if let YamlTokenKind::Anchor(name) = token.kind {
                anchor = Some(name);
            } else if let YamlTokenKind::Tag(tag) = token.kind {
                tagged = Some((tag.0, tag.1, token.line));
            }
        }
        let mut tag = String::new();
        if let Some((handle, suffix, line)) = tagged {
            match self.tag(&handle, &suffix) {
                Some(found) => tag = found,
                None => return problem("found undefined tag handle", line, start),
            }
        }
        let (sort, line, _) = self.look()?;
        let (state, kind) = match sort {
            Sort::BlockEntry if indentless => {
                (State::IndentlessSequence, YamlEventKind::SequenceStart(anchor))
            }
            Sort::Scalar => {
                self.back();
                let YamlTokenKind::Scalar { text, plain } = self.scanner.take_token()?.kind else {
                    return empty_scalar(start);
                };
                let implicit = tag.is_empty() && plain || tag == "!";
                return Ok(YamlEvent {
                    kind: YamlEventKind::Scalar { anchor, tag, text, implicit },
                    line: start,
                });
            }
            Sort::FlowSequenceStart => (State::FlowSequenceFirst, YamlEventKind::SequenceStart(anchor)),
            Sort::FlowMappingStart => (State::FlowMappingFirst, YamlEventKind::MappingStart(anchor)),
            Sort::BlockSequenceStart if block => {
                (State::BlockSequenceFirst, YamlEventKind::SequenceStart(anchor))
            }
            Sort::BlockMappingStart if block => {
                (State::BlockMappingFirst, YamlEventKind::MappingStart(anchor))
            }
            _ if anchor.is_some() || !tag.is_empty() => {
                self.back();
                let implicit = tag.is_empty();
                let kind = YamlEventKind::Scalar { anchor, tag, text: Text::default(), implicit };
                return Ok(YamlEvent { kind, line: start });
            }
            _ => return problem("did not find expected node content", line, start),
        };
        self.state = state;
        Ok(YamlEvent { kind, line: start })
    }

    /// Takes the token that opens a collection.
    fn open(&mut self, first: bool) -> Scanning<()> {
        if first {
            let token = self.scanner.take_token()?;
            self.lines.push(token.line);
        }
        Ok(())
    }

    fn close(&mut self, kind: YamlEventKind) -> Scanning<YamlEvent> {
        self.back();
        self.lines.pop();
        let line = self.scanner.take_token()?.line;
        Ok(YamlEvent { kind, line })
    }

    fn around(&self) -> usize {
        self.lines.last().copied().unwrap_or_default()
    }

    fn block_sequence(&mut self, first: bool) -> Scanning<YamlEvent> {
        self.open(first)?;
        let (sort, line, end_line) = self.look()?;
        match sort {
            Sort::BlockEntry => {
                self.skip()?;
                if matches!(self.look()?.0, Sort::BlockEntry | Sort::BlockEnd) {
                    self.state = State::BlockSequence;
                    return empty_scalar(end_line);
                }
                self.node_then(State::BlockSequence, true, false)
            }
            Sort::BlockEnd => self.close(YamlEventKind::SequenceEnd),
            _ => problem("did not find expected '-' indicator", line, self.around()),
        }
    }

    fn indentless_sequence(&mut self) -> Scanning<YamlEvent> {
        let (sort, line, end_line) = self.look()?;
        if sort != Sort::BlockEntry {
            self.back();
            return Ok(YamlEvent { kind: YamlEventKind::SequenceEnd, line });
        }
        self.skip()?;
        if matches!(self.look()?.0, Sort::BlockEntry | Sort::Key | Sort::Value | Sort::BlockEnd) {
            self.state = State::IndentlessSequence;
            return empty_scalar(end_line);
        }
        self.node_then(State::IndentlessSequence, true, false)
    }

    fn block_mapping_key(&mut self, first: bool) -> Scanning<YamlEvent> {
        self.open(first)?;
        let (sort, line, end_line) = self.look()?;
        match sort {
            Sort::Key => {
                self.skip()?;
                if matches!(self.look()?.0, Sort::Key | Sort::Value | Sort::BlockEnd) {
                    self.state = State::BlockMappingValue;
                    return empty_scalar(end_line);
                }
                self.node_then(State::BlockMappingValue, true, true)
            }
            Sort::BlockEnd => self.close(YamlEventKind::MappingEnd),
            _ => problem("did not find expected key", line, self.around()),
        }
    }

    fn block_mapping_value(&mut self) -> Scanning<YamlEvent> {
        let (sort, line, end_line) = self.look()?;
        self.state = State::BlockMappingKey;
        if sort != Sort::Value {
            return empty_scalar(line);
        }
        self.skip()?;
        if matches!(self.look()?.0, Sort::Key | Sort::Value | Sort::BlockEnd) {
            return empty_scalar(end_line);
        }
        self.node_then(State::BlockMappingKey, true, true)
    }

    fn flow_sequence(&mut self, first: bool) -> Scanning<YamlEvent> {
        self.open(first)?;
        let (mut sort, mut line, _) = self.look()?;
        if sort != Sort::FlowSequenceEnd {
            if !first {
                if sort != Sort::FlowEntry {
                    return problem("did not find expected ',' or ']'", line, self.around());
                }
                self.skip()?;
                (sort, line, _) = self.look()?;
            }
            if sort == Sort::Key {
                self.skip()?;
                self.state = State::FlowPairKey;
                return Ok(YamlEvent { kind: YamlEventKind::MappingStart(None), line });
            }
            if sort != Sort::FlowSequenceEnd {
                return self.node_then(State::FlowSequence, false, false);
            }
        }
        self.close(YamlEventKind::SequenceEnd)
    }

    fn flow_pair_key(&mut self) -> Scanning<YamlEvent> {
        let (sort, _, end_line) = self.look()?;
        if !matches!(sort, Sort::Value | Sort::FlowEntry | Sort::FlowSequenceEnd) {
            return self.node_then(State::FlowPairValue, false, false);
        }
        // The library takes the token with it.
        self.skip()?;
        self.state = State::FlowPairValue;
        empty_scalar(end_line)
    }

    fn flow_pair_value(&mut self) -> Scanning<YamlEvent> {
        let (sort, line, _) = self.look()?;
        if sort == Sort::Value {
            self.skip()?;
            if !matches!(self.look()?.0, Sort::FlowEntry | Sort::FlowSequenceEnd) {
                return self.node_then(State::FlowPairEnd, false, false);
            }
        }
        self.state = State::FlowPairEnd;
        empty_scalar(line)
    }

    fn flow_mapping_key(&mut self, first: bool) -> Scanning<YamlEvent> {
        self.open(first)?;
        let (mut sort, line, _) = self.look()?;
        if sort != Sort::FlowMappingEnd {
            if !first {
                if sort != Sort::FlowEntry {
                    return problem("did not find expected ',' or '}'", line, self.around());
                }
                self.skip()?;
                sort = self.look()?.0;
            }
            if sort == Sort::Key {
                self.skip()?;
                let (sort, line, _) = self.look()?;
                if matches!(sort, Sort::Value | Sort::FlowEntry | Sort::FlowMappingEnd) {
                    self.state = State::FlowMappingValue;
                    return empty_scalar(line);
                }
                return self.node_then(State::FlowMappingValue, false, false);
            }
            if sort != Sort::FlowMappingEnd {
                return self.node_then(State::FlowMappingNoValue, false, false);
            }
        }
        self.close(YamlEventKind::MappingEnd)
    }

    fn flow_mapping_value(&mut self, absent: bool) -> Scanning<YamlEvent> {
        let (sort, line, _) = self.look()?;
        self.state = State::FlowMappingKey;
        if absent || sort != Sort::Value {
            return empty_scalar(line);
        }
        self.skip()?;
        let (sort, line, _) = self.look()?;
        if matches!(sort, Sort::FlowEntry | Sort::FlowMappingEnd) {
            return empty_scalar(line);
        }
        self.node_then(State::FlowMappingKey, false, false)
    }
}

/// A token's sort, without what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    StreamStart,
    StreamEnd,
    Directive,
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
    Alias,
    Anchor,
    Tag,
    Scalar,
}

impl Sort {
    fn of(kind: &YamlTokenKind) -> Self {
        match kind {
            YamlTokenKind::StreamStart => Self::StreamStart,
            YamlTokenKind::StreamEnd => Self::StreamEnd,
            YamlTokenKind::Version(..) | YamlTokenKind::TagDirective(_) => Self::Directive,
            YamlTokenKind::DocumentStart => Self::DocumentStart,
            YamlTokenKind::DocumentEnd => Self::DocumentEnd,
            YamlTokenKind::BlockSequenceStart => Self::BlockSequenceStart,
            YamlTokenKind::BlockMappingStart => Self::BlockMappingStart,
            YamlTokenKind::BlockEnd => Self::BlockEnd,
            YamlTokenKind::FlowSequenceStart => Self::FlowSequenceStart,
            YamlTokenKind::FlowSequenceEnd => Self::FlowSequenceEnd,
            YamlTokenKind::FlowMappingStart => Self::FlowMappingStart,
            YamlTokenKind::FlowMappingEnd => Self::FlowMappingEnd,
            YamlTokenKind::BlockEntry => Self::BlockEntry,
            YamlTokenKind::FlowEntry => Self::FlowEntry,
            YamlTokenKind::Key => Self::Key,
            YamlTokenKind::Value => Self::Value,
            YamlTokenKind::Alias(_) => Self::Alias,
            YamlTokenKind::Anchor(_) => Self::Anchor,
            YamlTokenKind::Tag(_) => Self::Tag,
            YamlTokenKind::Scalar { .. } => Self::Scalar,
        }
    }
}

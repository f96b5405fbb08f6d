//! The text of an expression, and problems at places in it.
//! cel-go: common/source.go, common/error.go, common/errors.go

use crate::limits;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Display, Write};

/// A place in a text, counted in code points from 0.
pub type Offset = u32;

/// The text of an expression.
#[derive(Clone, Debug)]
pub struct ExprSource<'a> {
    text: &'a str,
    /// Where each line begins.
    lines: Vec<Offset>,
}

impl<'a> ExprSource<'a> {
    pub fn new(text: &'a str) -> Self {
        let mut lines = Vec::from([0]);
        for (offset, character) in (0..).zip(text.chars()) {
            if character == '\n' {
                lines.push(offset + 1);
            }
        }
        Self { text, lines }
    }

    pub fn text(&self) -> &'a str {
        self.text
    }

    /// The line and the column of a place, the line counted from 1 and the column from 0.
    fn position(&self, offset: Offset) -> (usize, u32) {
        let line = self.lines.partition_point(|start| *start <= offset).max(1);
        (line, offset - self.lines.get(line - 1).copied().unwrap_or(0))
    }
}

/// What is wrong with an expression, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// None for what concerns the whole text.
    pub at: Option<Offset>,
    pub message: String,
}

/// What is wrong with an expression, in the order of places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Issues {
    list: Vec<Issue>,
    /// How many there are, also those that were not kept.
    count: usize,
}

impl Issues {
    /// Adds one; beyond `limits::CEL_ISSUES` they are only counted.
    pub(crate) fn add(&mut self, at: impl Into<Option<Offset>>, message: impl Into<String>) {
        self.count += 1;
        if self.list.len() < limits::CEL_ISSUES {
            self.list.push(Issue { at: at.into(), message: message.into() });
        }
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Issue> {
        self.list.iter()
    }

    /// All of them as upstream shows them: each with its line of the text and a mark below its place.
    pub fn display(&self, source: &ExprSource<'_>) -> String {
        let mut ordered: Vec<(Option<(usize, u32)>, &Issue)> =
            self.list.iter().map(|issue| (issue.at.map(|at| source.position(at)), issue)).collect();
        ordered.sort_by_key(|(position, _)| *position);
        let mut text = String::new();
        for (index, (position, issue)) in ordered.into_iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            let _ = write!(text, "{separator}{}", Shown { position, issue, source });
        }
        let dropped = self.count - self.list.len();
        if dropped > 0 {
            let _ = write!(text, "\n{dropped} more errors were truncated");
        }
        text
    }
}

struct Shown<'a> {
    position: Option<(usize, u32)>,
    issue: &'a Issue,
    source: &'a ExprSource<'a>,
}

impl Display for Shown<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = &self.issue.message;
        let Some((line, column)) = self.position else {
            return write!(out, "ERROR: <input>:-1:0: {message}");
        };
        if self.source.text.is_empty() {
            // What is missing in an empty text has no place.
            return write!(out, "ERROR: <input>:{line}:0: {message}");
        }
        write!(out, "ERROR: <input>:{line}:{}: {message}", column + 1)?;
        let Some(snippet) = self.source.text.split('\n').nth(line - 1) else { return Ok(()) };
        if snippet.len() > limits::CEL_SNIPPET_BYTES {
            return Ok(());
        }
        write!(out, "\n | {}\n | ", snippet.replace('\t', " "))?;
        let mut characters = snippet.chars();
        for character in characters.by_ref().take(column as usize) {
            out.write_char(if character.len_utf8() > 1 { '\u{ff0e}' } else { '.' })?;
        }
        let is_wide = characters.next().is_some_and(|character| character.len_utf8() > 1);
        out.write_char(if is_wide { '\u{ff3e}' } else { '^' })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_shown_below_their_places() {
        let source = ExprSource::new("a +\n  é.b");
        let mut issues = Issues::default();
        issues.add(8, "two");
        issues.add(0, "one");
        issues.add(None, "all");
        let expected = "ERROR: <input>:-1:0: all\n\
                        ERROR: <input>:1:1: one\n | a +\n | ^\n\
                        ERROR: <input>:2:5: two\n |   é.b\n | ..\u{ff0e}.^";
        assert_eq!(issues.display(&source), expected);
    }
}

//! Regular expressions with Go's syntax and meaning. A search takes time in proportion to the lengths of the text and
//! of the expression, and no expression makes it take more.
//! Go: src/regexp, src/regexp/syntax

mod parse;
mod program;
#[cfg(test)]
mod tests;

use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use program::Matcher;

/// A compiled expression.
#[derive(Clone, Debug)]
pub struct Regex {
    program: Matcher,
}

impl Regex {
    /// Compiles an expression.
    ///
    /// # Errors
    /// Go's sentence about what is wrong with it.
    pub fn new(expr: &str) -> Result<Self, String> {
        let node = parse::parse(expr)?;
        Ok(Self {
            program: Matcher::compile(&node).ok_or_else(|| parse::sentence("expression too large", expr))?,
        })
    }

    /// Whether it matches anywhere in a text.
    pub fn is_match(&self, text: &str) -> bool {
        self.program.find(text, 0, true).is_some()
    }

    /// The first match: of those that begin first, the one that Perl would find.
    pub fn find(&self, text: &str) -> Option<Range<usize>> {
        self.program.find(text, 0, false)
    }

    /// The matches that do not overlap, in order, at most `most`.
    pub fn find_all(&self, text: &str, most: usize) -> Vec<Range<usize>> {
        let mut found: Vec<Range<usize>> = Vec::new();
        let (mut from, mut last_end) = (0, None);
        while from <= text.len() && found.len() < most {
            let Some(range) = self.program.find(text, from, false) else { break };
            // An empty match directly behind another match is none.
            let counts = !(range.is_empty() && last_end == Some(range.start));
            let next = text.get(range.end..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
            from = if range.is_empty() { range.end + next } else { range.end };
            last_end = Some(range.end);
            if counts {
                found.push(range);
            }
        }
        found
    }
}

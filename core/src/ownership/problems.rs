//! What is wrong with a value, as sentences with the path of each.
//! k8s: sigs.k8s.io/structured-merge-diff typed/helpers.go ValidationErrors

use super::element::PathElement;
use crate::limits;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

/// At most `limits::FIELD_PROBLEMS`, of which those that come first are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct FieldProblems(Vec<(String, String)>);

impl FieldProblems {
    pub(super) fn of(text: impl Into<String>) -> Self {
        Self(alloc::vec![(String::new(), text.into())])
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.0.len() >= limits::FIELD_PROBLEMS
    }

    pub(super) fn add(&mut self, text: impl Into<String>) {
        self.extend(Self::of(text));
    }

    pub(super) fn extend(&mut self, other: Self) {
        let room = limits::FIELD_PROBLEMS.saturating_sub(self.0.len());
        self.0.extend(other.0.into_iter().take(room));
    }

    /// The problems of what stands under an element.
    pub(super) fn below(mut self, element: &PathElement) -> Self {
        for (path, _) in &mut self.0 {
            *path = format!("{element}{path}");
        }
        self
    }
}

impl fmt::Display for FieldProblems {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |(path, text): &(String, String)| match path.as_str() {
            "" => text.clone(),
            path => format!("{path}: {text}"),
        };
        if let [only] = self.0.as_slice() {
            return out.write_str(&line(only));
        }
        let lines: Vec<String> = self.0.iter().map(|problem| format!("\n  {}", line(problem))).collect();
        write!(out, "errors:{}", lines.concat())
    }
}

impl From<FieldProblems> for String {
    fn from(problems: FieldProblems) -> Self {
        problems.to_string()
    }
}

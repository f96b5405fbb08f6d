//! JSON: a strict parser with Go's error sentences, and a compact writer that escapes as Go does.

mod exact;
mod occurrences;
mod parse;
mod places;
mod run;
mod write;

use crate::value::Value;
use alloc::string::String;
use alloc::vec::Vec;

pub use crate::value::number::{write_float, write_int};
pub use exact::{RawPaths, check_numbers, joined, kept, opened, parse_exact, parse_stored, plain, sorted};
pub use occurrences::{Members, Node, node};
pub use parse::number;
pub use parse::parse;
pub(crate) use parse::{Parser, lossy};
pub use places::{places, string_end};
pub(crate) use run::{container_end, rest_of_string};
pub(crate) use write::write_inside_str;
pub use write::{write, write_str};

/// A parsed body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    pub value: Value,
    pub duplicates: Duplicates,
}

/// Members that occur more than once in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Duplicates {
    /// Of JSON: their paths (`metadata.labels.a`, `spec.containers[0].name`), in the order met, each once.
    Paths(Vec<String>),
    /// Of YAML: what its reader says of each, such as `line 3: key "a" already set in map`.
    Lines(Vec<String>),
}

impl Duplicates {
    pub const NONE: Self = Self::Paths(Vec::new());

    pub fn len(&self) -> usize {
        match self {
            Self::Paths(found) | Self::Lines(found) => found.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Those that are known by their paths.
    pub fn paths(&self) -> &[String] {
        match self {
            Self::Paths(paths) => paths,
            Self::Lines(_) => &[],
        }
    }
}

/// Why a text is no JSON, in the words of Go's decoder: `invalid character 'n' looking for beginning
/// of object key string`, `unexpected end of JSON input`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError(pub String);

pub fn to_vec(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write(value, &mut out);
    out
}

pub fn to_string(value: &Value) -> String {
    String::from_utf8(to_vec(value)).expect("the writer writes UTF-8")
}

//! JSONPath as kubectl and the columns of definitions have it: templates of text and paths in braces.
//! k8s: staging/src/k8s.io/client-go/util/jsonpath

mod compare;
mod find;
mod parse;
#[cfg(test)]
mod tests;

use super::Value;
use alloc::string::String;
use alloc::vec::Vec;

/// A template that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct JsonPath {
    blocks: Vec<Node>,
}

/// What a path finds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PathMatch<'v> {
    /// A value of the data, or a text, truth or number with a point of the path itself.
    Value(&'v Value),
    /// A whole number of the path itself.
    Int(i64),
    /// A byte of a text, which a path takes apart like a list.
    Byte(u8),
}

/// A part of a template. Each takes all that the part before it found.
#[derive(Clone, Debug, PartialEq)]
enum Node {
    /// What stands between braces.
    List(Vec<Self>),
    Literal(Value),
    Int(i64),
    /// `.name`, `['name']`
    Field(String),
    /// `[from:to:step]`, `[index]`
    Slice([Bound; 3]),
    /// `[?(left == right)]`, `[?(left)]`
    Filter {
        left: Vec<Self>,
        right: Vec<Self>,
        /// Empty if `left` only has to be there.
        operator: String,
    },
    /// `.*`
    Wildcard,
    /// `..`
    Recursive,
    /// `[a,b]`
    Union(Vec<Vec<Self>>),
    /// `range`, `end`
    Identifier(String),
}

/// A number of a slice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Bound {
    /// None if the path leaves it out.
    at: Option<i64>,
    /// It follows from the one before.
    derived: bool,
}

impl JsonPath {
    /// Reads a template, as `{.spec.color}`.
    ///
    /// # Errors
    /// Upstream's sentence about what is wrong.
    pub fn parse(template: &str) -> Result<Self, String> {
        parse::template(template, 0).map(|blocks| Self { blocks })
    }

    /// What the template finds in a value, a list for each of its texts and paths, those in loops once for each round.
    /// A field that is absent is no error. None where upstream's search ends with an error, and where there is more
    /// to look at than `limits::JSON_PATH_STEPS`. Members of maps come in the order of their keys.
    pub fn find<'v>(&'v self, data: &'v Value) -> Option<Vec<Vec<PathMatch<'v>>>> {
        find::find(&self.blocks, data)
    }
}

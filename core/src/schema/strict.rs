//! What strict decoding says of a JSON text: unknown and repeated fields in the order of the text. The tree of values
//! no longer knows that order, so the text is walked once more, and only where something is wrong with it.
//! k8s: sigs.k8s.io/json internal/golang/encoding/json/{decode,kubernetes_patch}.go

use super::{Catalogue, Shape, TypeDef, TypeId};
use crate::codec::json;
use crate::limits;
use crate::value::Value;
use crate::value::quoted;
use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::{self, Write};

/// What strict decoding finds wrong with a body.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StrictError {
    /// A member that occurs more than once, by its path: `duplicate field "a.b"`.
    Duplicate(String),
    /// A member that the type does not have, by its path: `unknown field "spec.x"`.
    Unknown(String),
    /// Members of a YAML body that occur more than once, a line for each.
    Repeated(Vec<String>),
    /// The same of the operations of a JSON patch.
    InJsonPatch(Box<Self>),
}

impl fmt::Display for StrictError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Duplicate(path) => write!(out, "duplicate field {}", quoted(path)),
            Self::Unknown(path) => write!(out, "unknown field {}", quoted(path)),
            Self::Repeated(lines) => write!(out, "yaml: unmarshal errors:\n  {}", lines.join("\n  ")),
            Self::InJsonPatch(error) => write!(out, "json patch {error}"),
        }
    }
}

impl StrictError {
    /// The error as warnings: one, but for repeated members of YAML, each of which is one.
    /// k8s: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/rest.go parseYAMLWarnings
    pub fn warnings(self) -> Vec<String> {
        match self {
            Self::Repeated(lines) => lines,
            Self::Duplicate(_) | Self::Unknown(_) | Self::InJsonPatch(_) => alloc::vec![self.to_string()],
        }
    }

    /// The sentence of a body that is refused because of these.
    pub fn sentence(errors: &[Self]) -> String {
        let errors: Vec<String> = errors.iter().map(Self::to_string).collect();
        format!("strict decoding error: {}", errors.join(", "))
    }
}

/// The first `limits::STRICT_ERRORS` of a text of a type, each once. The text has been parsed before; of
/// one that is no JSON the answer is short.
pub fn errors(catalogue: &Catalogue, root: TypeId, text: &[u8]) -> Vec<StrictError> {
    let path = String::new();
    let shape = Shape::Struct(root);
    let mut walk = Walk { catalogue, text, at: 0, path, found: Vec::new(), said: BTreeSet::new() };
    walk.value(Some(&shape), 0);
    walk.found
}

struct Walk<'a> {
    catalogue: &'a Catalogue,
    text: &'a [u8],
    at: usize,
    path: String,
    found: Vec<StrictError>,
    said: BTreeSet<StrictError>,
}

impl<'a> Walk<'a> {
    fn is_full(&self) -> bool {
        self.found.len() >= limits::STRICT_ERRORS
    }

    fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.text.get(self.at) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    /// Goes past one value; without a shape nothing is said of what is inside.
    fn value(&mut self, shape: Option<&'a Shape>, depth: usize) {
        if depth > limits::JSON_DEPTH {
            self.at = self.text.len();
        }
        match (self.peek(), shape) {
            (Some(b'{'), Some(Shape::Struct(id))) => {
                let def = self.catalogue.get(*id);
                self.object(Some(def), None, depth);
            }
            (Some(b'{'), Some(Shape::Map(inner))) => self.object(None, Some(inner), depth),
            (Some(b'['), Some(Shape::List(item))) => self.list(item, depth),
            _ => self.skip(),
        }
    }

    fn object(&mut self, def: Option<&'a TypeDef>, inner: Option<&'a Shape>, depth: usize) {
        let length = self.path.len();
        let mut seen = BTreeSet::new();
        self.at += 1;
        while !self.is_full() && self.peek() == Some(b'"') {
            let start = self.at;
            self.at = json::string_end(self.text, start);
            let key =
                json::parse(self.text.get(start..self.at).unwrap_or_default()).map(|parsed| parsed.value);
            let key = key.ok().as_ref().and_then(Value::as_str).map(String::from).unwrap_or_default();
            let field = def.map(|def| def.field(&key));
            if !self.path.is_empty() {
                self.path.push('.');
            }
            self.path.push_str(&key);
            // Of a field that the type does not know, nothing more is said when it comes again.
            if matches!(field, Some(None)) {
                self.note(StrictError::Unknown(self.path.clone()));
            } else if !seen.insert(key) {
                self.note(StrictError::Duplicate(self.path.clone()));
            }
            if self.peek() == Some(b':') {
                self.at += 1;
            }
            let free =
                def.is_some_and(|def| field.flatten().is_some_and(|field| def.is_schema_union(&field.name)));
            let shape = field.map_or(inner, |field| field.map(|field| &field.shape));
            self.value(shape.filter(|_| !free), depth + 1);
            self.path.truncate(length);
            if self.peek() == Some(b',') {
                self.at += 1;
            }
        }
        self.at += 1;
    }

    fn list(&mut self, item: &'a Shape, depth: usize) {
        let length = self.path.len();
        let mut index = 0;
        self.at += 1;
        while !self.is_full() && self.peek().is_some_and(|byte| byte != b']') {
            write!(self.path, "[{index}]").expect("writing to a string");
            let before = self.at;
            self.value(Some(item), depth + 1);
            self.path.truncate(length);
            index += 1;
            if self.peek() == Some(b',') {
                self.at += 1;
            }
            if self.at == before {
                self.at = self.text.len();
            }
        }
        self.at += 1;
    }

    fn note(&mut self, error: StrictError) {
        if !self.is_full() && self.said.insert(error.clone()) {
            self.found.push(error);
        }
    }

    /// Goes past a value without looking into it.
    fn skip(&mut self) {
        let mut open = 0_usize;
        while let Some(byte) = self.text.get(self.at).copied() {
            match byte {
                b'"' => {
                    self.at = json::string_end(self.text, self.at);
                    if open == 0 {
                        return;
                    }
                    continue;
                }
                b'{' | b'[' => open += 1,
                b'}' | b']' if open <= 1 => {
                    // The end of this value, or of the collection around a bare one.
                    self.at += open;
                    return;
                }
                b'}' | b']' => open -= 1,
                b',' if open == 0 => return,
                _ => {}
            }
            self.at += 1;
        }
    }
}

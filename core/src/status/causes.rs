//! Field errors: what is wrong with an object, each with its path, collected before the request is answered.
//! k8s: staging/src/k8s.io/apimachinery/pkg/util/validation/field/errors.go

use crate::codec::json;
use crate::limits;
use crate::value::{Map, Text, Value, quoted};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Write;

/// metav1.CauseType.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CauseType {
    Unknown,
    NotFound,
    Required,
    Duplicate,
    Invalid,
    NotSupported,
    Forbidden,
    TooLong,
    TooMany,
    Internal,
    TypeInvalid,
    UnexpectedServerResponse,
    FieldManagerConflict,
    ResourceVersionTooLarge,
    NamespaceTerminating,
}

impl CauseType {
    /// The word on the wire; empty for `Unknown`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "",
            Self::NotFound => "FieldValueNotFound",
            Self::Required => "FieldValueRequired",
            Self::Duplicate => "FieldValueDuplicate",
            Self::Invalid => "FieldValueInvalid",
            Self::NotSupported => "FieldValueNotSupported",
            Self::Forbidden => "FieldValueForbidden",
            Self::TooLong => "FieldValueTooLong",
            Self::TooMany => "FieldValueTooMany",
            Self::Internal => "InternalError",
            Self::TypeInvalid => "FieldValueTypeInvalid",
            Self::UnexpectedServerResponse => "UnexpectedServerResponse",
            Self::FieldManagerConflict => "FieldManagerConflict",
            Self::ResourceVersionTooLarge => "ResourceVersionTooLarge",
            Self::NamespaceTerminating => "NamespaceTerminating",
        }
    }

    /// The words that open the message of a field error of this type.
    fn phrase(self) -> &'static str {
        match self {
            Self::NotFound => "Not found",
            Self::Required => "Required value",
            Self::Duplicate => "Duplicate value",
            Self::Invalid | Self::TypeInvalid => "Invalid value",
            Self::NotSupported => "Unsupported value",
            Self::Forbidden => "Forbidden",
            Self::TooLong => "Too long",
            Self::TooMany => "Too many",
            Self::Internal => "Internal error",
            Self::Unknown
            | Self::UnexpectedServerResponse
            | Self::FieldManagerConflict
            | Self::ResourceVersionTooLarge
            | Self::NamespaceTerminating => "",
        }
    }
}

/// metav1.StatusCause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    pub reason: CauseType,
    pub message: String,
    pub field: String,
}

impl Cause {
    pub fn to_value(&self) -> Value {
        let mut out = Map::new();
        for (key, text) in
            [("reason", self.reason.word()), ("message", &self.message), ("field", &self.field)]
        {
            if !text.is_empty() {
                out.insert(key, text.into());
            }
        }
        out.into()
    }
}

/// The path of a field: `spec.containers[0].name`, `data[key]`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Path(Text);

impl Path {
    /// The path of the object itself.
    pub const fn root() -> Self {
        Self(Text::const_new(""))
    }

    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    pub fn child(&self, name: &str) -> Self {
        if self.0.is_empty() {
            return Self::new(name);
        }
        // Paths are made for every checked field, valid or not, so this is a frequent operation.
        let mut path = Text::with_capacity(self.0.len() + 1 + name.len());
        path.push_str(&self.0);
        path.push('.');
        path.push_str(name);
        Self(path)
    }

    pub fn index(&self, index: usize) -> Self {
        Self(format!("{}[{index}]", self.0).into())
    }

    pub fn key(&self, key: &str) -> Self {
        Self(format!("{}[{key}]", self.0).into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl core::fmt::Display for Path {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        out.write_str(&self.0)
    }
}

/// Field errors in the order they were found: the first `limits::CAUSES`, or fewer when they are long.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Causes {
    found: Vec<Cause>,
    bytes: usize,
}

impl Causes {
    pub const fn new() -> Self {
        Self { found: Vec::new(), bytes: 0 }
    }

    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    pub fn len(&self) -> usize {
        self.found.len()
    }

    /// No further error will be reported, so a check of a long list can stop.
    pub fn is_full(&self) -> bool {
        self.found.len() >= limits::CAUSES || self.bytes >= limits::CAUSES_BYTES
    }

    pub fn append(&mut self, more: Self) {
        more.found.into_iter().for_each(|cause| self.keep(cause));
    }

    fn keep(&mut self, cause: Cause) {
        if !self.is_full() {
            self.bytes = self.bytes.saturating_add(cause.message.len());
            self.found.push(cause);
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = &Cause> {
        self.found.iter()
    }

    pub fn push(&mut self, reason: CauseType, path: &Path, message: String) {
        self.keep(Cause { reason, message, field: path.as_str().to_string() });
    }

    fn push_phrase(&mut self, reason: CauseType, path: &Path, value: Option<&Value>, detail: &str) {
        // A value may be large, so it is not formatted when it will not be reported.
        if self.is_full() {
            return;
        }
        let mut message = reason.phrase().to_string();
        if let Some(value) = value {
            write!(message, ": {}", shown(value)).expect("writing to a string");
        }
        if !detail.is_empty() {
            write!(message, ": {detail}").expect("writing to a string");
        }
        self.push(reason, path, message);
    }

    pub fn invalid(&mut self, path: &Path, value: &Value, detail: &str) {
        self.push_phrase(CauseType::Invalid, path, Some(value), detail);
    }

    pub fn type_invalid(&mut self, path: &Path, value: &Value, detail: &str) {
        self.push_phrase(CauseType::TypeInvalid, path, Some(value), detail);
    }

    pub fn required(&mut self, path: &Path, detail: &str) {
        self.push_phrase(CauseType::Required, path, None, detail);
    }

    pub fn forbidden(&mut self, path: &Path, detail: &str) {
        self.push_phrase(CauseType::Forbidden, path, None, detail);
    }

    pub fn duplicate(&mut self, path: &Path, value: &Value) {
        self.push_phrase(CauseType::Duplicate, path, Some(value), "");
    }

    pub fn not_found(&mut self, path: &Path, value: &Value) {
        self.push_phrase(CauseType::NotFound, path, Some(value), "");
    }

    /// Adds the error for a value that is not among the supported ones, which are shown in the given order.
    pub fn not_supported(&mut self, path: &Path, value: &Value, supported: &[&str]) {
        let quoted: Vec<String> = supported.iter().map(|choice| quoted(choice)).collect();
        let detail = format!("supported values: {}", quoted.join(", "));
        self.push_phrase(CauseType::NotSupported, path, Some(value), &detail);
    }

    pub fn too_long(&mut self, path: &Path, max_bytes: usize) {
        self.push_phrase(CauseType::TooLong, path, None, &format!("may not be more than {max_bytes} bytes"));
    }

    pub fn too_many(&mut self, path: &Path, count: usize, max: usize) {
        let detail = format!("must have at most {max} items");
        self.push_phrase(CauseType::TooMany, path, Some(&Value::Int(count as i64)), &detail);
    }

    /// `field: message`, or `[a, b]` of several, equal ones once.
    pub fn summary(&self) -> String {
        let mut said = BTreeSet::new();
        let first = self.found.iter().filter(|cause| said.insert((&cause.field, &cause.message)));
        let lines: Vec<String> = first.map(|cause| format!("{}: {}", cause.field, cause.message)).collect();
        match lines.as_slice() {
            [line] => line.clone(),
            lines => format!("[{}]", lines.join(", ")),
        }
    }

    pub fn into_causes(self) -> Vec<Cause> {
        self.found
    }
}

/// A bad value as messages show it: text quoted, numbers bare, the rest as JSON.
fn shown(value: &Value) -> String {
    match value {
        Value::Str(text) => quoted(text),
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::Json(_)
        | Value::List(_)
        | Value::Map(_) => json::to_string(value),
    }
}

//! Field errors: what is wrong with an object, each with its path, collected before the request is answered.
//! k8s: staging/src/k8s.io/apimachinery/pkg/util/validation/field/errors.go

use crate::codec::json;
use crate::limits;
use crate::value::{Map, Text, Value, quoted};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::{Display, Write};

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
    DisruptionBudget,
    NodeCapacity,
    UnsupportedPlatform,
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
            Self::DisruptionBudget => "DisruptionBudget",
            Self::NodeCapacity => "NodeCapacity",
            Self::UnsupportedPlatform => "UnsupportedPlatform",
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
            | Self::NamespaceTerminating
            | Self::DisruptionBudget
            | Self::NodeCapacity
            | Self::UnsupportedPlatform => "",
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

    fn keep(&mut self, cause: Cause) {
        if !self.is_full() {
            self.bytes = self.bytes.saturating_add(cause.message.len());
            self.found.push(cause);
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = &Cause> {
        self.found.iter()
    }

    /// Adds an error with a message of its own.
    pub fn push(&mut self, reason: CauseType, path: &dyn Display, message: String) {
        if !self.is_full() {
            self.keep(Cause { reason, message, field: path.to_string() });
        }
    }

    /// Adds an error with the words of its type, the value if one is given, and a detail unless it is empty.
    pub(crate) fn add(
        &mut self,
        reason: CauseType,
        path: &dyn Display,
        value: Option<&Value>,
        detail: &dyn Display,
    ) {
        // A value may be large, so nothing is formatted of an error that will not be reported.
        if self.is_full() {
            return;
        }
        let mut message = reason.phrase().to_string();
        if let Some(value) = value {
            write!(message, ": {}", shown(value)).expect("writing to a string");
        }
        let before = message.len();
        write!(message, ": {detail}").expect("writing to a string");
        if message.len() == before + ": ".len() {
            message.truncate(before);
        }
        self.push(reason, path, message);
    }

    pub fn invalid(&mut self, path: &dyn Display, value: &Value, detail: &str) {
        self.add(CauseType::Invalid, path, Some(value), &detail);
    }

    pub fn required(&mut self, path: &dyn Display, detail: &str) {
        self.add(CauseType::Required, path, None, &detail);
    }

    pub fn forbidden(&mut self, path: &dyn Display, detail: &str) {
        self.add(CauseType::Forbidden, path, None, &detail);
    }

    /// Adds the error for a value that is not among the supported ones, which are shown in the given order.
    pub fn not_supported(&mut self, path: &dyn Display, value: &Value, supported: &[&str]) {
        let quoted: Vec<String> = supported.iter().map(|choice| quoted(choice)).collect();
        let detail = format!("supported values: {}", quoted.join(", "));
        self.add(CauseType::NotSupported, path, Some(value), &detail);
    }

    pub fn too_long(&mut self, path: &dyn Display, max_bytes: usize) {
        self.add(CauseType::TooLong, path, None, &format!("may not be more than {max_bytes} bytes"));
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

//! Structural schemas: what the definition of a custom resource says about its objects. They are read from
//! `openAPIV3Schema` of a definition once, and shared by all requests.
//!
//! `read` makes one of a definition; `prune` takes away what it does not name; `default` fills in what it declares;
//! `embedded` fits the metadata of objects inside objects to its type; `validate` finds what it forbids, `list_type`
//! what occurs twice, and `rules` what its expressions say.
//! k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/schema/structural.go

mod default;
mod embedded;
mod field_path;
mod formats;
mod list_type;
mod numbers;
mod prune;
mod read;
mod rules;
mod shared;
#[cfg(test)]
mod tests;
mod validate;

use super::{ListType, MapType};
use crate::value::regex::Regex;
use crate::value::{Text, Value};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use once_cell::race::OnceBox;

pub use embedded::{Misfit, Misfits};
pub use field_path::FieldPath;
pub use formats::{Format, TextFormat};
pub use list_type::validate_list_types;
pub use rules::{CompiledRule, RULES_COST, RuleValidator, RuledValue, compile as compile_rules};
pub use shared::SharedSchema;
pub use validate::{Previous, validate};

/// A schema, or a branch of its logic. Its depth is that of the definition's text, which its parser bounds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Structural {
    /// None where values of several types are allowed.
    pub kind: Option<SchemaType>,
    pub nullable: bool,
    pub default: Option<Value>,
    pub properties: BTreeMap<Text, Self>,
    pub additional: Additional,
    pub items: Option<Box<Self>>,
    /// `x-kubernetes-preserve-unknown-fields`.
    pub preserves_unknown: bool,
    /// `x-kubernetes-embedded-resource`: a whole object with kind and metadata.
    pub is_embedded: bool,
    /// `x-kubernetes-int-or-string`.
    pub is_int_or_string: bool,
    pub list: ListType,
    pub map: MapType,
    pub bounds: ValueBounds,
    pub logic: Logic,
    /// `x-kubernetes-validations`, in the order of the definition.
    pub rules: Vec<ValidationRule>,
    /// Somewhere inside, or here, is a whole object. Most schemas have none, so that nobody has to look for them.
    pub has_embedded: bool,
    /// Somewhere inside, or here, are rules.
    pub has_rules: bool,
}

/// A rule for the values of a schema, as the definition has it; what it leaves out is empty.
/// k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1/types_jsonschema.go ValidationRule
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ValidationRule {
    /// An expression that is true of values that may be.
    pub rule: Text,
    pub message: Text,
    /// An expression for the message.
    pub message_expression: Text,
    pub reason: Text,
    /// The field that errors name, as a path from the value.
    pub field_path: Text,
    pub optional_old_self: Option<bool>,
}

/// The JSON types that a schema can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaType {
    Object,
    Array,
    String,
    Integer,
    Number,
    Boolean,
}

impl SchemaType {
    pub const ALL: [Self; 6] =
        [Self::Object, Self::Array, Self::String, Self::Integer, Self::Number, Self::Boolean];

    /// The word of a schema.
    pub fn word(self) -> &'static str {
        match self {
            Self::Object => "object",
            Self::Array => "array",
            Self::String => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
        }
    }
}

/// What members may an object have beside its properties?
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Additional {
    /// Nothing is said: they are pruned, and no error.
    #[default]
    Absent,
    /// `false`: each is an error.
    Denied,
    /// `true`: any.
    Any,
    Schema(Box<Structural>),
}

/// Bounds of single values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ValueBounds {
    /// None for formats that are not checked.
    pub format: Option<Format>,
    pub maximum: Option<Limit>,
    pub minimum: Option<Limit>,
    pub multiple_of: Option<f64>,
    /// In characters.
    pub length_max: Option<i64>,
    pub length_min: Option<i64>,
    pub pattern: Option<ValuePattern>,
    pub items_max: Option<i64>,
    pub items_min: Option<i64>,
    pub unique_items: bool,
    pub properties_max: Option<i64>,
    pub properties_min: Option<i64>,
    /// In the order of the definition.
    pub required: Vec<Text>,
    /// Empty for any value.
    pub choices: Vec<Value>,
}

/// A bound of a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    pub at: f64,
    /// The bound itself is outside.
    pub exclusive: bool,
}

/// A pattern, which is compiled when a value is first compared with it. One that does not compile matches nothing, and
/// its error is told.
#[derive(Clone, Debug)]
pub struct ValuePattern {
    pub text: Text,
    compiled: Arc<OnceBox<Result<Regex, Text>>>,
}

impl ValuePattern {
    fn new(text: &str) -> Self {
        Self { text: text.into(), compiled: Arc::default() }
    }

    fn compiled(&self) -> &Result<Regex, Text> {
        self.compiled.get_or_init(|| Box::new(Regex::new(&self.text).map_err(Text::from)))
    }
}

impl PartialEq for ValuePattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

/// The logic of a schema. Its branches say nothing about types.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Logic {
    pub all_of: Vec<Structural>,
    pub any_of: Vec<Structural>,
    pub one_of: Vec<Structural>,
    pub not: Option<Box<Structural>>,
}

impl Structural {
    /// The schema of a member of an object; None if nothing is said about it.
    pub fn member(&self, name: &str) -> Option<&Self> {
        self.properties.get(name).or(match &self.additional {
            Additional::Schema(schema) => Some(&**schema),
            Additional::Absent | Additional::Denied | Additional::Any => None,
        })
    }
}

/// The fields that each whole object has.
pub(crate) fn is_meta_field(name: &str) -> bool {
    matches!(name, "apiVersion" | "kind" | "metadata")
}

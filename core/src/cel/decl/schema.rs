//! What a schema says about values, as far as expressions see them.
//! k8s: staging/src/k8s.io/apiserver/pkg/cel/common/adaptor.go

use crate::value::Text;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// What a schema says about a value. Made of a structural schema or of a built-in type, and shared.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ValueSchema {
    /// None where the schema names no type.
    pub kind: Option<ValueKind>,
    /// What texts mean.
    pub text: TypedText,
    pub nullable: bool,
    /// `x-kubernetes-int-or-string`; it has no kind then.
    pub is_int_or_string: bool,
    /// `x-kubernetes-preserve-unknown-fields`.
    pub preserves_unknown: bool,
    /// The server fills it in where it is missing.
    pub has_default: bool,
    /// Empty for an object whose members are not named.
    pub properties: BTreeMap<Text, Arc<Self>>,
    pub required: Vec<Text>,
    /// The schema of all members of an object that has no properties.
    pub additional: Option<Arc<Self>>,
    pub items: Option<Arc<Self>>,
    pub list: ListSemantics,
    /// In characters.
    pub length_max: Option<i64>,
    pub items_max: Option<i64>,
    pub properties_max: Option<i64>,
    /// The bytes of the longest text that is allowed, if the texts are listed.
    pub longest_choice: Option<i64>,
}

/// The types that a schema can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    Object,
    Array,
    Text,
    Integer,
    Number,
    Boolean,
}

/// What a text means in expressions, by its format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TypedText {
    #[default]
    Plain,
    Byte,
    Date,
    DateTime,
    Duration,
}

impl TypedText {
    /// What the texts of a format mean.
    pub fn of(format: &str) -> Self {
        match format {
            "byte" => Self::Byte,
            "date" => Self::Date,
            "date-time" => Self::DateTime,
            "duration" => Self::Duration,
            _ => Self::Plain,
        }
    }
}

/// `x-kubernetes-list-type`: what makes two lists equal, and what comes of adding them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ListSemantics {
    #[default]
    Atomic,
    /// The order does not matter, and no element is added twice.
    Set,
    /// Elements are known by these keys.
    Map(Vec<Text>),
}

impl ValueSchema {
    /// Texts without a bound.
    pub fn plain_text() -> Self {
        Self { kind: Some(ValueKind::Text), ..Self::default() }
    }

    /// The same schema with the members that every whole object has: its kind, its version and its name. It is meant
    /// for the root of an object and for embedded ones, where rules can always name these.
    /// k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/model/schemas.go WithTypeAndObjectMeta
    #[must_use]
    pub fn with_type_and_object_meta(mut self) -> Self {
        let is = |schema: Option<&Arc<Self>>, kind| schema.is_some_and(|held| held.kind == Some(kind));
        let of = &self.properties;
        let metadata = of.get("metadata");
        let named = |name: &str| metadata.and_then(|metadata| metadata.properties.get(name));
        let is_whole = is(of.get("kind"), ValueKind::Text)
            && is(of.get("apiVersion"), ValueKind::Text)
            && is(metadata, ValueKind::Object)
            && is(named("name"), ValueKind::Text)
            && is(named("generateName"), ValueKind::Text);
        if !is_whole {
            let text = Arc::new(Self::plain_text());
            let names = [("name".into(), text.clone()), ("generateName".into(), text.clone())];
            let metadata = Self {
                kind: Some(ValueKind::Object),
                properties: names.into_iter().collect(),
                ..Self::default()
            };
            self.properties.insert("kind".into(), text.clone());
            self.properties.insert("apiVersion".into(), text);
            self.properties.insert("metadata".into(), Arc::new(metadata));
        }
        self
    }

    /// Values are objects with named members, not maps.
    pub(crate) fn is_object(&self) -> bool {
        !self.properties.is_empty()
    }

    /// The schema of a member of an object or a map, by its name in the data.
    pub(crate) fn member(&self, name: &str) -> Option<&Arc<Self>> {
        if self.is_object() { self.properties.get(name) } else { self.additional.as_ref() }
    }
}

//! The dynamic object: one ordered, copy-on-write tree for every kind, built-in or custom.
//!
//! Text and keys are short strings kept inline where they fit; lists and maps are shared until
//! written. There is no NaN, so values have a total `Eq`.

pub mod cron;
pub mod duration;
pub mod image;
pub mod int_or_string;
pub mod ip;
pub mod jsonpath;
mod map;
pub mod names;
pub mod number;
pub mod object;
pub mod port_range;
pub mod quantity;
mod quote;
pub mod regex;
pub mod time_zones;
pub mod url;
pub mod zone_rules;

use alloc::sync::Arc;
use alloc::vec::Vec;

pub use compact_str::CompactString as Text;
pub use map::Map;
pub use quote::{go_list, quoted};

/// A JSON-shaped value. Integers keep 64 bits; anything else numeric is a finite float.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Value {
    #[default]
    Null,
    Bool(bool),
    Int(i64),
    Float(Finite),
    Str(Text),
    List(Arc<Vec<Self>>),
    Map(Arc<Map>),
    /// A compact JSON text that would not come back to the byte from the variants above: a number beyond 64 bits or
    /// written in another form (`1.0`, `1e3`), an object whose members are not in order.
    Json(Text),
}

/// A float that is neither NaN nor infinite; the constructor is the proof.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Finite(f64);

impl Eq for Finite {}

impl Finite {
    /// None for NaN and the infinities, which JSON cannot say.
    pub fn new(number: f64) -> Option<Self> {
        number.is_finite().then_some(Self(number))
    }

    pub fn to_f64(self) -> f64 {
        self.0
    }
}

/// A value's JSON type, as error texts name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    Null,
    Bool,
    Number,
    String,
    Array,
    Object,
}

impl Type {
    /// The type of a JSON text, which its first letter tells.
    fn of_json(text: &str) -> Self {
        match text.as_bytes().first() {
            Some(b'{') => Self::Object,
            Some(b'[') => Self::Array,
            Some(b'"') => Self::String,
            Some(b't' | b'f') => Self::Bool,
            Some(b'n') | None => Self::Null,
            Some(_) => Self::Number,
        }
    }

    /// The word that Go's JSON decoder uses.
    pub fn word(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "bool",
            Self::Number => "number",
            Self::String => "string",
            Self::Array => "array",
            Self::Object => "object",
        }
    }
}

impl Value {
    /// The type of the value in Go, once `encoding/json` or upstream's decoder of unstructured objects has read it.
    pub fn go_type(&self) -> &'static str {
        match self {
            Self::Null => "<nil>",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int64",
            Self::Float(_) => "float64",
            Self::Str(_) => "string",
            Self::List(_) => "[]interface {}",
            Self::Map(_) | Self::Json(_) => "map[string]interface {}",
        }
    }

    pub fn str(text: impl Into<Text>) -> Self {
        Self::Str(text.into())
    }

    pub fn list(items: Vec<Self>) -> Self {
        Self::List(Arc::new(items))
    }

    /// A list of texts.
    pub fn texts(texts: &[Text]) -> Self {
        Self::list(texts.iter().cloned().map(Self::Str).collect())
    }

    pub fn map(map: Map) -> Self {
        Self::Map(Arc::new(map))
    }

    pub fn empty_map() -> Self {
        Self::map(Map::new())
    }

    pub fn type_of(&self) -> Type {
        match self {
            Self::Null => Type::Null,
            Self::Bool(_) => Type::Bool,
            Self::Int(_) | Self::Float(_) => Type::Number,
            Self::Json(text) => Type::of_json(text),
            Self::Str(_) => Type::String,
            Self::List(_) => Type::Array,
            Self::Map(_) => Type::Object,
        }
    }

    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The same node, or equal scalars: true of what was not changed, without a walk.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::List(one), Self::List(other)) => Arc::ptr_eq(one, other),
            (Self::Map(one), Self::Map(other)) => Arc::ptr_eq(one, other),
            (Self::List(_) | Self::Map(_), _) | (_, Self::List(_) | Self::Map(_)) => false,
            (one, other) => one == other,
        }
    }

    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(truth) = self { Some(*truth) } else { None }
    }

    pub fn as_int(&self) -> Option<i64> {
        if let Self::Int(number) = self { Some(*number) } else { None }
    }

    /// A number, whole or not.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Int(number) => Some(*number as f64),
            Self::Float(number) => Some(number.to_f64()),
            Self::Null | Self::Bool(_) | Self::Str(_) | Self::List(_) | Self::Map(_) | Self::Json(_) => None,
        }
    }

    pub fn as_str(&self) -> Option<&str> {
        if let Self::Str(text) = self { Some(text) } else { None }
    }

    pub fn as_list(&self) -> Option<&[Self]> {
        if let Self::List(items) = self { Some(items) } else { None }
    }

    pub fn as_map(&self) -> Option<&Map> {
        if let Self::Map(map) = self { Some(map) } else { None }
    }

    /// The map for writing; copies it first when it is shared. None when this is no map.
    pub fn as_map_mut(&mut self) -> Option<&mut Map> {
        if let Self::Map(map) = self { Some(Arc::make_mut(map)) } else { None }
    }

    /// The list for writing; copies it first when it is shared. None when this is no list.
    pub fn as_list_mut(&mut self) -> Option<&mut Vec<Self>> {
        if let Self::List(items) = self { Some(Arc::make_mut(items)) } else { None }
    }

    /// The member of a map, or None when absent or when this is no map.
    pub fn field(&self, key: &str) -> Option<&Self> {
        self.as_map()?.get(key)
    }

    /// The value at a path of map keys.
    pub fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |value, key| value.field(key))
    }

    /// The text at a path of map keys; the empty string when absent or no text.
    pub fn text_at(&self, path: &[&str]) -> &str {
        self.at(path).and_then(Self::as_str).unwrap_or("")
    }

    /// The member of a map for writing; None when absent or when this is no map.
    pub fn field_mut(&mut self, key: &str) -> Option<&mut Self> {
        self.as_map_mut()?.get_mut(key)
    }

    /// Sets a member; a value that is no map becomes one first.
    pub fn set(&mut self, key: &str, value: Self) {
        self.ensure_map().insert(Text::from(key), value);
    }

    /// Sets the value at a path, making maps on the way.
    pub fn set_at(&mut self, path: &[&str], value: Self) {
        match path {
            [] => *self = value,
            [key] => self.set(key, value),
            [key, rest @ ..] => self.ensure_map().entry(key).set_at(rest, value),
        }
    }

    /// Makes what is at a path the same as in another value, where it may be absent.
    pub fn take(&mut self, from: &Self, path: &[&str]) {
        match from.at(path) {
            Some(value) => self.set_at(path, value.clone()),
            None => {
                self.remove_at(path);
            }
        }
    }

    /// Removes the value at a path; the maps on the way stay, even when empty. Returns what was there.
    pub fn remove_at(&mut self, path: &[&str]) -> Option<Self> {
        match path {
            [] => None,
            [key] => {
                self.field(key)?;
                self.as_map_mut()?.remove(key)
            }
            [key, rest @ ..] => {
                self.at(path)?;
                self.field_mut(key)?.remove_at(rest)
            }
        }
    }

    fn ensure_map(&mut self) -> &mut Map {
        if !matches!(self, Self::Map(_)) {
            *self = Self::empty_map();
        }
        match self {
            Self::Map(map) => Arc::make_mut(map),
            Self::Null
            | Self::Bool(_)
            | Self::Int(_)
            | Self::Float(_)
            | Self::Str(_)
            | Self::List(_)
            | Self::Json(_) => {
                unreachable!("made a map above")
            }
        }
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Str(Text::from(text))
    }
}

impl From<Text> for Value {
    fn from(text: Text) -> Self {
        Self::Str(text)
    }
}

impl From<alloc::string::String> for Value {
    fn from(text: alloc::string::String) -> Self {
        Self::Str(Text::from(text))
    }
}

impl From<Vec<Self>> for Value {
    fn from(items: Vec<Self>) -> Self {
        Self::list(items)
    }
}

impl From<Map> for Value {
    fn from(map: Map) -> Self {
        Self::map(map)
    }
}

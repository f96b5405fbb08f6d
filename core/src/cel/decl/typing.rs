//! Values that a schema types: lists and maps whose parts become values when they are asked for.
//! k8s: staging/src/k8s.io/apiserver/pkg/cel/common/valuesunstructured.go

use super::escape::{escape, unescape};
use super::schema::{ListSemantics, TypedText, ValueKind, ValueSchema};
use super::texts;
use crate::cel::eval::{CelValue, EvalError, equal_or_error};
use crate::codec::json;
use crate::value::{Map, Text, Value};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;

type Result<T> = core::result::Result<T, EvalError>;

/// A list of an object.
#[derive(Clone, Debug)]
pub struct TypedList {
    items: Arc<Vec<Value>>,
    schema: Arc<ValueSchema>,
}

/// An object or a map of an object.
#[derive(Clone, Debug)]
pub struct TypedMap {
    map: Arc<Map>,
    schema: Arc<ValueSchema>,
}

impl CelValue {
    /// A value of an object as its schema types it. What is below it becomes a value when it is asked for.
    ///
    /// # Errors
    /// The schema does not allow it.
    pub fn typed(value: &Value, schema: &Arc<ValueSchema>) -> Result<Self> {
        if let Value::Json(text) = value
            && let Ok(parsed) = json::parse(text.as_bytes())
            && !matches!(parsed.value, Value::Json(_))
        {
            return Self::typed(&parsed.value, schema);
        }
        let invalid = |expected: &str| Err(EvalError::new(format!("invalid data, expected {expected}")));
        if value.is_null() {
            return if schema.nullable {
                Ok(Self::Null)
            } else {
                Err(EvalError::new("invalid data, got null for schema with nullable=false"))
            };
        }
        if schema.is_int_or_string {
            return match value {
                Value::Str(text) => Ok(Self::Str(text.clone())),
                Value::Int(number) => Ok(Self::Int(*number)),
                _ => invalid("XIntOrString value to be either a string or integer"),
            };
        }
        let found = go_type(value);
        match schema.kind {
            Some(ValueKind::Object) => match value {
                Value::Map(map) => Ok(Self::TypedMap(TypedMap { map: map.clone(), schema: schema.clone() })),
                _ => invalid("a map for the provided schema with type=object"),
            },
            Some(ValueKind::Array) => match (value, &schema.items) {
                (Value::List(_), None) => {
                    Err(EvalError::new("invalid array type, expected Items with a non-empty Schema"))
                }
                (Value::List(items), Some(_)) => {
                    Ok(Self::TypedList(TypedList { items: items.clone(), schema: schema.clone() }))
                }
                _ => invalid("an array for the provided schema with type=array"),
            },
            Some(ValueKind::Text) => match value {
                Value::Str(text) => of_text(text, schema.text),
                _ => invalid(&format!("string, got {found}")),
            },
            Some(ValueKind::Number) => match Self::from(value) {
                #[allow(clippy::cast_precision_loss, reason = "as upstream")]
                Self::Int(number) => Ok(Self::Double(number as f64)),
                number @ Self::Double(_) => Ok(number),
                _ => invalid(&format!("float, got {found}")),
            },
            Some(ValueKind::Integer) => match value {
                Value::Int(number) => Ok(Self::Int(*number)),
                _ => invalid(&format!("int, got {found}")),
            },
            Some(ValueKind::Boolean) => match value {
                Value::Bool(held) => Ok(Self::Bool(*held)),
                _ => invalid(&format!("bool, got {found}")),
            },
            None if schema.preserves_unknown => Ok(Self::Preserved(value.clone())),
            None => Err(EvalError::new(
                "invalid type, expected object, array, number, integer, boolean or string, or no type with \
                 x-kubernetes-int-or-string or x-kubernetes-preserve-unknown-fields is true, got ",
            )),
        }
    }

    /// The same, with an error as the value.
    fn typed_or_failed(value: &Value, schema: &Arc<ValueSchema>) -> Self {
        Self::typed(value, schema).unwrap_or_else(|error| Self::Failed(Arc::new(error)))
    }
}

fn of_text(text: &Text, means: TypedText) -> Result<CelValue> {
    let refused = |what: &str, why: &str| EvalError::new(format!("Invalid {what} {text}{why}"));
    match means {
        TypedText::Plain => Ok(CelValue::Str(text.clone())),
        TypedText::Duration => texts::duration(text)
            .map(CelValue::Duration)
            .ok_or_else(|| refused("duration", &format!(": unable to parse {text} as duration"))),
        TypedText::Date => {
            texts::date(text).map(CelValue::Timestamp).ok_or_else(|| refused("date formatted string", ""))
        }
        TypedText::DateTime => texts::date_time(text)
            .map(CelValue::Timestamp)
            .ok_or_else(|| refused("date-time formatted string", "")),
        TypedText::Byte => match texts::base64_bytes(text) {
            Ok(bytes) => Ok(CelValue::Bytes(bytes.into())),
            Err(why) => Err(refused("byte formatted string", &format!(": {why}"))),
        },
    }
}

/// The name of a value's type in Go.
fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int64",
        Value::Float(_) | Value::Json(_) => "float64",
        Value::Str(_) => "string",
        Value::List(_) => "[]interface {}",
        Value::Map(_) => "map[string]interface {}",
    }
}

impl TypedMap {
    /// How many members the data has, known or not.
    pub(crate) fn len(&self) -> usize {
        self.map.len()
    }

    pub(crate) fn data(&self) -> Value {
        Value::Map(self.map.clone())
    }

    /// The value of a key, which is the identifier of a field in an object. A field that is null is not there.
    pub(crate) fn find(&self, key: &str) -> Option<CelValue> {
        if self.schema.is_object() {
            let name = unescape(key)?;
            let held = self.map.get(&name).filter(|held| !held.is_null())?;
            return Some(CelValue::typed_or_failed(held, self.schema.properties.get(&*name)?));
        }
        Some(CelValue::typed_or_failed(self.map.get(key)?, self.schema.additional.as_ref()?))
    }

    pub(crate) fn entries(&self) -> Vec<(CelValue, CelValue)> {
        let mut entries = Vec::with_capacity(self.map.len());
        for (name, held) in self.map.iter() {
            let Some(schema) = self.schema.member(name) else { continue };
            let key: Text = match escape(name).filter(|_| self.schema.is_object()) {
                Some(identifier) => identifier.into(),
                None => name.clone(),
            };
            entries.push((CelValue::Str(key), CelValue::typed_or_failed(held, schema)));
        }
        entries
    }

    /// Fields that the schema does not name have to be equal as data, where the other map has them.
    pub(crate) fn equal(&self, other: &CelValue) -> Result<bool> {
        if !other.is_map() {
            return Err(EvalError::no_overload());
        }
        if Some(self.map.len()) != other.len() {
            return Ok(false);
        }
        for (name, held) in self.map.iter() {
            if self.schema.member(name).is_none() {
                let CelValue::TypedMap(other) = other else { return Err(EvalError::no_overload()) };
                if other.map.get(name).is_some_and(|theirs| theirs != held) {
                    return Ok(false);
                }
                continue;
            }
            match (self.find(name), other.find(&CelValue::Str(name.clone()))) {
                (None, None) => {}
                (Some(ours), Some(theirs)) if equal_or_error(&ours, &theirs)? => {}
                (_, _) => return Ok(false),
            }
        }
        Ok(true)
    }
}

/// A scalar of the data as a key. Numbers of several types are several keys.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Bool(bool),
    Int(i64),
    /// The bits of the number.
    Float(u64),
    Text(Text),
}

impl Key {
    fn of_data(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(held) => Some(Self::Bool(*held)),
            Value::Int(number) => Some(Self::Int(*number)),
            Value::Float(number) => Some(Self::of_float(number.to_f64())),
            Value::Str(text) => Some(Self::Text(text.clone())),
            Value::Json(text) => text.parse().ok().map(Self::of_float),
            Value::Null | Value::List(_) | Value::Map(_) => None,
        }
    }

    fn of_value(value: &CelValue) -> Option<Self> {
        match value {
            CelValue::Bool(held) => Some(Self::Bool(*held)),
            CelValue::Int(number) => Some(Self::Int(*number)),
            CelValue::Double(number) => Some(Self::of_float(*number)),
            CelValue::Str(text) => Some(Self::Text(text.clone())),
            _ => None,
        }
    }

    /// Both zeros are one key.
    fn of_float(number: f64) -> Self {
        Self::Float((number + 0.0).to_bits())
    }
}

impl TypedList {
    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    pub(crate) fn data(&self) -> Value {
        Value::List(self.items.clone())
    }

    fn typed(&self, value: &Value) -> CelValue {
        match &self.schema.items {
            Some(schema) => CelValue::typed_or_failed(value, schema),
            None => CelValue::Failed(Arc::new(EvalError::no_overload())),
        }
    }

    pub(crate) fn nth(&self, index: usize) -> Option<CelValue> {
        self.items.get(index).map(|value| self.typed(value))
    }

    pub(crate) fn elements(&self) -> Vec<CelValue> {
        self.items.iter().map(|value| self.typed(value)).collect()
    }

    /// The keys of an element of a list that is a map; None for what is no object. Upstream looks for the keys by
    /// their identifiers, so that one that is escaped is never found.
    fn map_key(keys: &[Text], element: &Value) -> Option<Vec<Option<Key>>> {
        let map = element.as_map()?;
        let key = |name: &Text| {
            let identifier = escape(name)?;
            map.get(&identifier).and_then(Key::of_data)
        };
        Some(keys.iter().map(key).collect())
    }

    pub(crate) fn equal(&self, other: &CelValue) -> Result<bool> {
        if !other.is_list() {
            return Err(EvalError::no_overload());
        }
        if other.len() != Some(self.items.len()) {
            return Ok(false);
        }
        let theirs = other.elements().unwrap_or_default();
        match &self.schema.list {
            ListSemantics::Atomic => {
                for (value, theirs) in self.items.iter().zip(&theirs) {
                    if !equal_or_error(&self.typed(value), theirs)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            ListSemantics::Set => {
                let ours: BTreeSet<Option<Key>> = self.items.iter().map(Key::of_data).collect();
                let is_held =
                    |element: &CelValue| Key::of_value(element).is_some_and(|key| ours.contains(&Some(key)));
                Ok(theirs.iter().all(is_held))
            }
            ListSemantics::Map(keys) => {
                let ours: BTreeMap<_, &Value> =
                    self.items.iter().filter_map(|item| Some((Self::map_key(keys, item)?, item))).collect();
                for element in &theirs {
                    let key = element.raw().and_then(|data| Self::map_key(keys, &data));
                    let Some(held) = key.and_then(|key| ours.get(&key)) else { return Ok(false) };
                    if !equal_or_error(&self.typed(held), element)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
        }
    }

    /// The list with the elements of another one: those of a set once, and those of a map in place of what has their
    /// keys. None for what is no list, or has elements that are no data.
    pub(crate) fn add(&self, other: &CelValue) -> Option<CelValue> {
        let added: Option<Vec<Value>> =
            other.elements()?.iter().map(|element| element.raw().or_else(|| element.to_data())).collect();
        let mut items = (*self.items).clone();
        match &self.schema.list {
            ListSemantics::Atomic => items.extend(added?),
            ListSemantics::Set => {
                let mut held: BTreeSet<Option<Key>> = items.iter().map(Key::of_data).collect();
                items.extend(added?.into_iter().filter(|value| held.insert(Key::of_data(value))));
            }
            ListSemantics::Map(keys) => {
                let places: BTreeMap<_, usize> = items
                    .iter()
                    .enumerate()
                    .filter_map(|(place, item)| Some((Self::map_key(keys, item)?, place)))
                    .collect();
                for value in added? {
                    let key = Self::map_key(keys, &value);
                    match key.as_ref().and_then(|key| places.get(key)).copied() {
                        Some(place) => {
                            if let Some(held) = items.get_mut(place) {
                                *held = value;
                            }
                        }
                        None => items.push(value),
                    }
                }
            }
        }
        Some(CelValue::TypedList(Self { items: Arc::new(items), schema: self.schema.clone() }))
    }
}

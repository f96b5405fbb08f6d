//! Values of expressions.
//! cel-go: common/types

use super::identified::Identified;
use super::object::CelObject;
use super::time::Timestamp;
use crate::cel::access::AccessCheck;
use crate::cel::decl::{TypedList, TypedMap};
use crate::codec::json;
use crate::value::{Text, Value};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt::{self, Debug, Display};

/// A value. A clone shares what is large.
#[derive(Clone, Debug)]
pub enum CelValue {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    Str(Text),
    Bytes(Arc<[u8]>),
    Timestamp(Timestamp),
    /// Nanoseconds.
    Duration(i64),
    /// A type, by its name.
    Type(Text),
    List(Arc<Vec<Self>>),
    Map(Arc<CelMap>),
    /// A list or a map of an object, whose parts become values when they are asked for.
    Data(Value),
    /// The same, whose members are found by the identifiers of their names too.
    Identified(Identified),
    /// A list of an object that a schema types.
    TypedList(TypedList),
    /// An object, or a map of one, that a schema types.
    TypedMap(TypedMap),
    /// Data of which the schema says nothing. It can be compared, and nothing else.
    Preserved(Value),
    /// A part that has no value. Whoever asks for it gets the error.
    Failed(Arc<EvalError>),
    Optional(Option<Arc<Self>>),
    /// An object that an expression made.
    Object(Arc<CelObject>),
    /// A value of a library.
    Native(Arc<dyn Native>),
}

/// A value of a type that a library brings.
pub trait Native: Debug + Send + Sync {
    /// The name of its type.
    fn type_name(&self) -> &'static str;

    /// Whether another value of a library is equal.
    fn is_equal(&self, other: &dyn Native) -> bool;

    /// How large it is, where costs depend on that.
    fn size(&self) -> Option<u64> {
        None
    }

    /// The value itself, for the functions of its library.
    fn as_any(&self) -> &dyn core::any::Any;
}

/// A map, in the order in which its entries came.
#[derive(Clone, Debug, Default)]
pub struct CelMap {
    pub entries: Vec<(CelValue, CelValue)>,
}

impl CelMap {
    /// Sets the value of a key.
    pub fn insert(&mut self, key: CelValue, value: CelValue) {
        match self.entries.iter_mut().find(|(held, _)| super::equality::equal(held, &key)) {
            Some((_, held)) => *held = value,
            None => self.entries.push((key, value)),
        }
    }

    /// The value of a key. Numbers that are equal are the same key.
    pub fn get(&self, key: &CelValue) -> Option<&CelValue> {
        self.entries.iter().find(|(held, _)| super::equality::equal(held, key)).map(|(_, value)| value)
    }
}

/// Why an expression has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvalError(Box<Reason>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Reason {
    /// What is wrong. Another part of the expression may make it irrelevant.
    Wrong(String),
    /// The same, but that nothing makes it irrelevant.
    Unrecovered(String),
    CostExceeded,
    /// Whether this is allowed has to be known first.
    Undecided(AccessCheck),
}

impl Display for EvalError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Reason::Wrong(message) | Reason::Unrecovered(message) => out.write_str(message),
            Reason::CostExceeded => out.write_str("operation cancelled: actual cost limit exceeded"),
            Reason::Undecided(_) => out.write_str("an authorization decision is not known yet"),
        }
    }
}

impl EvalError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(Box::new(Reason::Wrong(message.into())))
    }

    pub(crate) fn no_overload() -> Self {
        Self::new("no such overload")
    }

    pub(crate) fn is_no_overload(&self) -> bool {
        matches!(&*self.0, Reason::Wrong(message) if message == "no such overload")
    }

    pub(crate) fn unrecovered(message: impl Into<String>) -> Self {
        Self(Box::new(Reason::Unrecovered(message.into())))
    }

    pub(crate) fn cost_exceeded() -> Self {
        Self(Box::new(Reason::CostExceeded))
    }

    pub(crate) fn undecided(check: AccessCheck) -> Self {
        Self(Box::new(Reason::Undecided(check)))
    }

    /// It costs more than it may.
    pub fn is_cost_exceeded(&self) -> bool {
        matches!(&*self.0, Reason::CostExceeded)
    }

    /// What has to be decided before the expression can be evaluated: it is evaluated again then.
    pub fn needs(&self) -> Option<&AccessCheck> {
        match &*self.0 {
            Reason::Undecided(check) => Some(check),
            Reason::Wrong(_) | Reason::Unrecovered(_) | Reason::CostExceeded => None,
        }
    }

    /// No other part of the expression makes it irrelevant.
    pub(crate) fn ends_evaluation(&self) -> bool {
        !matches!(&*self.0, Reason::Wrong(_))
    }
}

impl CelValue {
    pub(crate) fn str(text: impl Into<Text>) -> Self {
        Self::Str(text.into())
    }

    pub(crate) fn list(items: Vec<Self>) -> Self {
        Self::List(Arc::new(items))
    }

    /// The name of its type as texts show it.
    pub fn type_name(&self) -> &str {
        match self {
            Self::Null => "null_type",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Uint(_) => "uint",
            Self::Double(_) => "double",
            Self::Str(_) => "string",
            Self::Bytes(_) => "bytes",
            Self::Timestamp(_) => "google.protobuf.Timestamp",
            Self::Duration(_) => "google.protobuf.Duration",
            Self::Type(_) => "type",
            Self::List(_) | Self::TypedList(_) | Self::Data(Value::List(_)) => "list",
            Self::Identified(held) if held.data().as_list().is_some() => "list",
            Self::Map(_) | Self::TypedMap(_) | Self::Data(_) | Self::Identified(_) => "map",
            Self::Preserved(_) => "unknown",
            Self::Failed(_) => "error",
            Self::Optional(_) => "optional_type",
            Self::Object(object) => object.type_name(),
            Self::Native(held) => held.type_name(),
        }
    }

    /// The number of elements or entries; None for what has none.
    pub(crate) fn len(&self) -> Option<usize> {
        match self {
            Self::List(items) => Some(items.len()),
            Self::Map(map) => Some(map.entries.len()),
            Self::Data(Value::List(items)) => Some(items.len()),
            Self::Data(Value::Map(map)) => Some(map.len()),
            Self::Identified(held) => held.plain().len(),
            Self::TypedList(list) => Some(list.len()),
            Self::TypedMap(map) => Some(map.len()),
            Self::Str(text) => Some(text.chars().count()),
            Self::Bytes(bytes) => Some(bytes.len()),
            _ => None,
        }
    }

    pub(crate) fn is_list(&self) -> bool {
        match self {
            Self::Identified(held) => held.data().as_list().is_some(),
            held => matches!(held, Self::List(_) | Self::TypedList(_) | Self::Data(Value::List(_))),
        }
    }

    pub(crate) fn is_map(&self) -> bool {
        match self {
            Self::Identified(held) => held.data().as_map().is_some(),
            held => matches!(held, Self::Map(_) | Self::TypedMap(_) | Self::Data(Value::Map(_))),
        }
    }

    /// An element of a list.
    pub(crate) fn nth(&self, index: usize) -> Option<Self> {
        match self {
            Self::List(items) => items.get(index).cloned(),
            Self::Data(Value::List(items)) => items.get(index).map(Self::from),
            Self::Identified(held) => held.nth(index),
            Self::TypedList(list) => list.nth(index),
            _ => None,
        }
    }

    /// The elements of a list.
    pub(crate) fn elements(&self) -> Option<Vec<Self>> {
        match self {
            Self::List(items) => Some(items.to_vec()),
            Self::Data(Value::List(items)) => Some(items.iter().map(Self::from).collect()),
            Self::Identified(held) => held.plain().elements(),
            Self::TypedList(list) => Some(list.elements()),
            _ => None,
        }
    }

    /// The entries of a map.
    pub(crate) fn entries(&self) -> Option<Vec<(Self, Self)>> {
        match self {
            Self::Map(map) => Some(map.entries.clone()),
            Self::Data(Value::Map(map)) => {
                Some(map.iter().map(|(key, value)| (Self::Str(key.clone()), value.into())).collect())
            }
            Self::Identified(held) => held.plain().entries(),
            Self::TypedMap(map) => Some(map.entries()),
            _ => None,
        }
    }

    /// The value of a key of a map.
    pub(crate) fn find(&self, key: &Self) -> Option<Self> {
        match (self, key) {
            (Self::Map(map), key) => map.get(key).cloned(),
            (Self::Data(Value::Map(map)), Self::Str(key)) => map.get(key).map(Self::from),
            (Self::Identified(held), Self::Str(key)) => held.find(key),
            (Self::TypedMap(map), Self::Str(key)) => map.find(key),
            (Self::Object(object), Self::Str(key)) => Some(object.read(key)),
            (Self::TypedMap(_), _) => Some(Self::Failed(Arc::new(EvalError::no_overload()))),
            _ => None,
        }
    }

    /// Whether it is what a value of its type is before anything is set.
    pub(crate) fn is_zero(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Bool(held) => !held,
            Self::Int(number) | Self::Duration(number) => *number == 0,
            Self::Uint(number) => *number == 0,
            Self::Double(number) => *number == 0.0,
            Self::Timestamp(time) => time.is_zero(),
            Self::Optional(held) => held.is_none(),
            Self::Object(object) => object.fields().next().is_none(),
            Self::Type(_) | Self::Native(_) | Self::Preserved(_) | Self::Failed(_) => false,
            Self::Str(_)
            | Self::Bytes(_)
            | Self::List(_)
            | Self::Map(_)
            | Self::Data(_)
            | Self::Identified(_)
            | Self::TypedList(_)
            | Self::TypedMap(_) => self.len() == Some(0),
        }
    }

    /// The value as data; None for what has no form in JSON.
    pub fn to_data(&self) -> Option<Value> {
        Some(match self {
            Self::Null => Value::Null,
            Self::Bool(held) => Value::Bool(*held),
            Self::Int(number) => Value::Int(*number),
            Self::Uint(number) => match i64::try_from(*number) {
                Ok(number) => Value::Int(number),
                Err(_) => Value::Json(number.to_string().into()),
            },
            Self::Double(number) => Value::Float(crate::value::Finite::new(*number)?),
            Self::Str(text) => Value::Str(text.clone()),
            Self::Bytes(bytes) => Value::str(crate::codec::base64::encode(bytes)),
            Self::Timestamp(time) => Value::str(time.to_string()),
            Self::Duration(nanos) => Value::str(super::time::duration_text(*nanos)),
            Self::Data(held) | Self::Preserved(held) => held.clone(),
            Self::Identified(held) => held.data().clone(),
            Self::TypedList(list) => list.data(),
            Self::TypedMap(map) => map.data(),
            Self::List(items) => {
                let items: Option<Vec<Value>> = items.iter().map(Self::to_data).collect();
                Value::list(items?)
            }
            Self::Map(held) => {
                let mut map = crate::value::Map::new();
                for (key, value) in &held.entries {
                    let Self::Str(key) = key else { return None };
                    map.insert(key.clone(), value.to_data()?);
                }
                Value::map(map)
            }
            Self::Optional(Some(held)) => held.to_data()?,
            Self::Optional(None) => Value::Null,
            Self::Object(object) => {
                let mut map = crate::value::Map::new();
                for (name, value) in object.fields() {
                    map.insert(Text::from(name), value.to_data()?);
                }
                Value::map(map)
            }
            Self::Type(_) | Self::Native(_) | Self::Failed(_) => return None,
        })
    }

    /// The value as the data that it came from, or as upstream would have kept it there; None for what is no data.
    pub(crate) fn raw(&self) -> Option<Value> {
        match self {
            Self::Bool(_)
            | Self::Int(_)
            | Self::Double(_)
            | Self::Str(_)
            | Self::Data(_)
            | Self::Identified(_)
            | Self::TypedList(_)
            | Self::TypedMap(_)
            | Self::Preserved(_) => self.to_data(),
            _ => None,
        }
    }

    /// The value, or the error of a part that has none.
    pub(crate) fn checked(self) -> Result<Self, EvalError> {
        match self {
            Self::Failed(error) => Err((*error).clone()),
            value => Ok(value),
        }
    }

    /// How texts of errors show it.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Null => "null".into(),
            Self::Bool(held) => held.to_string(),
            Self::Int(number) => number.to_string(),
            Self::Uint(number) => number.to_string(),
            Self::Double(number) => super::number::go_double(*number),
            Self::Str(text) => text.to_string(),
            Self::Bytes(bytes) => format!("{bytes:?}"),
            Self::Timestamp(time) => time.to_string(),
            Self::Duration(nanos) => super::time::duration_text(*nanos),
            Self::Type(name) => name.to_string(),
            Self::Optional(None) => "optional.none()".into(),
            Self::Optional(Some(held)) => format!("optional({})", held.shown()),
            Self::Object(object) => object.type_name().into(),
            Self::Native(held) => format!("{held:?}"),
            Self::Preserved(held) => json::to_string(held),
            Self::Failed(error) => error.to_string(),
            Self::Identified(held) => held.plain().shown(),
            Self::List(_) | Self::Map(_) | Self::Data(_) | Self::TypedList(_) | Self::TypedMap(_) => {
                match (self.elements(), self.entries()) {
                    (Some(items), _) => {
                        let items: Vec<String> = items.iter().map(Self::shown).collect();
                        format!("[{}]", items.join(", "))
                    }
                    (None, entries) => {
                        let entries = entries.unwrap_or_default();
                        let shown: Vec<String> = entries
                            .iter()
                            .map(|(key, value)| format!("{}: {}", key.shown(), value.shown()))
                            .collect();
                        format!("{{{}}}", shown.join(", "))
                    }
                }
            }
        }
    }
}

impl From<&Value> for CelValue {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(held) => Self::Bool(*held),
            Value::Int(number) => Self::Int(*number),
            Value::Float(number) => Self::Double(number.to_f64()),
            Value::Str(text) => Self::Str(text.clone()),
            Value::List(_) | Value::Map(_) => Self::Data(value.clone()),
            // A number in another form, or an object whose members are not in order.
            Value::Json(text) => match text.parse::<f64>() {
                Ok(number) => Self::Double(number),
                Err(_) => json::parse(text.as_bytes()).map_or(Self::Null, |parsed| match parsed.value {
                    Value::Json(_) => Self::Null,
                    value => Self::from(&value),
                }),
            },
        }
    }
}

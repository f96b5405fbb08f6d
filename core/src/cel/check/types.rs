//! The types of values.
//! cel-go: common/types/types.go, checker/format.go

use crate::value::Text;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt::{self, Display};

/// A type. A clone shares its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CelType {
    /// Known only when the expression is evaluated.
    Dyn,
    /// Of what is wrong already, so that it is told once.
    Error,
    Null,
    Bool,
    Int,
    Uint,
    Double,
    Str,
    Bytes,
    Timestamp,
    Duration,
    /// The type of a type, if it is known which.
    Type(Option<Arc<Self>>),
    List(Arc<Self>),
    Map(Arc<Self>, Arc<Self>),
    /// An object whose fields are declared under this name.
    Object(Text),
    /// A type of a library.
    Opaque(Text, Arc<[Self]>),
    /// Any type, the same wherever a declaration has this letter.
    Param(Text),
    /// A type that is being found out.
    Var(u32),
}

impl CelType {
    pub fn list(of: Self) -> Self {
        Self::List(Arc::new(of))
    }

    pub fn map(key: Self, value: Self) -> Self {
        Self::Map(Arc::new(key), Arc::new(value))
    }

    pub fn optional(of: Self) -> Self {
        Self::Opaque("optional_type".into(), Arc::new([of]))
    }

    pub fn opaque(name: &str) -> Self {
        Self::Opaque(name.into(), Arc::new([]))
    }

    /// What an optional type may hold.
    pub(crate) fn unwrap_optional(&self) -> Option<&Self> {
        match self {
            Self::Opaque(name, params) if name == "optional_type" => params.first(),
            _ => None,
        }
    }

    pub(crate) fn is_dyn(&self) -> bool {
        matches!(self, Self::Dyn)
    }

    pub(crate) fn is_dyn_or_error(&self) -> bool {
        matches!(self, Self::Dyn | Self::Error)
    }

    /// Its parts, in their order.
    pub(crate) fn parameters(&self) -> Vec<&Self> {
        match self {
            Self::Type(Some(of)) | Self::List(of) => Vec::from([&**of]),
            Self::Map(key, value) => Vec::from([&**key, &**value]),
            Self::Opaque(_, params) => params.iter().collect(),
            Self::Dyn
            | Self::Error
            | Self::Null
            | Self::Bool
            | Self::Int
            | Self::Uint
            | Self::Double
            | Self::Str
            | Self::Bytes
            | Self::Timestamp
            | Self::Duration
            | Self::Type(None)
            | Self::Object(_)
            | Self::Param(_)
            | Self::Var(_) => Vec::new(),
        }
    }

    /// The same type with other parts, as many as it has.
    pub(super) fn with(&self, mut part: impl FnMut(&Self) -> Self) -> Self {
        match self {
            Self::Type(Some(of)) => Self::Type(Some(Arc::new(part(of)))),
            Self::List(of) => Self::list(part(of)),
            Self::Map(key, value) => Self::map(part(key), part(value)),
            Self::Opaque(name, params) if !params.is_empty() => {
                Self::Opaque(name.clone(), params.iter().map(part).collect())
            }
            Self::Dyn
            | Self::Error
            | Self::Null
            | Self::Bool
            | Self::Int
            | Self::Uint
            | Self::Double
            | Self::Str
            | Self::Bytes
            | Self::Timestamp
            | Self::Duration
            | Self::Type(None)
            | Self::Object(_)
            | Self::Opaque(..)
            | Self::Param(_)
            | Self::Var(_) => self.clone(),
        }
    }

    /// The type itself, without its parts.
    pub fn name(&self) -> &str {
        match self {
            Self::Dyn => "dyn",
            Self::Error => "!error!",
            Self::Null => "null",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Uint => "uint",
            Self::Double => "double",
            Self::Str => "string",
            Self::Bytes => "bytes",
            Self::Timestamp => "timestamp",
            Self::Duration => "duration",
            Self::Type(_) => "type",
            Self::List(_) => "list",
            Self::Map(..) => "map",
            Self::Object(name) | Self::Opaque(name, _) | Self::Param(name) => name,
            Self::Var(_) => "_var",
        }
    }
}

impl Display for CelType {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())?;
        if let Self::Var(number) = self {
            return write!(out, "{number}");
        }
        for (index, part) in self.parameters().into_iter().enumerate() {
            out.write_str(if index == 0 { "(" } else { ", " })?;
            part.fmt(out)?;
        }
        if self.parameters().is_empty() { Ok(()) } else { out.write_str(")") }
    }
}

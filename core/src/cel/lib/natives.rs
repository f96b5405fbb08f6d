//! Values of types that libraries bring.

use crate::cel::eval::{CelValue, Native};
use alloc::sync::Arc;
use core::any::Any;
use core::fmt::Debug;

/// A value of Rust with the name of its type in expressions.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LibraryValue<T> {
    pub(super) value: T,
    name: &'static str,
    size: Option<u64>,
}

impl<T: Debug + PartialEq + Send + Sync + 'static> Native for LibraryValue<T> {
    fn type_name(&self) -> &'static str {
        self.name
    }

    fn is_equal(&self, other: &dyn Native) -> bool {
        other.as_any().downcast_ref::<Self>().is_some_and(|other| self.value == other.value)
    }

    fn size(&self) -> Option<u64> {
        self.size
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A value of a library's type.
pub(super) fn native<T: Debug + PartialEq + Send + Sync + 'static>(name: &'static str, value: T) -> CelValue {
    CelValue::Native(Arc::new(LibraryValue { value, name, size: None }))
}

/// The same for a value whose size costs depend on.
pub(super) fn sized<T: Debug + PartialEq + Send + Sync + 'static>(
    name: &'static str,
    value: T,
    size: u64,
) -> CelValue {
    CelValue::Native(Arc::new(LibraryValue { value, name, size: Some(size) }))
}

/// The value of a library's type; None for any other.
pub(super) fn of<T: Debug + PartialEq + Send + Sync + 'static>(value: &CelValue) -> Option<&T> {
    match value {
        CelValue::Native(held) => held.as_any().downcast_ref::<LibraryValue<T>>().map(|held| &held.value),
        _ => None,
    }
}

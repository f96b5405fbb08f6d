//! The columns of a kind, whether they are built in or came with the kind's definition.
//! k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/registry/customresource/tableconvertor/tableconvertor.go

use super::{Column, Columns, cells};
use crate::kinds::DefinedColumn;
use crate::now::Wall;
use crate::value::{Text, Value};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Ordering;

/// The columns of a kind, and what fills the rows of a Table of it.
#[derive(Clone, Debug)]
pub enum ColumnSet {
    Builtin(&'static Columns),
    /// Those of a definition, after the name.
    Defined(Arc<[Defined]>),
}

/// A column of a definition.
#[derive(Clone, Debug)]
pub struct Defined {
    name: Text,
    kind: Text,
    description: Text,
    priority: i64,
    path: Vec<Text>,
}

impl ColumnSet {
    /// The columns of a definition. One that names none shows the age.
    pub fn defined(columns: &[DefinedColumn]) -> Self {
        let age = DefinedColumn {
            name: Text::const_new("Age"),
            kind: Text::const_new("date"),
            description: Text::const_new(Column::AGE.description),
            priority: 0,
            path: Text::const_new("metadata.creationTimestamp"),
        };
        let shown = if columns.is_empty() { core::slice::from_ref(&age) } else { columns };
        Self::Defined(shown.iter().map(Defined::of).collect())
    }

    pub fn definitions(&self) -> Vec<Column<'_>> {
        match self {
            Self::Builtin(columns) => columns.columns.to_vec(),
            Self::Defined(columns) => {
                [Column::NAME].into_iter().chain(columns.iter().map(Defined::definition)).collect()
            }
        }
    }

    /// The cells of one object, as many as there are columns.
    pub fn cells(&self, object: &Value, now: Wall) -> Vec<Value> {
        match self {
            Self::Builtin(columns) => (columns.cells)(object, now),
            Self::Defined(columns) => {
                let cells = columns.iter().map(|column| column.cell(object, now));
                [cells::name(object)].into_iter().chain(cells).collect()
            }
        }
    }

    /// The conditions of the row, for kinds that finish: a list, null for none.
    pub fn conditions(&self, object: &Value) -> Value {
        match self {
            Self::Builtin(columns) => (columns.conditions)(object),
            Self::Defined(_) => Value::Null,
        }
    }

    /// The order of rows, where it is not that of the list.
    pub fn order(&self) -> Option<fn(&Value, &Value) -> Ordering> {
        match self {
            Self::Builtin(columns) => columns.order,
            Self::Defined(_) => None,
        }
    }
}

impl Defined {
    fn of(column: &DefinedColumn) -> Self {
        Self {
            name: column.name.clone(),
            kind: column.kind.clone(),
            description: column.description.clone(),
            priority: column.priority,
            path: column.path.split('.').map(Text::from).collect(),
        }
    }

    fn definition(&self) -> Column<'_> {
        Column {
            name: &self.name,
            kind: &self.kind,
            format: "",
            description: &self.description,
            priority: self.priority,
        }
    }

    /// The value at the column's path, null when it is absent or of another type than the column.
    fn cell(&self, object: &Value, now: Wall) -> Value {
        let path: Vec<&str> = self.path.iter().map(Text::as_str).collect();
        let Some(value) = object.at(&path) else { return Value::Null };
        match (self.kind.as_str(), value) {
            ("date", _) => cells::since(object, &path, now).into(),
            ("integer" | "number", Value::Int(_))
            | ("number", Value::Float(_))
            | ("boolean", Value::Bool(_))
            | ("string", Value::Str(_)) => value.clone(),
            ("string", _) => crate::codec::json::to_string(value).into(),
            _ => Value::Null,
        }
    }
}

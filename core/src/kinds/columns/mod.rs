//! What `kubectl get` shows of each kind: the columns of its Table and the cells of its rows.
//!
//! k8s: pkg/printers/internalversion/printers.go, and the registries that have columns of their own.

mod access;
mod admission;
pub mod age;
mod batch;
mod cells;
mod config;
mod defined;
mod device;
mod lasting;
mod network;
mod node;
mod pod;
mod priority;
mod scale;
mod service;
mod storage;
mod workload;

pub use access::*;
pub use admission::*;
pub use batch::*;
pub use config::*;
pub use defined::ColumnSet;
pub use device::*;
pub use lasting::Changing;
pub use network::*;
pub use node::*;
pub use pod::*;
pub use priority::*;
pub use scale::*;
pub use service::*;
pub use storage::*;
pub use workload::*;

use crate::now::Wall;
use crate::value::Value;
use alloc::vec;
use alloc::vec::Vec;
use core::cmp::Ordering;

/// A column of a Table.
#[derive(Clone, Copy, Debug)]
pub struct Column<'a> {
    pub name: &'a str,
    /// `string`, `integer`, ...
    pub kind: &'a str,
    /// `name` for the name column, else usually empty.
    pub format: &'a str,
    pub description: &'a str,
    /// 0 is shown always, 1 with `-o wide`.
    pub priority: i64,
}

/// The columns of a kind, and what fills the rows of a Table of it.
#[derive(Clone, Copy, Debug)]
pub struct Columns {
    pub columns: &'static [Column<'static>],
    /// The cells of one object, as many as there are columns.
    pub cells: fn(object: &Value, now: Wall) -> Vec<Value>,
    /// The conditions of the row, for kinds that finish: a list, null for none.
    pub conditions: fn(object: &Value) -> Value,
    /// The order of rows, where it is not that of the list.
    pub order: Option<fn(&Value, &Value) -> Ordering>,
}

impl Column<'static> {
    const NAME: Self = Self {
        format: "name",
        ..Self::text("Name", "Name of the object, unique for its kind in its namespace.")
    };
    const AGE: Self = Self::text("Age", "Time since the object was created.");
    const CONTAINERS: Self = Self::text("Containers", "Names of the containers of the pod template.").wide();
    const IMAGES: Self = Self::text("Images", "Images of the containers of the pod template.").wide();
    const SELECTOR: Self = Self::text("Selector", "Labels of the pods that belong to the object.").wide();

    const fn text(name: &'static str, description: &'static str) -> Self {
        Self { name, kind: "string", format: "", description, priority: 0 }
    }

    const fn integer(name: &'static str, description: &'static str) -> Self {
        Self { kind: "integer", ..Self::text(name, description) }
    }

    const fn boolean(name: &'static str, description: &'static str) -> Self {
        Self { kind: "boolean", ..Self::text(name, description) }
    }

    /// Shown with `-o wide` only.
    const fn wide(self) -> Self {
        Self { priority: 1, ..self }
    }
}

impl Columns {
    /// Of kinds that show no more than their name and age.
    const NAME_AND_AGE: Self = Self::new(&[Column::NAME, Column::AGE], |object, now| {
        vec![cells::name(object), cells::age(object, now)]
    });

    const fn new(columns: &'static [Column<'static>], cells: fn(&Value, Wall) -> Vec<Value>) -> Self {
        Self { columns, cells, conditions: |_| Value::Null, order: None }
    }
}

/// The columns of a kind that prints none of its own: name and creation time.
/// k8s: staging/src/k8s.io/apiserver/pkg/registry/rest/table.go
pub static GENERIC: Columns = Columns::new(
    &[Column::NAME, Column { kind: "date", ..Column::text("Created At", "When the object was created.") }],
    |object, _| {
        let creation = cells::filled_or(object, &["metadata", "creationTimestamp"], ZERO_TIME);
        vec![cells::name(object), creation.into()]
    },
);

/// What Go makes of a time that was never set.
const ZERO_TIME: &str = "0001-01-01T00:00:00Z";

#[cfg(test)]
mod tests;

//! What `kubectl get` shows of each kind.

use crate::now::Wall;
use crate::value::Value;
use alloc::vec::Vec;

/// A column of a Table.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    pub name: &'static str,
    /// `string`, `integer`, ...
    pub kind: &'static str,
    /// `name` for the name column, else usually empty.
    pub format: &'static str,
    pub description: &'static str,
    /// 0 is shown always, 1 with `-o wide`.
    pub priority: i64,
}

/// The columns of a kind, and the cells of one object, as many as there are columns.
#[derive(Clone, Copy, Debug)]
pub struct Columns {
    pub columns: &'static [Column],
    pub cells: fn(object: &Value, now: Wall) -> Vec<Value>,
}

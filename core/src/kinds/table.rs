//! Every built-in resource, one row each.

use super::Row;

/// In discovery order: groups by priority, then resources by name.
pub static ROWS: &[Row] = &[];

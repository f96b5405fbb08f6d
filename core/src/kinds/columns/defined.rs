//! The columns of a kind, whether they are built in or came with the kind's definition.
//! k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/registry/customresource/tableconvertor/tableconvertor.go

use super::{Column, Columns, age, cells};
use crate::codec::json;
use crate::kinds::DefinedColumn;
use crate::now::Wall;
use crate::value::jsonpath::{JsonPath, PathMatch};
use crate::value::number::go_float;
use crate::value::{Finite, Text, Value};
use alloc::format;
use alloc::string::{String, ToString};
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
    format: Text,
    description: Text,
    priority: i64,
    path: JsonPath,
}

impl ColumnSet {
    /// The columns of a definition. One that names none shows the age. A column whose path is none ends them.
    pub fn defined(columns: &[DefinedColumn]) -> Self {
        let age = DefinedColumn {
            name: Text::const_new("Age"),
            kind: Text::const_new("date"),
            format: Text::default(),
            description: Text::const_new(Column::AGE.description),
            priority: 0,
            path: Text::const_new(".metadata.creationTimestamp"),
        };
        let shown = if columns.is_empty() { core::slice::from_ref(&age) } else { columns };
        Self::Defined(shown.iter().map_while(Defined::of).collect())
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
    fn of(column: &DefinedColumn) -> Option<Self> {
        let path = JsonPath::parse(&format!("{{{}}}", column.path)).ok()?;
        let description = match column.description.as_str() {
            "" => format!("Custom resource definition column (in JSONPath format): {}", column.path).into(),
            _ => column.description.clone(),
        };
        Some(Self {
            name: column.name.clone(),
            kind: column.kind.clone(),
            format: column.format.clone(),
            description,
            priority: column.priority,
            path,
        })
    }

    fn definition(&self) -> Column<'_> {
        Column {
            name: &self.name,
            kind: &self.kind,
            format: &self.format,
            description: &self.description,
            priority: self.priority,
        }
    }

    /// The first that the column's path finds, null when there is nothing or it is of another type than the column.
    fn cell(&self, object: &Value, now: Wall) -> Value {
        let found = self.path.find(object);
        let first = found.as_ref().and_then(|all| all.first()?.first());
        let Some(first) = first else { return Value::Null };
        match (self.kind.as_str(), *first) {
            ("string", found) => text(found).into(),
            ("integer" | "number", PathMatch::Value(Value::Int(number))) => Value::Int(*number),
            ("integer", PathMatch::Value(Value::Float(number))) => Value::Int(number.to_f64() as i64),
            ("number", PathMatch::Value(number @ Value::Float(_))) => number.clone(),
            ("boolean", PathMatch::Value(truth @ Value::Bool(_))) => truth.clone(),
            ("date", PathMatch::Value(Value::Str(time))) => since(time, now).into(),
            _ => Value::Null,
        }
    }
}

/// What was found as a text of Go's `%v`, and as JSON what holds something.
fn text(found: PathMatch<'_>) -> String {
    match found {
        PathMatch::Int(number) => number.to_string(),
        PathMatch::Byte(byte) => byte.to_string(),
        PathMatch::Value(Value::Null) => "<no value>".into(),
        PathMatch::Value(Value::Bool(truth)) => truth.to_string(),
        PathMatch::Value(Value::Int(number)) => number.to_string(),
        PathMatch::Value(Value::Float(number)) => go_float(Finite::to_f64(*number)),
        PathMatch::Value(Value::Str(text)) => text.to_string(),
        PathMatch::Value(value @ (Value::List(_) | Value::Map(_) | Value::Json(_))) => json::to_string(value),
    }
}

/// The time that has passed since a time that a text holds.
/// k8s: staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/time.go UnmarshalQueryParameter
fn since(time: &str, now: Wall) -> String {
    if matches!(time, "" | "null") || time.starts_with("0001-01-01T00:00:00") {
        return cells::UNKNOWN.into();
    }
    Wall::parse_rfc3339(time).map_or_else(|| "<invalid>".into(), |then| age::between(then, now))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(kind: &'static str, path: &str) -> DefinedColumn {
        DefinedColumn {
            name: "C".into(),
            kind: Text::const_new(kind),
            format: "".into(),
            description: "".into(),
            priority: 0,
            path: path.into(),
        }
    }

    #[test]
    fn cells_are_those_of_the_columns_types() {
        let object =
            br#"{"metadata":{"name":"n","creationTimestamp":"2026-01-01T00:00:00Z"},"spec":{"i":5,"f":2.5,
            "b":true,"s":"<x>","l":[{"t":"A","v":1},{"t":"B","v":2}],"z":null,"m":{"b":"<","a":1},"big":1e21,
            "when":"yesterday","unset":"null"}}"#;
        let object = json::parse(object).expect("JSON").value;
        let now = Wall::parse_rfc3339("2026-01-01T01:00:00Z").expect("a time");
        let cell =
            |kind, path: &str| match ColumnSet::defined(&[column(kind, path)]).cells(&object, now).as_slice()
            {
                [_, cell] => json::to_string(cell),
                cells => panic!("{} cells", cells.len()),
            };
        let table = [
            ("string", ".spec.s", r#""\u003cx\u003e""#),
            ("string", ".spec.i", r#""5""#),
            ("string", ".spec.f", r#""2.5""#),
            ("string", ".spec.big", r#""1e+21""#),
            ("string", ".spec.b", r#""true""#),
            ("string", ".spec.z", r#""\u003cno value\u003e""#),
            ("string", ".spec.m", r#""{\"a\":1,\"b\":\"\\u003c\"}""#),
            ("string", ".spec.l[*].t", r#""A""#),
            ("string", r#".spec.l[?(@.t=="B")].v"#, r#""2""#),
            ("string", ".spec.absent", "null"),
            ("string", ".spec.l[7].t", "null"),
            ("integer", ".spec.i", "5"),
            ("integer", ".spec.f", "2"),
            ("integer", ".spec.s", "null"),
            ("integer", ".spec.z", "null"),
            ("number", ".spec.f", "2.5"),
            ("number", ".spec.i", "5"),
            ("boolean", ".spec.b", "true"),
            ("boolean", ".spec.i", "null"),
            ("date", ".metadata.creationTimestamp", r#""60m""#),
            ("date", ".spec.when", r#""\u003cinvalid\u003e""#),
            ("date", ".spec.unset", r#""\u003cunknown\u003e""#),
            ("date", ".spec.i", "null"),
            ("date", ".status.absent", "null"),
        ];
        for (kind, path, wanted) in table {
            assert_eq!(cell(kind, path), wanted, "{kind} {path}");
        }
    }

    #[test]
    fn a_column_without_a_path_ends_the_columns() {
        let columns = [column("string", ".a"), column("string", ".a[b]"), column("string", ".c")];
        let columns = ColumnSet::defined(&columns);
        let shown = columns.definitions();
        assert_eq!(shown.len(), 2);
        assert_eq!(shown[1].description, "Custom resource definition column (in JSONPath format): .a");
    }
}

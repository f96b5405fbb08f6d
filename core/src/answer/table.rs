//! Tables and metadata-only objects: what an answer is turned into when a client asks for columns, or for
//! no more than metadata. A tree is made for YAML and for what is not stored; JSON of stored objects is written row by
//! row, and both have the same members.
//! k8s: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/response.go

use super::form::MetaVersion;
use crate::codec::json;
use crate::kinds::Kind;
use crate::kinds::columns::{Column, ColumnSet};
use crate::kinds::internal_annotation;
use crate::now::Wall;
use crate::schema::encode;
use crate::value::{Map, Text, Value};
use crate::wire::options::IncludeObject;
use alloc::vec::Vec;

/// metav1.ListMeta of a Table or a metadata list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableMeta {
    pub resource_version: Text,
    /// The continue token; empty on the last page.
    pub next: Text,
    pub remaining: Option<i64>,
}

/// A Table with a row for each object. `with_columns` is false for all but the first event of a watch.
pub fn table(
    columns: &ColumnSet,
    objects: &[Value],
    include: IncludeObject,
    version: MetaVersion,
    meta: &TableMeta,
    with_columns: bool,
    now: Wall,
) -> Value {
    let rows = in_order(columns, objects)
        .into_iter()
        .map(|object| row(columns, object, include, version, now))
        .collect();
    let definitions = if with_columns {
        Value::list(columns.definitions().iter().map(definition).collect())
    } else {
        Value::Null
    };
    let mut out = Map::new();
    out.insert("kind", "Table".into());
    out.insert("apiVersion", version.api_version().into());
    out.insert("metadata", list_meta(meta));
    out.insert("columnDefinitions", definitions);
    out.insert("rows", Value::list(rows));
    out.into()
}

/// The objects in the order of their rows.
fn in_order<'a>(columns: &ColumnSet, objects: &'a [Value]) -> Vec<&'a Value> {
    let mut ordered: Vec<&Value> = objects.iter().collect();
    if let Some(order) = columns.order() {
        ordered.sort_by(|one, other| order(one, other));
    }
    ordered
}

fn row(
    columns: &ColumnSet,
    object: &Value,
    include: IncludeObject,
    version: MetaVersion,
    now: Wall,
) -> Value {
    let mut out = Map::new();
    out.insert("cells", Value::list(columns.cells(object, now)));
    let conditions = columns.conditions(object);
    if !conditions.is_null() {
        out.insert("conditions", conditions);
    }
    match include {
        IncludeObject::None => {
            out.insert("object", Value::Null);
        }
        IncludeObject::Metadata => {
            out.insert("object", partial_metadata(object, version));
        }
        IncludeObject::Object => {
            out.insert("object", object.clone());
        }
    }
    out.into()
}

fn definition(column: &Column<'_>) -> Value {
    let mut out = Map::new();
    out.insert("name", column.name.into());
    out.insert("type", column.kind.into());
    out.insert("format", column.format.into());
    out.insert("description", column.description.into());
    out.insert("priority", Value::Int(column.priority));
    out.into()
}

/// An object without all but its metadata.
pub fn partial_metadata(object: &Value, version: MetaVersion) -> Value {
    let mut shown = object.clone();
    internal_annotation::hide(&mut shown);
    let mut out = Map::new();
    out.insert("kind", "PartialObjectMetadata".into());
    out.insert("apiVersion", version.api_version().into());
    out.insert("metadata", shown.remove_at(&["metadata"]).unwrap_or_else(Value::empty_map));
    out.into()
}

/// A list of metadata. Of nothing its items are null, as upstream has it.
pub fn partial_metadata_list(objects: &[Value], version: MetaVersion, meta: &TableMeta) -> Value {
    let items: Vec<Value> = objects.iter().map(|object| partial_metadata(object, version)).collect();
    let mut out = Map::new();
    out.insert("kind", "PartialObjectMetadataList".into());
    out.insert("apiVersion", version.api_version().into());
    out.insert("metadata", list_meta(meta));
    out.insert("items", if items.is_empty() { Value::Null } else { Value::list(items) });
    out.into()
}

fn list_meta(meta: &TableMeta) -> Value {
    let mut out = Map::new();
    for (key, text) in [("resourceVersion", &meta.resource_version), ("continue", &meta.next)] {
        if !text.is_empty() {
            out.insert(key, Value::Str(text.clone()));
        }
    }
    if let Some(remaining) = meta.remaining {
        out.insert("remainingItemCount", Value::Int(remaining));
    }
    out.into()
}

/// The members of a row's condition in upstream's order.
const CONDITION: [&str; 4] = ["type", "status", "reason", "message"];

/// Appends a Table up to the list of its rows, with its members in upstream's order.
pub(super) fn write_head(
    columns: &ColumnSet,
    version: MetaVersion,
    meta: &TableMeta,
    with_columns: bool,
    out: &mut Vec<u8>,
) {
    out.extend_from_slice(b"{\"kind\":\"Table\",\"apiVersion\":\"");
    out.extend_from_slice(version.api_version().as_bytes());
    out.extend_from_slice(b"\",\"metadata\":");
    write_list_meta(meta, false, out);
    out.extend_from_slice(b",\"columnDefinitions\":");
    if with_columns {
        write_list(&columns.definitions(), out, write_definition);
    } else {
        out.extend_from_slice(b"null");
    }
    out.extend_from_slice(b",\"rows\":");
}

/// Appends a row up to its object: its cells and its conditions. The text of the cell at `age` is left out, and the
/// place where it belongs is returned.
pub(super) fn write_cells(
    cells: &[Value],
    conditions: &Value,
    age: Option<usize>,
    out: &mut Vec<u8>,
) -> Option<usize> {
    let mut place = None;
    out.extend_from_slice(b"{\"cells\":[");
    for (index, cell) in cells.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        if age == Some(index) {
            place = Some(out.len());
        } else {
            json::write(cell, out);
        }
    }
    out.push(b']');
    if let Some(conditions) = conditions.as_list().filter(|list| !list.is_empty()) {
        out.extend_from_slice(b",\"conditions\":");
        write_list(conditions, out, |condition, out| write_members(condition, &CONDITION, out));
    }
    out.extend_from_slice(b",\"object\":");
    place
}

/// Appends metav1.ListMeta. `says_continue`: also that there is no continue token.
pub(super) fn write_list_meta(meta: &TableMeta, says_continue: bool, out: &mut Vec<u8>) {
    let mut value = list_meta(meta);
    if says_continue && value.field("continue").is_none() {
        value.set("continue", "".into());
    }
    write_members(&value, &["resourceVersion", "continue", "remainingItemCount"], out);
}

/// Appends a Table that was made as a tree, with its members in upstream's order.
pub(super) fn write(kind: &Kind, table: &Value, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"kind\":\"Table\",\"apiVersion\":");
    json::write_str(table.text_at(&["apiVersion"]), out);
    out.extend_from_slice(b",\"metadata\":");
    let meta = table.field("metadata").unwrap_or(&Value::Null);
    write_members(meta, &["resourceVersion", "continue", "remainingItemCount"], out);
    out.extend_from_slice(b",\"columnDefinitions\":");
    match table.field("columnDefinitions").and_then(Value::as_list) {
        Some(columns) => write_list(columns, out, |column, out| write_members(column, &COLUMN, out)),
        None => out.extend_from_slice(b"null"),
    }
    out.extend_from_slice(b",\"rows\":");
    let rows = table.field("rows").and_then(Value::as_list).unwrap_or_default();
    write_list(rows, out, |row, out| {
        let cells = row.field("cells").and_then(Value::as_list).unwrap_or_default();
        write_cells(cells, row.field("conditions").unwrap_or(&Value::Null), None, out);
        let object = row.field("object").unwrap_or(&Value::Null);
        encode::to_json(&kind.catalogue, kind.type_id, object, out);
        out.push(b'}');
    });
    out.push(b'}');
}

/// The members of a column's definition in upstream's order.
const COLUMN: [&str; 5] = ["name", "type", "format", "description", "priority"];

fn write_definition(column: &Column<'_>, out: &mut Vec<u8>) {
    write_members(&definition(column), &COLUMN, out);
}

fn write_list<T>(items: &[T], out: &mut Vec<u8>, write: impl Fn(&T, &mut Vec<u8>)) {
    out.push(b'[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(item, out);
    }
    out.push(b']');
}

/// Appends those of the members that are there, in this order. A map has no others.
fn write_members(map: &Value, members: &[&str], out: &mut Vec<u8>) {
    out.push(b'{');
    let mut first = true;
    for (name, value) in members.iter().filter_map(|name| Some((name, map.field(name)?))) {
        if !core::mem::take(&mut first) {
            out.push(b',');
        }
        json::write_str(name, out);
        out.push(b':');
        json::write(value, out);
    }
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::columns::{FLOW_SCHEMA, POD};

    fn object(text: &str) -> Value {
        json::parse(text.as_bytes()).expect("JSON").value
    }

    #[test]
    fn later_events_of_a_watch_bring_no_columns() {
        let pod = object(r#"{"metadata":{"name":"p","labels":{"a":"b"}},"status":{"phase":"Succeeded"}}"#);
        let pods = core::slice::from_ref(&pod);
        let meta = TableMeta { resource_version: "7".into(), ..TableMeta::default() };
        let made = |include, with_columns| {
            table(
                &ColumnSet::Builtin(&POD),
                pods,
                include,
                MetaVersion::V1,
                &meta,
                with_columns,
                Wall::default(),
            )
        };
        let first = made(IncludeObject::Metadata, true);
        assert_eq!(first.at(&["metadata", "resourceVersion"]), Some(&"7".into()));
        assert_eq!(first.field("columnDefinitions").and_then(Value::as_list).map(<[Value]>::len), Some(9));
        let row = &first.field("rows").and_then(Value::as_list).expect("rows")[0];
        assert_eq!(row.text_at(&["object", "kind"]), "PartialObjectMetadata");
        assert_eq!(row.text_at(&["object", "metadata", "labels", "a"]), "b");
        let conditions = row.field("conditions").and_then(Value::as_list).expect("conditions");
        assert_eq!(conditions[0].text_at(&["reason"]), "Succeeded");
        let later = made(IncludeObject::None, false);
        assert_eq!(later.field("columnDefinitions"), Some(&Value::Null));
        let row = &later.field("rows").and_then(Value::as_list).expect("rows")[0];
        assert_eq!(row.field("object"), Some(&Value::Null));
    }

    #[test]
    fn rows_stand_in_the_order_of_the_kind() {
        let schemas = [
            object(r#"{"metadata":{"name":"a"},"spec":{"matchingPrecedence":9}}"#),
            object(r#"{"metadata":{"name":"b"},"spec":{"matchingPrecedence":1}}"#),
        ];
        let meta = TableMeta::default();
        let include = IncludeObject::None;
        let columns = ColumnSet::Builtin(&FLOW_SCHEMA);
        let made = table(&columns, &schemas, include, MetaVersion::V1, &meta, true, Wall::default());
        let rows = made.field("rows").and_then(Value::as_list).expect("rows");
        let name = |row: &Value| row.field("cells").and_then(Value::as_list).map(|cells| cells[0].clone());
        assert_eq!(rows.iter().map(name).collect::<Vec<_>>(), [Some("b".into()), Some("a".into())]);
    }
}

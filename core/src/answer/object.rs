//! One object as a response.

use super::Response;
use super::form::{Form, Media, MetaVersion, Representation};
use super::table;
use crate::kinds::columns::ColumnSet;
use crate::kinds::{Kind, Registry};
use crate::now::Wall;
use crate::schema::encode;
use crate::store::Rev;
use crate::value::Value;
use crate::wire::options::IncludeObject;
use crate::world::cache::{Entry, FormRoom};
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;

/// How a client sees a resource: the version, shape and encoding.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    pub(crate) registry: &'a Arc<Registry>,
    /// Where forms are kept.
    pub(crate) room: &'a Arc<FormRoom>,
    pub(crate) resource: &'a Kind,
    pub(crate) form: Form,
    pub(crate) include: IncludeObject,
    pub(crate) now: Wall,
}

impl View<'_> {
    /// Whether the client sees objects as they are stored.
    pub(crate) fn is_stored_form(&self) -> bool {
        self.form.representation == Representation::Full && self.resource.stored_as.is_none()
    }

    /// Whether the stored bytes, with a resource version, are the response.
    pub(crate) fn is_stored_json(&self) -> bool {
        self.is_stored_form() && self.form.media == Media::Json
    }

    /// A stored value in the client's version.
    pub(crate) fn converted(&self, value: Value) -> Value {
        self.registry.from_stored(self.resource, value)
    }

    /// A stored value in the negotiated shape. Only the full shape is converted to the client's version: metadata and
    /// the cells of a Table are those of the stored object.
    pub(crate) fn shaped(&self, value: Value) -> Value {
        let value = match self.form.representation {
            Representation::Full => self.converted(value),
            Representation::Metadata(_) | Representation::MetadataList(_) | Representation::Table(_) => value,
        };
        self.shaped_by(&self.resource.columns, value)
    }

    /// Like `shaped`, but a Table has the columns of another kind.
    pub(crate) fn shaped_by(&self, columns: &ColumnSet, value: Value) -> Value {
        match self.form.representation {
            Representation::Full => value,
            Representation::Metadata(version) | Representation::MetadataList(version) => {
                table::partial_metadata(&value, version)
            }
            Representation::Table(version) => self.table_by(columns, &value, version, true),
        }
    }

    pub(crate) fn table_of(&self, value: &Value, version: MetaVersion, with_columns: bool) -> Value {
        self.table_by(&self.resource.columns, value, version, with_columns)
    }

    fn table_by(
        &self,
        columns: &ColumnSet,
        value: &Value,
        version: MetaVersion,
        with_columns: bool,
    ) -> Value {
        let meta = table::TableMeta {
            resource_version: value.text_at(&["metadata", "resourceVersion"]).into(),
            ..table::TableMeta::default()
        };
        let objects = core::slice::from_ref(value);
        let out = table::table(columns, objects, self.include, version, &meta, with_columns, self.now);
        self.with_rows_converted(out)
    }

    /// A Table of stored objects, with the full objects in its rows converted to the client's version.
    pub(crate) fn with_rows_converted(&self, mut table: Value) -> Value {
        if self.include != IncludeObject::Object || self.resource.conversion.is_none() {
            return table;
        }
        for row in table.field_mut("rows").and_then(Value::as_list_mut).into_iter().flatten() {
            if let Some(object) = row.remove_at(&["object"]) {
                row.set("object", self.converted(object));
            }
        }
        table
    }

    /// Appends compact JSON of a value in the negotiated shape.
    pub(crate) fn write_json(&self, value: &Value, out: &mut Vec<u8>) {
        match self.form.representation {
            Representation::Full | Representation::Metadata(_) | Representation::MetadataList(_) => {
                encode::to_json(&self.resource.catalogue, self.resource.type_id, value, out);
            }
            Representation::Table(_) => table::write(self.resource, value, out),
        }
    }

    /// The answer with a stored value.
    pub(crate) fn respond(&self, status: u16, value: Value) -> Response {
        let shaped = self.shaped(value);
        let bytes = self.form.encode(&shaped, || {
            let mut out = Vec::new();
            self.write_json(&shaped, &mut out);
            out
        });
        Response::new(status, self.form.content_type(), bytes)
    }
}

/// The answer with one stored object.
pub(crate) fn object(view: &View<'_>, status: u16, entry: &Entry) -> Response {
    if view.form.media != Media::Json {
        return view.respond(status, entry.to_value());
    }
    let mut out = Vec::with_capacity(entry.len_bytes() + 1);
    view.write_entry(entry, true, &mut out);
    if view.form.pretty {
        out = super::form::pretty(&out);
    } else {
        out.push(b'\n');
    }
    Response::new(status, view.form.content_type(), Bytes::from(out))
}

/// Sets the resource version in a tree, or removes it when there is none (a dry run).
pub(crate) fn versioned(mut value: Value, revision: Option<Rev>) -> Value {
    match revision {
        Some(revision) => crate::world::cache::set_version(&mut value, revision),
        None => {
            value.remove_at(&["metadata", "resourceVersion"]);
        }
    }
    value
}

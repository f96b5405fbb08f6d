//! A stored object as JSON in the version and shape that a client sees. What has to be made of it is made once and
//! kept with its entry, within bounds.

use super::View;
use super::form::{MetaVersion, Representation};
use super::table::{self, TableMeta};
use crate::codec::json;
use crate::kinds::columns::Changing;
use crate::kinds::columns::age;
use crate::kinds::internal_annotation;
use crate::schema::encode;
use crate::value::Text;
use crate::wire::options::IncludeObject;
use crate::world::cache::{Entry, FormKey, FormPart, FormText};
use alloc::string::ToString;
use alloc::vec::Vec;

impl View<'_> {
    /// Appends an entry as an answer or in an event. `with_columns` is false for the later events of a Table watch.
    pub(crate) fn write_entry(&self, entry: &Entry, with_columns: bool, out: &mut Vec<u8>) {
        match self.form.representation {
            Representation::Full => self.write_object(entry, out),
            Representation::Metadata(version) | Representation::MetadataList(version) => {
                self.write_metadata_only(entry, version, out);
            }
            Representation::Table(version) => {
                let revision = Text::from(entry.revision().0.to_string());
                let meta = TableMeta { resource_version: revision, ..TableMeta::default() };
                table::write_head(&self.resource.columns, version, &meta, with_columns, out);
                out.push(b'[');
                self.write_row(entry, version, out);
                out.extend_from_slice(b"]}");
            }
        }
    }

    /// Appends an entry as an item of a list, or as a row of a Table.
    pub(crate) fn write_item(&self, entry: &Entry, out: &mut Vec<u8>) {
        match self.form.representation {
            // Items of custom objects are whole objects.
            Representation::Full if self.resource.is_custom() => self.write_object(entry, out),
            Representation::Full if self.is_stored_form() => entry.write_item(out),
            Representation::Full => self.with_item(entry, |item| out.extend_from_slice(item)),
            Representation::Metadata(version) | Representation::MetadataList(version) => {
                self.write_metadata_only(entry, version, out);
            }
            Representation::Table(version) => self.write_row(entry, version, out),
        }
    }

    fn write_object(&self, entry: &Entry, out: &mut Vec<u8>) {
        if entry.version() == self.resource.id {
            entry.write_object(out);
            return;
        }
        self.with_item(entry, |item| {
            out.extend_from_slice(b"{\"kind\":\"");
            out.extend_from_slice(self.resource.kind.as_bytes());
            out.extend_from_slice(b"\",\"apiVersion\":\"");
            out.extend_from_slice(self.resource.group_version().as_bytes());
            out.extend_from_slice(b"\",");
            out.extend_from_slice(item.strip_prefix(b"{").unwrap_or_default());
        });
    }

    /// Gives `send` the object in the client's version, which is not the stored one, as an item of a list.
    fn with_item(&self, entry: &Entry, send: impl FnOnce(&[u8])) {
        let key = FormKey { kind: self.resource.id, part: FormPart::Item };
        let make = || {
            let mut object = self.converted(entry.to_value());
            object.remove_at(&["kind"]);
            object.remove_at(&["apiVersion"]);
            let mut bytes = Vec::with_capacity(entry.len_bytes());
            encode::to_json(&self.resource.catalogue, self.resource.type_id, &object, &mut bytes);
            (FormText::new(bytes), true)
        };
        entry.with_form(key, self.room, make, |form| send(&form.bytes));
    }

    /// Appends a row of a Table. Only its cells have to be made.
    fn write_row(&self, entry: &Entry, version: MetaVersion, out: &mut Vec<u8>) {
        let key = FormKey { kind: self.resource.id, part: FormPart::Cells };
        entry.with_form(
            key,
            self.room,
            || self.cells(entry),
            |cells| {
                let (until, since) = cells.age.unwrap_or((cells.bytes.len(), self.now));
                let (before, after) = cells.bytes.split_at_checked(until).unwrap_or_default();
                out.extend_from_slice(before);
                if cells.age.is_some() {
                    json::write_str(&age::between(since, self.now), out);
                }
                out.extend_from_slice(after);
            },
        );
        match self.include {
            IncludeObject::None => out.extend_from_slice(b"null"),
            IncludeObject::Metadata => self.write_metadata_only(entry, version, out),
            IncludeObject::Object => self.write_object(entry, out),
        }
        out.push(b'}');
    }

    /// Appends a PartialObjectMetadata: its metadata are those of the stored object, byte for byte unless an annotation
    /// is hidden.
    fn write_metadata_only(&self, entry: &Entry, version: MetaVersion, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"");
        out.extend_from_slice(version.api_version().as_bytes());
        out.extend_from_slice(b"\",\"metadata\":");
        let stored = self.registry.stored_kind(self.resource);
        let catalogue = &stored.catalogue;
        match catalogue.type_named("meta.v1.ObjectMeta") {
            Some(id) if internal_annotation::is_in(&stored.group_version(), &stored.kind) => {
                let mut object = entry.to_value();
                internal_annotation::hide(&mut object);
                let metadata = object.remove_at(&["metadata"]).unwrap_or_default();
                encode::to_json(catalogue, id, &metadata, out);
            }
            Some(_) | None => entry.write_metadata(out),
        }
        out.push(b'}');
    }

    /// The cells of an entry's row, and whether they are the same at all times but for the age.
    fn cells(&self, entry: &Entry) -> (FormText, bool) {
        let object = entry.to_value();
        let columns = &self.resource.columns;
        let cells = columns.cells(&object, self.now);
        let conditions = columns.conditions(&object);
        let mut bytes = Vec::new();
        let (index, since, lasts) = match columns.changing(&object, &cells, self.now) {
            Changing::Age(index, since) => (Some(index), since, true),
            Changing::Nothing => (None, self.now, true),
            Changing::More => (None, self.now, false),
        };
        let at = table::write_cells(&cells, &conditions, index, &mut bytes);
        let age = at.map(|at| (at, since));
        (FormText { bytes: bytes.into_boxed_slice(), age }, lasts)
    }
}

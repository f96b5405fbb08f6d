//! Watch events as bytes: `{"type":"ADDED","object":{...}}` and a line end.

use super::Items;
use super::View;
use super::form::{Form, Media, Representation};
use crate::codec::json;
use crate::kinds::{KindId, Registry};
use crate::limits;
use crate::now::Wall;
use crate::schema::decode;
use crate::status::Failure;
use crate::store::Rev;
use crate::value::{Map, Value};
use crate::wire::options::IncludeObject;
use crate::world::cache::Entry;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;

/// metav1.WatchEvent types of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EventKind {
    Added,
    Modified,
    Deleted,
}

impl EventKind {
    fn word(self) -> &'static str {
        match self {
            Self::Added => "ADDED",
            Self::Modified => "MODIFIED",
            Self::Deleted => "DELETED",
        }
    }
}

/// The form of the objects in a watch's events. Watchers of one form share their frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventForm {
    pub resource: KindId,
    pub shape: Representation,
    pub include: IncludeObject,
}

impl EventForm {
    /// Only the first event of a Table watch carries the column definitions.
    pub fn first_differs(self) -> bool {
        matches!(self.shape, Representation::Table(_))
    }
}

/// Renders events at one time, which is needed because Table cells show ages.
#[derive(Clone, Copy, Debug)]
pub struct Renderer<'a> {
    registry: &'a Registry,
    now: Wall,
}

impl<'a> Renderer<'a> {
    pub fn new(registry: &'a Registry, now: Wall) -> Self {
        Self { registry, now }
    }

    fn view(&self, form: EventForm) -> View<'a> {
        let kind = self.registry.kind(form.resource);
        View {
            registry: self.registry,
            resource: kind.expect("a watch ends when its kind goes"),
            form: Form { media: Media::Json, representation: form.shape, pretty: false },
            include: form.include,
            now: self.now,
        }
    }

    pub fn event(&self, form: EventForm, kind: EventKind, entry: &Entry, first: bool) -> Bytes {
        let mut out = Vec::with_capacity(entry.len_bytes() + 48);
        self.write_event(form, kind, entry, first, &mut out);
        Bytes::from(out)
    }

    fn write_event(&self, form: EventForm, kind: EventKind, entry: &Entry, first: bool, out: &mut Vec<u8>) {
        let view = self.view(form);
        open(kind.word(), out);
        if view.is_stored_form() {
            entry.write_object(out);
        } else {
            let value = entry.to_value();
            let shaped = match form.shape {
                Representation::Table(version) => view.table_of(&value, version, first),
                Representation::Full | Representation::Metadata(_) | Representation::MetadataList(_) => {
                    view.shaped(value)
                }
            };
            view.write_json(&shaped, out);
        }
        close(out);
    }

    /// A bookmark: an empty object of the kind with a resource version. `initial_end` marks the end of
    /// the initial events of a watch that asked for them.
    pub fn bookmark(&self, form: EventForm, revision: Rev, initial_end: bool) -> Bytes {
        let view = self.view(form);
        let mut metadata = Map::new();
        let mut version = Vec::new();
        json::write_int(revision.0 as i64, &mut version);
        metadata.insert("resourceVersion", alloc::string::String::from_utf8_lossy(&version).as_ref().into());
        if initial_end {
            let mut annotations = Map::new();
            annotations.insert("k8s.io/initial-events-end", "true".into());
            metadata.insert("annotations", annotations.into());
        }
        let mut object = Map::new();
        let stored = self.registry.stored_kind(view.resource);
        object.insert("kind", stored.kind.clone().into());
        object.insert("apiVersion", stored.group_version().into());
        object.insert("metadata", metadata.into());
        let bare = Value::from(object);
        let object = decode::normalize(&stored.catalogue, stored.type_id, bare.clone()).unwrap_or(bare);
        let shaped = match form.shape {
            Representation::Table(version) => view.bookmark_table(&object, version),
            Representation::Full | Representation::Metadata(_) | Representation::MetadataList(_) => {
                view.shaped(object)
            }
        };
        let mut out = Vec::new();
        open("BOOKMARK", &mut out);
        view.write_json(&shaped, &mut out);
        close(&mut out);
        Bytes::from(out)
    }

    /// The event that ends a watch with a failure.
    pub fn error(&self, failure: &Failure) -> Bytes {
        let mut out = Vec::new();
        open("ERROR", &mut out);
        json::write(&failure.to_value(), &mut out);
        close(&mut out);
        Bytes::from(out)
    }
}

impl View<'_> {
    /// A Table without columns whose one row holds the bookmark.
    fn bookmark_table(&self, object: &Value, version: super::form::MetaVersion) -> Value {
        let mut out = self.table_of(object, version, false);
        if let Some(rows) = out.field_mut("rows").and_then(Value::as_list_mut) {
            for row in rows {
                row.set("cells", Value::list(Vec::new()));
            }
        }
        out
    }
}

fn open(word: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"type\":\"");
    out.extend_from_slice(word.as_bytes());
    out.extend_from_slice(b"\",\"object\":");
}

fn close(out: &mut Vec<u8>) {
    out.extend_from_slice(b"}\n");
}

/// What a watch sends before live events: an `ADDED` event for every existing object, rendered while it is sent, and
/// the bookmark that ends them if it was asked for.
#[derive(Clone, Debug)]
pub struct InitialEvents {
    registry: Arc<Registry>,
    form: EventForm,
    now: Wall,
    items: Items,
    first: bool,
    last: Option<Bytes>,
}

impl InitialEvents {
    pub fn new(
        registry: Arc<Registry>,
        form: EventForm,
        now: Wall,
        items: Items,
        last: Option<Bytes>,
    ) -> Self {
        Self { registry, form, now, items, first: true, last }
    }

    /// The next piece, about `limits::LIST_CHUNK_BYTES` long; None at the end.
    pub fn next_chunk(&mut self) -> Option<Bytes> {
        let mut out = Vec::new();
        let registry = self.registry.clone();
        let renderer = Renderer::new(&registry, self.now);
        while out.len() < limits::LIST_CHUNK_BYTES {
            let Some(entry) = self.items.next() else {
                out.extend_from_slice(&self.last.take().unwrap_or_default());
                break;
            };
            let first = core::mem::replace(&mut self.first, false);
            renderer.write_event(self.form, EventKind::Added, &entry, first, &mut out);
        }
        (!out.is_empty()).then(|| Bytes::from(out))
    }
}

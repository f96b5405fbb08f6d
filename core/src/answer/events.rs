//! Watch events as bytes: `{"type":"ADDED","object":{...}}` and a line end.

use super::Items;
use super::View;
use super::form::Representation;
use super::renderer::{EventForm, Renderer};
use crate::codec::json;
use crate::limits;
use crate::schema::decode;
use crate::status::Failure;
use crate::store::Rev;
use crate::value::{Map, Value};
use crate::world::cache::Entry;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;

/// metav1.WatchEvent types of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum EventKind {
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

/// What a watch is sent in one piece, and has not been rendered yet: an event, or those of one revision. Rendering
/// takes longer than the machine may keep others waiting, so it is left to whoever sends the frame first. It gives the
/// same bytes whenever and wherever it happens.
#[derive(Clone, Debug)]
pub struct Frame {
    content: Content,
}

#[derive(Clone, Debug)]
enum Content {
    Change(Renderer, Seen),
    /// The changes of one revision, at least one.
    Changes(Renderer, Vec<Seen>),
    Bookmark(Renderer, EventForm, Rev),
    Error(Box<Failure>),
}

/// A change as a watcher sees it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) form: EventForm,
    pub(crate) kind: EventKind,
    /// The first frame of a Table watch carries the column definitions, the others do not.
    pub(crate) first: bool,
    pub(crate) entry: Arc<Entry>,
    /// The revision of the change; the object of a deletion is shown with it.
    pub(crate) revision: Rev,
}

impl Seen {
    fn len_bytes(&self) -> usize {
        self.entry.len_bytes() + EVENT_BYTES
    }
}

/// Roughly how many bytes an event has beside its object.
const EVENT_BYTES: usize = 48;
/// Roughly how many bytes a bookmark or an error has.
const SHORT_EVENT_BYTES: usize = 512;

impl Frame {
    pub(crate) fn change(renderer: Renderer, seen: Seen) -> Self {
        Self { content: Content::Change(renderer, seen) }
    }

    /// All changes of one revision that a watch sees.
    pub(crate) fn changes(renderer: Renderer, seen: Vec<Seen>) -> Self {
        Self { content: Content::Changes(renderer, seen) }
    }

    pub(crate) fn bookmark(renderer: Renderer, form: EventForm, revision: Rev) -> Self {
        Self { content: Content::Bookmark(renderer, form, revision) }
    }

    /// The event that ends a watch with a failure.
    pub fn error(failure: Failure) -> Self {
        Self { content: Content::Error(Box::new(failure)) }
    }

    /// The bytes of the events, each with its line end.
    pub fn render(&self) -> Bytes {
        let of_changes = |renderer: &Renderer, seen: &[Seen]| {
            let mut out = Vec::with_capacity(self.len_bytes());
            for seen in seen {
                renderer.write_seen(seen, &mut out);
            }
            Bytes::from(out)
        };
        match &self.content {
            Content::Change(renderer, seen) => of_changes(renderer, core::slice::from_ref(seen)),
            Content::Changes(renderer, seen) => of_changes(renderer, seen),
            Content::Bookmark(renderer, form, revision) => renderer.bookmark(*form, *revision, false),
            Content::Error(failure) => error_event(failure),
        }
    }

    /// Roughly how many bytes `render` returns, known without rendering.
    pub fn len_bytes(&self) -> usize {
        match &self.content {
            Content::Change(_, seen) => seen.len_bytes(),
            Content::Changes(_, seen) => seen.iter().map(Seen::len_bytes).sum(),
            Content::Bookmark(..) | Content::Error(_) => SHORT_EVENT_BYTES,
        }
    }
}

impl Renderer {
    fn write_seen(&self, seen: &Seen, out: &mut Vec<u8>) {
        let Seen { form, kind, first, entry, revision } = seen;
        if *revision == entry.revision() {
            self.write_event(*form, *kind, entry, *first, out);
        } else {
            self.write_event(*form, *kind, &entry.at_revision(*revision), *first, out);
        }
    }

    fn write_event(&self, form: EventForm, kind: EventKind, entry: &Entry, first: bool, out: &mut Vec<u8>) {
        open(kind.word(), out);
        self.view(form).write_entry(entry, first, out);
        close(out);
    }

    /// A bookmark: an empty object of the kind with a resource version. `initial_end` marks the end of
    /// the initial events of a watch that asked for them.
    pub(crate) fn bookmark(&self, form: EventForm, revision: Rev, initial_end: bool) -> Bytes {
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
        let stored = view.registry.stored_kind(view.resource);
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
}

/// The event that ends a watch with a failure.
pub(crate) fn error_event(failure: &Failure) -> Bytes {
    let mut out = Vec::new();
    open("ERROR", &mut out);
    json::write(&failure.to_value(), &mut out);
    close(&mut out);
    Bytes::from(out)
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
    renderer: Renderer,
    form: EventForm,
    items: Items,
    first: bool,
    last: Option<Bytes>,
}

impl InitialEvents {
    pub(crate) fn new(renderer: Renderer, form: EventForm, items: Items, last: Option<Bytes>) -> Self {
        Self { renderer, form, items, first: true, last }
    }

    /// The next piece, about `limits::LIST_CHUNK_BYTES` long; None at the end.
    pub fn next_chunk(&mut self) -> Option<Bytes> {
        let mut out = Vec::new();
        while out.len() < limits::LIST_CHUNK_BYTES {
            let Some(entry) = self.items.next() else {
                out.extend_from_slice(&self.last.take().unwrap_or_default());
                break;
            };
            let first = core::mem::replace(&mut self.first, false);
            self.renderer.write_event(self.form, EventKind::Added, &entry, first, &mut out);
        }
        (!out.is_empty()).then(|| Bytes::from(out))
    }
}

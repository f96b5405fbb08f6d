//! A list response that is rendered while it is sent, so that it takes constant memory whatever its length.

use super::renderer::{EventForm, Renderer};
use crate::limits;
use crate::world::cache::tree::Cursor;
use crate::world::cache::{Entry, Held};
use alloc::sync::Arc;
use alloc::vec::{self, Vec};
use bytes::Bytes;

/// The items of a list.
#[derive(Clone, Debug)]
pub enum Items {
    /// A range of a collection's snapshot.
    Run(Cursor<Held>),
    /// Entries that a selector matched, or that were read from the store.
    Picked(vec::IntoIter<Arc<Entry>>),
}

impl Items {
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Run(cursor) => cursor.clone().next().is_none(),
            Self::Picked(entries) => entries.as_slice().is_empty(),
        }
    }
}

impl Iterator for Items {
    type Item = Arc<Entry>;

    fn next(&mut self) -> Option<Arc<Entry>> {
        match self {
            Self::Run(cursor) => cursor.next().map(|(_, held)| held.into_entry()),
            Self::Picked(entries) => entries.next(),
        }
    }
}

/// A JSON list: the text before the items, the items, and the text after them.
#[derive(Clone, Debug)]
pub struct ListBody {
    renderer: Renderer,
    form: EventForm,
    head: Option<Bytes>,
    items: Items,
    tail: Option<Bytes>,
    started: bool,
}

impl ListBody {
    pub(crate) fn new(
        (renderer, form): (Renderer, EventForm),
        head: Bytes,
        items: Items,
        tail: Bytes,
    ) -> Self {
        Self { renderer, form, head: Some(head), items, tail: Some(tail), started: false }
    }

    /// The next piece, about `limits::LIST_CHUNK_BYTES` long; None at the end.
    pub fn next_chunk(&mut self) -> Option<Bytes> {
        self.tail.as_ref()?;
        let mut out = Vec::with_capacity(limits::LIST_CHUNK_BYTES + limits::LIST_CHUNK_BYTES / 4);
        if let Some(head) = self.head.take() {
            out.extend_from_slice(&head);
        }
        let view = self.renderer.view(self.form);
        while out.len() < limits::LIST_CHUNK_BYTES {
            let Some(entry) = self.items.next() else {
                out.extend_from_slice(&self.tail.take()?);
                break;
            };
            if self.started {
                out.push(b',');
            }
            self.started = true;
            view.write_item(&entry, &mut out);
        }
        Some(Bytes::from(out))
    }
}

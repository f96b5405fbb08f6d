//! Objects of the store in other versions than the stored one, as webhooks have converted them: kept until the object
//! changes, so that every reader and watcher of a version costs its converter one object together. They change only
//! with what the machine takes, so that a replay knows the same.

use super::cache::Entry;
use super::cache::tree::Tree;
use crate::kinds::KindId;
use crate::limits;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;

/// What is kept. A clone shares its parts.
#[derive(Clone, Debug, Default)]
pub(super) struct Converted {
    /// By the kind and the key.
    entries: Tree<Arc<Entry>>,
    bytes: usize,
}

fn place(kind: KindId, key: &[u8]) -> Bytes {
    let mut place = Vec::with_capacity(8 + key.len());
    place.extend_from_slice(&kind.0.to_be_bytes());
    place.extend_from_slice(key);
    place.into()
}

impl Converted {
    pub(super) fn get(&self, kind: KindId, key: &[u8]) -> Option<&Arc<Entry>> {
        if self.entries.is_empty() {
            return None;
        }
        self.entries.get(&place(kind, key))
    }

    /// Keeps an object, if `limits::CONVERTED_BYTES` leave room for it.
    pub(super) fn keep(&mut self, entry: Arc<Entry>) {
        let (place, len) = (place(entry.version(), entry.key()), entry.len_bytes());
        self.remove(&place);
        if self.bytes + len <= limits::CONVERTED_BYTES {
            self.bytes += len;
            self.entries.insert(place, entry);
        }
    }

    /// Returns what is forgotten.
    pub(super) fn forget(&mut self, kind: KindId, key: &[u8]) -> Option<Arc<Entry>> {
        if self.entries.is_empty() { None } else { self.remove(&place(kind, key)) }
    }

    /// Forgets all objects in the versions of these kinds.
    pub(super) fn forget_all(&mut self, kinds: impl Iterator<Item = KindId>) {
        if self.entries.is_empty() {
            return;
        }
        for kind in kinds {
            let held: Vec<Bytes> =
                self.entries.prefix(&kind.0.to_be_bytes()).map(|(place, _)| place.clone()).collect();
            for place in held {
                self.remove(&place);
            }
        }
    }

    fn remove(&mut self, place: &[u8]) -> Option<Arc<Entry>> {
        let entry = self.entries.remove(place)?;
        self.bytes -= entry.len_bytes();
        Some(entry)
    }
}

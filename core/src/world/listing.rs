//! A feed that is being listed: its collections as they will be, filled page by page beside those that are served.

use super::indexes::Indexes;
use super::{World, place};
use crate::config::Note;
use crate::kinds::StorageId;
use crate::store::{Batch, Feed, KeyValue, Rev};
use crate::world::cache::Cache;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The collections of one feed at one revision, as far as they have been read.
#[derive(Debug)]
pub struct Listing {
    feed: Feed,
    revision: Rev,
    /// A snapshot in which the feed's collections hold what the pages brought, and nothing else.
    draft: World,
    objects: usize,
    notes: Vec<Note>,
}

impl Listing {
    pub(crate) fn new(world: &World, feed: Feed, revision: Rev) -> Self {
        let mut draft = world.clone();
        draft.clear(feed, revision);
        Self { feed, revision, draft, objects: 0, notes: Vec::new() }
    }

    /// Adds a page. All pages are of the same revision.
    pub(crate) fn add(&mut self, page: Vec<KeyValue>) {
        self.objects += page.len();
        let batch = Batch::of_listing(self.feed, self.revision, page);
        self.draft.apply(batch.into(), &mut self.notes);
    }

    pub(crate) fn revision(&self) -> Rev {
        self.revision
    }

    /// How many key-values the pages held.
    pub(crate) fn objects(&self) -> usize {
        self.objects
    }

    /// Notes about values that cannot be read.
    pub(crate) fn take_notes(&mut self) -> Vec<Note> {
        core::mem::take(&mut self.notes)
    }
}

impl World {
    /// Serves a complete listing in place of what the feed's collections held, and returns what they held: dropping the
    /// last reference to a large collection takes long. None when the kinds have changed since the listing began.
    pub(crate) fn adopt(&mut self, listing: &Listing) -> Option<Vec<Arc<Cache>>> {
        if !Arc::ptr_eq(&self.registry, &listing.draft.registry) {
            return None;
        }
        let of_feed = self.collections.by_storage.iter().filter(|held| held.feed == listing.feed);
        let storages: Vec<StorageId> = of_feed.map(|collection| collection.storage).collect();
        let mut replaced = Vec::with_capacity(storages.len());
        for storage in &storages {
            let listed = listing.draft.caches.get(&place(*storage));
            if let (Some(listed), Some(held)) = (listed, self.caches.get_mut(&place(*storage))) {
                replaced.push(core::mem::replace(held, Arc::clone(listed)));
            }
        }
        assert_eq!(replaced.len(), storages.len(), "a listing has every collection of its feed");
        self.indexes = Indexes::rebuild(self);
        self.mark_synced(listing.feed, listing.revision);
        Some(replaced)
    }
}

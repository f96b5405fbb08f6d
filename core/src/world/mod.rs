//! `World`: all state that answers depend on. It changes only in `World::apply`, and a clone of it is a snapshot.

pub mod cache;
mod objects;
pub(crate) mod selection;

use crate::config::{Config, Note};
use crate::kinds::{Registry, ResourceId, StorageId};
use crate::museum::Mutant;
use crate::store::key::KeySpace;
use crate::store::{Batch, Event, EventType, Feed, KeyValue, Rev};
use crate::value::Text;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use cache::{Applied, Cache, Change, Entry, Undecodable, Unreadable};

/// All state that answers depend on. A clone shares its parts and is cheap.
#[derive(Clone, Debug)]
pub struct World {
    pub config: Arc<Config>,
    pub registry: Arc<Registry>,
    /// All collections, sorted by key prefix.
    collections: Arc<Vec<Collection>>,
    /// The position in `collections` of each storage.
    places: Arc<Vec<u16>>,
    caches: Vec<Arc<Cache>>,
    feeds: Vec<FeedState>,
    /// For each feed, the reason why its store does not answer; None while it answers.
    illnesses: Vec<Option<Text>>,
    /// The server is shutting down.
    pub draining: bool,
    /// Every object that must exist at start has been written.
    pub booted: bool,
}

/// Where a stored collection lives.
#[derive(Clone, Debug)]
pub struct Collection {
    pub keys: KeySpace,
    pub storage: StorageId,
    pub feed: Feed,
}

/// How far a feed has been applied.
#[derive(Clone, Copy, Debug, Default)]
pub struct FeedState {
    pub revision: Rev,
    /// The feed has been listed completely since the start.
    pub synced: bool,
}

impl World {
    pub fn new(config: Arc<Config>, registry: Arc<Registry>) -> Self {
        let mut collections = Vec::with_capacity(registry.storage_count());
        let mut caches = Vec::with_capacity(registry.storage_count());
        for index in 0..registry.storage_count() {
            let storage = StorageId(index as u16);
            let row = registry.stored(storage).row;
            let keys = KeySpace::new(&config.etcd_prefix, row.prefix, registry.stored(storage).namespaced());
            let overridden = config
                .feeds
                .iter()
                .find(|(group, plural, _)| (&**group, &**plural) == (row.group, row.plural));
            collections.push(Collection {
                keys,
                storage,
                feed: overridden.map_or(Feed(0), |(_, _, feed)| *feed),
            });
            caches.push(Arc::new(Cache::new(row.fields, Rev(0))));
        }
        collections.sort_by(|a, b| a.keys.prefix().cmp(b.keys.prefix()));
        let mut places = alloc::vec![0; collections.len()];
        for (place, collection) in collections.iter().enumerate() {
            places[usize::from(collection.storage.0)] = place as u16;
        }
        let feed_count = 1 + collections.iter().map(|collection| collection.feed.0).max().unwrap_or(0);
        Self {
            config,
            registry,
            collections: Arc::new(collections),
            places: Arc::new(places),
            caches,
            feeds: alloc::vec![FeedState::default(); usize::from(feed_count)],
            illnesses: alloc::vec![None; usize::from(feed_count)],
            draining: false,
            booted: false,
        }
    }

    /// All feeds, in order.
    pub fn feeds(&self) -> impl Iterator<Item = (Feed, FeedState)> {
        self.feeds.iter().enumerate().map(|(index, state)| (Feed(index as u8), *state))
    }

    /// The revision up to which all changes of the feed have been applied.
    pub fn revision(&self, feed: Feed) -> Rev {
        self.feeds[usize::from(feed.0)].revision
    }

    /// The reason why a store does not answer; None when all do.
    pub fn illness(&self) -> Option<&Text> {
        self.illnesses.iter().flatten().next()
    }

    pub(crate) fn set_health(&mut self, feed: Feed, health: Result<(), Text>) {
        if let Some(held) = self.illnesses.get_mut(usize::from(feed.0)) {
            *held = health.err();
        }
    }

    /// Whether every feed has been listed.
    pub fn synced(&self) -> bool {
        self.feeds.iter().all(|feed| feed.synced)
    }

    pub fn cache(&self, storage: StorageId) -> &Cache {
        &self.caches[usize::from(storage.0)]
    }

    /// Collections in key order.
    pub fn collections(&self) -> &[Collection] {
        &self.collections
    }

    pub fn collection(&self, storage: StorageId) -> &Collection {
        &self.collections[usize::from(self.places[usize::from(storage.0)])]
    }

    /// The collection that a key belongs to. None for keys that belong to no resource.
    pub fn collection_of(&self, key: &[u8]) -> Option<&Collection> {
        let after = self.collections.partition_point(|collection| collection.keys.prefix() <= key);
        let candidate = &self.collections[after.checked_sub(1)?];
        key.starts_with(candidate.keys.prefix()).then_some(candidate)
    }

    /// The cached object of a resource under a key.
    pub fn entry(&self, resource: ResourceId, key: &[u8]) -> Option<&Arc<Entry>> {
        self.cache(self.registry.resource(resource).storage?).get(key)
    }

    /// Applies what a feed delivered and returns what changed. The world changes nowhere else while the server runs.
    pub fn apply(&mut self, batch: Batch, notes: &mut Vec<Note>) -> Vec<Applied> {
        if batch.events.is_empty() && self.config.flaw.is(Mutant::QuietCacheNeverAdvances) {
            return Vec::new();
        }
        let mut changes = Vec::with_capacity(batch.events.len());
        let (mut first, mut others) = (None, 0);
        for event in batch.events {
            let key = event.kv.key.clone();
            let applied = self.apply_event(batch.feed, event);
            match (&applied, &first) {
                (Some(Applied::Spoilt(_, _, why)), None) => first = Some((key, why.clone())),
                (Some(Applied::Spoilt(..)), Some(_)) => others += 1,
                (Some(Applied::Changed(_) | Applied::Mended(..)) | None, _) => {}
            }
            changes.extend(applied);
        }
        if let Some((key, why)) = first {
            let key = String::from_utf8_lossy(&key).as_ref().into();
            notes.push(Note::Undecodable { key, why: why.0.into(), others });
        }
        let state = &mut self.feeds[usize::from(batch.feed.0)];
        state.revision = state.revision.max(batch.revision);
        changes
    }

    /// Applies one event. A value that cannot be read is neither a deletion nor an object, so the whole collection is
    /// not served until the value is deleted or can be read.
    fn apply_event(&mut self, feed: Feed, event: Event) -> Option<Applied> {
        let collection = self.collection_of(&event.kv.key).filter(|collection| collection.feed == feed)?;
        let storage = collection.storage;
        let revision = event.kv.mod_revision;
        let new = match event.kind {
            EventType::Put => match self.decode(storage, event.kv.clone()) {
                Ok(entry) => Some(Arc::new(entry)),
                Err(_) if self.config.flaw.is(Mutant::UnreadableMeansDeleted) => None,
                Err(why) => return Some(self.spoil(feed, storage, &event.kv, why)),
            },
            EventType::Delete
                if event.previous.is_none() && self.config.flaw.is(Mutant::LostDeleteWithoutPrevious) =>
            {
                return None;
            }
            EventType::Delete => None,
        };
        let cache = Arc::make_mut(&mut self.caches[usize::from(storage.0)]);
        let mended = cache.mend(&event.kv.key);
        let old = match &new {
            Some(entry) => cache.put(entry.clone()),
            None => cache.remove(&event.kv.key, revision),
        };
        if mended {
            return Some(Applied::Mended(storage, revision));
        }
        (old.is_some() || new.is_some()).then_some(Applied::Changed(Change { storage, revision, new, old }))
    }

    fn spoil(&mut self, feed: Feed, storage: StorageId, kv: &KeyValue, why: Undecodable) -> Applied {
        let at_start = !self.feeds[usize::from(feed.0)].synced;
        let cache = Arc::make_mut(&mut self.caches[usize::from(storage.0)]);
        let unreadable = Unreadable { revision: kv.mod_revision, why: why.clone(), at_start };
        cache.spoil(kv.key.clone(), unreadable);
        Applied::Spoilt(storage, kv.mod_revision, why)
    }

    /// Decodes one stored key-value into a cache entry.
    pub fn decode(&self, storage: StorageId, kv: KeyValue) -> Result<Entry, Undecodable> {
        let resource = self.registry.stored(storage);
        let prefix_len = self.collection(storage).keys.prefix().len();
        Entry::decode(&self.registry.catalogue, resource, prefix_len, kv)
    }

    /// Why the server is not ready although its feeds are listed: some stored values could not be read then and still
    /// cannot.
    pub fn unreadable_at_start(&self) -> Option<String> {
        let unreadable = self.caches.iter().flat_map(|cache| cache.unreadable());
        let mut unreadable = unreadable.filter(|(_, held)| held.at_start);
        let (key, held) = unreadable.next()?;
        let key = String::from_utf8_lossy(key);
        let others = unreadable.count();
        Some(alloc::format!("the value of {key} cannot be read: {} (and {others} others)", held.why.0))
    }

    /// Forgets the objects of a feed that is about to be listed again. `listed` is the revision of that listing.
    pub fn clear(&mut self, feed: Feed, listed: Rev) {
        for collection in self.collections.iter().filter(|collection| collection.feed == feed) {
            let row = self.registry.stored(collection.storage).row;
            let since = if self.config.flaw.is(Mutant::PastListedFromCache) { Rev(0) } else { listed };
            self.caches[usize::from(collection.storage.0)] = Arc::new(Cache::new(row.fields, since));
        }
    }

    /// Notes that a feed has been listed up to the revision. Its changes are followed from there.
    pub fn mark_synced(&mut self, feed: Feed, revision: Rev) {
        let state = &mut self.feeds[usize::from(feed.0)];
        state.revision = state.revision.max(revision);
        state.synced = true;
    }
}

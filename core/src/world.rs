//! Everything that answers depend on. Changes in one place, `World::apply`; a snapshot is one clone.

use crate::cache::{Cache, Change, Entry};
use crate::kinds::{Registry, ResourceId, StorageId};
use crate::machine::{Config, Note};
use crate::museum::Mutant;
use crate::store::key::KeySpace;
use crate::store::{Batch, Event, EventType, Feed, KeyValue, Rev};
use crate::value::Text;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Who may connect. k8s: pkg/kubeapiserver/authenticator/config.go
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authentication {
    /// `--token-auth-file`, sorted by token.
    pub tokens: Vec<Token>,
    /// `--anonymous-auth`.
    pub anonymous: bool,
}

/// A line of `--token-auth-file`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub token: Text,
    pub user: Text,
    pub uid: Text,
    pub groups: Vec<Text>,
}

/// `--authorization-mode`, as far as it is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authorization {
    AlwaysAllow,
    AlwaysDeny,
}

/// A snapshot of the server. Cloning shares all parts.
#[derive(Clone, Debug)]
pub struct World {
    pub config: Arc<Config>,
    pub registry: Arc<Registry>,
    /// By key prefix, sorted.
    collections: Arc<Vec<Collection>>,
    /// Places in `collections`, by storage.
    places: Arc<Vec<u16>>,
    caches: Vec<Arc<Cache>>,
    feeds: Vec<FeedState>,
    /// The server shuts down.
    pub draining: bool,
    /// Every object that must exist at start exists.
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
    /// Listed whole since the start.
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
            draining: false,
            booted: false,
        }
    }

    /// All feeds, in order.
    pub fn feeds(&self) -> impl Iterator<Item = (Feed, FeedState)> {
        self.feeds.iter().enumerate().map(|(index, state)| (Feed(index as u8), *state))
    }

    /// The revision up to which the feed's changes are all applied.
    pub fn revision(&self, feed: Feed) -> Rev {
        self.feeds[usize::from(feed.0)].revision
    }

    /// Every feed has been listed.
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

    /// The collection that a key belongs to; None for keys that no resource stores.
    pub fn collection_of(&self, key: &[u8]) -> Option<&Collection> {
        let after = self.collections.partition_point(|collection| collection.keys.prefix() <= key);
        let candidate = &self.collections[after.checked_sub(1)?];
        key.starts_with(candidate.keys.prefix()).then_some(candidate)
    }

    /// The object of a resource that the cache holds.
    pub fn entry(&self, resource: ResourceId, key: &[u8]) -> Option<&Arc<Entry>> {
        self.cache(self.registry.resource(resource).storage?).get(key)
    }

    /// Applies what a feed delivered and says what changed. The only place where the world changes
    /// while the server runs.
    pub fn apply(&mut self, batch: Batch, notes: &mut Vec<Note>) -> Vec<Change> {
        if batch.events.is_empty() && self.config.flaw.is(Mutant::QuietCacheNeverAdvances) {
            return Vec::new();
        }
        let mut changes = Vec::with_capacity(batch.events.len());
        for event in batch.events {
            if let Some(change) = self.apply_event(batch.feed, event, notes) {
                changes.push(change);
            }
        }
        let state = &mut self.feeds[usize::from(batch.feed.0)];
        state.revision = state.revision.max(batch.revision);
        changes
    }

    /// A value that cannot be decoded counts as a deletion: what was there before is not served either.
    fn apply_event(&mut self, feed: Feed, event: Event, notes: &mut Vec<Note>) -> Option<Change> {
        let collection = self.collection_of(&event.kv.key).filter(|collection| collection.feed == feed)?;
        let storage = collection.storage;
        let revision = event.kv.mod_revision;
        let new = match event.kind {
            EventType::Put => self.decode(storage, event.kv.clone(), notes).map(Arc::new),
            EventType::Delete
                if event.previous.is_none() && self.config.flaw.is(Mutant::LostDeleteWithoutPrevious) =>
            {
                return None;
            }
            EventType::Delete => None,
        };
        let cache = Arc::make_mut(&mut self.caches[usize::from(storage.0)]);
        let old = match &new {
            Some(entry) => cache.put(entry.clone()),
            None => Some(cache.remove(&event.kv.key, revision)?),
        };
        Some(Change { storage, revision, new, old })
    }

    /// Reads one stored key-value; an undecodable one is noted and None.
    pub fn decode(&self, storage: StorageId, kv: KeyValue, notes: &mut Vec<Note>) -> Option<Entry> {
        let resource = self.registry.stored(storage);
        let prefix_len = self.collection(storage).keys.prefix().len();
        let key = kv.key.clone();
        match Entry::decode(&self.registry.catalogue, resource, prefix_len, kv) {
            Ok(entry) => Some(entry),
            Err(why) => {
                let key = String::from_utf8_lossy(&key);
                notes.push(Note::Undecodable { key: key.as_ref().into(), why: why.0.into() });
                None
            }
        }
    }

    /// Forgets what came from a feed, before what was listed of it at a revision takes its place.
    pub fn clear(&mut self, feed: Feed, listed: Rev) {
        for collection in self.collections.iter().filter(|collection| collection.feed == feed) {
            let row = self.registry.stored(collection.storage).row;
            let since = if self.config.flaw.is(Mutant::PastListedFromCache) { Rev(0) } else { listed };
            self.caches[usize::from(collection.storage.0)] = Arc::new(Cache::new(row.fields, since));
        }
    }

    /// A feed has been listed up to the revision: from here on its changes are followed.
    pub fn mark_synced(&mut self, feed: Feed, revision: Rev) {
        let state = &mut self.feeds[usize::from(feed.0)];
        state.revision = state.revision.max(revision);
        state.synced = true;
    }
}

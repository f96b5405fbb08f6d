//! `World`: all state that answers depend on. It changes only in `World::apply`, and a clone of it is a snapshot.

pub mod aggregation;
pub mod cache;
mod changes;
mod converted;
pub mod indexes;
mod listing;
pub(crate) mod match_criteria;
mod objects;
pub(crate) mod selection;
pub(crate) mod service_target;
pub(crate) mod webhook_client;

use crate::config::{AuthorizerChain, Config, Controllers, Note};
use crate::config::{JwtIssuers, TrustedClients};
use crate::kinds::{Definition, Kind, KindId, NewKinds, Registry, Scope, StorageId};
use crate::museum::Mutant;
use crate::store::key::KeySpace;
use crate::store::{Event, EventType, Feed, KeyValue, Rev};
use crate::value::Text;
use aggregation::HeardApis;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;
use cache::tree::Tree;
use cache::{Applied, Cache, Change, Entry, FormRoom, Undecodable, Unreadable};
use indexes::{Changed, Indexes};

pub use changes::Changes;
use changes::DecodedValue;
use converted::Converted;
pub use indexes::UsedNames;
pub use listing::Listing;

/// All state that answers depend on. A clone shares its parts and is cheap.
#[derive(Clone, Debug)]
pub struct World {
    pub config: Arc<Config>,
    /// Who decides what callers may do. At the start they are those of the configuration.
    pub authorizers: Arc<AuthorizerChain>,
    /// Whose tokens are credentials. At the start they are those of the configuration.
    pub jwt_issuers: Arc<JwtIssuers>,
    /// Which clients are trusted. At the start they are those of the configuration.
    pub trusted: Arc<TrustedClients>,
    pub registry: Arc<Registry>,
    collections: Arc<Collections>,
    /// By storage: the objects of each collection.
    caches: Tree<Arc<Cache>>,
    indexes: Indexes,
    feeds: Vec<FeedState>,
    /// For each feed, the reason why its store does not answer; None while it answers.
    illnesses: Vec<Option<Text>>,
    /// Objects in other versions than the stored one, as webhooks have converted them.
    converted: Converted,
    /// The room for the forms of all entries.
    pub(crate) forms: Arc<FormRoom>,
    /// The server is shutting down.
    pub draining: bool,
    /// The controllers that had nothing to write, once at least: what they keep exists.
    pub done: Controllers,
    /// What was last heard of the servers of aggregated APIs.
    pub heard_apis: Arc<HeardApis>,
}

/// Where a stored collection lives.
#[derive(Clone, Debug)]
pub struct Collection {
    pub keys: KeySpace,
    pub storage: StorageId,
    pub feed: Feed,
}

/// All collections. They change only when a kind comes or goes.
#[derive(Clone, Debug)]
struct Collections {
    /// By key prefix.
    by_key: Vec<Arc<Collection>>,
    /// By storage.
    by_storage: Vec<Arc<Collection>>,
}

impl Collections {
    fn of(mut collections: Vec<Arc<Collection>>) -> Self {
        collections.sort_by_key(|collection| collection.storage);
        let mut by_key = collections.clone();
        by_key.sort_by(|one, other| one.keys.prefix().cmp(other.keys.prefix()));
        Self { by_key, by_storage: collections }
    }
}

impl Collections {
    fn add(&mut self, collection: Arc<Collection>) {
        let prefix = collection.keys.prefix();
        let place = self.by_key.partition_point(|held| held.keys.prefix() < prefix);
        self.by_key.insert(place, collection.clone());
        let place = self.by_storage.partition_point(|held| held.storage < collection.storage);
        self.by_storage.insert(place, collection);
    }

    fn remove(&mut self, storage: StorageId) {
        self.by_key.retain(|held| held.storage != storage);
        self.by_storage.retain(|held| held.storage != storage);
    }
}

/// The feed that the objects of a kind come over. Only built-in kinds have one of their own, as upstream.
/// k8s: staging/src/k8s.io/apiserver/pkg/server/options/etcd.go
fn feed_of(config: &Config, kind: &Kind) -> Feed {
    let is_of = |(group, plural): (&str, &str)| kind.group == group && kind.plural == plural;
    let overridden = config.feeds.iter().find(|(group, plural, _)| is_of((group, plural)));
    overridden.filter(|_| !kind.is_custom()).map_or(Feed(0), |(_, _, feed)| *feed)
}

impl Collection {
    fn new(config: &Config, storage: StorageId, kind: &Kind) -> Self {
        Self {
            keys: KeySpace::new(&config.etcd_prefix, &kind.prefix, kind.namespaced()),
            storage,
            feed: feed_of(config, kind),
        }
    }
}

/// The key under which the cache of a storage is kept. Keys are ordered as the ids are.
fn place(storage: StorageId) -> [u8; 8] {
    storage.0.to_be_bytes()
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
        let collections = registry.storages().map(|(storage, kind)| Collection::new(&config, storage, kind));
        let done = Controllers::of(config.bootstrap).others();
        let collections = Collections::of(collections.map(Arc::new).collect());
        let empty = |(storage, kind): (StorageId, &Arc<Kind>)| {
            (Bytes::copy_from_slice(&place(storage)), Arc::new(Cache::new(kind.clone(), Rev(0))))
        };
        let feed_count = 1 + collections.by_key.iter().map(|collection| collection.feed.0).max().unwrap_or(0);
        Self {
            caches: registry.storages().map(empty).collect(),
            converted: Converted::default(),
            forms: Arc::new(FormRoom::new(config.bounds.form_bytes)),
            jwt_issuers: Arc::new(JwtIssuers {
                generation: 0,
                issuers: config.authentication.federation.jwt_issuers.clone(),
            }),
            authorizers: Arc::new(AuthorizerChain {
                generation: 0,
                authorizers: config.authorization.clone(),
            }),
            trusted: Arc::new(config.control_plane.trusted.clone()),
            indexes: Indexes::new(&config),
            config,
            registry,
            collections: Arc::new(collections),
            feeds: alloc::vec![FeedState::default(); usize::from(feed_count)],
            illnesses: alloc::vec![None; usize::from(feed_count)],
            draining: false,
            done,
            heard_apis: Arc::default(),
        }
    }

    /// Where the objects of a kind live that is not served yet.
    pub fn place_of(&self, definition: &Definition) -> (KeySpace, Feed) {
        let is_namespaced = definition.scope == Scope::Namespaced;
        let keys = KeySpace::new(&self.config.etcd_prefix, &definition.prefix(), is_namespaced);
        (keys, Feed(0))
    }

    /// Serves what `Registry::prepare` has made of a definition. Its collection is empty until its objects are applied,
    /// and no change of it is known up to the revision.
    pub(crate) fn serve(&mut self, new: NewKinds, since: Rev) -> StorageId {
        let (kind, storage) = new.stored();
        let kind = kind.clone();
        Arc::make_mut(&mut self.registry).add(new);
        let collection = Arc::new(Collection::new(&self.config, storage, &kind));
        Arc::make_mut(&mut self.collections).add(collection);
        let cache = Arc::new(Cache::new(kind, since));
        self.caches.insert(Bytes::copy_from_slice(&place(storage)), cache);
        self.check();
        storage
    }

    /// Serves the kinds of a definition no longer, and forgets their objects. Nothing happens to what is not served, or
    /// is built in.
    pub(crate) fn withdraw(&mut self, storage: StorageId) {
        let family = self.registry.stored(storage).map(|kind| kind.family.clone()).unwrap_or_default();
        if !Arc::make_mut(&mut self.registry).remove(storage) {
            return;
        }
        Arc::make_mut(&mut self.collections).remove(storage);
        self.converted.forget_all(family.iter().map(|(_, id)| *id));
        self.caches.remove(&place(storage));
        self.check();
    }

    /// Asserts what only a bug can break: collections and caches are those of the registry.
    pub(crate) fn check(&self) {
        let storages = self.registry.storages().count();
        assert_eq!(self.collections.by_key.len(), storages, "every storage has a collection");
        assert_eq!(self.collections.by_storage.len(), storages, "every storage has one collection");
        assert_eq!(self.caches.len(), storages, "every storage has a cache");
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

    /// The reason why the store of a feed does not answer; None when it does.
    pub fn illness_of(&self, feed: Feed) -> Option<&Text> {
        self.illnesses.get(usize::from(feed.0)).and_then(Option::as_ref)
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

    /// Whether every object exists that the server makes for itself.
    pub fn is_furnished(&self) -> bool {
        self.done.covers(Controllers::of(self.config.bootstrap))
    }

    /// The objects of a collection. None when it has gone.
    pub fn cache(&self, storage: StorageId) -> Option<&Cache> {
        self.caches.get(&place(storage)).map(|cache| &**cache)
    }

    fn cache_mut(&mut self, storage: StorageId) -> Option<&mut Cache> {
        self.caches.get_mut(&place(storage)).map(Arc::make_mut)
    }

    /// How many bytes the forms of all entries take: what is kept of objects in other versions and shapes.
    pub fn form_bytes(&self) -> usize {
        self.forms.used()
    }

    /// What is kept beside the objects.
    pub fn indexes(&self) -> &Indexes {
        &self.indexes
    }

    /// Collections in key order.
    pub fn collections(&self) -> impl Iterator<Item = &Collection> {
        self.collections.by_key.iter().map(|collection| &**collection)
    }

    /// Where a collection lives. None when it has gone.
    pub fn collection(&self, storage: StorageId) -> Option<&Collection> {
        let held = &self.collections.by_storage;
        let index = held.binary_search_by_key(&storage, |collection| collection.storage);
        index.ok().map(|index| &*held[index])
    }

    /// The collection that a key belongs to. None for keys that belong to no kind.
    pub fn collection_of(&self, key: &[u8]) -> Option<&Collection> {
        let held = &self.collections.by_key;
        let after = held.partition_point(|collection| collection.keys.prefix() <= key);
        let candidate = &held[after.checked_sub(1)?];
        key.starts_with(candidate.keys.prefix()).then_some(&**candidate)
    }

    /// The cached object of a kind under a key.
    pub fn entry(&self, kind: KindId, key: &[u8]) -> Option<&Arc<Entry>> {
        self.cache(self.registry.kind(kind)?.storage?)?.get(key)
    }

    /// Applies what a feed delivered and returns what changed. The world changes nowhere else while the server runs.
    pub fn apply(&mut self, changes: Changes, notes: &mut Vec<Note>) -> Vec<Applied> {
        let (batch, mut values) = changes.take(&self.registry);
        if batch.events.is_empty() && self.config.flaw.is(Mutant::QuietCacheNeverAdvances) {
            return Vec::new();
        }
        let mut changes = Vec::with_capacity(batch.events.len());
        let (mut first, mut others) = (None, 0);
        for event in batch.events {
            let key = event.kv.key.clone();
            let applied = self.apply_event(batch.feed, event, values.next());
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

    /// Applies one event, whose value may have been decoded already. A value that cannot be read is neither a deletion
    /// nor an object, so the whole collection is not served until the value is deleted or can be read.
    fn apply_event(&mut self, feed: Feed, event: Event, decoded: DecodedValue) -> Option<Applied> {
        let collection = self.collection_of(&event.kv.key).filter(|collection| collection.feed == feed)?;
        let storage = collection.storage;
        let revision = event.kv.mod_revision;
        let new = match event.kind {
            EventType::Put => {
                let decoded = match decoded {
                    Some(decoded) => decoded,
                    None => self.decode(storage, event.kv.clone())?.map(Arc::new),
                };
                match decoded {
                    Ok(entry) => Some(entry),
                    Err(_) if self.config.flaw.is(Mutant::UnreadableMeansDeleted) => None,
                    Err(why) => return self.spoil(feed, storage, &event.kv, why),
                }
            }
            EventType::Delete
                if event.previous.is_none() && self.config.flaw.is(Mutant::LostDeleteWithoutPrevious) =>
            {
                return None;
            }
            EventType::Delete => None,
        };
        if let Some(entry) = &new {
            let is_of_event = *entry.key() == event.kv.key && entry.revision() == revision;
            assert!(is_of_event, "values that were decoded before stand in the order of their events");
        }
        let cache = self.cache_mut(storage)?;
        let mended = cache.mend(&event.kv.key);
        let old = match &new {
            Some(entry) => cache.put(entry.clone()),
            None => cache.remove(&event.kv.key, revision),
        };
        self.index(storage, old.as_deref(), new.as_deref());
        let old_converted = self.forget_converted(storage, &event.kv.key);
        if mended {
            return Some(Applied::Mended(storage, revision));
        }
        let change = Change { storage, revision, new, old, old_converted };
        (change.old.is_some() || change.new.is_some()).then_some(Applied::Changed(change))
    }

    /// Keeps the indexes with a change of an object.
    fn index(&mut self, storage: StorageId, old: Option<&Entry>, new: Option<&Entry>) {
        if let Some(kind) = self.registry.stored(storage) {
            self.indexes.changed(Changed { kind, old, new }, self.config.flaw);
        }
    }

    fn spoil(&mut self, feed: Feed, storage: StorageId, kv: &KeyValue, why: Undecodable) -> Option<Applied> {
        let at_start = !self.feeds[usize::from(feed.0)].synced;
        let unreadable = Unreadable { revision: kv.mod_revision, why: why.clone(), at_start };
        let cache = self.cache_mut(storage)?;
        let old = cache.get(&kv.key).cloned();
        cache.spoil(kv.key.clone(), unreadable);
        self.forget_converted(storage, &kv.key);
        self.index(storage, old.as_deref(), None);
        Some(Applied::Spoilt(storage, kv.mod_revision, why))
    }

    /// An object of the store in the version of a kind, if a webhook has converted it.
    pub(crate) fn converted(&self, to: KindId, entry: &Entry) -> Option<&Arc<Entry>> {
        self.converted.get(to, entry.key()).filter(|held| held.revision() == entry.revision())
    }

    /// Keeps objects of the store that a webhook has converted, as far as they are still what is stored, and there is
    /// room.
    pub(crate) fn keep_converted(&mut self, entries: Vec<Arc<Entry>>) {
        for entry in entries {
            let stored = self
                .registry
                .kind(entry.version())
                .and_then(|kind| self.cache(kind.storage?)?.get(entry.key()));
            if stored.is_some_and(|held| held.revision() == entry.revision()) {
                self.converted.keep(entry);
            }
        }
    }

    /// Returns what is forgotten.
    fn forget_converted(&mut self, storage: StorageId, key: &[u8]) -> Vec<Arc<Entry>> {
        let kind = self.registry.stored(storage).filter(|kind| kind.converter.is_some());
        let family = kind.map(|kind| kind.family.clone()).unwrap_or_default();
        family.iter().filter_map(|(_, id)| self.converted.forget(*id, key)).collect()
    }

    /// Decodes one stored key-value into a cache entry. None when the collection has gone.
    pub fn decode(&self, storage: StorageId, kv: KeyValue) -> Option<Result<Entry, Undecodable>> {
        let prefix_len = self.collection(storage)?.keys.prefix().len();
        Some(Entry::decode(self.registry.stored(storage)?, prefix_len, kv))
    }

    /// Why the server is not ready although its feeds are listed: some stored values could not be read then and still
    /// cannot.
    pub fn unreadable_at_start(&self) -> Option<String> {
        let unreadable = self.caches.iter().flat_map(|(_, cache)| cache.unreadable());
        let mut unreadable = unreadable.filter(|(_, held)| held.at_start);
        let (key, held) = unreadable.next()?;
        let key = String::from_utf8_lossy(key);
        let others = unreadable.count();
        Some(alloc::format!("the value of {key} cannot be read: {} (and {others} others)", held.why.0))
    }

    /// Forgets the objects of a feed that is being listed. `listed` is the revision of that listing.
    fn clear(&mut self, feed: Feed, listed: Rev) {
        let since = if self.config.flaw.is(Mutant::PastListedFromCache) { Rev(0) } else { listed };
        let of_feed = self.collections.by_storage.iter().filter(|collection| collection.feed == feed);
        for storage in of_feed.map(|collection| collection.storage) {
            let (Some(kind), Some(cache)) =
                (self.registry.stored(storage), self.caches.get_mut(&place(storage)))
            else {
                continue;
            };
            *cache = Arc::new(Cache::new(kind.clone(), since));
            self.converted.forget_all(kind.family.iter().map(|(_, id)| *id));
        }
        self.indexes = Indexes::rebuild(self);
    }

    /// Notes that a feed has been listed up to the revision. Its changes are followed from there.
    fn mark_synced(&mut self, feed: Feed, revision: Rev) {
        let state = &mut self.feeds[usize::from(feed.0)];
        state.revision = state.revision.max(revision);
        state.synced = true;
    }
}

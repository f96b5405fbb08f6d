//! The object that a write starts from: first the cache's, then the store's if the cache's led to an error.

use super::{Answer, Ask, Scene, fail};
use crate::authorization::Target;
use crate::kinds::Kind;
use crate::status::{Failure, Qualified};
use crate::store::{KeyValue, Loss, Op, Range, Rev};
use crate::value::Value;
use crate::world::Collection;
use crate::world::cache::{Cache, Entry};
use alloc::string::String;
use alloc::sync::Arc;
use bytes::Bytes;

/// An object as it was when it was read.
#[derive(Clone, Debug)]
pub(super) struct Existing {
    pub(super) entry: Arc<Entry>,
    /// With its resource version. Custom objects are in the version of the request, others in the one that is stored.
    pub(super) value: Value,
}

impl Existing {
    pub(super) fn new(entry: Arc<Entry>) -> Self {
        let value = entry.to_value();
        Self { entry, value }
    }

    pub(super) fn revision(&self) -> Rev {
        self.entry.revision()
    }
}

impl<'a> Scene<'a> {
    pub(super) fn collection(&self, resource: &Kind) -> Result<&'a Collection, Failure> {
        let storage = resource.storage.ok_or_else(Failure::method_not_allowed)?;
        self.world.collection(storage).ok_or_else(Failure::no_such_resource)
    }

    /// The cached objects of a kind.
    pub(super) fn cache(&self, resource: &Kind) -> Result<&'a Cache, Failure> {
        let storage = resource.storage.ok_or_else(Failure::method_not_allowed)?;
        self.world.cache(storage).ok_or_else(Failure::no_such_resource)
    }

    /// The cached object under a key.
    pub(super) fn cached(&self, resource: &Kind, key: &[u8]) -> Option<Arc<Entry>> {
        self.world.cache(resource.storage?)?.get(key).cloned()
    }

    /// Fails when a value under the prefix cannot be read, because the answer would then be incomplete.
    pub(super) fn check_readable(&self, resource: &Kind, prefix: &[u8]) -> Result<(), Failure> {
        let cache = resource.storage.and_then(|storage| self.world.cache(storage));
        match cache.and_then(|cache| cache.unreadable_under(prefix)) {
            None => Ok(()),
            Some((_, held)) => Err(Failure::unreadable(&held.why.0)),
        }
    }

    /// The object that the store sent. If the cache has the same revision, its entry is used, so that the bytes are
    /// shared. None when there is no object; an error when it cannot be decoded.
    pub(super) fn entry_of(&self, resource: &Kind, kv: KeyValue) -> Result<Arc<Entry>, Failure> {
        if let Some(entry) =
            self.cached(resource, &kv.key).filter(|entry| entry.revision() == kv.mod_revision)
        {
            return Ok(entry);
        }
        let prefix = self.collection(resource)?.keys.prefix();
        assert!(kv.key.starts_with(prefix), "an object is read under the prefix of its kind");
        let stored = resource.storage.and_then(|storage| self.world.registry.stored(storage));
        let stored = stored.ok_or_else(Failure::no_such_resource)?;
        let entry = Entry::decode(stored, prefix.len(), kv);
        entry.map(Arc::new).map_err(|why| Failure::unreadable(&why.0))
    }
}

impl Scene<'_> {
    /// An object for a request that changes it.
    pub(super) fn existing(&self, resource: &Kind, entry: Arc<Entry>) -> Existing {
        let value = self.worked_on(&entry, resource);
        Existing { entry, value }
    }

    /// The object found by a write that lost a race, for the next attempt; 409 after too many attempts.
    pub(super) fn lost_race(
        &self,
        target: &Target,
        loss: Loss,
        tries: u32,
    ) -> Result<Option<Existing>, Failure> {
        if tries + 1 >= self.world.config.bounds.conflict_retries {
            return Err(Failure::modified(target.qualified(), target.name()));
        }
        let resource = target.resource();
        let entry = loss.held.map(|kv| self.entry_of(resource, kv)).transpose()?;
        Ok(entry.map(|entry| self.existing(resource, entry)))
    }

    /// What to wait for, if anything, after a commit lost because of something else that it writes with the object: an
    /// address, for example, that another object has taken. The next attempt needs a cache that knows. 429 after too
    /// many attempts.
    pub(super) fn lost_claim(
        &self,
        target: &Target,
        loss: &Loss,
        tries: u32,
    ) -> Result<Option<Ask>, Failure> {
        if tries + 1 >= self.world.config.bounds.conflict_retries {
            let why = "others were first with each address or port that was tried, please try again later";
            return Err(Failure::too_many_requests(why, 1));
        }
        let feed = self.collection(target.resource())?.feed;
        Ok((self.world.revision(feed) < loss.at).then_some(Ask::Fresh(feed, loss.at)))
    }

    /// Whether a write that lost to another one that was counted may be counted again; upstream's conflict after too
    /// many attempts.
    pub(super) fn check_counted(&self, loss: &Loss, tries: u32) -> Result<(), Failure> {
        if tries + 1 < self.world.config.bounds.conflict_retries {
            return Ok(());
        }
        let key = loss.guard.key.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        let name = String::from_utf8_lossy(key);
        Err(Failure::modified(Qualified { group: "", name: "resourcequotas" }, &name))
    }

    /// The object found by a read of one key.
    pub(super) fn read_existing(&self, target: &Target, answer: Answer) -> Result<Option<Existing>, Failure> {
        let resource = target.resource();
        let entry = fail::ranged(answer)?.kvs.pop().map(|kv| self.entry_of(resource, kv)).transpose()?;
        Ok(entry.map(|entry| self.existing(resource, entry)))
    }
}

/// The operation that reads one key.
pub(super) fn read_key(key: &Bytes) -> Op {
    Op::Range(Range { key: key.clone(), ..Range::default() })
}

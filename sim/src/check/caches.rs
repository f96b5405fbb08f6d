//! After every step, a server's cache equals the store at the cache's revision, and that revision never decreases.

use super::{Guarantee, Violation, shown};
use crate::truth::{Truth, digest};
use bytes::Bytes;
use steersman_core::store::{Feed, Rev};
use steersman_core::world::World;
use steersman_core::world::cache::tree::Tree;
use steersman_core::world::cache::{Cache, Entry};

/// After this many steps the whole cache is compared, and not only what the step changed.
const WHOLE_EVERY: u64 = 256;

/// The digest of one server's cache, updated with every change.
#[derive(Clone, Debug, Default)]
pub struct CacheDigest {
    digest: u64,
    revision: Rev,
    steps: u64,
}

impl CacheDigest {
    /// What the cache holds under the keys of a batch before it is applied.
    pub fn before<'a>(world: &World, keys: impl Iterator<Item = &'a Bytes>) -> Vec<(Bytes, u64)> {
        keys.map(|key| (key.clone(), held(world, key).map_or(0, entry_digest))).collect()
    }

    /// Checks after a batch that its keys, and the digest of the whole cache, are as in the store.
    ///
    /// # Errors
    /// When they are not.
    pub fn applied(
        &mut self,
        world: &World,
        truth: &Truth,
        before: &[(Bytes, u64)],
    ) -> Result<(), Violation> {
        self.steps += 1;
        if self.steps.is_multiple_of(WHOLE_EVERY) {
            return self.whole(world, truth);
        }
        let revision = self.advance(world)?;
        // The server does not look at objects of a kind that it does not serve now.
        let served = before.iter().filter(|(key, _)| world.collection_of(key).is_some());
        for (key, digest) in served {
            let entry = held(world, key);
            self.digest ^= digest ^ entry.map_or(0, entry_digest);
            let stored = truth.at(key, revision).filter(|stored| stored.is_readable());
            let same = match (entry, stored) {
                (Some(entry), Some(stored)) => {
                    entry.revision() == stored.revision && *entry.stored() == stored.bytes
                }
                (None, None) => true,
                (Some(_), None) | (None, Some(_)) => false,
            };
            if !same {
                return Err(differs(key, revision, entry, stored.map(|stored| stored.revision)));
            }
        }
        if world.synced() && self.digest != truth.digest_at(revision) {
            // The step did not change the keys that differ, so all of them are compared.
            return self.whole(world, truth);
        }
        Ok(())
    }

    /// Compares the whole cache, as after a new listing.
    ///
    /// # Errors
    /// When it differs from the store.
    pub fn whole(&mut self, world: &World, truth: &Truth) -> Result<(), Violation> {
        let revision = self.advance(world)?;
        self.digest = 0;
        for collection in world.collections() {
            let wanted = truth.under(collection.keys.prefix(), revision);
            let mut wanted = wanted.filter(|stored| stored.is_readable());
            let entries = world.cache(collection.storage).map(Cache::entries);
            for (key, entry) in entries.into_iter().flat_map(Tree::iter) {
                let entry = entry.entry();
                self.digest ^= entry_digest(entry);
                let stored = wanted.next();
                let same = stored.is_some_and(|stored| {
                    stored.key == *key
                        && stored.revision == entry.revision()
                        && stored.bytes == *entry.stored()
                });
                if world.synced() && !same {
                    return Err(differs(key, revision, Some(entry), stored.map(|stored| stored.revision)));
                }
            }
            if let Some(stored) = wanted.next().filter(|_| world.synced()) {
                return Err(differs(&stored.key, revision, None, Some(stored.revision)));
            }
        }
        Ok(())
    }

    fn advance(&mut self, world: &World) -> Result<Rev, Violation> {
        let revision = world.revision(Feed(0));
        if revision < self.revision {
            let detail = format!("from {} to {}", self.revision.0, revision.0);
            return Err(Violation::new(Guarantee::CachesNeverGoBack, detail));
        }
        self.revision = revision;
        Ok(revision)
    }
}

fn held<'a>(world: &'a World, key: &[u8]) -> Option<&'a Entry> {
    let collection = world.collection_of(key)?;
    world.cache(collection.storage)?.get(key).map(|entry| &**entry)
}

fn entry_digest(entry: &Entry) -> u64 {
    digest(entry.key(), entry.revision())
}

fn differs(key: &[u8], revision: Rev, entry: Option<&Entry>, stored: Option<Rev>) -> Violation {
    let shown_revision = |held: Option<Rev>| held.map_or("nothing".to_owned(), |held| held.0.to_string());
    let detail = format!(
        "{} at {}: the cache holds {}, the store held {}",
        shown(key),
        revision.0,
        shown_revision(entry.map(Entry::revision)),
        shown_revision(stored)
    );
    Violation::new(Guarantee::CacheIsTheStore, detail)
}

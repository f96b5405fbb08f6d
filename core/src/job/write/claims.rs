//! What a write changes beside its own object, as keys and values for its commit.

use super::draft::Draft;
use super::own::draft_own;
use super::record;
use crate::authorization::Target;
use crate::job::existing::Existing;
use crate::job::{Scene, fail};
use crate::kinds::{Claim, ClaimChange, ClaimPlace, Claims, Facts, Kind};
use crate::rng::Rng;
use crate::status::Failure;
use crate::store::{Commit, Feed, LeaseId, Rev};
use crate::value::Value;
use crate::world::World;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;

/// A change of another key, which must still be at the revision (`Rev(0)`: absent).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::job) struct ClaimedKey {
    key: Bytes,
    revision: Rev,
    change: KeyChange,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum KeyChange {
    Put(Bytes),
    Delete,
    Keep,
}

/// Changes of other keys, all in one store, by which a write is counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::job) struct Charges {
    pub(in crate::job) feed: Feed,
    pub(in crate::job) keys: Vec<ClaimedKey>,
}

impl Charges {
    /// Whether a key is one of those that are changed.
    pub(in crate::job) fn has(&self, key: &[u8]) -> bool {
        self.keys.iter().any(|held| held.key == key)
    }
}

/// What plugins claim for a write: statuses of objects of one kind.
///
/// # Errors
/// As `keys`.
pub(super) fn charges(scene: &Scene<'_>, claims: &Claims) -> Result<Charges, Failure> {
    let mut charges = Charges::default();
    for claim in claims.iter() {
        let resource = resource(scene.world, &claim.place)?;
        let collection = scene.collection(resource)?;
        charges.feed = collection.feed;
        let key = collection.keys.key(&claim.place.namespace, &claim.place.name);
        let change = change(scene, resource, claim)?;
        charges.keys.push(ClaimedKey { key, revision: claim.seen, change });
    }
    Ok(charges)
}

/// The keys of claims.
///
/// # Errors
/// What a client would be answered who wrote one of the objects.
pub(super) fn keys(scene: &Scene<'_>, target: &Target, claims: &Claims) -> Result<Vec<ClaimedKey>, Failure> {
    let feed = scene.collection(target.resource())?.feed;
    let mut keys = Vec::new();
    for claim in claims.iter() {
        let resource = resource(scene.world, &claim.place)?;
        let collection = scene.collection(resource)?;
        // What is in another store cannot be in this commit. Only objects that somebody else removes in time are.
        if collection.feed != feed {
            continue;
        }
        let key = collection.keys.key(&claim.place.namespace, &claim.place.name);
        let change = change(scene, resource, claim)?;
        keys.push(ClaimedKey { key, revision: claim.seen, change });
    }
    Ok(keys)
}

fn resource<'a>(world: &'a World, place: &ClaimPlace) -> Result<&'a Arc<Kind>, Failure> {
    let registry = &world.registry;
    let found = registry.any_version(place.group, place.plural).or_else(|| registry.internal(place.plural));
    found.ok_or_else(Failure::no_such_resource)
}

fn change(scene: &Scene<'_>, resource: &Kind, claim: &Claim) -> Result<KeyChange, Failure> {
    let world = scene.world;
    let is_served = !resource.verbs.is_empty();
    Ok(match &claim.change {
        ClaimChange::Keep => KeyChange::Keep,
        ClaimChange::Delete => KeyChange::Delete,
        ClaimChange::Put(value) if is_served && claim.seen == Rev(0) => {
            let uid = uid(&scene.call.rng, &claim.place);
            KeyChange::Put(draft_own(world, resource, value.clone(), &uid, record::SERVER, scene.now)?)
        }
        ClaimChange::PutStatus(value) => KeyChange::Put(status(scene, resource, claim, value.clone())?),
        ClaimChange::Put(value) => {
            let stored = world.registry.stored_kind(resource);
            KeyChange::Put(Draft::of(world, stored, value.clone(), None)?.bytes)
        }
    })
}

/// An object with a new status, which counts as written by the server itself.
fn status(scene: &Scene<'_>, resource: &Kind, claim: &Claim, mut value: Value) -> Result<Bytes, Failure> {
    let key = scene.collection(resource)?.keys.key(&claim.place.namespace, &claim.place.name);
    let entry = scene.cached(resource, &key).filter(|entry| entry.revision() == claim.seen);
    let existing = Existing::new(entry.ok_or_else(fail::misfit)?);
    record::record_own_status(&scene.world.registry, resource, &existing.value, &mut value, scene.now.wall)?;
    Ok(Draft::of(scene.world, resource, value, Some(&existing))?.bytes)
}

/// The uid of an object that is claimed, by which a commit is known again whose reply was lost.
fn uid(rng: &Rng, place: &ClaimPlace) -> crate::value::Text {
    rng.fork(&place.name, 0).uuid()
}

/// What a removal of an object gives back.
///
/// # Errors
/// As `keys`.
pub(in crate::job) fn released(
    scene: &Scene<'_>,
    target: &Target,
    value: &Value,
) -> Result<Vec<ClaimedKey>, Failure> {
    let Some(rules) = target.resource().rules().claims else { return Ok(Vec::new()) };
    let facts = Facts::of_create(scene.caller, scene.now.wall, &scene.world.config, scene.world);
    keys(scene, target, &(rules.release)(value, &facts))
}

/// The commit with changes of other keys. A key that it changes already is not claimed too.
#[must_use]
pub(super) fn add(commit: Commit, claims: Vec<ClaimedKey>) -> Commit {
    let own: Vec<_> = commit.guards().iter().map(|guard| guard.key.clone()).collect();
    let claims = claims.into_iter().filter(|claim| !own.contains(&claim.key));
    claims.fold(commit, |commit, ClaimedKey { key, revision, change }| match change {
        KeyChange::Put(value) => commit.put(&key, revision, value, LeaseId(0)),
        KeyChange::Delete => commit.delete(&key, revision),
        KeyChange::Keep => commit.guard(&key, revision),
    })
}

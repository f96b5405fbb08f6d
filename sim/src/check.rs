//! The guarantees that a run is held to, each with its sentence.

use crate::truth::Truth;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::fmt;
use steersman_core::codec::json;
use steersman_core::kinds::StorageId;
use steersman_core::store::{Feed, Rev};
use steersman_core::value::Value;
use steersman_core::world::World;

/// A guarantee that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub guarantee: Guarantee,
    pub detail: String,
}

/// What clients may rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Guarantee {
    ReadsAreLinearizable,
    WritesAreWhatIsStored,
    ListsAreOfOneRevision,
    ListsAreNotStale,
    ListAndEventsAreTheStore,
    CacheIsTheStore,
    EveryRequestIsAnswered,
    EverybodyConverges,
    UidsAreUnique,
}

impl Guarantee {
    pub fn sentence(self) -> &'static str {
        match self {
            Self::ReadsAreLinearizable => {
                "A read without a resource version shows the object as it was at some moment between the \
                 request and its answer."
            }
            Self::WritesAreWhatIsStored => "An object that a write answers with is the one that is stored.",
            Self::ListsAreOfOneRevision => {
                "The items of a list, over all its pages, are those of the one revision that it names."
            }
            Self::ListsAreNotStale => {
                "A list without a resource version is at least as new as the store was when it was asked for."
            }
            Self::ListAndEventsAreTheStore => {
                "A list and the events that follow it make what the store holds, after every event."
            }
            Self::CacheIsTheStore => "What a server's cache holds is what the store held at its revision.",
            Self::EveryRequestIsAnswered => "Every request is answered once faults have ended.",
            Self::EverybodyConverges => "Every reflector equals the store once faults have ended.",
            Self::UidsAreUnique => "No two objects ever have the same uid.",
        }
    }
}

impl Violation {
    pub fn new(guarantee: Guarantee, detail: impl Into<String>) -> Self {
        Self { guarantee, detail: detail.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}\n   {}", self.guarantee.sentence(), self.detail)
    }
}

/// Objects by name: revision, and content without it.
pub type Objects = BTreeMap<String, (Rev, Value)>;

/// An object of an answer: its name, revision and the rest.
pub fn split(object: &Value) -> (String, Rev, Value) {
    let mut rest = object.clone();
    let name = object.text_at(&["metadata", "name"]).to_owned();
    let revision = object.text_at(&["metadata", "resourceVersion"]).parse().unwrap_or(0);
    rest.remove_at(&["metadata", "resourceVersion"]);
    rest.remove_at(&["kind"]);
    rest.remove_at(&["apiVersion"]);
    (name, Rev(revision), rest)
}

/// What a collection held at a revision, as clients see it.
pub fn collection_at(truth: &Truth, prefix: &[u8], revision: Rev) -> Objects {
    let held = truth.under(prefix, revision);
    let object = |(key, (since, value)): (Bytes, (Rev, &Bytes))| {
        let name = String::from_utf8_lossy(&key[prefix.len()..]).into_owned();
        (name, (since, content(value)))
    };
    held.into_iter().map(object).collect()
}

/// A stored value as the content of an object.
pub fn content(value: &[u8]) -> Value {
    let parsed = json::parse(value).map_or(Value::Null, |parsed| parsed.value);
    split(&parsed).2
}

/// The first difference of two collections.
pub fn difference(found: &Objects, wanted: &Objects) -> Option<String> {
    for (name, (revision, _)) in found {
        match wanted.get(name) {
            None => return Some(format!("{name}@{} is there and should not be", revision.0)),
            Some((other, _)) if other != revision => {
                return Some(format!("{name} is at {} and should be at {}", revision.0, other.0));
            }
            Some((_, value)) if *value != found[name].1 => {
                return Some(format!("{name}@{} has another content", revision.0));
            }
            Some(_) => {}
        }
    }
    let missing = wanted.iter().find(|(name, _)| !found.contains_key(*name));
    missing.map(|(name, (revision, _))| format!("{name}@{} is missing", revision.0))
}

/// A server's cache against the truth at the cache's revision.
pub fn cache(world: &World, truth: &Truth) -> Result<(), Violation> {
    let revision = world.revision(Feed(0));
    if !world.synced() {
        return Ok(());
    }
    for collection in world.collections() {
        let StorageId(_) = collection.storage;
        let prefix = collection.keys.prefix();
        let held = world.cache(collection.storage).entries();
        let wanted = truth.under(prefix, revision);
        let same = held.len() == wanted.len()
            && held.iter().all(|(key, held)| {
                let entry = held.entry();
                wanted
                    .get(key)
                    .is_some_and(|(since, value)| *since == entry.revision() && *value == entry.value())
            });
        if !same {
            let prefix = String::from_utf8_lossy(prefix);
            let detail = format!(
                "{prefix} at {}: {} objects in the cache, {} in the store",
                revision.0,
                held.len(),
                wanted.len()
            );
            return Err(Violation::new(Guarantee::CacheIsTheStore, detail));
        }
    }
    Ok(())
}

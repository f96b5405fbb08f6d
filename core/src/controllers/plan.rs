//! What a controller wants to write, and what it sees when it decides about it.

use crate::config::Config;
use crate::job::{OwnChange, draft_own, draft_own_change};
use crate::kinds::Kind;
use crate::limits;
use crate::now::Now;
use crate::rng::Rng;
use crate::status::Failure;
use crate::store::{Commit, Feed, LeaseId, Rev};
use crate::value::{Map, Text, Value, object};
use crate::world::World;
use crate::world::cache::Entry;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;

/// The writes that a controller wants now.
#[derive(Debug, Default)]
pub(crate) struct Wishes {
    /// Bounded commits, in the order of the writes. Objects of different stores are in different commits.
    pub(crate) commits: Vec<(Feed, Commit)>,
    /// What could not be drafted, and why: it is tried again later.
    pub(crate) refused: Option<Text>,
}

/// A controller's view, on which it notes what it wants.
#[derive(Debug)]
pub(crate) struct Planner<'a> {
    pub(super) world: &'a World,
    pub(super) now: Now,
    rng: Rng,
    plan: Wishes,
    /// The number of writes, and of bytes, in the last commit.
    last: (usize, usize),
}

/// An object of a kind: namespace (empty for none) and name.
pub(super) type Placement<'p> = (&'p str, &'p str);

impl<'a> Planner<'a> {
    pub(crate) fn new(world: &'a World, now: Now, rng: Rng) -> Self {
        Self { world, now, rng, plan: Wishes::default(), last: (0, 0) }
    }

    pub(super) fn finish(self) -> Wishes {
        self.plan
    }

    pub(super) fn config(&self) -> &'a Config {
        &self.world.config
    }

    /// Whether nothing is wanted so far.
    pub(super) fn is_content(&self) -> bool {
        self.plan.commits.is_empty() && self.plan.refused.is_none()
    }

    /// A built-in kind.
    pub(super) fn kind(&self, group: &str, version: &str, plural: &str) -> Option<&'a Arc<Kind>> {
        self.world.registry.find(group, version, plural)
    }

    /// The object as the cache holds it.
    pub(super) fn held(&self, kind: &Kind, (namespace, name): Placement<'_>) -> Option<&'a Arc<Entry>> {
        let key = self.world.collection(kind.storage?)?.keys.key(namespace, name);
        self.world.entry(kind.id, &key)
    }

    /// Wants an object to be made, unless there is one.
    pub(super) fn create_missing(&mut self, kind: &Kind, place: Placement<'_>, value: Value) {
        if self.held(kind, place).is_none() {
            self.create(kind, place, value);
        }
    }

    /// Wants an object to be made that does not exist.
    pub(super) fn create(&mut self, kind: &Kind, (namespace, name): Placement<'_>, mut value: Value) {
        object::set_api_version_and_kind(&mut value, &kind.group_version(), &kind.kind);
        object::set_name(&mut value, name);
        if !namespace.is_empty() {
            object::set_namespace(&mut value, namespace);
        }
        let uid = self.rng.uuid();
        let drafted = draft_own(self.world, kind, value, &uid, self.now);
        self.want(kind, (namespace, name), Rev(0), drafted.map(Some));
    }

    /// Wants an object to be changed as a client that sends a PUT would. Nothing happens when that changes nothing.
    pub(super) fn update(&mut self, kind: &Kind, entry: &Arc<Entry>, value: Value) {
        let change = OwnChange { value, subresource: "" };
        match draft_own_change(self.world, kind, entry, change, self.now) {
            Ok(None) => {}
            Ok(Some(bytes)) => self.put(kind, entry.key(), entry.revision(), Some(bytes)),
            Err(failure) => self.refuse(kind, entry.name(), &failure),
        }
    }

    /// Wants an object to be removed.
    pub(super) fn delete(&mut self, kind: &Kind, entry: &Entry) {
        self.put(kind, entry.key(), entry.revision(), None);
    }

    fn want(
        &mut self,
        kind: &Kind,
        (namespace, name): Placement<'_>,
        revision: Rev,
        drafted: Result<Option<Bytes>, Failure>,
    ) {
        let Some(collection) = kind.storage.and_then(|storage| self.world.collection(storage)) else {
            return;
        };
        let key = collection.keys.key(namespace, name);
        match drafted {
            Ok(bytes) => self.put(kind, &key, revision, bytes),
            Err(failure) => self.refuse(kind, name, &failure),
        }
    }

    fn refuse(&mut self, kind: &Kind, name: &str, failure: &Failure) {
        let why = format!("{} {name}: {}", kind.plural, failure.message());
        self.plan.refused.get_or_insert(why.into());
    }

    /// Adds a write to the last commit of its store, or begins another one where that has no more room.
    fn put(&mut self, kind: &Kind, key: &Bytes, revision: Rev, value: Option<Bytes>) {
        let Some(collection) = kind.storage.and_then(|storage| self.world.collection(storage)) else {
            return;
        };
        let (feed, bytes) = (collection.feed, key.len() + value.as_ref().map_or(0, Bytes::len));
        let (writes, filled) = self.last;
        let fits = writes < limits::OWN_COMMIT_WRITES && filled + bytes <= limits::OWN_COMMIT_BYTES;
        let last = self.plan.commits.pop_if(|(held, _)| *held == feed && fits);
        let (_, commit) = last.unwrap_or_else(|| {
            self.last = (0, 0);
            (feed, Commit::default())
        });
        self.last = (self.last.0 + 1, self.last.1 + bytes);
        let commit = match value {
            Some(value) => commit.put(key, revision, value, LeaseId(0)),
            None => commit.delete(key, revision),
        };
        self.plan.commits.push((feed, commit));
    }
}

/// An object of these members.
pub(super) fn map<const N: usize>(members: [(&str, Value); N]) -> Value {
    let mut out = Map::new();
    for (key, value) in members {
        out.insert(key, value);
    }
    out.into()
}

/// A list of texts.
pub(super) fn texts<'t>(items: impl IntoIterator<Item = &'t str>) -> Value {
    Value::list(items.into_iter().map(Value::from).collect())
}

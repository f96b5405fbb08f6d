//! What a controller wants to write, and what it sees when it decides about it.

use crate::config::{Config, UsedSecret};
use crate::job::{OwnChange, OwnWriter, draft_own, draft_own_change, draft_stored};
use crate::kinds::Kind;
use crate::limits;
use crate::now::Now;
use crate::rng::Rng;
use crate::status::Failure;
use crate::store::{Commit, Feed, LeaseId, Rev};
use crate::value::{Map, Text, Value, object};
use crate::world::World;
use crate::world::cache::{Cache, Entry};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;

/// The writes that a controller wants now.
#[derive(Debug, Default)]
pub(crate) struct Wishes {
    /// Bounded commits, in the order of the writes. Objects of different stores are in different commits.
    pub(crate) commits: Vec<WishedCommit>,
    /// What could not be drafted, and why: it is tried again later.
    pub(crate) refused: Option<Text>,
}

/// One of the commits that a controller wants.
#[derive(Debug)]
pub(crate) struct WishedCommit {
    pub(crate) feed: Feed,
    pub(crate) commit: Commit,
    /// The seconds after which the store removes what is written, unless it is written again. 0 for never.
    pub(crate) ttl_seconds: i64,
}

/// Why a controller is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Occasion {
    /// It has not yet had nothing to write.
    pub(crate) is_first: bool,
    /// Its time has come, so that what has to be renewed is to be renewed. Otherwise something has changed, or the
    /// cache shows what it has written.
    pub(crate) is_beat: bool,
}

/// A controller's view, on which it notes what it wants.
#[derive(Debug)]
pub(crate) struct Planner<'a> {
    pub(super) world: &'a World,
    pub(super) now: Now,
    pub(super) occasion: Occasion,
    /// Secrets whose tokens were used, which is to be noted.
    pub(super) used_secrets: &'a BTreeSet<UsedSecret>,
    rng: Rng,
    wishes: Wishes,
    /// The number of writes, and of bytes, in the last commit.
    last: (usize, usize),
}

/// An object of a kind: namespace (empty for none) and name.
pub(super) type Placement<'p> = (&'p str, &'p str);

impl<'a> Planner<'a> {
    pub(crate) fn new(world: &'a World, now: Now, occasion: Occasion, rng: Rng) -> Self {
        const NONE: &BTreeSet<UsedSecret> = &BTreeSet::new();
        Self { world, now, occasion, used_secrets: NONE, rng, wishes: Wishes::default(), last: (0, 0) }
    }

    #[must_use]
    pub(crate) fn with_used(self, used_secrets: &'a BTreeSet<UsedSecret>) -> Self {
        Self { used_secrets, ..self }
    }

    pub(super) fn finish(self) -> Wishes {
        self.wishes
    }

    pub(super) fn config(&self) -> &'a Config {
        &self.world.config
    }

    /// The server leaves: what tells others that it lives is to go.
    pub(super) fn is_leaving(&self) -> bool {
        self.world.draining
    }

    /// Whether nothing is wanted so far.
    pub(super) fn is_content(&self) -> bool {
        self.wishes.commits.is_empty() && self.wishes.refused.is_none()
    }

    /// A built-in kind.
    pub(super) fn kind(&self, group: &str, version: &str, plural: &str) -> Option<&'a Arc<Kind>> {
        self.world.registry.find(group, version, plural)
    }

    /// The objects of a kind as the cache holds them.
    pub(super) fn all(&self, kind: &Kind) -> Option<&'a Cache> {
        self.world.cache(kind.storage?)
    }

    /// The object as the cache holds it.
    pub(super) fn held(&self, kind: &Kind, (namespace, name): Placement<'_>) -> Option<&'a Arc<Entry>> {
        let key = self.world.collection(kind.storage?)?.keys.key(namespace, name);
        self.world.entry(kind.id, &key)
    }

    /// Wants an object to be made, unless there is one.
    pub(super) fn create_missing(&mut self, kind: &Kind, place: Placement<'_>, value: Value) {
        if self.held(kind, place).is_none() {
            self.create(kind, place, OwnWriter::SERVER, value);
        }
    }

    /// Wants an object to be made that does not exist.
    pub(super) fn create(
        &mut self,
        kind: &Kind,
        (namespace, name): Placement<'_>,
        writer: OwnWriter<'_>,
        mut value: Value,
    ) {
        let Some(collection) = kind.storage.and_then(|storage| self.world.collection(storage)) else {
            return;
        };
        object::set_api_version_and_kind(&mut value, &kind.group_version(), &kind.kind);
        object::set_name(&mut value, name);
        if !namespace.is_empty() {
            object::set_namespace(&mut value, namespace);
        }
        let uid = self.rng.uuid();
        match draft_own(self.world, kind, value, &uid, writer.manager, self.now) {
            Ok(bytes) => self.put(kind, &collection.keys.key(namespace, name), Rev(0), Some(bytes)),
            Err(failure) => self.refuse(kind, name, &failure),
        }
    }

    /// Wants an object to be changed as a client would change it. Nothing happens when that changes nothing.
    pub(super) fn change(
        &mut self,
        kind: &Kind,
        entry: &Arc<Entry>,
        writer: OwnWriter<'_>,
        change: OwnChange,
    ) {
        match draft_own_change(self.world, kind, entry, writer, change, self.now) {
            Ok(None) => {}
            Ok(Some(bytes)) => self.put(kind, entry.key(), entry.revision(), Some(bytes)),
            Err(failure) => self.refuse(kind, entry.name(), &failure),
        }
    }

    /// Wants an object to be replaced.
    pub(super) fn update(&mut self, kind: &Kind, entry: &Arc<Entry>, value: Value) {
        self.change(kind, entry, OwnWriter::SERVER, OwnChange::Replace(value));
    }

    /// Wants an object to be stored just like this, as a deletion that only marks an object stores it.
    pub(super) fn write(&mut self, kind: &Kind, entry: &Entry, value: Value) {
        match draft_stored(self.world, kind, value) {
            Ok(bytes) => self.put(kind, entry.key(), entry.revision(), Some(bytes)),
            Err(failure) => self.refuse(kind, entry.name(), &failure),
        }
    }

    /// Wants an object to be removed.
    pub(super) fn delete(&mut self, kind: &Kind, entry: &Entry) {
        self.put(kind, entry.key(), entry.revision(), None);
    }

    /// Wants a key of an internal kind to hold these bytes for so many seconds.
    pub(super) fn keep(&mut self, kind: &Kind, name: &str, value: Bytes, ttl_seconds: i64) {
        let Some(collection) = kind.storage.and_then(|storage| self.world.collection(storage)) else {
            return;
        };
        let revision = self.held(kind, ("", name)).map_or(Rev(0), |entry| entry.revision());
        let commit = Commit::default().put(&collection.keys.key("", name), revision, value, LeaseId(0));
        self.wishes.commits.push(WishedCommit { feed: collection.feed, commit, ttl_seconds });
    }

    fn refuse(&mut self, kind: &Kind, name: &str, failure: &Failure) {
        let why = format!("{} {name}: {}", kind.plural, failure.message());
        self.wishes.refused.get_or_insert(why.into());
    }

    /// Adds a write to the last commit of its store, or begins another one where that has no more room.
    fn put(&mut self, kind: &Kind, key: &Bytes, revision: Rev, value: Option<Bytes>) {
        let Some(collection) = kind.storage.and_then(|storage| self.world.collection(storage)) else {
            return;
        };
        let (feed, bytes) = (collection.feed, key.len() + value.as_ref().map_or(0, Bytes::len));
        let (writes, filled) = self.last;
        let fits = writes < limits::OWN_COMMIT_WRITES && filled + bytes <= limits::OWN_COMMIT_BYTES;
        let joins = |held: &mut WishedCommit| held.feed == feed && held.ttl_seconds == 0 && fits;
        let last = self.wishes.commits.pop_if(joins);
        let commit = last.map_or_else(
            || {
                self.last = (0, 0);
                Commit::default()
            },
            |last| last.commit,
        );
        self.last = (self.last.0 + 1, self.last.1 + bytes);
        let commit = match value {
            Some(value) => commit.put(key, revision, value, LeaseId(0)),
            None => commit.delete(key, revision),
        };
        self.wishes.commits.push(WishedCommit { feed, commit, ttl_seconds: 0 });
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

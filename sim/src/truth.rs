//! The history of the store: every object at every revision. It is kept beside the fake etcd, which may forget and
//! lag, and checkers compare with it.

use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;
use steersman_core::codec::json;
use steersman_core::store::{Event, EventType, Rev};
use steersman_core::value::Value;

/// The prefix of the keys that servers look at. Other users of the store write elsewhere.
const SERVED: &[u8] = b"/registry/";

/// A value that a key held from a revision on.
#[derive(Debug, PartialEq, Eq)]
pub struct StoredObject {
    pub key: Bytes,
    /// The revision of the write.
    pub revision: Rev,
    pub bytes: Bytes,
    /// The object, as it is stored: without a resource version. Null when it cannot be read.
    pub object: Value,
}

/// One change of one key.
#[derive(Clone, Debug)]
pub struct CommittedChange {
    pub key: Bytes,
    pub revision: Rev,
    pub old: Option<Arc<StoredObject>>,
    /// None after a deletion.
    pub new: Option<Arc<StoredObject>>,
}

/// What a key held from a revision on; None after a deletion.
type State = (Rev, Option<Arc<StoredObject>>);

/// The history of a store.
#[derive(Clone, Debug, Default)]
pub struct Truth {
    /// For each key what it held from a revision on.
    keys: BTreeMap<Bytes, Vec<State>>,
    /// Every change, in order.
    log: Vec<CommittedChange>,
    /// For each revision that changed something for servers, the digest of all that the store held for them
    /// after it.
    digests: Vec<(Rev, u64)>,
    revision: Rev,
}

impl Truth {
    /// Notes what changed up to a revision.
    pub fn note(&mut self, events: &[Event], revision: Rev) {
        for event in events {
            let key = event.kv.key.clone();
            let at = event.kv.mod_revision;
            let new = match event.kind {
                EventType::Put => {
                    let object = json::parse(&event.kv.value).map_or(Value::Null, |parsed| parsed.value);
                    let bytes = event.kv.value.clone();
                    Some(Arc::new(StoredObject { key: key.clone(), revision: at, bytes, object }))
                }
                EventType::Delete => None,
            };
            let history = self.keys.entry(key.clone()).or_default();
            let old = history.last().and_then(|(_, held)| held.clone());
            history.push((at, new.clone()));
            if key.starts_with(SERVED) {
                let both = [&old, &new].into_iter().flatten().fold(0, |all, held| all ^ held.digest());
                let digest = self.digests.last().map_or(0, |(_, digest)| *digest) ^ both;
                match self.digests.last_mut().filter(|(last, _)| *last == at) {
                    Some((_, held)) => *held = digest,
                    None => self.digests.push((at, digest)),
                }
            }
            self.log.push(CommittedChange { key, revision: at, old, new });
        }
        self.revision = self.revision.max(revision);
    }

    /// The newest revision.
    pub fn revision(&self) -> Rev {
        self.revision
    }

    /// The digest of all that the store held for servers at a revision: the keys' digests, combined without order.
    pub fn digest_at(&self, revision: Rev) -> u64 {
        let after = self.digests.partition_point(|(at, _)| *at <= revision);
        after.checked_sub(1).map_or(0, |index| self.digests[index].1)
    }

    /// What a key held at a revision.
    pub fn at(&self, key: &[u8], revision: Rev) -> Option<&Arc<StoredObject>> {
        let history = self.keys.get(key)?;
        let after = history.partition_point(|(since, _)| *since <= revision);
        history.get(after.checked_sub(1)?)?.1.as_ref()
    }

    /// What a key holds now.
    pub fn newest(&self, key: &[u8]) -> Option<&Arc<StoredObject>> {
        self.at(key, self.revision)
    }

    /// Every key below a prefix that held something at a revision.
    pub fn under<'a>(
        &'a self,
        prefix: &'a [u8],
        revision: Rev,
    ) -> impl Iterator<Item = &'a Arc<StoredObject>> {
        let from = self.keys.range(Bytes::copy_from_slice(prefix)..);
        let below = from.take_while(move |(key, _)| key.starts_with(prefix));
        below.filter_map(move |(key, _)| self.at(key, revision))
    }

    /// The states of a key in a window: the one at its beginning, and each that came in (after, up_to].
    pub fn states<'a>(
        &'a self,
        key: &'a [u8],
        after: Rev,
        up_to: Rev,
    ) -> impl Iterator<Item = Option<&'a Arc<StoredObject>>> {
        let history = self.keys.get(key).map_or(&[][..], Vec::as_slice);
        let from = history.partition_point(|(since, _)| *since <= after);
        let to = history.partition_point(|(since, _)| *since <= up_to);
        let first = from.checked_sub(1).and_then(|index| history[index].1.as_ref());
        std::iter::once(first).chain(history[from..to.max(from)].iter().map(|(_, held)| held.as_ref()))
    }

    /// Every change in order; places in it stay the same while more is noted.
    pub fn log(&self) -> &[CommittedChange] {
        &self.log
    }

    /// The place in the log of the first change after a revision.
    pub fn place_after(&self, revision: Rev) -> usize {
        self.log.partition_point(|change| change.revision <= revision)
    }
}

impl StoredObject {
    /// Whether it is an object, and not an unreadable value that another user of the store wrote.
    pub fn is_readable(&self) -> bool {
        self.object != Value::Null
    }

    /// The digest of a key with an object. A value that cannot be read has none, since no cache has it.
    pub fn digest(&self) -> u64 {
        if self.is_readable() { digest(&self.key, self.revision) } else { 0 }
    }
}

/// The digest of a key and the revision that it was written at. A write's bytes are told by both.
pub fn digest(key: &[u8], revision: Rev) -> u64 {
    let hash = key.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mixed = (hash ^ revision.0.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed ^ (mixed >> 31)
}

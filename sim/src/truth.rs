//! What really happened in the store: every object at every revision, kept beside the fake etcd, which
//! may forget. Checkers look here.

use bytes::Bytes;
use std::collections::BTreeMap;
use steersman_core::store::{Event, EventType, Rev};

/// The history of a store.
#[derive(Clone, Debug, Default)]
pub struct Truth {
    /// For each key what it held from a revision on; None after a deletion.
    keys: BTreeMap<Bytes, Vec<(Rev, Option<Bytes>)>>,
    revision: Rev,
}

impl Truth {
    /// Notes what changed up to a revision.
    pub fn note(&mut self, events: &[Event], revision: Rev) {
        for event in events {
            let value = match event.kind {
                EventType::Put => Some(event.kv.value.clone()),
                EventType::Delete => None,
            };
            self.keys.entry(event.kv.key.clone()).or_default().push((event.kv.mod_revision, value));
        }
        self.revision = self.revision.max(revision);
    }

    pub fn revision(&self) -> Rev {
        self.revision
    }

    /// What a key held at a revision, and since which one.
    pub fn at(&self, key: &[u8], revision: Rev) -> Option<(Rev, &Bytes)> {
        let history = self.keys.get(key)?;
        let after = history.partition_point(|(since, _)| *since <= revision);
        let (since, value) = history.get(after.checked_sub(1)?)?;
        Some((*since, value.as_ref()?))
    }

    /// Every key below a prefix that held something at a revision, with the revision of its last change.
    pub fn under(&self, prefix: &[u8], revision: Rev) -> BTreeMap<Bytes, (Rev, &Bytes)> {
        let from = self.keys.range(Bytes::copy_from_slice(prefix)..);
        let below = from.take_while(|(key, _)| key.starts_with(prefix));
        below.filter_map(|(key, _)| Some((key.clone(), self.at(key, revision)?))).collect()
    }

    /// The revisions at which a key was written or deleted, in (after, up_to].
    pub fn changes(&self, key: &[u8], after: Rev, up_to: Rev) -> usize {
        let Some(history) = self.keys.get(key) else { return 0 };
        history.iter().filter(|(revision, _)| *revision > after && *revision <= up_to).count()
    }
}

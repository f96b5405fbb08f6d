//! Changes of a feed, whose values can be decoded before the machine takes them. Whoever waits for the machine does
//! not wait for the decoding then.

use super::World;
use crate::kinds::Registry;
use crate::store::{Batch, Event, EventType, Rev};
use crate::world::cache::{Entry, Undecodable};
use alloc::sync::Arc;
use alloc::vec::{self, Vec};

/// A batch of a feed.
#[derive(Debug)]
pub struct Changes {
    batch: Batch,
    decoded: Option<DecodedWith>,
}

/// A value as an entry, or why it is none; None when it has not been decoded.
pub(super) type DecodedValue = Option<Result<Arc<Entry>, Undecodable>>;

/// The values of a batch, decoded with one registry.
#[derive(Debug)]
struct DecodedWith {
    registry: Arc<Registry>,
    /// The value of each event; None for a deletion and for a key of no collection of the feed.
    values: Vec<DecodedValue>,
}

/// The decoded values of a batch that is being applied, event by event.
#[derive(Debug, Default)]
pub(super) struct Values(vec::IntoIter<DecodedValue>);

impl From<Batch> for Changes {
    fn from(batch: Batch) -> Self {
        Self { batch, decoded: None }
    }
}

impl Changes {
    pub fn batch(&self) -> &Batch {
        &self.batch
    }

    /// Decodes the values with the kinds of a snapshot. It may be an older one than that to which the changes will be
    /// applied: if the kinds have changed by then, the values are decoded again.
    pub fn decode(&mut self, world: &World) {
        let value = |event: &Event| match event.kind {
            EventType::Put => {
                let collection = world.collection_of(&event.kv.key)?;
                let is_here = collection.feed == self.batch.feed;
                if !is_here {
                    return None;
                }
                world.decode(collection.storage, event.kv.clone()).map(|decoded| decoded.map(Arc::new))
            }
            EventType::Delete => None,
        };
        let values = self.batch.events.iter().map(value).collect();
        self.decoded = Some(DecodedWith { registry: world.registry.clone(), values });
    }

    /// Leaves out the events that are not later than a revision, and those that come after a later one. Returns them.
    pub(crate) fn leave_out_old(&mut self, after: Rev, newest: Rev) -> Vec<Event> {
        let is_old = |event: &Event, newest: &mut Rev| {
            let revision = event.kv.mod_revision;
            let is_old = revision <= after || revision < *newest;
            *newest = revision.max(*newest);
            is_old
        };
        let mut seen = newest;
        if !self.batch.events.iter().any(|event| is_old(event, &mut seen)) {
            return Vec::new();
        }
        // Values and events stand in the same order, so what was decoded before is decoded again.
        self.decoded = None;
        let mut seen = newest;
        let (mut kept, mut old) = (Vec::new(), Vec::new());
        for event in core::mem::take(&mut self.batch.events) {
            if is_old(&event, &mut seen) { old.push(event) } else { kept.push(event) }
        }
        self.batch.events = kept;
        old
    }

    /// The batch, and its values as far as they were decoded with this registry.
    pub(super) fn take(self, registry: &Arc<Registry>) -> (Batch, Values) {
        let fits = self.decoded.filter(|decoded| Arc::ptr_eq(&decoded.registry, registry));
        (self.batch, fits.map(|decoded| Values(decoded.values.into_iter())).unwrap_or_default())
    }

    /// The same changes in parts of about `events_max` events, in order. Changes of one revision stay together, and a
    /// part is complete up to the revision that it names.
    pub fn parts(self, events_max: usize) -> impl Iterator<Item = Self> {
        let Batch { feed, events, revision } = self.batch;
        let mut events = events.into_iter().peekable();
        let mut ended = false;
        core::iter::from_fn(move || {
            if ended {
                return None;
            }
            let mut part = Vec::with_capacity(events_max.min(events.len()));
            while let Some(event) = events.next() {
                let of = event.kv.mod_revision;
                part.push(event);
                let more = events.peek().is_some_and(|next| next.kv.mod_revision > of);
                if part.len() >= events_max && more {
                    return Some(Self::from(Batch { feed, events: part, revision: of }));
                }
            }
            ended = true;
            Some(Self::from(Batch { feed, events: part, revision }))
        })
    }
}

impl Values {
    /// The decoded value of the next event.
    pub(super) fn next(&mut self) -> DecodedValue {
        self.0.next().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::store::{Feed, KeyValue};
    use alloc::format;
    use alloc::string::String;

    fn event(key: &str, value: &str, revision: u64) -> Event {
        let key = format!("/registry/{key}").into();
        let kv = KeyValue {
            key,
            value: String::from(value).into(),
            mod_revision: Rev(revision),
            ..KeyValue::default()
        };
        let kind = if value.is_empty() { EventType::Delete } else { EventType::Put };
        Event { kind, kv, previous: None }
    }

    fn changes(events: Vec<Event>, revision: u64) -> Changes {
        Batch { feed: Feed(0), events, revision: Rev(revision) }.into()
    }

    fn world() -> World {
        World::new(Arc::new(Config::open(1)), Arc::new(Registry::builtin()))
    }

    #[test]
    fn parts_hold_whole_revisions() {
        let revisions = [1, 1, 2, 3, 3, 3, 4];
        let all = || changes(revisions.iter().map(|revision| event("a", "v", *revision)).collect(), 9);
        for (most, wanted) in [
            (1, &[(2, 1), (1, 2), (3, 3), (1, 9)][..]),
            (2, &[(2, 1), (4, 3), (1, 9)]),
            (4, &[(6, 3), (1, 9)]),
            (7, &[(7, 9)]),
        ] {
            let parts: Vec<(usize, u64)> =
                all().parts(most).map(|part| (part.batch.events.len(), part.batch.revision.0)).collect();
            assert_eq!(parts, wanted, "at most {most}");
        }
        let empty: Vec<Rev> = changes(Vec::new(), 9).parts(1).map(|part| part.batch.revision).collect();
        assert_eq!(empty, [Rev(9)], "a batch without events says how far the feed is");
    }

    #[test]
    fn values_are_the_same_whether_they_are_decoded_before_or_when_they_are_applied() {
        let object = |name: &str| {
            format!(
                r#"{{"kind":"ConfigMap","apiVersion":"v1","metadata":{{"name":"{name}","namespace":"n"}}}}"#
            )
        };
        let all = || {
            let events = alloc::vec![
                event("configmaps/n/a", &object("a"), 2),
                event("elsewhere", "text", 3),
                event("configmaps/n/b", "no object", 4),
                event("configmaps/n/a", "", 5),
                event("configmaps/n/b", &object("b"), 6),
            ];
            changes(events, 7)
        };
        let applied = |prepare: fn(&mut Changes, &World)| {
            let (mut world, mut notes, mut changes) = (world(), Vec::new(), all());
            prepare(&mut changes, &world);
            let applied = world.apply(changes, &mut notes);
            (format!("{applied:?} {notes:?}"), applied.len(), world.revision(Feed(0)))
        };
        let inside = applied(|_, _| {});
        assert_eq!((inside.1, inside.2), (4, Rev(7)));
        assert_eq!(applied(|changes, world| changes.decode(world)), inside);
        assert_eq!(applied(|changes, _| changes.decode(&world())), inside, "another registry: decoded again");
    }

    #[test]
    fn old_events_are_left_out() {
        for (revisions, after, newest, old, kept) in [
            (&[5, 6, 6, 9][..], 4, 4, &[][..], &[5, 6, 6, 9][..]),
            (&[3, 4, 5], 4, 4, &[3, 4], &[5]),
            (&[5, 7, 6, 7], 4, 4, &[6], &[5, 7, 7]),
            (&[6, 7], 4, 7, &[6], &[7]),
            (&[2], 4, 7, &[2], &[]),
            (&[], 4, 7, &[], &[]),
        ] {
            let events = revisions.iter().map(|revision| event("configmaps/a/b", "{}", *revision)).collect();
            let mut changes = changes(events, 9);
            let of =
                |events: &[Event]| events.iter().map(|event| event.kv.mod_revision.0).collect::<Vec<_>>();
            let left_out = changes.leave_out_old(Rev(after), Rev(newest));
            assert_eq!((of(&left_out).as_slice(), of(&changes.batch().events).as_slice()), (old, kept));
        }
    }
}

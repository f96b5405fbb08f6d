//! The feeds that follow the store, and how far each of them has been delivered.

use crate::store::{FeedInput, Sink};
use bytes::Bytes;
use steersman_core::limits;
use steersman_core::mvcc::{Mvcc, prefix_end};
use steersman_core::store::{Batch, Event, Feed, Rev, StoreError, Why};

/// One feed of the changes under a prefix.
pub(super) struct Follower {
    pub(super) feed: Feed,
    pub(super) prefix: Bytes,
    /// Changes up to this revision were delivered, or are not wanted.
    pub(super) after: Rev,
    pub(super) sink: Sink,
}

/// The first delivery of a feed: all changes from its start until now, or why they are not known.
pub(super) type Backlog = Result<Vec<Event>, Why>;

#[derive(Default)]
pub(super) struct Followers {
    active: Vec<Follower>,
}

impl Follower {
    /// The changes that the follower has not seen, up to the visible revision.
    pub(super) fn backlog(&self, mvcc: &Mvcc, visible: Rev) -> Backlog {
        let end = prefix_end(&self.prefix);
        mvcc.events_between(self.after, visible, &self.prefix, Some(&end)).map_err(|error| match error {
            StoreError::Compacted { compact_revision } => Why::Compacted { compact_revision },
            other => Why::Disconnected(format!("{other:?}").into()),
        })
    }

    fn deliver(&mut self, events: Vec<Event>, revision: Rev) {
        if revision > self.after {
            self.after = revision;
            (self.sink)(FeedInput::Changed(Batch { feed: self.feed, events, revision }));
        }
    }
}

impl Followers {
    /// Starts a feed. It replaces an earlier one of the same name and prefix.
    pub(super) fn start(&mut self, mut follower: Follower, backlog: Backlog, visible: Rev) {
        self.active.retain(|active| active.feed != follower.feed || active.prefix != follower.prefix);
        if self.active.len() >= limits::STORE_FOLLOWERS {
            let why = Why::Disconnected("the store has too many feeds".into());
            (follower.sink)(FeedInput::Lost(follower.feed, why));
            return;
        }
        match backlog {
            Ok(events) => {
                follower.deliver(events, visible);
                self.active.push(follower);
            }
            Err(why) => (follower.sink)(FeedInput::Lost(follower.feed, why)),
        }
    }

    /// Delivers the changes of a batch to all feeds, and that nothing else happened up to its revision.
    pub(super) fn deliver(&mut self, events: &[Event], revision: Rev) {
        for follower in &mut self.active {
            let after = follower.after;
            let wanted =
                |event: &&Event| event.kv.mod_revision > after && event.kv.key.starts_with(&follower.prefix);
            let events = events.iter().filter(wanted).cloned().collect();
            follower.deliver(events, revision);
        }
    }
}

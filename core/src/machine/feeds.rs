//! Listing a feed at the start or after a break, and following it from there.

use super::Effect;
use crate::config::{JobId, Note};
use crate::store::{Batch, Event, EventType, Feed, KeyValue, Op, Range, Ranged, Rev, StoreError, Stored};
use crate::value::Text;
use alloc::vec::Vec;
use bytes::Bytes;

/// How far the machine has come in listing or following one feed.
#[derive(Debug)]
pub(crate) struct FeedReader {
    feed: Feed,
    prefix: Bytes,
    /// How many key-values one page of a listing asks for.
    page_limit: u64,
    state: State,
}

#[derive(Debug)]
enum State {
    Idle,
    /// The feed is read page by page; all pages are of one revision.
    Listing {
        revision: Rev,
        next: Bytes,
        found: Vec<KeyValue>,
    },
    Following,
}

/// What the machine does after it has received a page of a listing.
#[derive(Debug)]
pub(crate) enum Listed {
    More,
    /// The whole feed as of one revision.
    Complete {
        revision: Rev,
        found: Vec<KeyValue>,
    },
    /// Try again after a pause.
    Failed(Text),
}

impl FeedReader {
    /// `prefix` is the etcd prefix without a slash at the end.
    pub(crate) fn new(feed: Feed, prefix: &str, page_limit: u64) -> Self {
        Self { feed, prefix: Bytes::from(alloc::format!("{prefix}/")), page_limit, state: State::Idle }
    }

    pub(crate) fn start_listing(&mut self, id: JobId, out: &mut Vec<Effect>) {
        self.state = State::Listing { revision: Rev(0), next: self.prefix.clone(), found: Vec::new() };
        self.ask_page(id, out);
    }

    fn ask_page(&self, id: JobId, out: &mut Vec<Effect>) {
        if let State::Listing { revision, next, .. } = &self.state {
            let range = Range {
                key: next.clone(),
                end: Some(prefix_end(&self.prefix)),
                revision: *revision,
                limit: self.page_limit,
                ..Range::default()
            };
            out.push(Effect::Store(id, self.feed, Op::Range(range)));
        }
    }

    pub(crate) fn page(&mut self, id: JobId, stored: Stored, out: &mut Vec<Effect>) -> Listed {
        let ranged = match stored {
            Stored::Ranged(ranged) => ranged,
            Stored::Failed(error) => return self.failed(&error),
            Stored::Unknown(why) => return self.fail(why),
            Stored::Txn(_) | Stored::Compacted | Stored::Leased { .. } | Stored::Revoked => {
                return self.fail("the store answered a range with something else".into());
            }
        };
        self.take_page(id, ranged, out)
    }

    fn take_page(&mut self, id: JobId, ranged: Ranged, out: &mut Vec<Effect>) -> Listed {
        let State::Listing { revision, next, found } = &mut self.state else { return Listed::More };
        if *revision == Rev(0) {
            *revision = ranged.revision;
        }
        let page_len = ranged.kvs.len() as u64;
        if let Some(last) = ranged.kvs.last() {
            *next = successor(&last.key);
        }
        found.extend(ranged.kvs);
        if page_len == self.page_limit {
            self.ask_page(id, out);
            return Listed::More;
        }
        let (revision, found) = (*revision, core::mem::take(found));
        self.follow(revision, out);
        Listed::Complete { revision, found }
    }

    fn failed(&mut self, error: &StoreError) -> Listed {
        self.fail(Text::from(alloc::format!("{error:?}")))
    }

    fn fail(&mut self, why: Text) -> Listed {
        self.state = State::Idle;
        Listed::Failed(why)
    }

    /// Follows, or follows again, what comes after the revision.
    pub(crate) fn follow(&mut self, after: Rev, out: &mut Vec<Effect>) {
        self.state = State::Following;
        out.push(Effect::Follow { feed: self.feed, prefix: self.prefix.clone(), after });
    }

    pub(crate) fn is_following(&self) -> bool {
        matches!(self.state, State::Following)
    }
}

/// A listing as the batch of changes that leads from nothing to it.
pub(crate) fn as_batch(feed: Feed, revision: Rev, found: Vec<KeyValue>) -> Batch {
    let events = found.into_iter().map(|kv| Event { kind: EventType::Put, kv, previous: None }).collect();
    Batch { feed, events, revision }
}

pub(crate) fn listed_note(feed: Feed, objects: usize, revision: Rev) -> Note {
    Note::Listed { feed, objects: objects as u64, revision }
}

/// The smallest key above all keys with the prefix. Prefixes end in a slash, so a next byte exists.
fn prefix_end(prefix: &[u8]) -> Bytes {
    let mut end = prefix.to_vec();
    if let Some(last) = end.last_mut() {
        *last += 1;
    }
    Bytes::from(end)
}

/// The smallest key above a key.
fn successor(key: &[u8]) -> Bytes {
    let mut next = key.to_vec();
    next.push(0);
    Bytes::from(next)
}

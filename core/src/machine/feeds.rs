//! Listing a feed at the start or after a break, and following it from there.

use super::Effect;
use crate::config::{JobId, Note};
use crate::store::{Batch, Event, EventType, Feed, KeyValue, Op, Range, Rev, Stored};
use crate::value::Text;
use alloc::vec::Vec;
use bytes::Bytes;

/// How far the machine has come in listing or following one feed.
#[derive(Debug)]
pub(crate) struct FeedReader {
    feed: Feed,
    pages: Pages,
    state: State,
}

#[derive(Debug)]
enum State {
    Idle,
    Listing,
    Following,
}

/// A listing of a prefix, page by page; all pages are of one revision.
#[derive(Debug)]
pub(crate) struct Pages {
    feed: Feed,
    prefix: Bytes,
    /// How many key-values one page asks for.
    page_limit: u64,
    /// 0 before the first page.
    revision: Rev,
    next: Bytes,
    found: Vec<KeyValue>,
}

/// What a page of a listing leads to.
#[derive(Debug)]
pub(crate) enum PageRead {
    More,
    /// All that the prefix holds as of one revision.
    Complete {
        revision: Rev,
        found: Vec<KeyValue>,
    },
    /// Try again after a pause.
    Failed(Text),
}

impl Pages {
    /// `prefix` ends in a slash.
    pub(crate) fn new(feed: Feed, prefix: Bytes, page_limit: u64) -> Self {
        Self { feed, next: prefix.clone(), prefix, page_limit, revision: Rev(0), found: Vec::new() }
    }

    pub(crate) fn prefix(&self) -> &Bytes {
        &self.prefix
    }

    /// Asks for the first page; `id` names all operations of the listing.
    pub(crate) fn begin(&mut self, id: JobId, out: &mut Vec<Effect>) {
        self.revision = Rev(0);
        self.next = self.prefix.clone();
        self.found = Vec::new();
        self.ask(id, out);
    }

    fn ask(&self, id: JobId, out: &mut Vec<Effect>) {
        let range = Range {
            key: self.next.clone(),
            end: Some(prefix_end(&self.prefix)),
            revision: self.revision,
            limit: self.page_limit,
            ..Range::default()
        };
        out.push(Effect::Store(id, self.feed, Op::Range(range)));
    }

    /// Takes a page and asks for the next one, if there is one.
    pub(crate) fn take(&mut self, id: JobId, stored: Stored, out: &mut Vec<Effect>) -> PageRead {
        let ranged = match stored {
            Stored::Ranged(ranged) => ranged,
            Stored::Failed(error) => return PageRead::Failed(Text::from(alloc::format!("{error:?}"))),
            Stored::Unknown(why) => return PageRead::Failed(why),
            Stored::Txn(_) | Stored::Compacted | Stored::Leased { .. } | Stored::Revoked => {
                return PageRead::Failed("the store answered a range with something else".into());
            }
        };
        if self.revision == Rev(0) {
            self.revision = ranged.revision;
        }
        let page_len = ranged.kvs.len() as u64;
        if let Some(last) = ranged.kvs.last() {
            self.next = successor(&last.key);
        }
        self.found.extend(ranged.kvs);
        if page_len == self.page_limit {
            self.ask(id, out);
            return PageRead::More;
        }
        PageRead::Complete { revision: self.revision, found: core::mem::take(&mut self.found) }
    }
}

impl FeedReader {
    /// `prefix` is the etcd prefix without a slash at the end.
    pub(crate) fn new(feed: Feed, prefix: &str, page_limit: u64) -> Self {
        let prefix = Bytes::from(alloc::format!("{prefix}/"));
        Self { feed, pages: Pages::new(feed, prefix, page_limit), state: State::Idle }
    }

    pub(crate) fn start_listing(&mut self, id: JobId, out: &mut Vec<Effect>) {
        self.state = State::Listing;
        self.pages.begin(id, out);
    }

    /// Takes a page of the listing. After the last one the feed is followed.
    pub(crate) fn page(&mut self, id: JobId, stored: Stored, out: &mut Vec<Effect>) -> PageRead {
        if !matches!(self.state, State::Listing) {
            return PageRead::More;
        }
        let read = self.pages.take(id, stored, out);
        match &read {
            PageRead::More => {}
            PageRead::Complete { revision, .. } => self.follow(*revision, out),
            PageRead::Failed(_) => self.state = State::Idle,
        }
        read
    }

    /// Follows, or follows again, what comes after the revision.
    pub(crate) fn follow(&mut self, after: Rev, out: &mut Vec<Effect>) {
        self.state = State::Following;
        out.push(Effect::Follow { feed: self.feed, prefix: self.pages.prefix.clone(), after });
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

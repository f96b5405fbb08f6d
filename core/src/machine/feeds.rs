//! Listing a feed at the start or after a break, and following it from there.

use super::pages::{page_from, page_of};
use super::{DecodedPage, Effect, Page};
use crate::config::JobId;
use crate::store::key::after;
use crate::store::{Event, Feed, Ranged, Rev, Stored};
use crate::value::Text;
use crate::world::{Changes, Listing, World};
use alloc::boxed::Box;
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
    /// The feed is read page by page; all pages are of one revision. A page is asked for when the one before it has
    /// been decoded, so that no more than one is in memory undecoded.
    Listing {
        revision: Rev,
        next: Bytes,
        /// None before the first page, and while a page is being decoded.
        listing: Option<Box<Listing>>,
    },
    /// What came after `after` was asked for, and was delivered up to `newest`.
    Following {
        after: Rev,
        newest: Rev,
    },
}

impl FeedReader {
    /// `prefix` is the etcd prefix without a slash at the end.
    pub(crate) fn new(feed: Feed, prefix: &str, page_limit: u64) -> Self {
        Self { feed, prefix: Bytes::from(alloc::format!("{prefix}/")), page_limit, state: State::Idle }
    }

    pub(crate) fn start_listing(&mut self, id: JobId, out: &mut Vec<Effect>) {
        self.state = State::Listing { revision: Rev(0), next: self.prefix.clone(), listing: None };
        self.ask_page(id, out);
    }

    fn ask_page(&self, id: JobId, out: &mut Vec<Effect>) {
        if let State::Listing { revision, next, .. } = &self.state {
            let op = page_from(&self.prefix, next, *revision, self.page_limit);
            out.push(Effect::Store(id, self.feed, op));
        }
    }

    /// Takes the store's answer to `ask_page`.
    ///
    /// # Errors
    /// When it is no page. The listing has ended then, and must be begun again after a pause.
    pub(crate) fn page(
        &mut self,
        id: JobId,
        stored: Stored,
        world: &World,
        out: &mut Vec<Effect>,
    ) -> Result<(), Text> {
        match page_of(stored) {
            Ok(ranged) => {
                self.take_page(id, ranged, world, out);
                Ok(())
            }
            Err(why) => {
                self.state = State::Idle;
                Err(why)
            }
        }
    }

    /// Hands out a page to be decoded.
    fn take_page(&mut self, id: JobId, ranged: Ranged, world: &World, out: &mut Vec<Effect>) {
        let State::Listing { revision, next, listing } = &mut self.state else { return };
        if *revision == Rev(0) {
            *revision = ranged.revision;
        }
        if let Some(last) = ranged.kvs.last() {
            *next = after(&last.key);
        }
        let is_last = ranged.kvs.len() as u64 != self.page_limit;
        let listing = listing.take();
        let listing = listing.unwrap_or_else(|| Box::new(Listing::new(world, self.feed, *revision)));
        out.push(Effect::Decode(Page { id, listing, kvs: ranged.kvs, is_last }));
    }

    /// Takes a decoded page. Returns the listing after the last one; the feed is then to be followed.
    pub(crate) fn decoded(&mut self, decoded: DecodedPage, out: &mut Vec<Effect>) -> Option<Box<Listing>> {
        if decoded.is_last {
            return Some(decoded.listing);
        }
        if let State::Listing { listing, .. } = &mut self.state {
            *listing = Some(decoded.listing);
            self.ask_page(decoded.id, out);
        }
        None
    }

    /// Follows, or follows again, what comes after the revision.
    pub(crate) fn follow(&mut self, after: Rev, out: &mut Vec<Effect>) {
        self.state = State::Following { after, newest: after };
        out.push(Effect::Follow { feed: self.feed, prefix: self.prefix.clone(), after });
    }

    pub(crate) fn is_following(&self) -> bool {
        matches!(self.state, State::Following { .. })
    }

    /// Leaves out the events that are older than what was asked for, or than what was delivered before: what they tell
    /// is known, and the store has changed since. Returns them. etcd 3.6 and older send some to a watch that begins
    /// ahead of its member.
    pub(crate) fn leave_out_old(&mut self, changes: &mut Changes) -> Vec<Event> {
        let State::Following { after, newest } = &mut self.state else { return Vec::new() };
        let old = changes.leave_out_old(*after, *newest);
        let delivered = changes.batch().events.last();
        *newest = delivered.map_or(*newest, |event| event.kv.mod_revision.max(*newest));
        old
    }
}

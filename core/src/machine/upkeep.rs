//! What the machine does without a request: it lists and follows feeds, and compacts.

use super::handle::Own;
use super::timers::Timer;
use super::{DecodedPage, Discarded, Effect, Machine};
use crate::answer::Frame;
use crate::config::{JobId, Note};
use crate::kinds::StorageId;
use crate::limits;
use crate::museum::Mutant;
use crate::now::Now;
use crate::status::Failure;
use crate::store::{Batch, Feed, Op, Rev, Stored, Why};
use crate::world::cache::{Applied, Change};
use crate::world::{Changes, Listing};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

impl Machine {
    pub(super) fn start(&mut self, now: Now, out: &mut Vec<Effect>) {
        for index in 0..self.feeds.len() {
            self.relist(Feed(index as u8), out);
        }
        if self.config.compaction_interval_millis > 0 {
            let at = now.mono.plus_millis(self.config.compaction_interval_millis);
            self.timers.set(at, Timer::Compaction);
        }
    }

    pub(super) fn own_id(&mut self, purpose: Own) -> JobId {
        let id = self.own_number();
        self.own.insert(id, purpose);
        id
    }

    /// The number of something that the machine does by itself.
    pub(super) fn own_number(&mut self) -> JobId {
        let id = JobId(self.own_next);
        self.own_next += 1;
        id
    }

    pub(super) fn relist(&mut self, feed: Feed, out: &mut Vec<Effect>) {
        let id = self.own_id(Own::Relist(feed));
        self.feeds[usize::from(feed.0)].start_listing(id, out);
    }

    pub(super) fn changed(&mut self, mut changes: Changes, now: Now, out: &mut Vec<Effect>) {
        let feed = changes.batch().feed;
        if !self.feeds[usize::from(feed.0)].is_following() {
            return;
        }
        let flaw = self.config.flaw;
        let old = self.feeds[usize::from(feed.0)].leave_out_old(&mut changes);
        if !old.is_empty() {
            out.push(Effect::Note(Note::OldEvents { feed, events: old.len() as u64 }));
            if flaw.is(Mutant::OldEventsApplied) {
                let old = Batch { feed, events: old, revision: Rev(0) };
                Arc::make_mut(&mut self.world).apply(old.into(), &mut Vec::new());
            }
        }
        let batch = changes.batch();
        if flaw.is(Mutant::BookmarkAheadOfEvents)
            || batch.events.is_empty() && flaw.is(Mutant::ProgressStarvesWatchers)
        {
            self.bookmark_all(feed, batch.revision, now, out);
        }
        let mut notes = Vec::new();
        self.note_arriving(changes.batch());
        let applied = Arc::make_mut(&mut self.world).apply(changes, &mut notes);
        out.extend(notes.into_iter().map(Effect::Note));
        let touched = self.touched(&applied);
        let definitions = self.definitions();
        // The changes of one revision to one collection, until the next one begins.
        let mut together: BTreeMap<StorageId, Vec<Change>> = BTreeMap::new();
        let mut at = Rev(0);
        for applied in applied {
            if applied.revision() > at {
                at = applied.revision();
                self.publish_all(&mut together, now, out);
            }
            match applied {
                Applied::Changed(change) => {
                    if Some(change.storage) == definitions {
                        self.redefine(&change, now, out);
                    }
                    together.entry(change.storage).or_default().push(change);
                }
                Applied::Spoilt(storage, revision, why) => {
                    self.publish_all(&mut together, now, out);
                    self.end_watches(storage, revision, Some(&Failure::unreadable(&why.0)), now, out);
                }
                Applied::Mended(storage, revision) => {
                    self.publish_all(&mut together, now, out);
                    self.end_watches(storage, revision, None, now, out);
                }
            }
        }
        self.publish_all(&mut together, now, out);
        self.settle_arriving(now, out);
        self.wake_fresh(feed, now, out);
        self.run_touched(touched, now, out);
    }

    /// Sends watchers the changes of a revision.
    fn publish_all(
        &mut self,
        together: &mut BTreeMap<StorageId, Vec<Change>>,
        now: Now,
        out: &mut Vec<Effect>,
    ) {
        while let Some((_, changes)) = together.pop_first() {
            self.hub.publish(&self.world, changes, now, out);
        }
    }

    /// Ends all watches of a collection, with the failure as their last event if there is one. It is called when the
    /// server cannot tell the watchers about every change any more. No watch can start before the revision
    /// afterwards.
    fn end_watches(
        &mut self,
        storage: StorageId,
        revision: Rev,
        failure: Option<&Failure>,
        now: Now,
        out: &mut Vec<Effect>,
    ) {
        let to = self.hub.ids_of(storage);
        if let Some(failure) = failure.filter(|_| !to.is_empty()) {
            out.push(Effect::Frame { to, frame: Frame::error(failure.clone()) });
        }
        self.hub.retire(storage, "a stored value cannot be read");
        self.end_some(now, out);
        self.hub.restart_window(storage, revision);
    }

    /// Ends some of the watches that are sent nothing any more, and sets a timer while there are others: each of them
    /// takes a while, and the machine must not keep others waiting for all.
    pub(super) fn end_some(&mut self, now: Now, out: &mut Vec<Effect>) {
        for _ in 0..limits::WATCHES_ENDED_AT_ONCE {
            let Some((id, why)) = self.hub.next_retired() else { return };
            self.end_watch(id, why, now, out);
        }
        if self.hub.next_retired().is_some() {
            let at = now.mono.plus_millis(limits::WATCHES_ENDED_PAUSE_MILLIS);
            self.timers.set(at, Timer::EndWatches);
        }
    }

    /// Sends bookmarks to all watchers of a feed at once. Only historical bugs of the museum do that.
    fn bookmark_all(&mut self, feed: Feed, revision: Rev, now: Now, out: &mut Vec<Effect>) {
        let of_feed = self.world.collections().filter(|held| held.feed == feed);
        for id in of_feed.flat_map(|held| self.hub.ids_of(held.storage)).collect::<Vec<_>>() {
            self.hub.bookmark(id, revision, &self.world, now, out);
        }
    }

    /// Handles a feed that broke off. One that only lost its connection is followed again. One whose revisions were
    /// compacted is listed from the start, and its watchers are closed, since changes were missed.
    pub(super) fn lost(&mut self, feed: Feed, why: Why, now: Now, out: &mut Vec<Effect>) {
        let known = !self.feeds[usize::from(feed.0)].is_following();
        if known && !self.config.flaw.is(Mutant::LostFeedEndsStart) {
            // The feed is being listed, so its loss is known already.
            return;
        }
        match why {
            Why::Disconnected(text) => {
                out.push(Effect::Note(Note::FeedLost { feed, why: text }));
                let after = self.world.revision(feed);
                self.feeds[usize::from(feed.0)].follow(after, out);
            }
            Why::Compacted { compact_revision } => {
                let why = alloc::format!("compacted at {}", compact_revision.0).into();
                out.push(Effect::Note(Note::FeedLost { feed, why }));
                self.timers.set(now.mono, Timer::Relist(feed));
            }
        }
    }

    pub(super) fn own_stored(&mut self, id: JobId, stored: Stored, now: Now, out: &mut Vec<Effect>) {
        match self.own.get(&id).copied() {
            Some(Own::Relist(feed)) => {
                if let Err(why) = self.feeds[usize::from(feed.0)].page(id, stored, &self.world, out) {
                    self.own.remove(&id);
                    out.push(Effect::Note(Note::FeedLost { feed, why }));
                    let at = now.mono.plus_millis(self.config.bounds.relist_pause_millis);
                    self.timers.set(at, Timer::Relist(feed));
                }
            }
            // Another server may have compacted already, which serves the same purpose.
            Some(Own::Compaction) => {
                self.own.remove(&id);
            }
            Some(Own::Arrival) => self.arrival_stored(id, stored, now, out),
            Some(Own::Controller) => {
                self.own.remove(&id);
                self.controller_stored(id, stored, now, out);
            }
            None => {}
        }
    }

    /// Takes a page of a listing that was decoded.
    pub(super) fn decoded(&mut self, decoded: DecodedPage, now: Now, out: &mut Vec<Effect>) {
        let id = decoded.id;
        let Some(Own::Relist(feed)) = self.own.get(&id).copied() else { return };
        if let Some(listing) = self.feeds[usize::from(feed.0)].decoded(decoded, out) {
            self.own.remove(&id);
            self.listed(feed, listing, now, out);
        }
    }

    /// Serves what was listed, and follows the feed from there. What was served before is dropped elsewhere.
    fn listed(&mut self, feed: Feed, mut listing: Box<Listing>, now: Now, out: &mut Vec<Effect>) {
        let (revision, objects) = (listing.revision(), listing.objects() as u64);
        let notes = listing.take_notes();
        let was_synced = self.world.synced();
        let Some(caches) = Arc::make_mut(&mut self.world).adopt(&listing) else {
            self.relist(feed, out);
            return;
        };
        self.feeds[usize::from(feed.0)].follow(revision, out);
        out.push(Effect::Note(Note::Listed { feed, objects, revision }));
        let storages: Vec<_> =
            self.world.collections().filter(|held| held.feed == feed).map(|held| held.storage).collect();
        let survives = was_synced && self.config.flaw.is(Mutant::WatchSurvivesRelist);
        let mut discarded = Discarded { caches, windows: Vec::new(), hints: Vec::new() };
        for storage in storages.iter().filter(|_| !survives) {
            discarded.hints.extend(self.hub.retire(*storage, "the feed was listed anew"));
            discarded.windows.push(self.hub.restart_window(*storage, revision));
        }
        self.end_some(now, out);
        out.push(Effect::Discard(discarded));
        self.restart_arriving(feed, out);
        out.extend(notes.into_iter().map(Effect::Note));
        self.redefine_all(now, out);
        self.wake_fresh(feed, now, out);
        self.feeds_listed(now, out);
    }

    /// Compacts each feed at the revision that it had one interval ago, so that at least one interval of history
    /// stays.
    /// k8s: staging/src/k8s.io/apiserver/pkg/storage/etcd3/compact.go
    pub(super) fn compact(&mut self, now: Now, out: &mut Vec<Effect>) {
        for index in 0..self.feeds.len() {
            let feed = Feed(index as u8);
            let reached = self.world.revision(feed);
            let revision = core::mem::replace(&mut self.compact_next[index], reached);
            if revision > Rev(0) {
                let id = self.own_id(Own::Compaction);
                out.push(Effect::Store(id, feed, Op::Compact(revision)));
            }
        }
        let at = now.mono.plus_millis(self.config.compaction_interval_millis);
        self.timers.set(at, Timer::Compaction);
    }
}

//! The hub of watchers: it sends each change once and in order to the watchers that it concerns, and bounds how far
//! behind each of them may fall.

mod lanes;
mod outgoing;

use super::{CollectionFigures, Effect};
use crate::answer::Subscription;
use crate::answer::{Frame, Renderer};
use crate::config::JobId;
use crate::kinds::{KindId, StorageId};
use crate::limits::Bounds;
use crate::museum::{Flaw, Mutant};
use crate::now::{Mono, Now};
use crate::store::Rev;
use crate::world::World;
use crate::world::cache::Change;
use crate::world::selection::Hint;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;
use lanes::VersionLane;
pub(crate) use lanes::{ConvertedObjects, LaneKey};
use outgoing::Outgoing;

/// All watchers of all collections.
#[derive(Debug)]
pub(crate) struct Hub {
    groups: BTreeMap<StorageId, Group>,
    /// The collection that each watcher belongs to.
    members: BTreeMap<JobId, StorageId>,
    /// Watchers that have missed changes and are sent nothing any more, until they are removed some at a time; with
    /// the reason. None of the maps is empty.
    retired: VecDeque<(&'static str, BTreeMap<JobId, Watcher>)>,
    /// Lanes for whose watchers something has to be converted.
    in_need: BTreeSet<LaneKey>,
    /// Watchers of lanes have been retired, and nobody ends them yet.
    has_left_behind: bool,
    bounds: Bounds,
    flaw: Flaw,
}

/// The watchers of one collection, and its recent changes.
#[derive(Debug, Default)]
struct Group {
    window: Window,
    /// The window holds every change after this revision.
    window_after: Rev,
    /// How many bytes are in memory only because the window refers to them.
    window_bytes: usize,
    watchers: BTreeMap<JobId, Watcher>,
    /// Watchers by the narrowest index (name, node, namespace, all) that their selection allows.
    by_hint: Hints,
    /// The other watchers: those of versions that a webhook converts.
    lanes: BTreeMap<KindId, VersionLane>,
}

/// Watchers by the narrowest index that their selection allows.
pub(crate) type Hints = BTreeMap<Hint, Vec<JobId>>;

/// Recent changes of a collection, in order, and when each became known.
pub(crate) type Window = VecDeque<(Mono, Arc<Change>)>;

#[derive(Debug)]
struct Watcher {
    subscription: Subscription,
    /// The revision of the last change that was considered for this watcher.
    at: Rev,
    /// How many frames were sent that the client has not taken yet.
    outstanding: usize,
    /// The revision that the last frame of changes holds, 0 before the first.
    framed: Rev,
    /// The watcher is too far behind: its changes are kept in the window only, until the client catches up.
    parked: bool,
    first: bool,
    events: u64,
}

/// What `remove` returns about a watcher, for metrics.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Removed {
    pub(crate) events: u64,
    pub(crate) ends_at: Mono,
}

impl Hub {
    pub(crate) fn new(storages: impl Iterator<Item = StorageId>, bounds: Bounds, flaw: Flaw) -> Self {
        let groups = storages.map(|storage| (storage, Group::default())).collect();
        Self {
            groups,
            members: BTreeMap::new(),
            retired: VecDeque::new(),
            in_need: BTreeSet::new(),
            has_left_behind: false,
            bounds,
            flaw,
        }
    }

    /// Begins to keep the changes of a collection, which are known after the revision.
    pub(crate) fn add(&mut self, storage: StorageId, after: Rev) {
        self.groups.insert(storage, Group { window_after: after, ..Group::default() });
    }

    /// Forgets a collection. Its watchers have been ended before.
    pub(crate) fn drop_group(&mut self, storage: StorageId) {
        self.groups.remove(&storage);
    }

    /// Empties the window of a collection, and returns what was in it: a watch can start at the revision or later, not
    /// before it.
    pub(crate) fn restart_window(&mut self, storage: StorageId, after: Rev) -> Window {
        let Some(group) = self.groups.get_mut(&storage) else { return Window::default() };
        group.window_bytes = 0;
        group.window_after = after;
        group.lanes.values_mut().for_each(|lane| lane.known.clear());
        core::mem::take(&mut group.window)
    }

    /// The revision from which on the collection's changes are known. None when the collection has gone.
    pub(crate) fn window_after(&self, storage: StorageId) -> Option<Rev> {
        let group = self.groups.get(&storage)?;
        if self.flaw.is(Mutant::LostEventOfEmptyWindow) && group.window.is_empty() {
            return Some(Rev(group.window_after.0.saturating_sub(1)));
        }
        Some(group.window_after)
    }

    /// The figures of all collections.
    pub(super) fn figures(&self) -> impl Iterator<Item = (StorageId, CollectionFigures)> {
        self.groups.iter().map(|(storage, group)| {
            let figures = CollectionFigures {
                window_changes: group.window.len(),
                window_bytes: group.window_bytes,
                watchers: group.watchers.len(),
                watchers_behind: group.watchers.values().filter(|watcher| watcher.parked).count(),
                frames_untaken: group.watchers.values().map(|watcher| watcher.outstanding).sum(),
            };
            (*storage, figures)
        })
    }

    pub(crate) fn groups(&self) -> usize {
        self.groups.len()
    }

    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = JobId> {
        self.members.keys().copied()
    }

    pub(crate) fn ids_of(&self, storage: StorageId) -> Vec<JobId> {
        let group = self.groups.get(&storage);
        group.map_or_else(Vec::new, |group| group.watchers.keys().copied().collect())
    }

    /// Adds a watcher and sends it what happened since its start. False when the window no longer reaches back that
    /// far, or the collection has gone.
    #[must_use]
    pub(crate) fn open(
        &mut self,
        id: JobId,
        mut subscription: Subscription,
        world: &World,
        now: Now,
        out: &mut Vec<Effect>,
    ) -> bool {
        let storage = subscription.storage;
        if self.window_after(storage).is_none_or(|oldest| subscription.after < oldest) {
            return false;
        }
        let Some(group) = self.groups.get_mut(&storage) else { return false };
        if self.flaw.is(Mutant::ReplayedEvents) {
            subscription.after = group.window_after;
        }
        if self.flaw.is(Mutant::InclusiveStart) {
            subscription.after.0 = subscription.after.0.saturating_sub(1);
        }
        let lane = subscription.is_converted.then_some((storage, subscription.form.resource));
        match lane {
            Some((_, kind)) => {
                group.lanes.entry(kind).or_default().ids.insert(id);
            }
            None => group.by_hint.entry(subscription.filter.hint()).or_default().push(id),
        }
        let first = subscription.nothing_sent;
        let at = subscription.after;
        group.watchers.insert(
            id,
            Watcher { subscription, at, outstanding: 0, framed: Rev(0), parked: false, first, events: 0 },
        );
        self.members.insert(id, storage);
        match lane {
            Some(lane) => self.advance(lane, &ConvertedObjects::new(), world, now, out),
            None => self.catch_up(id, world, now, out),
        }
        true
    }

    /// Removes a watcher. None when there is no such watcher.
    pub(crate) fn remove(&mut self, id: JobId) -> Option<Removed> {
        let storage = self.members.remove(&id)?;
        if let Some(watcher) = self.remove_retired(id) {
            return Some(watcher.removed());
        }
        let group = self.groups.get_mut(&storage)?;
        let watcher = group.watchers.remove(&id)?;
        if watcher.subscription.is_converted {
            group.leave_lane(id, watcher.subscription.form.resource);
            return Some(watcher.removed());
        }
        let hint = watcher.subscription.filter.hint();
        if let Some(ids) = group.by_hint.get_mut(&hint) {
            ids.retain(|held| *held != id);
            if ids.is_empty() {
                group.by_hint.remove(&hint);
            }
        }
        Some(watcher.removed())
    }

    fn remove_retired(&mut self, id: JobId) -> Option<Watcher> {
        let (place, watcher) = (0..).zip(&mut self.retired).find_map(|(place, (_, watchers))| {
            let watcher = watchers.remove(&id)?;
            Some((watchers.is_empty().then_some(place), watcher))
        })?;
        if let Some(empty) = place {
            self.retired.remove(empty);
        }
        Some(watcher)
    }

    /// Sends nothing any more to the watchers of a collection, which are to be removed one after the other. Returns
    /// their index.
    pub(crate) fn retire(&mut self, storage: StorageId, why: &'static str) -> Option<Hints> {
        let group = self.groups.get_mut(&storage)?;
        let watchers = core::mem::take(&mut group.watchers);
        group.lanes.clear();
        if !watchers.is_empty() {
            self.retired.push_back((why, watchers));
        }
        Some(core::mem::take(&mut group.by_hint))
    }

    /// The watcher that is to be removed next, and why.
    pub(crate) fn next_retired(&self) -> Option<(JobId, &'static str)> {
        let (why, watchers) = self.retired.front()?;
        watchers.keys().next().map(|id| (*id, *why))
    }

    /// Notes that the client took frames. A parked watcher that has caught up enough is continued; false is returned
    /// for one whose changes have left the window, since it would miss them.
    #[must_use]
    pub(crate) fn credit(
        &mut self,
        id: JobId,
        frames: u32,
        world: &World,
        now: Now,
        out: &mut Vec<Effect>,
    ) -> bool {
        let Some(storage) = self.members.get(&id) else { return true };
        let Some(group) = self.groups.get_mut(storage) else { return true };
        let Some(watcher) = group.watchers.get_mut(&id) else { return true };
        watcher.outstanding = watcher.outstanding.saturating_sub(frames as usize);
        if watcher.parked && watcher.outstanding <= self.bounds.watcher_queue_frames / 2 {
            if watcher.at < group.window_after {
                return false;
            }
            watcher.parked = false;
            let (storage, is_converted) = (*storage, watcher.subscription.is_converted);
            let lane = (storage, watcher.subscription.form.resource);
            match is_converted {
                true => self.advance(lane, &ConvertedObjects::new(), world, now, out),
                false => self.catch_up(id, world, now, out),
            }
        }
        true
    }

    /// Sends one watcher the changes of the window that it has not seen, until its queue is full.
    fn catch_up(&mut self, id: JobId, world: &World, now: Now, out: &mut Vec<Effect>) {
        let Some(storage) = self.members.get(&id) else { return };
        let Some(group) = self.groups.get_mut(storage) else { return };
        let Some(watcher) = group.watchers.get_mut(&id) else { return };
        let mut at = group.window.partition_point(|(_, change)| change.revision <= watcher.at);
        while let Some(revision) = group.window.get(at).map(|(_, change)| change.revision) {
            let to = group.window.partition_point(|(_, change)| change.revision <= revision);
            let mut outgoing = Outgoing::default();
            for (_, change) in group.window.range(at..to) {
                outgoing.start(change);
                outgoing.offer(id, watcher, &self.bounds, self.flaw);
            }
            outgoing.send(world, now, self.flaw, out);
            if watcher.parked {
                return;
            }
            at = to;
        }
    }

    /// Puts the changes that one revision made to one collection into the window, and sends them to all watchers that
    /// they concern, in one frame for all that see them in the same way.
    pub(crate) fn publish(&mut self, world: &World, changes: Vec<Change>, now: Now, out: &mut Vec<Effect>) {
        let Some(storage) = changes.first().map(|change| change.storage) else { return };
        let (Some(group), Some(cache)) = (self.groups.get_mut(&storage), world.cache(storage)) else {
            return;
        };
        let mut outgoing = Outgoing::default();
        for change in changes {
            let change = Arc::new(change);
            group.window_bytes += bytes_kept(&change);
            group.window.push_back((now.mono, change.clone()));
            outgoing.start(&change);
            for hint in Hint::of_change(&change, cache) {
                for id in group.by_hint.get(&hint).map_or(&[][..], Vec::as_slice) {
                    if let Some(watcher) = group.watchers.get_mut(id) {
                        outgoing.offer(*id, watcher, &self.bounds, self.flaw);
                    }
                }
            }
        }
        group.trim(now.mono, &self.bounds);
        outgoing.send(world, now, self.flaw, out);
        self.advance_all(storage, world, now, out);
    }

    /// Sends a bookmark to a watcher that asked for them. It promises that the watcher has seen every change up to
    /// the revision.
    pub(crate) fn bookmark(
        &mut self,
        id: JobId,
        revision: Rev,
        world: &World,
        now: Now,
        out: &mut Vec<Effect>,
    ) {
        let Some(storage) = self.members.get(&id) else { return };
        let Some(group) = self.groups.get_mut(storage) else { return };
        let Some(watcher) = group.watchers.get_mut(&id) else { return };
        let room = !watcher.parked && watcher.outstanding < self.bounds.watcher_queue_frames;
        let room = room || self.flaw.is(Mutant::ProgressStarvesWatchers);
        // A watcher of a lane may still have to be told of what is not converted.
        let newest = group.window.back().map_or(Rev(0), |(_, change)| change.revision);
        if watcher.subscription.is_converted && watcher.at < newest {
            return;
        }
        if !watcher.subscription.bookmarks || !room || revision < watcher.at {
            return;
        }
        watcher.outstanding += 1;
        watcher.at = revision;
        let form = watcher.subscription.form;
        let frame = Frame::bookmark(Renderer::new(world, now.wall), form, revision);
        out.push(Effect::Frame { to: alloc::vec![id], frame });
    }

    pub(crate) fn storage_of(&self, id: JobId) -> Option<StorageId> {
        self.members.get(&id).copied()
    }

    /// Asserts invariants that only a bug in this file can break.
    pub(crate) fn check(&self) {
        let members: usize = self.groups.values().map(|group| group.watchers.len()).sum();
        let retired: usize = self.retired.iter().map(|(_, watchers)| watchers.len()).sum();
        assert_eq!(
            members + retired,
            self.members.len(),
            "every watcher is a member of one group, or retired"
        );
        for group in self.groups.values() {
            if group.watchers.is_empty() && group.by_hint.is_empty() && group.window.is_empty() {
                continue;
            }
            let hinted: usize = group.by_hint.values().map(Vec::len).sum();
            let in_lanes: usize = group.lanes.values().map(|lane| lane.ids.len()).sum();
            assert_eq!(hinted + in_lanes, group.watchers.len(), "every watcher is found by one hint or lane");
            for lane in group.lanes.values() {
                assert!(!lane.ids.is_empty(), "a lane goes with its last watcher");
                let is_kept = |(revision, _): &(Rev, Bytes)| *revision > group.window_after;
                assert!(lane.known.keys().all(is_kept), "a lane keeps what the window keeps");
            }
            assert!(group.window.len() <= self.bounds.window_events_max, "the window is bounded");
            let revisions = group.window.iter().map(|(_, change)| change.revision);
            assert!(revisions.is_sorted(), "the window is in revision order");
            let kept: usize = group.window.iter().map(|(_, change)| bytes_kept(change)).sum();
            assert_eq!(kept, group.window_bytes, "the window's bytes are counted");
            assert!(kept <= self.bounds.window_bytes, "the window's bytes are bounded");
            for watcher in group.watchers.values() {
                let bounded = watcher.outstanding <= self.bounds.watcher_queue_frames;
                let flawed = self.flaw.is(Mutant::ProgressStarvesWatchers);
                assert!(bounded || flawed, "a watcher's queue is bounded");
            }
        }
    }
}

impl Group {
    /// Forgets changes that are old enough, and the oldest when there are too many.
    fn trim(&mut self, now: Mono, bounds: &Bounds) {
        while let Some((at, change)) = self.window.front() {
            let old = now.micros_since(*at) > bounds.window_keep_millis * 1000;
            let many = self.window.len() > bounds.window_events_min;
            let too_many = self.window.len() > bounds.window_events_max;
            let large = self.window_bytes > bounds.window_bytes;
            let goes = old && many || too_many || large;
            if !goes {
                break;
            }
            self.window_after = change.revision;
            self.forget_first();
        }
        // All changes of one revision leave together: a watch starts after a revision and would otherwise miss a part
        // of one.
        while self.window.front().is_some_and(|(_, change)| change.revision <= self.window_after) {
            self.forget_first();
        }
    }

    fn forget_first(&mut self) {
        if let Some((_, change)) = self.window.pop_front() {
            self.window_bytes -= bytes_kept(&change);
            for lane in self.lanes.values_mut() {
                lane.known.remove(&lanes::place(&change));
            }
        }
    }

    /// Takes a watcher out of its lane.
    fn leave_lane(&mut self, id: JobId, kind: KindId) {
        if let Some(lane) = self.lanes.get_mut(&kind) {
            lane.ids.remove(&id);
            if lane.ids.is_empty() {
                self.lanes.remove(&kind);
            }
        }
    }
}

/// How many bytes stay in memory because the window holds this change: those of the object before it. The object
/// after it is also in the cache, or is the object before a later change, and would be counted twice.
fn bytes_kept(change: &Change) -> usize {
    const CHANGE_BYTES: usize = 512;
    CHANGE_BYTES + change.old.as_ref().map_or(0, |old| old.len_bytes())
}

impl Watcher {
    fn removed(&self) -> Removed {
        Removed { events: self.events, ends_at: self.subscription.ends_at }
    }
}

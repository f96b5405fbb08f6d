//! The hub of watchers: it sends each change once and in order to the watchers that it concerns, and bounds how far
//! behind each of them may fall.

mod lanes;

use super::Effect;
use crate::answer::Subscription;
use crate::answer::{EventForm, EventKind, Frame, Renderer, Seen};
use crate::config::JobId;
use crate::kinds::{KindId, StorageId};
use crate::limits::{self, Bounds};
use crate::museum::{Flaw, Mutant};
use crate::now::{Mono, Now};
use crate::store::Rev;
use crate::world::World;
use crate::world::cache::{Change, Entry};
use crate::world::selection::Hint;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;
use lanes::VersionLane;
pub(crate) use lanes::{ConvertedObjects, LaneKey};

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

/// How a watcher sees a change. Watchers that see it in the same way share one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Sight {
    form: EventForm,
    kind: EventKind,
    /// The first frame of a Table watch carries the column definitions, the others do not.
    first: bool,
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
        group
            .watchers
            .insert(id, Watcher { subscription, at, outstanding: 0, parked: false, first, events: 0 });
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
        let from = group.window.partition_point(|(_, change)| change.revision <= watcher.at);
        for (_, change) in group.window.range(from..) {
            if watcher.is_full_before(change, &self.bounds, self.flaw) {
                watcher.parked = true;
                return;
            }
            if let Some(sight) = watcher.take(change, self.flaw) {
                let frame = frame(world, sight, change, now, self.flaw);
                out.push(Effect::Frame { to: alloc::vec![id], frame });
            }
        }
    }

    /// Puts a change into the window and sends it to all watchers that it concerns, in one frame for all that see it in
    /// the same way.
    pub(crate) fn publish(&mut self, world: &World, change: Change, now: Now, out: &mut Vec<Effect>) {
        let (Some(group), Some(cache)) = (self.groups.get_mut(&change.storage), world.cache(change.storage))
        else {
            return;
        };
        let storage = change.storage;
        let change = Arc::new(change);
        group.window_bytes += bytes_kept(&change);
        group.window.push_back((now.mono, change.clone()));
        group.trim(now.mono, &self.bounds);
        let mut sights: BTreeMap<Sight, Vec<JobId>> = BTreeMap::new();
        for hint in Hint::of_change(&change, cache) {
            for id in group.by_hint.get(&hint).map_or(&[][..], Vec::as_slice) {
                let Some(watcher) = group.watchers.get_mut(id) else { continue };
                if watcher.parked {
                    continue;
                }
                if watcher.is_full_before(&change, &self.bounds, self.flaw) {
                    watcher.parked = true;
                    continue;
                }
                if let Some(sight) = watcher.take(&change, self.flaw) {
                    sights.entry(sight).or_default().push(*id);
                }
            }
        }
        for (sight, to) in sights {
            out.push(Effect::Frame { to, frame: frame(world, sight, &change, now, self.flaw) });
        }
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
                let bound = self.bounds.watcher_queue_frames + limits::REVISION_CHANGES;
                assert!(watcher.outstanding <= bound, "a watcher's queue is bounded");
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

    /// Whether the watcher's queue has no room for a change. All changes of one revision go together, since a watcher
    /// resumes after a revision; the rest of a revision that was begun may therefore exceed the bound.
    fn is_full_before(&self, change: &Change, bounds: &Bounds, flaw: Flaw) -> bool {
        let starts = change.revision > self.at || flaw.is(Mutant::RestOfRevisionLost);
        self.outstanding >= bounds.watcher_queue_frames && starts
    }

    /// Moves the watcher past a change and returns how it sees it, if it sees it at all.
    fn take(&mut self, change: &Change, flaw: Flaw) -> Option<Sight> {
        if change.revision < self.at || change.revision <= self.subscription.after {
            return None;
        }
        self.at = change.revision;
        let matches = |entry: &Option<Arc<Entry>>| {
            entry.as_ref().is_some_and(|entry| self.subscription.filter.matches(entry))
        };
        let kind = match (matches(&change.old), matches(&change.new)) {
            (false, true) => EventKind::Added,
            (true, true) => EventKind::Modified,
            (true, false) if change.new.is_some() && flaw.is(Mutant::DepartureUntold) => return None,
            (true, false) => EventKind::Deleted,
            (false, false) => return None,
        };
        let form = self.subscription.form;
        let first = self.first && form.first_differs();
        self.first = false;
        self.outstanding += 1;
        self.events += 1;
        Some(Sight { form, kind, first })
    }
}

/// A change as a frame. A deletion shows the object as it was before, with the revision of the deletion.
fn frame(world: &World, sight: Sight, change: &Change, now: Now, flaw: Flaw) -> Frame {
    let shown = match sight.kind {
        EventKind::Deleted if change.new.is_some() && flaw.is(Mutant::DeletedCarriesUpdate) => &change.new,
        EventKind::Deleted => &change.old,
        EventKind::Added | EventKind::Modified => &change.new,
    };
    let shown = shown.as_ref().expect("a watcher sees an object that it selects");
    let Sight { form, kind, first } = sight;
    let seen = Seen { form, kind, first, entry: shown.clone(), revision: change.revision };
    Frame::change(Renderer::new(world, now.wall), seen)
}

//! Watchers of a version that a webhook converts: a lane for each version of a collection. A change is sent to a lane
//! when both of its objects are converted, and after all changes before it, so a slow converter holds up the watchers
//! of its version and nobody else. What waits is the window of the collection, and nothing beside it: watchers whose
//! next change leaves the window unconverted are closed. All watchers of a lane share the conversions.
//! k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/customresource_handler.go, where each version has a
//! watch cache of its own

use super::outgoing::Outgoing;
use super::{Effect, Hub, Watcher, Window};
use crate::config::JobId;
use crate::kinds::{KindId, StorageId};
use crate::limits;
use crate::now::Now;
use crate::store::Rev;
use crate::world::World;
use crate::world::cache::{Change, Entry};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;

/// A version of a collection.
pub(crate) type LaneKey = (StorageId, KindId);

/// Objects in the version of a lane, by key and revision.
pub(crate) type ConvertedObjects = BTreeMap<(Bytes, Rev), Arc<Entry>>;

/// The watchers of one version.
#[derive(Debug, Default)]
pub(super) struct VersionLane {
    pub(super) ids: BTreeSet<JobId>,
    /// The changes of the window that are converted, by revision and key.
    pub(super) known: BTreeMap<(Rev, Bytes), Arc<Change>>,
    /// The job that converts for the lane.
    pub(super) asking: Option<JobId>,
}

/// What names a change in its collection.
pub(super) fn place(change: &Change) -> (Rev, Bytes) {
    let entry = change.new.as_ref().or(change.old.as_ref());
    (change.revision, entry.map(|entry| entry.key().clone()).unwrap_or_default())
}

impl VersionLane {
    /// Finds out which changes of the window after the revision are converted. Whether all are.
    fn resolve(
        &mut self,
        window: &Window,
        after: Rev,
        kind: KindId,
        learned: &ConvertedObjects,
        world: &World,
    ) -> bool {
        let from = window.partition_point(|(_, change)| change.revision <= after);
        let mut is_whole = true;
        for (_, change) in window.range(from..) {
            let place = place(change);
            if self.known.contains_key(&place) {
                continue;
            }
            let found = |entry: &Option<Arc<Entry>>| match entry {
                None => Some(None),
                Some(entry) => self.object(change, entry, kind, learned, world).map(Some),
            };
            match (found(&change.new), found(&change.old)) {
                (Some(new), Some(old)) => {
                    let Change { storage, revision, .. } = **change;
                    let converted = Change { storage, revision, new, old, old_converted: Vec::new() };
                    self.known.insert(place, Arc::new(converted));
                }
                (None, _) | (_, None) => is_whole = false,
            }
        }
        is_whole
    }

    /// An object of a change in the version of the lane, as far as it is known.
    fn object(
        &self,
        change: &Change,
        entry: &Arc<Entry>,
        kind: KindId,
        learned: &ConvertedObjects,
        world: &World,
    ) -> Option<Arc<Entry>> {
        if entry.version() == kind {
            return Some(entry.clone());
        }
        let (key, revision) = (entry.key(), entry.revision());
        let of_change = || {
            let is_it = |held: &&Arc<Entry>| held.version() == kind && held.revision() == revision;
            change.old_converted.iter().find(is_it)
        };
        let before = || self.known.get(&(revision, key.clone())).and_then(|before| before.new.as_ref());
        let learned = learned.get(&(key.clone(), revision));
        learned.or_else(of_change).or_else(before).or_else(|| world.converted(kind, entry)).cloned()
    }

    /// The objects that have to be converted for the changes after the revision, the first ones.
    fn missing(&self, window: &Window, after: Rev, kind: KindId, world: &World) -> Vec<Arc<Entry>> {
        let from = window.partition_point(|(_, change)| change.revision <= after);
        let mut missing: ConvertedObjects = BTreeMap::new();
        for (_, change) in window.range(from..) {
            if missing.len() >= limits::CONVERSION_OBJECTS {
                break;
            }
            if self.known.contains_key(&place(change)) {
                continue;
            }
            for entry in [&change.old, &change.new].into_iter().flatten() {
                if self.object(change, entry, kind, &BTreeMap::new(), world).is_none() {
                    missing.insert((entry.key().clone(), entry.revision()), entry.clone());
                }
            }
        }
        missing.into_values().collect()
    }

    /// The oldest revision after which a watcher of the lane still has to be told something.
    fn least(&self, watchers: &BTreeMap<JobId, Watcher>) -> Option<Rev> {
        let waiting = self.ids.iter().filter_map(|id| watchers.get(id)).filter(|watcher| !watcher.parked);
        waiting.map(|watcher| watcher.at).min()
    }
}

impl Hub {
    /// Sends the watchers of a lane what is converted. `learned` has objects that have just been converted.
    pub(crate) fn advance(
        &mut self,
        lane: LaneKey,
        learned: &ConvertedObjects,
        world: &World,
        now: Now,
        out: &mut Vec<Effect>,
    ) {
        let (storage, kind) = lane;
        let Some(group) = self.groups.get_mut(&storage) else { return };
        let (window, watchers) = (&group.window, &mut group.watchers);
        let Some(held) = group.lanes.get_mut(&kind) else { return };
        let Some(least) = held.least(watchers) else { return };
        if !held.resolve(window, least, kind, learned, world) {
            self.in_need.insert(lane);
        }
        let mut at = window.partition_point(|(_, change)| change.revision <= least);
        while let Some(revision) = window.get(at).map(|(_, change)| change.revision) {
            // All changes of one revision go together, since a watcher resumes after a revision.
            let to = window.partition_point(|(_, change)| change.revision <= revision);
            let converted = window.range(at..to).map(|(_, change)| held.known.get(&place(change)).cloned());
            let Some(changes) = converted.collect::<Option<Vec<Arc<Change>>>>() else { return };
            let waits = |id: &&JobId| watchers.get(id).is_some_and(|held| !held.parked && held.at < revision);
            let waiting: Vec<JobId> = held.ids.iter().filter(waits).copied().collect();
            let mut outgoing = Outgoing::default();
            for change in &changes {
                outgoing.start(change);
                for id in &waiting {
                    if let Some(watcher) = watchers.get_mut(id) {
                        outgoing.offer(*id, watcher, &self.bounds, self.flaw);
                    }
                }
            }
            outgoing.send(world, now, self.flaw, out);
            at = to;
        }
    }

    /// Sends all lanes of a collection what they can be sent, after the window has changed. Watchers whose next change
    /// has left the window are not sent anything any more.
    pub(super) fn advance_all(&mut self, storage: StorageId, world: &World, now: Now, out: &mut Vec<Effect>) {
        let Some(group) = self.groups.get(&storage).filter(|group| !group.lanes.is_empty()) else { return };
        let kinds: Vec<KindId> = group.lanes.keys().copied().collect();
        let is_behind = |id: &&JobId| {
            group.watchers.get(id).is_some_and(|held| !held.parked && held.at < group.window_after)
        };
        let behind: Vec<JobId> =
            group.lanes.values().flat_map(|lane| lane.ids.iter()).filter(is_behind).copied().collect();
        self.retire_some(&behind, "too slow: its converter has not converted what left the window");
        for kind in kinds {
            self.advance((storage, kind), &BTreeMap::new(), world, now, out);
        }
    }

    /// Sends nothing any more to these watchers of lanes, which are to be removed one after the other.
    pub(crate) fn retire_some(&mut self, ids: &[JobId], why: &'static str) {
        let mut retired = BTreeMap::new();
        for id in ids {
            let Some(storage) = self.members.get(id) else { continue };
            let Some(group) = self.groups.get_mut(storage) else { continue };
            if let Some(watcher) = group.watchers.remove(id) {
                group.leave_lane(*id, watcher.subscription.form.resource);
                retired.insert(*id, watcher);
            }
        }
        if !retired.is_empty() {
            self.retired.push_back((why, retired));
            self.has_left_behind = true;
        }
    }

    /// Whether watchers of lanes have been retired since this was asked last.
    pub(crate) fn take_left_behind(&mut self) -> bool {
        core::mem::take(&mut self.has_left_behind)
    }

    /// The next lane for which something has to be converted, and what: nobody converts for it now.
    pub(crate) fn next_in_need(&mut self, world: &World) -> Option<(LaneKey, Vec<Arc<Entry>>)> {
        while let Some(lane) = self.in_need.pop_first() {
            let (storage, kind) = lane;
            let Some(group) = self.groups.get(&storage) else { continue };
            let Some(held) = group.lanes.get(&kind).filter(|held| held.asking.is_none()) else { continue };
            let Some(least) = held.least(&group.watchers) else { continue };
            let missing = held.missing(&group.window, least, kind, world);
            if !missing.is_empty() {
                return Some((lane, missing));
            }
        }
        None
    }

    /// Notes the job that converts for a lane.
    pub(crate) fn set_asking(&mut self, (storage, kind): LaneKey, job: Option<JobId>) {
        if let Some(lane) = self.groups.get_mut(&storage).and_then(|group| group.lanes.get_mut(&kind)) {
            lane.asking = job;
        }
    }

    /// The job that converts for a lane; None for a lane that has gone, too.
    pub(crate) fn asking(&self, (storage, kind): LaneKey) -> Option<JobId> {
        self.groups.get(&storage)?.lanes.get(&kind)?.asking
    }

    /// The watchers of a lane.
    pub(crate) fn ids_of_lane(&self, (storage, kind): LaneKey) -> Vec<JobId> {
        let lane = self.groups.get(&storage).and_then(|group| group.lanes.get(&kind));
        lane.map_or_else(Vec::new, |lane| lane.ids.iter().copied().collect())
    }
}

//! The changes of one revision on their way to watchers. A watcher that resumes does so after a revision, so it gets
//! all that it sees of one in one frame: a connection that breaks between two frames breaks between two revisions.

use super::Watcher;
use crate::answer::{EventForm, EventKind, Frame, Renderer, Seen};
use crate::config::JobId;
use crate::limits::Bounds;
use crate::machine::Effect;
use crate::museum::{Flaw, Mutant};
use crate::now::Now;
use crate::world::World;
use crate::world::cache::{Change, Entry};
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Changes of one revision to one collection, in order, and who sees them.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    changes: Vec<(Arc<Change>, Sights)>,
}

/// Watchers by how they see a change.
type Sights = BTreeMap<Sight, Vec<JobId>>;

/// How a watcher sees a change. Watchers that see the changes of a revision in the same way share one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Sight {
    form: EventForm,
    kind: EventKind,
    /// The first event of a Table watch carries the column definitions, the others do not.
    first: bool,
}

impl Outgoing {
    /// Begins with the next change.
    pub(super) fn start(&mut self, change: &Arc<Change>) {
        self.changes.push((change.clone(), Sights::new()));
    }

    /// Offers the change that was begun last to a watcher. One whose queue has no room for the revision is parked.
    pub(super) fn offer(&mut self, id: JobId, watcher: &mut Watcher, bounds: &Bounds, flaw: Flaw) {
        let Some((change, sights)) = self.changes.last_mut().filter(|_| !watcher.parked) else { return };
        if watcher.is_full_before(change, bounds, flaw) {
            watcher.parked = true;
        } else if let Some(sight) = watcher.take(change, flaw) {
            sights.entry(sight).or_default().push(id);
        }
    }

    /// Sends the changes.
    pub(super) fn send(self, world: &World, now: Now, flaw: Flaw, out: &mut Vec<Effect>) {
        let renderer = || Renderer::new(world, now.wall);
        if self.changes.len() < 2 || flaw.is(Mutant::RevisionInPieces) {
            for (change, sights) in self.changes {
                for (sight, to) in sights {
                    let frame = Frame::change(renderer(), sight.of(&change, flaw));
                    out.push(Effect::Frame { to, frame });
                }
            }
            return;
        }
        let mut seen: BTreeMap<JobId, Vec<(usize, Sight)>> = BTreeMap::new();
        for (place, (_, sights)) in self.changes.iter().enumerate() {
            for (sight, to) in sights {
                for id in to {
                    seen.entry(*id).or_default().push((place, *sight));
                }
            }
        }
        let mut alike: BTreeMap<Vec<(usize, Sight)>, Vec<JobId>> = BTreeMap::new();
        for (id, sights) in seen {
            alike.entry(sights).or_default().push(id);
        }
        for (sights, to) in alike {
            let seen = sights.into_iter().map(|(place, sight)| sight.of(&self.changes[place].0, flaw));
            out.push(Effect::Frame { to, frame: Frame::changes(renderer(), seen.collect()) });
        }
    }
}

impl Sight {
    /// The change as it is seen. A deletion shows the object as it was before, with the revision of the deletion.
    fn of(self, change: &Change, flaw: Flaw) -> Seen {
        let Self { form, kind, first } = self;
        let shown = match kind {
            EventKind::Deleted if change.new.is_some() && flaw.is(Mutant::DeletedCarriesUpdate) => {
                &change.new
            }
            EventKind::Deleted => &change.old,
            EventKind::Added | EventKind::Modified => &change.new,
        };
        let entry = shown.clone().expect("a watcher sees an object that it selects");
        Seen { form, kind, first, entry, revision: change.revision }
    }
}

impl Watcher {
    /// Whether the watcher's queue has no room for a change. All changes of a revision share a frame, so there is room
    /// for the rest of one that was begun.
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
        if self.framed < change.revision {
            self.framed = change.revision;
            self.outstanding += 1;
        }
        self.events += 1;
        Some(Sight { form, kind, first })
    }
}

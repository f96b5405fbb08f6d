//! A watch delivers every selected change once, in order and as it was stored, and every bookmark is true.

use super::selection::{is_same, is_stored};
use super::{Guarantee, Selection, Violation};
use crate::client::{WatchEvent, WatchEventKind};
use crate::client_request::{ClientRequest, VersionChoice};
use crate::directory::Directory;
use crate::truth::{CommittedChange, StoredObject, Truth};
use std::sync::Arc;
use steersman_core::store::Rev;
use steersman_core::value::object;

/// One watch, followed from its start.
#[derive(Clone, Debug)]
pub struct Follow {
    selection: Selection,
    /// The position in the truth's log up to which every selected change has been delivered.
    next: usize,
    /// The revision of the last event or bookmark.
    at: Rev,
    /// The initial objects that are still to come, if the watch begins with the existing ones.
    initial: Option<Vec<Arc<StoredObject>>>,
    /// The revision of the initial objects.
    began_at: Rev,
}

impl Follow {
    /// Follows a watch that was opened with status 200 by a step that saw the store at `seen`.
    ///
    /// # Errors
    /// When its initial objects are older than the client asked for.
    pub fn open(
        ask: &ClientRequest,
        seen: Rev,
        asked_at: Rev,
        truth: &Truth,
        directory: &Directory,
    ) -> Result<Option<Self>, Violation> {
        let Some(selection) = Selection::of(ask, directory) else { return Ok(None) };
        let (initial, from) = match ask.options.version {
            VersionChoice::NotOlderThan(from) | VersionChoice::Exact(from)
                if !ask.options.send_initial_events =>
            {
                (false, from)
            }
            VersionChoice::NotOlderThan(_)
            | VersionChoice::Exact(_)
            | VersionChoice::Any
            | VersionChoice::Unset => (true, seen),
        };
        let least = match ask.options.version {
            VersionChoice::Unset => asked_at,
            VersionChoice::Any => Rev(0),
            VersionChoice::NotOlderThan(least) | VersionChoice::Exact(least) => least,
        };
        if from < least {
            let detail =
                format!("a watch begins with the state at {} and must be as new as {}", from.0, least.0);
            return Err(Violation::new(Guarantee::ListsAreAsNewAsAsked, detail));
        }
        let next = truth.place_after(from);
        // The list is reversed, since the next object is taken from its end.
        let initial = initial.then(|| {
            let mut state: Vec<_> = selection.at(truth, from).cloned().collect();
            state.reverse();
            state
        });
        Ok(Some(Self { selection, next, at: from, initial, began_at: from }))
    }

    /// The revision of the last event or bookmark, or of the start.
    pub fn at(&self) -> Rev {
        self.at
    }

    /// The change that the last event showed.
    pub fn last_change<'a>(&self, truth: &'a Truth) -> Option<&'a CommittedChange> {
        truth.log().get(self.next.checked_sub(1)?)
    }

    /// Whether initial objects are still to come.
    pub fn awaits_state(&self) -> bool {
        self.initial.as_ref().is_some_and(|left| !left.is_empty())
    }

    /// The next event.
    ///
    /// # Errors
    /// When it is not the one that must come next.
    pub fn event(&mut self, event: &WatchEvent, truth: &Truth) -> Result<(), Violation> {
        if let Some(stored) = self.initial.as_mut().and_then(Vec::pop) {
            return self.initial_event(event, &stored);
        }
        match event.kind {
            WatchEventKind::Added | WatchEventKind::Modified | WatchEventKind::Deleted => {
                self.change(event, truth)
            }
            WatchEventKind::Bookmark => self.bookmark(event, truth),
            WatchEventKind::Error => Ok(()),
        }
    }

    fn initial_event(&self, event: &WatchEvent, stored: &Arc<StoredObject>) -> Result<(), Violation> {
        if event.kind == WatchEventKind::Added && is_stored(&event.object, stored) {
            return Ok(());
        }
        let name = object::name(&stored.object);
        let detail = format!(
            "{} was sent where the state at {} has {name} of {}",
            shown(event),
            self.began_at.0,
            stored.revision.0
        );
        Err(Violation::new(Guarantee::WatchesAreComplete, detail))
    }

    /// The next selected change at or after the watch's position.
    fn expected<'a>(&self, truth: &'a Truth) -> Option<(usize, &'a CommittedChange, WatchEventKind)> {
        let log = truth.log().iter().enumerate().skip(self.next);
        log.into_iter().find_map(|(place, change)| {
            let kind = match self.selection.of_change(change) {
                (false, true) => WatchEventKind::Added,
                (true, true) => WatchEventKind::Modified,
                (true, false) => WatchEventKind::Deleted,
                (false, false) => return None,
            };
            Some((place, change, kind))
        })
    }

    fn change(&mut self, event: &WatchEvent, truth: &Truth) -> Result<(), Violation> {
        let expected = self.expected(truth);
        let broken = |guarantee, why: &str| {
            let wanted = expected.map_or("nothing".to_owned(), |(_, change, kind)| {
                format!("{kind:?} {} at {}", super::shown(&change.key), change.revision.0)
            });
            let detail = format!("{} was sent after {}; {why}: {wanted}", shown(event), self.at.0);
            Err(Violation::new(guarantee, detail))
        };
        let Some((place, change, kind)) = expected.filter(|(_, change, _)| change.revision <= event.revision)
        else {
            return broken(Guarantee::WatchesAreOrdered, "what comes next is");
        };
        if change.revision < event.revision {
            return broken(Guarantee::WatchesAreComplete, "this was left out");
        }
        let state = if kind == WatchEventKind::Deleted { &change.old } else { &change.new };
        // The object in a deletion event has the revision of the deletion.
        let same = state.as_ref().is_some_and(|stored| is_same(&event.object, &stored.object));
        if kind != event.kind || !same {
            return broken(Guarantee::WatchesAreComplete, "what was stored is another");
        }
        self.next = place + 1;
        self.at = change.revision;
        Ok(())
    }

    fn bookmark(&mut self, event: &WatchEvent, truth: &Truth) -> Result<(), Violation> {
        let broken = |why: String| {
            let detail = format!("a bookmark of {} came after {}: {why}", event.revision.0, self.at.0);
            Err(Violation::new(Guarantee::BookmarksKeepTheirWord, detail))
        };
        // The bookmark that ends the initial objects names their revision.
        let floor = if self.initial.is_some() { self.began_at } else { self.at };
        if event.revision < floor {
            return broken("it goes back".to_owned());
        }
        if event.revision > truth.revision() {
            return broken(format!("the store is at {}", truth.revision().0));
        }
        let expected = self.expected(truth);
        if let Some((_, change, _)) = expected.filter(|(_, change, _)| change.revision <= event.revision) {
            return broken(format!("{} at {} has not come", super::shown(&change.key), change.revision.0));
        }
        self.next = self.next.max(truth.place_after(event.revision));
        self.at = event.revision;
        self.initial = None;
        Ok(())
    }
}

fn shown(event: &WatchEvent) -> String {
    format!("{:?} {}/{} of {}", event.kind, event.namespace, event.name, event.revision.0)
}

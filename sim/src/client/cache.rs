//! The copy that a watching client holds: the objects of its selection, and their revision.

use super::{ClientView, WatchEvent, WatchEventKind, reading, selection};
use crate::check::{Guarantee, Violation};
use crate::client_request::ClientRequest;
use crate::directory::Directory;
use crate::truth::Truth;
use std::collections::BTreeMap;
use steersman_core::store::Rev;
use steersman_core::value::{Text, Value};

/// Objects by namespace and name, as the server sent them.
#[derive(Clone, Debug, Default)]
pub(super) struct ClientCache {
    objects: BTreeMap<(Text, Text), Value>,
    at: Rev,
}

impl ClientCache {
    /// The copy after a list.
    pub(super) fn of_list(items: &[Value], at: Rev) -> Self {
        Self { objects: items.iter().map(|item| (reading::key(item), item.clone())).collect(), at }
    }

    pub(super) fn at(&self) -> Rev {
        self.at
    }

    /// Applies an event. An error event does not change the objects.
    pub(super) fn apply(&mut self, event: &WatchEvent) {
        let key = || (event.namespace.clone(), event.name.clone());
        match event.kind {
            WatchEventKind::Added | WatchEventKind::Modified => {
                self.objects.insert(key(), event.object.clone());
            }
            WatchEventKind::Deleted => {
                self.objects.remove(&key());
            }
            WatchEventKind::Bookmark => {}
            WatchEventKind::Error => return,
        }
        self.at = event.revision;
    }

    pub(super) fn view<'a>(&'a self, ask: &'a ClientRequest) -> ClientView<'a> {
        ClientView { ask, objects: &self.objects, at: self.at }
    }

    /// Whether the copy equals the selection in the store now.
    pub(super) fn settled(
        &self,
        ask: &ClientRequest,
        truth: &Truth,
        directory: &Directory,
    ) -> Result<(), Violation> {
        let wanted = selection::selected(truth, directory, ask, truth.revision());
        let place = ask.place.as_ref().map_or_else(String::new, |place| directory.path(place));
        let fail =
            |why: String| Err(Violation::new(Guarantee::EverybodyConverges, format!("{place}: {why}")));
        for (key, stored) in &wanted {
            let held = self.objects.get(key).map(reading::revision);
            if held != Some(stored.revision) {
                let (namespace, name) = key;
                let held = held.map_or("not there".to_owned(), |held| format!("held at {}", held.0));
                return fail(format!("{namespace}/{name} of revision {} is {held}", stored.revision.0));
            }
        }
        match self.objects.keys().find(|key| !wanted.contains_key(*key)) {
            Some((namespace, name)) => fail(format!("{namespace}/{name} is held and is not in the store")),
            None => Ok(()),
        }
    }
}

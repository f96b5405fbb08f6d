//! An informer that gets the existing objects as watch events too, up to a bookmark that marks their end.
//! k8s: staging/src/k8s.io/client-go/tools/cache/reflector.go watchList

use super::reflector::WATCH_SECONDS;
use super::store::Store;
use super::{Client, EventKind, Next, Scene, View, WatchEvent, selection};
use crate::ask::{Ask, Query, Version};
use crate::check::{Guarantee, Violation};
use crate::driver::Reply;
use crate::marks::Mark;
use steersman_core::store::Rev;
use steersman_core::value::{Value, object};

/// The annotation of the bookmark that ends the initial objects.
const END: &str = "k8s.io/initial-events-end";

/// A client that keeps a copy of a selection and never lists.
#[derive(Clone, Debug, Default)]
pub(super) struct WatchList {
    /// The list request of the selection, drawn when the client first wakes.
    selection: Option<Ask>,
    state: State,
    /// The copy, once it is complete.
    store: Option<Store>,
    /// The initial objects that have arrived so far.
    growing: Store,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Waits before it starts from the beginning.
    #[default]
    Idle,
    /// Waits before it resumes its watch.
    Resting,
    Beginning,
    Growing,
    Resuming,
    Watching,
}

impl WatchList {
    pub(super) fn new() -> Self {
        Self::default()
    }

    fn begin(&mut self, scene: &mut Scene<'_>) -> Next {
        self.state = State::Beginning;
        self.growing = Store::default();
        let last = self.store.as_ref().map_or(Version::Unset, |store| Version::NotOlderThan(store.at()));
        let version = match scene.pick(3) {
            0 => Version::Unset,
            1 => Version::Any,
            _ => last,
        };
        self.watch(version, true, scene)
    }

    fn resume(&mut self, scene: &mut Scene<'_>) -> Next {
        self.state = State::Resuming;
        let at = self.store.as_ref().map_or(Rev(0), Store::at);
        self.watch(Version::NotOlderThan(at), false, scene)
    }

    fn watch(&mut self, version: Version, send_initial_events: bool, scene: &mut Scene<'_>) -> Next {
        let selection = self.selection.get_or_insert_with(|| selection::draw(scene)).clone();
        let timeout_seconds = Some(scene.one_of(&WATCH_SECONDS));
        let query =
            Query { version, send_initial_events, bookmarks: true, timeout_seconds, ..selection.query };
        match selection.place {
            Some(place) => Ask::watch(&place, query).into(),
            None => Next::Listen,
        }
    }
}

impl Client for WatchList {
    fn kind(&self) -> &'static str {
        "watch-list"
    }

    fn wake(&mut self, scene: &mut Scene<'_>) -> Next {
        match self.state {
            State::Resting => self.resume(scene),
            State::Idle | State::Beginning | State::Growing | State::Resuming | State::Watching => {
                self.begin(scene)
            }
        }
    }

    fn answered(&mut self, reply: &Reply, scene: &mut Scene<'_>) -> Next {
        match (std::mem::take(&mut self.state), reply.status) {
            (State::Beginning, 200) => {
                self.state = State::Growing;
                Next::Listen
            }
            (State::Resuming, 200) => {
                self.state = State::Watching;
                Next::Listen
            }
            (State::Resuming, 410) => {
                scene.mark(Mark::ExpiredOnResume);
                self.begin(scene)
            }
            (State::Resuming, 429) => {
                self.state = State::Resting;
                scene.pause()
            }
            (
                State::Idle
                | State::Resting
                | State::Beginning
                | State::Growing
                | State::Resuming
                | State::Watching,
                _,
            ) => scene.pause(),
        }
    }

    fn event(&mut self, event: &WatchEvent, scene: &mut Scene<'_>) -> Next {
        if event.kind == EventKind::Error {
            self.state = State::Idle;
            if event.object.field("code").and_then(Value::as_int) == Some(410) {
                scene.mark(Mark::ExpiredOnResume);
                return self.begin(scene);
            }
            return scene.pause();
        }
        match (self.state, &mut self.store) {
            (State::Watching, Some(store)) => {
                if event.kind == EventKind::Bookmark && event.revision > store.at() {
                    scene.mark(Mark::BookmarkAhead);
                }
                store.apply(event);
            }
            (State::Growing, _) => {
                self.growing.apply(event);
                let ends = object::annotation(&event.object, END) == Some("true");
                if event.kind == EventKind::Bookmark && ends {
                    scene.mark(Mark::InitialEventsEnd);
                    self.store = Some(std::mem::take(&mut self.growing));
                    self.state = State::Watching;
                }
            }
            (State::Idle | State::Resting | State::Beginning | State::Resuming | State::Watching, _) => {}
        }
        Next::Listen
    }

    fn broken(&mut self, scene: &mut Scene<'_>) -> Next {
        match self.state {
            State::Watching => self.resume(scene),
            State::Resuming => {
                self.state = State::Resting;
                scene.pause()
            }
            State::Idle | State::Resting | State::Beginning | State::Growing => {
                self.state = State::Idle;
                scene.pause()
            }
        }
    }

    fn view(&self) -> Option<View<'_>> {
        Some(self.store.as_ref()?.view(self.selection.as_ref()?))
    }

    fn settled(&self, scene: &Scene<'_>) -> Result<(), Violation> {
        match (self.state, &self.store, &self.selection) {
            (State::Watching, Some(store), Some(ask)) => store.settled(ask, scene.truth, scene.directory),
            _ => {
                let detail = format!("watch-list {} does not watch", scene.client);
                Err(Violation::new(Guarantee::EverybodyConverges, detail))
            }
        }
    }
}

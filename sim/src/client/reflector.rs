//! An informer: it lists, watches from the list's revision on, and resumes the watch for as long as the server
//! allows.
//! k8s: staging/src/k8s.io/client-go/tools/cache/reflector.go, tools/pager/pager.go

use super::store::Store;
use super::{Client, EventKind, Next, Scene, View, WatchEvent, reading, selection};
use crate::ask::{Ask, Query, Version};
use crate::check::{Guarantee, Violation};
use crate::driver::Reply;
use crate::marks::Mark;
use steersman_core::store::Rev;
use steersman_core::value::Value;

/// Small, so that a few objects make several pages.
const PAGE: u64 = 2;
/// The reflector pauses after one page in this many.
const SLOW_TURNS: u64 = 3;
/// How many seconds a watch asks to be kept open. The first is client-go's minimum.
pub(super) const WATCH_SECONDS: [u64; 4] = [300, 60, 5, 1];

/// A client that keeps a copy of a selection.
#[derive(Clone, Debug, Default)]
pub(super) struct Reflector {
    /// The list request of the selection, drawn when the client first wakes.
    selection: Option<Ask>,
    state: State,
    /// The copy; None before the first list is complete.
    store: Option<Store>,
    /// The last resource version was refused, so the next list asks for the newest.
    unavailable: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum State {
    /// Waits before it lists.
    #[default]
    Idle,
    Listing {
        query: Query,
        items: Vec<Value>,
        /// The revision of the first page.
        at: Rev,
    },
    /// Waits before it asks for the next page, as a client does that processes each page.
    Turning {
        query: Query,
        items: Vec<Value>,
        at: Rev,
    },
    /// Waits before it opens its watch.
    Resting,
    Opening,
    Watching,
}

impl Reflector {
    pub(super) fn new() -> Self {
        Self::default()
    }

    fn selection(&mut self, scene: &mut Scene<'_>) -> Ask {
        self.selection.get_or_insert_with(|| selection::draw(scene)).clone()
    }

    fn list(&mut self, scene: &mut Scene<'_>) -> Next {
        let selection = self.selection(scene);
        let at = self.store.as_ref().map(Store::at);
        let (version, limit) = match (at, self.unavailable) {
            (None, _) | (_, true) => Self::first(scene),
            (Some(at), false) => match scene.pick(3) {
                0 => (Version::NotOlderThan(at), 0),
                1 => (Version::Unset, PAGE),
                _ => (Version::Exact(at), 0),
            },
        };
        self.unavailable = false;
        self.page(Query { version, limit, ..selection.query.clone() }, Vec::new(), Rev(0), &selection)
    }

    /// The version and limit of a list that does not continue an earlier one.
    fn first(scene: &mut Scene<'_>) -> (Version, u64) {
        let newest = scene.truth.revision();
        match scene.pick(4) {
            1 => (Version::Any, 0),
            2 => (Version::Unset, PAGE),
            3 if newest > Rev(0) => (Version::Exact(newest), 0),
            _ => (Version::Unset, 0),
        }
    }

    fn page(&mut self, query: Query, items: Vec<Value>, at: Rev, selection: &Ask) -> Next {
        self.state = State::Listing { query: query.clone(), items, at };
        selection.clone().with(query).into()
    }

    /// A page of the list arrived: asks for the next one, or begins the watch.
    fn paged(
        &mut self,
        reply: &Reply,
        query: Query,
        mut items: Vec<Value>,
        at: Rev,
        scene: &mut Scene<'_>,
    ) -> Next {
        let selection = self.selection(scene);
        let page = reading::body(reply);
        items.extend_from_slice(reading::items(&page));
        let at = if at == Rev(0) { reading::revision(&page) } else { at };
        let token = page.text_at(&["metadata", "continue"]);
        if !token.is_empty() {
            let query = Query { version: Version::Unset, continue_token: token.to_owned(), ..query };
            if scene.pick(SLOW_TURNS) == SLOW_TURNS - 1 {
                self.state = State::Turning { query, items, at };
                return scene.pause();
            }
            return self.page(query, items, at, &selection);
        }
        self.store = Some(Store::of_list(&items, at));
        self.watch(scene)
    }

    fn list_failed(&mut self, reply: &Reply, query: &Query, scene: &mut Scene<'_>) -> Next {
        let selection = self.selection(scene);
        self.state = State::Idle;
        match reply.status {
            410 if !query.continue_token.is_empty() => {
                // Like client-go's pager, it drops the pages so far and lists everything at once.
                scene.mark(Mark::CompactionDuringPagination);
                self.page(selection.query.clone(), Vec::new(), Rev(0), &selection)
            }
            // The revision has expired, or is newer than any that the server will reach.
            410 | 504 => {
                self.unavailable = true;
                scene.pause()
            }
            _ => scene.pause(),
        }
    }

    fn watch(&mut self, scene: &mut Scene<'_>) -> Next {
        let selection = self.selection(scene);
        let at = self.store.as_ref().map_or(Rev(0), Store::at);
        let place = selection.place.clone();
        let query = Query {
            version: Version::NotOlderThan(at),
            bookmarks: true,
            timeout_seconds: Some(scene.one_of(&WATCH_SECONDS)),
            ..selection.query
        };
        self.state = State::Opening;
        match place {
            Some(place) => Ask::watch(&place, query).into(),
            None => Next::Listen,
        }
    }
}

impl Client for Reflector {
    fn kind(&self) -> &'static str {
        "reflector"
    }

    fn wake(&mut self, scene: &mut Scene<'_>) -> Next {
        match std::mem::take(&mut self.state) {
            State::Resting => self.watch(scene),
            State::Turning { query, items, at } => {
                let selection = self.selection(scene);
                self.page(query, items, at, &selection)
            }
            State::Idle | State::Listing { .. } | State::Opening | State::Watching => self.list(scene),
        }
    }

    fn answered(&mut self, reply: &Reply, scene: &mut Scene<'_>) -> Next {
        match (std::mem::take(&mut self.state), reply.status) {
            (State::Listing { query, items, at }, 200) => self.paged(reply, query, items, at, scene),
            (State::Listing { query, .. }, _) => self.list_failed(reply, &query, scene),
            (State::Opening, 200) => {
                self.state = State::Watching;
                Next::Listen
            }
            (State::Opening, 410) => {
                scene.mark(Mark::ExpiredOnResume);
                self.list(scene)
            }
            // Too many requests: it asks for the watch again.
            (State::Opening, 429) => {
                self.state = State::Resting;
                scene.pause()
            }
            (State::Idle | State::Turning { .. } | State::Opening | State::Resting | State::Watching, _) => {
                scene.pause()
            }
        }
    }

    fn event(&mut self, event: &WatchEvent, scene: &mut Scene<'_>) -> Next {
        let Some(store) = &mut self.store else { return Next::Listen };
        if event.kind == EventKind::Bookmark && event.revision > store.at() {
            scene.mark(Mark::BookmarkAhead);
        }
        store.apply(event);
        if event.kind != EventKind::Error {
            return Next::Listen;
        }
        self.state = State::Idle;
        if event.object.field("code").and_then(Value::as_int) == Some(410) {
            scene.mark(Mark::ExpiredOnResume);
            return self.list(scene);
        }
        scene.pause()
    }

    fn broken(&mut self, scene: &mut Scene<'_>) -> Next {
        match self.state {
            State::Watching => self.watch(scene),
            // The server cannot be reached: it retries after a short time, from the same revision.
            State::Opening => {
                self.state = State::Resting;
                scene.pause()
            }
            State::Idle | State::Listing { .. } | State::Turning { .. } | State::Resting => {
                self.state = State::Idle;
                scene.pause()
            }
        }
    }

    fn view(&self) -> Option<View<'_>> {
        Some(self.store.as_ref()?.view(self.selection.as_ref()?))
    }

    fn settled(&self, scene: &Scene<'_>) -> Result<(), Violation> {
        match (&self.state, &self.store, &self.selection) {
            (State::Watching, Some(store), Some(ask)) => store.settled(ask, scene.truth, scene.directory),
            _ => {
                let detail = format!("reflector {} does not watch", scene.client);
                Err(Violation::new(Guarantee::EverybodyConverges, detail))
            }
        }
    }
}

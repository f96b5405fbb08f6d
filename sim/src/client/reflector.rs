//! An informer: it lists, watches from the list's revision on, and resumes the watch for as long as the server
//! allows.
//! k8s: staging/src/k8s.io/client-go/tools/cache/reflector.go, tools/pager/pager.go

use super::cache::ClientCache;
use super::{Client, ClientContext, ClientView, Next, WatchEvent, WatchEventKind, reading, selection};
use crate::check::{Guarantee, Violation};
use crate::client_request::{ClientRequest, RequestOptions, VersionChoice};
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
    selection: Option<ClientRequest>,
    state: State,
    /// The copy; None before the first list is complete.
    store: Option<ClientCache>,
    /// The last resource version was refused, so the next list asks for the newest.
    unavailable: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum State {
    /// Waits before it lists.
    #[default]
    Idle,
    Listing {
        query: RequestOptions,
        items: Vec<Value>,
        /// The revision of the first page.
        at: Rev,
    },
    /// Waits before it asks for the next page, as a client does that processes each page.
    Turning {
        query: RequestOptions,
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

    fn selection(&mut self, context: &mut ClientContext<'_>) -> ClientRequest {
        self.selection.get_or_insert_with(|| selection::draw(context)).clone()
    }

    fn list(&mut self, context: &mut ClientContext<'_>) -> Next {
        let selection = self.selection(context);
        let at = self.store.as_ref().map(ClientCache::at);
        let (version, limit) = match (at, self.unavailable) {
            (None, _) | (_, true) => Self::first(context),
            (Some(at), false) => match context.pick(3) {
                0 => (VersionChoice::NotOlderThan(at), 0),
                1 => (VersionChoice::Unset, PAGE),
                _ => (VersionChoice::Exact(at), 0),
            },
        };
        self.unavailable = false;
        self.page(
            RequestOptions { version, limit, ..selection.options.clone() },
            Vec::new(),
            Rev(0),
            &selection,
        )
    }

    /// The version and limit of a list that does not continue an earlier one.
    fn first(context: &mut ClientContext<'_>) -> (VersionChoice, u64) {
        let newest = context.truth.revision();
        match context.pick(4) {
            1 => (VersionChoice::Any, 0),
            2 => (VersionChoice::Unset, PAGE),
            3 if newest > Rev(0) => (VersionChoice::Exact(newest), 0),
            _ => (VersionChoice::Unset, 0),
        }
    }

    fn page(&mut self, query: RequestOptions, items: Vec<Value>, at: Rev, selection: &ClientRequest) -> Next {
        self.state = State::Listing { query: query.clone(), items, at };
        selection.clone().with(query).into()
    }

    /// A page of the list arrived: asks for the next one, or begins the watch.
    fn paged(
        &mut self,
        reply: &Reply,
        query: RequestOptions,
        mut items: Vec<Value>,
        at: Rev,
        context: &mut ClientContext<'_>,
    ) -> Next {
        let selection = self.selection(context);
        let page = reading::body(reply);
        items.extend_from_slice(reading::items(&page));
        let at = if at == Rev(0) { reading::revision(&page) } else { at };
        let token = page.text_at(&["metadata", "continue"]);
        if !token.is_empty() {
            let query =
                RequestOptions { version: VersionChoice::Unset, continue_token: token.to_owned(), ..query };
            if context.pick(SLOW_TURNS) == SLOW_TURNS - 1 {
                self.state = State::Turning { query, items, at };
                return context.pause();
            }
            return self.page(query, items, at, &selection);
        }
        self.store = Some(ClientCache::of_list(&items, at));
        self.watch(context)
    }

    fn list_failed(
        &mut self,
        reply: &Reply,
        query: &RequestOptions,
        context: &mut ClientContext<'_>,
    ) -> Next {
        let selection = self.selection(context);
        self.state = State::Idle;
        match reply.status {
            410 if !query.continue_token.is_empty() => {
                // Like client-go's pager, it drops the pages so far and lists everything at once.
                context.mark(Mark::CompactionDuringPagination);
                self.page(selection.options.clone(), Vec::new(), Rev(0), &selection)
            }
            // The revision has expired, or is newer than any that the server will reach.
            410 | 504 => {
                self.unavailable = true;
                context.pause()
            }
            _ => context.pause(),
        }
    }

    fn watch(&mut self, context: &mut ClientContext<'_>) -> Next {
        let selection = self.selection(context);
        let at = self.store.as_ref().map_or(Rev(0), ClientCache::at);
        let place = selection.place.clone();
        let query = RequestOptions {
            version: VersionChoice::NotOlderThan(at),
            bookmarks: true,
            timeout_seconds: Some(context.one_of(&WATCH_SECONDS)),
            ..selection.options
        };
        self.state = State::Opening;
        match place {
            Some(place) => ClientRequest::watch(&place, query).into(),
            None => Next::Listen,
        }
    }
}

impl Client for Reflector {
    fn kind(&self) -> &'static str {
        "reflector"
    }

    fn wake(&mut self, context: &mut ClientContext<'_>) -> Next {
        match std::mem::take(&mut self.state) {
            State::Resting => self.watch(context),
            State::Turning { query, items, at } => {
                let selection = self.selection(context);
                self.page(query, items, at, &selection)
            }
            State::Idle | State::Listing { .. } | State::Opening | State::Watching => self.list(context),
        }
    }

    fn answered(&mut self, reply: &Reply, context: &mut ClientContext<'_>) -> Next {
        match (std::mem::take(&mut self.state), reply.status) {
            (State::Listing { query, items, at }, 200) => self.paged(reply, query, items, at, context),
            (State::Listing { query, .. }, _) => self.list_failed(reply, &query, context),
            (State::Opening, 200) => {
                self.state = State::Watching;
                Next::Listen
            }
            (State::Opening, 410) => {
                context.mark(Mark::ExpiredOnResume);
                self.list(context)
            }
            // Too many requests: it asks for the watch again.
            (State::Opening, 429) => {
                self.state = State::Resting;
                context.pause()
            }
            (State::Idle | State::Turning { .. } | State::Opening | State::Resting | State::Watching, _) => {
                context.pause()
            }
        }
    }

    fn event(&mut self, event: &WatchEvent, context: &mut ClientContext<'_>) -> Next {
        let Some(store) = &mut self.store else { return Next::Listen };
        if event.kind == WatchEventKind::Bookmark && event.revision > store.at() {
            context.mark(Mark::BookmarkAhead);
        }
        store.apply(event);
        if event.kind != WatchEventKind::Error {
            return Next::Listen;
        }
        self.state = State::Idle;
        if event.object.field("code").and_then(Value::as_int) == Some(410) {
            context.mark(Mark::ExpiredOnResume);
            return self.list(context);
        }
        context.pause()
    }

    fn broken(&mut self, context: &mut ClientContext<'_>) -> Next {
        match self.state {
            State::Watching => self.watch(context),
            // The server cannot be reached: it retries after a short time, from the same revision.
            State::Opening => {
                self.state = State::Resting;
                context.pause()
            }
            State::Idle | State::Listing { .. } | State::Turning { .. } | State::Resting => {
                self.state = State::Idle;
                context.pause()
            }
        }
    }

    fn view(&self) -> Option<ClientView<'_>> {
        Some(self.store.as_ref()?.view(self.selection.as_ref()?))
    }

    fn settled(&self, context: &ClientContext<'_>) -> Result<(), Violation> {
        match (&self.state, &self.store, &self.selection) {
            (State::Watching, Some(store), Some(ask)) => store.settled(ask, context.truth, context.directory),
            _ => {
                let detail = format!("reflector {} does not watch", context.client);
                Err(Violation::new(Guarantee::EverybodyConverges, detail))
            }
        }
    }
}

//! An informer that gets the existing objects as watch events too, up to a bookmark that marks their end.
//! k8s: staging/src/k8s.io/client-go/tools/cache/reflector.go watchList

use super::cache::ClientCache;
use super::reflector::WATCH_SECONDS;
use super::{Client, ClientContext, ClientView, Next, WatchEvent, WatchEventKind, selection};
use crate::check::{Guarantee, Violation};
use crate::client_request::{ClientRequest, RequestOptions, VersionChoice};
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
    selection: Option<ClientRequest>,
    state: State,
    /// The copy, once it is complete.
    store: Option<ClientCache>,
    /// The initial objects that have arrived so far.
    growing: ClientCache,
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

    fn begin(&mut self, context: &mut ClientContext<'_>) -> Next {
        self.state = State::Beginning;
        self.growing = ClientCache::default();
        let last =
            self.store.as_ref().map_or(VersionChoice::Unset, |store| VersionChoice::NotOlderThan(store.at()));
        let version = match context.pick(3) {
            0 => VersionChoice::Unset,
            1 => VersionChoice::Any,
            _ => last,
        };
        self.watch(version, true, context)
    }

    fn resume(&mut self, context: &mut ClientContext<'_>) -> Next {
        self.state = State::Resuming;
        let at = self.store.as_ref().map_or(Rev(0), ClientCache::at);
        self.watch(VersionChoice::NotOlderThan(at), false, context)
    }

    fn watch(
        &mut self,
        version: VersionChoice,
        send_initial_events: bool,
        context: &mut ClientContext<'_>,
    ) -> Next {
        let selection = self.selection.get_or_insert_with(|| selection::draw(context)).clone();
        let timeout_seconds = Some(context.one_of(&WATCH_SECONDS));
        let query = RequestOptions {
            version,
            send_initial_events,
            bookmarks: true,
            timeout_seconds,
            ..selection.options
        };
        match selection.place {
            Some(place) => ClientRequest::watch(&place, query).into(),
            None => Next::Listen,
        }
    }
}

impl Client for WatchList {
    fn kind(&self) -> &'static str {
        "watch-list"
    }

    fn wake(&mut self, context: &mut ClientContext<'_>) -> Next {
        match self.state {
            State::Resting => self.resume(context),
            State::Idle | State::Beginning | State::Growing | State::Resuming | State::Watching => {
                self.begin(context)
            }
        }
    }

    fn answered(&mut self, reply: &Reply, context: &mut ClientContext<'_>) -> Next {
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
                context.mark(Mark::ExpiredOnResume);
                self.begin(context)
            }
            (State::Resuming, 429) => {
                self.state = State::Resting;
                context.pause()
            }
            (
                State::Idle
                | State::Resting
                | State::Beginning
                | State::Growing
                | State::Resuming
                | State::Watching,
                _,
            ) => context.pause(),
        }
    }

    fn event(&mut self, event: &WatchEvent, context: &mut ClientContext<'_>) -> Next {
        if event.kind == WatchEventKind::Error {
            self.state = State::Idle;
            if event.object.field("code").and_then(Value::as_int) == Some(410) {
                context.mark(Mark::ExpiredOnResume);
                return self.begin(context);
            }
            return context.pause();
        }
        match (self.state, &mut self.store) {
            (State::Watching, Some(store)) => {
                if event.kind == WatchEventKind::Bookmark && event.revision > store.at() {
                    context.mark(Mark::BookmarkAhead);
                }
                store.apply(event);
            }
            (State::Growing, _) => {
                self.growing.apply(event);
                let ends = object::annotation(&event.object, END) == Some("true");
                if event.kind == WatchEventKind::Bookmark && ends {
                    context.mark(Mark::InitialEventsEnd);
                    self.store = Some(std::mem::take(&mut self.growing));
                    self.state = State::Watching;
                }
            }
            (State::Idle | State::Resting | State::Beginning | State::Resuming | State::Watching, _) => {}
        }
        Next::Listen
    }

    fn broken(&mut self, context: &mut ClientContext<'_>) -> Next {
        match self.state {
            State::Watching => self.resume(context),
            State::Resuming => {
                self.state = State::Resting;
                context.pause()
            }
            State::Idle | State::Resting | State::Beginning | State::Growing => {
                self.state = State::Idle;
                context.pause()
            }
        }
    }

    fn view(&self) -> Option<ClientView<'_>> {
        Some(self.store.as_ref()?.view(self.selection.as_ref()?))
    }

    fn settled(&self, context: &ClientContext<'_>) -> Result<(), Violation> {
        match (self.state, &self.store, &self.selection) {
            (State::Watching, Some(store), Some(ask)) => store.settled(ask, context.truth, context.directory),
            _ => {
                let detail = format!("watch-list {} does not watch", context.client);
                Err(Violation::new(Guarantee::EverybodyConverges, detail))
            }
        }
    }
}

//! A storage version migrator: it reads a collection page by page with pauses, and puts each object back unchanged,
//! so that the store holds it in its newest form. If the list expires, it continues with what is left.
//! k8s: sigs.k8s.io/kube-storage-version-migrator/pkg/migrator/core.go

use super::{Client, ClientContext, IDLE_MILLIS, Next, reading};
use crate::client_request::{ClientRequest, RequestOptions};
use crate::directory::{Directory, Place};
use crate::driver::Reply;
use crate::marks::Mark;
use std::collections::VecDeque;
use steersman_core::codec::json;
use steersman_core::kinds::KindId;
use steersman_core::value::{Value, object};

/// Small, so that a few objects make several pages.
const PAGE: u64 = 2;

/// A migrator of all ConfigMaps.
#[derive(Clone, Debug)]
pub(super) struct Migrator {
    configmaps: KindId,
    state: State,
    /// The continue token of the next page; empty before the first and after the last page.
    token: String,
    /// The objects of the page that are still to be put back.
    left: VecDeque<Value>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Idle,
    /// Waits before it asks for the next page.
    Turning,
    Listing,
    Putting(Place),
    /// Another client has changed the object; it is read again, to be put back then.
    Reading(Place),
}

impl Migrator {
    pub(super) fn new(directory: &Directory) -> Self {
        let configmaps = directory.find("", "v1", "configmaps");
        Self { configmaps, state: State::Idle, token: String::new(), left: VecDeque::new() }
    }

    fn list(&mut self) -> Next {
        self.state = State::Listing;
        let query =
            RequestOptions { limit: PAGE, continue_token: self.token.clone(), ..RequestOptions::default() };
        ClientRequest::list(&Place::collection(self.configmaps, ""), query).into()
    }

    fn put(&mut self, held: &Value, place: Place) -> Next {
        let ask = ClientRequest::update(&place, json::to_vec(held));
        self.state = State::Putting(place);
        ask.into()
    }

    /// Puts back the next object of the page, or pauses before the next page.
    fn next(&mut self, context: &mut ClientContext<'_>) -> Next {
        if let Some(held) = self.left.pop_front() {
            let collection = Place::collection(self.configmaps, object::namespace(&held));
            return self.put(&held, collection.named(object::name(&held)));
        }
        self.state = if self.token.is_empty() { State::Idle } else { State::Turning };
        context.pause()
    }

    /// A page was refused. It is asked for again, or with the token that the refusal contains.
    fn refused(&mut self, reply: &Reply, context: &mut ClientContext<'_>) -> Next {
        if reply.status == 410 && !self.token.is_empty() {
            context.mark(Mark::CompactionDuringPagination);
            self.token = reading::body(reply).text_at(&["metadata", "continue"]).to_owned();
        }
        self.next(context)
    }
}

impl Client for Migrator {
    fn kind(&self) -> &'static str {
        "migrator"
    }

    fn wake(&mut self, context: &mut ClientContext<'_>) -> Next {
        if context.calm {
            return Next::Listen;
        }
        if self.state == State::Turning {
            return self.list();
        }
        self.token.clear();
        self.left.clear();
        self.state = State::Idle;
        if context.pick(3) == 0 { Next::Sleep(IDLE_MILLIS) } else { self.list() }
    }

    fn answered(&mut self, reply: &Reply, context: &mut ClientContext<'_>) -> Next {
        match (std::mem::replace(&mut self.state, State::Idle), reply.status) {
            (State::Listing, 200) => {
                let page = reading::body(reply);
                self.left = reading::items(&page).iter().cloned().collect();
                // The items of a list have no kind and apiVersion.
                for held in &mut self.left {
                    held.set_at(&["apiVersion"], "v1".into());
                    held.set_at(&["kind"], "ConfigMap".into());
                }
                self.token = page.text_at(&["metadata", "continue"]).to_owned();
            }
            (State::Listing, _) => return self.refused(reply, context),
            (State::Putting(place), 409) => {
                let ask = ClientRequest::get(&place);
                self.state = State::Reading(place);
                return ask.into();
            }
            (State::Reading(place), 200) => return self.put(&reading::body(reply), place),
            (State::Idle | State::Turning | State::Putting(_) | State::Reading(_), _) => {}
        }
        self.next(context)
    }

    /// The connection broke: the rest of the page is skipped.
    fn broken(&mut self, context: &mut ClientContext<'_>) -> Next {
        self.left.clear();
        self.next(context)
    }
}

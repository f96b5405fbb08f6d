//! A client that goes through a collection page by page, takes its time, and puts each object back as it found
//! it, for the store to hold it in its newest form. When its list has expired it goes on with what is left.
//! k8s: sigs.k8s.io/kube-storage-version-migrator/pkg/migrator/core.go

use super::{Client, IDLE_MILLIS, Next, Scene, reading};
use crate::ask::{Ask, Query};
use crate::directory::{Directory, Place};
use crate::driver::Reply;
use crate::marks::Mark;
use std::collections::VecDeque;
use steersman_core::codec::json;
use steersman_core::kinds::ResourceId;
use steersman_core::value::{Value, object};

/// Small, so that a few objects make several pages.
const PAGE: u64 = 2;

/// A migrator of all ConfigMaps.
#[derive(Clone, Debug)]
pub(super) struct Migrator {
    configmaps: ResourceId,
    state: State,
    /// The page after the one that is under way; empty before the first and after the last.
    token: String,
    /// What is left of the page.
    left: VecDeque<Value>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Idle,
    /// Asks for the next page when it wakes.
    Turning,
    Listing,
    Putting(Place),
    /// Somebody else was first: the object is read, to be put then.
    Reading(Place),
}

impl Migrator {
    pub(super) fn new(directory: &Directory) -> Self {
        let configmaps = directory.find("", "v1", "configmaps");
        Self { configmaps, state: State::Idle, token: String::new(), left: VecDeque::new() }
    }

    fn list(&mut self) -> Next {
        self.state = State::Listing;
        let query = Query { limit: PAGE, continue_token: self.token.clone(), ..Query::default() };
        Ask::list(&Place::collection(self.configmaps, ""), query).into()
    }

    fn put(&mut self, held: &Value, place: Place) -> Next {
        let ask = Ask::update(&place, json::to_vec(held));
        self.state = State::Putting(place);
        ask.into()
    }

    /// The next object of the page, or a pause before the next page.
    fn next(&mut self, scene: &mut Scene<'_>) -> Next {
        if let Some(held) = self.left.pop_front() {
            let collection = Place::collection(self.configmaps, object::namespace(&held));
            return self.put(&held, collection.named(object::name(&held)));
        }
        self.state = if self.token.is_empty() { State::Idle } else { State::Turning };
        scene.pause()
    }

    /// A page could not be had: it is asked for again, or what the refusal offers in its place.
    fn refused(&mut self, reply: &Reply, scene: &mut Scene<'_>) -> Next {
        if reply.status == 410 && !self.token.is_empty() {
            scene.mark(Mark::CompactionDuringPagination);
            self.token = reading::body(reply).text_at(&["metadata", "continue"]).to_owned();
        }
        self.next(scene)
    }
}

impl Client for Migrator {
    fn kind(&self) -> &'static str {
        "migrator"
    }

    fn wake(&mut self, scene: &mut Scene<'_>) -> Next {
        if scene.calm {
            return Next::Listen;
        }
        if self.state == State::Turning {
            return self.list();
        }
        self.token.clear();
        self.left.clear();
        self.state = State::Idle;
        if scene.pick(3) == 0 { Next::Sleep(IDLE_MILLIS) } else { self.list() }
    }

    fn answered(&mut self, reply: &Reply, scene: &mut Scene<'_>) -> Next {
        match (std::mem::replace(&mut self.state, State::Idle), reply.status) {
            (State::Listing, 200) => {
                let page = reading::body(reply);
                self.left = reading::items(&page).iter().cloned().collect();
                // What a list holds does not say what it is.
                for held in &mut self.left {
                    held.set_at(&["apiVersion"], "v1".into());
                    held.set_at(&["kind"], "ConfigMap".into());
                }
                self.token = page.text_at(&["metadata", "continue"]).to_owned();
            }
            (State::Listing, _) => return self.refused(reply, scene),
            (State::Putting(place), 409) => {
                let ask = Ask::get(&place);
                self.state = State::Reading(place);
                return ask.into();
            }
            (State::Reading(place), 200) => return self.put(&reading::body(reply), place),
            (State::Idle | State::Turning | State::Putting(_) | State::Reading(_), _) => {}
        }
        self.next(scene)
    }

    /// What is left of the page is left as it is.
    fn broken(&mut self, scene: &mut Scene<'_>) -> Next {
        self.left.clear();
        self.next(scene)
    }
}

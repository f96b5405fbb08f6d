//! A client that increments a counter by reading, changing and updating an object, and reads it again after a
//! conflict.

use super::{Client, ClientContext, IDLE_MILLIS, Next, reading};
use crate::client_request::ClientRequest;
use crate::directory::{Directory, Place};
use crate::driver::Reply;
use crate::marks::Mark;
use steersman_core::codec::json;
use steersman_core::value::{Value, object};

/// How many attempts an update gets before the client stops trying for this time.
const TRIES_MAX: u32 = 10;
/// How many updates a client in a hurry makes without pauses.
const RUSH: u32 = 20;
/// The number of conflicts in a row that sets a mark.
const CONFLICTS_MARKED: u32 = 5;

/// One of several clients that increment counters in one object.
#[derive(Clone, Debug)]
pub(super) struct Updater {
    number: u64,
    place: Place,
    state: State,
    /// Conflicts of the current update.
    conflicts: u32,
    /// How many updates are still to be made without a pause.
    rush: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    Reading,
    Putting,
}

impl Updater {
    pub(super) fn new(directory: &Directory, number: u64) -> Self {
        let place = Place::collection(directory.find("", "v1", "configmaps"), "default").named("counter");
        Self { number, place, state: State::Idle, conflicts: 0, rush: 0 }
    }

    fn read(&mut self) -> Next {
        self.state = State::Reading;
        ClientRequest::get(&self.place).into()
    }

    fn create(&self) -> ClientRequest {
        let collection = self.place.named("");
        ClientRequest::create(&collection, r#"{"metadata":{"name":"counter"},"data":{"count":"0"}}"#)
    }

    /// Updates the object that was read, with its counter incremented.
    fn put(&mut self, mut object: Value) -> Next {
        let count: u64 = object.text_at(&["data", "count"]).parse().unwrap_or(0);
        object.set_at(&["data", "count"], (count + 1).to_string().into());
        object.set_at(&["data", "by"], format!("updater-{}", self.number).into());
        self.state = State::Putting;
        ClientRequest::update(&self.place, json::to_vec(&object)).into()
    }

    fn rest(&mut self, context: &mut ClientContext<'_>) -> Next {
        self.state = State::Idle;
        self.conflicts = 0;
        if self.rush > 0 && !context.calm {
            self.rush -= 1;
            return self.read();
        }
        context.pause()
    }
}

impl Client for Updater {
    fn kind(&self) -> &'static str {
        "updater"
    }

    fn wake(&mut self, context: &mut ClientContext<'_>) -> Next {
        self.state = State::Idle;
        self.conflicts = 0;
        self.rush = 0;
        if context.calm {
            return Next::Listen;
        }
        match context.pick(6) {
            0 => Next::Sleep(IDLE_MILLIS),
            4 => {
                self.rush = RUSH;
                self.read()
            }
            5 => {
                let patch = format!(r#"{{"data":{{"turn-{}":"{}"}}}}"#, self.number, context.turn);
                ClientRequest::merge_patch(&self.place, patch).into()
            }
            _ => self.read(),
        }
    }

    fn answered(&mut self, reply: &Reply, context: &mut ClientContext<'_>) -> Next {
        match (self.state, reply.status) {
            (State::Reading, 200) => {
                let object = reading::body(reply);
                if object::name(&object).is_empty() { self.rest(context) } else { self.put(object) }
            }
            (State::Reading, 404) => {
                self.state = State::Idle;
                self.create().into()
            }
            (State::Putting, 409) => {
                self.conflicts += 1;
                if self.conflicts == CONFLICTS_MARKED {
                    context.mark(Mark::FiveConflicts);
                }
                if self.conflicts < TRIES_MAX { self.read() } else { self.rest(context) }
            }
            (State::Idle | State::Reading | State::Putting, _) => self.rest(context),
        }
    }

    fn broken(&mut self, context: &mut ClientContext<'_>) -> Next {
        self.rush = 0;
        self.rest(context)
    }
}

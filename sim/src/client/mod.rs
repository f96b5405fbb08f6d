//! Clients as state machines: they make requests, get answers, and continue. They do not judge answers, since the
//! checkers see every answer and every event. A client only reports, at the end, whether it has reached its goal.
//!
//! Each kind is a file; `kind` is the table of them, and the watching kinds share `selection` and `store`.

mod accountant;
mod applicant;
mod cache;
mod co_writer;
mod collector;
mod customer;
mod definition_author;
mod deputy;
mod drainer;
mod elector;
mod kind;
pub(crate) mod kubelet;
mod lodger;
mod migrator;
mod namespace_deleter;
mod petitioner;
mod policy_author;
mod probe;
mod publisher;
mod raw;
mod reading;
mod recorder;
mod reflector;
mod restricted;
pub mod selection;
mod stranger;
mod tenant;
#[cfg(test)]
mod tests;
mod updater;
mod watch_list;
mod workload;
mod writer;

pub(crate) use applicant::{CONFIGURATIONS, MUTATING_PATH, REVIEWED, VALIDATING_PATH, is_reviewed};
pub use kind::{ClientClass, ClientKind};
pub(crate) use tenant::{QUOTA, QUOTA_KEY};

use crate::check::Violation;
use crate::choose::{ChoiceStream, Chooser};
use crate::client_request::ClientRequest;
use crate::directory::{Directory, Place};
use crate::driver::Reply;
use crate::marks::{Mark, Marks};
use crate::truth::{StoredObject, Truth};
use bytes::Bytes;
use std::fmt;
use std::sync::Arc;
use steersman_core::now::Mono;
use steersman_core::store::Rev;
use steersman_core::value::{Text, Value};

/// How long a client sleeps that does nothing at this turn.
const IDLE_MILLIS: u64 = 1000;
/// How long a client may sleep between two actions; the first is the plain choice.
const PAUSES_MILLIS: [u64; 8] = [100, 1, 5, 20, 50, 300, 1000, 4000];

/// The next action of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Make a request. A request or watch that is still open is dropped.
    Ask(Box<ClientRequest>),
    /// Sleep for this many milliseconds. A request or watch that is still open is dropped.
    Sleep(u64),
    /// Wait for the answer or the next event.
    Listen,
}

impl From<ClientRequest> for Next {
    fn from(ask: ClientRequest) -> Self {
        Self::Ask(Box::new(ask))
    }
}

/// An event of a watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchEvent {
    pub kind: WatchEventKind,
    /// The object, or the Status of an error.
    pub object: Value,
    pub namespace: Text,
    pub name: Text,
    pub revision: Rev,
    /// The bytes of the event, with its line end.
    pub bytes: Bytes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WatchEventKind {
    Added,
    Modified,
    Deleted,
    Bookmark,
    Error,
}

/// What a client can see and use.
#[derive(Debug)]
pub struct ClientContext<'a> {
    pub chooser: &'a mut Chooser,
    pub marks: &'a mut Marks,
    pub directory: &'a Directory,
    /// The real state of the store. A client looks at it only to choose a useful action (an existing name, a current
    /// version), never to judge an answer.
    pub truth: &'a Truth,
    pub now: Mono,
    /// The client's number among all clients.
    pub client: u64,
    /// How often the client was woken.
    pub turn: u64,
    /// Faults have ended: the client writes only if it must in order to come to rest.
    pub calm: bool,
}

/// A client of the simulated servers.
pub trait Client: fmt::Debug + Send {
    /// A short name of the kind, such as "reflector".
    fn kind(&self) -> &'static str;

    /// Called at the start, and when a sleep is over.
    fn wake(&mut self, context: &mut ClientContext<'_>) -> Next;

    /// Called with the answer to its request. For a watch that was opened, it has status 200 and no body, and events
    /// follow.
    fn answered(&mut self, reply: &Reply, context: &mut ClientContext<'_>) -> Next;

    /// Called with an event of its watch.
    fn event(&mut self, event: &WatchEvent, context: &mut ClientContext<'_>) -> Next {
        let _ = (event, context);
        Next::Listen
    }

    /// Called when the connection broke before an answer, or during a watch.
    fn broken(&mut self, context: &mut ClientContext<'_>) -> Next;

    /// Called when the server ended the watch, having sent everything.
    fn ended(&mut self, context: &mut ClientContext<'_>) -> Next {
        self.broken(context)
    }

    /// The client's copy of a selection, after its list or its last event, and the revision of the copy. The checker
    /// compares it with the truth after every event. If one revision changed several keys, as when a lease expires,
    /// events of the same revision may still be to come.
    fn view(&self) -> Option<ClientView<'_>> {
        None
    }

    /// The term of leadership that the client last won and has not lost: its number, and the uid of the lease. No two
    /// clients may have the same.
    fn leads(&self) -> Option<(i64, Text)> {
        None
    }

    /// Called at the end of the calm: fails with what is not as it should be.
    fn settled(&self, context: &ClientContext<'_>) -> Result<(), Violation> {
        let _ = context;
        Ok(())
    }
}

/// A client's copy of a selection.
#[derive(Clone, Copy, Debug)]
pub struct ClientView<'a> {
    /// The request that selects it.
    pub ask: &'a ClientRequest,
    pub objects: &'a std::collections::BTreeMap<(Text, Text), Value>,
    pub at: Rev,
}

impl<'a> ClientContext<'a> {
    /// A choice of the client, below `bound`. 0 is the plainest: to do nothing, if that is possible.
    pub fn pick(&mut self, bound: u64) -> u64 {
        let stream = self.stream();
        self.chooser.pick(stream, bound)
    }

    /// One of several; the first is the plain choice.
    pub fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        let stream = self.stream();
        self.chooser.one_of(stream, of)
    }

    pub fn mark(&mut self, mark: Mark) {
        self.marks.reach(mark);
    }

    /// The stored object at a place.
    pub fn held(&self, place: &Place) -> Option<&'a Arc<StoredObject>> {
        self.truth.newest(&self.directory.key(place)?)
    }

    /// Sleeps for a short time before the next action.
    fn pause(&mut self) -> Next {
        Next::Sleep(self.one_of(&PAUSES_MILLIS))
    }

    fn stream(&self) -> ChoiceStream {
        ChoiceStream::of_turn(self.client, self.turn)
    }
}

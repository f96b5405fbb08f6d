//! Clients as machines: they ask, are answered, and go on. What an answer may be is not theirs to judge: the
//! checkers see every answer and every event. A client only says, at the end, whether it has what it wants.
//!
//! Each kind is a file; `kind` is the table of them, `selection` and `store` are what the watching kinds
//! share. Two more join when the servers can do what they need: co-writers that apply, and creators of
//! services that use up a range of addresses. Each is a file and a row of `kind`.

mod collector;
mod elector;
mod kind;
mod migrator;
mod namespace_deleter;
mod probe;
mod raw;
mod reading;
mod recorder;
mod reflector;
pub mod selection;
mod store;
mod stranger;
#[cfg(test)]
mod tests;
mod updater;
mod watch_list;
mod workload;
mod writer;

pub use kind::{Class, Kind};

use crate::ask::Ask;
use crate::check::Violation;
use crate::choose::{Chooser, Stream};
use crate::directory::{Directory, Place};
use crate::driver::Reply;
use crate::marks::{Mark, Marks};
use crate::truth::{Stored, Truth};
use bytes::Bytes;
use std::fmt;
use std::sync::Arc;
use steersman_core::now::Mono;
use steersman_core::store::Rev;
use steersman_core::value::{Text, Value};

/// How long a client sleeps that does nothing this time.
const IDLE_MILLIS: u64 = 1000;
/// How long a client sleeps between two things it does; the first is the plain one.
const PAUSES_MILLIS: [u64; 8] = [100, 1, 5, 20, 50, 300, 1000, 4000];

/// What a client does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Make a request. Whatever the client had open is dropped.
    Ask(Box<Ask>),
    /// Be woken after so many milliseconds. Whatever was open is dropped.
    Sleep(u64),
    /// Nothing until something comes.
    Listen,
}

impl From<Ask> for Next {
    fn from(ask: Ask) -> Self {
        Self::Ask(Box::new(ask))
    }
}

/// An event of a watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchEvent {
    pub kind: EventKind,
    /// Of the object, or of the Status of an error.
    pub object: Value,
    pub namespace: Text,
    pub name: Text,
    pub revision: Rev,
    /// The bytes that it came as, with what ends them.
    pub bytes: Bytes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    Added,
    Modified,
    Deleted,
    Bookmark,
    Error,
}

/// What a client may look at and do besides asking.
#[derive(Debug)]
pub struct Scene<'a> {
    pub chooser: &'a mut Chooser,
    pub marks: &'a mut Marks,
    pub directory: &'a Directory,
    /// The real state of the store. A client looks here only to choose something worth doing (a name that
    /// exists, a version that is current), never to judge an answer.
    pub truth: &'a Truth,
    pub now: Mono,
    /// The client's number, over all clients.
    pub client: u64,
    /// How often the client has been woken.
    pub turn: u64,
    /// Faults have ended: no more writes, unless they are needed to come to rest.
    pub calm: bool,
}

/// A client of the simulated servers.
pub trait Client: fmt::Debug + Send {
    /// A short name of its kind, as in "reflector".
    fn kind(&self) -> &'static str;

    /// Its sleep is over, or it starts.
    fn wake(&mut self, scene: &mut Scene<'_>) -> Next;

    /// Its request was answered. A watch that was opened has status 200 and no body; its events follow.
    fn answered(&mut self, reply: &Reply, scene: &mut Scene<'_>) -> Next;

    /// An event of its watch.
    fn event(&mut self, event: &WatchEvent, scene: &mut Scene<'_>) -> Next {
        let _ = (event, scene);
        Next::Listen
    }

    /// Nothing more comes: the connection broke before an answer, or the watch ended.
    fn broken(&mut self, scene: &mut Scene<'_>) -> Next;

    /// Its server ended its watch: nothing was lost.
    fn ended(&mut self, scene: &mut Scene<'_>) -> Next {
        self.broken(scene)
    }

    /// What the client holds as the state of a selection of a collection, after its list or its last event,
    /// and the revision that it is of. The checker compares it with the truth after every event. Where one
    /// revision changed several keys, as when a lease ends, events that are still to come may be of the same
    /// revision.
    fn view(&self) -> Option<View<'_>> {
        None
    }

    /// The term of leadership that the client last won and has not lost: its number, and the uid of the lease
    /// that counts it. No other client ever has the same.
    fn leads(&self) -> Option<(i64, Text)> {
        None
    }

    /// At the end of the calm: what is not as it should be.
    fn settled(&self, scene: &Scene<'_>) -> Result<(), Violation> {
        let _ = scene;
        Ok(())
    }
}

/// What a client believes that a collection holds.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The request that selects it.
    pub ask: &'a Ask,
    pub objects: &'a std::collections::BTreeMap<(Text, Text), Value>,
    pub at: Rev,
}

impl<'a> Scene<'a> {
    /// A choice of the client's own, below `bound`. 0 is the plainest: to do nothing, if that can be chosen.
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

    /// What the store holds now at a place.
    pub fn held(&self, place: &Place) -> Option<&'a Arc<Stored>> {
        self.truth.newest(&self.directory.key(place)?)
    }

    /// Sleeps a little before the next thing.
    fn pause(&mut self) -> Next {
        Next::Sleep(self.one_of(&PAUSES_MILLIS))
    }

    fn stream(&self) -> Stream {
        Stream::of_turn(self.client, self.turn)
    }
}

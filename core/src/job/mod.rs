//! One request as a value: stepped with a snapshot of the world, it waits for something or finishes.

use crate::http::Response;
use crate::now::Now;
use crate::store::{Feed, Op, Rev, Stored};
use crate::world::World;

/// What a step yields.
#[derive(Debug)]
pub(crate) enum Step {
    Wait(Job, Ask),
    Done(Response),
    /// The request becomes a watch, or is refused one.
    Stream(Job),
}

/// The reasons to wait.
#[derive(Debug)]
pub(crate) enum Ask {
    Store(Feed, Op),
    /// Until the feed has been applied up to the revision.
    Fresh(Feed, Rev),
}

/// What a step is resumed with.
#[derive(Debug)]
pub(crate) enum Answer {
    Begin,
    Stored(Stored),
    Fresh,
    /// The revision was not reached in time.
    Stale,
}

/// A request and how far it has come.
#[derive(Debug)]
pub(crate) struct Job {}

impl Job {
    pub(crate) fn step(self, _world: &World, _now: Now, _answer: Answer) -> Step {
        todo!()
    }
}

impl Step {
    pub(crate) fn panicked() -> Self {
        todo!()
    }
}

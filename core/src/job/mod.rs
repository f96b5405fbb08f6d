//! A request as a value: each step sees a snapshot of the world, and ends in a wait or in the answer.
//!
//! `begin` authenticates and authorizes; then there is one file for each verb.

mod begin;
mod body;
mod call;
mod caller;
mod change;
mod collection;
mod create;
mod delete;
mod document;
mod draft;
mod existing;
mod fail;
mod lease;
mod list;
mod read;
mod scale;
mod seat;
mod update;
mod write;

use crate::answer::Response;
use crate::answer::Subscription;
use crate::answer::Warnings;
use crate::caller::Caller;
use crate::museum::Flaw;
use crate::now::Now;
use crate::status::Failure;
use crate::store::{Feed, Op, Rev, Stored};
use crate::world::World;
use alloc::boxed::Box;
use alloc::sync::Arc;

pub(crate) use call::Call;
pub(crate) use seat::Seat;
pub(crate) use write::{Committing, Outcome, Progress};

/// The result of a step.
#[derive(Debug)]
pub(crate) enum Step {
    Wait(Job, Ask),
    Done(Response),
    /// The request becomes a watch.
    Stream(Box<Opening>),
    Panicked,
}

/// A watch that is about to begin: its response, with the initial events, and what the hub needs to know.
#[derive(Debug)]
pub(crate) struct Opening {
    pub(crate) response: Response,
    pub(crate) subscription: Subscription,
}

/// What a job can wait for.
#[derive(Debug)]
pub(crate) enum Ask {
    Store(Feed, Op),
    /// Until the feed has been applied up to the revision.
    Fresh(Feed, Rev),
    /// For a seat, that is, a place among the requests that run at once.
    Seat {
        /// The caller is admitted even when all seats are taken.
        privileged: bool,
    },
}

/// What a waiting job is resumed with.
#[derive(Debug)]
pub(crate) enum Answer {
    Begin,
    Seated,
    Stored(Stored),
    Fresh,
    /// The feed did not reach the revision in time.
    Stale,
}

/// A request, and the state of its handling.
#[derive(Debug)]
pub(crate) struct Job {
    call: Arc<Call>,
    state: State,
    /// The warnings that the answer will carry, whether it is a success or an error.
    warnings: Warnings,
}

#[derive(Debug)]
enum State {
    Begin,
    /// The caller is authenticated.
    Authenticated(Caller),
    Read(read::Read),
    List(Box<list::List>),
    Create(Box<create::Create>),
    Update(Box<update::Update>),
    Delete(Box<delete::Delete>),
    Collection(Box<collection::Collection>),
}

/// The result of one step of a verb: wait in a new state, or finish.
#[derive(Debug)]
enum Next {
    Wait(State, Ask),
    Done(Response),
    Stream(Box<Opening>),
}

/// What a step can see.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scene<'a> {
    pub(crate) call: &'a Arc<Call>,
    pub(crate) world: &'a World,
    pub(crate) now: Now,
}

impl Scene<'_> {
    /// The historical bug that is put back in a museum run.
    fn flaw(&self) -> Flaw {
        self.world.config.flaw
    }
}

impl Job {
    pub(crate) fn begin(call: Arc<Call>) -> Self {
        Self { call, state: State::Begin, warnings: Warnings::default() }
    }

    pub(crate) fn step(self, world: &World, now: Now, answer: Answer) -> Step {
        let Self { call, state, mut warnings } = self;
        let scene = Scene { call: &call, world, now };
        match advance(&scene, state, answer, &mut warnings) {
            Ok(Next::Wait(state, ask)) => Step::Wait(Self { call, state, warnings }, ask),
            Ok(Next::Done(response)) => Step::Done(warnings.on(response)),
            Ok(Next::Stream(mut opening)) => {
                opening.response = warnings.on(opening.response);
                Step::Stream(opening)
            }
            Err(failure) => Step::Done(warnings.on(call.failure(world, &failure))),
        }
    }

    /// The answer to a request that timed out.
    pub(crate) fn late(&self, world: &World, failure: &Failure) -> Response {
        self.warnings.on(self.call.failure(world, failure))
    }
}

fn advance(
    scene: &Scene<'_>,
    state: State,
    answer: Answer,
    warnings: &mut Warnings,
) -> Result<Next, Failure> {
    match state {
        State::Begin => begin::begin(scene, warnings),
        State::Authenticated(caller) => begin::seated(scene, &caller, warnings),
        State::Read(read) => read.step(scene, answer),
        State::List(list) => list.step(scene, answer),
        State::Create(create) => create.step(scene, answer, warnings),
        State::Update(update) => update.step(scene, answer, warnings),
        State::Delete(delete) => delete.step(scene, answer),
        State::Collection(collection) => collection.step(scene, answer),
    }
}

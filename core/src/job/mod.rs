//! A request as a value: each step sees a snapshot of the world, and ends in a wait or in the answer.
//!
//! `begin` authenticates and authorizes, and asks for the body; then there is one file for each verb.

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
mod probe;
mod read;
mod scale;
mod seat;
mod update;

use crate::answer::Response;
use crate::answer::Subscription;
use crate::answer::Warnings;
use crate::caller::Caller;
use crate::kinds::Verb;
use crate::museum::Flaw;
use crate::now::Now;
use crate::status::Failure;
use crate::store::{Feed, Op, Rev, Stored};
use crate::wire::{BodyError, CallError, Called, Outcall};
use crate::world::World;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;

pub(crate) use call::Call;
pub use probe::told;
pub(crate) use seat::Seat;

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
    /// For the outcomes of calls to other servers, which are made at once. Of more than `limits::CALLS_OF_JOB` the rest
    /// is not made.
    Calls(Vec<Outcall>),
    /// For a seat, that is, a place among the requests that run at once.
    Seat {
        /// The caller is admitted even when all seats are taken.
        privileged: bool,
    },
    /// For the body that follows the request's head. Only a job whose caller is authenticated and authorized asks.
    Body,
}

/// What a waiting job is resumed with.
#[derive(Debug)]
pub(crate) enum Answer {
    Begin,
    Seated,
    Body(Result<Bytes, BodyError>),
    Stored(Stored),
    /// The outcome of each call, in the order of the calls.
    Called(Vec<Result<Called, CallError>>),
    Fresh,
    /// The feed did not reach the revision in time.
    Stale,
}

/// A request, and the state of its handling.
#[derive(Debug)]
pub(crate) struct Job {
    call: Arc<Call>,
    /// Empty until it was asked for and has arrived.
    body: Bytes,
    state: State,
    /// The warnings that the answer will carry, whether it is a success or an error.
    warnings: Warnings,
}

#[derive(Debug)]
enum State {
    Begin,
    /// The caller is authenticated.
    Authenticated(Caller),
    /// The caller may do it; the body was asked for.
    Permitted(Box<call::Target>, Verb),
    Read(read::Read),
    List(Box<list::List>),
    Create(Box<create::Create>),
    Update(Box<update::Update>),
    Delete(Box<delete::Delete>),
    Collection(Box<collection::DeleteCollection>),
    Probe(probe::CallProbe),
}

impl State {
    /// The object or collection that the request is about, once it has been routed.
    fn target(&self) -> Option<&call::Target> {
        match self {
            Self::Begin | Self::Authenticated(_) | Self::Probe(_) => None,
            Self::Permitted(target, _) => Some(target),
            Self::Read(read) => Some(&read.target),
            Self::List(list) => Some(&list.target),
            Self::Create(create) => Some(&create.target),
            Self::Update(update) => Some(&update.target),
            Self::Delete(delete) => Some(&delete.deletion.target),
            Self::Collection(collection) => Some(&collection.target),
        }
    }
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
    /// The request's body, at most `limits::REQUEST_BODY_BYTES`.
    pub(crate) body: &'a [u8],
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
        Self { call, body: Bytes::new(), state: State::Begin, warnings: Warnings::default() }
    }

    /// A job that makes these calls and tells what came of them.
    pub(crate) fn probe(call: Arc<Call>, calls: Vec<Outcall>) -> Self {
        let state = State::Probe(probe::CallProbe::Begin(calls));
        Self { call, body: Bytes::new(), state, warnings: Warnings::default() }
    }

    pub(crate) fn step(self, world: &World, now: Now, answer: Answer) -> Step {
        let Self { call, mut body, state, mut warnings } = self;
        if let Answer::Body(Ok(arrived)) = &answer {
            body = arrived.clone();
        }
        let scene = Scene { call: &call, body: &body, world, now };
        match advance(&scene, state, answer, &mut warnings) {
            Ok(Next::Wait(state, ask)) => Step::Wait(Self { call, body, state, warnings }, ask),
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
    let target = state.target();
    if target.is_some_and(|target| scene.world.registry.kind(target.resource).is_none()) {
        return gone(scene, &state, &answer);
    }
    match state {
        State::Begin => begin::begin(scene, warnings),
        State::Authenticated(caller) => begin::seated(scene, &caller, warnings),
        State::Permitted(target, verb) => begin::arrived(scene, *target, verb, answer, warnings),
        State::Read(read) => read.step(scene, answer),
        State::List(list) => list.step(scene, answer),
        State::Create(create) => create.step(scene, answer, warnings),
        State::Update(update) => update.step(scene, answer, warnings),
        State::Delete(delete) => delete.step(scene, answer),
        State::Collection(collection) => collection.step(scene, answer),
        State::Probe(probe) => probe.step(answer),
    }
}

/// The answer when the kind of the request has gone meanwhile. It is that of a path which was never served, unless a
/// write may have happened, which must not be denied.
fn gone(scene: &Scene<'_>, state: &State, answer: &Answer) -> Result<Next, Failure> {
    let writes = match state {
        State::Begin
        | State::Authenticated(_)
        | State::Permitted(..)
        | State::Read(_)
        | State::List(_)
        | State::Probe(_) => false,
        State::Create(_) | State::Update(_) | State::Delete(_) | State::Collection(_) => true,
    };
    let may_have_happened = match answer {
        Answer::Stored(Stored::Txn(reply)) => reply.succeeded,
        Answer::Stored(Stored::Unknown(_) | Stored::Ranged(_)) => true,
        Answer::Stored(Stored::Failed(_) | Stored::Compacted | Stored::Leased { .. } | Stored::Revoked)
        | Answer::Begin
        | Answer::Seated
        | Answer::Body(_)
        | Answer::Called(_)
        | Answer::Fresh
        | Answer::Stale => false,
    };
    if writes && may_have_happened {
        return Err(fail::unknown_outcome("its kind is no longer served"));
    }
    Ok(Next::Done(scene.call.gone(scene.world)))
}

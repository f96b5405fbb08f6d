//! One request as a value: stepped with a snapshot of the world, it waits for something or finishes.
//!
//! `begin` finds out who asks for what and whether that is allowed; then one file per verb.

mod begin;
mod body;
mod call;
mod change;
mod collection;
mod create;
mod delete;
mod draft;
mod existing;
mod fail;
mod lease;
mod list;
mod read;
mod scale;
mod update;

use crate::http::{Header, Response};
use crate::machine::Subscription;
use crate::museum::Flaw;
use crate::now::Now;
use crate::respond;
use crate::status::Failure;
use crate::store::{Feed, Op, Rev, Stored};
use crate::world::World;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

pub(crate) use call::Call;

/// What a step yields.
#[derive(Debug)]
pub(crate) enum Step {
    Wait(Job, Ask),
    Done(Response),
    /// The request becomes a watch.
    Stream(Box<Opening>),
    Panicked,
}

/// A watch about to open: its response, with the initial events, and what follows.
#[derive(Debug)]
pub(crate) struct Opening {
    pub(crate) response: Response,
    pub(crate) subscription: Subscription,
}

/// The reasons to wait.
#[derive(Debug)]
pub(crate) enum Ask {
    Store(Feed, Op),
    /// Until the feed has been applied up to the revision.
    Fresh(Feed, Rev),
    /// For a place among the requests that run at once.
    Seat {
        /// The caller gets an answer even when there is none.
        privileged: bool,
    },
}

/// What a step is resumed with.
#[derive(Debug)]
pub(crate) enum Answer {
    Begin,
    Seated,
    Stored(Stored),
    Fresh,
    /// The revision was not reached in time.
    Stale,
}

/// A request and how far it has come.
#[derive(Debug)]
pub(crate) struct Job {
    call: Arc<Call>,
    state: State,
}

#[derive(Debug)]
enum State {
    Begin,
    /// It is known who asks.
    Authenticated(begin::Caller),
    Read(read::Read),
    List(Box<list::List>),
    Create(Box<create::Create>),
    Update(Box<update::Update>),
    Delete(Box<delete::Delete>),
    Collection(Box<collection::Collection>),
}

/// What a verb's step yields: wait in a new state, or finish.
#[derive(Debug)]
enum Next {
    Wait(State, Ask),
    Done(Response),
    Stream(Box<Opening>),
}

/// What a step sees.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scene<'a> {
    pub(crate) call: &'a Arc<Call>,
    pub(crate) world: &'a World,
    pub(crate) now: Now,
}

impl Scene<'_> {
    /// The bug that is put back, in a museum.
    fn flaw(&self) -> Flaw {
        self.world.config.flaw
    }
}

impl Job {
    pub(crate) fn begin(call: Arc<Call>) -> Self {
        Self { call, state: State::Begin }
    }

    pub(crate) fn step(self, world: &World, now: Now, answer: Answer) -> Step {
        let Self { call, state } = self;
        let scene = Scene { call: &call, world, now };
        match advance(&scene, state, answer) {
            Ok(Next::Wait(state, ask)) => Step::Wait(Self { call, state }, ask),
            Ok(Next::Done(response)) => Step::Done(warned(&scene, response)),
            Ok(Next::Stream(mut opening)) => {
                opening.response = warned(&scene, opening.response);
                Step::Stream(opening)
            }
            Err(failure) => Step::Done(warned(&scene, call.failure(world, &failure))),
        }
    }
}

/// Every answer about a deprecated resource says so, before its other warnings.
/// k8s: staging/src/k8s.io/apiserver/pkg/endpoints/installer.go
fn warned(scene: &Scene<'_>, mut response: Response) -> Response {
    let Ok(info) = &scene.call.info else { return response };
    let resource = scene.world.registry.find(&info.group, &info.version, &info.resource);
    let Some(resource) = resource.filter(|resource| !resource.row.deprecation.is_empty()) else {
        return response;
    };
    let (others, headers): (Vec<Header>, _) =
        response.headers.into_iter().partition(|(name, _)| name == "warning");
    response.headers = headers;
    let mut response = respond::with_warnings(response, &[resource.row.deprecation.into()]);
    response.headers.extend(others);
    response
}

fn advance(scene: &Scene<'_>, state: State, answer: Answer) -> Result<Next, Failure> {
    match state {
        State::Begin => begin::begin(scene),
        State::Authenticated(caller) => begin::seated(scene, &caller),
        State::Read(read) => read.step(scene, answer),
        State::List(list) => list.step(scene, answer),
        State::Create(create) => create.step(scene, answer),
        State::Update(update) => update.step(scene, answer),
        State::Delete(delete) => delete.step(scene, answer),
        State::Collection(collection) => collection.step(scene, answer),
    }
}

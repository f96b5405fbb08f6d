//! A request as a value: each step sees a snapshot of the world, and ends in a wait or in the answer.
//!
//! `arrival` authenticates, `authorize` asks whether the caller may, `begin` asks for the body; then there is one file
//! for each verb.

mod aggregate;
mod apply;
mod arrival;
mod authorize;
mod begin;
mod binding;
mod body;
mod call;
mod change;
mod collection;
mod component_status;
mod connect;
mod conversions;
mod convert;
mod create;
mod delete;
mod document;
mod eviction;
mod existing;
mod fail;
mod identity_review;
mod lease;
mod list;
mod posted;
mod probe;
mod read;
mod review;
mod scale;
mod seat;
mod token;
mod update;
mod view;
mod write;

use crate::answer::{Dial, Response, Subscription, Warnings};
use crate::authorization::{Impersonating, Target, Undecided};
use crate::caller::Caller;
use crate::config::{Note, SignedToken};
use crate::identity::Authenticating;
use crate::kinds::KindId;
use crate::limits;
use crate::museum::Flaw;
use crate::now::Now;
use crate::question::{Consultation, Question};
use crate::status::Failure;
use crate::store::{Feed, Op, Rev, Stored};
use crate::value::Text;
use crate::wire::field_manager::manager_or_user_agent;
use crate::wire::options::WriteOptions;
use crate::wire::{BodyError, CallError, Called, Outcall};
use crate::world::World;
use crate::world::cache::Entry;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;

pub(crate) use aggregate::who;
use arrival::Arrival;
pub(crate) use call::Call;
use conversions::{ConversionNeed, ConversionNotes, Conversions, Converting};
pub use probe::{ProbeTask, told};
pub(crate) use seat::Seat;
pub(crate) use write::{
    CommitOutcome, Committing, OwnChange, OwnWriter, Progress, draft_own, draft_own_change, draft_stored,
};

/// A step that was run.
#[derive(Debug)]
pub(crate) struct Stepped {
    pub(crate) step: Step,
    /// Who makes the request, if this step has found it out.
    pub(crate) caller: Option<Arc<Caller>>,
    /// Facts for operators.
    pub(crate) notes: Vec<Note>,
    /// Objects of the store that were converted for this step, each in the version that it is in now.
    pub(crate) converted: Vec<Arc<Entry>>,
}

/// The result of a step.
#[derive(Debug)]
pub(crate) enum Step {
    Wait(Job, Ask),
    Done(Response),
    /// The request becomes a watch.
    Stream(Box<Opening>),
    /// What a job of the machine's own has converted for watchers, or why it could not.
    Converted(Result<Vec<Arc<Entry>>, Failure>),
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
    /// For its turn among the requests that ask under the same name.
    Turn(Text),
    /// For a namespace with this name, which is made if there is none.
    Provide(Text),
    /// For tokens of an event from the buckets with these keys.
    Take(Vec<Text>),
    /// For the outcome of a call, which may still be remembered.
    Consult(Box<Consultation>),
    /// For the signature of the service account issuer's key over this text.
    Sign(Bytes),
    /// For whether the signature of a token is good.
    Verify(Box<SignedToken>),
    /// For the answer of a server that is to switch protocols, and that the job's client may then be joined with
    /// (`Body::Tunnel`).
    Dial(Box<Dial>),
    /// For a seat, that is, a place among the requests that run at once.
    Seat {
        /// The caller is admitted even when all seats are taken.
        privileged: bool,
    },
    /// For the body that follows the request's head. Only a job whose caller is authenticated and authorized asks.
    Body,
}

impl From<Question> for Ask {
    fn from(question: Question) -> Self {
        match question {
            Question::Store(feed, op) => Self::Store(feed, op),
            Question::Calls(calls) => Self::Calls(calls),
            Question::Verify(token) => Self::Verify(token),
            Question::Turn(name) => Self::Turn(name),
            Question::Provide(name) => Self::Provide(name),
            Question::Take(keys) => Self::Take(keys),
            Question::Fresh(feed, revision) => Self::Fresh(feed, revision),
            Question::Consult(consultation) => Self::Consult(consultation),
        }
    }
}

/// What a waiting job is resumed with.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Begin,
    Seated,
    Body(Result<Bytes, BodyError>),
    Stored(Stored),
    /// The outcome of each call, in the order of the calls.
    Called(Vec<Result<Called, CallError>>),
    /// A signature, as JSON Web Signatures have it, or why there is none.
    Signed(Result<Bytes, Text>),
    /// Whether the signature is that of one of the token's keys.
    Verified(bool),
    Turn,
    /// For each bucket whether there was a token.
    Taken(Vec<bool>),
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
    /// The warnings that the answer will carry, whether it is a success or an error.
    warnings: Warnings,
    phase: Phase,
    /// What it knows of conversions by webhooks.
    conversions: Conversions,
}

/// Whether it is known who makes the request.
#[derive(Debug)]
enum Phase {
    Arriving(Authenticating),
    /// The caller wants to act as somebody else.
    Impersonating(Arc<Caller>, Box<Impersonating>),
    Known(Known),
    /// Converters are asked for what the last step has missed.
    Converting(Box<Converting>),
}

/// What a job knows once it is known who asks.
#[derive(Debug)]
struct Known {
    caller: Arc<Caller>,
    state: State,
}

#[derive(Debug)]
enum State {
    /// The job waits for its seat.
    Seat,
    /// Authorization waits for an answer.
    Undecided(Undecided),
    /// The caller may do it; the body was asked for.
    Permitted(Box<Target>),
    Read(Box<read::Read>),
    List(Box<list::List>),
    Create(Box<create::Create>),
    Update(Box<update::Update>),
    Delete(Box<delete::Delete>),
    Collection(Box<collection::DeleteCollection>),
    Bind(Box<binding::BindPod>),
    Evict(Box<eviction::EvictPod>),
    Components(Box<component_status::ComponentStatuses>),
    AdmitConnection(Box<connect::ConnectAdmission>),
    Connect(Box<connect::Connect>),
    Aggregate(Box<aggregate::Aggregate>),
    Token(Box<token::TokenCreate>),
    Review(Box<review::AccessReview>),
    IdentityReview(Box<identity_review::IdentityReview>),
    Probe(probe::ProbeState),
    Convert(convert::ConvertObjects),
}

impl State {
    /// The object or collection that the request is about, once it has been routed.
    fn target(&self) -> Option<&Target> {
        match self {
            Self::Seat | Self::Undecided(_) | Self::Aggregate(_) | Self::Probe(_) | Self::Convert(_) => None,
            Self::Permitted(target) => Some(target),
            Self::Read(read) => Some(&read.target),
            Self::List(list) => Some(&list.target),
            Self::Create(create) => Some(&create.target),
            Self::Update(update) => Some(&update.target),
            Self::Delete(delete) => Some(&delete.deletion.target),
            Self::Collection(collection) => Some(&collection.target),
            Self::Bind(bind) => Some(bind.target()),
            Self::Evict(evict) => Some(evict.target()),
            Self::Components(statuses) => Some(&statuses.target),
            Self::AdmitConnection(admission) => Some(&admission.target),
            Self::Connect(connect) => Some(&connect.target),
            Self::Token(token) => Some(token.target()),
            Self::Review(review) => Some(review.target()),
            Self::IdentityReview(review) => Some(review.target()),
        }
    }
}

/// The result of one step of a verb: wait in a new state, or finish.
#[derive(Debug)]
enum Next {
    Wait(State, Ask),
    Done(Response),
    Stream(Box<Opening>),
    Converted(Vec<Arc<Entry>>),
}

/// What a step can see.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scene<'a> {
    pub(crate) call: &'a Arc<Call>,
    pub(crate) caller: &'a Caller,
    /// The request's body, at most `limits::REQUEST_BODY_BYTES`.
    pub(crate) body: &'a [u8],
    pub(crate) world: &'a World,
    pub(crate) now: Now,
    conversions: &'a ConversionNotes,
}

impl Scene<'_> {
    /// The historical bug that is put back in a museum run.
    fn flaw(&self) -> Flaw {
        self.world.config.flaw
    }

    /// As whose a write is counted.
    fn manager(&self, options: &WriteOptions) -> Text {
        let user_agent = self.call.request.header("user-agent").unwrap_or_default();
        manager_or_user_agent(&options.field_manager, user_agent)
    }
}

/// What a step tells operators, beside its answer.
#[derive(Debug, Default)]
struct Notes(Vec<Note>);

impl Notes {
    /// At most `limits::STEP_NOTES` are passed on.
    fn add(&mut self, note: Note) {
        if self.0.len() < limits::STEP_NOTES {
            self.0.push(note);
        }
    }
}

impl Stepped {
    fn done(response: Response, caller: Option<Arc<Caller>>) -> Self {
        Self { step: Step::Done(response), caller, notes: Vec::new(), converted: Vec::new() }
    }

    fn waiting(job: Job, ask: Ask, caller: Option<Arc<Caller>>) -> Self {
        Self { step: Step::Wait(job, ask), caller, notes: Vec::new(), converted: Vec::new() }
    }

    pub(crate) fn panicked() -> Self {
        Self { step: Step::Panicked, caller: None, notes: Vec::new(), converted: Vec::new() }
    }
}

impl Job {
    fn at(call: Arc<Call>, body: Bytes, warnings: Warnings, phase: Phase) -> Self {
        Self { call, body, warnings, phase, conversions: Conversions::default() }
    }

    pub(crate) fn begin(call: Arc<Call>) -> Self {
        Self::at(call, Bytes::new(), Warnings::default(), Phase::Arriving(Authenticating::default()))
    }

    /// A job that does this. The server itself asks for it.
    pub(crate) fn probe(call: Arc<Call>, task: ProbeTask) -> Self {
        let state = State::Probe(probe::ProbeState::Begin(task));
        let known = Known { caller: Arc::new(Caller::server()), state };
        Self::at(call, Bytes::new(), Warnings::default(), Phase::Known(known))
    }

    /// A job of the machine's own that converts objects to the version of a kind.
    pub(crate) fn convert(call: Arc<Call>, kind: KindId, entries: Vec<Arc<Entry>>) -> Self {
        let state = State::Convert(convert::ConvertObjects { kind, entries });
        let known = Known { caller: Arc::new(Caller::server()), state };
        Self::at(call, Bytes::new(), Warnings::default(), Phase::Known(known))
    }

    pub(crate) fn step(self, world: &World, now: Now, answer: Answer) -> Stepped {
        let Self { call, mut body, mut warnings, phase, mut conversions } = self;
        if let Answer::Body(Ok(arrived)) = &answer {
            assert!(arrived.len() <= limits::REQUEST_BODY_BYTES, "a longer body does not arrive");
            body = arrived.clone();
        }
        let (known, answer) = match phase {
            Phase::Known(known) => (known, answer),
            Phase::Converting(converting) => {
                let (known, before, told) = converting.resume(world, &mut conversions, &answer);
                warnings = told;
                (known, before)
            }
            Phase::Arriving(authenticating) => {
                let arrival = Arrival { call, body, warnings };
                return arrival.authenticate(authenticating, world, now, answer);
            }
            Phase::Impersonating(caller, impersonating) => {
                let arrival = Arrival { call, body, warnings };
                return match arrival::found(answer) {
                    Ok(reply) => arrival.impersonate(caller, *impersonating, world, reply),
                    Err(failure) => arrival.refuse(world, &failure),
                };
            }
        };
        Self { call, body, warnings, phase: Phase::Known(known), conversions }.advance(world, now, answer)
    }

    /// Runs a step of the request, until it needs nothing converted that is not known.
    fn advance(self, world: &World, now: Now, mut answer: Answer) -> Stepped {
        let Self { call, body, mut warnings, phase, conversions } = self;
        let Phase::Known(Known { caller, mut state }) = phase else {
            return Stepped::done(call.failure(world, &fail::misfit()), None);
        };
        let conversions = ConversionNotes::new(conversions);
        loop {
            let kept =
                state.kept_for_conversion(world).map(|state| (state, answer.clone(), warnings.clone()));
            let mut notes = Notes::default();
            let scene =
                Scene { call: &call, caller: &caller, body: &body, world, now, conversions: &conversions };
            let next = advance(&scene, state, answer, &mut warnings, &mut notes);
            let conversion = conversions.with(|known| known.judge(world, &call.rng));
            let next = match (conversion, kept) {
                (ConversionNeed::Complete, _) => next,
                (ConversionNeed::Failed(failure), _) => Err(failure),
                (ConversionNeed::Again, Some(kept)) => {
                    (state, answer, warnings) = kept;
                    continue;
                }
                (ConversionNeed::Ask(calls, waiting), Some((state, answer, warnings))) => {
                    let known = Known { caller, state };
                    let converting = Converting::new(known, answer, warnings.clone(), waiting);
                    let phase = Phase::Converting(Box::new(converting));
                    let mut conversions = conversions.into_inner();
                    let converted = conversions.take_fresh();
                    let job = Self { call, body, warnings, phase, conversions };
                    let step = Step::Wait(job, Ask::Calls(calls));
                    return Stepped { step, caller: None, notes: Vec::new(), converted };
                }
                (ConversionNeed::Again | ConversionNeed::Ask(..), None) => Err(fail::misfit()),
            };
            let mut conversions = conversions.into_inner();
            let converted = conversions.take_fresh();
            let step = match next {
                Ok(Next::Wait(state, ask)) => {
                    let phase = Phase::Known(Known { caller, state });
                    Step::Wait(Self { call, body, warnings, phase, conversions }, ask)
                }
                Ok(Next::Done(response)) => Step::Done(warnings.on(response)),
                Ok(Next::Stream(mut opening)) => {
                    opening.response = warnings.on(opening.response);
                    Step::Stream(opening)
                }
                Ok(Next::Converted(entries)) => Step::Converted(Ok(entries)),
                Err(failure) if call.id.is_own() => Step::Converted(Err(failure)),
                Err(failure) => Step::Done(warnings.on(call.failure(world, &failure))),
            };
            return Stepped { step, caller: None, notes: notes.0, converted };
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
    notes: &mut Notes,
) -> Result<Next, Failure> {
    let target = state.target();
    if target.is_some_and(|target| scene.world.registry.kind(target.resource().id).is_none()) {
        return gone(scene, &state, &answer);
    }
    match state {
        State::Seat => authorize::request(scene, None, warnings),
        State::Undecided(undecided) => authorize::request(scene, Some((undecided, answer)), warnings),
        State::Permitted(target) => begin::arrived(scene, *target, answer, warnings),
        State::Read(read) => read.step(scene, answer),
        State::List(list) => list.step(scene, answer),
        State::Create(create) => create.step(scene, answer, warnings, notes),
        State::Update(update) => update.step(scene, answer, warnings, notes),
        State::Delete(delete) => delete.step(scene, answer, warnings, notes),
        State::Collection(collection) => collection.step(scene, answer, notes),
        State::Bind(bind) => bind.step(scene, answer, warnings, notes),
        State::Evict(evict) => evict.step(scene, answer, warnings, notes),
        State::Components(statuses) => statuses.step(scene, answer),
        State::AdmitConnection(admission) => admission.step(scene, answer, warnings),
        State::Connect(connect) => connect.step(scene, answer, warnings),
        State::Aggregate(aggregate) => aggregate.step(scene, answer),
        State::Token(token) => token.step(scene, answer, warnings),
        State::Review(review) => review.step(scene, answer, warnings),
        State::IdentityReview(review) => review.step(scene, answer, warnings, notes),
        State::Probe(probe) => probe.step(scene, answer),
        State::Convert(objects) => objects.step(scene, answer),
    }
}

/// The answer when the kind of the request has gone meanwhile. It is that of a path which was never served, unless a
/// write may have happened, which must not be denied.
fn gone(scene: &Scene<'_>, state: &State, answer: &Answer) -> Result<Next, Failure> {
    let writes = match state {
        State::Seat
        | State::Undecided(_)
        | State::Permitted(_)
        | State::Read(_)
        | State::List(_)
        | State::Components(_)
        | State::AdmitConnection(_)
        | State::Connect(_)
        | State::Aggregate(_)
        | State::Token(_)
        | State::Review(_)
        | State::IdentityReview(_)
        | State::Probe(_)
        | State::Convert(_) => false,
        State::Create(_)
        | State::Update(_)
        | State::Delete(_)
        | State::Collection(_)
        | State::Bind(_)
        | State::Evict(_) => true,
    };
    let may_have_happened = match answer {
        Answer::Stored(Stored::Txn(reply)) => reply.succeeded,
        Answer::Stored(Stored::Unknown(_) | Stored::Ranged(_)) => true,
        Answer::Stored(Stored::Failed(_) | Stored::Compacted | Stored::Leased { .. } | Stored::Revoked)
        | Answer::Begin
        | Answer::Seated
        | Answer::Body(_)
        | Answer::Called(_)
        | Answer::Signed(_)
        | Answer::Verified(_)
        | Answer::Turn
        | Answer::Taken(_)
        | Answer::Fresh
        | Answer::Stale => false,
    };
    if writes && may_have_happened {
        return Err(fail::unknown_outcome("its kind is no longer served"));
    }
    Ok(Next::Done(scene.call.gone(scene.world)))
}

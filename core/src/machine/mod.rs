//! The state machine: inputs in, effects out, nothing else.
//!
//! `Machine` owns what has an order: applied changes, watchers, seats, timers. A request is a `Job` whose steps are
//! handed out as `Task` values. The driver of the machine runs them on any thread and in any order, and returns their
//! outcomes as inputs. The production shell runs tasks on all worker threads, the simulator on its only thread in an
//! order that it draws; they differ in nothing else.

mod aggregation;
mod calls;
mod consultations;
mod controllers;
mod conversions;
mod definitions;
mod event_buckets;
mod feeds;
mod figures;
mod fresh;
mod handle;
mod hub;
mod kinds;
mod pages;
mod provision;
mod seats;
mod shutdown;
mod signatures;
mod slot;
pub mod text;
mod timers;
mod tunnels;
mod turns;
mod upkeep;

use crate::answer::{Dial, Frame, Response};
use crate::config::JwtIssuer;
use crate::config::{Authorizer, JobId, Note, SignedToken, TrustedClients};
use crate::job::{Answer, Ask, Job, ProbeTask, Step, Stepped};
use crate::kinds::Definition;
use crate::now::Now;
use crate::store::{Feed, KeyValue, Op, Rev, Stored, Why};
use crate::value::Text;
use crate::wire::{BodyError, CallError, Called, Outcall, Request, TunnelEnd};
use crate::world::cache::Cache;
use crate::world::{Changes, Listing, World};
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;

pub use figures::CollectionFigures;
pub use handle::Machine;
pub(crate) use hub::{Hints, Window};
pub use kinds::KIND_GONE;
pub use shutdown::Drain;

/// What happens to the machine.
#[derive(Debug)]
pub enum Input {
    /// The server starts: called once, first.
    Start,
    /// The head of a request arrived. Its body, if it has one, is left unread until `Effect::Body` asks for it.
    Request(JobId, Request),
    /// The body that was asked for, or why there is none. At most one arrives for each `Effect::Body`, and none after
    /// `Input::Gone`.
    Body(JobId, Result<Bytes, BodyError>),
    /// A job does this. Nothing that clients send leads to it: it is for the simulator and for tests.
    Probe(JobId, ProbeTask),
    /// The outcome of one of a job's calls: exactly one for each `Effect::Call` that is not cancelled, and one with the
    /// number 0 for an `Effect::Dial`.
    Called(JobId, u32, Result<Called, CallError>),
    /// The signature that was asked for, as JSON Web Signatures have it, or why there is none. Exactly one arrives for
    /// each `Effect::Sign`, and none after `Input::Gone`.
    Signed(JobId, Result<Bytes, Text>),
    /// Whether the signature of a token is that of one of its keys. Exactly one arrives for each `Effect::Verify`, and
    /// none after `Input::Gone`.
    Verified(JobId, bool),
    /// A task that was handed out has run; this is its outcome.
    Ran(Ran),
    /// An operation on the store has ended. Exactly one arrives for each `Effect::Store`.
    Stored(JobId, Stored),
    /// A page that was handed out has been decoded.
    Decoded(DecodedPage),
    /// Changes of a feed that the machine follows. Their values may have been decoded already, or not.
    Changed(Changes),
    /// A feed broke off. It brings no changes until it is followed again.
    Lost(Feed, Why),
    /// The client of a watch has taken this many frames.
    Credit(JobId, u32),
    /// The client went away. Nothing more is to be sent to it.
    Gone(JobId),
    /// An answer whose body is large (`Body::is_large`) has been sent to its last byte, or never will be.
    Sent(JobId),
    /// A tunnel has ended (`Body::Tunnel`). It may come after the machine has closed the tunnel, too.
    TunnelEnded(JobId, TunnelEnd),
    /// The store of a feed no longer answers, and why; or it answers again.
    Health(Feed, Result<(), Text>),
    /// The time that `wake_at` named has come.
    Tick,
    /// The server was told to end: `/readyz` fails from here on, and everything else is served as before.
    ShutdownInitiated,
    /// A kind that is not built in is to be served.
    Serve(Box<Definition>),
    /// The kind of this group and plural, which came with `Serve`, is not to be served any more. Nothing happens when
    /// there is none.
    Withdraw { group: Text, plural: Text },
    /// Others decide from here on what callers may do: the file that names the authorizers has changed. Decisions that
    /// have begun keep to those before.
    Authorizers(Vec<Authorizer>),
    /// The tokens of other issuers are credentials from here on: the file that names the issuers has changed.
    JwtIssuers(Vec<JwtIssuer>),
    /// Other clients are trusted from here on, which other API servers are to know: the files with authorities have
    /// changed.
    TrustedClients(Box<TrustedClients>),
    /// The server takes no new requests from here on and closes its watches.
    Drain(Drain),
}

/// What the machine wants done.
#[derive(Debug)]
pub enum Effect {
    /// Run this step and give its outcome back as `Input::Ran`.
    Run(Task),
    /// Perform this on the store of the feed and answer with `Input::Stored`.
    Store(JobId, Feed, Op),
    /// Read the request's body, as far as `limits::REQUEST_BODY_BYTES`, and give it back as `Input::Body`.
    Body(JobId),
    /// Sign this text with the service account issuer's key (`Config::signing_key`), and answer with `Input::Signed`.
    Sign(JobId, Bytes),
    /// Verify the signature of this token, and answer with `Input::Verified`.
    Verify(JobId, Box<SignedToken>),
    /// Make one of the job's calls, the one with this number, and answer with `Input::Called`.
    Call(JobId, u32, Outcall),
    /// Make this call for the job, and answer with `Input::Called`. If the server switches protocols, keep its
    /// connection for the job's answer with `Body::Tunnel`.
    Dial(JobId, Dial),
    /// Nobody waits for the outcomes of the job's calls any more, and its answer is no tunnel.
    CancelCalls(JobId),
    /// Send this response. With `Body::Stream` the connection stays open for frames.
    Respond(JobId, Response),
    /// Send this frame to the streams of all these jobs. It may be rendered later, on any thread; the streams keep the
    /// order of their frames.
    Frame { to: Vec<JobId>, frame: Frame },
    /// End the job's stream, after all its frames, or its tunnel, at once.
    Close(JobId),
    /// Decode this page and give it back as `Input::Decoded`.
    Decode(Page),
    /// Drop this where nobody waits for it.
    Discard(Discarded),
    /// Deliver, as `Input::Changed`, all changes under the prefix after the revision.
    Follow { feed: Feed, prefix: Bytes, after: Rev },
    /// A request waits until the feed has reached the store's revision. Ask the store to report its progress, since a
    /// quiet store would not send anything.
    RequestProgress(Feed),
    /// A fact for logs and metrics.
    Note(Note),
}

/// A step of a job, ready to run anywhere.
#[derive(Debug)]
pub struct Task {
    pub id: JobId,
    pub(crate) job: Job,
    pub(crate) answer: Answer,
    pub(crate) world: Arc<World>,
    pub(crate) now: Now,
}

/// What a task came to, for `Input::Ran`.
#[derive(Debug)]
pub struct Ran {
    pub id: JobId,
    /// The main feed's revision in the snapshot that the step saw. A recording notes it, so that a replay uses the
    /// same one.
    pub seen: Rev,
    pub(crate) stepped: Stepped,
}

impl Task {
    /// The main feed's revision in the snapshot that the step will see.
    pub fn sees(&self) -> Rev {
        self.world.revision(Feed(0))
    }

    /// Whether this is the job's first step, which begins to authenticate the caller.
    pub fn is_first(&self) -> bool {
        matches!(self.answer, Answer::Begin)
    }

    pub fn run(self) -> Ran {
        let seen = self.sees();
        let stepped = self.job.step(&self.world, self.now, self.answer);
        Ran { id: self.id, seen, stepped }
    }
}

impl Ran {
    /// The read of a store that the job waits for now, if it does. A driver that can answer it at once may give the
    /// outcome together with this input.
    pub fn read(&self) -> Option<(Feed, &Op)> {
        match &self.stepped.step {
            Step::Wait(_, Ask::Store(feed, op @ Op::Range(_))) => Some((*feed, op)),
            Step::Wait(..) | Step::Done(_) | Step::Stream(_) | Step::Converted(_) | Step::Panicked => None,
        }
    }

    /// The outcome of a task that panicked. Its client is answered with 500, and the machine goes on.
    pub fn panicked(id: JobId, seen: Rev) -> Self {
        Self { id, seen, stepped: Stepped::panicked() }
    }
}

/// A page of a listing, whose values can be decoded anywhere.
#[derive(Debug)]
pub struct Page {
    pub id: JobId,
    pub(crate) listing: Box<Listing>,
    pub(crate) kvs: Vec<KeyValue>,
    pub(crate) is_last: bool,
}

/// A listing with one page more, for `Input::Decoded`.
#[derive(Debug)]
pub struct DecodedPage {
    pub id: JobId,
    pub(crate) listing: Box<Listing>,
    pub(crate) is_last: bool,
}

impl Page {
    pub fn run(self) -> DecodedPage {
        let Self { id, mut listing, kvs, is_last } = self;
        listing.add(kvs);
        DecodedPage { id, listing, is_last }
    }
}

/// What the machine no longer needs. Dropping it takes long when it holds many objects.
#[derive(Debug)]
pub struct Discarded {
    pub(crate) caches: Vec<Arc<Cache>>,
    pub(crate) windows: Vec<Window>,
    pub(crate) hints: Vec<Hints>,
}

impl Discarded {
    /// How many objects and changes it holds.
    pub fn count(&self) -> usize {
        let objects: usize = self.caches.iter().map(|cache| cache.entries().len()).sum();
        objects + self.windows.iter().map(Window::len).sum::<usize>()
    }
}

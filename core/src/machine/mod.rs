//! The state machine: inputs in, effects out, nothing else.
//!
//! `Machine` owns what is ordered: applying changes, watchers, seats, timers. A request is a `Job`
//! whose steps are handed out as `Task` values; whoever drives the machine runs them, on any thread
//! and in any order, and gives the outcome back. That is the only difference between the production
//! shell (all worker threads) and the simulator (one thread, an order it draws).

mod feeds;
mod handle;
mod hub;
mod seats;
mod shutdown;
pub mod text;
mod upkeep;

use crate::http::openid::IssuerKey;
use crate::http::{Request, Response};
use crate::job::{Answer, Job, Step};
use crate::limits::Bounds;
use crate::museum::Flaw;
use crate::now::{Mono, Now};
use crate::store::{Batch, Feed, Op, Rev, Stored, Why};
use crate::value::Text;
use crate::world::{Authentication, Authorization, World};
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;

pub use handle::Machine;
pub(crate) use hub::Subscription;
pub(crate) use seats::Seat;
pub use shutdown::Drain;

/// Names one request for its whole life. The driver numbers requests from 1 upwards and never reuses
/// a number; numbers from `JobId::OWN` up belong to the machine itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct JobId(pub u64);

impl JobId {
    /// The first number of the machine's own operations (listing a feed, compaction).
    pub const OWN: Self = Self(1 << 63);

    pub fn is_own(self) -> bool {
        self >= Self::OWN
    }
}

/// What happens to the machine.
#[derive(Debug)]
pub enum Input {
    /// The server starts: called once, first.
    Start,
    /// A request arrived, its body read whole.
    Request(JobId, Request),
    /// A task that was handed out has run.
    Ran(Ran),
    /// An operation that was asked for has ended. Exactly one for each `Effect::Store`.
    Stored(JobId, Stored),
    /// Changes of a feed that is followed.
    Changed(Batch),
    /// A feed broke off; nothing follows until it is followed again.
    Lost(Feed, Why),
    /// A watcher's client took so many frames.
    Credit(JobId, u32),
    /// The client went away; nothing more is to be sent to it.
    Gone(JobId),
    /// An answer whose body is large (`Body::is_large`) has been sent to its last byte, or never will be.
    Sent(JobId),
    /// What a store says of itself has changed: why it does not answer, or that it does again.
    Health(Feed, Result<(), Text>),
    /// The time of `wake_at` has come.
    Tick,
    /// The server is told to end: readyz fails from here on, everything else is served.
    ShutdownInitiated,
    /// The server takes no new requests any more and closes its watches.
    Drain(Drain),
}

/// What the machine wants done.
#[derive(Debug)]
pub enum Effect {
    /// Run this step and give its outcome back as `Input::Ran`.
    Run(Task),
    /// Perform this on the store of the feed and answer with `Input::Stored`.
    Store(JobId, Feed, Op),
    /// Send this response. With `Body::Stream` the connection stays open for frames.
    Respond(JobId, Response),
    /// Send these bytes to the streams of all these jobs.
    Frame { to: Vec<JobId>, bytes: Bytes },
    /// End the job's stream, after all its frames.
    Close(JobId),
    /// Deliver all changes under the prefix after the revision.
    Follow { feed: Feed, prefix: Bytes, after: Rev },
    /// Somebody waits for the feed to reach the store's revision; ask for a progress report.
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

/// The outcome of a task.
#[derive(Debug)]
pub struct Ran {
    pub id: JobId,
    /// The revision of the main feed in the snapshot that the step saw.
    pub seen: Rev,
    pub(crate) step: Step,
}

impl Task {
    /// The revision of the main feed in the snapshot that the step will see.
    pub fn sees(&self) -> Rev {
        self.world.revision(Feed(0))
    }

    /// The step finds out who asks, and looks at nothing that changes.
    pub fn is_first(&self) -> bool {
        matches!(self.answer, Answer::Begin)
    }

    pub fn run(self) -> Ran {
        let seen = self.sees();
        let step = self.job.step(&self.world, self.now, self.answer);
        Ran { id: self.id, seen, step }
    }
}

impl Ran {
    /// The outcome of a task that panicked: the client gets a 500, the machine goes on.
    pub fn panicked(id: JobId, seen: Rev) -> Self {
        Self { id, seen, step: Step::Panicked }
    }
}

/// A fact worth telling an operator, as data; the shell makes logs and metrics of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// A request was answered.
    Answered(Answered),
    /// A watch ended after so many events.
    WatchEnded { resource: Text, events: u64, why: Text },
    /// A feed was listed anew: objects, and the revision they are of.
    Listed { feed: Feed, objects: u64, revision: Rev },
    /// A feed broke off.
    FeedLost { feed: Feed, why: Text },
    /// A stored value cannot be read, and so many others that came with it: their collections are not served.
    Undecodable { key: Text, why: Text, others: u64 },
    /// A write whose outcome the store could not tell.
    UnknownOutcome { resource: Text },
    /// A job step panicked.
    Panicked { id: JobId },
    /// Every object that must exist at start exists; the server is ready.
    Ready,
}

/// The labels of upstream's request metrics, and times.
/// k8s: staging/src/k8s.io/apiserver/pkg/endpoints/metrics/metrics.go
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Answered {
    pub id: u64,
    pub verb: Text,
    pub group: Text,
    pub version: Text,
    pub resource: Text,
    pub subresource: Text,
    /// `namespace`, `cluster`, `resource`, or empty for paths that name no resource.
    pub scope: &'static str,
    /// `All`, `invalid`, or empty.
    pub dry_run: &'static str,
    pub code: u16,
    /// Microseconds from the request's arrival to its answer.
    pub micros: u64,
    /// The user that the request was made by; empty before authentication.
    pub user: Text,
}

/// Why the machine wants to be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    RequestTimeout,
    WatchTimeout,
    Bookmark,
    FreshTimeout,
    Compaction,
    Relist,
    Boot,
    Drain,
}

/// What the machine is told about itself once, at the start.
#[derive(Clone, Debug)]
pub struct Config {
    /// `--etcd-prefix` without a slash at the end: `/registry`.
    pub etcd_prefix: Text,
    pub seed: u64,
    /// `host:port` under which clients reach the server, for discovery.
    pub advertised: Text,
    /// The first address of `--service-cluster-ip-range`, and the range itself.
    pub service_ip: Text,
    pub service_range: Text,
    /// The address in the endpoints of the `kubernetes` service; empty for no endpoints.
    pub advertise_address: Text,
    pub secure_port: u16,
    pub authentication: Authentication,
    pub authorization: Authorization,
    /// `--max-requests-inflight`, 0 for no limit.
    pub max_in_flight: u32,
    /// `--max-mutating-requests-inflight`, 0 for no limit.
    pub max_mutating_in_flight: u32,
    /// `--request-timeout`.
    pub request_timeout_millis: u64,
    /// `--min-request-timeout`, the shortest time after which a watch without one is closed.
    pub min_watch_seconds: u64,
    /// `--etcd-compaction-interval`, 0 for none.
    pub compaction_interval_millis: u64,
    /// `--event-ttl`.
    pub event_ttl_seconds: i64,
    /// `--etcd-servers-overrides`: group and resource (`"", "events"`) to feed. Others are on feed 0.
    pub feeds: Vec<(Text, Text, Feed)>,
    /// `--service-account-issuer`, the first; empty when there is none.
    pub issuer: Text,
    /// The public keys by which the issuer's tokens are verified.
    pub issuer_keys: Vec<IssuerKey>,
    /// `--service-account-jwks-uri`; empty for this server's own address.
    pub issuer_keys_address: Text,
    /// The production's, unless a simulation wants to reach them. Not part of a recording.
    pub bounds: Bounds,
    /// The bug that is put back, in a museum. Not part of a recording.
    pub flaw: Flaw,
}

impl Config {
    /// A server that lets everybody do everything, with upstream's defaults for the rest: for tests.
    pub fn open(seed: u64) -> Self {
        Self {
            etcd_prefix: "/registry".into(),
            seed,
            advertised: "127.0.0.1:6443".into(),
            service_ip: "10.0.0.1".into(),
            service_range: "10.0.0.0/24".into(),
            advertise_address: "127.0.0.1".into(),
            secure_port: 6443,
            authentication: Authentication { tokens: Vec::new(), anonymous: true },
            authorization: Authorization::AlwaysAllow,
            max_in_flight: 400,
            max_mutating_in_flight: 200,
            request_timeout_millis: 60_000,
            min_watch_seconds: 1800,
            compaction_interval_millis: 300_000,
            event_ttl_seconds: 3600,
            feeds: Vec::new(),
            issuer: "".into(),
            issuer_keys: Vec::new(),
            issuer_keys_address: "".into(),
            bounds: Bounds::PRODUCTION,
            flaw: Flaw::default(),
        }
    }
}

/// Something that is due at a time, for a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Due {
    pub(crate) at: Mono,
    pub(crate) job: JobId,
    pub(crate) reason: Reason,
}

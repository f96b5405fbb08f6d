//! Facts for operators: what the shell makes log lines and metrics of.

use super::{Controller, JobId};
use crate::store::{Feed, Rev};
use crate::value::Text;
use crate::wire::TunnelEnd;

/// A fact for operators, as data. The shell makes log lines and metrics of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// A request was answered.
    Answered(Answered),
    /// A watch ended. `events` is how many it was sent.
    WatchEnded { resource: Text, events: u64, why: Text },
    /// A tunnel ended.
    TunnelEnded(TunnelEnd),
    /// A feed was listed from the start: how many objects it held, at which revision.
    Listed { feed: Feed, objects: u64, revision: Rev },
    /// A feed broke off.
    FeedLost { feed: Feed, why: Text },
    /// A feed sent so many events that are older than what it was asked for. They were left out.
    OldEvents { feed: Feed, events: u64 },
    /// A stored value cannot be read, and neither can `others` that came with it. Their collections are not served.
    Undecodable { key: Text, why: Text, others: u64 },
    /// The store could not tell whether a write happened.
    UnknownOutcome { resource: Text },
    /// A kind that came at run time is served, and the revision from which on its changes are known.
    Served { resource: Text, revision: Rev },
    /// A kind that came at run time is no longer served.
    Withdrawn { resource: Text },
    /// A kind cannot be served, and why.
    NotServed { resource: Text, why: Text },
    /// A job step panicked.
    Panicked { id: JobId },
    /// A controller of the server itself cannot write an object as it should be, and why. It tries again.
    Refused { controller: Controller, why: Text },
    /// A token that a secret holds was used for the first time today, as far as the secret tells.
    LegacyTokenUsed(UsedSecret),
    /// The server of an aggregated API was available and is not any more; the API service and the reason, as its
    /// condition tells it.
    RemoteApiUnavailable { name: Text, reason: Text },
    /// Every object that must exist at start exists; the server is ready.
    Ready,
}

/// A secret whose token was used.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UsedSecret {
    pub namespace: Text,
    pub name: Text,
    pub uid: Text,
}

impl UsedSecret {
    /// The label that tells on which day the token was last used, in UTC.
    /// k8s: pkg/serviceaccount/legacy.go LastUsedLabelKey
    pub const LABEL: &str = "kubernetes.io/legacy-token-last-used";
}

/// The labels of upstream's request metrics, and durations.
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
    /// The name of the authenticated user; empty before authentication.
    pub user: Text,
}

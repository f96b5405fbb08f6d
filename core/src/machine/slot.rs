//! What the machine keeps of one request.

use crate::caller::Caller;
use crate::job::{Call, Job, Seat};
use crate::now::Mono;
use crate::store::{Feed, Rev};
use alloc::boxed::Box;
use alloc::sync::Arc;

/// One request.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) call: Arc<Call>,
    /// Who makes the request; None until it is authenticated.
    pub(super) caller: Option<Arc<Caller>>,
    /// None while the request is not authenticated yet, for a privileged caller that was admitted although no seat
    /// was free, and for a watch that has begun.
    pub(super) seat: Option<Seat>,
    /// When the request times out. None for a watch that has begun.
    pub(super) deadline: Option<Mono>,
    pub(super) state: SlotState,
}

/// Where the handling of a request is.
#[derive(Debug)]
pub(super) enum SlotState {
    /// A task of the job has been handed out, and its outcome has not come back yet.
    Running,
    /// The client went away, or the request timed out, while a task was out. The task's outcome will be dropped.
    Abandoned,
    Waiting(Box<Job>, Waiting),
    Streaming,
    /// Its connection is joined with another server.
    Tunnelling,
}

/// What a waiting job waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waiting {
    /// For the request's body.
    Body,
    /// For the outcomes of its calls.
    Calls,
    /// For the outcome of a call that another job makes.
    Joined,
    /// For a signature.
    Signature,
    /// For whether a signature is good.
    Verification,
    /// For its turn.
    Turn,
    /// For the store's reply; the operation was sent at this time.
    Store(Feed, Mono),
    /// For the feed to reach the revision, but not longer than until the time.
    Fresh(Feed, Rev, Mono),
}

//! What authentication, authorization and admission may have to know before they can go on: the steps of a job ask it.

use crate::config::SignedToken;
use crate::status::Failure;
use crate::store::{Feed, Op, Ranged, Rev, Stored, failure};
use crate::value::Text;
use crate::wire::{CallOutcome, Outcall};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// Something that only others know.
#[allow(dead_code, reason = "calls come with the first webhook")]
#[derive(Debug)]
pub(crate) enum Question {
    /// The result of an operation of the store.
    Store(Feed, Op),
    /// The outcomes of calls to other servers, which are made at once; at most `limits::CALLS_OF_JOB`.
    Calls(Vec<Outcall>),
    /// Whether the signature of a token is good.
    Verify(Box<SignedToken>),
    /// Its turn among the requests of this server that asked under the same name, of which one at a time is served. A
    /// request keeps its turn until it ends.
    Turn(Text),
    /// Until the feed has been applied up to the revision, but not for long.
    Fresh(Feed, Rev),
}

/// The answer to a question, of the same name.
#[allow(dead_code, reason = "calls come with the first webhook")]
#[derive(Debug)]
pub(crate) enum Reply {
    Stored(Stored),
    /// In the order of the calls.
    Called(Vec<CallOutcome>),
    /// Whether it is one of the token's keys that has signed.
    Verified(bool),
    Turn,
    /// The snapshot is as new as was asked for.
    Fresh,
    /// It did not become so in time.
    Stale,
}

/// The result of a read that was asked for.
///
/// # Errors
/// The failure of the store.
pub(crate) fn ranged(reply: Reply) -> Result<Ranged, Failure> {
    match reply {
        Reply::Stored(stored) => failure::ranged(stored),
        Reply::Called(_) | Reply::Verified(_) | Reply::Turn | Reply::Fresh | Reply::Stale => {
            Err(failure::misfit())
        }
    }
}

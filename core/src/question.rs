//! What authentication, authorization and admission may have to know before they can go on: the steps of a job ask it.

use crate::config::SignedToken;
use crate::status::Failure;
use crate::store::{Feed, Op, Ranged, Rev, Stored, failure};
use crate::value::Text;
use crate::wire::{CallOutcome, Called, Outcall};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

/// Something that only others know.
#[allow(dead_code, reason = "several calls at once come with the webhooks of admission")]
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
    /// A namespace with this name, which the server makes if there is none. The reply is `Stored`.
    Provide(Text),
    /// Tokens for the write of an event: one for each limit of the configuration, from the bucket with the key.
    Take(Vec<Text>),
    /// Until the feed has been applied up to the revision, but not for long.
    Fresh(Feed, Rev),
    /// The outcome of one call, which may be one that is still remembered. The reply is `Called`.
    Consult(Box<Consultation>),
}

/// A call whose outcome answers the same question again for a while.
#[derive(Debug)]
pub(crate) struct Consultation {
    pub(crate) by: Consulting,
    pub(crate) call: Outcall,
    pub(crate) keep: Keep,
    /// An outcome that is older than this is not good enough; None when its age does not matter.
    pub(crate) age_millis_max: Option<u64>,
}

/// Who asks. What one is told is not for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Consulting {
    /// The authorizer with this number of this generation of them.
    Authorizer { generation: u64, at: usize },
    /// About the issuer of tokens with this number of this generation of them.
    Issuer { generation: u64, at: usize },
    /// The authenticator that asks another server about tokens.
    TokenReview,
    /// The plugin that asks another server about images.
    ImagePolicy,
}

/// How long an answer is remembered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keep {
    /// Whether the answer grants what was asked for; None for one that counts as a failure.
    pub(crate) grants: fn(&Called) -> Option<bool>,
    pub(crate) granted_millis: u64,
    pub(crate) refused_millis: u64,
    /// How long it is remembered that there was no answer.
    pub(crate) failed_millis: u64,
}

impl Keep {
    /// Milliseconds; 0 for not at all.
    pub(crate) fn millis(&self, outcome: &CallOutcome) -> u64 {
        match outcome.as_ref().ok().and_then(self.grants) {
            Some(true) => self.granted_millis,
            Some(false) => self.refused_millis,
            None => self.failed_millis,
        }
    }
}

/// The answer to a question, of the same name.
#[derive(Debug)]
pub(crate) enum Reply {
    Stored(Stored),
    /// In the order of the calls.
    Called(Vec<CallOutcome>),
    /// Whether it is one of the token's keys that has signed.
    Verified(bool),
    Turn,
    /// For each limit whether there was a token.
    Taken(Vec<bool>),
    /// The snapshot is as new as was asked for.
    Fresh,
    /// It did not become so in time.
    Stale,
    /// What the authorizers say to the questions of a plugin, in the order of these.
    #[allow(dead_code, reason = "the plugins for certificates read it next")]
    Ruled(Vec<Ruling>),
}

/// What the authorizers say to a question.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ruling {
    pub(crate) is_allowed: bool,
    /// One of them forbids it. If it is neither allowed nor denied, none of them has an opinion.
    pub(crate) is_denied: bool,
    /// Why; empty for no reason.
    pub(crate) reason: String,
    /// What went wrong; empty if nothing did.
    pub(crate) error: String,
}

/// The result of a read that was asked for.
///
/// # Errors
/// The failure of the store.
pub(crate) fn ranged(reply: Reply) -> Result<Ranged, Failure> {
    match reply {
        Reply::Stored(stored) => failure::ranged(stored),
        Reply::Called(_)
        | Reply::Verified(_)
        | Reply::Turn
        | Reply::Taken(_)
        | Reply::Fresh
        | Reply::Stale
        | Reply::Ruled(_) => Err(failure::misfit()),
    }
}

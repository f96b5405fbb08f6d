//! The checkers of the guarantees. Each guarantee has its sentence (`guarantee`), and each checker is a file that
//! compares answers, events, or changes of the store with the truth.
//!
//! Checkers need no search. The simulator knows the store's whole history, so each answer can be compared with the
//! revision that it claims.

mod accounts;
mod allocations;
mod answers;
mod caches;
mod conversions;
mod definitions;
mod deletions;
mod disruptions;
mod doubts;
mod expired;
mod failures;
mod generations;
mod guarantee;
mod indexes;
mod intents;
mod lifetimes;
mod lists;
mod nodes;
mod owners;
mod permits;
mod policies;
mod quotas;
mod reads;
mod refusals;
mod roles;
mod selection;
mod statuses;
mod uids;
mod views;
mod watches;
mod writes;

pub use allocations::Allocations;
pub use caches::CacheDigest;
pub use conversions::{FAILED as CONVERSION_FAILED, watched as converted_watched};
pub use definitions::{DEFINITION, ServedLevels};
pub use guarantee::{Guarantee, Severity, Violation};
pub use indexes::IndexCheck;
pub use lifetimes::Lifetimes;
pub use policies::{POLICED, denied};
pub use quotas::Quotas;
pub use roles::{AskedOfRoles, allow};
pub use selection::Selection;
pub use uids::Uids;
pub use views::view;
pub use watches::Follow;

use crate::client_request::{Action, ClientRequest, Identity};
use crate::directory::Directory;
use crate::driver::Reply;
use crate::truth::{CommittedChange, Truth};
use bytes::Bytes;
use steersman_core::store::Rev;
use steersman_core::value::Value;

/// An answer as its server gave it, with the facts that checkers compare it with.
#[derive(Debug)]
pub struct CheckedAnswer<'a> {
    pub ask: &'a ClientRequest,
    pub reply: &'a Reply,
    /// The body, if it is JSON.
    pub body: Value,
    /// The store's revision when the client asked.
    pub asked_at: Rev,
    /// The revisions of the first and the last snapshot that steps of the request saw.
    pub steps_saw: (Rev, Rev),
    /// The revision of the server's cache at that time; 0 if the server did not run.
    pub known_at: Rev,
    /// The keys that this request has written or deleted, and the revisions of those changes.
    pub commits: &'a [(Rev, Bytes)],
    pub truth: &'a Truth,
    pub directory: &'a Directory,
    /// The oldest revision that the store can read.
    pub compacted: Rev,
    /// Virtual milliseconds since the client asked.
    pub waited_millis: u64,
    /// `--event-ttl`.
    pub event_ttl_seconds: i64,
    /// What the server has served since then of the definition that its authors change.
    pub levels: &'a [ServedLevels],
    /// The server was told to end: it may turn requests away before it knows who makes them.
    pub is_ending: bool,
    /// How many races a write without a resource version may lose before it is answered with a conflict.
    pub conflict_retries: u32,
}

impl<'a> CheckedAnswer<'a> {
    /// The body of a reply as a value; null if it is not JSON.
    pub fn body_of(reply: &Reply) -> Value {
        reply.value().clone()
    }

    /// The store's key for the request.
    fn key(&self) -> Option<Bytes> {
        self.directory.key(self.ask.place.as_ref()?)
    }

    /// The store's revision now, when the server answers. The answer must be true at some revision up to it.
    fn now(&self) -> Rev {
        self.truth.revision()
    }

    /// `verb path`, for messages.
    fn what(&self) -> String {
        let path = self.ask.place.as_ref().map_or(String::new(), |place| self.directory.path(place));
        let query = self.ask.options.text(&self.ask.action);
        let query = if query.is_empty() { query } else { format!("?{query}") };
        let status = self.reply.status;
        format!("{:?} {path}{query} (asked at {}) was answered {status}", self.ask.action, self.asked_at.0)
    }

    fn broken(&self, guarantee: Guarantee, why: impl Into<String>) -> Violation {
        Violation::new(guarantee, format!("{}: {}", self.what(), why.into()))
    }
}

/// Checks an answer against all guarantees about answers.
pub fn answered(answer: &CheckedAnswer<'_>) -> Result<(), Violation> {
    answers::check(answer)?;
    if answer.ask.identity == Identity::Stranger {
        return Ok(());
    }
    if accounts::check(answer)? {
        return Ok(());
    }
    permits::check(answer)?;
    roles::check(answer)?;
    nodes::check(answer)?;
    policies::check(answer)?;
    failures::check(answer)?;
    refusals::check(answer)?;
    doubts::check(answer)?;
    conversions::check(answer)?;
    definitions::check(answer)?;
    match answer.ask.action {
        Action::Get => reads::check(answer),
        Action::List => lists::check(answer),
        Action::Create | Action::Update | Action::Patch | Action::Delete => writes::check(answer),
        Action::Watch | Action::DeleteCollection | Action::Raw(..) => Ok(()),
    }?;
    expired::check_list(answer)
}

/// Checks a watch that was opened or refused. Its server knows every change after `known_after`.
pub use expired::check_watch as watch_answered;

/// Checks a change of the store against all guarantees about changes. `by` is the request that made it; None for
/// changes by servers and by the store.
pub fn changed(
    change: &CommittedChange,
    by: Option<&ClientRequest>,
    directory: &Directory,
) -> Result<(), Violation> {
    permits::check_change(change, by)?;
    deletions::check(change, by)?;
    intents::check(change, by, directory)?;
    disruptions::check(change)?;
    owners::check(change, by)?;
    statuses::check(change, by, directory)?;
    generations::check(change, by, directory)
}

/// A key as messages show it.
fn shown(key: &[u8]) -> String {
    String::from_utf8_lossy(key).into_owned()
}

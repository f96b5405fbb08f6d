//! What clients may rely on. Each guarantee has its sentence (`guarantee`); each checker is a file that looks at
//! answers, events, or changes of the store, and holds them against the truth.
//!
//! Nothing is searched for: the store is ours, so that every answer has a witness, the revision that it is of.

mod answers;
mod caches;
mod deletions;
mod expired;
mod failures;
mod generations;
mod guarantee;
mod lifetimes;
mod lists;
mod reads;
mod refusals;
mod selection;
mod statuses;
mod uids;
mod views;
mod watches;
mod writes;

pub use caches::CacheDigest;
pub use guarantee::{Guarantee, Severity, Violation};
pub use lifetimes::Lifetimes;
pub use selection::Selection;
pub use uids::Uids;
pub use views::view;
pub use watches::Follow;

use crate::ask::{Ask, Identity, Verb};
use crate::directory::Directory;
use crate::driver::Reply;
use crate::truth::{Change, Truth};
use bytes::Bytes;
use steersman_core::store::Rev;
use steersman_core::value::Value;

/// An answer as its server gave it, and what it may be held against.
#[derive(Debug)]
pub struct Answer<'a> {
    pub ask: &'a Ask,
    pub reply: &'a Reply,
    /// The body, where it is JSON.
    pub body: Value,
    /// The revision of the store when the client asked.
    pub asked_at: Rev,
    /// The keys that this request has written or deleted, and at which revisions.
    pub commits: &'a [(Rev, Bytes)],
    pub truth: &'a Truth,
    pub directory: &'a Directory,
    /// The oldest revision that the store can still read.
    pub compacted: Rev,
    /// Milliseconds since the client asked.
    pub waited_millis: u64,
    /// `--event-ttl`.
    pub event_ttl_seconds: i64,
    /// Races that a write without a version may lose before it is told of a conflict.
    pub conflict_retries: u32,
}

impl<'a> Answer<'a> {
    /// The body of a reply as a value; of what is no JSON, null.
    pub fn body_of(reply: &Reply) -> Value {
        reply.value().clone()
    }

    /// The store's key of what was asked for.
    fn key(&self) -> Option<Bytes> {
        self.directory.key(self.ask.place.as_ref()?)
    }

    /// The end of the window: the store's revision now, when the server answers.
    fn now(&self) -> Rev {
        self.truth.revision()
    }

    /// `verb path` for messages.
    fn what(&self) -> String {
        let path = self.ask.place.as_ref().map_or(String::new(), |place| self.directory.path(place));
        let query = self.ask.query.text(&self.ask.verb);
        let query = if query.is_empty() { query } else { format!("?{query}") };
        let status = self.reply.status;
        format!("{:?} {path}{query} (asked at {}) was answered {status}", self.ask.verb, self.asked_at.0)
    }

    fn broken(&self, guarantee: Guarantee, why: impl Into<String>) -> Violation {
        Violation::new(guarantee, format!("{}: {}", self.what(), why.into()))
    }
}

/// Holds an answer against everything that is promised of answers.
pub fn answered(answer: &Answer<'_>) -> Result<(), Violation> {
    answers::check(answer)?;
    if answer.ask.identity == Identity::Stranger {
        return Ok(());
    }
    failures::check(answer)?;
    refusals::check(answer)?;
    match answer.ask.verb {
        Verb::Get => reads::check(answer),
        Verb::List => lists::check(answer),
        Verb::Create | Verb::Update | Verb::Patch | Verb::Delete => writes::check(answer),
        Verb::Watch | Verb::DeleteCollection | Verb::Raw(..) => Ok(()),
    }?;
    expired::check_list(answer)
}

/// Holds a watch that was opened or refused against what its server still knows: every change after `known_after`.
pub use expired::check_watch as watch_answered;

/// Holds a change of the store against everything that is promised of changes. `by` is the request that made it;
/// None for what servers and the store do themselves.
pub fn changed(change: &Change, by: Option<&Ask>, directory: &Directory) -> Result<(), Violation> {
    deletions::check(change, by)?;
    statuses::check(change, by, directory)?;
    generations::check(change, by, directory)
}

/// A key for messages.
fn shown(key: &[u8]) -> String {
    String::from_utf8_lossy(key).into_owned()
}

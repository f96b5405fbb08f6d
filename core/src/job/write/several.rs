//! Stores what a request writes beside the object that it is about, or in its place: objects of any kinds, in one
//! commit.

use super::commit::{CommitOutcome, Committing, Progress};
use super::draft::Draft;
use super::record;
use crate::config::Note;
use crate::job::{Answer, Ask, Notes, fail};
use crate::kinds::Kind;
use crate::museum::{Flaw, Mutant};
use crate::now::Wall;
use crate::schema::decode;
use crate::status::Failure;
use crate::store::{Commit, Feed, Op, Stored};
use crate::value::Value;
use crate::world::World;
use alloc::boxed::Box;
use bytes::Bytes;

/// A commit that is not settled yet.
#[derive(Clone, Debug)]
pub(in crate::job) struct StoringSeveral {
    feed: Feed,
    committing: Box<Committing>,
}

/// How it goes on.
#[derive(Debug)]
pub(in crate::job) enum SeveralProgress {
    Wait(StoringSeveral, Ask),
    /// It happened.
    Committed,
    /// It did not happen, because a key held something else.
    Lost,
}

impl StoringSeveral {
    /// Begins a commit. `confirmed` says whether the store has shown this request what the guarded keys held. With the
    /// historical bug `unguarded` nobody looks at their revisions.
    pub(in crate::job) fn begin(
        feed: Feed,
        commit: Commit,
        confirmed: bool,
        (flaw, unguarded): (Flaw, Mutant),
    ) -> (Self, Ask) {
        let (committing, op) = Committing::begin(commit, confirmed);
        (Self { feed, committing }, Ask::Store(feed, flaw.unguarded(unguarded, op)))
    }

    /// Continues with the store's answer. `kind` is what operators are told of when a reply was lost.
    ///
    /// # Errors
    /// The store refused the commit, or its outcome is unknown.
    pub(in crate::job) fn resume(
        self,
        world: &World,
        kind: &Kind,
        answer: Answer,
        notes: &mut Notes,
    ) -> Result<SeveralProgress, Failure> {
        let feed = self.feed;
        let wait =
            |committing, op: Op| SeveralProgress::Wait(Self { feed, committing }, Ask::Store(feed, op));
        let stored = fail::stored(answer)?;
        if matches!(stored, Stored::Unknown(_)) {
            notes.add(Note::UnknownOutcome { resource: kind.plural.clone() });
        }
        match self.committing.replied(world, stored) {
            Progress::Wait(committing, op) => Ok(wait(committing, op)),
            Progress::Ended(CommitOutcome::Committed(_)) => Ok(SeveralProgress::Committed),
            Progress::Ended(CommitOutcome::Lost(_)) => Ok(SeveralProgress::Lost),
            Progress::Ended(CommitOutcome::Failed(failure)) => Err(failure),
            Progress::Ended(CommitOutcome::Unknown(why)) => Err(fail::unknown_outcome(&why)),
        }
    }
}

/// The bytes of an object that a request has changed beside the one that it is about. No client has sent them, so
/// nothing is validated.
pub(in crate::job) fn encoded(world: &World, kind: &Kind, value: Value) -> Result<Bytes, Failure> {
    let shaped = decode::normalize(&kind.catalogue, kind.type_id, value);
    let value = shaped.map_err(|error| Failure::internal(error.0))?;
    Ok(Draft::of(world, kind, value, None)?.bytes)
}

/// The bytes of an object whose status a request has changed, which counts as written by the server itself.
pub(in crate::job) fn encoded_status(
    world: &World,
    kind: &Kind,
    old: &Value,
    value: Value,
    now: Wall,
) -> Result<Bytes, Failure> {
    let shaped = decode::normalize(&kind.catalogue, kind.type_id, value);
    let mut value = shaped.map_err(|error| Failure::internal(error.0))?;
    record::record_own_status(&world.registry, kind, old, &mut value, now)?;
    Ok(Draft::of(world, kind, value, None)?.bytes)
}

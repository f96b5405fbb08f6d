//! Stores an object or removes it: first the lease that an expiring object needs, then the commit.

use super::claims::{self, ClaimedKey};
use super::commit::{CommitOutcome, Committing, Progress};
use crate::authorization::Target;
use crate::config::Note;
use crate::job::{Answer, Ask, Notes, Scene, fail, lease};
use crate::limits;
use crate::museum::Mutant;
use crate::status::Failure;
use crate::store::{Commit, Feed, LeaseId, Loss, Op, Rev, Stored};
use alloc::boxed::Box;
use alloc::vec::Vec;
use bytes::Bytes;

/// A write of one object, in place of what its key held at a revision (`Rev(0)`: nothing).
#[derive(Clone, Debug)]
pub(in crate::job) struct Write {
    pub(in crate::job) key: Bytes,
    pub(in crate::job) revision: Rev,
    /// The encoded object; None to remove it.
    pub(in crate::job) value: Option<Bytes>,
    /// Whether the store, not the cache, has shown this request what the key held.
    pub(in crate::job) confirmed: bool,
    /// What is written with it.
    pub(in crate::job) claims: Vec<ClaimedKey>,
}

/// A write that is not settled yet.
#[derive(Debug)]
pub(in crate::job) struct Storing {
    feed: Feed,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    /// A write without a lease would detach the one that the object has, so the store was asked for one.
    Lease(Write),
    Commit(Box<Committing>),
}

/// How a write goes on.
#[derive(Debug)]
pub(in crate::job) enum StoreProgress {
    Wait(Storing, Ask),
    /// It happened, at this revision.
    Committed(Rev),
    /// It did not happen, because the key, or one of those that are written with it, held something else.
    Lost(Loss),
}

impl Storing {
    /// Begins a write of a target.
    pub(in crate::job) fn begin(
        scene: &Scene<'_>,
        target: &Target,
        write: Write,
    ) -> Result<(Self, Ask), Failure> {
        let collection = scene.collection(target.resource())?;
        let feed = collection.feed;
        assert!(
            write.key.starts_with(collection.keys.prefix()),
            "an object is written under its kind's prefix"
        );
        if let Some(value) = &write.value {
            assert!(!value.is_empty() && value.len() <= limits::OBJECT_BYTES, "a draft has a bounded length");
        }
        let is_dropped = write.revision > Rev(0) && scene.flaw().is(Mutant::LeaseDropped);
        let lease = lease::op(scene, target).filter(|_| write.value.is_some() && !is_dropped);
        Ok(match lease {
            Some(op) => (Self { feed, phase: Phase::Lease(write) }, Ask::Store(feed, op)),
            None => Self::commit(scene, feed, write, LeaseId(0)),
        })
    }

    fn commit(scene: &Scene<'_>, feed: Feed, write: Write, lease: LeaseId) -> (Self, Ask) {
        let Write { key, revision, value, confirmed, claims } = write;
        let (commit, unguarded) = match value {
            Some(value) => (Commit::default().put(&key, revision, value, lease), Mutant::LostUpdate),
            None => (Commit::default().delete(&key, revision), Mutant::FinalizerIgnored),
        };
        let (committing, op) = Committing::begin(claims::add(commit, claims), confirmed);
        let op = if revision > Rev(0) { scene.flaw().unguarded(unguarded, op) } else { op };
        (Self { feed, phase: Phase::Commit(committing) }, Ask::Store(feed, op))
    }

    /// Continues with the store's answer.
    ///
    /// # Errors
    /// The store refused the write, or its outcome is unknown.
    pub(in crate::job) fn resume(
        self,
        scene: &Scene<'_>,
        target: &Target,
        answer: Answer,
        notes: &mut Notes,
    ) -> Result<StoreProgress, Failure> {
        let feed = self.feed;
        let committing = match self.phase {
            Phase::Lease(write) => {
                let (storing, ask) = Self::commit(scene, feed, write, lease::granted(answer)?);
                return Ok(StoreProgress::Wait(storing, ask));
            }
            Phase::Commit(committing) => committing,
        };
        let wait = |committing, op: Op| {
            StoreProgress::Wait(Self { feed, phase: Phase::Commit(committing) }, Ask::Store(feed, op))
        };
        let stored = fail::stored(answer)?;
        if matches!(stored, Stored::Unknown(_)) {
            // Operators are told of a reply that was lost, whatever the outcome turns out to be.
            notes.add(Note::UnknownOutcome { resource: target.resource().plural.clone() });
        }
        match committing.replied(scene.world, stored) {
            Progress::Wait(committing, op) => Ok(wait(committing, op)),
            Progress::Ended(CommitOutcome::Committed(revision)) => Ok(StoreProgress::Committed(revision)),
            Progress::Ended(CommitOutcome::Lost(loss)) => Ok(StoreProgress::Lost(loss)),
            Progress::Ended(CommitOutcome::Failed(failure)) => Err(failure),
            Progress::Ended(CommitOutcome::Unknown(why)) => Err(fail::unknown_outcome(&why)),
        }
    }
}

//! Stores an object or removes it: first the lease that an expiring object needs, then the commit.

use super::claims::{self, Charges, ClaimedKey};
use super::commit::{CommitOutcome, Committing, Progress};
use crate::authorization::Target;
use crate::config::Note;
use crate::job::{Answer, Ask, Notes, Scene, fail, lease};
use crate::limits;
use crate::museum::Mutant;
use crate::status::Failure;
use crate::store::{Commit, Feed, LeaseId, Loss, Rev, Stored};
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
    /// What it counts for.
    pub(in crate::job) charges: Charges,
}

/// A write that is not settled yet.
#[derive(Clone, Debug)]
pub(in crate::job) struct Storing {
    feed: Feed,
    charges: Charges,
    phase: Phase,
}

#[derive(Clone, Debug)]
enum Phase {
    /// What the write counts for is in another store, and is committed there first, as upstream does it always.
    Charge(Write, Box<Committing>),
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
    /// It did not happen, because others were counted meanwhile, in this store.
    Uncounted(Feed, Loss),
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
        let is_apart = write.charges.feed != feed || scene.flaw().is(Mutant::QuotaChargedApart);
        if is_apart && !write.charges.keys.is_empty() {
            let commit = claims::add(Commit::default(), write.charges.keys.clone());
            let (committing, op) = Committing::begin(commit, write.confirmed);
            let charges = write.charges.clone();
            let ask = Ask::Store(charges.feed, op);
            return Ok((Self { feed, charges, phase: Phase::Charge(write, committing) }, ask));
        }
        Ok(Self::store(scene, target, feed, write))
    }

    /// Writes the object itself.
    fn store(scene: &Scene<'_>, target: &Target, feed: Feed, write: Write) -> (Self, Ask) {
        let is_dropped = write.revision > Rev(0) && scene.flaw().is(Mutant::LeaseDropped);
        let lease = lease::op(scene, target).filter(|_| write.value.is_some() && !is_dropped);
        match lease {
            Some(op) => {
                let charges = write.charges.clone();
                (Self { feed, charges, phase: Phase::Lease(write) }, Ask::Store(feed, op))
            }
            None => Self::commit(scene, feed, write, LeaseId(0)),
        }
    }

    fn commit(scene: &Scene<'_>, feed: Feed, write: Write, lease: LeaseId) -> (Self, Ask) {
        let Write { key, revision, value, confirmed, claims, charges } = write;
        let (commit, unguarded) = match value {
            Some(value) => (Commit::default().put(&key, revision, value, lease), Mutant::LostUpdate),
            None => (Commit::default().delete(&key, revision), Mutant::FinalizerIgnored),
        };
        let commit = claims::add(claims::add(commit, claims), charges.keys.clone());
        let (committing, op) = Committing::begin(commit, confirmed);
        let op = if revision > Rev(0) { scene.flaw().unguarded(unguarded, op) } else { op };
        (Self { feed, charges, phase: Phase::Commit(committing) }, Ask::Store(feed, op))
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
        let Self { feed, charges, phase } = self;
        let (committing, counted) = match phase {
            Phase::Lease(write) => {
                let (storing, ask) = Self::commit(scene, feed, write, lease::granted(answer)?);
                return Ok(StoreProgress::Wait(storing, ask));
            }
            Phase::Charge(write, committing) => (committing, Some(write)),
            Phase::Commit(committing) => (committing, None),
        };
        let stored = fail::stored(answer)?;
        if matches!(stored, Stored::Unknown(_)) {
            // Operators are told of a reply that was lost, whatever the outcome turns out to be.
            notes.add(Note::UnknownOutcome { resource: target.resource().plural.clone() });
        }
        match committing.replied(scene.world, stored) {
            Progress::Wait(committing, op) => {
                let (at, phase) = match counted {
                    Some(write) => (charges.feed, Phase::Charge(write, committing)),
                    None => (feed, Phase::Commit(committing)),
                };
                Ok(StoreProgress::Wait(Self { feed, charges, phase }, Ask::Store(at, op)))
            }
            Progress::Ended(CommitOutcome::Committed(revision)) => Ok(match counted {
                Some(write) => {
                    let write = Write { charges: Charges::default(), ..write };
                    let (storing, ask) = Self::store(scene, target, feed, write);
                    StoreProgress::Wait(storing, ask)
                }
                None => StoreProgress::Committed(revision),
            }),
            Progress::Ended(CommitOutcome::Lost(loss)) if charges.has(&loss.guard.key) => {
                Ok(StoreProgress::Uncounted(charges.feed, loss))
            }
            Progress::Ended(CommitOutcome::Lost(loss)) => Ok(StoreProgress::Lost(loss)),
            Progress::Ended(CommitOutcome::Failed(failure)) => Err(failure),
            Progress::Ended(CommitOutcome::Unknown(why)) => Err(fail::unknown_outcome(&why)),
        }
    }
}

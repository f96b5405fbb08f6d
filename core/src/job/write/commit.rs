//! The last stage of a write: sends its commit, and finds out what became of it when the reply is lost.
//!
//! etcd never uses a revision twice. So once a key has left the revision that a commit guards, the commit can never
//! happen any more, and what became of it is in the key's history: it happened if and only if the first change of the
//! key after that revision is the commit's. The history is read at past revisions. As long as the key is still at the
//! guarded revision, the commit can be sent again, since it can happen only once.
//!
//! None of this holds for a key that was absent, since absence can come again. A creation is proven by an object that
//! has the uid made for it, whoever has changed the object since. Without one, it may still happen later.
//!
//! What stays unknown: a creation of which no object is found, a commit whose history has been compacted or cannot be
//! read, and a removal of an object that only the cache has shown, since it may have been gone before the client asked.

use super::history::{HeldState, Search, SearchStep};
use crate::job::fail;
use crate::limits;
use crate::museum::Mutant;
use crate::status::Failure;
use crate::store::commit::Written;
use crate::store::{Commit, Guard, KeyValue, Loss, Op, Rev, Stored};
use crate::value::{Text, object};
use crate::world::World;
use alloc::boxed::Box;
use alloc::format;
use bytes::Bytes;

/// A commit that was sent to the store, and is not settled yet.
#[derive(Clone, Debug)]
pub(crate) struct Committing {
    commit: Commit,
    /// Whether the guarded revisions were read from the store while this request was running, not from the cache.
    confirmed: bool,
    /// How often the commit was sent.
    sends: u32,
    /// Why the outcome is in doubt: what was heard instead of the first reply that was lost.
    doubt: Option<Text>,
    phase: Phase,
}

#[derive(Clone, Debug)]
enum Phase {
    Sent,
    /// The guarded keys are being read.
    Reading,
    /// The first change of a key after its guarded revision is being searched for.
    Searching(Box<Search>),
    /// That change was found in one of several keys, and may be the commit: all of them are being read at its
    /// revision.
    Confirming(Rev, Box<Loss>),
}

/// What became of a commit.
#[derive(Debug)]
pub(crate) enum CommitOutcome {
    /// It happened, at this revision.
    Committed(Rev),
    /// It did not happen and never will.
    Lost(Loss),
    /// It did not happen.
    Failed(Failure),
    /// It may have happened or may still happen; the text says why this cannot be found out.
    Unknown(Text),
}

/// How the settlement of a commit goes on.
#[derive(Debug)]
pub(crate) enum Progress {
    Wait(Box<Committing>, Op),
    Ended(CommitOutcome),
}

impl Committing {
    /// Begins a commit, and returns the first operation for it.
    pub(crate) fn begin(commit: Commit, confirmed: bool) -> (Box<Self>, Op) {
        let op = Op::Txn(commit.txn());
        (Box::new(Self { commit, confirmed, sends: 1, doubt: None, phase: Phase::Sent }), op)
    }

    /// Continues with the store's reply to the last operation.
    pub(crate) fn replied(mut self, world: &World, stored: Stored) -> Progress {
        match core::mem::replace(&mut self.phase, Phase::Sent) {
            Phase::Sent => self.sent(world, stored),
            Phase::Reading => match self.commit.held(stored) {
                Some((held, revision)) => self.settle(world, &held, revision),
                None => self.unknown(),
            },
            Phase::Searching(search) => match stored {
                Stored::Ranged(ranged) => self.search(world, search.narrowed(ranged.kvs.into_iter().next())),
                Stored::Txn(_)
                | Stored::Compacted
                | Stored::Leased { .. }
                | Stored::Revoked
                | Stored::Failed(_)
                | Stored::Unknown(_) => self.unknown(),
            },
            Phase::Confirming(revision, loss) => match self.commit.held(stored) {
                Some((held, _)) if self.commit.happened_at(revision, &held) => {
                    Progress::Ended(CommitOutcome::Committed(revision))
                }
                Some(_) => Progress::Ended(CommitOutcome::Lost(*loss)),
                None => self.unknown(),
            },
        }
    }

    fn sent(mut self, world: &World, stored: Stored) -> Progress {
        match stored {
            Stored::Txn(reply) if reply.succeeded => {
                Progress::Ended(CommitOutcome::Committed(reply.revision))
            }
            Stored::Txn(_) => {
                let Some((held, revision)) = self.commit.held(stored) else { return misfit() };
                match self.commit.loss(&held, revision) {
                    // An earlier attempt, whose reply was lost, may be what changed the key.
                    Some(_) if self.doubt.is_some() => self.settle(world, &held, revision),
                    Some(loss) => Progress::Ended(CommitOutcome::Lost(loss)),
                    None => misfit(),
                }
            }
            Stored::Unknown(_) if self.creates() && world.config.flaw.is(Mutant::UnknownMeansFailed) => {
                self.send_again()
            }
            Stored::Unknown(why) => {
                self.doubt.get_or_insert(why);
                let op = self.commit.read(Rev(0));
                self.wait(Phase::Reading, op)
            }
            Stored::Failed(_) if self.doubt.is_some() => self.unknown(),
            Stored::Failed(error) => Progress::Ended(CommitOutcome::Failed(fail::store_failure(&error))),
            Stored::Ranged(_) | Stored::Compacted | Stored::Leased { .. } | Stored::Revoked => misfit(),
        }
    }

    fn wait(self, phase: Phase, op: Op) -> Progress {
        Progress::Wait(Box::new(Self { phase, ..self }), op)
    }

    /// Judges the commit by what the guarded keys hold at a revision.
    fn settle(self, world: &World, held: &[Option<KeyValue>], revision: Rev) -> Progress {
        if world.config.flaw.is(Mutant::SettledByBytes) {
            return self.settle_by_bytes(held, revision);
        }
        let keys = || self.commit.guards().iter().zip(held);
        let created = keys().filter(|(guard, _)| guard.revision == Rev(0));
        let mut own = created.filter_map(|(guard, held)| match self.commit.written(&guard.key)? {
            Written::Put(put) => held.as_ref().filter(|kv| is_same_object(world, kv, &put.value)),
            Written::Deleted => None,
        });
        if let Some(kv) = own.next() {
            return Progress::Ended(CommitOutcome::Committed(kv.create_revision));
        }
        let mut changed =
            keys().filter(|(guard, _)| guard.revision > Rev(0) && self.commit.written(&guard.key).is_some());
        let is_unchanged = |(guard, held): &(&Guard, &Option<KeyValue>)| guard.holds(held.as_ref());
        if let Some((guard, held)) = changed.clone().find(|key| !is_unchanged(key)) {
            let search = Search::new(guard.clone(), held.clone(), revision);
            return self.search(world, search);
        }
        let has_not_happened = changed.next().is_some();
        let mut others = keys().filter(|(guard, _)| guard.revision > Rev(0));
        if let Some((guard, held)) = others.find(|key| has_not_happened && !is_unchanged(key)) {
            let loss = Loss { guard: guard.clone(), held: held.clone(), at: revision };
            return Progress::Ended(CommitOutcome::Lost(loss));
        }
        let may_repeat = has_not_happened && self.sends < limits::COMMIT_SENDS;
        if may_repeat { self.send_again() } else { self.not_found(revision) }
    }

    /// Whether all guarded keys are to be absent.
    fn creates(&self) -> bool {
        self.commit.guards().iter().all(|guard| guard.revision == Rev(0))
    }

    fn send_again(self) -> Progress {
        let op = Op::Txn(self.commit.txn());
        Self { sends: self.sends.saturating_add(1), ..self }.wait(Phase::Sent, op)
    }

    fn search(self, world: &World, mut search: Search) -> Progress {
        match search.next() {
            SearchStep::Read(op) => self.wait(Phase::Searching(Box::new(search)), op),
            SearchStep::Found(first) => self.judge(world, search, &first),
            SearchStep::Endless => self.unknown(),
        }
    }

    /// Judges the commit by the first change of one of its keys after the guarded revision.
    fn judge(self, world: &World, search: Search, first: &HeldState) -> Progress {
        let (guard, held) = search.into_parts();
        let happened = match (self.commit.written(&guard.key), &first.held) {
            (Some(Written::Put(put)), Some(kv)) => kv.value == put.value,
            (Some(Written::Deleted), None) => true,
            (Some(Written::Put(_) | Written::Deleted) | None, _) => false,
        };
        let loss = Loss { guard, held, at: first.revision };
        if !happened {
            return Progress::Ended(CommitOutcome::Lost(loss));
        }
        let flaw = world.config.flaw;
        if first.held.is_none() && !self.confirmed && !flaw.is(Mutant::DeletionClaimedOfStale) {
            return self.unknown();
        }
        if !self.commit.is_of_one_key() {
            let op = self.commit.read(first.revision);
            return self.wait(Phase::Confirming(first.revision, Box::new(loss)), op);
        }
        Progress::Ended(match first.held {
            Some(_) => CommitOutcome::Committed(first.revision),
            None if flaw.is(Mutant::GoneUnderOldVersion) => CommitOutcome::Committed(loss.guard.revision),
            None => CommitOutcome::Committed(first.revision),
        })
    }

    /// Judges the commit by whether the keys hold the written bytes now.
    fn settle_by_bytes(self, held: &[Option<KeyValue>], revision: Rev) -> Progress {
        let happened =
            |(guard, held): (&Guard, &Option<KeyValue>)| match (self.commit.written(&guard.key), held) {
                (Some(Written::Put(put)), Some(kv)) if kv.value == put.value => Some(kv.mod_revision),
                _ => None,
            };
        match self.commit.guards().iter().zip(held).find_map(happened) {
            Some(revision) => Progress::Ended(CommitOutcome::Committed(revision)),
            None => self.not_found(revision),
        }
    }

    /// The keys were read, and prove nothing.
    fn not_found(self, revision: Rev) -> Progress {
        let why = self.doubt.unwrap_or_default();
        Progress::Ended(CommitOutcome::Unknown(format!("{why}; not found at revision {}", revision.0).into()))
    }

    fn unknown(self) -> Progress {
        Progress::Ended(CommitOutcome::Unknown(self.doubt.unwrap_or_default()))
    }
}

/// Whether a key holds the object that was to be created there, whatever it has become since.
fn is_same_object(world: &World, held: &KeyValue, created: &Bytes) -> bool {
    let Some(collection) = world.collection_of(&held.key) else { return false };
    let uid = |value: &Bytes| {
        let kv = KeyValue { value: value.clone(), ..held.clone() };
        let entry = world.decode(collection.storage, kv)?.ok()?;
        Some(Text::from(object::uid(&entry.to_value()))).filter(|uid| !uid.is_empty())
    };
    uid(&held.value).is_some_and(|held| uid(created) == Some(held))
}

fn misfit() -> Progress {
    Progress::Ended(CommitOutcome::Failed(fail::misfit()))
}

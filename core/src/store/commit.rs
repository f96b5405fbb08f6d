//! A commit: one atomic write of any number of keys, which happens only if every guarded key is as it was read.

use super::{
    Compare, Condition, KeyValue, LeaseId, Op, Put, Range, Ranged, Rev, Stored, Txn, TxnOp, TxnReplyOp,
};
use alloc::vec::Vec;
use bytes::Bytes;

/// A condition of a commit: the key was last modified at this revision (`Rev(0)`: the key is absent). It holds for at
/// most one commit that writes the key, since revisions never come again; only that of an absent key can come again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guard {
    pub key: Bytes,
    pub revision: Rev,
}

/// One atomic write. Every key that it writes is guarded, and written once; it may guard further keys. The store
/// refuses more than `limits::TXN_OPERATIONS` guards or writes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commit {
    guards: Vec<Guard>,
    puts: Vec<Put>,
    deletes: Vec<Bytes>,
}

/// What a commit does to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written<'a> {
    Put(&'a Put),
    Deleted,
}

/// A commit that did not happen, because a guarded key was at another revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    pub guard: Guard,
    /// What the key held instead; None when it was absent.
    pub held: Option<KeyValue>,
    /// A revision at which it did.
    pub at: Rev,
}

impl Commit {
    /// Adds a write of a key that was last modified at the revision (`Rev(0)`: absent).
    #[must_use]
    pub fn put(self, key: &Bytes, revision: Rev, value: Bytes, lease: LeaseId) -> Self {
        let mut this = self.guard(key, revision);
        this.puts.push(Put { key: key.clone(), value, lease });
        this
    }

    /// Adds the deletion of a key that was last modified at the revision.
    #[must_use]
    pub fn delete(self, key: &Bytes, revision: Rev) -> Self {
        let mut this = self.guard(key, revision);
        this.deletes.push(key.clone());
        this
    }

    /// Adds the condition that a key, which is not written, is still at the revision.
    ///
    /// Panics if the commit has a condition for the key already: the store would refuse it, or one would contradict the
    /// other.
    #[must_use]
    pub fn guard(mut self, key: &Bytes, revision: Rev) -> Self {
        assert!(self.guards.iter().all(|held| held.key != *key), "a commit has each key once");
        self.guards.push(Guard { key: key.clone(), revision });
        self
    }

    /// The commit with everything that it puts under a lease.
    #[must_use]
    pub fn leased(mut self, lease: LeaseId) -> Self {
        self.puts.iter_mut().for_each(|put| put.lease = lease);
        self
    }

    /// The commit without anything that concerns the key.
    #[must_use]
    pub fn without(mut self, key: &[u8]) -> Self {
        self.guards.retain(|guard| guard.key != key);
        self.puts.retain(|put| put.key != key);
        self.deletes.retain(|deleted| deleted != key);
        self
    }

    /// Whether it is the write of one key, without further conditions.
    pub fn is_of_one_key(&self) -> bool {
        self.guards.len() == 1
    }

    /// Whether the commit happened at a revision, by what the guarded keys held at it.
    pub fn happened_at(&self, revision: Rev, held: &[Option<KeyValue>]) -> bool {
        self.guards.iter().zip(held).all(|(guard, held)| match (self.written(&guard.key), held) {
            (Some(Written::Put(put)), Some(kv)) => kv.mod_revision == revision && kv.value == put.value,
            (Some(Written::Put(_)), None) | (Some(Written::Deleted), Some(_)) => false,
            (Some(Written::Deleted), None) | (None, _) => true,
        })
    }

    /// Whether it writes nothing.
    pub fn is_empty(&self) -> bool {
        self.puts.is_empty() && self.deletes.is_empty()
    }

    pub fn guards(&self) -> &[Guard] {
        &self.guards
    }

    /// What the commit does to a key; None for a key that it only guards.
    pub fn written(&self, key: &[u8]) -> Option<Written<'_>> {
        let put = self.puts.iter().find(|put| put.key == key).map(Written::Put);
        put.or_else(|| self.deletes.iter().any(|deleted| deleted == key).then_some(Written::Deleted))
    }

    /// The transaction of the commit. If a guard does not hold, it reads the guarded keys instead, in their order.
    pub fn txn(&self) -> Txn {
        let compare = |guard: &Guard| Compare {
            key: guard.key.clone(),
            condition: Condition::ModRevisionEquals(guard.revision),
        };
        let puts = self.puts.iter().cloned().map(TxnOp::Put);
        let deletes = self.deletes.iter().map(|key| TxnOp::Delete { key: key.clone(), end: None });
        Txn {
            compare: self.guards.iter().map(compare).collect(),
            then: puts.chain(deletes).collect(),
            otherwise: self.reads(Rev(0)),
        }
    }

    /// Reads the guarded keys, in their order, as they were at one revision (`Rev(0)`: as they are).
    pub fn read(&self, revision: Rev) -> Op {
        match self.guards.as_slice() {
            [guard] => Op::Range(Range { key: guard.key.clone(), revision, ..Range::default() }),
            _ => Op::Txn(Txn { then: self.reads(revision), ..Txn::default() }),
        }
    }

    fn reads(&self, revision: Rev) -> Vec<TxnOp> {
        let read =
            |guard: &Guard| TxnOp::Range(Range { key: guard.key.clone(), revision, ..Range::default() });
        self.guards.iter().map(read).collect()
    }

    /// What the guarded keys held, in their order, and the revision at which they did. It reads the reply to `read`,
    /// and to `txn` if a guard did not hold; None for any other.
    pub fn held(&self, stored: Stored) -> Option<(Vec<Option<KeyValue>>, Rev)> {
        let (ranges, revision) = match stored {
            Stored::Ranged(ranged) => {
                let revision = ranged.revision;
                (alloc::vec![ranged], revision)
            }
            Stored::Txn(reply) => (ranges(reply.replies), reply.revision),
            Stored::Compacted
            | Stored::Leased { .. }
            | Stored::Revoked
            | Stored::Failed(_)
            | Stored::Unknown(_) => return None,
        };
        let held: Vec<_> = ranges.into_iter().map(|ranged| ranged.kvs.into_iter().next()).collect();
        (held.len() == self.guards.len()).then_some((held, revision))
    }

    /// The first guard that does not hold in the state of the guarded keys at a revision; None when all do.
    pub fn loss(&self, held: &[Option<KeyValue>], at: Rev) -> Option<Loss> {
        let mut states = self.guards.iter().zip(held);
        let (guard, held) = states.find(|(guard, held)| !guard.holds(held.as_ref()))?;
        Some(Loss { guard: guard.clone(), held: held.clone(), at })
    }
}

fn ranges(replies: Vec<TxnReplyOp>) -> Vec<Ranged> {
    let range = |reply| match reply {
        TxnReplyOp::Range(ranged) => Some(ranged),
        TxnReplyOp::Put | TxnReplyOp::Delete { .. } => None,
    };
    replies.into_iter().filter_map(range).collect()
}

impl Guard {
    /// Whether the guard holds when the key holds this.
    pub fn holds(&self, held: Option<&KeyValue>) -> bool {
        self.revision == held.map_or(Rev(0), |kv| kv.mod_revision)
    }
}

//! Transactions: the checks of a request, its comparisons, and the operations of the branch that they choose.

use super::interval::Interval;
use super::machine::{Mvcc, empty_key};
use crate::limits;
use crate::store::{
    Compare, Condition, Event, KeyValue, LeaseId, Put, Rev, StoreError, Txn, TxnOp, TxnReply, TxnReplyOp,
};
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use bytes::Bytes;

impl Mvcc {
    /// Runs a transaction, atomically: one revision for all its changes, none when it changes nothing.
    /// Reads see the writes before them. Returns the changes in the order of the operations.
    ///
    /// # Errors
    /// Without any effect: `DuplicateKey`, `TooLarge` and `Internal` (an empty key) for either branch;
    /// `LeaseNotFound`, `Compacted` and `FutureRevision` for the branch that would have run.
    pub fn txn(&mut self, txn: &Txn) -> Result<(TxnReply, Vec<Event>), StoreError> {
        check_request(txn)?;
        let succeeded = txn.compare.iter().all(|compare| self.holds(compare));
        let ops = if succeeded { &txn.then } else { &txn.otherwise };
        self.check_branch(ops)?;
        let mut events = Vec::new();
        let replies = ops.iter().map(|op| self.run(op, &mut events)).collect();
        let revision = self.keyspace.commit();
        Ok((TxnReply { succeeded, revision, replies }, events))
    }

    /// etcd: server/etcdserver/txn/txn.go applyCompare
    fn holds(&self, compare: &Compare) -> bool {
        let found = self.keyspace.get(&compare.key);
        let absent = found.is_none();
        let kv = found.unwrap_or_default();
        match &compare.condition {
            Condition::ModRevisionEquals(revision) => kv.mod_revision == *revision,
            Condition::ModRevisionGreater(revision) => kv.mod_revision > *revision,
            Condition::ModRevisionLess(revision) => kv.mod_revision < *revision,
            Condition::CreateRevisionEquals(revision) => kv.create_revision == *revision,
            Condition::VersionEquals(version) => kv.version == *version,
            Condition::VersionGreater(version) => kv.version > *version,
            Condition::VersionLess(version) => kv.version < *version,
            Condition::ValueEquals(value) => !absent && kv.value == *value,
        }
    }

    /// Checks what depends on the store's state. After it no operation of the branch can fail, so a transaction is
    /// never half done. Reads are checked against the revision before the transaction.
    /// etcd: server/etcdserver/txn/txn.go checkTxn
    fn check_branch(&self, ops: &[TxnOp]) -> Result<(), StoreError> {
        for op in ops {
            match op {
                TxnOp::Range(range) if range.revision == Rev(0) => {}
                TxnOp::Range(range) => self.keyspace.check_readable(range.revision, self.revision())?,
                TxnOp::Put(put) if put.lease == LeaseId(0) || self.leases.contains(put.lease) => {}
                TxnOp::Put(_) => return Err(StoreError::LeaseNotFound),
                TxnOp::Delete { .. } => {}
            }
        }
        Ok(())
    }

    fn run(&mut self, op: &TxnOp, events: &mut Vec<Event>) -> TxnReplyOp {
        match op {
            TxnOp::Range(range) => {
                let ranged = self.keyspace.range(range, self.keyspace.view());
                TxnReplyOp::Range(ranged.expect("the branch was checked"))
            }
            TxnOp::Put(put) => {
                events.push(self.put(put));
                TxnReplyOp::Put
            }
            TxnOp::Delete { key, end } => {
                let keys = self.keyspace.live_keys(Interval::new(key, end.as_ref()));
                let deleted = keys.len() as u64;
                events.extend(keys.iter().filter_map(|key| self.delete(key)));
                TxnReplyOp::Delete { deleted }
            }
        }
    }

    /// Puts a key in the running transaction. Its lease must exist.
    pub(super) fn put(&mut self, put: &Put) -> Event {
        let event = self.keyspace.put(&put.key, put.value.clone(), put.lease);
        self.leases.detach(previous_lease(event.previous.as_ref()), &event.kv.key);
        self.leases.attach(put.lease, &event.kv.key);
        event
    }

    /// Deletes a key in the running transaction; None when the key does not exist.
    pub(super) fn delete(&mut self, key: &Bytes) -> Option<Event> {
        let event = self.keyspace.delete(key)?;
        self.leases.detach(previous_lease(event.previous.as_ref()), key);
        Some(event)
    }
}

fn previous_lease(previous: Option<&KeyValue>) -> LeaseId {
    previous.map_or(LeaseId(0), |kv| kv.lease)
}

/// Checks what does not depend on the store's state, for both branches.
/// etcd: server/etcdserver/api/v3rpc/key.go checkTxnRequest
fn check_request(txn: &Txn) -> Result<(), StoreError> {
    let longest = txn.compare.len().max(txn.then.len()).max(txn.otherwise.len());
    if longest > limits::TXN_OPERATIONS || txn.bytes() > limits::OBJECT_BYTES {
        return Err(StoreError::TooLarge);
    }
    if txn.compare.iter().any(|compare| compare.key.is_empty()) {
        return Err(empty_key());
    }
    check_overlaps(&txn.then)?;
    check_overlaps(&txn.otherwise)
}

/// A key may be put once, and not where the same branch deletes; deletions may overlap.
/// etcd: server/etcdserver/api/v3rpc/key.go checkIntervals (which reads an end of one zero byte as a
/// key; here it is "from the key on", as everywhere else)
fn check_overlaps(ops: &[TxnOp]) -> Result<(), StoreError> {
    let mut puts = BTreeSet::new();
    let mut deletions = Vec::new();
    for op in ops {
        let key = match op {
            TxnOp::Range(range) => &range.key,
            TxnOp::Put(put) => &put.key,
            TxnOp::Delete { key, .. } => key,
        };
        if key.is_empty() {
            return Err(empty_key());
        }
        match op {
            TxnOp::Range(_) => {}
            TxnOp::Put(put) if puts.insert(&put.key[..]) => {}
            TxnOp::Put(_) => return Err(StoreError::DuplicateKey),
            TxnOp::Delete { key, end } => deletions.push(Interval::new(key, end.as_ref())),
        }
    }
    let overlaps = |key: &&[u8]| deletions.iter().any(|interval| interval.contains(key));
    if puts.iter().any(overlaps) { Err(StoreError::DuplicateKey) } else { Ok(()) }
}

impl Txn {
    /// Bytes of the keys and values that the transaction brings, of both branches.
    pub fn bytes(&self) -> usize {
        let compare_bytes = |compare: &Compare| {
            let value = match &compare.condition {
                Condition::ValueEquals(value) => value.len(),
                Condition::ModRevisionEquals(_)
                | Condition::ModRevisionGreater(_)
                | Condition::ModRevisionLess(_)
                | Condition::CreateRevisionEquals(_)
                | Condition::VersionEquals(_)
                | Condition::VersionGreater(_)
                | Condition::VersionLess(_) => 0,
            };
            compare.key.len() + value
        };
        let op_bytes = |op: &TxnOp| match op {
            TxnOp::Range(range) => range.key.len() + range.end.as_ref().map_or(0, Bytes::len),
            TxnOp::Put(put) => put.key.len() + put.value.len(),
            TxnOp::Delete { key, end } => key.len() + end.as_ref().map_or(0, Bytes::len),
        };
        self.compare.iter().map(compare_bytes).sum::<usize>()
            + self.then.iter().chain(&self.otherwise).map(op_bytes).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn put(key: &'static str, value_bytes: usize) -> TxnOp {
        let key = Bytes::from_static(key.as_bytes());
        TxnOp::Put(Put { key, value: Bytes::from(vec![b'v'; value_bytes]), lease: LeaseId(0) })
    }

    fn delete(key: &'static str, end: Option<&'static str>) -> TxnOp {
        let bytes = |text: &'static str| Bytes::from_static(text.as_bytes());
        TxnOp::Delete { key: bytes(key), end: end.map(bytes) }
    }

    #[test]
    fn refused_transactions_have_no_effect() {
        let too_many = (0..=limits::TXN_OPERATIONS).map(|_| delete("a", None)).collect();
        let cases = [
            (vec![put("a", 1), put("a", 1)], StoreError::DuplicateKey),
            (vec![put("b", 1), delete("a", Some("c"))], StoreError::DuplicateKey),
            (vec![delete("a", Some("\0")), put("b", 1)], StoreError::DuplicateKey),
            (vec![put("a", 1), put("", 1)], empty_key()),
            (vec![put("a", limits::OBJECT_BYTES)], StoreError::TooLarge),
            (too_many, StoreError::TooLarge),
        ];
        for (ops, error) in cases {
            for in_then in [true, false] {
                let mut mvcc = Mvcc::new();
                let (then, otherwise) = if in_then { (ops.clone(), vec![]) } else { (vec![], ops.clone()) };
                let txn = Txn { compare: vec![], then, otherwise };
                assert_eq!(mvcc.txn(&txn), Err(error.clone()), "also in the branch that does not run");
                assert_eq!((mvcc.revision(), mvcc.versions()), (Rev(1), 0));
            }
        }
    }

    #[test]
    fn the_largest_transactions_pass() {
        let mut mvcc = Mvcc::new();
        let then = vec![put("a", limits::OBJECT_BYTES - 1)];
        assert!(mvcc.txn(&Txn { then, ..Txn::default() }).is_ok());
        let then = (0..limits::TXN_OPERATIONS).map(|_| delete("a", None)).collect();
        let (reply, events) = mvcc.txn(&Txn { then, ..Txn::default() }).expect("deletions may overlap");
        assert_eq!((reply.revision, events.len()), (Rev(3), 1));
        assert_eq!(
            reply.replies[..2],
            [TxnReplyOp::Delete { deleted: 1 }, TxnReplyOp::Delete { deleted: 0 }]
        );
    }
}

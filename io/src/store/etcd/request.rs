//! Converts the core's operations to etcd's requests.

use bytes::Bytes;
use etcd_client::{Compare, CompareOp, DeleteOptions, GetOptions, PutOptions, Txn, TxnOp};
use steersman_core::mvcc::prefix_end;
use steersman_core::store::{self, Condition, Put, Range, Rev};

/// The options of a linearizable read; the key is separate.
pub(super) fn range(range: &Range) -> GetOptions {
    let mut options = GetOptions::new().with_revision(int(range.revision.0)).with_limit(int(range.limit));
    if let Some(end) = &range.end {
        options = options.with_range(end.to_vec());
    }
    if range.keys_only {
        options = options.with_keys_only();
    }
    if range.count_only {
        options = options.with_count_only();
    }
    options
}

pub(super) fn txn(txn: &store::Txn) -> Txn {
    let compare: Vec<Compare> = txn.compare.iter().map(compare).collect();
    let then: Vec<TxnOp> = txn.then.iter().map(operation).collect();
    let otherwise: Vec<TxnOp> = txn.otherwise.iter().map(operation).collect();
    Txn::new().when(compare).and_then(then).or_else(otherwise)
}

/// The keys that a transaction may change, each with the end of the range if it deletes one.
pub(super) fn written(txn: &store::Txn) -> impl Iterator<Item = (&Bytes, Option<&Bytes>)> {
    txn.then.iter().chain(&txn.otherwise).filter_map(|op| match op {
        store::TxnOp::Range(_) => None,
        store::TxnOp::Put(put) => Some((&put.key, None)),
        store::TxnOp::Delete { key, end } => Some((key, end.as_ref())),
    })
}

/// The range of all keys with a prefix. An empty prefix means all keys.
pub(super) fn prefix_range(prefix: &Bytes) -> (Vec<u8>, Vec<u8>) {
    let key = if prefix.is_empty() { vec![0] } else { prefix.to_vec() };
    (key, prefix_end(prefix).to_vec())
}

fn compare(compare: &store::Compare) -> Compare {
    let key = compare.key.to_vec();
    let revision = |rev: &Rev| int(rev.0);
    match &compare.condition {
        Condition::ModRevisionEquals(rev) => Compare::mod_revision(key, CompareOp::Equal, revision(rev)),
        Condition::ModRevisionGreater(rev) => Compare::mod_revision(key, CompareOp::Greater, revision(rev)),
        Condition::ModRevisionLess(rev) => Compare::mod_revision(key, CompareOp::Less, revision(rev)),
        Condition::CreateRevisionEquals(rev) => {
            Compare::create_revision(key, CompareOp::Equal, revision(rev))
        }
        Condition::VersionEquals(version) => Compare::version(key, CompareOp::Equal, int(*version)),
        Condition::VersionGreater(version) => Compare::version(key, CompareOp::Greater, int(*version)),
        Condition::VersionLess(version) => Compare::version(key, CompareOp::Less, int(*version)),
        Condition::ValueEquals(value) => Compare::value(key, CompareOp::Equal, value.to_vec()),
    }
}

fn operation(op: &store::TxnOp) -> TxnOp {
    match op {
        store::TxnOp::Range(read) => TxnOp::get(read.key.to_vec(), Some(range(read))),
        store::TxnOp::Put(Put { key, value, lease }) => {
            TxnOp::put(key.to_vec(), value.to_vec(), Some(PutOptions::new().with_lease(lease.0)))
        }
        store::TxnOp::Delete { key, end } => {
            let options = end.as_ref().map(|end| DeleteOptions::new().with_range(end.to_vec()));
            TxnOp::delete(key.to_vec(), options)
        }
    }
}

/// etcd uses signed numbers; larger ones are reduced to the largest, which nothing in etcd reaches.
pub(super) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

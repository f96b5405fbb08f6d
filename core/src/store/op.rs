//! Operations on a store and their results, modelled on etcd v3's KV, Watch and Lease services.
//! etcd: api/etcdserverpb/rpc.proto

use crate::value::Text;
use alloc::vec::Vec;
use bytes::Bytes;

/// A revision of a store: etcd's mod revision, and a Kubernetes resource version. 0 means none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct Rev(pub u64);

/// A stream of ordered events with its own revisions: that of the only store, or of one of several stores given by
/// `--etcd-servers-overrides`. 0 is the main feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Feed(pub u8);

/// An etcd lease. 0 means none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct LeaseId(pub i64);

/// mvccpb.KeyValue.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct KeyValue {
    pub key: Bytes,
    pub value: Bytes,
    pub create_revision: Rev,
    pub mod_revision: Rev,
    /// How many times the key was written since it was created, 1 at creation.
    pub version: u64,
    pub lease: LeaseId,
}

/// An operation on a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    Range(Range),
    Txn(Txn),
    /// Drop history before the revision; reads at or above it stay possible.
    Compact(Rev),
    /// Grant a lease for this many seconds (at least 1).
    LeaseGrant {
        ttl_seconds: i64,
    },
    LeaseRevoke(LeaseId),
}

/// A linearizable read.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Range {
    pub key: Bytes,
    /// Exclusive end; None reads only the one key.
    pub end: Option<Bytes>,
    /// The revision to read at; `Rev(0)` for the newest.
    pub revision: Rev,
    /// The most key-values to return; 0 for no limit.
    pub limit: u64,
    pub keys_only: bool,
    pub count_only: bool,
}

/// An atomic write: if every comparison holds, the `then` operations run, otherwise the `otherwise` ones.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Txn {
    pub compare: Vec<Compare>,
    pub then: Vec<TxnOp>,
    pub otherwise: Vec<TxnOp>,
}

/// One comparison of a transaction. An absent key counts as having revision, version and lease 0 and an empty value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compare {
    pub key: Bytes,
    pub condition: Condition,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    ModRevisionEquals(Rev),
    ModRevisionGreater(Rev),
    ModRevisionLess(Rev),
    CreateRevisionEquals(Rev),
    VersionEquals(u64),
    VersionGreater(u64),
    VersionLess(u64),
    /// Byte equality. It is false for an absent key, as in etcd.
    ValueEquals(Bytes),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TxnOp {
    Range(Range),
    Put(Put),
    /// Deletes one key, or, with an end, the keys in [key, end).
    Delete {
        key: Bytes,
        end: Option<Bytes>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Put {
    pub key: Bytes,
    pub value: Bytes,
    pub lease: LeaseId,
}

/// How an operation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stored {
    Ranged(Ranged),
    /// The transaction committed; `succeeded` tells which branch ran.
    Txn(TxnReply),
    Compacted,
    Leased {
        id: LeaseId,
        ttl_seconds: i64,
    },
    Revoked,
    /// The operation had no effect.
    Failed(StoreError),
    /// The reply was lost: a write may or may not have happened.
    Unknown(Text),
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Ranged {
    pub kvs: Vec<KeyValue>,
    /// How many keys are in the range, whatever the limit.
    pub count: u64,
    /// The store's revision when it answered.
    pub revision: Rev,
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct TxnReply {
    pub succeeded: bool,
    pub revision: Rev,
    pub replies: Vec<TxnReplyOp>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TxnReplyOp {
    Range(Ranged),
    Put,
    Delete { deleted: u64 },
}

/// Why an operation had no effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// The revision asked for was compacted away.
    Compacted {
        compact_revision: Rev,
    },
    /// The revision asked for is newer than the store's.
    FutureRevision {
        current: Rev,
    },
    /// The transaction writes the same key twice.
    DuplicateKey,
    LeaseNotFound,
    /// The request is larger than the store accepts.
    TooLarge,
    /// The store is full (etcd's NOSPACE alarm, a full disk). Reads are still served.
    NoSpace,
    TooManyRequests,
    /// The store cannot be reached, has no leader, or shuts down.
    Unavailable(Text),
    Internal(Text),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventType {
    Put,
    Delete,
}

/// A change of one key. For a deletion, `kv` has the key, an empty value and the revision of the deletion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub kind: EventType,
    pub kv: KeyValue,
    /// The key-value before the change; None for a creation, or when compaction has removed it.
    pub previous: Option<KeyValue>,
}

/// What a feed delivers: events in revision order, and the revision up to which they are complete. All events of one
/// revision come in one batch.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Batch {
    pub feed: Feed,
    pub events: Vec<Event>,
    /// Every change at or below this revision has been delivered.
    pub revision: Rev,
}

impl Batch {
    /// What was listed at a revision, as the changes that lead from nothing to it.
    pub fn of_listing(feed: Feed, revision: Rev, found: Vec<KeyValue>) -> Self {
        let events = found.into_iter().map(|kv| Event { kind: EventType::Put, kv, previous: None }).collect();
        Self { feed, events, revision }
    }
}

/// Why a feed broke off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// The revision to follow from was compacted. List again.
    Compacted { compact_revision: Rev },
    /// The connection broke and could not be resumed. List or follow again.
    Disconnected(Text),
}

//! etcd's data model as seen by the core: what it asks of a store and what comes back.

pub mod key;
mod op;
pub mod token;

pub use op::{
    Batch, Compare, Condition, Event, EventType, Feed, KeyValue, LeaseId, Op, Put, Range, Ranged, Rev,
    StoreError, Stored, Txn, TxnOp, TxnReply, TxnReplyOp, Why,
};

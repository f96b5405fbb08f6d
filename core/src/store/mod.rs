//! etcd's data model as the core sees it: the operations that it asks of a store, and their results.

pub mod commit;
pub(crate) mod failure;
pub mod key;
mod op;
pub mod token;

pub use commit::{Commit, Guard, Loss};
pub use op::{
    Batch, Compare, Condition, Event, EventType, Feed, KeyValue, LeaseId, Op, Put, Range, Ranged, Rev,
    StoreError, Stored, Txn, TxnOp, TxnReply, TxnReplyOp, Why,
};

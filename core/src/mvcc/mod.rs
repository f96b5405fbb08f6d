//! etcd's revisioned key-value machine without I/O: revisions, history, transactions, watches, compaction, and leases
//! whose time is passed in.
//!
//! It is the embedded store's memory, the simulator's fake etcd and the reference that a real etcd is
//! compared with. Everything is deterministic: the same calls give the same answers.
//!
//! Deliberate differences from etcd 3.5: a put together with a deletion "from a key on" that covers it is refused as
//! a duplicate key (etcd overlooks it); nothing can be compacted to revision 0; the shortest lease does not depend on
//! an election timeout; when a transaction can be refused for several reasons, the reason of its first such operation
//! is given, as etcd 3.6 does; sizes are those of keys and values, without framing.
//! Not implemented: nested transactions, comparisons over ranges, sorting and filtering by revision.
//!
//! Reading order: `machine` (reads, compaction, rollback), `txn` (writes), `lease`, `watch`, `snapshot` (saving and
//! restoring); below them `keyspace` (keys, and what each revision changed), `history` (the versions of one key) and
//! `interval` (what a key and a range end select). `model` and `properties` test it.

mod history;
mod interval;
mod keyspace;
mod lease;
mod machine;
#[cfg(test)]
mod model;
#[cfg(test)]
mod properties;
mod snapshot;
mod txn;
mod watch;

pub use interval::prefix_end;
pub use lease::{Expired, Lease};
pub use machine::Mvcc;
pub use snapshot::Snapshot;
pub use watch::{Notice, WatchId, WatchRequest, Watchers};

//! etcd's revisioned key-value machine without I/O: revisions, history, transactions, watches,
//! compaction, leases by given time.
//!
//! It is the embedded store's memory, the simulator's fake etcd and the reference that a real etcd is
//! compared with. Everything is deterministic: the same calls give the same answers.
//!
//! Reading order: `machine` (reads, compaction, rollback), `txn` (writes), `lease`, `watch`,
//! `snapshot` (out of memory and back); below them `keyspace` (keys, and what each revision changed),
//! `history` (the versions of one key) and `interval` (what a key and an end select).

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

//! A fake etcd: a cluster of members over the core's MVCC machine, without chance, time or I/O of its own.
//!
//! The driver makes every choice (when a member applies, stops, is elected, when a feed is delivered and how much of
//! it) and calls at virtual times. Whatever it chooses, the results are legal by etcd's guarantees; only a bug of the
//! museum breaks them.
//!
//! Modelled:
//! - The KV, Watch, Lease and Compact services: revisions, transactions and their refusals, reads in the
//!   past, compaction, leases.
//! - One to five members over one committed log. Reads and writes are linearizable whichever member is
//!   asked. Each member has its own applied revision, and its watches and progress reports know no more.
//!   The operations' answers do not wait for it: they come over another connection than the watch.
//! - No leader: operations have no effect, new watches are refused, leases do not run out. With a new
//!   leader leases have their full time again. Without a majority of running members there is none.
//! - Stopped members: their watches break. Paused members: silent until they go on. Both lag afterwards
//!   until they catch up. What was committed is never lost.
//! - Watches from the past and the future, cancelled when compaction has taken what they still need. A
//!   watch may be slow: it is held, or delivered in small batches. All events of one revision are in one
//!   batch: etcd may split them into fragments, but the core is given whole revisions, which its shell
//!   puts together. A batch claims no more than its own last revision, as a watch response proves no more.
//!   A slow watch gets a deletion without the previous key-value when compaction has removed that.
//! - Progress reports: only of a watch that has everything its member has applied, and only from the
//!   revision on where the watch begins. One that is asked for earlier comes late, or never
//!   (`forget_progress`), and one may come unasked.
//! - Refusals: too large a request, no space, too many requests.
//!
//! Not modelled:
//! - Lost and late replies (`Stored::Unknown` but of a paused member): they are the driver's, which
//!   performs an operation, or does not, and keeps the answer. So is the write that crosses the quota.
//! - Raft itself: logs, votes, terms, members that join and leave, learners, serializable reads. Every
//!   running member can be elected. Compaction takes the log's past from all members at once: a feed of a
//!   lagging member may lose what a real member would still have sent, as if it had been slow as well.
//! - Streams: each feed is alone on its own, so that a slow watch holds back no other's progress.
//! - Authentication, defragmentation, corruption, clocks, lease checkpoints and keep-alives.
//!
//! Reading order: `cluster` (members, operations, leases), `watch` (feeds), `fake` (one healthy member),
//! `flaw` (historical bugs of etcd, to be found again). `tests` and `properties` test it.

mod cluster;
mod fake;
mod flaw;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
mod watch;

use steersman_core::store::{Batch, Feed, Why};

pub use cluster::{EtcdCluster, MEMBERS};
pub use fake::FakeEtcd;
pub use flaw::{EtcdFlaw, Flawed};

/// One of the servers over the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct ServerId(pub u32);

/// One of the members of the cluster, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct MemberId(pub u32);

/// What a server gets from a feed that it follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    Changed(Batch),
    /// The feed broke off and is no longer followed.
    Lost(Feed, Why),
}

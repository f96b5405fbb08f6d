//! The store boundary: what the shell asks of a store, whichever engine is behind it.

pub mod embedded;
#[cfg(feature = "etcd")]
pub mod etcd;

use async_trait::async_trait;
use bytes::Bytes;
use std::sync::Arc;
use steersman_core::store::{Batch, Feed, Op, Rev, Stored, Why};
use steersman_core::value::Text;

/// Where a store delivers changes. Called from a thread of the store, in order; must not block.
pub type Sink = Arc<dyn Fn(FeedInput) + Send + Sync>;

/// Where a store tells that it does not answer, and why, or that it does again.
pub type HealthSink = Arc<dyn Fn(Result<(), Text>) + Send + Sync>;

/// What a feed delivers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeedInput {
    Changed(Batch),
    /// The feed ended; nothing follows until it is followed again.
    Lost(Feed, Why),
}

/// An engine with etcd's data model: the embedded log, memory, or an etcd cluster.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// The answer, when it can be had without waiting (reads of an embedded store); else None.
    fn answer_now(&self, op: &Op) -> Option<Stored>;

    /// Performs the operation. A write is durable when it is answered as committed.
    async fn perform(&self, op: Op) -> Stored;

    /// Delivers every change under `prefix` after `after`, in order, until the feed is lost or followed
    /// again (the new sink takes the old one's place). A feed that breaks ends with `FeedInput::Lost`.
    ///
    /// A batch is delivered before the writes in it are acknowledged by `perform`; a store on other
    /// machines holds a write's answer back for that only so long. A batch without events says that
    /// nothing happened under the prefix up to its revision.
    fn follow(&self, feed: Feed, prefix: Bytes, after: Rev, sink: Sink);

    /// Asks for a batch, if only an empty one, that is as new as the store. Nothing to do for a store
    /// whose batches reach its newest revision by themselves.
    fn request_progress(&self, feed: Feed);

    /// Tells whenever the store stops to answer, and when it answers again. Returns when it will never work again: why.
    async fn watch_health(&self, sink: HealthSink) -> Text;

    /// Finishes what was accepted, refuses the rest, and gives the engine's resources back.
    async fn close(&self);

    /// Bytes on disk (0 for memory), for metrics.
    fn size_bytes(&self) -> u64;
}

//! The interface between the shell and a store, whichever engine implements it.

pub mod embedded;
#[cfg(feature = "etcd")]
pub mod etcd;
mod figures;

pub use figures::StoreFigures;

use async_trait::async_trait;
use bytes::Bytes;
use std::sync::Arc;
use steersman_core::store::{Batch, Feed, Op, Rev, Stored, Why};
use steersman_core::value::Text;

/// Where a store delivers changes. It is called from a thread of the store, in order, and must not block.
pub type Sink = Arc<dyn Fn(FeedInput) + Send + Sync>;

/// Where a store reports that it does not answer, and why, or that it answers again.
pub type HealthSink = Arc<dyn Fn(Result<(), Text>) + Send + Sync>;

/// What a feed delivers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeedInput {
    Changed(Batch),
    /// The feed ended. It brings nothing until it is followed again.
    Lost(Feed, Why),
}

/// An engine with etcd's data model: the embedded log, memory, or an etcd cluster.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// The result, if it is available without waiting (reads of an embedded store); otherwise None.
    fn answer_now(&self, op: &Op) -> Option<Stored>;

    /// Performs the operation. A write that is answered as committed is durable.
    async fn perform(&self, op: Op) -> Stored;

    /// Delivers every change under `prefix` after `after`, in order, until the feed is lost or followed
    /// again (the new sink takes the old one's place). A feed that breaks ends with `FeedInput::Lost`.
    ///
    /// A batch is delivered before `perform` acknowledges the writes in it; a store on other machines delays the
    /// answer to a write for a bounded time only. A batch without events says that nothing happened under the prefix
    /// up to its revision.
    fn follow(&self, feed: Feed, prefix: Bytes, after: Rev, sink: Sink);

    /// Asks for a batch, which may be empty, that is as new as the store. A store whose batches always reach its
    /// newest revision ignores this.
    fn request_progress(&self, feed: Feed);

    /// Reports whenever the store stops answering, and when it answers again. Returns, with the reason, when it will
    /// never work again.
    async fn watch_health(&self, sink: HealthSink) -> Text;

    /// Finishes accepted operations, refuses others, and releases the engine's resources.
    async fn close(&self);

    /// Bytes on disk (0 for memory), for metrics.
    fn size_bytes(&self) -> u64;

    /// What the store measures of itself; None for one that is elsewhere and tells it there.
    fn figures(&self) -> Option<StoreFigures> {
        None
    }
}

//! The embedded store: etcd's data model in this process, in memory and in a durable log.
//!
//! Reading order: `commit` (the thread or task that makes all changes), `commit_group` (operations to records), `queue`
//! and `followers` (input and output); `log` and `snapshot` (files), below them `directory`, `files`, `file`, `frame`,
//! `record` (names and bytes), `reserve` (for a full disk) and `disk` (the calls that can fail). `archive` is what
//! operators do with a store's files: checking them, backups.

pub mod archive;
mod commit;
mod commit_group;
#[cfg(test)]
mod crash;
mod directory;
mod disk;
mod error;
#[cfg(test)]
mod faults;
mod file;
mod files;
mod followers;
mod frame;
mod log;
mod queue;
mod record;
#[cfg(test)]
mod recovery;
mod reserve;
mod snapshot;

pub use error::OpenError;

use super::{HealthSink, Sink, Store, StoreFigures};
use async_trait::async_trait;
use bytes::Bytes;
use commit::{Committer, Durable, Memory, Shared};
use directory::DataDirectory;
use disk::{Disk, RealDisk};
use followers::Follower;
use log::{Dropped, Log};
use queue::Queue;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use steersman_core::limits;
use steersman_core::mvcc::Mvcc;
use steersman_core::now::Mono;
use steersman_core::store::{Feed, Op, Rev, StoreError, Stored};
use steersman_core::value::Text;
use tokio::sync::watch;
use tokio::time::Instant;

/// A store that only this process uses. Dropping it ends its thread or task; [`Store::close`] also waits for that.
pub struct Embedded {
    shared: Arc<Shared>,
}

/// Limits for the sizes of a store's files.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// A snapshot is made, and the log before it removed, when the log has reached this many bytes and is longer than
    /// the previous snapshot.
    pub snapshot_after_bytes: u64,
    /// A new file of the log is begun after this many bytes.
    pub segment_bytes: u64,
    /// Bytes that are kept allocated, so that objects can be deleted when the disk is full.
    pub reserve_bytes: u64,
}

impl Default for Sizes {
    fn default() -> Self {
        Self {
            snapshot_after_bytes: limits::STORE_LOG_BYTES,
            segment_bytes: limits::STORE_SEGMENT_BYTES,
            reserve_bytes: limits::STORE_RESERVE_BYTES,
        }
    }
}

impl Embedded {
    /// Opens a data directory, creating it if it is missing, and starts the store's thread.
    ///
    /// # Errors
    /// When another process uses the directory, or its content is damaged.
    pub fn open(directory: &Path, sizes: Sizes) -> Result<Self, OpenError> {
        Self::open_on(directory, sizes, Arc::new(RealDisk))
    }

    /// A store in memory, whose content is lost when the process ends.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn in_memory() -> std::io::Result<Self> {
        Self::start(Mvcc::new(), None, Instant::now())
    }

    /// A store in memory that runs as a task of the calling runtime, without a thread. It uses the runtime's clock,
    /// which a test may have paused.
    pub fn in_task() -> Self {
        let (shared, committer) = Self::prepare(Mvcc::new(), None, Instant::now());
        tokio::spawn(committer.run_in_memory());
        Self { shared }
    }

    fn open_on(path: &Path, sizes: Sizes, disk: Arc<dyn Disk>) -> Result<Self, OpenError> {
        let origin = Instant::now();
        let directory = Arc::new(DataDirectory::open(path, disk)?);
        let listing = directory.files().list()?;
        let covered = listing.covered();
        let (mut mvcc, snapshot_bytes) = match covered {
            0 => (Mvcc::new(), 0),
            covered => snapshot::read(directory.files(), covered, Mono(0))?,
        };
        let mut replay = |payload: &[u8]| commit_group::replay_batch(&mut mvcc, payload);
        let Sizes { snapshot_after_bytes, segment_bytes, reserve_bytes } = sizes;
        let log = Log::open(Arc::clone(&directory), segment_bytes, reserve_bytes, covered, &mut replay)?;
        if let Some(Dropped { path, offset, bytes }) = log.dropped() {
            tracing::warn!(
                "{}: {bytes} bytes from byte {offset} on are dropped: a batch was not written to its end when the \
                 server stopped, and nobody was told that it is stored",
                path.display()
            );
        }
        directory.remove_obsolete(&listing, covered);
        let durable = Durable { directory, log, snapshot_bytes, snapshot_after_bytes };
        Self::start(mvcc, Some(durable), origin)
            .map_err(|error| OpenError::io(path, "start the thread of", error))
    }

    fn start(mvcc: Mvcc, durable: Option<Durable>, origin: Instant) -> std::io::Result<Self> {
        let (shared, committer) = Self::prepare(mvcc, durable, origin);
        std::thread::Builder::new().name("store-commit".into()).spawn(move || committer.run())?;
        Ok(Self { shared })
    }

    fn prepare(mvcc: Mvcc, durable: Option<Durable>, origin: Instant) -> (Arc<Shared>, Committer) {
        let visible = mvcc.revision();
        let shared = Arc::new(Shared {
            memory: RwLock::new(Memory { mvcc, visible }),
            queue: Queue::default(),
            disk_bytes: AtomicU64::new(0),
            figures: Mutex::new(StoreFigures::new()),
            broken: watch::Sender::new(None),
            done: watch::Sender::new(false),
        });
        let committer = Committer::new(Arc::clone(&shared), durable, origin);
        (shared, committer)
    }

    /// The newest durable revision.
    pub fn revision(&self) -> Rev {
        self.shared.memory.read().map_or(Rev(0), |memory| memory.visible)
    }
}

#[async_trait]
impl Store for Embedded {
    fn answer_now(&self, op: &Op) -> Option<Stored> {
        match op {
            Op::Range(range) => Some(match self.shared.memory.read() {
                Ok(memory) => commit_group::read(&memory.mvcc, range, memory.visible),
                Err(_) => Stored::Failed(StoreError::Internal("the store has stopped".into())),
            }),
            Op::Txn(_) | Op::Compact(_) | Op::LeaseGrant { .. } | Op::LeaseRevoke(_) => None,
        }
    }

    async fn perform(&self, op: Op) -> Stored {
        if let Some(answer) = self.answer_now(&op) {
            return answer;
        }
        match self.shared.queue.push(op) {
            Ok(outcome) => outcome.await.unwrap_or_else(|_| Stored::Unknown("the store has stopped".into())),
            Err(error) => Stored::Failed(error),
        }
    }

    /// After the store was closed, nothing is delivered, not even that the feed is lost.
    fn follow(&self, feed: Feed, prefix: Bytes, after: Rev, sink: Sink) {
        self.shared.queue.follow(Follower { feed, prefix, after, sink });
    }

    /// Every revision is followed by a batch anyway.
    fn request_progress(&self, _feed: Feed) {}

    async fn watch_health(&self, sink: HealthSink) -> Text {
        let mut broken = self.shared.broken.subscribe();
        let found = broken.wait_for(Option::is_some).await.map(|why| why.clone());
        match found {
            Ok(Some(why)) => {
                sink(Err(why.clone()));
                why
            }
            // The sender lives as long as this store.
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }

    async fn close(&self) {
        self.shared.queue.close();
        let mut done = self.shared.done.subscribe();
        // The sender lives as long as this store.
        let _ = done.wait_for(|done| *done).await;
    }

    fn size_bytes(&self) -> u64 {
        self.shared.disk_bytes.load(Ordering::Relaxed)
    }

    fn figures(&self) -> Option<StoreFigures> {
        let (queued_operations, queued_bytes) = self.shared.queue.waiting();
        Some(StoreFigures { queued_operations, queued_bytes, ..self.shared.figures().clone() })
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.shared.queue.close();
    }
}

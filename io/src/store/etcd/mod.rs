//! The store in an etcd cluster, for servers on more than one machine.
//!
//! Reading order: `members` (operations with their attempts), `request` and `answer` (conversions), `failure` (what
//! an error says about the effect), `feed` (a watch over all its connections) and `assemble` (its messages to
//! batches); below them `config`, `version` and `backoff`.

mod answer;
mod assemble;
mod backoff;
mod config;
mod connector;
mod failure;
mod feed;
mod members;
mod request;
mod version;

pub use config::{ConnectError, EtcdConfig};

use super::{FeedInput, HealthSink, Sink, Store};
use assemble::{Assembler, concerns};
use async_trait::async_trait;
use bytes::Bytes;
use feed::{Asking, Feeding, Reached};
use members::EtcdMembers;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use steersman_core::limits;
use steersman_core::store::{Feed, Op, Range, Rev, StoreError, Stored, Txn, TxnReply, TxnReplyOp, Why};
use steersman_core::value::Text;
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

/// The key that is read to see whether the cluster answers. It does not exist.
const PROBED_KEY: &str = "/health";

/// A cluster, and the feeds that follow it.
pub struct EtcdStore {
    members: Arc<EtcdMembers>,
    feeds: Mutex<Vec<Followed>>,
    closed: AtomicBool,
    size: Arc<Size>,
    runtime: Handle,
}

/// A feed, as the rest of the store sees it.
struct Followed {
    feed: Feed,
    prefix: Bytes,
    task: JoinHandle<()>,
    wanted: Arc<Notify>,
    reached: watch::Receiver<Reached>,
}

#[derive(Default)]
struct Size {
    bytes: AtomicU64,
    being_read: AtomicBool,
}

impl EtcdStore {
    /// Makes the connections, and returns when a member has answered. Must be called within a runtime,
    /// which then runs the feeds.
    ///
    /// # Errors
    /// When the settings are wrong, a file cannot be read, or no member answers for some seconds.
    pub async fn connect(config: &EtcdConfig) -> Result<Self, ConnectError> {
        let members = Arc::new(EtcdMembers::connect(config).await?);
        let runtime = Handle::current();
        let feeds = Mutex::default();
        let store = Self { members, feeds, closed: AtomicBool::new(false), size: Arc::default(), runtime };
        // Asked for now, so that the size is known when it is first wanted.
        store.size_bytes();
        Ok(store)
    }

    /// Waits, for a bounded time, until the feeds that a write concerns have delivered it.
    async fn delivered(&self, txn: &Txn, revision: Rev) {
        let concerned = |followed: &&Followed| {
            request::written(txn).any(|(key, end)| concerns(&followed.prefix, key, end))
        };
        let feeds: Vec<_> =
            self.feeds().iter().filter(concerned).map(|followed| followed.reached.clone()).collect();
        let all = async {
            for mut reached in feeds {
                // An error means that the feed has ended.
                let _ = reached.wait_for(|reached| reached.revision >= revision || !reached.watching).await;
            }
        };
        let _ = tokio::time::timeout(Duration::from_millis(limits::ETCD_DELIVERY_MILLIS), all).await;
    }

    /// Reports a feed as lost after a pause, so that the machine follows it again.
    fn refuse(&self, feed: Feed, sink: Sink) {
        self.runtime.spawn(async move {
            tokio::time::sleep(Duration::from_millis(limits::ETCD_PAUSE_MILLIS_MAX)).await;
            sink(FeedInput::Lost(feed, Why::Disconnected("the store takes no more feeds".into())));
        });
    }

    /// Whether a member answers a read in time.
    /// k8s: staging/src/k8s.io/apiserver/pkg/storage/storagebackend/factory/etcd3.go
    async fn probe(&self) -> Result<(), Text> {
        let range = Range { key: PROBED_KEY.into(), keys_only: true, limit: 1, ..Range::default() };
        let timeout = Duration::from_millis(limits::STORE_PROBE_MILLIS);
        let failed = |why: &str| Err(format!("error getting data from etcd: {why}").into());
        match tokio::time::timeout(timeout, self.perform(Op::Range(range))).await {
            Ok(Stored::Ranged(_)) => Ok(()),
            Ok(Stored::Failed(StoreError::Unavailable(why)) | Stored::Unknown(why)) => failed(&why),
            Ok(other) => failed(&format!("{other:?}")),
            Err(_) => failed("context deadline exceeded"),
        }
    }

    fn feeds(&self) -> MutexGuard<'_, Vec<Followed>> {
        self.feeds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for EtcdStore {
    fn answer_now(&self, _op: &Op) -> Option<Stored> {
        None
    }

    async fn perform(&self, op: Op) -> Stored {
        if self.closed.load(Ordering::Relaxed) {
            return Stored::Failed(StoreError::Unavailable("the store is closed".into()));
        }
        let stored = self.members.perform(&op).await;
        if let (Op::Txn(txn), Stored::Txn(reply)) = (&op, &stored)
            && has_changed(reply)
        {
            self.delivered(txn, reply.revision).await;
        }
        stored
    }

    fn follow(&self, feed: Feed, prefix: Bytes, after: Rev, sink: Sink) {
        let mut feeds = self.feeds();
        let same = |followed: &Followed| followed.feed == feed && followed.prefix == prefix;
        let earlier = feeds.iter().position(same).map(|index| feeds.swap_remove(index).task);
        let closed = self.closed.load(Ordering::Relaxed);
        if feeds.len() >= limits::STORE_FOLLOWERS || closed {
            drop(feeds);
            if let Some(earlier) = earlier {
                earlier.abort();
            }
            if !closed {
                self.refuse(feed, sink);
            }
            return;
        }
        let (sender, reached) = watch::channel(Reached { revision: after, watching: false });
        let wanted = Arc::new(Notify::new());
        let feeding = Feeding {
            members: Arc::clone(&self.members),
            feed,
            prefix: prefix.clone(),
            sink,
            assembler: Assembler::new(after),
            reached: sender,
            wanted: Arc::clone(&wanted),
            asking: Asking::default(),
        };
        let task = self.runtime.spawn(async move {
            if let Some(earlier) = earlier {
                // A delivery of the earlier feed that is under way is finished first.
                earlier.abort();
                let _ = earlier.await;
            }
            feeding.run().await;
        });
        feeds.push(Followed { feed, prefix, task, wanted, reached });
    }

    fn request_progress(&self, feed: Feed) {
        for followed in self.feeds().iter().filter(|followed| followed.feed == feed) {
            followed.wanted.notify_one();
        }
    }

    /// Never returns, since a cluster can always recover.
    async fn watch_health(&self, sink: HealthSink) -> Text {
        let mut known = Ok(());
        loop {
            tokio::time::sleep(Duration::from_millis(limits::STORE_PROBE_PAUSE_MILLIS)).await;
            let found = self.probe().await;
            if found != known {
                match &found {
                    Ok(()) => tracing::info!("etcd answers again"),
                    Err(why) => tracing::error!(%why, "etcd does not answer"),
                }
                known.clone_from(&found);
                sink(found);
            }
        }
    }

    async fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
        let feeds = std::mem::take(&mut *self.feeds());
        for followed in feeds {
            followed.task.abort();
            let _ = followed.task.await;
        }
    }

    /// The size of a member's database when it was last asked for.
    fn size_bytes(&self) -> u64 {
        let size = Arc::clone(&self.size);
        if !size.being_read.swap(true, Ordering::Relaxed) {
            let members = Arc::clone(&self.members);
            self.runtime.spawn(async move {
                let (_, member) = members.current();
                if let Ok(Ok(bytes)) = tokio::time::timeout(members.read_timeout, member.size_bytes()).await {
                    size.bytes.store(bytes, Ordering::Relaxed);
                }
                size.being_read.store(false, Ordering::Relaxed);
            });
        }
        self.size.bytes.load(Ordering::Relaxed)
    }
}

impl Drop for EtcdStore {
    fn drop(&mut self) {
        for followed in self.feeds().iter() {
            followed.task.abort();
        }
    }
}

/// Whether the branch that ran has changed anything, as far as its replies show.
fn has_changed(reply: &TxnReply) -> bool {
    reply.replies.iter().any(|reply| match reply {
        TxnReplyOp::Range(_) => false,
        TxnReplyOp::Put => true,
        TxnReplyOp::Delete { deleted } => *deleted > 0,
    })
}

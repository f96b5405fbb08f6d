//! The committer, a thread or a task. For each group it takes queued operations, performs them in memory, makes them
//! durable with one sync, makes them visible to readers, delivers them to the feeds, and answers the callers last, so
//! that a client that was answered sees its own write everywhere.

use super::commit_group::{CommitGroup, PendingResult};
use super::directory::DataDirectory;
use super::followers::{Follower, Followers};
use super::log::{AppendError, Log};
use super::queue::{Queue, QueuedOperation, Work};
use super::snapshot::{self, Contents};
use crate::store::StoreFigures;
use crate::throttle::Throttle;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;
use steersman_core::limits;
use steersman_core::mvcc::Mvcc;
use steersman_core::now::Mono;
use steersman_core::store::{Op, Rev, StoreError, Stored};
use steersman_core::value::Text;
use tokio::sync::watch;
use tokio::time::Instant;

/// The pause before leases that could not be revoked (on a full disk) are tried again.
const EXPIRY_RETRY_MILLIS: u64 = 1000;

/// The pause, on a full disk, before a snapshot that may free room is tried again.
const ROOM_RETRY_MILLIS: u64 = 10_000;

/// The error for a write that a full disk has no room for.
pub(super) const FULL: &str =
    "the disk of the data directory is full: only deletions are taken until there is room";

/// What the committer, readers and callers share.
pub(super) struct Shared {
    pub(super) memory: RwLock<Memory>,
    pub(super) queue: Queue,
    pub(super) disk_bytes: AtomicU64,
    /// What the committer has measured; it knows nothing of the queue.
    pub(super) figures: Mutex<StoreFigures>,
    /// Set, with the reason, when the store can never take a write again.
    pub(super) broken: watch::Sender<Option<Text>>,
    /// True when the committer has ended and released the directory.
    pub(super) done: watch::Sender<bool>,
}

impl Shared {
    pub(super) fn figures(&self) -> MutexGuard<'_, StoreFigures> {
        // No code that can panic runs while this lock is held.
        self.figures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) struct Memory {
    pub(super) mvcc: Mvcc,
    /// The newest durable revision. Later revisions of the machine are not shown to readers.
    pub(super) visible: Rev,
}

/// The files; a store in memory has none.
pub(super) struct Durable {
    pub(super) directory: Arc<DataDirectory>,
    pub(super) log: Log,
    /// The size of the newest snapshot.
    pub(super) snapshot_bytes: u64,
    /// A snapshot is made when the log has reached this length.
    pub(super) snapshot_after_bytes: u64,
}

pub(super) struct Committer {
    shared: Arc<Shared>,
    durable: Option<Durable>,
    followers: Followers,
    origin: Instant,
    expire_from: Mono,
    snapshot: Option<Snapshotting>,
    /// After a failed snapshot, the length of the log at which the next one is tried.
    snapshot_retry_bytes: u64,
    /// The time before which no snapshot is tried in order to free room.
    room_from: Mono,
    /// Whether the disk was full at the last write that adds data.
    full: bool,
    /// The reason why nothing can be written any more.
    broken: Option<Text>,
    /// Limits the log lines about refused writes.
    refusals: Throttle,
}

struct Snapshotting {
    covered: u64,
    began: std::time::Instant,
    outcome: mpsc::Receiver<io::Result<u64>>,
    thread: JoinHandle<()>,
}

/// Tells waiting callers that the committer has ended, even if it ends by a panic.
struct Ending(Arc<Shared>);

impl Drop for Ending {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.broken.send_replace(Some("the thread of the store has panicked".into()));
        }
        self.0.queue.abandon();
        self.0.done.send_replace(true);
    }
}

impl Committer {
    pub(super) fn new(shared: Arc<Shared>, durable: Option<Durable>, origin: Instant) -> Self {
        let committer = Self {
            shared,
            durable,
            followers: Followers::default(),
            origin,
            expire_from: Mono(0),
            snapshot: None,
            snapshot_retry_bytes: 0,
            room_from: Mono(0),
            full: false,
            broken: None,
            refusals: Throttle::default(),
        };
        committer.note_size();
        committer
    }

    /// Runs until the queue is closed and empty.
    pub(super) fn run(mut self) {
        let _ending = Ending(Arc::clone(&self.shared));
        let mut company = 0;
        loop {
            let work = self.shared.queue.take(self.timeout(), company);
            let last = work.last;
            // A store in memory has no sync that writers could share.
            company = if self.durable.is_some() { work.operations.len() } else { 0 };
            self.perform(work);
            self.finish_snapshot();
            if last {
                break;
            }
            self.start_snapshot();
        }
        if let Some(snapshot) = self.snapshot.take() {
            // Whether the snapshot succeeded is found out at the next start.
            let _ = snapshot.thread.join();
        }
        // The directory is released before callers are told that the store is closed.
        self.durable = None;
    }

    /// Runs as a task until the queue is closed and empty. This is for a store in memory only, since it never blocks.
    pub(super) async fn run_in_memory(mut self) {
        assert!(self.durable.is_none(), "a disk would block the task");
        let _ending = Ending(Arc::clone(&self.shared));
        loop {
            let timeout = self.timeout();
            let work = self.shared.queue.taken(timeout).await;
            let last = work.last;
            self.perform(work);
            if last {
                break;
            }
        }
    }

    fn perform(&mut self, work: Work) {
        let Work { operations: requests, follows, last: _ } = work;
        follows.into_iter().for_each(|follower| self.follow(follower));
        let group = self.evaluate(requests);
        self.settle(group);
    }

    fn now(&self) -> Mono {
        Mono(u64::try_from(self.origin.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    /// The time until the next lease can be revoked.
    fn timeout(&self) -> Option<Duration> {
        if self.broken.is_some() {
            return None;
        }
        let expiry = self.shared.memory.read().expect("only the committer writes").mvcc.next_expiry()?;
        Some(Duration::from_micros(expiry.max(self.expire_from).micros_since(self.now())))
    }

    fn follow(&mut self, follower: Follower) {
        let memory = self.shared.memory.read().expect("only the committer writes");
        let visible = memory.visible;
        let backlog = follower.backlog(&memory.mvcc, visible);
        drop(memory);
        self.followers.start(follower, backlog, visible);
    }

    fn evaluate(&mut self, requests: Vec<QueuedOperation>) -> CommitGroup {
        let now = self.now();
        let mut group = CommitGroup::default();
        let mut memory = self.shared.memory.write().expect("only the committer writes");
        let Memory { mvcc, visible } = &mut *memory;
        for request in requests {
            match &self.broken {
                Some(why) if !matches!(request.op, Op::Range(_)) => {
                    let outcome = Stored::Failed(StoreError::Internal(why.clone()));
                    let QueuedOperation { op, reply: to } = request;
                    group.replies.push(PendingResult { to, outcome, wrote: false, op });
                }
                Some(_) | None => group.perform(mvcc, now, *visible, request),
            }
        }
        if !group.payload.is_empty()
            && let Some(revision) = mvcc.compaction_due(limits::STORE_HISTORY_BYTES)
        {
            group.compact_early(mvcc, revision);
        }
        let due = mvcc.next_expiry().is_some_and(|expiry| expiry.max(self.expire_from) <= now);
        if due && self.broken.is_none() {
            group.expire(mvcc, now);
        }
        group
    }

    /// Makes a group durable and answers its callers, or undoes it.
    fn settle(&mut self, group: CommitGroup) {
        if !group.payload.is_empty() {
            let appended = match &mut self.durable {
                Some(durable) => durable.log.append(&group.payload, !group.grows).map(Some),
                None => Ok(None),
            };
            match appended {
                Ok(synced) => {
                    self.note_room(group.grows);
                    self.shared.figures().count_batch(group.replies.len(), group.payload.len(), synced);
                }
                Err(AppendError::Full) => return self.refuse_growth(group),
                Err(error) => return self.take_back(group, error),
            }
            self.note_size();
            let revision = self.publish(&group);
            self.followers.deliver(&group.events, revision);
        }
        for reply in group.replies {
            // The caller may have stopped waiting.
            let _ = reply.to.send(reply.outcome);
        }
    }

    fn publish(&self, group: &CommitGroup) -> Rev {
        let mut memory = self.shared.memory.write().expect("only the committer writes");
        memory.visible = memory.mvcc.revision();
        if let Some(revision) = group.compaction {
            memory.mvcc.compact(revision).expect("the compaction was checked");
        }
        memory.visible
    }

    /// Logs once that the disk is full, and once that it is not full any more.
    fn note_room(&mut self, grows: bool) {
        if self.full && grows {
            self.full = false;
            self.shared.figures().is_full = false;
            tracing::info!("the disk of the data directory has room again");
        }
    }

    /// Refuses the operations of a group that add data, since the disk is full. Those that only remove data are put
    /// into a group of their own.
    fn refuse_growth(&mut self, mut group: CommitGroup) {
        if !self.full {
            self.full = true;
            self.shared.figures().is_full = true;
            tracing::error!("{FULL}");
        }
        let replies = std::mem::take(&mut group.replies);
        self.undo(&group);
        let (again, refused) = match group.grows {
            true => replies.into_iter().partition(PendingResult::takes_away),
            false => (Vec::new(), replies),
        };
        self.shared.figures().refused_full += refused.len() as u64;
        for reply in refused {
            let _ = reply.to.send(Stored::Failed(StoreError::Internal(FULL.into())));
        }
        if !again.is_empty() {
            let requests = again
                .into_iter()
                .map(|reply: PendingResult| QueuedOperation { op: reply.op, reply: reply.to });
            let group = self.evaluate(requests.collect());
            // This group adds no data, so the recursion ends here.
            self.settle(group);
        }
    }

    fn undo(&mut self, group: &CommitGroup) {
        let now = self.now();
        self.expire_from = now.plus_millis(EXPIRY_RETRY_MILLIS);
        let mut memory = self.shared.memory.write().expect("only the committer writes");
        let Memory { mvcc, visible } = &mut *memory;
        group.undo(mvcc, now, *visible);
        drop(memory);
        self.note_size();
    }

    fn take_back(&mut self, group: CommitGroup, error: AppendError) {
        self.undo(&group);
        let (wrote, other) = match error {
            AppendError::Full => {
                let full = Stored::Failed(StoreError::Internal(FULL.into()));
                (full.clone(), full)
            }
            AppendError::Refused(error) => {
                if let Some(left_out) = self.refusals.pass(std::time::Instant::now()) {
                    tracing::error!(left_out, "cannot write to the log: {error}");
                }
                let failed = Stored::Failed(StoreError::Internal(
                    format!("the log cannot be written: {error}").into(),
                ));
                (failed.clone(), failed)
            }
            AppendError::Unknown(error) => {
                let why = self.refuse_writes(&error);
                (Stored::Unknown(why.clone()), Stored::Failed(StoreError::Internal(why)))
            }
        };
        for reply in group.replies {
            let _ = reply.to.send(if reply.wrote { wrote.clone() } else { other.clone() });
        }
    }

    fn refuse_writes(&mut self, error: &io::Error) -> Text {
        tracing::error!("the log is in an unknown state, writes are refused until a restart: {error}");
        let why =
            Text::from(format!("the store refuses writes until a restart, after a failed sync: {error}"));
        self.broken = Some(why.clone());
        self.shared.broken.send_replace(Some(why.clone()));
        why
    }

    /// Starts a snapshot when the log is long enough. Writes wait while the keys are collected, but not while the
    /// file is written.
    /// for the file.
    fn start_snapshot(&mut self) {
        let now = self.now();
        let Some(durable) = &mut self.durable else { return };
        let due_at = durable.snapshot_after_bytes.max(durable.snapshot_bytes).max(self.snapshot_retry_bytes);
        // On a full disk the log may hold much that was deleted since, or written over. A snapshot is worth the reserve
        // when it makes room and surely fits: deletions need the rest.
        let live = self.shared.memory.read().expect("only the committer writes").mvcc.live_bytes() as u64;
        let kept = durable.log.replay_bytes() + durable.snapshot_bytes;
        let frees = kept / 2 > live && live < durable.log.reserve_bytes() / 2;
        let lacks_room = durable.log.lacks_room() || (self.full && frees);
        let makes_room = lacks_room && now >= self.room_from;
        let due = makes_room || durable.log.replay_bytes() >= due_at;
        if self.snapshot.is_some() || self.broken.is_some() || !due {
            return;
        }
        self.room_from = now.plus_millis(ROOM_RETRY_MILLIS);
        let covered = match durable.log.roll_for_room() {
            Ok(covered) => covered,
            Err(error) => return self.snapshot_failed(error),
        };
        let contents = Contents::of(&self.shared.memory.read().expect("only the committer writes").mvcc);
        let (sender, outcome) = mpsc::channel();
        let directory = Arc::clone(&durable.directory);
        let shared = Arc::clone(&self.shared);
        let write = move || {
            let written = snapshot::write(&directory, covered, contents);
            if written.is_ok() {
                snapshot::forget(&directory, covered);
            }
            drop(directory);
            let _ = sender.send(written);
            shared.queue.nudge();
        };
        match std::thread::Builder::new().name("store-snapshot".into()).spawn(write) {
            Ok(thread) => {
                let began = std::time::Instant::now();
                self.snapshot = Some(Snapshotting { covered, began, outcome, thread });
            }
            Err(error) => self.snapshot_failed(AppendError::Refused(error)),
        }
        self.note_size();
    }

    fn finish_snapshot(&mut self) {
        let Some(snapshot) = &self.snapshot else { return };
        let outcome = match snapshot.outcome.try_recv() {
            Ok(outcome) => outcome,
            Err(mpsc::TryRecvError::Empty) => return,
            Err(mpsc::TryRecvError::Disconnected) => Err(io::Error::other("the snapshot thread has ended")),
        };
        let (covered, took) = (snapshot.covered, snapshot.began.elapsed());
        self.snapshot = None;
        match (outcome, &mut self.durable) {
            (Ok(bytes), Some(durable)) => {
                durable.log.forget(covered);
                durable.snapshot_bytes = bytes;
                self.shared.figures().snapshots.observe(took);
                self.snapshot_retry_bytes = 0;
            }
            (Ok(_), None) => {}
            (Err(error), _) => self.snapshot_failed(AppendError::Refused(error)),
        }
        self.note_size();
    }

    /// After a failed snapshot the log keeps growing. The next one is tried when it has grown by a quarter of the
    /// bound.
    fn snapshot_failed(&mut self, error: AppendError) {
        let Some(durable) = &self.durable else { return };
        self.shared.figures().snapshots_failed += 1;
        self.snapshot_retry_bytes = durable.log.replay_bytes() + durable.snapshot_after_bytes / 4;
        if let AppendError::Unknown(error) = error {
            self.refuse_writes(&error);
        } else {
            tracing::warn!("no snapshot of the store could be written: {}", io::Error::from(error));
        }
    }

    fn note_size(&self) {
        let bytes =
            self.durable.as_ref().map_or(0, |durable| durable.log.disk_bytes() + durable.snapshot_bytes);
        self.shared.disk_bytes.store(bytes, Ordering::Relaxed);
        if let Some(durable) = &self.durable {
            let mut figures = self.shared.figures();
            (figures.log_bytes, figures.snapshot_bytes) =
                (durable.log.replay_bytes(), durable.snapshot_bytes);
        }
    }
}

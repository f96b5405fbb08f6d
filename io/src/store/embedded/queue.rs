//! The input of the committer: a bounded queue of operations, and the feeds that are to start.

use super::followers::Follower;
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use steersman_core::limits;
use steersman_core::store::{Op, StoreError, Stored, TxnOp};
use tokio::sync::{Notify, oneshot};

/// An operation, and where its result is sent.
pub(super) struct QueuedOperation {
    pub(super) op: Op,
    pub(super) reply: oneshot::Sender<Stored>,
}

/// What the committer has to do next.
#[derive(Default)]
pub(super) struct Work {
    pub(super) operations: Vec<QueuedOperation>,
    pub(super) follows: Vec<Follower>,
    /// The queue is closed and nothing more will come.
    pub(super) last: bool,
}

#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// Wakes the committer if it is a thread.
    wake_thread: Condvar,
    /// Wakes the committer if it is a task.
    wake_task: Notify,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<QueuedOperation>,
    waiting_bytes: usize,
    follows: Vec<Follower>,
    /// The committer has to look at something other than the queue.
    nudged: bool,
    closed: bool,
    /// The committer's thread sleeps until so many operations wait; 0 while it works. Waking a thread that does not
    /// sleep would cost a system call for nothing.
    wakes_at: usize,
}

impl Queue {
    /// # Errors
    /// `TooManyRequests` when the queue is full, `Internal` when it is closed.
    pub(super) fn push(&self, op: Op) -> Result<oneshot::Receiver<Stored>, StoreError> {
        let (reply, outcome) = oneshot::channel();
        let bytes = op_bytes(&op);
        let mut state = self.lock();
        if state.closed {
            return Err(StoreError::Internal("the store is closed".into()));
        }
        let full = state.waiting.len() >= limits::STORE_QUEUE_OPERATIONS
            || state.waiting_bytes + bytes > limits::STORE_QUEUE_BYTES;
        if full {
            return Err(StoreError::TooManyRequests);
        }
        state.waiting_bytes += bytes;
        state.waiting.push_back(QueuedOperation { op, reply });
        let wakes = state.wakes_at > 0 && state.waiting.len() >= state.wakes_at;
        drop(state);
        if wakes {
            self.wake_thread.notify_one();
        }
        self.wake_task.notify_one();
        Ok(outcome)
    }

    /// How many operations wait, and how many bytes they bring.
    pub(super) fn waiting(&self) -> (usize, usize) {
        let state = self.lock();
        (state.waiting.len(), state.waiting_bytes)
    }

    pub(super) fn follow(&self, follower: Follower) {
        let mut state = self.lock();
        if !state.closed {
            state.follows.push(follower);
        }
        drop(state);
        self.wake();
    }

    /// Wakes the committer, although no operation was queued.
    pub(super) fn nudge(&self) {
        self.lock().nudged = true;
        self.wake();
    }

    /// Refuses new operations; queued ones are still performed.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.wake();
    }

    /// Drops all queued operations, because the committer has ended.
    pub(super) fn abandon(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.waiting.clear();
        state.follows.clear();
    }

    /// Waits for something to do, at most for `timeout`, and takes one batch of it. When fewer operations wait than
    /// `company`, which were in the batch before, their writers are most likely under way again: the batch waits for
    /// them a little, so that one sync serves them all.
    pub(super) fn take(&self, timeout: Option<Duration>, company: usize) -> Work {
        let mut state = self.lock();
        state.wakes_at = 1;
        let mut state = match timeout {
            None => self.wake_thread.wait_while(state, |state| state.is_idle()),
            Some(timeout) => {
                let waited = self.wake_thread.wait_timeout_while(state, timeout, |state| state.is_idle());
                waited.map(|(state, _)| state).map_err(|error| PoisonError::new(error.into_inner().0))
            }
        }
        .unwrap_or_else(PoisonError::into_inner);
        let company = company.min(limits::STORE_BATCH_OPERATIONS);
        if state.lacks(company) {
            state.wakes_at = company;
            let patience = Duration::from_micros(limits::STORE_COMPANY_MICROS);
            let waited = self.wake_thread.wait_timeout_while(state, patience, |state| state.lacks(company));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.wakes_at = 0;
        state.take()
    }

    /// Like `take`, for a task.
    pub(super) async fn taken(&self, timeout: Option<Duration>) -> Work {
        let changed = async {
            while self.lock().is_idle() {
                self.wake_task.notified().await;
            }
        };
        match timeout {
            None => changed.await,
            Some(timeout) => tokio::time::timeout(timeout, changed).await.unwrap_or_default(),
        }
        self.lock().take()
    }

    fn wake(&self) {
        self.wake_thread.notify_one();
        self.wake_task.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code that can panic runs while this lock is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.follows.is_empty() && !self.closed && !self.nudged
    }

    /// Whether operations wait, but fewer than these, and nothing else is to be done.
    fn lacks(&self, company: usize) -> bool {
        let waiting = self.waiting.len();
        let is_urgent = self.closed || self.nudged || !self.follows.is_empty();
        waiting > 0 && waiting < company && self.waiting_bytes < limits::STORE_BATCH_BYTES && !is_urgent
    }

    /// Takes one batch of what is queued.
    fn take(&mut self) -> Work {
        let mut work = Work { follows: std::mem::take(&mut self.follows), ..Work::default() };
        let mut bytes = 0;
        while work.operations.len() < limits::STORE_BATCH_OPERATIONS && bytes < limits::STORE_BATCH_BYTES {
            let Some(request) = self.waiting.pop_front() else { break };
            bytes += op_bytes(&request.op);
            work.operations.push(request);
        }
        self.waiting_bytes -= bytes;
        self.nudged = false;
        work.last = self.closed && self.waiting.is_empty();
        work
    }
}

/// How many bytes of keys and values an operation brings.
fn op_bytes(op: &Op) -> usize {
    match op {
        Op::Txn(txn) => txn.then.iter().chain(&txn.otherwise).map(txn_op_bytes).sum(),
        Op::Range(_) | Op::Compact(_) | Op::LeaseGrant { .. } | Op::LeaseRevoke(_) => 0,
    }
}

fn txn_op_bytes(op: &TxnOp) -> usize {
    match op {
        TxnOp::Put(put) => put.key.len() + put.value.len(),
        TxnOp::Delete { key, .. } => key.len(),
        TxnOp::Range(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use steersman_core::store::Rev;

    fn push(queue: &Queue, count: usize) {
        for _ in 0..count {
            assert!(queue.push(Op::Compact(Rev(1))).is_ok());
        }
    }

    #[test]
    fn a_batch_waits_for_company_but_not_for_long() {
        // Operations that wait, those that were in the batch before, and those that are in the batch.
        for (waiting, company, taken) in [(1, 0, 1), (1, 1, 1), (3, 2, 3), (1, 5, 1), (4, 5, 4)] {
            let queue = Queue::default();
            push(&queue, waiting);
            let work = queue.take(None, company);
            assert_eq!((work.operations.len(), queue.lock().wakes_at), (taken, 0), "{waiting} and {company}");
        }
        let queue = Arc::new(Queue::default());
        let pushing = {
            let queue = Arc::clone(&queue);
            std::thread::spawn(move || push(&queue, 100))
        };
        let mut taken = 0;
        while taken < 100 {
            taken += queue.take(None, 100).operations.len();
        }
        assert_eq!(taken, 100);
        assert!(pushing.join().is_ok());
    }

    #[test]
    fn what_is_urgent_waits_for_no_company() {
        let queue = Queue::default();
        push(&queue, 1);
        assert!(queue.lock().lacks(2) && !queue.lock().lacks(1));
        queue.nudge();
        assert!(!queue.lock().lacks(2), "the committer has something else to do");
        assert_eq!(queue.take(None, 2).operations.len(), 1);
        push(&queue, 1);
        queue.close();
        assert!(!queue.lock().lacks(2), "nobody will come");
        assert!(queue.take(None, 2).last);
    }
}

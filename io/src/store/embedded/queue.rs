//! The way to the commit thread: a bounded queue of operations, and the feeds that want to start.

use super::followers::Follower;
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use steersman_core::limits;
use steersman_core::store::{Op, StoreError, Stored, TxnOp};
use tokio::sync::oneshot;

/// An operation and who waits for its outcome.
pub(super) struct Request {
    pub(super) op: Op,
    pub(super) reply: oneshot::Sender<Stored>,
}

/// What the commit thread has to do next.
#[derive(Default)]
pub(super) struct Work {
    pub(super) requests: Vec<Request>,
    pub(super) follows: Vec<Follower>,
    /// Nothing more will come.
    pub(super) last: bool,
}

#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Request>,
    waiting_bytes: usize,
    follows: Vec<Follower>,
    /// The commit thread has something to look at besides the queue.
    nudged: bool,
    closed: bool,
}

impl Queue {
    /// # Errors
    /// `TooManyRequests` when the queue is full, `Unavailable` when it is closed.
    pub(super) fn push(&self, op: Op) -> Result<oneshot::Receiver<Stored>, StoreError> {
        let (reply, outcome) = oneshot::channel();
        let bytes = op_bytes(&op);
        let mut state = self.lock();
        if state.closed {
            return Err(StoreError::Unavailable("the store is closed".into()));
        }
        let full = state.waiting.len() >= limits::STORE_QUEUE_OPERATIONS
            || state.waiting_bytes + bytes > limits::STORE_QUEUE_BYTES;
        if full {
            return Err(StoreError::TooManyRequests);
        }
        state.waiting_bytes += bytes;
        state.waiting.push_back(Request { op, reply });
        drop(state);
        self.wake.notify_one();
        Ok(outcome)
    }

    pub(super) fn follow(&self, follower: Follower) {
        let mut state = self.lock();
        if !state.closed {
            state.follows.push(follower);
        }
        drop(state);
        self.wake.notify_one();
    }

    /// Makes the commit thread look around.
    pub(super) fn nudge(&self) {
        self.lock().nudged = true;
        self.wake.notify_one();
    }

    /// Refuses new operations; those that wait are still done.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.wake.notify_one();
    }

    /// Drops all that waits, because nobody is left to do it.
    pub(super) fn abandon(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.waiting.clear();
        state.follows.clear();
    }

    /// Waits for something to do, at most until `timeout` has passed, and takes one batch of it.
    pub(super) fn take(&self, timeout: Option<Duration>) -> Work {
        let idle = |state: &mut State| {
            state.waiting.is_empty() && state.follows.is_empty() && !state.closed && !state.nudged
        };
        let state = self.lock();
        let mut state = match timeout {
            None => self.wake.wait_while(state, idle).unwrap_or_else(PoisonError::into_inner),
            Some(timeout) => {
                let waited = self.wake.wait_timeout_while(state, timeout, idle);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        };
        let mut work = Work { follows: std::mem::take(&mut state.follows), ..Work::default() };
        let mut bytes = 0;
        while work.requests.len() < limits::STORE_BATCH_OPERATIONS && bytes < limits::STORE_BATCH_BYTES {
            let Some(request) = state.waiting.pop_front() else { break };
            bytes += op_bytes(&request.op);
            work.requests.push(request);
        }
        state.waiting_bytes -= bytes;
        state.nudged = false;
        work.last = state.closed && state.waiting.is_empty();
        work
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code that can panic runs under this lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Bytes of keys and values that an operation brings.
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

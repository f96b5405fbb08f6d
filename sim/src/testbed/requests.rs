//! The requests of a run, by number.

use crate::check::Follow;
use crate::client_request::ClientRequest;
use bytes::Bytes;
use std::sync::Arc;
use steersman_core::config::JobId;
use steersman_core::now::Mono;
use steersman_core::store::Rev;

/// Requests that lie together in memory.
const PART: usize = 256;

/// A request, or a watch that is open. It is kept after its end: what it asked may still happen.
#[derive(Debug)]
pub(super) struct RequestRecord {
    pub(super) client: usize,
    pub(super) server: usize,
    pub(super) life: u32,
    pub(super) ask: Arc<ClientRequest>,
    /// What names its choices.
    pub(super) key: u64,
    /// The store's revision when it was asked.
    pub(super) asked_at: Rev,
    /// The revision of the server's cache at that time.
    pub(super) known_at: Rev,
    pub(super) sent_at: Mono,
    /// The snapshots that its first step after authentication and its last step saw.
    pub(super) first_seen: Option<Rev>,
    pub(super) seen: Rev,
    /// What it wrote: revisions and keys.
    pub(super) commits: Vec<(Rev, Bytes)>,
    /// The reply to one of its writes was lost.
    pub(super) in_doubt: bool,
    /// Its server has asked for the body.
    pub(super) body_asked: bool,
    pub(super) answered: bool,
    /// Its server has ended the watch.
    pub(super) ended: bool,
    pub(super) follow: Option<Follow>,
    /// What the server has sent arrives in order, none before this.
    pub(super) arrives_at: Mono,
    /// The client does not read yet.
    pub(super) slow: bool,
    /// The client has let go of it.
    pub(super) dropped: bool,
    pub(super) events: u64,
    /// Frames that its server has sent and the client has not taken.
    pub(super) unread: usize,
    /// Frames that the client has taken and its server has not been told of.
    pub(super) owed: u32,
    /// Races that it lost against other writers.
    pub(super) races: u32,
}

/// Every request of a run: they are numbered from 1, and none is removed. In parts, so that none moves when more
/// come.
#[derive(Debug, Default)]
pub(super) struct RequestLog {
    parts: Vec<Vec<RequestRecord>>,
    len: usize,
}

impl RequestLog {
    /// The number that the next request will have.
    pub(super) fn next(&self) -> JobId {
        JobId(self.len() + 1)
    }

    pub(super) fn push(&mut self, record: RequestRecord) {
        if self.len.is_multiple_of(PART) {
            self.parts.push(Vec::with_capacity(PART));
        }
        self.parts[self.len / PART].push(record);
        self.len += 1;
    }

    pub(super) fn len(&self) -> u64 {
        self.len as u64
    }

    /// None for operations of servers' own.
    pub(super) fn get(&self, id: JobId) -> Option<&RequestRecord> {
        let index = index(id)?;
        self.parts.get(index / PART)?.get(index % PART)
    }

    pub(super) fn get_mut(&mut self, id: JobId) -> Option<&mut RequestRecord> {
        let index = index(id)?;
        self.parts.get_mut(index / PART)?.get_mut(index % PART)
    }
}

fn index(id: JobId) -> Option<usize> {
    usize::try_from(id.0.checked_sub(1)?).ok()
}

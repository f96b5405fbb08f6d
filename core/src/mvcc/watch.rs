//! Watches on the machine: each delivers every change of its keys once, in order of revision.
//!
//! Nothing is queued per watch: it remembers the revision up to which it has delivered and reads the
//! machine's history from there, so that a slow watch costs no memory.

use super::interval::Interval;
use super::machine::Mvcc;
use crate::limits;
use crate::store::{Event, Rev, StoreError};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use bytes::Bytes;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WatchId(pub u64);

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct WatchRequest {
    /// The first key; empty for the smallest possible one.
    pub key: Bytes,
    /// Exclusive end; None watches only the one key.
    pub end: Option<Bytes>,
    /// The first revision whose changes are wanted; 0 for the next one.
    pub start_revision: Rev,
    /// Whether the watch also reports revisions that changed none of its keys.
    pub progress_notify: bool,
    /// Whether events carry the key-value before the change.
    pub previous: bool,
}

/// What a watch delivers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// With this, every change of the watched keys up to `revision` has been delivered. All changes of one revision
    /// come together. Without events, it reports progress only.
    Events { watch: WatchId, events: Vec<Event>, revision: Rev },
    /// History that the watch needed was compacted, and the watch has ended.
    Compacted { watch: WatchId, compact_revision: Rev },
}

#[derive(Debug)]
struct Watch {
    request: WatchRequest,
    /// Everything up to here has been delivered.
    delivered: Rev,
}

/// The watches on one machine.
#[derive(Debug, Default)]
pub struct Watchers {
    watches: BTreeMap<WatchId, Watch>,
    next: u64,
}

impl Watchers {
    pub const fn new() -> Self {
        Self { watches: BTreeMap::new(), next: 0 }
    }

    /// Begins a watch while `visible` is the newest visible revision. A watch may start at a future revision. A start
    /// at a compacted revision is reported by the next [`Watchers::poll`], as etcd does.
    ///
    /// # Errors
    /// `TooManyRequests` beyond the bound on watches, `Internal` when the end is not after the key.
    pub fn create(&mut self, visible: Rev, mut request: WatchRequest) -> Result<WatchId, StoreError> {
        if request.key.is_empty() {
            request.key = Bytes::from_static(&[0]);
        }
        if Interval::new(&request.key, request.end.as_ref()).bounds().is_none() {
            return Err(StoreError::Internal("mvcc: watcher range is empty".into()));
        }
        if self.watches.len() >= limits::STORE_WATCHES {
            return Err(StoreError::TooManyRequests);
        }
        let delivered = match request.start_revision {
            Rev(0) => visible,
            Rev(start) => Rev(start - 1),
        };
        let id = WatchId(self.next);
        self.next += 1;
        self.watches.insert(id, Watch { request, delivered });
        Ok(id)
    }

    /// Ends a watch; false when there is none.
    pub fn cancel(&mut self, id: WatchId) -> bool {
        self.watches.remove(&id).is_some()
    }

    /// The revision up to which a watch has delivered everything.
    pub fn delivered(&self, id: WatchId) -> Option<Rev> {
        self.watches.get(&id).map(|watch| watch.delivered)
    }

    pub fn len(&self) -> usize {
        self.watches.len()
    }

    pub fn is_empty(&self) -> bool {
        self.watches.is_empty()
    }

    /// What the watches have to deliver up to `visible`, ordered by watch, at most one bounded batch for each: call
    /// again until it returns nothing.
    pub fn poll(&mut self, mvcc: &Mvcc, visible: Rev) -> Vec<Notice> {
        let mut notices = Vec::new();
        let visible = visible.min(mvcc.revision());
        for (id, watch) in &mut self.watches {
            if watch.delivered < visible {
                notices.extend(watch.poll(*id, mvcc, visible, limits::STORE_WATCH_BATCH_EVENTS));
            }
        }
        for notice in &notices {
            if let Notice::Compacted { watch, .. } = notice {
                self.watches.remove(watch);
            }
        }
        notices
    }

    /// [`Watchers::poll`] of one watch.
    pub fn poll_one(&mut self, mvcc: &Mvcc, visible: Rev, id: WatchId) -> Option<Notice> {
        self.poll_at_most(mvcc, visible, id, limits::STORE_WATCH_BATCH_EVENTS)
    }

    /// Like [`Watchers::poll_one`] with a smaller batch: it ends with the revision that reaches `at_most` events, but
    /// holds at least one revision.
    pub fn poll_at_most(&mut self, mvcc: &Mvcc, visible: Rev, id: WatchId, at_most: usize) -> Option<Notice> {
        let visible = visible.min(mvcc.revision());
        let watch = self.watches.get_mut(&id).filter(|watch| watch.delivered < visible)?;
        let notice = watch.poll(id, mvcc, visible, at_most.clamp(1, limits::STORE_WATCH_BATCH_EVENTS));
        if let Some(Notice::Compacted { .. }) = notice {
            self.watches.remove(&id);
        }
        notice
    }
}

impl Watch {
    fn poll(&mut self, id: WatchId, mvcc: &Mvcc, visible: Rev, at_most: usize) -> Option<Notice> {
        let interval = Interval::new(&self.request.key, self.request.end.as_ref());
        let found = mvcc.keyspace.events(self.delivered, visible, interval, at_most);
        let (mut events, revision) = match found {
            Ok(found) => found,
            Err(StoreError::Compacted { compact_revision }) => {
                return Some(Notice::Compacted { watch: id, compact_revision });
            }
            Err(error) => unreachable!("reading history only fails for compaction: {error:?}"),
        };
        self.delivered = revision;
        if !self.request.previous {
            events.iter_mut().for_each(|event| event.previous = None);
        }
        let wanted = !events.is_empty() || self.request.progress_notify;
        wanted.then_some(Notice::Events { watch: id, events, revision })
    }
}

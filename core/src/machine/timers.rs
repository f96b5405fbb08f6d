//! What is due at which time. Each timer says what it is about, so that nothing has to be looked up when it fires.

use crate::config::{Controller, JobId};
use crate::now::Mono;
use crate::store::Feed;
use alloc::collections::BTreeSet;

/// What is due. Of several at the same time the smaller one is first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// The feed is listed again.
    Relist(Feed),
    Request(JobId, RequestTimer),
    /// The objects of kinds that are to be served are listed again.
    Arrival,
    /// The store's history is compacted.
    Compaction,
    /// A controller of the server is asked what it wants.
    Controller(Controller),
    /// Servers of aggregated APIs are asked whether they answer.
    RemoteApis,
    /// More watches are ended while the server drains.
    Drain,
    /// More watches are ended that have missed changes.
    EndWatches,
}

/// What is due for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum RequestTimer {
    /// It took too long.
    Timeout,
    /// The watch has lasted for as long as was asked for.
    WatchEnd,
    Bookmark,
    /// The feed has not reached the revision that the request waits for, and the request goes on without it.
    FreshTimeout,
}

/// All timers that are set: at most two for each open request, the bookmark of a watch that ended a moment ago, one for
/// each feed and each controller, those of the machine, and one for each failed listing of a kind.
#[derive(Debug, Default)]
pub(super) struct Timers {
    set: BTreeSet<(Mono, Timer)>,
}

impl Timers {
    pub(super) fn set(&mut self, at: Mono, timer: Timer) {
        self.set.insert((at, timer));
    }

    pub(super) fn set_for(&mut self, id: JobId, timer: RequestTimer, at: Mono) {
        self.set(at, Timer::Request(id, timer));
    }

    /// Stops a request's timer that was set for this time.
    pub(super) fn stop_for(&mut self, id: JobId, timer: RequestTimer, at: Mono) {
        self.set.remove(&(at, Timer::Request(id, timer)));
    }

    /// When the next one is due.
    pub(super) fn next_at(&self) -> Option<Mono> {
        self.set.first().map(|(at, _)| *at)
    }

    /// Takes the first one that is due by now.
    pub(super) fn take_due(&mut self, now: Mono) -> Option<Timer> {
        let first = *self.set.first().filter(|(at, _)| *at <= now)?;
        self.set.remove(&first);
        Some(first.1)
    }
}

#[cfg(test)]
mod tests {
    use super::{RequestTimer, Timer, Timers};
    use crate::config::JobId;
    use crate::now::Mono;
    use crate::store::Feed;
    use alloc::vec::Vec;

    #[test]
    fn timers_fire_in_their_order_and_not_before_their_time_and_not_when_stopped() {
        let mut timers = Timers::default();
        timers.set(Mono(20), Timer::Compaction);
        timers.set_for(JobId(2), RequestTimer::Timeout, Mono(10));
        timers.set_for(JobId(1), RequestTimer::Bookmark, Mono(10));
        timers.set_for(JobId(1), RequestTimer::WatchEnd, Mono(10));
        timers.set_for(JobId(3), RequestTimer::Timeout, Mono(10));
        timers.set(Mono(10), Timer::Relist(Feed(1)));
        timers.stop_for(JobId(3), RequestTimer::Timeout, Mono(10));
        timers.stop_for(JobId(2), RequestTimer::Timeout, Mono(11));
        assert_eq!(timers.take_due(Mono(9)), None);
        let mut fired = Vec::new();
        while let Some(timer) = timers.take_due(Mono(19)) {
            fired.push(timer);
        }
        let wanted = [
            Timer::Relist(Feed(1)),
            Timer::Request(JobId(1), RequestTimer::WatchEnd),
            Timer::Request(JobId(1), RequestTimer::Bookmark),
            Timer::Request(JobId(2), RequestTimer::Timeout),
        ];
        assert_eq!(fired, wanted);
        assert_eq!(timers.next_at(), Some(Mono(20)));
        assert_eq!(timers.take_due(Mono(20)), Some(Timer::Compaction));
        assert_eq!(timers.next_at(), None);
    }
}

//! Keeps track of what happens on a connection, so that it can be closed at the right time: how many requests are
//! under way, when the last one ended, and whether the client reads what is sent to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use steersman_core::limits;
use tokio::time::Instant;

const IDLE: Duration = Duration::from_millis(limits::IDLE_MILLIS);
const GOAWAY: Duration = Duration::from_millis(limits::GOAWAY_MILLIS);

pub(crate) struct Activity {
    origin: Instant,
    under_way: AtomicU32,
    last_end_millis: AtomicU64,
    /// Set when the connection is to be closed. Writes are noted only from then on, to save their cost before.
    ending: AtomicBool,
    last_write_millis: AtomicU64,
    /// The connection is a tunnel, whose client may leave bytes unread as long as it likes.
    is_tunnel: AtomicBool,
}

/// A request under way. Dropping it says that the answer has been handed over.
pub(crate) struct UnderWay(Arc<RequestActivity>);

/// One request and its answer.
pub(crate) struct RequestActivity {
    activity: Arc<Activity>,
    /// A part of the answer was handed over, and the next one has not been asked for yet.
    handed_over: AtomicBool,
    /// It is a watch that has sent its initial events and waits for others.
    is_idle_watch: AtomicBool,
    parts: AtomicU32,
    bytes: AtomicU64,
    first_part_millis: AtomicU64,
}

impl Activity {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            origin: Instant::now(),
            under_way: AtomicU32::new(0),
            last_end_millis: AtomicU64::new(0),
            ending: AtomicBool::new(false),
            last_write_millis: AtomicU64::new(0),
            is_tunnel: AtomicBool::new(false),
        })
    }

    /// The connection becomes a tunnel.
    pub(super) fn becomes_tunnel(&self) {
        self.is_tunnel.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_tunnel(&self) -> bool {
        self.is_tunnel.load(Ordering::Relaxed)
    }

    fn now_millis(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn is_busy(&self) -> bool {
        self.under_way.load(Ordering::Relaxed) > 0
    }

    fn at(&self, millis: &AtomicU64) -> Instant {
        self.origin + Duration::from_millis(millis.load(Ordering::Relaxed))
    }

    /// Returns when the connection has had no request for the longest time that it may.
    pub(crate) async fn idle(&self) {
        let mut deadline = self.origin + IDLE;
        loop {
            tokio::time::sleep_until(deadline).await;
            let since = if self.is_busy() { Instant::now() } else { self.at(&self.last_end_millis) };
            deadline = since + IDLE;
            if deadline <= Instant::now() {
                return;
            }
        }
    }

    /// Returns when a connection that is to be closed seems to be finished: no request is under way, and nothing was
    /// written for a while.
    pub(crate) async fn quiet(&self) {
        self.ending.store(true, Ordering::Relaxed);
        self.last_write_millis.store(self.now_millis(), Ordering::Relaxed);
        loop {
            let last = self.at(&self.last_end_millis).max(self.at(&self.last_write_millis));
            let since = if self.is_busy() { Instant::now() } else { last };
            if since + GOAWAY <= Instant::now() {
                return;
            }
            tokio::time::sleep_until(since + GOAWAY).await;
        }
    }

    /// A write to the client was tried; `some` says whether it wrote anything.
    pub(crate) fn wrote(&self, some: bool) {
        if some && self.ending.load(Ordering::Relaxed) {
            self.last_write_millis.store(self.now_millis(), Ordering::Relaxed);
        }
    }
}

impl UnderWay {
    pub(crate) fn begin(activity: &Arc<Activity>) -> Self {
        activity.under_way.fetch_add(1, Ordering::Relaxed);
        Self(Arc::new(RequestActivity {
            activity: Arc::clone(activity),
            handed_over: AtomicBool::new(false),
            is_idle_watch: AtomicBool::new(false),
            parts: AtomicU32::new(0),
            bytes: AtomicU64::new(0),
            first_part_millis: AtomicU64::new(0),
        }))
    }

    pub(crate) fn stream(&self) -> Arc<RequestActivity> {
        Arc::clone(&self.0)
    }

    /// A part of the answer is handed over to be sent.
    pub(crate) fn hands_over(&self, bytes: usize) {
        let stream = &self.0;
        if stream.parts.fetch_add(1, Ordering::Relaxed) == 0 {
            stream.first_part_millis.store(stream.activity.now_millis(), Ordering::Relaxed);
        }
        stream.bytes.fetch_add(u64::try_from(bytes).unwrap_or(u64::MAX), Ordering::Relaxed);
        stream.handed_over.store(true, Ordering::Relaxed);
    }

    /// Whether the client has read less of a finite answer, since it began, than the lowest rate requires.
    pub(crate) fn is_too_slow(&self) -> bool {
        let stream = &self.0;
        if stream.parts.load(Ordering::Relaxed) == 0 {
            return false;
        }
        let taken = stream.bytes.load(Ordering::Relaxed);
        let allowed = taken.saturating_mul(1000) / limits::ANSWER_BYTES_PER_SECOND;
        let first = stream.first_part_millis.load(Ordering::Relaxed);
        let took = stream.activity.now_millis().saturating_sub(first);
        took > allowed.saturating_add(limits::ANSWER_GRACE_MILLIS)
    }

    /// A watch's client has read everything so far and waits for events.
    pub(crate) fn waits(&self) {
        self.0.handed_over.store(false, Ordering::Relaxed);
        self.0.is_idle_watch.store(true, Ordering::Relaxed);
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.handed_over.store(false, Ordering::Relaxed);
        let activity = &self.0.activity;
        activity.last_end_millis.store(activity.now_millis(), Ordering::Relaxed);
        activity.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

impl RequestActivity {
    pub(super) fn is_idle_watch(&self) -> bool {
        self.is_idle_watch.load(Ordering::Relaxed)
    }

    /// How many parts were handed over, if the client has not read the last of them; otherwise None.
    pub(crate) fn untaken(&self) -> Option<u32> {
        self.handed_over.load(Ordering::Relaxed).then(|| self.parts.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn idle_needs_no_requests_and_quiet_needs_no_writes() {
        let activity = Activity::new();
        let began = Instant::now();
        let request = UnderWay::begin(&activity);
        assert!(tokio::time::timeout(3 * IDLE, activity.idle()).await.is_err(), "a request is under way");
        drop(request);
        activity.idle().await;
        assert!(began.elapsed() >= 4 * IDLE && began.elapsed() < 5 * IDLE);
        let answer = UnderWay::begin(&activity);
        answer.hands_over(16 * 1024);
        tokio::time::advance(Duration::from_millis(limits::ANSWER_GRACE_MILLIS)).await;
        assert!(!answer.is_too_slow());
        tokio::time::advance(Duration::from_secs(2)).await;
        assert!(answer.is_too_slow());
        answer.hands_over(10_000_000);
        assert!(!answer.is_too_slow(), "on the whole it is fast");
        drop(answer);
        let began = Instant::now();
        let quiet = async {
            activity.quiet().await;
            began.elapsed()
        };
        let writes = async {
            for _ in 0..5 {
                tokio::time::sleep(GOAWAY / 2).await;
                activity.wrote(true);
            }
            began.elapsed()
        };
        let (quiet_at, last_write) = tokio::join!(quiet, writes);
        assert!(quiet_at >= last_write + GOAWAY / 2, "{quiet_at:?} after {last_write:?}");
    }
}

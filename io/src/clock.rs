//! The two clocks, read together.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use steersman_core::now::{Mono, Now, Wall};

/// Monotonic time since the process began to serve, and the wall clock.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: Instant,
}

impl Clock {
    pub fn start() -> Self {
        Self { origin: Instant::now() }
    }

    pub fn now(&self) -> Now {
        Now { mono: Mono(micros(self.origin.elapsed())), wall: wall_now() }
    }

    /// The instant that a monotonic time names.
    pub fn instant(&self, at: Mono) -> Instant {
        self.origin + Duration::from_micros(at.0)
    }
}

/// The wall clock; 1970 when the system's lies before it.
pub fn wall_now() -> Wall {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Wall(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

//! The two clocks, read together. Monotonic time is tokio's, which a test can pause.

use std::time::{Duration, SystemTime, UNIX_EPOCH};
use steersman_core::now::{Mono, Now, Wall};
use tokio::time::Instant;

/// Reads monotonic time since the process began to serve, and the wall clock.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: Instant,
    /// The wall time at the origin, if wall time is derived from the monotonic one; otherwise the system's clock is
    /// read.
    wall_origin: Option<Wall>,
}

impl Clock {
    pub fn start() -> Self {
        Self { origin: Instant::now(), wall_origin: None }
    }

    /// A clock whose wall time starts as the system's and then advances with the monotonic time, so that a paused
    /// clock stops both.
    pub fn start_coupled() -> Self {
        Self { origin: Instant::now(), wall_origin: Some(wall_now()) }
    }

    pub fn now(&self) -> Now {
        self.at(Instant::now())
    }

    /// What `now` says at an instant that has just been.
    pub(crate) fn at(&self, instant: Instant) -> Now {
        let mono = Mono(micros(instant.saturating_duration_since(self.origin)));
        let wall = match self.wall_origin {
            Some(origin) => Wall(origin.0.saturating_add_unsigned(mono.0)),
            None => wall_now(),
        };
        Now { mono, wall }
    }

    /// The instant of a monotonic time.
    pub fn instant(&self, at: Mono) -> Instant {
        self.origin + Duration::from_micros(at.0)
    }
}

/// The system's wall clock; 1970 if it is set to an earlier time.
pub fn wall_now() -> Wall {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Wall(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

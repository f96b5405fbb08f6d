//! The two clocks, read together. Monotonic time is tokio's, which a test can pause.

use std::time::{Duration, SystemTime, UNIX_EPOCH};
use steersman_core::now::{Mono, Now, Wall};
use tokio::time::Instant;

/// Monotonic time since the process began to serve, and the wall clock.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: Instant,
    /// The wall time of the origin, when wall time goes with the monotonic one; else the system's is read.
    wall_origin: Option<Wall>,
}

impl Clock {
    pub fn start() -> Self {
        Self { origin: Instant::now(), wall_origin: None }
    }

    /// A clock whose wall time begins as the system's and then goes with the monotonic one, so that both
    /// stand still or leap together.
    pub fn start_coupled() -> Self {
        Self { origin: Instant::now(), wall_origin: Some(wall_now()) }
    }

    pub fn now(&self) -> Now {
        let mono = Mono(micros(self.origin.elapsed()));
        let wall = match self.wall_origin {
            Some(origin) => Wall(origin.0.saturating_add_unsigned(mono.0)),
            None => wall_now(),
        };
        Now { mono, wall }
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

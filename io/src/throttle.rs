//! Limits a log line that would repeat itself: it is written at most once in a while, with how often it was left out.

use std::time::{Duration, Instant};

/// The shortest time between two lines.
const PAUSE: Duration = Duration::from_secs(10);

/// One kind of line.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    written: Option<Instant>,
    left_out: u64,
}

impl Throttle {
    /// Whether to write the line now, and if so, how often it was left out since the last time.
    pub(crate) fn pass(&mut self, now: Instant) -> Option<u64> {
        if self.written.is_some_and(|written| now.saturating_duration_since(written) < PAUSE) {
            self.left_out += 1;
            return None;
        }
        self.written = Some(now);
        Some(std::mem::take(&mut self.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_repeats_itself_is_counted() {
        let mut throttle = Throttle::default();
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let passed: Vec<_> = [0, 1, 9, 10, 11, 30].map(|seconds| throttle.pass(at(seconds))).into();
        assert_eq!(passed, [Some(0), None, None, Some(2), None, Some(1)]);
    }
}

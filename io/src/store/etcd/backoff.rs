//! Pauses between attempts, each twice as long as the one before, and a limit to their number.

use std::time::Duration;
use steersman_core::limits;

/// The attempts of one operation.
#[derive(Debug)]
pub(super) struct Backoff {
    tries: u32,
    failed: u32,
}

impl Backoff {
    pub(super) const fn new(tries: u32) -> Self {
        Self { tries, failed: 0 }
    }

    /// The pause after a failed attempt; None after the last one.
    pub(super) fn pause(&mut self) -> Option<Duration> {
        self.failed = self.failed.saturating_add(1);
        if self.failed >= self.tries {
            return None;
        }
        let factor = 1_u64.checked_shl(self.failed - 1).unwrap_or(u64::MAX);
        let millis = limits::ETCD_PAUSE_MILLIS_MIN.saturating_mul(factor).min(limits::ETCD_PAUSE_MILLIS_MAX);
        Some(Duration::from_millis(millis))
    }

    /// An attempt succeeded, so the next failure counts as the first.
    pub(super) fn reset(&mut self) {
        self.failed = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        let mut backoff = Backoff::new(limits::ETCD_TRIES);
        let millis: Vec<u128> =
            std::iter::from_fn(|| backoff.pause()).map(|pause| pause.as_millis()).collect();
        assert_eq!(millis, [25, 50, 100, 200, 400, 800, 1000]);
        backoff.reset();
        assert_eq!(backoff.pause(), Some(Duration::from_millis(25)));
    }
}

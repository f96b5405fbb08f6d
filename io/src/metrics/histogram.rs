//! Histograms of durations.

use std::time::Duration;

/// Counts of durations up to each bound, and their sum.
#[derive(Debug)]
pub(super) struct Histogram {
    bounds: &'static [f64],
    /// Counts that are not cumulative, with one more than there are bounds for longer durations.
    counts: Box<[u64]>,
    sum: Duration,
}

impl Histogram {
    /// `bounds` in seconds, ascending.
    pub(super) fn new(bounds: &'static [f64]) -> Self {
        Self { bounds, counts: vec![0; bounds.len() + 1].into(), sum: Duration::ZERO }
    }

    pub(super) fn observe(&mut self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        let bucket = self.bounds.iter().position(|bound| seconds <= *bound).unwrap_or(self.bounds.len());
        self.counts[bucket] += 1;
        self.sum += duration;
    }

    /// Each bound with the number of durations up to it; None stands for infinity.
    pub(super) fn cumulated(&self) -> impl Iterator<Item = (Option<f64>, u64)> + '_ {
        let bounds = self.bounds.iter().copied().map(Some).chain([None]);
        bounds.zip(self.counts.iter()).scan(0, |sum, (bound, count)| {
            *sum += count;
            Some((bound, *sum))
        })
    }

    pub(super) fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    pub(super) fn sum_seconds(&self) -> f64 {
        self.sum.as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_fall_under_their_bounds() {
        let mut histogram = Histogram::new(&[0.005, 1.0]);
        for millis in [1, 5, 6, 2000] {
            histogram.observe(Duration::from_millis(millis));
        }
        let found: Vec<_> = histogram.cumulated().collect();
        assert_eq!(found, [(Some(0.005), 2), (Some(1.0), 3), (None, 4)]);
        assert_eq!((histogram.count(), histogram.sum_seconds()), (4, 2.012));
    }
}

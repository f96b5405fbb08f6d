//! Histograms of durations and of numbers.

use std::time::Duration;

/// Counts of durations in seconds, or of numbers, up to each bound, and their sum.
#[derive(Clone, Debug)]
pub(crate) struct Histogram {
    bounds: &'static [f64],
    /// Counts that are not cumulative, with one more than there are bounds for what is beyond them.
    counts: Box<[u64]>,
    /// In billionths, so that it is exact.
    sum: u128,
}

/// A whole, in the unit of the sum.
const WHOLE: u128 = 1_000_000_000;

impl Histogram {
    /// `bounds` ascending, in seconds if durations are observed.
    pub(crate) fn new(bounds: &'static [f64]) -> Self {
        Self { bounds, counts: vec![0; bounds.len() + 1].into(), sum: 0 }
    }

    pub(crate) fn observe(&mut self, duration: Duration) {
        self.add(duration.as_secs_f64(), duration.as_nanos());
    }

    /// Counts a number, of bytes for example.
    pub(crate) fn observe_number(&mut self, number: usize) {
        self.add(number as f64, number as u128 * WHOLE);
    }

    fn add(&mut self, value: f64, billionths: u128) {
        let bucket = self.bounds.iter().position(|bound| value <= *bound).unwrap_or(self.bounds.len());
        self.counts[bucket] += 1;
        self.sum = self.sum.saturating_add(billionths);
    }

    /// Each bound with the number of values up to it; None stands for infinity.
    pub(super) fn cumulated(&self) -> impl Iterator<Item = (Option<f64>, u64)> + '_ {
        let bounds = self.bounds.iter().copied().map(Some).chain([None]);
        bounds.zip(self.counts.iter()).scan(0, |sum, (bound, count)| {
            *sum += count;
            Some((bound, *sum))
        })
    }

    pub(crate) fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    pub(super) fn sum(&self) -> f64 {
        self.sum as f64 / WHOLE as f64
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
        assert_eq!((histogram.count(), histogram.sum()), (4, 2.012));
        let mut histogram = Histogram::new(&[1.0, 4.0]);
        for number in [1, 2, 5] {
            histogram.observe_number(number);
        }
        let found: Vec<_> = histogram.cumulated().collect();
        assert_eq!((found, histogram.sum()), (vec![(Some(1.0), 1), (Some(4.0), 2), (None, 3)], 8.0));
    }
}

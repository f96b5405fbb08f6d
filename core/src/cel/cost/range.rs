//! Ranges of costs and of sizes, which do not overflow: what is too large is the largest number.
//! cel-go: checker/cost.go

/// At least and at most so much.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CostRange {
    pub min: u64,
    pub max: u64,
}

impl CostRange {
    /// What nothing is known about.
    pub(super) const UNKNOWN: Self = Self { min: 0, max: u64::MAX };

    pub(super) const fn fixed(number: u64) -> Self {
        Self { min: number, max: number }
    }

    pub(super) fn add(self, other: Self) -> Self {
        Self { min: self.min.saturating_add(other.min), max: self.max.saturating_add(other.max) }
    }

    pub(super) fn multiply(self, other: Self) -> Self {
        Self { min: self.min.saturating_mul(other.min), max: self.max.saturating_mul(other.max) }
    }

    /// Each end times a factor, rounded up.
    pub(super) fn times(self, factor: f64) -> Self {
        Self { min: times(self.min, factor), max: times(self.max, factor) }
    }

    /// The smallest range with both.
    pub(super) fn union(self, other: Self) -> Self {
        Self { min: self.min.min(other.min), max: self.max.max(other.max) }
    }
}

/// A number times a factor, rounded up.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast to a whole number stops at its bounds"
)]
pub(super) fn times(number: u64, factor: f64) -> u64 {
    ceil(number as f64 * factor)
}

/// The least whole number that is not below.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast to a whole number stops at its bounds"
)]
pub(super) fn ceil(number: f64) -> u64 {
    let whole = number as u64;
    if (whole as f64) < number { whole.saturating_add(1) } else { whole }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_rounded_up() {
        let cases = [(0, 0), (1, 1), (10, 1), (11, 2), (30, 3), (u64::MAX, 1_844_674_407_370_955_264)];
        for (number, tenth) in cases {
            assert_eq!(times(number, 0.1), tenth, "{number}");
        }
        assert_eq!(times(u64::MAX, 2.0), u64::MAX);
        assert_eq!(CostRange::UNKNOWN.add(CostRange::fixed(3)), CostRange { min: 3, max: u64::MAX });
    }
}

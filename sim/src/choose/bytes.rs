//! Choices from the bytes of a coverage-guided fuzzer.

use super::{ChoiceSource, Point, Ratio};

/// Takes each choice from the next bytes, or 0 when they are used up. It takes as few bytes as the bound needs, so
/// that a small change by the fuzzer is a small change of the run.
#[derive(Clone, Debug)]
pub struct ByteSource {
    bytes: Vec<u8>,
    taken: usize,
}

impl ByteSource {
    pub fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, taken: 0 }
    }

    fn next(&mut self) -> u64 {
        let byte = self.bytes.get(self.taken).copied().unwrap_or(0);
        self.taken += 1;
        u64::from(byte)
    }
}

impl ChoiceSource for ByteSource {
    fn pick(&mut self, _: Point, bound: u64) -> u64 {
        let mut value = 0_u64;
        let mut reach = 1_u64;
        while reach < bound {
            value = value << 8 | self.next();
            reach = reach.saturating_mul(256);
        }
        value % bound
    }

    /// High bytes mean true, so that 0 means false.
    fn flip(&mut self, _: Point, ratio: Ratio) -> bool {
        if ratio.numerator == 0 {
            return false;
        }
        let misses = u64::from(ratio.denominator - ratio.numerator) * 256 / u64::from(ratio.denominator);
        self.next() >= misses.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choose::{Chooser, Label};

    #[test]
    fn bytes_are_used_as_needed_and_then_choices_are_zero() {
        let mut chooser = Chooser::new(ByteSource::new(vec![5, 1, 0, 255, 0]));
        let stream = Label::Client.of(0);
        assert_eq!(chooser.pick(stream, 4), 1);
        assert_eq!(chooser.pick(stream, 1000), 256);
        assert!(chooser.chance(stream, Ratio::new(1, 100)));
        assert!(!chooser.chance(stream, Ratio::new(1, 1)), "a zero is never a fault");
        assert_eq!(chooser.pick(stream, u64::MAX), 0);
        assert!(!chooser.chance(stream, Ratio::NEVER));
    }
}

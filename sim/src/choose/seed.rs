//! Choices drawn from a seed.

use super::{Point, Ratio, Source};

/// Draws by seed, stream and number: nothing is remembered between draws.
#[derive(Clone, Copy, Debug)]
pub struct SeedSource {
    seed: u64,
}

impl SeedSource {
    pub const fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// FNV-1a over the point, mixed as SplitMix64 mixes. Pinned by a test: a seed means the same for ever.
    fn draw(self, point: Point) -> u64 {
        let name = point.stream.label.name().bytes();
        let bytes = name.chain(point.stream.key.to_le_bytes()).chain(point.number.to_le_bytes());
        let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        mix(hash ^ mix(self.seed))
    }
}

const fn mix(value: u64) -> u64 {
    let mut mixed = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

impl Source for SeedSource {
    fn pick(&mut self, point: Point, bound: u64) -> u64 {
        self.draw(point) % bound
    }

    fn flip(&mut self, point: Point, ratio: Ratio) -> bool {
        ratio.numerator > 0 && self.draw(point) % u64::from(ratio.denominator) < u64::from(ratio.numerator)
    }
}

#[cfg(test)]
mod tests {
    use crate::choose::{Chooser, Label};

    #[test]
    fn the_generator_is_pinned() {
        let draws = |seed: u64, label: Label, key: u64| -> Vec<u64> {
            let mut chooser = Chooser::from_seed(seed);
            (0..4).map(|_| chooser.pick(label.of(key), 1000)).collect()
        };
        assert_eq!(draws(7, Label::Client, 0), [762, 329, 132, 753]);
        assert_eq!(draws(7, Label::Client, 1), [440, 757, 239, 672]);
        assert_eq!(draws(8, Label::Link, 1 << 40), [736, 972, 360, 531]);
    }
}

//! Choices drawn from a seed.

use super::{ChoiceSource, Label, Point, Ratio};

/// Draws from seed, stream and number only; no state is kept between draws.
#[derive(Clone, Copy, Debug)]
pub struct SeedSource {
    /// The seed, mixed.
    seed: u64,
}

/// FNV-1a's initial value, its prime, and the prime's powers up to the eighth.
const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;
const POWERS: [u64; 9] = {
    let mut powers = [1; 9];
    let mut power = 1;
    while power < 9 {
        powers[power] = PRIME.wrapping_mul(powers[power - 1]);
        power += 1;
    }
    powers
};
/// The hash of each label's name.
const NAMES: [u64; Label::ALL.len()] = {
    let mut names = [BASIS; Label::ALL.len()];
    let mut label = 0;
    while label < names.len() {
        let name = Label::ALL[label].name().as_bytes();
        let mut at = 0;
        while at < name.len() {
            names[label] = (names[label] ^ name[at] as u64).wrapping_mul(PRIME);
            at += 1;
        }
        label += 1;
    }
    names
};

impl SeedSource {
    pub const fn new(seed: u64) -> Self {
        Self { seed: mix(seed) }
    }

    /// FNV-1a over the point, finished as in SplitMix64. A test fixes its results, because a seed must always mean
    /// the same run.
    fn draw(self, point: Point) -> u64 {
        let name = NAMES[point.stream.label as usize];
        let key = add(name, point.stream.key, 8);
        mix(add(key, u64::from(point.number), 4) ^ self.seed)
    }
}

/// Adds the lowest bytes of a number to a hash, the lowest first. A byte of 0 only multiplies the hash, so the
/// multiplications for trailing zeros are done at once.
const fn add(mut hash: u64, mut number: u64, bytes: usize) -> u64 {
    let mut left = bytes;
    while number != 0 {
        hash = (hash ^ number & 0xff).wrapping_mul(PRIME);
        number >>= 8;
        left -= 1;
    }
    hash.wrapping_mul(POWERS[left])
}

const fn mix(value: u64) -> u64 {
    let mut mixed = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

impl ChoiceSource for SeedSource {
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

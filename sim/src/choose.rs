//! The one door for every choice of a run: labelled, keyed by stream, recorded.
//!
//! A draw depends on the seed, the stream's name and how many draws the stream has made, so that one
//! draw more in one stream changes none in another. That is what makes shrinking work: a tape with a
//! choice taken out still means the same everywhere else.

use std::collections::BTreeMap;

/// A probability as a ratio of integers: no floats, so that every machine draws the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ratio {
    pub numerator: u32,
    pub denominator: u32,
}

impl Ratio {
    pub const NEVER: Self = Self { numerator: 0, denominator: 1 };

    pub const fn new(numerator: u32, denominator: u32) -> Self {
        assert!(denominator > 0 && numerator <= denominator, "a ratio lies between 0 and 1");
        Self { numerator, denominator }
    }
}

/// A recorded choice: of how many, and which. Choice 0 is the plainest of each (no fault, no delay).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    pub bound: u64,
    pub picked: u64,
}

/// Every choice of a run that was not the plainest, by stream and number. Absent ones are 0.
pub type Tape = BTreeMap<(String, u64), Choice>;

/// Where choices come from.
#[derive(Clone, Debug)]
enum Source {
    /// Drawn from a seed.
    Seed(u64),
    /// Taken from a tape; what it does not hold is the plainest choice.
    Tape(Tape),
}

/// Makes choices and keeps them.
#[derive(Clone, Debug)]
pub struct Chooser {
    source: Source,
    /// Draws made, by stream.
    counts: BTreeMap<String, u64>,
    /// What was chosen, plainest choices left out.
    made: Tape,
    /// No fault is chosen any more: the run is to come to rest.
    calm: bool,
}

impl Chooser {
    pub fn from_seed(seed: u64) -> Self {
        Self::new(Source::Seed(seed))
    }

    pub fn from_tape(tape: Tape) -> Self {
        Self::new(Source::Tape(tape))
    }

    fn new(source: Source) -> Self {
        Self { source, counts: BTreeMap::new(), made: Tape::new(), calm: false }
    }

    /// A number below `bound` (at least 1). Choice 0 is the plainest.
    pub fn pick(&mut self, stream: &str, bound: u64) -> u64 {
        assert!(bound > 0, "there must be something to choose");
        let count = match self.counts.get_mut(stream) {
            Some(count) => count,
            None => self.counts.entry(stream.to_owned()).or_default(),
        };
        let number = *count;
        *count += 1;
        let picked = match &self.source {
            Source::Seed(seed) => draw(*seed, stream, number) % bound,
            Source::Tape(tape) => {
                tape.get(&(stream.to_owned(), number)).map_or(0, |choice| choice.picked % bound)
            }
        };
        if picked != 0 {
            self.made.insert((stream.to_owned(), number), Choice { bound, picked });
        }
        picked
    }

    /// True with a probability; false is the plain choice.
    pub fn chance(&mut self, stream: &str, ratio: Ratio) -> bool {
        let picked = self.pick(stream, u64::from(ratio.denominator));
        // The highest numbers are the hits, so that 0 is a miss.
        picked + u64::from(ratio.numerator) >= u64::from(ratio.denominator) && ratio.numerator > 0
    }

    /// As `chance`, of something harmful: never when the run is to come to rest.
    pub fn fault(&mut self, stream: &str, ratio: Ratio) -> bool {
        !self.calm && self.chance(stream, ratio)
    }

    /// A number from `least` to `most`; `least` is the plain choice.
    pub fn between(&mut self, stream: &str, least: u64, most: u64) -> u64 {
        assert!(least <= most, "a range must not be empty");
        least + self.pick(stream, most - least + 1)
    }

    /// From here on no fault is chosen.
    pub fn calm(&mut self) {
        self.calm = true;
    }

    /// What was chosen so far, plainest choices left out.
    pub fn tape(&self) -> &Tape {
        &self.made
    }
}

/// A draw by seed, stream and number: FNV over the key, mixed as SplitMix64 mixes. Pinned by a test.
fn draw(seed: u64, stream: &str, number: u64) -> u64 {
    let hash = stream.bytes().fold(0xcbf2_9ce4_8422_2325_u64 ^ seed, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mut mixed = hash ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ seed.rotate_left(32);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_pinned_and_streams_do_not_touch_each_other() {
        let mut one = Chooser::from_seed(7);
        let mut two = Chooser::from_seed(7);
        two.pick("other", 100);
        let draws: Vec<u64> = (0..4).map(|_| one.pick("stream", 1000)).collect();
        assert_eq!(draws, (0..4).map(|_| two.pick("stream", 1000)).collect::<Vec<_>>());
        assert_eq!(draws, [636, 357, 931, 756]);
    }

    #[test]
    fn a_tape_repeats_a_run_and_an_empty_one_is_the_plainest() {
        let mut seeded = Chooser::from_seed(3);
        let first: Vec<u64> = (0..20).map(|_| seeded.pick("a", 5)).collect();
        let mut again = Chooser::from_tape(seeded.tape().clone());
        assert_eq!(first, (0..20).map(|_| again.pick("a", 5)).collect::<Vec<_>>());
        let mut plain = Chooser::from_tape(Tape::new());
        assert!((0..20).all(|_| plain.pick("a", 5) == 0));
        assert!(!plain.chance("b", Ratio::new(1, 2)));
    }
}

//! The chooser, through which every choice of a run is made: labelled, keyed by stream, recorded.
//!
//! A choice is named by its stream (a label and a key, such as the link of one request) and its number in that
//! stream. Sources decide by that name only, so an additional choice in one stream changes none in another. This
//! makes shrinking work: without one of its choices, a tape still means the same everywhere else.
//!
//! Choice 0 is always the plainest: no fault, no delay, no client, no action. A run in which every choice is 0 is one
//! server without clients.

mod bytes;
mod counts;
mod exhaust;
mod label;
mod seed;
mod tape;
mod turn;

pub use bytes::ByteSource;
pub use exhaust::{Exhaust, Space};
pub use label::{ChoiceStream, Label};
pub use seed::SeedSource;
pub use tape::{Tape, TapeError, TapeSource};

use counts::Counts;
use std::fmt;

/// A probability as a ratio of integers: no floats, so that every machine draws the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ratio {
    pub numerator: u32,
    pub denominator: u32,
}

impl Ratio {
    pub const NEVER: Self = Self { numerator: 0, denominator: 1 };

    /// # Panics
    /// When the ratio does not lie between 0 and 1.
    pub const fn new(numerator: u32, denominator: u32) -> Self {
        assert!(denominator > 0 && numerator <= denominator, "a ratio lies between 0 and 1");
        Self { numerator, denominator }
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.numerator, self.denominator)
    }
}

/// The name of a choice: its stream, and its number in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Point {
    pub stream: ChoiceStream,
    pub number: u32,
}

/// A source of choices. It is implemented by a seed, a tape (replay and shrinking), the enumeration of a small space,
/// and the bytes of a fuzzer.
pub trait ChoiceSource: fmt::Debug + Send {
    /// A number below `bound`, which is at least 2.
    fn pick(&mut self, point: Point, bound: u64) -> u64;

    /// Whether something with a probability happens. A tape answers without the ratio, so the answer stays the same
    /// when the choice of the ratio is removed from it.
    fn flip(&mut self, point: Point, ratio: Ratio) -> bool;
}

/// Makes choices, and records those that are not 0.
#[derive(Debug)]
pub struct Chooser {
    source: Box<dyn ChoiceSource>,
    /// Choices made so far, by stream.
    counts: Counts,
    made: Vec<(Point, u64)>,
    /// Faults have ended: none is chosen any more, so that the run can come to rest.
    calm: bool,
}

impl Chooser {
    pub fn new(source: impl ChoiceSource + 'static) -> Self {
        Self { source: Box::new(source), counts: Counts::default(), made: Vec::new(), calm: false }
    }

    pub fn from_seed(seed: u64) -> Self {
        Self::new(SeedSource::new(seed))
    }

    pub fn from_tape(tape: &Tape) -> Self {
        Self::new(TapeSource::new(tape))
    }

    /// A number below `bound` (at least 1). 0 is the plainest.
    pub fn pick(&mut self, stream: ChoiceStream, bound: u64) -> u64 {
        assert!(bound > 0, "there must be something to choose");
        let point = self.point(stream);
        let picked = if bound == 1 { 0 } else { self.source.pick(point, bound) };
        debug_assert!(picked < bound, "a source keeps to the bound");
        self.note(point, picked)
    }

    /// True with a probability; false is the plain choice.
    pub fn chance(&mut self, stream: ChoiceStream, ratio: Ratio) -> bool {
        let point = self.point(stream);
        let hit = self.source.flip(point, ratio);
        self.note(point, u64::from(hit)) == 1
    }

    /// Like `chance`, for faults: always false once faults have ended.
    pub fn fault(&mut self, stream: ChoiceStream, ratio: Ratio) -> bool {
        !self.calm && self.chance(stream, ratio)
    }

    /// A number from `least` to `most`; `least` is the plain choice.
    pub fn between(&mut self, stream: ChoiceStream, least: u64, most: u64) -> u64 {
        assert!(least <= most, "a range must not be empty");
        least + self.pick(stream, most - least + 1)
    }

    /// One of several values; the first is the plain choice.
    pub fn one_of<T: Copy>(&mut self, stream: ChoiceStream, of: &[T]) -> T {
        of[self.pick(stream, of.len() as u64) as usize]
    }

    /// Ends faults: from here on none is chosen.
    pub fn calm(&mut self) {
        self.calm = true;
    }

    /// Whether faults are over.
    pub fn is_calm(&self) -> bool {
        self.calm
    }

    /// The choices so far, without those that were 0.
    pub fn tape(&self) -> Tape {
        Tape::new(self.made.iter().copied())
    }

    fn point(&mut self, stream: ChoiceStream) -> Point {
        Point { stream, number: self.counts.next(stream) }
    }

    fn note(&mut self, point: Point, picked: u64) -> u64 {
        if picked != 0 {
            self.made.push((point, picked));
        }
        picked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_do_not_touch_each_other() {
        let mut one = Chooser::from_seed(7);
        let mut two = Chooser::from_seed(7);
        two.pick(Label::Step.of(1), 100);
        let stream = Label::Client.of(3);
        let draws: Vec<u64> = (0..4).map(|_| one.pick(stream, 1000)).collect();
        assert_eq!(draws, (0..4).map(|_| two.pick(stream, 1000)).collect::<Vec<_>>());
    }

    #[test]
    fn a_tape_repeats_a_run_and_an_empty_one_is_the_plainest() {
        let stream = Label::Client.of(0);
        let mut seeded = Chooser::from_seed(3);
        let play = |chooser: &mut Chooser| -> Vec<(u64, bool)> {
            (0..20).map(|_| (chooser.pick(stream, 5), chooser.fault(stream, Ratio::new(1, 3)))).collect()
        };
        let first = play(&mut seeded);
        let tape: Tape = seeded.tape().to_string().parse().expect("a tape can be read back");
        assert_eq!(tape, seeded.tape());
        assert_eq!(first, play(&mut Chooser::from_tape(&tape)));
        assert!(play(&mut Chooser::from_tape(&Tape::default())).iter().all(|made| *made == (0, false)));
    }

    #[test]
    fn no_fault_is_chosen_in_the_calm() {
        let mut chooser = Chooser::from_seed(3);
        chooser.calm();
        assert!((0..100).all(|_| !chooser.fault(Label::Link.of(0), Ratio::new(1, 1))));
    }
}

//! Enumerates all runs that differ from a given one in a few choices.
//!
//! A run is played from a tape and notes the choices that it was offered. Each choice after the last one that the
//! tape already changes is then changed in every way, and so on up to the given depth. Each combination is played
//! once.

use super::{ChoiceSource, Point, Ratio, Tape};
use std::sync::{Arc, Mutex};

/// The bounds of a space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// The most choices that may differ from the first run.
    pub deviations: u32,
    /// How many alternatives of one choice are tried: 1 to this.
    pub width: u64,
}

/// Walks through the space, depth first.
#[derive(Debug)]
pub struct Exhaust {
    space: Space,
    /// Tapes to be played, and how many more choices each may change. The last one is played next.
    waiting: Vec<(Tape, u32, Option<Point>)>,
    /// The choices that the current run was offered.
    offered: Arc<Mutex<Vec<(Point, u64)>>>,
    /// The tape that is being played.
    playing: Option<(Tape, u32, Option<Point>)>,
}

/// The source of choices of one of the runs.
#[derive(Debug)]
struct Offering {
    tape: Tape,
    offered: Arc<Mutex<Vec<(Point, u64)>>>,
}

impl Exhaust {
    pub fn new(first: Tape, space: Space) -> Self {
        Self { space, waiting: vec![(first, space.deviations, None)], offered: Arc::default(), playing: None }
    }

    /// The source of choices and the tape of the next run; None when every run has been played. The previous run must
    /// have ended.
    pub fn next_run(&mut self) -> Option<(impl ChoiceSource + 'static, Tape)> {
        if let Some((tape, left, last)) = self.playing.take() {
            self.branch(&tape, left, last);
        }
        let next = self.waiting.pop()?;
        let tape = next.0.clone();
        self.playing = Some(next);
        Some((Offering { tape: tape.clone(), offered: Arc::clone(&self.offered) }, tape))
    }

    /// Adds the runs that differ from this one in one more choice.
    fn branch(&mut self, tape: &Tape, left: u32, last: Option<Point>) {
        let offered = std::mem::take(&mut *lock(&self.offered));
        let Some(left) = left.checked_sub(1) else { return };
        let from = last.and_then(|last| offered.iter().position(|(point, _)| *point == last));
        let from = from.map_or(0, |index| index + 1);
        for (point, bound) in offered[from..].iter().rev() {
            let ways =
                (0..*bound).filter(|picked| *picked != tape.at(*point)).take(self.space.width as usize);
            for picked in ways {
                self.waiting.push((tape.with(*point, picked), left, Some(*point)));
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Offering {
    fn offer(&mut self, point: Point, bound: u64) -> u64 {
        lock(&self.offered).push((point, bound));
        self.tape.at(point) % bound
    }
}

impl ChoiceSource for Offering {
    fn pick(&mut self, point: Point, bound: u64) -> u64 {
        self.offer(point, bound)
    }

    fn flip(&mut self, point: Point, _: Ratio) -> bool {
        self.offer(point, 2) == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choose::{Chooser, Label};
    use std::collections::BTreeSet;

    /// Makes three choices. The third is offered only when the first is not 0.
    fn play(chooser: &mut Chooser) -> (u64, u64, Option<u64>) {
        let stream = Label::Client.of(0);
        let (first, second) = (chooser.pick(stream, 3), chooser.pick(stream, 2));
        (first, second, (first > 0).then(|| chooser.pick(stream, 2)))
    }

    fn explored(space: Space) -> (usize, BTreeSet<(u64, u64, Option<u64>)>) {
        let mut exhaust = Exhaust::new(Tape::default(), space);
        let (mut count, mut seen) = (0, BTreeSet::new());
        while let Some((source, _)) = exhaust.next_run() {
            count += 1;
            seen.insert(play(&mut Chooser::new(source)));
        }
        (count, seen)
    }

    #[test]
    fn every_combination_is_played_once() {
        let (count, seen) = explored(Space { deviations: 3, width: 10 });
        assert_eq!((count, seen.len()), (2 + 2 * 2 * 2, 2 + 2 * 2 * 2));
        let (count, seen) = explored(Space { deviations: 1, width: 10 });
        assert_eq!((count, seen.len()), (1 + 2 + 1, 4));
        let (count, _) = explored(Space { deviations: 1, width: 1 });
        assert_eq!(count, 3);
    }
}

//! Makes a tape shorter: choices are taken out, many at once, then one by one, then made smaller, as long as the run
//! still does what it is kept for.

use crate::check::Guarantee;
use crate::choose::{Chooser, Point, Tape};
use crate::run::{Outcome, Plan, run};

/// A tape that could not be made shorter, or not within its runs.
#[derive(Clone, Debug)]
pub struct Shrunk {
    pub tape: Tape,
    /// Runs that it took.
    pub runs: u64,
}

/// Shrinks a tape as long as the same guarantee does not hold. `accepted` hears of each shorter tape: the choices left,
/// and the runs so far.
pub fn shrink(
    tape: &Tape,
    plan: &Plan,
    guarantee: Guarantee,
    runs_max: u64,
    accepted: impl FnMut(usize, u64),
) -> Shrunk {
    let same = |outcome: &Outcome| {
        outcome.violation.as_ref().is_some_and(|(_, violation)| violation.guarantee == guarantee)
    };
    shrink_while(tape, plan, runs_max, same, accepted)
}

/// Shrinks a tape as long as its run has a property.
pub fn shrink_while(
    tape: &Tape,
    plan: &Plan,
    runs_max: u64,
    holds: impl Fn(&Outcome) -> bool,
    accepted: impl FnMut(usize, u64),
) -> Shrunk {
    let mut plan = *plan;
    plan.trace = false;
    let play = |candidate: &Tape| {
        let outcome = run(Chooser::from_tape(candidate), &plan);
        holds(&outcome).then_some(outcome.tape)
    };
    shrink_by(tape, runs_max, play, accepted)
}

/// Shrinks a tape of a run that is played elsewhere: `play` gives what the run of a tape really chose, if it still does
/// what it is kept for.
pub fn shrink_by(
    tape: &Tape,
    runs_max: u64,
    play: impl FnMut(&Tape) -> Option<Tape>,
    accepted: impl FnMut(usize, u64),
) -> Shrunk {
    let mut shrinker = Shrinker { tape: tape.clone(), runs: 0, runs_max, play, accepted };
    loop {
        let before = shrinker.tape.clone();
        shrinker.take_out();
        shrinker.make_smaller();
        if shrinker.tape == before || shrinker.is_spent() {
            return Shrunk { tape: shrinker.tape, runs: shrinker.runs };
        }
    }
}

struct Shrinker<P, A> {
    tape: Tape,
    runs: u64,
    runs_max: u64,
    play: P,
    accepted: A,
}

impl<P: FnMut(&Tape) -> Option<Tape>, A: FnMut(usize, u64)> Shrinker<P, A> {
    fn is_spent(&self) -> bool {
        self.runs >= self.runs_max
    }

    /// Plays a candidate. When it still holds, what it really chose is the new tape, if that is no longer: choices
    /// that were not come by are gone with it.
    fn try_tape(&mut self, candidate: &Tape) -> bool {
        if self.is_spent() {
            return false;
        }
        self.runs += 1;
        let Some(made) = (self.play)(candidate) else { return false };
        self.tape = if made.len() <= candidate.len() { made } else { candidate.clone() };
        (self.accepted)(self.tape.len(), self.runs);
        true
    }

    /// Takes out halves, quarters, and so on down to single choices, from the end to the beginning: what comes late
    /// depends on what came before.
    fn take_out(&mut self) {
        let mut size = self.tape.len().div_ceil(2).max(1);
        loop {
            let mut taken = false;
            let mut end = self.tape.len();
            while end > 0 && !self.is_spent() {
                let start = end.saturating_sub(size);
                let choices: Vec<(Point, u64)> = self.tape.iter().collect();
                let left = choices[..start].iter().chain(&choices[end..]).copied();
                if self.try_tape(&Tape::new(left)) {
                    taken = true;
                    end = start.min(self.tape.len());
                } else {
                    end = start;
                }
            }
            if self.is_spent() || (size == 1 && !taken) {
                return;
            }
            if size > 1 {
                size = size.div_ceil(2);
            }
        }
    }

    /// Makes each choice the smallest that does, as by halves.
    fn make_smaller(&mut self) {
        let points: Vec<(Point, u64)> = self.tape.iter().collect();
        for (point, _) in points {
            let mut least = 1;
            while least < self.tape.at(point) && !self.is_spent() {
                let held = self.tape.at(point);
                let middle = least + (held - least) / 2;
                if !self.try_tape(&self.tape.with(point, middle)) {
                    least = middle + 1;
                }
            }
        }
    }
}

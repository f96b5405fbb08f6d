//! Shortens a tape: choices are removed, many at once, then one by one and in pairs, then made smaller, as long as
//! the run still has the property that it is kept for.

use crate::check::Guarantee;
use crate::choose::{ChoiceStream, Chooser, Label, Point, Tape};
use crate::run::{Outcome, Plan, run_until};
use std::collections::BTreeSet;

/// Tapes of at most this length are tried without any two of their choices, since a client and what it does can only
/// be removed together.
const PAIRS_OF: usize = 32;
/// By how many turns what a client does later is moved when a turn is taken out: a turn in which it does nothing takes
/// a second, another up to four.
const MOVES: [i64; 6] = [0, 1, -1, 2, 3, 4];
/// A candidate is played for this many virtual milliseconds longer than its original needed to fail.
const LONGER_MILLIS: u64 = 5_000;

/// A tape that could not be shortened further, or not within the allowed runs.
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
    let mut millis_max = None;
    let play = |candidate: &Tape| {
        let outcome = run_until(Chooser::from_tape(candidate), &plan, millis_max);
        if !holds(&outcome) {
            return None;
        }
        if let Some((millis, _)) = outcome.violation {
            millis_max = Some(millis + LONGER_MILLIS);
        }
        Some(outcome.tape)
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
    // What it did not come by is gone at once, and it is known how long it takes.
    shrinker.try_tape(&shrinker.tape.clone());
    loop {
        let before = shrinker.tape.clone();
        shrinker.take_out_kinds();
        shrinker.take_out();
        shrinker.make_smaller();
        shrinker.take_out_turns();
        shrinker.take_out_pairs();
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

/// What is taken out together: all choices of a label, all of a client, a server or a class of faults, and all of one
/// stream.
const KINDS: [fn(ChoiceStream) -> (Label, u64); 4] = [
    |stream| (stream.label, 0),
    |stream| (stream.label, stream.key >> 48),
    |stream| (stream.label, stream.key >> 32),
    |stream| (stream.label, stream.key),
];

impl<P: FnMut(&Tape) -> Option<Tape>, A: FnMut(usize, u64)> Shrinker<P, A> {
    fn is_spent(&self) -> bool {
        self.runs >= self.runs_max
    }

    /// Plays a candidate. If it still has the property, the choices that were really made become the new tape, unless
    /// that is longer.
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

    fn without(&self, out: impl Fn(Point) -> bool) -> Tape {
        Tape::new(self.tape.iter().filter(|(point, _)| !out(*point)))
    }

    /// Takes out what belongs together, from much to little.
    fn take_out_kinds(&mut self) {
        for kind in KINDS {
            let kinds: BTreeSet<(Label, u64)> =
                self.tape.iter().map(|(point, _)| kind(point.stream)).collect();
            for one in kinds.into_iter().rev() {
                self.try_fewer(&self.without(|point| kind(point.stream) == one));
            }
        }
    }

    /// Takes out what a client does at a turn, or how long it waits after it. What the client does later stays about
    /// where it was in time.
    fn take_out_turns(&mut self) {
        let turns: BTreeSet<(u64, u64)> =
            self.tape.iter().filter_map(|(point, _)| point.stream.turn()).collect();
        for (client, turn) in turns.into_iter().rev() {
            let whole = |point: Point| point.stream.turn() == Some((client, turn));
            let tail = |point: Point| point.stream == ChoiceStream::of_turn(client, turn) && point.number > 0;
            let taken = MOVES.iter().any(|by| self.try_fewer(&self.moved(whole, client, turn, *by)));
            let _ = taken || MOVES.iter().any(|by| self.try_fewer(&self.moved(tail, client, turn, *by)));
        }
    }

    /// The tape without some choices, and with a client's later turns moved.
    fn moved(&self, out: impl Fn(Point) -> bool, client: u64, after: u64, by: i64) -> Tape {
        Tape::new(self.without(out).iter().map(|(point, picked)| match point.stream.turn() {
            Some((of, turn)) if of == client && turn > after => {
                let turn = turn.saturating_add_signed(by);
                (Point { stream: point.stream.at_turn(turn), ..point }, picked)
            }
            Some(_) | None => (point, picked),
        }))
    }

    /// Tries a candidate if it has fewer choices.
    fn try_fewer(&mut self, candidate: &Tape) -> bool {
        candidate.len() < self.tape.len() && self.try_tape(candidate)
    }

    /// Removes pairs of choices that only make sense together.
    fn take_out_pairs(&mut self) {
        let mut first = self.tape.len();
        while first > 1 && !self.is_spent() {
            first = (first - 1).min(self.tape.len().saturating_sub(1));
            if self.tape.len() > PAIRS_OF {
                return;
            }
            let points: Vec<Point> = self.tape.iter().map(|(point, _)| point).collect();
            for second in (0..first).rev() {
                if self.try_tape(&self.without(|point| point == points[first] || point == points[second])) {
                    break;
                }
            }
        }
    }

    /// Removes halves, quarters, and so on down to single choices, from the end to the beginning, since later choices
    /// depend on earlier ones.
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

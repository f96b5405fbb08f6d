//! Fewer choices to the same end. A stand-in with the names of the real one: takes out one choice at a time.

use crate::check::Guarantee;
use crate::choose::{Chooser, Tape};
use crate::run::{Outcome, Plan, run};

/// A tape from which no choice could be taken out, and how many runs that took.
#[derive(Debug)]
pub struct Shrunk {
    pub tape: Tape,
    pub runs: u64,
}

/// Shrinks towards the violation of a guarantee.
pub fn shrink(
    tape: &Tape,
    plan: &Plan,
    guarantee: Guarantee,
    runs_max: u64,
    accepted: impl FnMut(usize, u64),
) -> Shrunk {
    let violates = |outcome: &Outcome| {
        outcome.violation.as_ref().is_some_and(|(_, violation)| violation.guarantee == guarantee)
    };
    shrink_while(tape, plan, runs_max, violates, accepted)
}

/// Shrinks while something holds of the outcome. `accepted` is told how many choices are left, and the runs.
pub fn shrink_while(
    tape: &Tape,
    plan: &Plan,
    runs_max: u64,
    holds: impl Fn(&Outcome) -> bool,
    mut accepted: impl FnMut(usize, u64),
) -> Shrunk {
    let (mut left, mut runs) = (tape.clone(), 0);
    for (point, _) in tape.iter() {
        let fewer = left.with(point, 0);
        if runs < runs_max {
            runs += 1;
            if holds(&run(Chooser::from_tape(&fewer), plan)) {
                left = fewer;
                accepted(left.len(), runs);
            }
        }
    }
    Shrunk { tape: left, runs }
}

//! One run in this process: panics become violations that name their place, and their choices are kept.

use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex, Once, PoisonError};

use steersman_core::machine::text::Digest;
use steersman_sim::check::{Guarantee, Violation};
use steersman_sim::choose::{ChoiceSource, Chooser, Point, Ratio, SeedSource, Tape, TapeSource};
use steersman_sim::marks::Marks;
use steersman_sim::run::{Outcome, Plan, run};
use steersman_sim::shrink::{Shrunk, shrink};
use steersman_sim::trace::{Lane, Trace, What};

/// Where the choices of a run come from.
#[derive(Clone, Debug)]
pub(super) enum Start {
    Seed(u64),
    Tape(Tape),
}

impl Start {
    fn chooser(&self) -> Chooser {
        match self {
            Self::Seed(seed) => Chooser::from_seed(*seed),
            Self::Tape(tape) => Chooser::from_tape(tape),
        }
    }

    fn noting(&self) -> Noting {
        let source: Box<dyn ChoiceSource> = match self {
            Self::Seed(seed) => Box::new(SeedSource::new(*seed)),
            Self::Tape(tape) => Box::new(TapeSource::new(tape)),
        };
        Noting { source, made: Arc::default() }
    }
}

/// Keeps what a source has chosen outside of the run, so that it is not lost in a panic.
#[derive(Debug)]
struct Noting {
    source: Box<dyn ChoiceSource>,
    made: Arc<Mutex<Vec<(Point, u64)>>>,
}

impl Noting {
    fn note(&self, point: Point, picked: u64) {
        if picked != 0 {
            self.made.lock().unwrap_or_else(PoisonError::into_inner).push((point, picked));
        }
    }
}

impl ChoiceSource for Noting {
    fn pick(&mut self, point: Point, bound: u64) -> u64 {
        let picked = self.source.pick(point, bound);
        self.note(point, picked);
        picked
    }

    fn flip(&mut self, point: Point, ratio: Ratio) -> bool {
        let hit = self.source.flip(point, ratio);
        self.note(point, u64::from(hit));
        hit
    }
}

/// Plays a run. One that panics where the run itself does not catch it is played once more, to learn its choices.
pub(super) fn play(start: &Start, plan: &Plan) -> Outcome {
    placed(|| run(start.chooser(), plan)).unwrap_or_else(|_| {
        let source = start.noting();
        let made = Arc::clone(&source.made);
        let again = placed(|| run(Chooser::new(source), plan));
        let made = made.lock().unwrap_or_else(PoisonError::into_inner).clone();
        again.unwrap_or_else(|panic| fallen(panic, Tape::new(made)))
    })
}

/// Plays the choices of a source that are also known as a tape.
pub(super) fn play_source(source: impl ChoiceSource + 'static, tape: &Tape, plan: &Plan) -> Outcome {
    placed(|| run(Chooser::new(source), plan)).unwrap_or_else(|panic| fallen(panic, tape.clone()))
}

/// Plays a run, and adds the place of the panic to a violation by a panic.
fn placed(of: impl FnOnce() -> Outcome) -> Result<Outcome, String> {
    let (mut outcome, panic) = caught_with(of)?;
    if let Some((_, violation)) = &mut outcome.violation
        && violation.guarantee == Guarantee::NothingPanics
        && !panic.is_empty()
    {
        violation.detail = panic;
    }
    Ok(outcome)
}

/// The outcome of a run that panicked.
fn fallen(panic: String, tape: Tape) -> Outcome {
    let mut trace = Trace::kept();
    let now = steersman_core::now::Mono(0);
    trace.note(now, Lane::Run, What::Violation, None, || panic.clone());
    Outcome {
        swarm: "not known: the run panicked".to_owned(),
        names: Vec::new(),
        steps: 0,
        requests: 0,
        millis: 0,
        digest: Digest::default(),
        marks: Marks::default(),
        violation: Some((0, Violation::new(Guarantee::NothingPanics, panic))),
        tape,
        trace,
        explained: None,
    }
}

/// Shrinks to fewer choices that break the same guarantee.
pub(super) fn fewer(
    tape: &Tape,
    plan: &Plan,
    guarantee: Guarantee,
    runs_max: u64,
    accepted: impl FnMut(usize, u64),
) -> Shrunk {
    let breaks = |tape: &Tape| {
        play(&Start::Tape(tape.clone()), plan)
            .violation
            .is_some_and(|(_, violation)| violation.guarantee == guarantee)
    };
    // A run that panics outside its own handler is shrunk here, where the panic is caught.
    let mut accepted = accepted;
    caught(|| shrink(tape, plan, guarantee, runs_max, &mut accepted))
        .unwrap_or_else(|_| without(tape, runs_max, breaks, accepted))
}

/// Takes out parts of a tape, large ones first, while something holds of what is left.
pub(super) fn without(
    tape: &Tape,
    runs_max: u64,
    holds: impl Fn(&Tape) -> bool,
    mut accepted: impl FnMut(usize, u64),
) -> Shrunk {
    let mut left: Vec<(Point, u64)> = tape.iter().collect();
    let (mut runs, mut part) = (0, left.len().div_ceil(2));
    while part > 0 {
        let (mut at, before) = (0, left.len());
        while at < left.len() && runs < runs_max {
            let end = (at + part).min(left.len());
            let rest: Vec<(Point, u64)> = left[..at].iter().chain(&left[end..]).copied().collect();
            runs += 1;
            if holds(&Tape::new(rest.iter().copied())) {
                left = rest;
                accepted(left.len(), runs);
            } else {
                at = end;
            }
        }
        // Single choices are tried until none of them can go.
        if part > 1 {
            part = part.div_ceil(2);
        } else if left.len() == before || runs >= runs_max {
            part = 0;
        }
    }
    Shrunk { tape: Tape::new(left), runs }
}

thread_local! {
    /// The panic of this thread's run; None outside of one.
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// The result, or the message and the place of a panic, which is then not printed.
pub(super) fn caught<T>(of: impl FnOnce() -> T) -> Result<T, String> {
    caught_with(of).map(|(given, _)| given)
}

/// As `caught`, beside it the last panic that was caught further in.
fn caught_with<T>(of: impl FnOnce() -> T) -> Result<(T, String), String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            let kept = PANIC.try_with(|kept| match &mut *kept.borrow_mut() {
                Some(kept) => {
                    let said = panic.payload_as_str().unwrap_or("a panic without a message");
                    let place = panic.location().map_or(String::new(), |place| format!(", at {place}"));
                    *kept = format!("panicked: {said}{place}");
                    true
                }
                None => false,
            });
            if kept != Ok(true) {
                before(panic);
            }
        }));
    });
    PANIC.set(Some(String::new()));
    let given = panic::catch_unwind(AssertUnwindSafe(of));
    let panic = PANIC.take().unwrap_or_default();
    match given {
        Ok(given) => Ok((given, panic)),
        Err(_) => Err(panic),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use steersman_sim::choose::Label;

    #[test]
    fn a_panic_is_a_violation_that_names_its_place() {
        let outcome = caught(|| panic!("revision {} goes back", 7)).unwrap_or_else(|panic| {
            assert!(panic.starts_with("panicked: revision 7 goes back, at "), "{panic}");
            assert!(panic.contains("play.rs:"), "{panic}");
            fallen(panic, Tape::default())
        });
        let (_, violation) = outcome.violation.expect("a panic is a violation");
        assert_eq!(violation.guarantee, Guarantee::NothingPanics);
        assert_eq!(caught(|| 5), Ok(5));
        let inner = placed(|| {
            let panic = panic::catch_unwind(|| panic!("deep")).map(|()| String::new());
            fallen(panic.unwrap_or_else(|_| "without a place".to_owned()), Tape::default())
        });
        let (_, violation) = inner.expect("was caught").violation.expect("a panic is a violation");
        assert!(violation.detail.starts_with("panicked: deep, at "), "{violation}");
    }

    #[test]
    fn choices_are_kept_after_a_panic() {
        let source = Start::Seed(7).noting();
        let made = Arc::clone(&source.made);
        let mut chooser = Chooser::new(source);
        let picked = chooser.pick(Label::Client.of(0), 1000);
        let tape = Tape::new(made.lock().expect("nobody panicked").clone());
        assert_eq!((picked, tape), (762, chooser.tape()));
    }

    #[test]
    fn unneeded_choices_are_removed() {
        let point = |number| Point { stream: Label::Link.of(0), number };
        let tape = Tape::new((0..100).map(|number| (point(number), 1)));
        let needed = |tape: &Tape| tape.at(point(13)) == 1 && tape.at(point(77)) == 1;
        let shrunk = without(&tape, 1000, needed, |_, _| {});
        assert_eq!(shrunk.tape.len(), 2);
        assert!(shrunk.runs < 100, "{}", shrunk.runs);
        assert_eq!(without(&tape, 0, needed, |_, _| {}).tape, tape);
    }
}

//! Runs of the simulator that every change must pass: seeds that once found a bug, and the same run twice.

use steersman_sim::choose::Chooser;
use steersman_sim::run::{Outcome, run};

/// Seeds that found a bug of our own: empty lists at the start, a start that did not end, a deletion that
/// was claimed.
const FOUND: [u64; 6] = [147, 199, 6248, 6459, 6580, 7244];

fn outcome(seed: u64) -> Outcome {
    run(Chooser::from_seed(seed)).0
}

#[test]
fn seeds_that_found_a_bug_hold() {
    for seed in FOUND {
        let outcome = outcome(seed);
        let violation = outcome.violation.map(|(millis, violation)| format!("at {millis} ms, {violation}"));
        assert_eq!(violation, None, "steersman sim {seed}");
        assert!(outcome.requests > 50, "a run has clients that ask");
    }
}

#[test]
fn a_seed_gives_the_same_run_twice_and_so_does_its_tape() {
    let (first, chooser) = run(Chooser::from_seed(199));
    assert_eq!(first.digest, outcome(199).digest);
    let (taped, _) = run(Chooser::from_tape(chooser.tape().clone()));
    assert_eq!((taped.digest, taped.steps), (first.digest, first.steps));
    assert_ne!(first.digest, outcome(200).digest);
}

//! Runs of the simulator that every change must pass: committed tapes, a few seeds, and the same run twice.
//!
//! A tape of `tests/tapes` is a run that once found a bug of our own, or that reaches a rare situation: then its
//! name begins with `mark-`. `steersman sim --tape FILE` plays one.

use std::fs;
use std::path::Path;
use steersman_sim::choose::{ByteSource, ChoiceSource, Chooser, Label, Point, SeedSource, Tape};
use steersman_sim::marks::Mark;
use steersman_sim::run::{Outcome, Plan, run};

const SEEDS: u64 = 6;

fn seeded(seed: u64) -> Outcome {
    run(Chooser::from_seed(seed), &Plan::default())
}

fn holds(outcome: &Outcome, what: &str) {
    let violation =
        outcome.violation.as_ref().map(|(millis, violation)| format!("at {millis} ms, {violation}"));
    assert_eq!(violation, None, "{what}\n{}", outcome.swarm);
}

/// Every committed tape: its name, and itself.
fn tapes() -> Vec<(String, Tape)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tapes");
    let files = fs::read_dir(folder).expect("there are tapes").flatten();
    let mut tapes: Vec<(String, Tape)> = files
        .filter(|file| file.path().extension().is_some_and(|extension| extension == "tape"))
        .map(|file| {
            let name = file.file_name().to_string_lossy().trim_end_matches(".tape").to_owned();
            let text = fs::read_to_string(file.path()).expect("a tape is text");
            let tape = text.parse().unwrap_or_else(|error| panic!("{name}: {error}"));
            (name, tape)
        })
        .collect();
    tapes.sort_by(|(one, _), (other, _)| one.cmp(other));
    tapes
}

#[test]
fn every_tape_holds_and_reaches_its_mark() {
    let tapes = tapes();
    assert!(!tapes.is_empty(), "there are tapes");
    for (name, tape) in tapes {
        let outcome = run(Chooser::from_tape(&tape), &Plan::default());
        holds(&outcome, &name);
        if let Some(mark) = name.strip_prefix("mark-") {
            let mark = Mark::from_name(mark).unwrap_or_else(|| panic!("{mark} is a mark"));
            assert!(outcome.marks.count(mark) > 0, "{name}: the mark is reached");
        }
    }
}

/// With the bug put back that a tape is named after, its run fails again.
#[cfg(feature = "museum")]
#[test]
fn a_tape_of_an_own_bug_shows_it() {
    use steersman_sim::museum::Exhibit;
    let exhibit = |name: &str| name.strip_prefix("own-").and_then(Exhibit::from_name);
    let shown = tapes().into_iter().filter_map(|(name, tape)| Some((exhibit(&name)?, tape)));
    let shown: Vec<_> = shown.collect();
    assert!(shown.len() > 10, "own bugs have tapes");
    for (exhibit, tape) in shown {
        let plan = Plan { exhibit: Some(exhibit), ..Plan::default() };
        let outcome = run(Chooser::from_tape(&tape), &plan);
        assert!(outcome.violation.is_some(), "{exhibit}");
    }
}

#[test]
fn a_few_seeds_hold() {
    for seed in 1..=SEEDS {
        let outcome = seeded(seed);
        holds(&outcome, &format!("steersman sim {seed}"));
        assert!(outcome.steps > 100, "a run does something");
    }
}

/// The source for coverage-guided fuzzers: any bytes are a run.
#[test]
fn any_bytes_are_a_run_that_holds() {
    let mut draws = SeedSource::new(7);
    for number in 0..SEEDS {
        let point = |index: u64| Point { stream: Label::Shape.of(number), number: index as u32 };
        let bytes: Vec<u8> = (0..40_000).map(|index| draws.pick(point(index), 256) as u8).collect();
        let outcome = run(Chooser::new(ByteSource::new(bytes)), &Plan::default());
        holds(&outcome, &format!("bytes {number}"));
    }
}

#[test]
fn a_seed_gives_the_same_run_twice_and_so_does_its_tape() {
    let first = seeded(3);
    let again = seeded(3);
    assert_eq!((again.digest, again.steps), (first.digest, first.steps));
    let taped = run(Chooser::from_tape(&first.tape), &Plan::default());
    assert_eq!((taped.digest, taped.steps, taped.violation), (first.digest, first.steps, first.violation));
    assert_ne!(first.digest, seeded(4).digest);
}

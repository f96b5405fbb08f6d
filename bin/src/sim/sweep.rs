//! A campaign: many seeds, their sums, and the failures among them.

use std::time::Duration;

use clap::ArgMatches;
use steersman_sim::run::Outcome;
use steersman_sim::tally::Tally;

use super::Verdict;
use super::exit::CampaignFailure;
use super::options::{jobs_of, number_of};
use super::over::{Progress, Seeds, over};
use super::plans::Plans;
use super::play::{Start, play};
use super::report::{Settings, failure, reproduce};
use crate::serve::{complain, print};

pub(super) fn main(matches: &ArgMatches) -> Verdict {
    let minutes = matches.get_one::<u64>("minutes").copied();
    let seeds = Seeds {
        first: number_of(matches, "first"),
        count: if minutes.is_some() { u64::MAX } else { number_of(matches, "seeds") },
        limit: minutes.map(|minutes| Duration::from_secs(minutes.saturating_mul(60))),
        jobs: jobs_of(matches),
        hits: usize::try_from(number_of(matches, "failures")).unwrap_or(usize::MAX),
    };
    let (twice, plans) = (matches.get_flag("twice"), Plans::of(matches));
    let mut progress = Progress::begin();
    let one = |seed| {
        let (run, found) = judged(twice, || play(&Start::Seed(seed), &plans.plan(false)));
        if found.is_some() {
            // A long campaign reports a failure at once, and its details at the end.
            complain(&format!("failed: {}", reproduce(&plans.arguments(&seed.to_string()))));
        }
        (run, found)
    };
    let (tally, mut failures) = over(seeds, one, |tally| progress.show(tally));
    let seconds = progress.seconds();
    progress.end();
    let worst = failures.iter().map(|(_, failure)| *failure).max();
    // Threads that were under way may have found more than was asked for.
    failures.truncate(seeds.hits);
    let mut settings = Settings::of(matches, !matches.get_flag("no-shrink"));
    if failures.is_empty() {
        settings.unwritten("no run failed");
    }
    for (seed, found) in failures {
        report(seed, found, &settings, plans)?;
        // The page is that of the first failure.
        settings.html = None;
    }
    print(&summary(&tally, seconds, seeds.jobs));
    let missed = marks(&tally, matches.get_flag("marks"), matches.get_flag("require-marks"));
    Ok(worst.max(missed))
}

/// Plays a run, or two of the same.
pub(super) fn judged(twice: bool, play: impl Fn() -> Outcome) -> (Tally, Option<CampaignFailure>) {
    let outcome = play();
    let mut tally = Tally::of(&outcome);
    let failure = verdict(&outcome, twice.then(play).as_ref());
    tally.failures = u64::from(failure.is_some());
    (tally, failure)
}

/// How a run failed, if it did; `again` is the same run once more.
pub(super) fn verdict(outcome: &Outcome, again: Option<&Outcome>) -> Option<CampaignFailure> {
    if again.is_some_and(|again| again.digest != outcome.digest || again.violation != outcome.violation) {
        return Some(CampaignFailure::Nondeterminism);
    }
    outcome.violation.as_ref().map(|(_, violation)| CampaignFailure::of(violation))
}

fn report(seed: u64, found: CampaignFailure, settings: &Settings, plans: Plans) -> Result<(), String> {
    if found == CampaignFailure::Nondeterminism {
        print(&format!(
            "reproduce: {}\nThe same seed gave two different runs.\n",
            reproduce(&plans.arguments(&format!("{seed} --twice")))
        ));
        settings.unwritten("there is no one run to show");
        return Ok(());
    }
    failure(&Start::Seed(seed), (&seed.to_string(), &seed.to_string()), settings, plans)
}

fn summary(tally: &Tally, seconds: f64, jobs: u64) -> String {
    let explained = match tally.explained {
        0 => String::new(),
        explained => format!(", {explained} explained by faults left in place"),
    };
    format!(
        "{} seeds, {} steps, {} requests in {seconds:.1} s on {jobs} threads: {:.0} steps/s per core, {:.0} x real \
         time\nmarks {} of {}, failures {}{explained}",
        tally.seeds,
        tally.steps,
        tally.requests,
        tally.steps as f64 / seconds / jobs as f64,
        tally.millis as f64 / 1000.0 / seconds,
        tally.reached(),
        steersman_sim::marks::Mark::ALL.len(),
        tally.failures,
    )
}

/// Prints marks as asked; a failure when they are required and one is missed.
fn marks(tally: &Tally, table: bool, required: bool) -> Option<CampaignFailure> {
    if table {
        print(&format!("\n{}", tally.marks));
    }
    let missed: Vec<&str> = tally.marks.missed().map(|mark| mark.name()).collect();
    if !required || missed.is_empty() {
        return None;
    }
    print(&format!("missed marks: {}", missed.join(", ")));
    Some(CampaignFailure::MarkMissed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use steersman_core::machine::text::Digest;
    use steersman_sim::check::{Guarantee, Violation};
    use steersman_sim::choose::Tape;
    use steersman_sim::marks::{Mark, Marks};
    use steersman_sim::trace::Trace;

    fn outcome(digest: u64, broken: Option<Guarantee>) -> Outcome {
        Outcome {
            swarm: String::new(),
            names: Vec::new(),
            steps: 7,
            requests: 3,
            millis: 1000,
            digest: Digest(digest),
            marks: Marks::default(),
            violation: broken.map(|guarantee| (5, Violation::new(guarantee, "so"))),
            tape: Tape::default(),
            trace: Trace::default(),
            explained: None,
        }
    }

    #[test]
    fn the_broken_guarantee_decides_the_failure() {
        let judge = |broken| judged(false, || outcome(1, broken)).1.map(CampaignFailure::code);
        assert_eq!(judge(None), None);
        assert_eq!(judge(Some(Guarantee::OneAnswer)), Some(11));
        assert_eq!(judge(Some(Guarantee::RequestsSucceed)), Some(12));
        let (tally, _) = judged(false, || outcome(1, Some(Guarantee::OneAnswer)));
        assert_eq!((tally.seeds, tally.steps, tally.failures), (1, 7, 1));
    }

    #[test]
    fn two_runs_of_a_seed_must_be_the_same() {
        let count = Cell::new(0);
        let next = || {
            count.set(count.get() + 1);
            outcome(count.get(), None)
        };
        assert_eq!(judged(true, next).1, Some(CampaignFailure::Nondeterminism));
        assert_eq!(judged(false, next).1, None);
        assert_eq!(judged(true, || outcome(1, None)).1, None);
        assert_eq!(count.get(), 3);
    }

    #[test]
    fn a_missed_mark_fails_if_marks_are_required() {
        let mut tally = Tally::default();
        assert_eq!(marks(&tally, false, false), None);
        assert_eq!(marks(&tally, false, true), Some(CampaignFailure::MarkMissed));
        for mark in Mark::ALL {
            tally.marks.reach(*mark);
        }
        assert_eq!(marks(&tally, false, true), None);
        assert!(summary(&tally, 2.0, 2).contains(&format!("marks {0} of {0}", Mark::ALL.len())));
    }
}

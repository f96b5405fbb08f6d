//! Prints the result of each run in a line, so that it can be compared with other builds and processes.

use clap::ArgMatches;
use steersman_sim::run::Outcome;
use steersman_sim::tally::Tally;

use super::Verdict;
use super::options::{jobs_of, number_of};
use super::over::{Progress, Seeds, over};
use super::plans::Plans;
use super::play::{Start, play};
use super::sweep::verdict;
use crate::serve::print;

/// Prints a line for every seed, in order. Exit codes are those of a sweep.
pub(super) fn main(matches: &ArgMatches) -> Verdict {
    let seeds = Seeds {
        first: number_of(matches, "first"),
        count: number_of(matches, "seeds"),
        limit: None,
        jobs: jobs_of(matches),
        hits: usize::MAX,
    };
    let plans = Plans::of(matches);
    let one = |seed| {
        let outcome = play(&Start::Seed(seed), &plans.plan(false));
        (Tally::of(&outcome), Some((line(seed, &outcome), verdict(&outcome, None))))
    };
    let mut progress = Progress::begin();
    let (_, played) = over(seeds, one, |tally| progress.show(tally));
    progress.end();
    played.iter().for_each(|(_, (line, _))| print(line));
    Ok(played.into_iter().filter_map(|(_, (_, failure))| failure).max())
}

fn line(seed: u64, outcome: &Outcome) -> String {
    let Outcome { digest, steps, requests, millis, violation, .. } = outcome;
    let broken =
        violation.as_ref().map_or(String::new(), |(_, violation)| format!(" {:?}", violation.guarantee));
    format!("{seed} {:016x} {steps} {requests} {millis}{broken}", digest.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_different_seeds_or_outcomes_differ() {
        let play = |seed| play(&Start::Seed(seed), &Plans::default().plan(false));
        let (one, other) = (play(1), play(2));
        assert_eq!(line(1, &one), line(1, &play(1)));
        assert_ne!(line(1, &one)[1..], line(2, &other)[1..]);
        let begin = format!("1 {:016x} {} ", one.digest.0, one.steps);
        assert!(line(1, &one).starts_with(&begin), "{}", line(1, &one));
    }
}

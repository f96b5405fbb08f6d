//! A run that reaches a mark, with as few choices as that needs.

use clap::ArgMatches;
use steersman_sim::choose::Tape;
use steersman_sim::marks::Mark;
use steersman_sim::shrink::shrink_while;
use steersman_sim::tally::Tally;

use super::Verdict;
use super::exit::CampaignFailure;
use super::options::{jobs_of, number_of, path_of};
use super::over::{Progress, Seeds, over};
use super::plans::Plans;
use super::play::{Start, caught, play, without};
use super::report::{reproduce, write_tape};
use crate::serve::print;

pub(super) fn main(matches: &ArgMatches) -> Verdict {
    let name: &String = matches.get_one("mark").expect("clap requires it");
    let mark = Mark::from_name(name).expect("clap knows the marks");
    let seeds = Seeds {
        first: number_of(matches, "first"),
        count: number_of(matches, "seeds"),
        limit: None,
        jobs: jobs_of(matches),
        hits: 1,
    };
    let plans = Plans::default();
    let mut progress = Progress::begin();
    let one = |seed| {
        let outcome = play(&Start::Seed(seed), &plans.plan(false));
        (Tally::of(&outcome), (outcome.marks.count(mark) > 0).then_some(outcome.tape))
    };
    let (tally, found) = over(seeds, one, |tally| progress.show(tally));
    progress.end();
    let Some((seed, tape)) = found.into_iter().next() else {
        print(&format!("{name} was not reached in {} seeds", tally.seeds));
        return Ok(Some(CampaignFailure::MarkMissed));
    };
    let runs_max = number_of(matches, "shrink-runs");
    let reaches = |tape: &Tape| play(&Start::Tape(tape.clone()), &plans.plan(false)).marks.count(mark) > 0;
    let shrunk = caught(|| {
        shrink_while(&tape, &plans.plan(false), runs_max, |outcome| outcome.marks.count(mark) > 0, |_, _| {})
    });
    let shrunk = shrunk.unwrap_or_else(|_| without(&tape, runs_max, reaches, |_, _| {}));
    let choices = shrunk.tape.len();
    print(&format!(
        "{name}: seed {seed}, {} choices, shrunk to {choices} in {} runs\n\n{}",
        tape.len(),
        shrunk.runs,
        shrunk.tape
    ));
    if let Some(folder) = path_of(matches, "tapes") {
        let file = format!("{name}-{seed}.tape");
        write_tape(folder, &file, mark.sentence(), &reproduce(&seed.to_string()), &shrunk.tape)?;
    }
    Ok(None)
}

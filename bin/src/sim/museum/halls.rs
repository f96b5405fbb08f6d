//! Searches for each bug from several seeds, and reports how soon it was found.

use std::path::Path;
use std::process::ExitCode;

use clap::ArgMatches;
use steersman_sim::check::Guarantee;
use steersman_sim::choose::Tape;
use steersman_sim::museum::Exhibit;
use steersman_sim::tally::{Found, MUSEUM_HEADING, Tally};

use crate::serve::{complain, print};
use crate::sim::exit::{CampaignFailure, USAGE};
use crate::sim::options::{jobs_of, number_of, path_of};
use crate::sim::over::{Progress, Seeds, over};
use crate::sim::plans::Plans;
use crate::sim::play::{Start, fewer, play};
use crate::sim::report::{reproduce, write_tape};
use crate::sim::{Verdict, code};

/// The number of starts whose findings are shrunk. The shortest of their tapes is shown and written, since the runs
/// need very different numbers of choices.
const SHRUNK_STARTS: u64 = 3;
/// The distance between the first seeds of two starts.
const APART: u64 = 1_000_000;

pub(in crate::sim) fn main(matches: &ArgMatches) -> ExitCode {
    let names: Vec<&String> = matches.get_many("names").unwrap_or_default().collect();
    let all = Exhibit::all();
    if let Some(name) = names.iter().find(|name| all.iter().all(|exhibit| exhibit.name() != name.as_str())) {
        let known: Vec<&str> = all.iter().map(|exhibit| exhibit.name()).collect();
        complain(&format!("steersman sim museum: there is no {name} among {}", known.join(", ")));
        return ExitCode::from(USAGE);
    }
    let wanted = |exhibit: &Exhibit| match names.is_empty() {
        true => !exhibit.is_rare(),
        false => names.iter().any(|name| *name == exhibit.name()),
    };
    code(visit(&all.into_iter().filter(wanted).collect::<Vec<_>>(), matches))
}

fn visit(exhibits: &[Exhibit], matches: &ArgMatches) -> Verdict {
    let (starts, shrink_runs) = (number_of(matches, "starts"), number_of(matches, "shrink-runs"));
    let budget = |exhibit: Exhibit| matches.get_one("budget").copied().unwrap_or(exhibit.budget());
    let place = |index: u64| (exhibits[(index / starts) as usize], index % starts);
    let searches = Seeds {
        first: 0,
        count: starts.saturating_mul(exhibits.len() as u64),
        limit: None,
        jobs: jobs_of(matches),
        hits: usize::MAX,
    };
    let one = |index| {
        let (exhibit, start) = place(index);
        let search = search(exhibit, start, budget(exhibit), shrink_runs);
        let tally = search.tally.clone();
        (tally, Some(search))
    };
    let mut progress = Progress::begin();
    let (_, searched) = over(searches, one, |tally| progress.show(tally));
    progress.end();
    print(MUSEUM_HEADING);
    let mut missed = false;
    for (number, exhibit) in exhibits.iter().enumerate() {
        let (from, to) = (number as u64 * starts, (number as u64 + 1) * starts);
        let of: Vec<&Search> = searched
            .iter()
            .filter(|(index, _)| (from..to).contains(index))
            .map(|(_, search)| search)
            .collect();
        let line = line(*exhibit, budget(*exhibit), &of);
        missed |= line.missed > 0;
        print(&line.to_string());
    }
    if let Some(folder) = path_of(matches, "tapes") {
        for (number, exhibit) in exhibits.iter().enumerate() {
            let of_exhibit = searched.iter().filter(|(index, _)| index / starts == number as u64);
            let shortest = of_exhibit.map(|(_, search)| search).min_by_key(|search| search.choices());
            keep(folder, *exhibit, shortest)?;
        }
    }
    Ok(missed.then_some(CampaignFailure::ExhibitNotFound))
}

/// One start's search for one bug.
struct Search {
    tally: Tally,
    found: Option<(u64, Guarantee)>,
    /// Of the first few starts.
    shrunk: Option<Tape>,
}

impl Search {
    /// The length of its tape; without one, the greatest number.
    fn choices(&self) -> usize {
        self.shrunk.as_ref().map_or(usize::MAX, Tape::len)
    }
}

fn search(exhibit: Exhibit, start: u64, budget: u64, shrink_runs: u64) -> Search {
    let plans = Plans { exhibit: Some(exhibit) };
    let mut tally = Tally::default();
    let first = start.saturating_mul(APART).saturating_add(1);
    for seed in first..first.saturating_add(budget) {
        let outcome = play(&Start::Seed(seed), &plans.plan(false));
        tally.add(&Tally::of(&outcome));
        if let Some((_, violation)) = &outcome.violation {
            let guarantee = violation.guarantee;
            let shrunk = (start < SHRUNK_STARTS)
                .then(|| fewer(&outcome.tape, &plans.plan(false), guarantee, shrink_runs, |_, _| {}).tape);
            return Search { tally, found: Some((seed, guarantee)), shrunk };
        }
    }
    Search { tally, found: None, shrunk: None }
}

fn line(exhibit: Exhibit, budget: u64, searches: &[&Search]) -> Found {
    let mut line = Found { name: exhibit.name(), issue: exhibit.issue(), budget, ..Found::default() };
    for search in searches {
        match search.found {
            None => line.missed += 1,
            Some((_, guarantee)) => {
                line.seeds.push(search.tally.seeds);
                line.steps.push(search.tally.steps);
                *line.guarantees.entry(guarantee).or_default() += 1;
            }
        }
        line.choices = line.choices.into_iter().chain(search.shrunk.as_ref().map(Tape::len)).min();
    }
    line
}

fn keep(folder: &Path, exhibit: Exhibit, search: Option<&Search>) -> Result<(), String> {
    let Some(Search { found: Some((seed, guarantee)), shrunk: Some(tape), .. }) = search else {
        return Ok(());
    };
    let shows =
        format!("{} ({})\nseed {seed}: {}", exhibit.sentence(), exhibit.issue(), guarantee.sentence());
    let command = reproduce(&Plans { exhibit: Some(exhibit) }.arguments(&seed.to_string()));
    write_tape(folder, &format!("{}.tape", exhibit.name()), &shows, &command, tape).map(|_| ())
}

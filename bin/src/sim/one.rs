//! One run, of a seed or of a tape.

use clap::ArgMatches;
use steersman_sim::run::Outcome;
use steersman_sim::timeline::facts;

use super::Verdict;
use super::exit::CampaignFailure;
use super::options::path_of;
use super::plans::Plans;
use super::play::{Start, play};
use super::report::{Settings, failure, read_tape, reproduce, shown};
use super::sweep::verdict;
use crate::serve::print;

/// What to play, how it is called on the command line, and how in the names of files.
pub(super) fn start(matches: &ArgMatches) -> Result<Option<(Start, String, String)>, String> {
    if let Some(seed) = matches.get_one::<u64>("seed") {
        return Ok(Some((Start::Seed(*seed), seed.to_string(), seed.to_string())));
    }
    let Some(file) = path_of(matches, "tape") else { return Ok(None) };
    let called = file.file_stem().map_or("tape".to_owned(), |stem| stem.to_string_lossy().into_owned());
    Ok(Some((Start::Tape(read_tape(file)?), format!("--tape {}", file.display()), called)))
}

pub(super) fn main(matches: &ArgMatches) -> Verdict {
    let (start, arguments, called) = start(matches)?.expect("there is a seed or a tape");
    let settings = Settings::of(matches, matches.get_flag("shrink"));
    let plans = Plans::of(matches);
    let traced = plans.plan(settings.trace || settings.html.is_some());
    let outcome = play(&start, &traced);
    let again = matches.get_flag("twice").then(|| play(&start, &traced));
    let found = verdict(&outcome, again.as_ref());
    match found {
        Some(CampaignFailure::Nondeterminism) => {
            print(&format!("reproduce: {}", reproduce(&plans.arguments(&format!("{arguments} --twice")))));
            print("The same choices gave two different runs.");
            for outcome in [Some(&outcome), again.as_ref()].into_iter().flatten() {
                print(&summary(outcome));
            }
            settings.unwritten("there is no one run to show");
        }
        Some(_) => failure(&start, (&arguments, &called), &settings, plans)?,
        None => {
            print(&outcome.swarm);
            shown(&outcome, &reproduce(&plans.arguments(&arguments)), &settings)?;
            if let Some(explained) = &outcome.explained {
                print(&format!("It did not converge, which the faults left in place explain: {explained}"));
            }
        }
    }
    if found != Some(CampaignFailure::Nondeterminism) {
        print(&summary(&outcome));
    }
    if matches.get_flag("marks") {
        print(&format!("\n{}", outcome.marks));
    }
    print(&verdict_line(&arguments, found));
    Ok(found)
}

/// The last line: what the run has shown.
fn verdict_line(called: &str, found: Option<CampaignFailure>) -> String {
    match found {
        None => format!("sim {called}: every guarantee held"),
        Some(failure) => format!("sim {called}: {} (exit code {})", failure.sentence(), failure.code()),
    }
}

fn summary(outcome: &Outcome) -> String {
    let facts: Vec<String> =
        facts(outcome).into_iter().map(|(word, value)| format!("{word} {value}")).collect();
    facts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_says_what_was_found() {
        assert_eq!(verdict_line("17", None), "sim 17: every guarantee held");
        let safety = verdict_line("--tape a.tape", Some(CampaignFailure::Safety));
        assert_eq!(safety, "sim --tape a.tape: safety: a client was told what is not so (exit code 11)");
    }
}

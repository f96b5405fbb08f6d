//! Every run that differs from one in a few choices.

use clap::ArgMatches;
use steersman_sim::choose::{Exhaust, Space, Tape};
use steersman_sim::tally::Tally;

use super::options::number_of;
use super::over::Progress;
use super::plans::Plans;
use super::play::{Start, play, play_source};
use super::report::{Settings, failure, tape_file};
use super::sweep::verdict;
use super::{Verdict, one};
use crate::serve::print;

pub(super) fn main(matches: &ArgMatches) -> Verdict {
    let plans = Plans::of(matches);
    let (first, from) = match one::start(matches)? {
        None => (Tape::default(), "plain".to_owned()),
        Some((Start::Tape(tape), _, called)) => (tape, called),
        Some((start @ Start::Seed(_), _, called)) => (play(&start, &plans.plan(false)).tape, called),
    };
    let deviations = matches.get_one::<u64>("exhaust").copied().unwrap_or_default();
    let deviations = u32::try_from(deviations).map_err(|_| "--exhaust is out of range".to_owned())?;
    let space = Space { deviations, width: number_of(matches, "width") };
    let runs_max = number_of(matches, "runs-max");
    let settings = Settings::of(matches, !matches.get_flag("no-shrink"));
    let mut exhaust = Exhaust::new(first, space);
    let (mut tally, mut progress) = (Tally::default(), Progress::begin());
    while let Some((source, tape)) = exhaust.next_run() {
        if tally.seeds == runs_max {
            progress.end();
            print(&format!("{runs_max} runs, and there are more: every guarantee held so far"));
            settings.unwritten("no run failed");
            return Ok(None);
        }
        let outcome = play_source(source, &tape, &plans.plan(false));
        tally.add(&Tally::of(&outcome));
        progress.show(&tally);
        if let Some(found) = verdict(&outcome, None) {
            progress.end();
            let called = format!("{from}-run-{}", tally.seeds);
            // The run is known by its tape alone, which lies where it is written, or is printed.
            let arguments = match (&settings.tapes, &outcome.violation) {
                (Some(folder), Some((_, violation))) => {
                    format!("--tape {}", folder.join(tape_file(violation.guarantee, &called)).display())
                }
                (None, _) | (_, None) => "--tape FILE".to_owned(),
            };
            failure(&Start::Tape(tape), (&arguments, &called), &settings, plans)?;
            print(&format!("found in run {} of the space", tally.seeds));
            return Ok(Some(found));
        }
    }
    progress.end();
    print(&format!(
        "{} runs, all that differ in at most {deviations} choices, {} ways each: every guarantee held, marks {}",
        tally.seeds,
        space.width,
        tally.reached()
    ));
    settings.unwritten("no run failed");
    Ok(None)
}

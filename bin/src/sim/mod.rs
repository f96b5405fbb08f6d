//! `steersman sim`: runs of the simulator, one or many.

mod digests;
mod exhaust;
mod exit;
mod harvest;
mod museum;
mod one;
mod options;
mod over;
mod plans;
mod play;
mod report;
mod sweep;

pub(crate) use options::command;

use std::process::ExitCode;

use clap::ArgMatches;

use crate::serve::complain;
use exit::{CampaignFailure, INFRASTRUCTURE};

/// The result of an invocation: no failure, a failure, or an error that prevented it.
type Verdict = Result<Option<CampaignFailure>, String>;

pub(crate) fn main(matches: &ArgMatches) -> ExitCode {
    // Without the bug the run would say nothing about what was asked.
    #[cfg(not(feature = "museum"))]
    if let Ok(Some(_)) = matches.try_get_one::<String>("exhibit") {
        return museum::closed("--exhibit");
    }
    let verdict = match matches.subcommand() {
        Some(("harvest", matches)) => harvest::main(matches),
        Some(("museum", matches)) => return museum::main(matches),
        Some(_) => unreachable!("clap knows the subcommands"),
        None if matches.contains_id("exhaust") => exhaust::main(matches),
        None if matches.contains_id("seed") || matches.contains_id("tape") => one::main(matches),
        None if matches.get_flag("digests") => digests::main(matches),
        None => sweep::main(matches),
    };
    code(verdict)
}

fn code(verdict: Verdict) -> ExitCode {
    match verdict {
        Ok(failure) => failure.map_or(ExitCode::SUCCESS, |failure| ExitCode::from(failure.code())),
        Err(why) => {
            complain(&format!("steersman sim: {why}"));
            ExitCode::from(INFRASTRUCTURE)
        }
    }
}

#[cfg(all(test, not(feature = "museum")))]
mod tests {
    use super::*;

    #[test]
    fn a_build_without_the_museum_does_not_play_an_exhibit_as_if_it_had_it() {
        let matches = command().try_get_matches_from(["sim", "1", "--exhibit", "any"]).expect("is taken");
        assert_eq!(main(&matches), ExitCode::from(exit::USAGE));
    }
}

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

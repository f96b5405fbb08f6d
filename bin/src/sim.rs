//! `steersman sim`: runs of the simulator, one seed or many.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Arg, ArgAction, ArgMatches, Command};
use steersman_sim::choose::Chooser;
use steersman_sim::run::{Outcome, run};

use crate::serve::print;

/// Exit codes tell apart what went wrong.
const SAFETY: u8 = 2;
const NONDETERMINISM: u8 = 4;

pub(crate) fn command() -> Command {
    let number = || clap::value_parser!(u64);
    let seed = Arg::new("seed").value_name("SEED").value_parser(number());
    let seeds = Arg::new("seeds").long("seeds").value_name("N").value_parser(number());
    let first = Arg::new("first").long("first").value_name("SEED").value_parser(number());
    let minutes = Arg::new("minutes").long("minutes").value_name("M").value_parser(number());
    let twice = Arg::new("twice").long("twice").action(ArgAction::SetTrue);
    Command::new("sim")
        .about("Run servers over a faulty etcd with clients, from a seed, and check what clients may rely on")
        .arg(seed.help("Run this seed alone and print what it drew"))
        .arg(seeds.default_value("100").help("How many seeds to run"))
        .arg(first.default_value("1").help("The first of them"))
        .arg(minutes.help("Go on for so many minutes instead"))
        .arg(twice.help("Run every seed twice and compare"))
}

pub(crate) fn main(matches: &ArgMatches) -> ExitCode {
    let twice = matches.get_flag("twice");
    if let Some(seed) = matches.get_one::<u64>("seed") {
        let outcome = one(*seed);
        print(&format!("seed {seed}: {}", outcome.faults));
        return judge(*seed, &outcome, twice).map_or(ExitCode::SUCCESS, ExitCode::from);
    }
    let first = matches.get_one::<u64>("first").copied().unwrap_or(1);
    let count = matches.get_one::<u64>("seeds").copied().unwrap_or(100);
    let minutes = matches.get_one::<u64>("minutes").map(|minutes| Duration::from_secs(minutes * 60));
    sweep(first, count, minutes, twice)
}

fn one(seed: u64) -> Outcome {
    run(Chooser::from_seed(seed)).0
}

fn sweep(first: u64, count: u64, limit: Option<Duration>, twice: bool) -> ExitCode {
    let began = Instant::now();
    let (mut seeds, mut steps, mut millis, mut requests) = (0_u64, 0_u64, 0_u64, 0_u64);
    let mut worst = None;
    let goes_on = |seeds: u64| limit.map_or(seeds < count, |limit| began.elapsed() < limit);
    while goes_on(seeds) {
        let seed = first + seeds;
        let outcome = one(seed);
        seeds += 1;
        steps += outcome.steps;
        millis += outcome.millis;
        requests += outcome.requests;
        if let Some(code) = judge(seed, &outcome, twice) {
            worst = worst.max(Some(code));
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    print(&format!(
        "{seeds} seeds, {steps} steps, {requests} requests in {seconds:.1} s: {:.0} steps/s, {:.0} x real time",
        steps as f64 / seconds,
        millis as f64 / 1000.0 / seconds
    ));
    worst.map_or(ExitCode::SUCCESS, ExitCode::from)
}

/// Prints what is wrong with a run; the exit code for it.
fn judge(seed: u64, outcome: &Outcome, twice: bool) -> Option<u8> {
    if twice && one(seed).digest != outcome.digest {
        print(&format!("reproduce: steersman sim {seed} --twice\nThe same seed gave two different runs."));
        return Some(NONDETERMINISM);
    }
    let (millis, violation) = outcome.violation.as_ref()?;
    print(&format!("reproduce: steersman sim {seed}\nat {millis} ms, {}\n   {}", violation, outcome.faults));
    Some(SAFETY)
}

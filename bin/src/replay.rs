//! `steersman replay FILE`: walks a recording of `serve --record`.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use steersman_sim::replay::{Replay, Totals};

/// Replays a file. With `effects` every effect is printed under the input it followed from. Exit code 1
/// for a recording that cannot be replayed to its end.
pub(crate) fn main(path: &Path, effects: bool, until: Option<u64>) -> ExitCode {
    let mut out = BufWriter::new(std::io::stdout().lock());
    match run(path, effects, until, &mut out) {
        Ok(totals) => {
            let written = writeln!(
                out,
                "{} inputs, {} steps, {} answers, {} effects, digest {:016x}{}",
                totals.inputs,
                totals.steps,
                totals.answers,
                totals.effects,
                totals.digest.0,
                if totals.broken { "; the recording lost what followed" } else { "" }
            );
            if written.is_ok() && !totals.broken { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(why) => {
            eprintln!("steersman replay: {}: {why}", path.display());
            ExitCode::FAILURE
        }
    }
}

fn run(path: &Path, effects: bool, until: Option<u64>, out: &mut impl Write) -> Result<Totals, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let mut lines = BufReader::new(file).lines();
    let mut next = || lines.next().transpose().map_err(|error| error.to_string());
    let heading = next()?.unwrap_or_default();
    let config = next()?.unwrap_or_default();
    let mut replay = Replay::begin(&heading, &config).map_err(|error| error.to_string())?;
    while let Some(line) = next()? {
        if until.is_some_and(|until| replay.totals.inputs >= until) {
            break;
        }
        let mut written = Ok(());
        if effects {
            written = writeln!(out, "{line}");
        }
        let stepped = replay.step(&line, |effect| {
            if effects && written.is_ok() {
                written = writeln!(out, "   {effect}");
            }
        });
        stepped.map_err(|error| error.to_string())?;
        written.map_err(|error| error.to_string())?;
    }
    Ok(replay.totals)
}

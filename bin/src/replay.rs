//! `steersman replay FILE`: walks a recording of `serve --record`.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use steersman_sim::replay::{Replay, Totals};

/// Replays a file. With `effects` every effect is printed under the input it followed from. Exit code 1
/// for a recording that cannot be replayed to its end, or has other effects than it had.
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
                ending(&totals, until)
            );
            if written.is_ok() && !totals.broken { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(why) => {
            eprintln!("steersman replay: {}: {why}", path.display());
            ExitCode::FAILURE
        }
    }
}

/// How the recording ends.
fn ending(totals: &Totals, until: Option<u64>) -> &'static str {
    match totals {
        Totals { broken: true, .. } => "; the recording lost what followed",
        Totals { same: true, .. } => ", as recorded",
        _ if until.is_some() => "",
        // The server was killed.
        _ => "; the recording has no end, nothing to compare with",
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

#[cfg(test)]
mod tests {
    use super::*;
    use steersman_core::machine::text::{BROKEN, Digests, HEADING};

    const CONFIG: &str = "config / 1 a b c d 1 named 0 allow 0 0 0 0 0 0 0 - 0 -";
    const INPUTS: [&str; 3] = ["0 0 start", "1000 0 tick", "9000 0 gone 7"];

    fn replay(lines: &[String]) -> Result<Totals, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("recording");
        std::fs::write(&path, lines.join("\n") + "\n").expect("is written");
        run(&path, false, None, &mut std::io::sink())
    }

    /// A recording without its last line, and the digests of it.
    fn recording() -> (Vec<String>, Digests) {
        let lines: Vec<String> = [HEADING, CONFIG].iter().chain(&INPUTS).map(ToString::to_string).collect();
        let mut digests = Digests::default();
        lines.iter().for_each(|line| digests.add_input(line));
        digests.effects = replay(&lines).expect("can be replayed").digest;
        (lines, digests)
    }

    fn with(lines: &[String], last: &str) -> Vec<String> {
        lines.iter().cloned().chain([last.to_owned()]).collect()
    }

    #[test]
    fn effects_are_compared_with_the_recorded_ones() {
        let (lines, digests) = recording();
        let totals = replay(&with(&lines, &digests.line())).expect("the same effects");
        assert_eq!((totals.same, totals.broken, totals.inputs), (true, false, 3));
        assert!(totals.effects > 0, "a start has effects");
        let mut other = digests;
        other.effects.add(b"one more");
        let why = replay(&with(&lines, &other.line())).expect_err("other effects");
        assert!(why.starts_with("line 6: the effects had digest "), "{why}");
    }

    #[test]
    fn a_changed_byte_is_noticed() {
        let (lines, digests) = recording();
        let whole = with(&lines, &digests.line()).join("\n");
        for at in (0..whole.len()).step_by(5) {
            let mut changed = whole.clone().into_bytes();
            changed[at] = if changed[at] == b'1' { b'2' } else { b'1' };
            let changed = String::from_utf8(changed).expect("is text");
            let lines: Vec<String> = changed.lines().map(str::to_owned).collect();
            assert!(replay(&lines).is_err(), "byte {at}: {changed}");
        }
    }

    #[test]
    fn the_end_of_a_recording_is_told() {
        let (lines, digests) = recording();
        let cut = replay(&lines).expect("can be replayed");
        assert!(!cut.same && ending(&cut, None).contains("no end") && ending(&cut, Some(2)).is_empty());
        let broken = replay(&with(&lines, BROKEN)).expect("can be replayed");
        assert!(broken.broken && ending(&broken, None).contains("lost"));
        for last in [BROKEN, &digests.line()] {
            let why = replay(&with(&with(&lines, last), INPUTS[1])).expect_err("goes on");
            assert_eq!(why, "line 7: follows the end of the recording");
        }
    }
}

//! `steersman replay FILE`: replays a recording of `serve --record`.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use steersman_sim::replay::{Replay, Totals};

/// How a replay ends, as exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// The recording is complete and the effects are the recorded ones, or the replay was stopped at the requested
    /// input.
    Same,
    /// The recording lost inputs, and says so in its last line.
    Broken,
    /// The recording has no end: the server was killed, or still runs.
    Killed,
}

/// The exit code for a recording that cannot be read or replayed, or that had other effects.
const UNREPLAYABLE: u8 = 1;

/// What the help says of the exit codes.
pub(crate) const EXIT_CODES: &str = "Exit codes: 0 the effects are the recorded ones (or --until was reached); 1 they \
are not, or the recording cannot be replayed; 3 the recording broke off while the server went on, what it holds was \
replayed; 4 the recording has no end, since the server was killed or still runs, what it holds was replayed.";

impl Ending {
    fn of(totals: &Totals, until: Option<u64>) -> Self {
        match totals {
            Totals { broken: true, .. } => Self::Broken,
            Totals { same: true, .. } => Self::Same,
            Totals { inputs, .. } if until.is_some_and(|until| *inputs >= until) => Self::Same,
            Totals { .. } => Self::Killed,
        }
    }

    fn code(self) -> u8 {
        match self {
            Self::Same => 0,
            Self::Broken => 3,
            Self::Killed => 4,
        }
    }

    fn words(self, totals: &Totals) -> &'static str {
        match self {
            Self::Same if totals.same => ", as recorded",
            Self::Same => "",
            Self::Broken => "; the recording broke off here and lost what followed: nothing to compare with",
            Self::Killed => "; the recording has no end (the server was killed): nothing to compare with",
        }
    }
}

/// Replays a file. With `effects` every effect is printed under the input it followed from.
pub(crate) fn main(path: &Path, effects: bool, until: Option<u64>) -> ExitCode {
    let mut out = BufWriter::new(std::io::stdout().lock());
    match run(path, effects, until, &mut out) {
        Ok(totals) => {
            let ending = Ending::of(&totals, until);
            let written = writeln!(
                out,
                "{} inputs, {} steps, {} answers, {} effects, digest {:016x}{}",
                totals.inputs,
                totals.steps,
                totals.answers,
                totals.effects,
                totals.digest.0,
                ending.words(&totals)
            )
            .and_then(|()| out.flush());
            if written.is_ok() { ExitCode::from(ending.code()) } else { ExitCode::from(UNREPLAYABLE) }
        }
        Err(why) => {
            eprintln!("steersman replay: {}: {why}", path.display());
            ExitCode::from(UNREPLAYABLE)
        }
    }
}

fn run(path: &Path, effects: bool, until: Option<u64>, out: &mut impl Write) -> Result<Totals, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let mut input = BufReader::new(file);
    // A killed server may have left an incomplete line, which must not be used.
    let mut next = || {
        let mut line = String::new();
        input.read_line(&mut line).map_err(|error| error.to_string())?;
        Ok::<_, String>(line.strip_suffix('\n').map(str::to_owned))
    };
    let heading = next()?.unwrap_or_default();
    let config = next()?.unwrap_or_default();
    let mut replay =
        Replay::begin(&heading, &config, crate::registry()).map_err(|error| error.to_string())?;
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
    use steersman_core::config::Config;
    use steersman_core::machine::text::{BROKEN, Digests, HEADING, write_config};

    const INPUTS: [&str; 3] = ["0 0 start", "1000 0 tick", "9000 0 gone 7"];

    fn replay(lines: &[String]) -> Result<Totals, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("recording");
        std::fs::write(&path, lines.join("\n") + "\n").expect("is written");
        run(&path, false, None, &mut std::io::sink())
    }

    /// A recording without its last line, and the digests of it.
    fn recording() -> (Vec<String>, Digests) {
        let mut config = String::new();
        write_config(&Config::open(1), &mut config);
        let lines = [HEADING, &config].into_iter().chain(INPUTS).map(ToString::to_string);
        let lines: Vec<String> = lines.collect();
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
    fn the_kind_of_end_of_a_recording_is_reported() {
        let (lines, digests) = recording();
        let whole = replay(&with(&lines, &digests.line())).expect("can be replayed");
        let killed = replay(&lines).expect("can be replayed");
        let broken = replay(&with(&lines, BROKEN)).expect("can be replayed");
        for (totals, until, ending, words) in [
            (&whole, None, Ending::Same, "as recorded"),
            (&killed, None, Ending::Killed, "was killed"),
            (&killed, Some(3), Ending::Same, ""),
            (&killed, Some(4), Ending::Killed, "was killed"),
            (&broken, None, Ending::Broken, "broke off"),
        ] {
            assert_eq!(Ending::of(totals, until), ending);
            assert_eq!(totals.inputs, 3);
            assert!(ending.words(totals).contains(words), "{ending:?}");
        }
        let codes = [Ending::Same, Ending::Broken, Ending::Killed].map(Ending::code);
        assert_eq!(codes, [0, 3, 4]);
        for last in [BROKEN, &digests.line()] {
            let why = replay(&with(&with(&lines, last), INPUTS[1])).expect_err("goes on");
            assert_eq!(why, "line 7: follows the end of the recording");
        }
    }

    /// A server that is killed while it writes leaves a part of a line, which is not replayed.
    #[test]
    fn an_incomplete_last_line_is_not_replayed() {
        let (lines, _) = recording();
        let whole = lines.join("\n") + "\n";
        let last = whole.len() - lines[4].len() - 1;
        for cut in last..whole.len() {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("recording");
            std::fs::write(&path, &whole[..cut]).expect("is written");
            let totals = run(&path, false, None, &mut std::io::sink()).expect("can be replayed");
            assert_eq!((totals.inputs, Ending::of(&totals, None)), (2, Ending::Killed));
        }
    }
}

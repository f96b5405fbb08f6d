//! What a failure prints and writes: how to repeat it, what the run was, the timeline, the page, the tape.

use std::fs;
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use steersman_sim::check::{Guarantee, Violation};
use steersman_sim::choose::Tape;
use steersman_sim::run::Outcome;
use steersman_sim::tally::kebab;
use steersman_sim::timeline::{Account, facts, page, short, whole};

use super::options::{number_of, path_of};
use super::over::shrinking;
use super::plans::Plans;
use super::play::{Start, fewer, play};
use crate::serve::print;
use crate::version;

/// A tape with at most this many choices is printed in full.
const PRINTED_MAX: usize = 40;

/// What is to be done with a failure.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    /// Runs that shrinking may take; None to leave the failure as it is.
    pub shrink_runs: Option<u64>,
    pub trace: bool,
    pub html: Option<PathBuf>,
    pub tapes: Option<PathBuf>,
}

impl Settings {
    /// Of an invocation, with shrinking or without.
    pub(super) fn of(matches: &ArgMatches, shrinks: bool) -> Self {
        Self {
            shrink_runs: shrinks.then(|| number_of(matches, "shrink-runs")),
            trace: matches.get_flag("trace"),
            html: path_of(matches, "html").cloned(),
            tapes: path_of(matches, "tapes").cloned(),
        }
    }
}

impl Settings {
    /// Says that no page was written, if one was asked for.
    pub(super) fn unwritten(&self, why: &str) {
        if let Some(line) = self.unwritten_line(why) {
            print(&line);
        }
    }

    fn unwritten_line(&self, why: &str) -> Option<String> {
        self.html.as_ref().map(|file| format!("not written: {}, since {why}", file.display()))
    }
}

/// The command that repeats a run, and what it was found with.
pub(super) fn reproduce(arguments: &str) -> String {
    format!("steersman sim {arguments}   # {}", version::of_version())
}

/// Reports a run that broke a guarantee. `arguments` repeat it; `called` names it in files.
pub(super) fn failure(
    start: &Start,
    (arguments, called): (&str, &str),
    settings: &Settings,
    plans: Plans,
) -> Result<(), String> {
    let command = reproduce(&plans.arguments(arguments));
    let mut outcome = play(start, &plans.plan(true));
    let Some((millis, violation)) = outcome.violation.clone() else {
        print(&format!(
            "reproduce: {}\nIt failed, and did not when it was run again.",
            reproduce(&plans.arguments(&format!("{arguments} --twice")))
        ));
        settings.unwritten("the run did not fail again");
        return Ok(());
    };
    print(&format!("reproduce: {command}\n{}\nat {millis} ms: {violation}", outcome.swarm));
    if let Some(explained) = &outcome.explained {
        print(&format!("the faults left in place: {explained}"));
    }
    if let Some(runs_max) = settings.shrink_runs {
        let before = outcome.tape.len();
        let shrunk = fewer(&outcome.tape, &plans.plan(false), violation.guarantee, runs_max, shrinking());
        print(&format!("shrunk from {before} choices to {} in {} runs", shrunk.tape.len(), shrunk.runs));
        outcome = play(&Start::Tape(shrunk.tape), &plans.plan(true));
    }
    shown(&outcome, &command, settings)?;
    if outcome.tape.len() <= PRINTED_MAX {
        print(&format!("\n{}", outcome.tape.to_string().trim_end()));
    }
    if let Some(folder) = &settings.tapes {
        let file = tape_file(violation.guarantee, called);
        write_tape(folder, &file, &noted(&outcome, &violation), &command, &outcome.tape)?;
    }
    Ok(())
}

/// How the file of a tape is called.
pub(super) fn tape_file(guarantee: Guarantee, called: &str) -> String {
    format!("{}-{called}.tape", kebab(guarantee))
}

/// The sentence that a tape begins with.
fn noted(outcome: &Outcome, found: &Violation) -> String {
    let violation = outcome.violation.as_ref().map_or(found, |(_, violation)| violation);
    violation.to_string()
}

/// The timeline, on the terminal and as a page.
pub(super) fn shown(outcome: &Outcome, command: &str, settings: &Settings) -> Result<(), String> {
    let facts = facts(outcome);
    let account = Account::of(outcome, command, &facts);
    if settings.trace {
        print(&format!("\n{}", whole(&account).trim_end()));
    } else if outcome.violation.is_some() {
        print(&format!("\n{}", short(&account).trim_end()));
    }
    if let Some(file) = &settings.html {
        write(file, &page(&account))?;
        print(&format!("written: {}", file.display()));
    }
    Ok(())
}

/// Writes a tape with comments that say what it shows and where it came from.
pub(super) fn write_tape(
    folder: &Path,
    file: &str,
    shows: &str,
    command: &str,
    tape: &Tape,
) -> Result<PathBuf, String> {
    let comments: String = shows.lines().map(|line| format!("# {}\n", line.trim())).collect();
    let path = folder.join(file);
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    write(&path, &format!("{comments}# reproduce: {command}\n{tape}"))?;
    print(&format!("written: {}", path.display()));
    Ok(path)
}

fn write(file: &Path, text: &str) -> Result<(), String> {
    fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))
}

/// Reads a tape.
pub(super) fn read_tape(file: &Path) -> Result<Tape, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    text.parse().map_err(|error| format!("{}: {error}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_was_not_written_is_named() {
        let mut settings = Settings::default();
        assert_eq!(settings.unwritten_line("no run failed"), None);
        settings.html = Some("a/b.html".into());
        let line = settings.unwritten_line("no run failed");
        assert_eq!(line.as_deref(), Some("not written: a/b.html, since no run failed"));
    }

    #[test]
    fn a_tape_is_written_with_what_it_shows_and_read_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let tape: Tape = "steersman tape 1\nlink 1 2 3\n".parse().expect("a tape");
        let shows = Violation::new(Guarantee::OneAnswer, "request 7\nwas answered twice").to_string();
        let inner = folder.path().join("tapes");
        let path =
            write_tape(&inner, "one-answer-7.tape", &shows, &reproduce("7"), &tape).expect("is written");
        assert_eq!(read_tape(&path), Ok(tape));
        let text = fs::read_to_string(&path).expect("is there");
        let begin = "# Every request is answered once.\n# request 7\n# was answered twice\n# reproduce: steersman sim 7 ";
        assert!(text.starts_with(begin), "{text}");
        assert!(read_tape(&inner).is_err() && write(&inner, "").is_err());
    }
}

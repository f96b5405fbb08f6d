//! Completion scripts for shells, and manual pages, both made of the command line itself.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::builder::EnumValueParser;
use clap::{Arg, ArgMatches, Command, value_parser};
use clap_complete::Shell;

use crate::serve::{complain, print};
use crate::{command_with, flags, serve_command};

/// The name of the program.
const PROGRAM: &str = "steersman";

/// The subcommands: one for scripts, one for pages.
pub(crate) fn commands() -> [Command; 2] {
    let shell = Arg::new("shell").value_name("SHELL").required(true);
    let directory = Arg::new("directory").value_name("DIRECTORY").required(true);
    [
        Command::new("completion")
            .about("Print a script by which a shell completes the command line")
            .after_help("For bash: source <(steersman completion bash)")
            .arg(shell.value_parser(EnumValueParser::<Shell>::new()).help("The shell")),
        Command::new("man")
            .about("Write the manual pages, one for each command")
            .after_help("To read one: man DIRECTORY/steersman-serve.1")
            .arg(directory.value_parser(value_parser!(PathBuf)).help("Where; it is made if it is missing")),
    ]
}

/// Prints the script of a shell.
pub(crate) fn completion(matches: &ArgMatches) -> ExitCode {
    let shell: Shell = *matches.get_one("shell").expect("clap requires it");
    match std::io::stdout().write_all(&script(shell)) {
        Ok(()) => ExitCode::SUCCESS,
        // Nobody reads any more.
        Err(_) => ExitCode::FAILURE,
    }
}

/// Writes the pages.
pub(crate) fn man(matches: &ArgMatches) -> ExitCode {
    let directory: &PathBuf = matches.get_one("directory").expect("clap requires it");
    match pages(directory) {
        Ok(()) => {
            print(&format!("written: {}", directory.join("*.1").display()));
            ExitCode::SUCCESS
        }
        Err(error) => {
            complain(&format!("steersman man: {}: {error}", directory.display()));
            ExitCode::FAILURE
        }
    }
}

fn script(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut described(), PROGRAM, &mut script);
    script
}

fn pages(directory: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(directory)?;
    clap_mangen::generate_to(described(), directory)
}

/// The command line with all flags of `serve`, which `serve` itself does not let clap read.
fn described() -> Command {
    command_with(serve_command().args(flags::arguments()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum;

    #[test]
    fn the_described_command_is_well_formed() {
        described().debug_assert();
    }

    #[test]
    fn every_shell_completes_commands_and_flags() {
        for shell in Shell::value_variants() {
            let script = String::from_utf8(script(*shell)).expect("text");
            for word in ["require-marks", "etcd-servers", "audit-policy-file", "bump-revision"] {
                assert!(script.contains(word), "{shell} and {word}");
            }
        }
    }

    #[test]
    fn there_is_a_page_for_each_command() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = place.path().join("man1");
        pages(&folder).expect("written");
        for (page, word) in [
            ("steersman.1", "steersman\\-serve"),
            ("steersman-serve.1", "\\-\\-etcd\\-servers"),
            ("steersman-sim.1", "\\-\\-exhaust"),
            ("steersman-sim-harvest.1", "\\-\\-tapes"),
            ("steersman-store-backup.1", "\\-\\-data\\-dir"),
            ("steersman-completion.1", "bash"),
        ] {
            let text = std::fs::read_to_string(folder.join(page)).expect(page);
            assert!(text.contains(word), "{page} lacks {word}: {text}");
        }
    }
}

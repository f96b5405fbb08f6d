//! The `steersman` command: which subcommand runs.

mod bench;
mod configuration;
mod descriptions;
mod flags;
mod logs;
mod manual;
mod replay;
mod serve;
mod sim;
mod store;
mod version;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Arg, ArgAction, Command};
use steersman_core::kinds::Registry;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The kinds that a server has at its start. A replay needs those of the recorded server, descriptions included.
fn registry() -> Arc<Registry> {
    Arc::new(Registry::builtin().described_by(descriptions::describe))
}

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let called_as = arguments.first().and_then(|name| Path::new(name).file_name());
    // A user who starts `kube-apiserver` expects the server and not the other subcommands.
    if called_as.is_some_and(|name| name == serve::KUBE_APISERVER) {
        return serve::main(serve::KUBE_APISERVER, arguments.get(1..).unwrap_or_default());
    }
    let matches = command().get_matches_from(arguments);
    match matches.subcommand() {
        Some(("serve", matches)) => {
            let flags: Vec<OsString> = matches.get_many("flags").unwrap_or_default().cloned().collect();
            serve::main("steersman serve", &flags)
        }
        Some(("version", matches)) => {
            let as_json = matches.contains_id("output");
            serve::print(&if as_json { version::document() } else { version::line() });
            ExitCode::SUCCESS
        }
        Some(("completion", matches)) => manual::completion(matches),
        Some(("man", matches)) => manual::man(matches),
        Some(("sim", matches)) => sim::main(matches),
        Some(("replay", matches)) => {
            let path: &PathBuf = matches.get_one("file").expect("clap requires it");
            replay::main(path, matches.get_flag("effects"), matches.get_one("until").copied())
        }
        Some(("store", matches)) => store::main(matches),
        Some(("bench", matches)) => bench::main(matches),
        Some(("bench-floor", matches)) => bench::floor_main(matches),
        Some(_) | None => unreachable!("clap knows the subcommands and requires one"),
    }
}

fn command() -> Command {
    // The flags of `serve` are not clap's: they follow Go's rules.
    let flags = Arg::new("flags")
        .value_parser(clap::value_parser!(OsString))
        .action(ArgAction::Append)
        .num_args(0..)
        .trailing_var_arg(true)
        .allow_hyphen_values(true);
    command_with(serve_command().disable_help_flag(true).arg(flags))
}

fn serve_command() -> Command {
    Command::new("serve").about("Serve the Kubernetes API, with kube-apiserver's flags (see serve --help)")
}

/// The command line, with this for `serve`.
fn command_with(serve: Command) -> Command {
    let output = Arg::new("output").short('o').long("output").value_name("FORMAT");
    let output = output.value_parser(["json"]).help("For programs");
    Command::new("steersman")
        .about("A Kubernetes API server that can be replayed from a seed")
        .version(version::of_version())
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(serve)
        .subcommand(sim::command())
        .subcommand(replay_command())
        .subcommand(store::command())
        .subcommands(bench::commands())
        .subcommand(
            Command::new("version")
                .about("Print the version, and that of Kubernetes which is served")
                .arg(output),
        )
        .subcommands(manual::commands())
}

fn replay_command() -> Command {
    let file = Arg::new("file").required(true).value_parser(clap::value_parser!(PathBuf));
    let effects = Arg::new("effects").long("effects").action(ArgAction::SetTrue);
    let until = Arg::new("until").long("until").value_name("N").value_parser(clap::value_parser!(u64));
    Command::new("replay")
        .about("Replay a recording of `serve --record FILE` through the same core")
        .after_help(replay::EXIT_CODES)
        .arg(file.value_name("FILE").help("The recording"))
        .arg(effects.help("Print each input and the effects that followed from it"))
        .arg(until.help("Stop after N inputs"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_is_well_formed() {
        super::command().debug_assert();
    }
}

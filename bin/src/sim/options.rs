//! The command line of `steersman sim`.

use std::path::PathBuf;
use std::thread::available_parallelism;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use steersman_sim::marks::Mark;
use steersman_sim::tally::first_seed;

use super::exit;

pub(crate) fn command() -> Command {
    Command::new("sim")
        .about("Run servers over a faulty etcd with clients, from seeds, and check what clients may rely on")
        .after_help(exit::help())
        .args_conflicts_with_subcommands(true)
        .args(campaign())
        .args(single())
        .args(output())
        .arg(exhibit())
        .subcommand(harvest())
        .subcommand(museum())
}

fn number(name: &'static str, value: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).value_parser(value_parser!(u64))
}

fn at_least_one(name: &'static str, value: &'static str) -> Arg {
    number(name, value).value_parser(value_parser!(u64).range(1..))
}

fn flag(name: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue)
}

fn path(name: &'static str, value: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).value_parser(value_parser!(PathBuf))
}

fn campaign() -> [Arg; 9] {
    [
        number("seeds", "N").default_value("100").help("How many seeds to run"),
        first(),
        number("minutes", "M").conflicts_with("seeds").help("Go on for so many minutes instead"),
        jobs(),
        flag("digests").conflicts_with_all(["minutes", "twice", "marks", "require-marks"]).help(
            "Print what each seed comes to in a line: the digest, steps, requests, virtual milliseconds",
        ),
        flag("twice").help("Play every run twice and compare the two"),
        flag("marks").help("Print how often each mark was reached"),
        flag("require-marks").help("Fail when a mark is missed"),
        at_least_one("failures", "N").default_value("1").help("Stop after so many failures"),
    ]
}

fn first() -> Arg {
    let parse = |text: &str| first_seed(text).ok_or("is neither a number nor a commit of 40 digits");
    Arg::new("first")
        .long("first")
        .value_name("SEED")
        .value_parser(parse)
        .default_value("1")
        .help("The first seed; a commit's 40 digits make a number of its own")
}

fn jobs() -> Arg {
    at_least_one("jobs", "J").help("Runs at a time [default: the number of cores]")
}

fn single() -> [Arg; 6] {
    let seed = Arg::new("seed").value_name("SEED").value_parser(value_parser!(u64));
    [
        seed.help("Run this seed alone"),
        path("tape", "FILE").conflicts_with("seed").help("Run the choices of a tape"),
        flag("shrink").help("Of a single run that fails: take out choices and print the tape that is left"),
        number("exhaust", "K")
            .help("Play all runs that differ from the seed's, the tape's or the plain one in K choices"),
        at_least_one("width", "W")
            .default_value("4")
            .help("Ways to make one choice otherwise that --exhaust tries"),
        number("runs-max", "N").default_value("100000").help("Runs that --exhaust plays at most"),
    ]
}

/// What only a build with the museum can do; others say so.
fn exhibit() -> Arg {
    let exhibit = Arg::new("exhibit").long("exhibit").value_name("NAME");
    #[cfg(feature = "museum")]
    let exhibit = {
        let names = steersman_sim::museum::Exhibit::all().into_iter().map(|exhibit| exhibit.name());
        exhibit.value_parser(clap::builder::PossibleValuesParser::new(names)).hide_possible_values(true)
    };
    exhibit.help("Put a bug of the museum back; needs a build with --features museum")
}

fn output() -> [Arg; 5] {
    [
        flag("trace").help("Print the whole timeline"),
        path("html", "FILE")
            .conflicts_with("digests")
            .help("Write the timeline of the run, or of the first failure, as a page"),
        tapes(),
        shrink_runs(),
        flag("no-shrink").conflicts_with("shrink").help("Print a failure as it was found"),
    ]
}

fn tapes() -> Arg {
    path("tapes", "DIR").help("Write the tape of each finding into this folder")
}

fn shrink_runs() -> Arg {
    number("shrink-runs", "N").default_value("2000").help("Runs that shrinking may take")
}

fn harvest() -> Command {
    let marks = Mark::ALL.iter().map(|mark| mark.name());
    let mark = Arg::new("mark")
        .value_name("MARK")
        .required(true)
        .value_parser(clap::builder::PossibleValuesParser::new(marks));
    Command::new("harvest")
        .about("Look for a run that reaches a mark, and take out what it does not need")
        .arg(mark)
        .arg(number("seeds", "N").default_value("10000").help("How many seeds to try"))
        .args([first(), jobs(), tapes(), shrink_runs()])
}

fn museum() -> Command {
    let names = Arg::new("names").value_name("NAME").action(ArgAction::Append);
    Command::new("museum")
        .about("Put historical bugs back, one at a time, and see how soon each is found")
        .arg(names.help("Which bugs [default: all]"))
        .arg(at_least_one("starts", "N").default_value("1").help("From how many different seeds to look"))
        .arg(at_least_one("budget", "SEEDS").help("Seeds that each start may take [default: the bug's own]"))
        .args([jobs(), tapes(), shrink_runs()])
}

/// How many runs are played at a time.
pub(super) fn jobs_of(matches: &ArgMatches) -> u64 {
    let cores = || available_parallelism().map_or(1, |cores| cores.get() as u64);
    matches.get_one("jobs").copied().unwrap_or_else(cores)
}

/// A number that has a default.
pub(super) fn number_of(matches: &ArgMatches, name: &str) -> u64 {
    matches.get_one(name).copied().expect("it has a default")
}

pub(super) fn path_of<'a>(matches: &'a ArgMatches, name: &str) -> Option<&'a PathBuf> {
    matches.get_one(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<ArgMatches, clap::error::ErrorKind> {
        command().try_get_matches_from(line.split(' ')).map_err(|error| error.kind())
    }

    #[test]
    fn a_sweep_has_its_defaults() {
        let matches = parse("sim --twice").expect("a sweep");
        assert_eq!((number_of(&matches, "seeds"), number_of(&matches, "first")), (100, 1));
        assert_eq!((number_of(&matches, "shrink-runs"), number_of(&matches, "failures")), (2000, 1));
        assert!(matches.get_flag("twice") && !matches.get_flag("marks") && jobs_of(&matches) > 0);
        assert!(
            !matches.contains_id("seed") && !matches.contains_id("tape") && !matches.contains_id("exhaust")
        );
    }

    #[test]
    fn a_commit_is_a_first_seed() {
        let matches = parse(&format!("sim --first {}", "7".repeat(40))).expect("a sweep");
        assert_eq!(Some(number_of(&matches, "first")), first_seed(&"7".repeat(40)));
        assert_eq!(parse("sim --first 7348f4f").err(), Some(clap::error::ErrorKind::ValueValidation));
    }

    #[test]
    fn conflicting_arguments_are_refused() {
        use clap::error::ErrorKind;
        let refused = |line: &str| parse(line).err();
        assert_eq!(refused("sim 7 --tape a.tape"), Some(ErrorKind::ArgumentConflict));
        assert_eq!(refused("sim --seeds 7 --minutes 1"), Some(ErrorKind::ArgumentConflict));
        assert_eq!(refused("sim --digests --require-marks"), Some(ErrorKind::ArgumentConflict));
        assert_eq!(refused("sim --shrink --no-shrink 7"), Some(ErrorKind::ArgumentConflict));
        assert_eq!(refused("sim --digests --html a.html"), Some(ErrorKind::ArgumentConflict));
        assert_eq!(refused("sim --jobs 0"), Some(ErrorKind::ValueValidation));
        assert_eq!(refused("sim seventeen"), Some(ErrorKind::ValueValidation));
        assert_eq!(refused("sim harvest no-such-mark"), Some(ErrorKind::InvalidValue));
        assert_eq!(refused("sim harvest"), Some(ErrorKind::MissingRequiredArgument));
        assert!(
            parse("sim harvest no-space --seeds 5").is_ok()
                && parse("sim museum one two --starts 20").is_ok()
        );
        assert!(parse("sim --exhaust 2 --width 3 17").is_ok() && parse("sim --minutes 2").is_ok());
    }
}

//! The command as it is run: exit codes, and what it says about wrong input. Cargo builds the executable for this.

use std::path::Path;
use std::process::{Command, Output};

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_steersman")).args(arguments).output().expect("the command runs")
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn an_unknown_flag_is_named() {
    let ended = run(&["serve", "--no-such-flag=1"]);
    assert!(!ended.status.success());
    assert!(errors(&ended).contains("no-such-flag"), "{}", errors(&ended));
}

#[test]
fn protection_that_is_not_there_stops_the_start() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    let ended = run(&[
        "serve",
        &format!("--data-dir={}", data.display()),
        "--encryption-provider-config=/etc/x.yaml",
    ]);
    assert_eq!(ended.status.code(), Some(2), "{}", errors(&ended));
    assert!(errors(&ended).contains("encryption-provider-config"), "{}", errors(&ended));
    assert!(!data.exists(), "nothing was written");
}

#[test]
fn a_store_that_is_not_there_is_no_good_one() {
    let directory = tempfile::tempdir().expect("a directory");
    let of = |command: &str, path: &Path| {
        run(&["store", command, &format!("--data-dir={}", path.display())]).status.success()
    };
    assert!(!of("check", directory.path()));
    assert!(!of("dump", &directory.path().join("nowhere")));
    assert_eq!(std::fs::read_dir(directory.path()).expect("it is there").count(), 0, "nothing was written");
}

#[test]
fn a_seed_is_replayed_to_the_same_run() {
    let digests = || run(&["sim", "--seeds", "2", "--digests"]).stdout;
    let first = digests();
    assert!(!first.is_empty());
    assert_eq!(first, digests());
}

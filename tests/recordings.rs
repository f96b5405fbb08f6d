//! Recorded conversations with kube-apiserver, replayed against a server on one thread: each step's answer must be the
//! recorded one, up to what differs from run to run. `golden-floor.tsv` says in how many steps each group agrees; it
//! only rises. `STEERSMAN_RAISE_FLOORS=1 cargo test -p steersman-tests recordings` raises it to what is found. Steps
//! of a group that do not agree are printed with `STEERSMAN_SHOW=GROUP` and `-- --nocapture`. `GROUP/SCENARIO` plays
//! this scenario alone, without its floor.

mod compare;
mod floor;
mod normal;
mod play;
mod step;
mod webhook;

use floor::Agreement;
use std::path::PathBuf;

/// The folder of the recordings; its README says where they come from.
fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data/recordings")
}

/// The group that was recorded without managed fields.
const UNTRACKED: &str = "probes";

/// Replays a group and holds its agreement against the floor.
#[expect(clippy::print_stdout, reason = "the test harness shows it to those who ask for the differences")]
fn hold(group: &str) {
    let shown = std::env::var("STEERSMAN_SHOW").unwrap_or_default();
    let alone =
        shown.split_once('/').filter(|(of_group, _)| *of_group == group).map(|(_, scenario)| scenario);
    let mut found = Agreement::default();
    for scenario in step::scenarios(&folder().join(format!("{group}.jsonl.xz"))) {
        let is_shown = shown == group || alone == Some(scenario.name.as_str());
        if alone.is_some() && !is_shown {
            continue;
        }
        for outcome in play::play(&scenario, group != UNTRACKED) {
            found.count(&outcome);
            if is_shown && !outcome.differences.is_empty() {
                println!("{group}/{}#{} {}", scenario.name, outcome.step, outcome.request);
                outcome.differences.iter().take(8).for_each(|difference| println!("    {difference}"));
            }
        }
    }
    println!("{group}: {} of {} steps agree, {} in status", found.agree, found.steps, found.status);
    if alone.is_none() {
        floor::hold(group, found);
    }
}

macro_rules! groups {
    ($($name:ident)*) => {
        const GROUPS: &[&str] = &[$(stringify!($name)),*];

        $(#[test]
        fn $name() {
            hold(stringify!($name));
        })*
    };
}

groups! {
    admission apply authz cel coauthors crd defaults deletion discovery errors lifecycle listwatch matrix patch
    podsecurity policies probes quota servicemix services states subresources tables validation verdicts
    webhooks
}

#[test]
fn every_recording_is_replayed() {
    let files = std::fs::read_dir(folder()).expect("the recordings can be listed").flatten();
    let names = files.map(|file| file.file_name().to_string_lossy().into_owned());
    let mut found: Vec<String> =
        names.filter_map(|name| name.strip_suffix(".jsonl.xz").map(String::from)).collect();
    found.sort();
    assert_eq!(found, GROUPS);
}

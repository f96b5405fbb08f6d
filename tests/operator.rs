//! An operator's tests, as its author would write them: the controller beside the server in process, and in a simulated
//! cluster, where things go wrong.
//!
//! This is an example to copy from. `operator/controller.rs` is the controller under test, which knows nothing of
//! Steersman. Each test runs on one thread, with time paused: waiting costs nothing, and a test does the same every
//! time.

mod controller;

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, ListParams, ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Client, Error, ResourceExt};
use serde_json::json;
use steersman_io::in_process::InProcess;
use steersman_sim::choose::Tape;
use steersman_sim::service::{Cluster, FaultClass};
use steersman_sim::shrink::shrink_by;
use tokio::time::{Instant, sleep, sleep_until};

use controller::{RECEIPT, Version};

const NAMESPACE: &str = "default";
/// Longer than everything takes that a test starts.
const A_WHILE: Duration = Duration::from_secs(120);
/// The pause before a test repeats a request without an answer.
const RETRY: Duration = Duration::from_secs(2);
/// How many seeds are tried. The careful version must work for all of them, the hasty one must fail for one.
const SEEDS: u64 = 10;
/// Runs in which a failure is made short.
const SHRINKING_RUNS: u64 = 300;

/// What the test finds at the end: for each ticket the receipt that it names, and the names of those that it owns.
type Receipts = BTreeMap<String, (Option<String>, Vec<String>)>;

struct Office {
    config_maps: Api<ConfigMap>,
}

impl Office {
    /// A client of the test itself, and the running controller.
    fn open(client: Client, version: Version) -> Self {
        tokio::spawn(controller::run(client.clone(), NAMESPACE, version));
        Self { config_maps: Api::default_namespaced(client) }
    }

    /// The test meets the same faults as the controller, so it tries again until it knows that the ticket exists.
    async fn hand_in(&self, name: &str) {
        let labels = BTreeMap::from([("app".to_owned(), "ticket".to_owned())]);
        let metadata = ObjectMeta { name: Some(name.into()), labels: Some(labels), ..ObjectMeta::default() };
        let ticket = ConfigMap { metadata, ..ConfigMap::default() };
        loop {
            match self.config_maps.create(&PostParams::default(), &ticket).await {
                Ok(_) => return,
                Err(Error::Api(status)) if status.is_already_exists() => return,
                Err(_) => sleep(RETRY).await,
            }
        }
    }

    async fn write_on(&self, name: &str) {
        let patch = Patch::Merge(json!({ "data": { "urgent": "yes" } }));
        while self.config_maps.patch(name, &PatchParams::default(), &patch).await.is_err() {
            sleep(RETRY).await;
        }
    }

    async fn receipts(&self) -> Receipts {
        let listed = |label: &str| ListParams::default().labels(label);
        let receipts = self.config_maps.list(&listed("app=receipt")).await.expect("receipts").items;
        let tickets = self.config_maps.list(&listed("app=ticket")).await.expect("tickets").items;
        let found = tickets.into_iter().map(|ticket| {
            let (name, uid) = (ticket.name_any(), ticket.uid().expect("a uid"));
            let owner = Some((name.clone(), uid));
            let own = receipts.iter().filter(|receipt| controller::owner(receipt) == owner);
            (name, (ticket.annotations().get(RECEIPT).cloned(), own.map(ResourceExt::name_any).collect()))
        });
        found.collect()
    }
}

/// How many receipts each ticket has; one of them is named on it.
fn counts(receipts: &Receipts) -> Vec<usize> {
    let count = |(ticket, (noted, own)): (&String, &(Option<String>, Vec<String>))| {
        assert!(noted.as_ref().is_some_and(|noted| own.contains(noted)), "{ticket}: {noted:?}, {own:?}");
        own.len()
    };
    receipts.iter().map(count).collect()
}

/// On the server in process nothing goes wrong, and both versions do what they should.
#[tokio::test(start_paused = true)]
async fn every_ticket_gets_one_receipt() {
    for version in [Version::Hasty, Version::Careful] {
        let server = InProcess::start(1).await;
        let office = Office::open(Client::new(server.service(), NAMESPACE), version);
        for ticket in ["a", "b", "c"] {
            office.hand_in(ticket).await;
        }
        sleep(A_WHILE).await;
        assert_eq!(counts(&office.receipts().await), [1, 1, 1], "{version:?}");
    }
}

/// What becomes of a ticket while the controller looks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tickets {
    HandedIn,
    WrittenOn,
}

/// One run in a simulated cluster: how many receipts each ticket has at the end.
fn simulate(cluster: &Cluster, version: Version, tickets: Tickets) -> Vec<usize> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(async {
        // The cluster's time is tokio's: when all tasks wait, both jump to the next event.
        let started = Instant::now();
        let until = move |elapsed| sleep_until(started + elapsed);
        tokio::spawn(cluster.keep_pace(move || started.elapsed(), until));

        let office = Office::open(Client::new(cluster.service(), NAMESPACE), version);
        for ticket in ["a", "b", "c"] {
            office.hand_in(ticket).await;
            if tickets == Tickets::WrittenOn {
                sleep(Duration::from_secs(1)).await;
                office.write_on(ticket).await;
            }
            sleep(Duration::from_secs(5)).await;
        }
        cluster.heal();
        sleep(A_WHILE).await;
        let receipts = office.receipts().await;
        // The run has also tested the simulated servers.
        cluster.check().unwrap_or_else(|failure| panic!("{failure}"));
        counts(&receipts)
    })
}

/// Looks for a seed with which the hasty version writes two receipts for one ticket. With the same seeds, the careful
/// version never does.
fn finds_the_bug(faults: &[FaultClass], tickets: Tickets) {
    let run = |seed: u64, version: Version| {
        let cluster = Cluster::builder(seed).faults(faults).start();
        (simulate(&cluster, version, tickets), cluster)
    };
    let mut found = None;
    for seed in 0..SEEDS {
        let (counts, cluster) = run(seed, Version::Careful);
        assert_eq!(counts, [1, 1, 1], "the careful version fails:\n{}\n{}", cluster.report(), cluster.tape());
        let (counts, cluster) = run(seed, Version::Hasty);
        if found.is_none() && counts != [1, 1, 1] {
            found = Some((seed, counts, cluster));
        }
    }
    let (seed, counts, cluster) = found.expect("a seed with which the hasty version fails");
    eprintln!("the hasty version wrote {counts:?} receipts:\n{}\n{}", cluster.report(), cluster.tape());

    // The seed gives the same run again, and so does its tape.
    let (again, same) = run(seed, Version::Hasty);
    assert_eq!((again, same.digest()), (counts.clone(), cluster.digest()));
    let from_tape = |tape: &Tape| Cluster::builder(0).tape(tape).faults(faults);
    let taped = from_tape(&cluster.tape()).start();
    assert_eq!((simulate(&taped, Version::Hasty, tickets), taped.digest()), (counts, cluster.digest()));

    // The tape is shrunk to the choices that the failure needs, so that it can be read.
    let still_fails = |tape: &Tape| {
        let cluster = from_tape(tape).start();
        (simulate(&cluster, Version::Hasty, tickets) != [1, 1, 1]).then(|| cluster.tape())
    };
    let shrunk = shrink_by(&cluster.tape(), SHRINKING_RUNS, still_fails, |_, _| {}).tape;
    let cluster = from_tape(&shrunk).trace().start();
    assert_ne!(simulate(&cluster, Version::Hasty, tickets), [1, 1, 1]);
    eprintln!("what it takes:\n{shrunk}\n{}", cluster.timeline());
    assert!(shrunk.len() <= 10, "{} choices", shrunk.len());
}

/// Without an answer, it is unknown whether the request had an effect.
#[test]
fn lost_replies_make_the_hasty_version_write_two_receipts() {
    finds_the_bug(&[FaultClass::Reset], Tickets::HandedIn);
}

/// An object may exist before the watch reports it. The controller gets two changes of a ticket; when it handles the
/// second, its cache may not contain its own receipt yet.
#[test]
fn stale_caches_make_the_hasty_version_write_two_receipts() {
    finds_the_bug(&[FaultClass::SlowFeed, FaultClass::Lag, FaultClass::SlowReader], Tickets::WrittenOn);
}

/// Everything that the simulator has: servers crash, the store loses replies and its history, watches are cut.
#[test]
fn the_careful_version_holds_whatever_happens() {
    for seed in 0..SEEDS {
        let cluster = Cluster::from_seed(seed);
        assert_eq!(
            simulate(&cluster, Version::Careful, Tickets::WrittenOn),
            [1, 1, 1],
            "{}",
            cluster.report()
        );
    }
}

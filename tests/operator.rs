//! An operator's tests, as its author would write them: the controller beside the server in process.
//!
//! This is an example to copy from. `operator/controller.rs` is the controller under test, which knows
//! nothing of Steersman; `operator/faults.rs` stands between the two where a test wants something to go
//! wrong. Each test runs on one thread, with time paused: waiting costs nothing, and a test does the same
//! every time.

mod controller;
mod faults;

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, ListParams, ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Client, ResourceExt};
use serde_json::json;
use steersman_io::in_process::InProcess;

use controller::{RECEIPT, Version};
use faults::{Faults, Faulty};

const NAMESPACE: &str = "default";
/// Long after everything that a test sets off has come to its end.
const A_WHILE: Duration = Duration::from_secs(120);

/// What the test, which suffers no faults, finds at the end: for each ticket the receipt that it names,
/// and the names of those that it owns.
type Receipts = BTreeMap<String, (Option<String>, Vec<String>)>;

struct Office {
    config_maps: Api<ConfigMap>,
}

impl Office {
    /// A server with a controller that suffers the faults.
    async fn open(version: Version, faults: Faults) -> Self {
        let server = InProcess::start(1).await;
        let client = Client::new(Faulty::new(server.service(), faults), NAMESPACE);
        tokio::spawn(controller::run(client, NAMESPACE, version));
        let client = Client::new(server.service(), NAMESPACE);
        Self { config_maps: Api::default_namespaced(client) }
    }

    async fn hand_in(&self, name: &str) {
        let labels = BTreeMap::from([("app".to_owned(), "ticket".to_owned())]);
        let metadata = ObjectMeta { name: Some(name.into()), labels: Some(labels), ..ObjectMeta::default() };
        let ticket = ConfigMap { metadata, ..ConfigMap::default() };
        self.config_maps.create(&PostParams::default(), &ticket).await.expect("a ticket");
    }

    async fn write_on(&self, name: &str) {
        let patch = Patch::Merge(json!({ "data": { "urgent": "yes" } }));
        self.config_maps.patch(name, &PatchParams::default(), &patch).await.expect("a patch");
    }

    async fn receipts(&self) -> Receipts {
        tokio::time::sleep(A_WHILE).await;
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

/// How many receipts a ticket has; one of them is named on it.
fn count(receipts: &Receipts, ticket: &str) -> usize {
    let (noted, own) = &receipts[ticket];
    assert!(noted.as_ref().is_some_and(|noted| own.contains(noted)), "{ticket}: {noted:?}, {own:?}");
    own.len()
}

#[tokio::test(start_paused = true)]
async fn every_ticket_gets_one_receipt() {
    for version in [Version::Hasty, Version::Careful] {
        let office = Office::open(version, Faults::default()).await;
        for ticket in ["a", "b", "c"] {
            office.hand_in(ticket).await;
        }
        let receipts = office.receipts().await;
        let counts: Vec<usize> = receipts.keys().map(|ticket| count(&receipts, ticket)).collect();
        assert_eq!(counts, [1, 1, 1], "{version:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_reply_makes_the_hasty_version_create_two() {
    for (version, expected) in [(Version::Hasty, 2), (Version::Careful, 1)] {
        let office = Office::open(version, Faults { lose_a_reply: true, ..Faults::default() }).await;
        office.hand_in("a").await;
        assert_eq!(count(&office.receipts().await, "a"), expected, "{version:?}");
    }
}

/// The ticket is written on before the controller hears of it, so that it hears of two changes at once;
/// and of its own receipt only later.
#[tokio::test(start_paused = true)]
async fn a_stale_cache_makes_the_hasty_version_create_two() {
    for (version, expected) in [(Version::Hasty, 2), (Version::Careful, 1)] {
        let late = |label, seconds| (label, Duration::from_secs(seconds));
        let late_watches = vec![late("ticket", 10), late("receipt", 20)];
        let office = Office::open(version, Faults { late_watches, ..Faults::default() }).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        office.hand_in("a").await;
        office.write_on("a").await;
        assert_eq!(count(&office.receipts().await, "a"), expected, "{version:?}");
    }
}

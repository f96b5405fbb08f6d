//! The operator in a simulated cluster, where servers crash, the store loses replies, watches are cut, and calls of its
//! webhooks are lost.

use super::controller::{self, catalogue_name};
use super::shelf::{Book, Shelf, ShelfSpec};
use super::webhook::{self, FORBIDDEN, SIZE};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, DeleteParams, PostParams};
use kube::{Client, Error, ResourceExt};
use std::future::Future;
use std::time::Duration;
use steersman_sim::service::{Cluster, FaultClass};
use tokio::time::{Instant, sleep, sleep_until};

/// The pause before a request without an answer is repeated.
const RETRY: Duration = Duration::from_secs(2);
/// How long the operator has after the faults have ended.
const A_WHILE: Duration = Duration::from_secs(120);
const SEEDS: u64 = 6;
const NAMES: [&str; 3] = ["poems", "novels", "plays"];

/// Repeats what fails.
async fn insist<T, E, F: Future<Output = Result<T, E>>>(attempt: impl Fn() -> F) -> T {
    loop {
        match attempt().await {
            Ok(done) => return done,
            Err(_) => sleep(RETRY).await,
        }
    }
}

fn shelf(name: &str, title: &str) -> Shelf {
    let books = vec![Book { title: title.into(), author: "sappho".into() }];
    Shelf::new(name, ShelfSpec { capacity: 12, books })
}

/// One run: shelves are put up under faults, kept, and taken down under none.
async fn work(cluster: &Cluster) {
    let client = Client::new(cluster.service(), "default");
    insist(|| controller::install(&client)).await;
    insist(|| webhook::register(&client, "https://librarian.test", None)).await;
    let operator = tokio::spawn(controller::run(client.clone()));
    let shelves: Api<Shelf> = Api::default_namespaced(client.clone());
    let catalogues: Api<ConfigMap> = Api::default_namespaced(client);
    for name in NAMES {
        // Without an answer, the shelf may be there or not.
        insist(|| async {
            match shelves.create(&PostParams::default(), &shelf(name, "odes")).await {
                Err(Error::Api(status)) if !status.is_already_exists() => Err(Error::Api(status)),
                Err(Error::Api(_)) | Ok(_) => Ok(()),
                Err(error) => Err(error),
            }
        })
        .await;
        sleep(Duration::from_secs(5)).await;
    }
    cluster.heal();
    sleep(A_WHILE).await;

    let refused = shelves.create(&PostParams::default(), &shelf("secrets", FORBIDDEN)).await;
    assert!(matches!(&refused, Err(Error::Api(status)) if status.code == 400), "{refused:?}");
    for name in NAMES {
        let found = shelves.get(name).await.expect("a shelf");
        let counted = found.status.as_ref().map(|status| (status.books, Some(status.observed_generation)));
        assert_eq!(counted, Some((1, found.metadata.generation)), "{name}");
        assert_eq!(
            catalogues.get(&catalogue_name(name)).await.expect("a catalogue").data.map(|data| data.len()),
            Some(1)
        );
        shelves.delete(name, &DeleteParams::default()).await.expect("a deletion");
    }
    let last = shelves.create(&PostParams::default(), &shelf("letters", "odes")).await.expect("a shelf");
    assert_eq!(last.labels().get(SIZE).map(String::as_str), Some("large"));
    sleep(A_WHILE).await;
    for name in NAMES {
        assert!(shelves.get_opt(name).await.expect("an answer").is_none(), "{name} is still there");
        assert!(catalogues.get_opt(&catalogue_name(name)).await.expect("an answer").is_none(), "{name}");
    }
    operator.abort();
}

fn simulate(cluster: &Cluster) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(async {
        let started = Instant::now();
        let until = move |elapsed| sleep_until(started + elapsed);
        tokio::spawn(cluster.keep_pace(move || started.elapsed(), until));
        work(cluster).await;
        cluster.check().unwrap_or_else(|failure| panic!("{failure}"));
    });
}

fn librarian(seed: u64) -> steersman_sim::service::Builder {
    Cluster::builder(seed).answer_for("librarian.test", |request| webhook::answer(&request))
}

#[test]
fn an_operator_keeps_its_custom_resources_without_faults() {
    simulate(&librarian(1).faults(&[]).start());
}

#[test]
fn an_operator_keeps_its_custom_resources_whatever_happens() {
    for seed in 0..SEEDS {
        let cluster = librarian(seed).start();
        eprintln!("{cluster:?}");
        simulate(&cluster);
    }
}

/// Calls that were lost fail the request by the failure policy of the webhook, and a later attempt succeeds.
#[test]
fn lost_calls_of_webhooks_only_delay_the_operator() {
    simulate(&librarian(2).faults(&[FaultClass::Reset]).start());
}

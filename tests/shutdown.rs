//! How a server ends: not ready and still serving, then no new requests, and watches that end some at a time.

use crate::conditions::{JSON, fetch, json, server};
use steersman_core::config::JobId;
use steersman_core::machine::{Drain, Input};
use steersman_sim::driver::Driver;

const MAPS: &str = "/api/v1/namespaces/w/configmaps";
const WATCH: &str = "/api/v1/namespaces/w/configmaps?watch=1";

fn watches(driver: &mut Driver, count: usize) -> Vec<JobId> {
    (0..count).map(|_| driver.begin("GET", WATCH, JSON, b"")).collect()
}

fn open(driver: &Driver, watches: &[JobId]) -> usize {
    watches.iter().filter(|id| driver.is_open(**id)).count()
}

#[test]
fn a_server_that_is_told_to_end_serves_until_it_drains() {
    let mut driver = server("w");
    let mut ids = watches(&mut driver, 24);
    driver.give(Input::ShutdownInitiated);
    assert_eq!(fetch(&mut driver, "/readyz").status, 500);
    assert!(fetch(&mut driver, "/readyz").text().contains("[-]shutdown failed"));
    assert_eq!([fetch(&mut driver, "/livez").status, fetch(&mut driver, "/healthz").status], [200, 200]);
    assert_eq!(driver.call("POST", MAPS, JSON, br#"{"metadata":{"name":"late"}}"#).status, 201);
    ids.extend(watches(&mut driver, 1));
    driver.pass(600_000);
    assert_eq!(open(&driver, &ids), 25, "nothing ends before the drain");

    driver.give(Input::Drain(Drain::default()));
    assert_eq!(open(&driver, &ids), 15, "some watches end at once");
    driver.pass(50);
    assert_eq!(open(&driver, &ids), 5);
    driver.pass(50);
    assert_eq!(open(&driver, &ids), 0);
    for (method, target) in
        [("GET", MAPS), ("POST", MAPS), ("GET", WATCH), ("GET", "/version"), ("GET", "/apis")]
    {
        let reply = driver.call(method, target, JSON, b"{}");
        assert_eq!((reply.status, reply.header("retry-after")), (503, Some("1")), "{method} {target}");
        assert_eq!(json(&reply)["message"], "apiserver is shutting down");
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    }
    let probes = ["/livez", "/readyz", "/metrics"].map(|path| fetch(&mut driver, path).status);
    assert_eq!(probes, [200, 500, 200], "who watches the server still sees how it fares");
}

#[test]
fn watches_end_over_the_grace_period() {
    let mut driver = server("w");
    let ids = watches(&mut driver, 1_000);
    driver.give(Input::Drain(Drain { watch_grace_millis: 2_000, sends_retry_after: false }));
    let mut left = vec![open(&driver, &ids)];
    for _ in 0..4 {
        driver.pass(500);
        left.push(open(&driver, &ids));
    }
    assert_eq!(left, [975, 725, 475, 225, 0]);
}

#[test]
fn new_requests_may_be_told_to_retry() {
    let mut driver = server("w");
    driver.give(Input::Drain(Drain { watch_grace_millis: 0, sends_retry_after: true }));
    let reply = fetch(&mut driver, MAPS);
    assert_eq!((reply.status, reply.header("retry-after")), (429, Some("5")));
    assert_eq!(reply.header("connection"), Some("close"));
    assert_eq!(reply.text(), "The apiserver is shutting down, please try again later.\n");
}

#[test]
fn a_request_that_is_under_way_is_answered() {
    let mut driver = server("w");
    let id = driver.begin("GET", "/api/v1/configmaps?resourceVersion=999999", JSON, b"");
    driver.give(Input::Drain(Drain::default()));
    assert!(driver.take(id).is_none());
    driver.pass(4_000);
    assert_eq!(driver.take(id).map(|reply| reply.status), Some(504), "it waited for what did not come");
}

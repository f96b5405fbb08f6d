//! What every test shares: a server, and JSON in and out.

use serde_json::Value;
use steersman_sim::driver::{Driver, Reply, open_config};

pub(crate) const JSON: &[(&str, &str)] =
    &[("content-type", "application/json"), ("accept", "application/json")];
pub(crate) const MERGE: &[(&str, &str)] = &[("content-type", "application/merge-patch+json")];

/// A server on an empty store, with a namespace to work in.
pub(crate) fn server(namespace: &str) -> Driver {
    let mut driver = Driver::start(open_config(1));
    if !namespace.is_empty() {
        let body = serde_json::json!({"metadata": {"name": namespace}});
        let made = send(&mut driver, "POST", "/api/v1/namespaces", &body);
        assert_eq!(made.status, 201, "{}", made.text());
    }
    driver
}

pub(crate) fn send(driver: &mut Driver, method: &str, target: &str, body: &Value) -> Reply {
    driver.call(method, target, JSON, body.to_string().as_bytes())
}

pub(crate) fn fetch(driver: &mut Driver, target: &str) -> Reply {
    driver.call("GET", target, JSON, b"")
}

pub(crate) fn json(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body).unwrap_or_else(|error| panic!("{error} in {}", reply.text()))
}

/// The events of a watch's answer.
pub(crate) fn events(reply: &Reply) -> Vec<Value> {
    let lines = reply.text();
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}")))
        .collect()
}

/// `ADDED name` for each event.
pub(crate) fn told(reply: &Reply) -> Vec<String> {
    let tell = |event: &Value| {
        let kind = event["type"].as_str().unwrap_or_default();
        format!("{kind} {}", event["object"]["metadata"]["name"].as_str().unwrap_or_default())
    };
    events(reply).iter().map(tell).collect()
}

pub(crate) fn version(object: &Value) -> u64 {
    object["metadata"]["resourceVersion"].as_str().and_then(|text| text.parse().ok()).unwrap_or_default()
}

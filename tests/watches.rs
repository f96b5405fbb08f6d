//! Lists and watches as clients use them: pages, selectors, bookmarks, resumption, limits of the past.

use crate::conditions::{JSON, MERGE, events, fetch, json, send, server, told, version};
use serde_json::json;
use steersman_core::store::{LeaseId, Op, Put, Range, Txn, TxnOp};
use steersman_sim::driver::Driver;

const PLACE: &str = "/api/v1/namespaces/w/configmaps";

fn make(driver: &mut Driver, name: &str, label: &str) -> u64 {
    let made = send(
        driver,
        "POST",
        PLACE,
        &json!({"metadata": {"name": name, "labels": {"l": label}}, "data": {"k": name}}),
    );
    assert_eq!(made.status, 201, "{}", made.text());
    version(&json(&made))
}

fn relabel(driver: &mut Driver, name: &str, label: &str) -> u64 {
    let body = json!({"metadata": {"labels": {"l": label}}}).to_string();
    let changed = driver.call("PATCH", &format!("{PLACE}/{name}"), MERGE, body.as_bytes());
    assert_eq!(changed.status, 200, "{}", changed.text());
    version(&json(&changed))
}

fn watch(driver: &mut Driver, query: &str) -> steersman_core::config::JobId {
    driver.begin("GET", &format!("{PLACE}?watch=1&{query}"), JSON, b"")
}

fn seen(driver: &mut Driver, id: steersman_core::config::JobId) -> Vec<String> {
    told(&driver.take(id).unwrap_or_default())
}

#[test]
fn pages_of_one_revision_add_up_to_it() {
    let mut driver = server("w");
    for index in 0..10 {
        make(&mut driver, &format!("c{index}"), "x");
    }
    let mut names = Vec::new();
    let mut next = String::new();
    let mut revisions = Vec::new();
    for page in 0.. {
        let target = if next.is_empty() {
            format!("{PLACE}?limit=3")
        } else {
            format!("{PLACE}?limit=3&continue={next}")
        };
        let list = json(&fetch(&mut driver, &target));
        for item in list["items"].as_array().expect("items") {
            names.push(item["metadata"]["name"].as_str().expect("a name").to_owned());
        }
        revisions.push(version(&list));
        let left = 10 - names.len();
        let remaining = list["metadata"]["remainingItemCount"].as_u64().unwrap_or(0);
        assert_eq!(remaining as usize, left, "page {page}");
        // Later changes are not of the first page's revision.
        make(&mut driver, &format!("c{}-later", 5 + page), "x");
        next = list["metadata"]["continue"].as_str().unwrap_or_default().to_owned();
        if next.is_empty() {
            break;
        }
    }
    assert_eq!(names, (0..10).map(|index| format!("c{index}")).collect::<Vec<_>>());
    assert!(revisions.iter().all(|revision| *revision == revisions[0]), "{revisions:?}");
}

#[test]
fn a_page_whose_revision_was_compacted_offers_to_go_on() {
    let mut driver = server("w");
    for index in 0..6 {
        make(&mut driver, &format!("c{index}"), "x");
    }
    let list = json(&fetch(&mut driver, &format!("{PLACE}?limit=2")));
    let next = list["metadata"]["continue"].as_str().expect("a token").to_owned();
    make(&mut driver, "c9", "x");
    // Two intervals: the first only notes the revision.
    driver.pass(700_000);
    make(&mut driver, "d0", "x");
    let gone = fetch(&mut driver, &format!("{PLACE}?limit=2&continue={next}"));
    assert_eq!(gone.status, 410, "{}", gone.text());
    let gone = json(&gone);
    assert_eq!(gone["reason"], json!("Expired"));
    let inconsistent = gone["metadata"]["continue"].as_str().expect("a token that goes on").to_owned();
    let rest = json(&fetch(&mut driver, &format!("{PLACE}?continue={inconsistent}")));
    let names: Vec<_> = rest["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|item| item["metadata"]["name"].clone())
        .collect();
    assert_eq!(names, ["c2", "c3", "c4", "c5", "c9", "d0"]);
}

#[test]
fn a_selector_turns_changes_into_added_and_deleted_events() {
    let mut driver = server("w");
    make(&mut driver, "a", "in");
    make(&mut driver, "b", "out");
    let from = version(&json(&fetch(&mut driver, PLACE)));
    let id = watch(&mut driver, &format!("labelSelector=l%3Din&resourceVersion={from}"));
    relabel(&mut driver, "a", "out");
    relabel(&mut driver, "b", "in");
    relabel(&mut driver, "b", "out");
    relabel(&mut driver, "a", "in");
    driver.call("DELETE", &format!("{PLACE}/a"), JSON, b"");
    driver.call("DELETE", &format!("{PLACE}/b"), JSON, b"");
    assert_eq!(seen(&mut driver, id), ["DELETED a", "ADDED b", "DELETED b", "ADDED a", "DELETED a"]);
}

#[test]
fn a_deletion_shows_the_last_state_at_its_own_revision() {
    let mut driver = server("w");
    let made = make(&mut driver, "a", "in");
    let id = watch(&mut driver, &format!("resourceVersion={made}"));
    driver.call("DELETE", &format!("{PLACE}/a"), JSON, b"");
    let event = events(&driver.take(id).unwrap_or_default()).remove(0);
    assert_eq!(event["type"], json!("DELETED"));
    assert_eq!(event["object"]["data"]["k"], json!("a"));
    assert!(version(&event["object"]) > made);
}

#[test]
fn initial_events_end_with_a_bookmark() {
    let mut driver = server("w");
    make(&mut driver, "a", "x");
    make(&mut driver, "b", "x");
    let query = "sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan";
    let id = watch(&mut driver, query);
    let first = events(&driver.take(id).unwrap_or_default());
    assert_eq!(first.len(), 3);
    assert_eq!(first[2]["type"], json!("BOOKMARK"));
    assert_eq!(first[2]["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], json!("true"));
    let upto = version(&first[2]["object"]);
    assert!(first[..2].iter().all(|event| version(&event["object"]) <= upto));
    relabel(&mut driver, "a", "y");
    assert_eq!(seen(&mut driver, id), ["MODIFIED a"]);
    // A watch without news hears from time to time how far it is.
    make(&mut driver, "c", "x");
    seen(&mut driver, id);
    driver.pass(61_000);
    assert_eq!(seen(&mut driver, id), ["BOOKMARK "]);
}

#[test]
fn a_watch_from_before_the_window_gets_410() {
    let mut driver = server("w");
    let first = make(&mut driver, "a", "x");
    for index in 0..300 {
        relabel(&mut driver, "a", &format!("v{index}"));
        driver.pass(1000);
    }
    let id = watch(&mut driver, &format!("resourceVersion={first}"));
    let error = events(&driver.take(id).unwrap_or_default()).remove(0);
    assert_eq!(error["type"], json!("ERROR"));
    assert_eq!(error["object"]["code"], json!(410));
    assert_eq!(error["object"]["reason"], json!("Expired"));
    assert!(!driver.is_open(id));
}

#[test]
fn a_watch_ends_when_its_time_is_over() {
    let mut driver = server("w");
    let id = watch(&mut driver, "timeoutSeconds=5");
    driver.pass(4_000);
    assert!(driver.is_open(id));
    driver.pass(2_000);
    assert!(!driver.is_open(id));
}

#[test]
fn a_list_at_a_past_revision_is_as_it_was() {
    let mut driver = server("w");
    make(&mut driver, "a", "x");
    let then = make(&mut driver, "b", "x");
    make(&mut driver, "c", "x");
    driver.call("DELETE", &format!("{PLACE}/a"), JSON, b"");
    let list =
        json(&fetch(&mut driver, &format!("{PLACE}?resourceVersion={then}&resourceVersionMatch=Exact")));
    assert_eq!(version(&list), then);
    let names: Vec<_> = list["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|item| item["metadata"]["name"].clone())
        .collect();
    assert_eq!(names, ["a", "b"]);
    let ahead = fetch(&mut driver, &format!("{PLACE}?resourceVersion=99999999"));
    assert_eq!(ahead.status, 0, "it waits a while for that revision");
}

#[test]
fn a_revision_that_is_not_reached_is_too_large() {
    let mut driver = server("w");
    let id = driver.begin("GET", &format!("{PLACE}?resourceVersion=99999999"), JSON, b"");
    driver.pass(3_500);
    let reply = driver.take(id).expect("an answer after the wait");
    assert_eq!(reply.status, 504);
    assert_eq!(json(&reply)["details"]["causes"][0]["reason"], json!("ResourceVersionTooLarge"));
}

/// A client that stops reading is not thrown out: it gets the rest when it reads again, also when its
/// queue ran full in the middle of a revision that changed several objects.
#[test]
fn a_slow_watcher_misses_nothing() {
    let mut driver = server("w");
    for index in 0..37 {
        make(&mut driver, &format!("c{index}"), "x");
    }
    let from = version(&json(&fetch(&mut driver, PLACE)));
    let slow = watch(&mut driver, &format!("resourceVersion={from}"));
    let quick = watch(&mut driver, &format!("resourceVersion={from}"));
    driver.stop_reading(slow);
    let listed = driver.etcd_mut().mvcc().range(&everything()).expect("a range");
    let ours = |kv: &&steersman_core::store::KeyValue| kv.key.starts_with(b"/registry/configmaps/w/");
    let kvs: Vec<_> = listed.kvs.iter().filter(ours).cloned().collect();
    for round in 0..30 {
        let puts = kvs.iter().map(|kv| {
            let value = String::from_utf8_lossy(&kv.value).replace("\"x\"", &format!("\"r{round}\""));
            TxnOp::Put(Put { key: kv.key.clone(), value: value.into_bytes().into(), lease: LeaseId(0) })
        });
        let txn = Txn { then: puts.collect(), ..Txn::default() };
        let now = driver.now().mono;
        driver.etcd_mut().perform(now, &Op::Txn(txn));
        driver.pass(1);
    }
    driver.read_again(slow);
    let (slow, quick) = (seen(&mut driver, slow), seen(&mut driver, quick));
    assert_eq!(quick.len(), 37 * 30);
    assert_eq!(slow, quick);
}

fn everything() -> Range {
    Range { key: "/".into(), end: Some("0".into()), ..Range::default() }
}

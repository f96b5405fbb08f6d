//! A store that is listed page by page: others are served meanwhile, and see all of the listing or nothing of it.

use crate::conditions::{JSON, events, fetch, json};
use serde_json::json;
use steersman_core::config::Note;
use steersman_core::limits::{WATCHES_ENDED_AT_ONCE, WATCHES_ENDED_PAUSE_MILLIS};
use steersman_core::machine::Input;
use steersman_core::store::{Feed, Op, Put, Rev, Stored, Txn, TxnOp, Why};
use steersman_sim::driver::{Driver, open_config};
use steersman_sim::etcd::FakeEtcd;

const PLACE: &str = "/api/v1/namespaces/default/configmaps?resourceVersion=0";

fn write(etcd: &mut FakeEtcd, name: &str) {
    let object =
        json!({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": name, "namespace": "default"}});
    let key = format!("/registry/configmaps/default/{name}").into();
    let put = Put { key, value: object.to_string().into(), lease: Default::default() };
    let txn = Txn { then: vec![TxnOp::Put(put)], ..Txn::default() };
    let stored = etcd.perform(steersman_core::now::Mono(1), &Op::Txn(txn));
    assert!(matches!(stored, Stored::Txn(_)), "{stored:?}");
}

fn names(driver: &mut Driver) -> Vec<String> {
    let reply = fetch(driver, PLACE);
    assert_eq!(reply.status, 200, "{}", reply.text());
    let list = json(&reply);
    let items = list["items"].as_array().expect("a list").iter();
    items.map(|item| item["metadata"]["name"].as_str().unwrap_or_default().to_owned()).collect()
}

fn listed(driver: &Driver) -> usize {
    driver.notes.iter().filter(|note| matches!(note, Note::Listed { .. })).count()
}

#[test]
fn requests_are_served_between_the_pages_of_a_listing() {
    let mut config = open_config(1);
    config.bounds.relist_page = 2;
    let mut etcd = FakeEtcd::new();
    ["a", "b", "c"].iter().for_each(|name| write(&mut etcd, name));
    let mut driver = Driver::start_on(config, etcd);
    assert_eq!(names(&mut driver), ["a", "b", "c"]);
    let watch = driver.begin("GET", "/api/v1/configmaps?watch=1", JSON, b"");
    driver.hold_pages();
    driver.give(Input::Lost(Feed(0), Why::Compacted { compact_revision: Rev(1) }));
    driver.pass(1);
    let mut pages = 0;
    while listed(&driver) == 1 {
        assert_eq!(names(&mut driver), ["a", "b", "c"], "after {pages} pages");
        assert_eq!(fetch(&mut driver, "/livez").status, 200);
        assert!(driver.is_open(watch), "watches end when the listing is served, after {pages} pages");
        assert!(driver.decode_page(), "a page waits");
        pages += 1;
    }
    assert!(pages > 1, "the listing takes several pages");
    assert!(!driver.is_open(watch), "changes may have been missed");
    assert_eq!(names(&mut driver), ["a", "b", "c"]);
    let after = driver.begin("GET", "/api/v1/configmaps?watch=1&resourceVersion=0", JSON, b"");
    let names: Vec<_> = events(&driver.take(after).unwrap_or_default());
    assert_eq!(names.len(), 3);
}

/// What is written while a store is listed is not in the pages, which are all of one revision, but follows them.
#[test]
fn what_is_written_during_a_listing_follows_it() {
    let mut config = open_config(1);
    config.bounds.relist_page = 2;
    let mut driver = Driver::start_on(config, FakeEtcd::new());
    driver.hold_pages();
    driver.give(Input::Lost(Feed(0), Why::Compacted { compact_revision: Rev(1) }));
    driver.pass(1);
    write(driver.etcd_mut(), "late");
    while driver.decode_page() {}
    assert_eq!(listed(&driver), 2);
    assert_eq!(names(&mut driver), ["late"]);
}

/// Closing a watch takes a while, so many are closed some at a time. None of them is sent anything after the changes
/// that it has missed.
#[test]
fn many_watches_are_closed_some_at_a_time_when_a_store_was_listed_anew() {
    const MANY: usize = 2 * WATCHES_ENDED_AT_ONCE + 50;
    let mut driver = Driver::start_on(open_config(1), FakeEtcd::new());
    let watches: Vec<_> =
        (0..MANY).map(|_| driver.begin("GET", "/api/v1/configmaps?watch=1", JSON, b"")).collect();
    let open = |driver: &Driver| watches.iter().filter(|id| driver.is_open(**id)).count();
    assert_eq!(open(&driver), MANY);
    driver.give(Input::Lost(Feed(0), Why::Compacted { compact_revision: Rev(1) }));
    driver.give(Input::Tick);
    assert_eq!((listed(&driver), open(&driver)), (2, MANY - WATCHES_ENDED_AT_ONCE));
    let made = json!({"metadata": {"name": "late"}}).to_string();
    let made = driver.call("POST", "/api/v1/namespaces/default/configmaps", JSON, made.as_bytes());
    assert_eq!(made.status, 201, "{}", made.text());
    let late = driver.begin("GET", "/api/v1/configmaps?watch=1&resourceVersion=0", JSON, b"");
    for left in [MANY - 2 * WATCHES_ENDED_AT_ONCE, 0] {
        driver.pass(WATCHES_ENDED_PAUSE_MILLIS);
        assert_eq!(open(&driver), left);
    }
    for id in watches {
        assert_eq!(driver.take(id).map(|reply| reply.text()), Some(String::new()));
    }
    assert!(driver.is_open(late), "a watch that began afterwards stays");
    driver.machine().check();
}

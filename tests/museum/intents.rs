//! Bugs by which a request changes more than it asks to change.

use super::{Flaw, KEYS, PLACE, make, put, server};
use crate::conditions::{JSON, MERGE, fetch, json, send};
use bytes::Bytes;
use serde_json::json;
use steersman_core::now::Mono;
use steersman_core::store::{Op, Range, Txn};

/// While the first object is deleted, another writer takes the second one out of the selection.
pub(super) fn selection_forgotten(flaw: Flaw) -> bool {
    let mut driver = server(flaw);
    make(&mut driver, "a", "x");
    make(&mut driver, "b", "x");
    driver.lose_next_write_before(|etcd| {
        let key = Bytes::from(format!("{KEYS}b"));
        let held = etcd.mvcc().range(&Range { key, ..Range::default() }).expect("a range");
        let text = String::from_utf8_lossy(&held.kvs[0].value).replace("\"l\":\"x\"", "\"l\":\"y\"");
        etcd.perform(
            Mono(1),
            &Op::Txn(Txn { then: vec![put(&format!("{KEYS}b"), &text)], ..Txn::default() }),
        );
    });
    let deleted = driver.call("DELETE", &format!("{PLACE}?labelSelector=l%3Dx"), JSON, b"");
    assert_eq!(deleted.status, 200, "{}", deleted.text());
    fetch(&mut driver, &format!("{PLACE}/b")).status == 404
}

pub(super) fn dry_run_stored(flaw: Flaw) -> bool {
    let mut driver = server(flaw);
    make(&mut driver, "a", "x");
    let tried = driver.call("PATCH", &format!("{PLACE}/a?dryRun=All"), MERGE, br#"{"data":{"k":"new"}}"#);
    assert_eq!(json(&tried)["data"]["k"], "new", "{}", tried.text());
    json(&fetch(&mut driver, &format!("{PLACE}/a")))["data"]["k"] == "new"
}

pub(super) fn grace_forgotten(flaw: Flaw) -> bool {
    let mut driver = server(flaw);
    let pods = "/api/v1/namespaces/w/pods";
    let body = json!({"metadata": {"name": "a"},
        "spec": {"nodeName": "n", "containers": [{"name": "c", "image": "i"}]}});
    assert_eq!(send(&mut driver, "POST", pods, &body).status, 201);
    let deleted = driver.call("DELETE", &format!("{pods}/a"), JSON, b"");
    assert_eq!(deleted.status, 200, "{}", deleted.text());
    fetch(&mut driver, &format!("{pods}/a")).status == 404
}

//! What becomes of a write whose reply is lost, and of the objects that are written together.

use crate::conditions::{JSON, MERGE, fetch, json, send, server, version};
use bytes::Bytes;
use serde_json::json;
use std::collections::BTreeSet;
use steersman_core::machine::Input;
use steersman_core::now::Mono;
use steersman_core::store::{LeaseId, Op, Put, Range, Rev, Stored, Txn, TxnOp};
use steersman_sim::driver::{Driver, ReplyLoss, open_config};
use steersman_sim::etcd::FakeEtcd;

const PLACE: &str = "/api/v1/namespaces/w/configmaps";
const ONE: &str = "/api/v1/namespaces/w/configmaps/a";
const KEY: &str = "/registry/configmaps/w/a";

fn write(etcd: &mut FakeEtcd, op: TxnOp) {
    let op = Op::Txn(Txn { then: vec![op], ..Txn::default() });
    assert!(matches!(etcd.perform(Mono(1), &op), Stored::Txn(_)));
}

fn held(etcd: &FakeEtcd, key: &str) -> Option<(Rev, String)> {
    let range = Range { key: Bytes::copy_from_slice(key.as_bytes()), ..Range::default() };
    let kv = etcd.mvcc().range(&range).expect("the newest can be read").kvs.pop()?;
    Some((kv.mod_revision, String::from_utf8_lossy(&kv.value).into_owned()))
}

/// Another client changes the object.
fn change(etcd: &mut FakeEtcd) {
    let (_, text) = held(etcd, KEY).expect("the object is there");
    let value = text.replace("mine", "theirs").replace("old", "theirs").into();
    write(etcd, TxnOp::Put(Put { key: KEY.into(), value, lease: LeaseId(0) }));
}

fn remove(etcd: &mut FakeEtcd) {
    write(etcd, TxnOp::Delete { key: KEY.into(), end: None });
}

/// A server with one object.
fn with_object() -> Driver {
    let mut driver = server("w");
    let made = send(&mut driver, "POST", PLACE, &json!({"metadata": {"name": "a"}, "data": {"k": "old"}}));
    assert_eq!(made.status, 201, "{}", made.text());
    driver
}

fn data(driver: &mut Driver) -> serde_json::Value {
    json(&fetch(driver, ONE))["data"]["k"].clone()
}

#[test]
fn a_creation_is_told_although_the_object_has_changed_since() {
    let mut driver = server("w");
    driver.lose_next_write_before(change);
    let made = send(&mut driver, "POST", PLACE, &json!({"metadata": {"name": "a"}, "data": {"k": "mine"}}));
    assert_eq!(made.status, 201, "{}", made.text());
    let made = json(&made);
    let now = json(&fetch(&mut driver, ONE));
    assert_eq!((&made["data"]["k"], &now["data"]["k"]), (&json!("mine"), &json!("theirs")));
    assert_eq!(made["metadata"]["uid"], now["metadata"]["uid"]);
    assert!(version(&made) < version(&now), "it is shown as it was created");
}

#[test]
fn a_creation_that_is_not_found_may_still_happen() {
    for other in [remove as fn(&mut FakeEtcd), |etcd| {
        remove(etcd);
        let value =
            r#"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a","namespace":"w","uid":"u"}}"#;
        write(etcd, TxnOp::Put(Put { key: KEY.into(), value: value.into(), lease: LeaseId(0) }));
    }] {
        let mut driver = server("w");
        driver.lose_next_write_before(other);
        let made = send(&mut driver, "POST", PLACE, &json!({"metadata": {"name": "a"}}));
        assert_eq!(made.status, 504, "{}", made.text());
        assert!(made.text().contains("the outcome of the request is not known"), "{}", made.text());
    }
}

#[test]
fn an_update_is_found_in_the_history_of_its_object() {
    let mut driver = with_object();
    driver.lose_next_write_before(|etcd| {
        change(etcd);
        change(etcd);
    });
    let patched = driver.call("PATCH", ONE, MERGE, br#"{"data":{"k":"mine"}}"#);
    assert_eq!((patched.status, &json(&patched)["data"]["k"]), (200, &json!("mine")), "{}", patched.text());
    assert_eq!(data(&mut driver), json!("theirs"), "it was not written again over the others' changes");
}

#[test]
fn an_update_is_found_although_the_object_has_gone_since() {
    let mut driver = with_object();
    driver.lose_next_write_before(remove);
    let patched = driver.call("PATCH", ONE, MERGE, br#"{"data":{"k":"mine"}}"#);
    assert_eq!((patched.status, &json(&patched)["data"]["k"]), (200, &json!("mine")), "{}", patched.text());
    assert_eq!(fetch(&mut driver, ONE).status, 404);
}

#[test]
fn an_update_that_did_not_happen_is_made_again() {
    let mut driver = with_object();
    driver.lose_next_write(ReplyLoss::BeforeEffect);
    let patched = driver.call("PATCH", ONE, MERGE, br#"{"data":{"k":"mine"}}"#);
    assert_eq!(patched.status, 200, "{}", patched.text());
    assert_eq!(data(&mut driver), json!("mine"));
}

#[test]
fn forgotten_history_leaves_an_update_unknown() {
    let mut driver = with_object();
    driver.lose_next_write_before(|etcd| {
        change(etcd);
        change(etcd);
        let revision = etcd.mvcc().revision();
        assert_eq!(etcd.perform(Mono(1), &Op::Compact(revision)), Stored::Compacted);
    });
    let patched = driver.call("PATCH", ONE, MERGE, br#"{"data":{"k":"mine"}}"#);
    assert_eq!(patched.status, 504, "{}", patched.text());
}

#[test]
fn a_deletion_is_told_although_the_name_was_taken_since() {
    let object = |uid: &str| {
        let text = format!(
            r#"{{"kind":"ConfigMap","apiVersion":"v1","metadata":{{"name":"a","namespace":"w","uid":"{uid}"}}}}"#
        );
        TxnOp::Put(Put { key: KEY.into(), value: text.into(), lease: LeaseId(0) })
    };
    let mut driver = server("w");
    // The server has not received it, so it reads the store.
    write(driver.etcd_mut(), object("1"));
    driver.lose_next_write_before(|etcd| {
        let value =
            r#"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a","namespace":"w","uid":"2"}}"#;
        write(etcd, TxnOp::Put(Put { key: KEY.into(), value: value.into(), lease: LeaseId(0) }));
    });
    let gone = driver.call("DELETE", ONE, JSON, b"");
    assert_eq!(gone.status, 200, "{}", gone.text());
    assert_eq!(json(&gone)["details"]["uid"], json!("1"), "{}", gone.text());
    assert_eq!(json(&fetch(&mut driver, ONE))["metadata"]["uid"], json!("2"), "the new object stays");
}

#[test]
fn the_service_of_the_server_comes_with_its_endpoints() {
    let driver = Driver::start(open_config(1));
    let keys = [
        "/registry/services/specs/default/kubernetes",
        "/registry/services/endpoints/default/kubernetes",
        "/registry/endpointslices/default/kubernetes",
    ];
    let revisions: BTreeSet<Rev> =
        keys.iter().map(|key| held(driver.etcd(), key).expect("it is made").0).collect();
    assert_eq!(revisions.len(), 1, "one commit");
}

#[test]
fn what_another_server_has_made_at_its_start_is_left_alone() {
    let mut etcd = Driver::start(open_config(1)).into_etcd();
    let keys = ["/registry/services/endpoints/default/kubernetes", "/registry/namespaces/kube-system"];
    let before: Vec<_> = keys.iter().map(|key| held(&etcd, key)).collect();
    for key in ["/registry/services/specs/default/kubernetes", "/registry/namespaces/kube-public"] {
        write(&mut etcd, TxnOp::Delete { key: key.into(), end: None });
    }
    let mut driver = Driver::start_on(open_config(2), etcd);
    let after: Vec<_> = keys.iter().map(|key| held(driver.etcd(), key)).collect();
    assert_eq!(before, after);
    assert_eq!(fetch(&mut driver, "/api/v1/namespaces/kube-public").status, 200);
    assert_eq!(fetch(&mut driver, "/api/v1/namespaces/default/services/kubernetes").status, 200);
}

#[test]
fn objects_of_the_start_whose_reply_is_lost_are_found() {
    let mut driver = Driver::unstarted(open_config(1), FakeEtcd::new());
    driver.lose_next_write(ReplyLoss::AfterEffect);
    driver.give(Input::Start);
    assert_eq!(driver.call("GET", "/readyz", JSON, b"").status, 200, "without another attempt");
}

#[test]
fn internal_objects_are_followed_and_not_served() {
    let mut driver = server("w");
    let key = "/registry/ranges/servicenodeports";
    let value = r#"{"kind":"RangeAllocation","apiVersion":"v1","metadata":{"name":"servicenodeports","uid":"u"},"range":"30000-32767","data":"AA=="}"#;
    write(driver.etcd_mut(), TxnOp::Put(Put { key: key.into(), value: value.into(), lease: LeaseId(0) }));
    driver.pass(1);
    let world = driver.machine().world();
    let row = world.registry.internal("servicenodeportallocations").expect("a row");
    let entry = world.entry(row.id, key.as_bytes()).expect("it is followed");
    assert_eq!(entry.name(), "servicenodeports");
    for target in
        ["/api/v1/servicenodeportallocations", "/api/v1/servicenodeportallocations/servicenodeports"]
    {
        assert_eq!(fetch(&mut driver, target).status, 404, "{target}");
    }
    assert!(!fetch(&mut driver, "/api/v1").text().contains("servicenodeportallocations"));
    assert!(!fetch(&mut driver, "/openapi/v3/api/v1").text().contains("RangeAllocation"));
    assert_eq!(fetch(&mut driver, "/readyz").status, 200);
}

#[test]
fn times_of_managed_fields_alone_change_nothing() {
    let mut driver = server("w");
    let made = send(&mut driver, "POST", PLACE, &json!({"metadata": {"name": "a"}, "data": {"k": "old"}}));
    assert_eq!(made.status, 201, "{}", made.text());
    let mut entries = json(&made)["metadata"]["managedFields"].clone();
    entries[0]["time"] = json!("2024-02-02T00:00:00Z");
    let object =
        |data: &str| json!({"metadata": {"name": "a", "managedFields": entries}, "data": {"k": data}});
    let times = |reply: &steersman_sim::driver::Reply| {
        let object = json(reply);
        (version(&object), object["metadata"]["managedFields"][0]["time"].clone())
    };
    let same = send(&mut driver, "PUT", ONE, &object("old"));
    assert_eq!(times(&same), times(&made), "{}", same.text());
    let entry = json!({"manager": "m", "operation": "Update", "apiVersion": "v1", "time": "2024-02-02T00:00:00Z",
        "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {}}});
    let other = json!({"metadata": {"name": "a", "managedFields": [entry]}, "data": {"k": "old"}});
    let (now, time) = times(&send(&mut driver, "PUT", ONE, &other));
    assert!(now > times(&made).0 && time == json!("2024-02-02T00:00:00Z"), "{time}");
}

//! Stored values that cannot be read must not be reported as deleted.

use bytes::Bytes;
use serde_json::json;
use steersman_core::codec::base64;
use steersman_core::config::Note;
use steersman_core::machine::Input;
use steersman_core::store::{Feed, Op, Put, Txn, TxnOp};
use steersman_sim::driver::{Driver, open_config};
use steersman_sim::etcd::FakeEtcd;

use crate::conditions::{MERGE, events, fetch, json as value_of, send, server};

const MAPS: &str = "/api/v1/namespaces/ns/configmaps";
const KEY: &str = "/registry/configmaps/ns/a";

/// What is stored, and upstream's words for why it cannot be read.
const UNREADABLE: &[(&[u8], &str)] = &[
    (
        br#"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"}}"#,
        "converting (v1.Pod) to (core.ConfigMap): unknown conversion",
    ),
    (
        br#"{"kind":"Foo","apiVersion":"foo/v1","metadata":{"name":"a"}}"#,
        "no kind \"Foo\" is registered for version \"foo/v1\" in scheme \
         \"pkg/api/legacyscheme/scheme.go:30\"",
    ),
    (
        b"k8s:enc:aescbc:v1:k:xxx",
        "Internal error occurred: identity transformer tried to read encrypted data",
    ),
    (b"garbage", ""),
    (b"k8s\0garbage", ""),
];

fn store(driver: &mut Driver, value: Option<&[u8]>) {
    store_at(driver, KEY, value);
}

fn store_at(driver: &mut Driver, key: &'static str, value: Option<&[u8]>) {
    let key = Bytes::from_static(key.as_bytes());
    let op = match value {
        Some(value) => {
            TxnOp::Put(Put { key, value: Bytes::copy_from_slice(value), lease: Default::default() })
        }
        None => TxnOp::Delete { key, end: None },
    };
    let now = driver.now().mono;
    driver.etcd_mut().perform(now, &Op::Txn(Txn { then: vec![op], ..Txn::default() }));
    driver.pass(1);
}

fn put_map(driver: &mut Driver, name: &str) {
    let made = send(driver, "POST", MAPS, &json!({"metadata": {"name": name}}));
    assert_eq!(made.status, 201, "{}", made.text());
}

#[test]
fn unreadable_values_fail_requests_and_do_not_count_as_deleted() {
    for (stored, why) in UNREADABLE {
        let mut driver = server("ns");
        put_map(&mut driver, "a");
        put_map(&mut driver, "b");
        let before = value_of(&fetch(&mut driver, MAPS))["metadata"]["resourceVersion"].clone();
        let before = before.as_str().unwrap_or_default();
        let watch = driver.begin("GET", &format!("{MAPS}?watch=1&resourceVersion={before}"), &[], b"");
        store(&mut driver, Some(stored));
        let told = driver.take(watch).expect("the watch has begun");
        let told = events(&told);
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!((&told[0]["type"], &told[0]["object"]["code"]), (&json!("ERROR"), &json!(500)));
        assert!(!driver.is_open(watch), "it could not go on without a gap");
        let object = format!("{MAPS}/a");
        let fails = [
            ("GET", object.clone()),
            ("GET", format!("{object}?resourceVersion=0")),
            ("GET", MAPS.to_owned()),
            ("GET", format!("{MAPS}?resourceVersion=0")),
            ("GET", format!("{MAPS}?labelSelector=a%3Db")),
            ("GET", "/api/v1/configmaps?limit=1".to_owned()),
            ("GET", format!("{MAPS}?watch=1")),
            ("GET", format!("{MAPS}?watch=1&resourceVersion={before}")),
            ("DELETE", object.clone()),
            ("DELETE", MAPS.to_owned()),
        ];
        for (method, target) in fails {
            let reply = driver.call(method, &target, &[], b"");
            assert_eq!(reply.status, 500, "{method} {target}: {}", reply.text());
            let message = reply.value().text_at(&["message"]);
            assert!(message == *why || why.is_empty() && !message.is_empty(), "{method} {target}: {message}");
        }
        let patched = driver.call("PATCH", &object, MERGE, br#"{"data": {"k": "v"}}"#);
        assert_eq!(patched.status, 500, "{}", patched.text());
        let made = send(&mut driver, "POST", MAPS, &json!({"metadata": {"name": "a"}}));
        assert_eq!(value_of(&made)["reason"], "AlreadyExists");
        // What is beside it can still be had by name.
        assert_eq!(fetch(&mut driver, &format!("{MAPS}/b")).status, 200);
        assert_eq!(fetch(&mut driver, "/api/v1/namespaces/default/configmaps").status, 200);

        store(&mut driver, None);
        let listed = fetch(&mut driver, MAPS);
        assert_eq!(value_of(&listed)["items"].as_array().map(Vec::len), Some(1), "{}", listed.text());
        // Who watched from before cannot be told what happened.
        let resumed = driver.call("GET", &format!("{MAPS}?watch=1&resourceVersion={before}"), &[], b"");
        assert_eq!(events(&resumed)[0]["object"]["code"], 410, "{}", resumed.text());
    }
}

#[test]
fn a_server_that_finds_unreadable_values_is_not_ready_and_says_why() {
    let mut driver = server("ns");
    store(&mut driver, Some(b"k8s:enc:aescbc:v1:k:xxx"));
    assert_eq!(fetch(&mut driver, "/readyz").status, 200, "what comes later fails by itself");
    let etcd: FakeEtcd = driver.into_etcd();
    let mut driver = Driver::start_on(open_config(2), etcd);
    let ready = fetch(&mut driver, "/readyz?verbose");
    assert_eq!(ready.status, 500);
    assert!(
        ready.text().contains("[-]poststarthook/storage-readiness failed: reason withheld"),
        "{}",
        ready.text()
    );
    let check = fetch(&mut driver, "/readyz/poststarthook/storage-readiness").text();
    assert!(check.contains(KEY) && check.contains("encrypted data"), "{check}");
    let noted = driver.notes.iter().any(|note| matches!(note, Note::Undecodable { key, .. } if key == KEY));
    assert!(noted, "the log says it too");
    store(&mut driver, None);
    assert_eq!(fetch(&mut driver, "/readyz").status, 200);
}

#[test]
fn protobuf_values_are_read_and_written_anew_as_json() {
    let mut driver = server("ns");
    let encoded =
        "azhzAAoPCgJ2MRIJQ29uZmlnTWFwEi0KHgoBYRIAGgJucyIAKgVteXVpZDIAQgBaBgoBbBIBdhILCgNrZXkSBHdvcmQaACIA";
    store(&mut driver, Some(&base64::decode(encoded).expect("base64")));
    let read = value_of(&fetch(&mut driver, &format!("{MAPS}/a")));
    assert_eq!(read["data"], json!({"key": "word"}), "{read}");
    let mut metadata = read["metadata"].clone();
    let fields = metadata.as_object_mut().expect("there is metadata");
    fields.remove("resourceVersion");
    fields.remove("creationTimestamp");
    // Protobuf writes empty texts too.
    assert_eq!(metadata, json!({"name": "a", "namespace": "ns", "uid": "myuid", "labels": {"l": "v"}}));
    assert_eq!(read["kind"], "ConfigMap");
    let listed = value_of(&fetch(&mut driver, &format!("{MAPS}?labelSelector=l%3Dv")));
    assert_eq!(listed["items"][0]["data"], json!({"key": "word"}), "{listed}");
    let patched = driver.call("PATCH", &format!("{MAPS}/a"), MERGE, br#"{"data": {"more": "words"}}"#);
    assert_eq!(patched.status, 200, "{}", patched.text());
    assert_eq!(value_of(&patched)["data"], json!({"key": "word", "more": "words"}));
    assert_eq!(driver.call("DELETE", &format!("{MAPS}/a"), &[], b"").status, 200);
}

/// A field of a protobuf message that holds bytes, fewer than 128 of them.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    assert!(bytes.len() < 128, "the length takes one byte");
    [&[number << 3 | 2, bytes.len() as u8], bytes].concat()
}

/// An object as kube-apiserver stores it: name and namespace, and the rest of its message.
fn as_protobuf(api_version: &str, kind: &str, rest: &[u8]) -> Vec<u8> {
    let metadata = field(1, &[field(1, b"a"), field(3, b"ns")].concat());
    let types = field(1, &[field(1, api_version.as_bytes()), field(2, kind.as_bytes())].concat());
    [b"k8s\0".to_vec(), types, field(2, &[&metadata, rest].concat())].concat()
}

#[test]
fn stored_values_get_the_defaults_that_they_lack() {
    let mut driver = server("ns");
    // Protobuf has no place for the kinds of claims.
    let claim = field(4, &field(1, &field(1, b"data")));
    store_at(
        &mut driver,
        "/registry/statefulsets/ns/a",
        Some(&as_protobuf("apps/v1", "StatefulSet", &field(2, &claim))),
    );
    let read = value_of(&fetch(&mut driver, "/apis/apps/v1/namespaces/ns/statefulsets/a"));
    let claim = &read["spec"]["volumeClaimTemplates"][0];
    assert_eq!(
        (&claim["kind"], &claim["apiVersion"]),
        (&json!("PersistentVolumeClaim"), &json!("v1")),
        "{read}"
    );
    assert_eq!(claim["status"]["phase"], "Pending", "{read}");
    assert_eq!(read["spec"]["podManagementPolicy"], "OrderedReady", "{read}");
    let claim =
        br#"{"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{"name":"a","namespace":"ns"},"spec":{}}"#;
    store_at(&mut driver, "/registry/persistentvolumeclaims/ns/a", Some(claim));
    let listed = value_of(&fetch(&mut driver, "/api/v1/namespaces/ns/persistentvolumeclaims"));
    assert_eq!(listed["items"][0]["spec"]["volumeMode"], "Filesystem", "{listed}");
    assert_eq!(listed["items"][0]["status"]["phase"], "Pending", "{listed}");
}

#[test]
fn raw_json_in_protobuf_values_stays_as_it_was_written() {
    let mut driver = server("ns");
    let raw = r#"{"b":1,"a":12345678901234567890,"c":{"z":1.0,"y":2}}"#;
    let value = as_protobuf("apps/v1", "ControllerRevision", &field(2, &field(1, raw.as_bytes())));
    store_at(&mut driver, "/registry/controllerrevisions/ns/a", Some(&value));
    let read = fetch(&mut driver, "/apis/apps/v1/namespaces/ns/controllerrevisions/a");
    assert!(read.text().contains(&format!(r#""data":{raw}"#)), "{}", read.text());
}

#[test]
fn health_checks_report_the_state_of_the_store() {
    let mut driver = server("");
    for path in ["/livez", "/readyz", "/healthz"] {
        assert_eq!(fetch(&mut driver, path).status, 200, "{path}");
    }
    let why = "error getting data from etcd: context deadline exceeded";
    driver.give(Input::Health(Feed(0), Err(why.into())));
    for path in ["/livez", "/readyz", "/healthz"] {
        let reply = fetch(&mut driver, path);
        assert_eq!(reply.status, 500, "{path}");
        assert!(reply.text().contains("[-]etcd failed: reason withheld\n"), "{}", reply.text());
    }
    assert_eq!(fetch(&mut driver, "/livez/etcd").text(), format!("internal server error: {why}\n"));
    driver.give(Input::Health(Feed(0), Ok(())));
    assert_eq!(fetch(&mut driver, "/readyz").status, 200);
}

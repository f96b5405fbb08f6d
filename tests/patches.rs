//! What a patch may do to what an object is.

use crate::conditions::{MERGE, fetch, json, send, server};
use serde_json::json;

const PLACE: &str = "/api/v1/namespaces/n/configmaps";

/// A patch that takes the kind away does not store an object without one. Found by the simulator: a server that
/// listed the store anew held other bytes than the store.
#[test]
fn an_object_stays_what_it_is() {
    let mut driver = server("n");
    assert_eq!(send(&mut driver, "POST", PLACE, &json!({"metadata": {"name": "a"}})).status, 201);
    let bare = json!({"kind": null, "apiVersion": null, "data": {"k": "v"}}).to_string();
    let patched = driver.call("PATCH", &format!("{PLACE}/a"), MERGE, bare.as_bytes());
    assert_eq!((patched.status, &json(&patched)["kind"]), (200, &json!("ConfigMap")), "{}", patched.text());
    let read = json(&fetch(&mut driver, &format!("{PLACE}/a")));
    assert_eq!((&read["kind"], &read["apiVersion"]), (&json!("ConfigMap"), &json!("v1")));
    let key = b"/registry/configmaps/n/a".to_vec();
    let range = steersman_core::store::Range { key: key.into(), ..Default::default() };
    let held = driver.etcd().mvcc().range(&range).expect("the key can be read").kvs;
    let stored = String::from_utf8_lossy(&held[0].value).into_owned();
    assert!(stored.starts_with(r#"{"kind":"ConfigMap","apiVersion":"v1","#), "{stored}");
}

#[test]
fn a_patch_to_another_version_is_refused_and_changes_nothing() {
    let mut driver = server("n");
    assert_eq!(send(&mut driver, "POST", PLACE, &json!({"metadata": {"name": "a"}})).status, 201);
    let before = fetch(&mut driver, &format!("{PLACE}/a")).text();
    let other = json!({"apiVersion": "v7"}).to_string();
    let patched = driver.call("PATCH", &format!("{PLACE}/a"), MERGE, other.as_bytes());
    let why = json(&patched)["message"].as_str().unwrap_or_default().to_owned();
    let ends =
        r#"no kind "ConfigMap" is registered for version "v7" in scheme "pkg/api/legacyscheme/scheme.go:30""#;
    assert_eq!(patched.status, 422, "{why}");
    assert!(why.ends_with(&format!(": {ends}")) && !why.contains("cannot be handled"), "{why}");
    assert_eq!(fetch(&mut driver, &format!("{PLACE}/a")).text(), before);
}

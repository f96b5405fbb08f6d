//! Patches that would change what an object is (its kind, version or metadata).

use crate::conditions::{MERGE, fetch, json, send, server};
use serde_json::json;

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];
const STRATEGIC: &[(&str, &str)] = &[("content-type", "application/strategic-merge-patch+json")];
const JSON_PATCH: &[(&str, &str)] = &[("content-type", "application/json-patch+json")];
const PLACE: &str = "/api/v1/namespaces/n/configmaps";

/// A patch that removes the kind does not store an object without one. The simulator found this: a server that listed
/// the store again held other bytes than the store.
#[test]
fn an_object_stays_what_it_is() {
    let mut driver = server("n");
    assert_eq!(send(&mut driver, "POST", PLACE, &json!({"metadata": {"name": "a"}})).status, 201);
    let bare = json!({"kind": null, "data": {"k": "v"}}).to_string();
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

/// Status and message of a patch of `a`, which is made anew for each.
fn answer(object: &str, media: &[(&str, &str)], patch: &str) -> (u16, String) {
    let mut driver = server("n");
    let made = driver.call("POST", PLACE, JSON, object.as_bytes());
    assert_eq!(made.status, 201, "{}", made.text());
    let patched = driver.call("PATCH", &format!("{PLACE}/a"), media, patch.as_bytes());
    let why = json(&patched)["message"].as_str().unwrap_or_default().to_owned();
    (patched.status, why)
}

#[test]
fn errors_for_patches_that_change_fixed_fields() {
    let nameless = "the name of the object (a based on URL) was undeterminable: name must be provided";
    let shown = r#"{\"apiVersion\":\"v1\",\"data\":{\"k\":\"v\"},\"immutable\":[],\"kind\":\"ConfigMap\",\"metadata\":{\"name\":"#;
    let table = [
        (MERGE, json!({"metadata": {"name": null}}), 400, nameless),
        (MERGE, json!({"apiVersion": null}), 400, nameless),
        (STRATEGIC, json!({"metadata": null}), 400, nameless),
        (STRATEGIC, json!({"metadata": {"$patch": "replace"}}), 400, nameless),
        (
            MERGE,
            json!({"kind": 5}),
            422,
            "json: cannot unmarshal number into Go struct field .kind of type string",
        ),
        (MERGE, json!({"kind": "x", "apiVersion": null}), 422, "for the internal version of group"),
        (JSON_PATCH, json!([{"op": "replace", "path": "", "value": []}]), 422, "couldn't get version/kind"),
        (STRATEGIC, json!({"kind": 5}), 422, "\"map[kind:5]\": cannot convert int64 to string"),
        (STRATEGIC, json!({"data": 5}), 422, "\"map[data:5]\": cannot restore map from int64"),
        (STRATEGIC, json!({"$retainKeys": ["data"], "data": 5}), 422, "\"map[data:5]\""),
        (STRATEGIC, json!({"kind": "Pod", "apiVersion": "v7"}), 200, ""),
        // What was not touched is shown in the order of its type, what was in its own.
        (MERGE, json!({"immutable": []}), 422, shown),
        (JSON_PATCH, json!([{"op": "add", "path": "/immutable", "value": []}]), 422, shown),
    ];
    for (media, patch, status, expected) in table {
        let object = r#"{"metadata":{"name":"a"},"data":{"k":"v"}}"#;
        let (found, why) = answer(object, media, &patch.to_string());
        assert_eq!(found, status, "{patch}: {why}");
        assert!(why.contains(expected), "{patch}: {why}");
    }
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

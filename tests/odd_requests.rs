//! Requests that no careful client sends, and what each is told: data, and one checker each.

use crate::conditions::{JSON, MERGE, fetch, json, send, server};
use serde_json::json;
use steersman_sim::driver::{Driver, Reply};

const MAPS: &str = "/api/v1/namespaces/w/configmaps";
const EVENTS: &str = "/api/v1/namespaces/w/events";
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/w/deployments";
const SERVICES: &str = "/api/v1/namespaces/w/services";

fn message(reply: &Reply) -> String {
    json(reply)["message"].as_str().unwrap_or_default().to_owned()
}

fn warnings(reply: &Reply) -> Vec<String> {
    reply.headers.iter().filter(|(name, _)| name == "warning").map(|(_, value)| value.clone()).collect()
}

/// Of several values of a wrong type, members and items alike, the first of the text is told.
#[test]
fn the_first_wrong_value_is_told() {
    let mut driver = server("w");
    let cases = [
        (r#"{"metadata":{"finalizers":[1],"name":5}}"#, "ObjectMeta.metadata.finalizers of type string"),
        (r#"{"metadata":{"name":5,"finalizers":[1]}}"#, "ObjectMeta.metadata.name of type string"),
        (
            r#"{"metadata":{"finalizers":["a",1],"annotations":5}}"#,
            "ObjectMeta.metadata.finalizers of type string",
        ),
    ];
    for (body, told) in cases {
        let reply = driver.call("POST", MAPS, JSON, body.as_bytes());
        assert_eq!(reply.status, 400, "{body}");
        assert!(message(&reply).ends_with(told), "{body}: {}", message(&reply));
    }
    assert_eq!(send(&mut driver, "POST", MAPS, &json!({"metadata": {"name": "c"}})).status, 201);
    let patch = br#"{"metadata":{"namespace":1,"finalizers":[1]}}"#;
    let reply = driver.call("PATCH", &format!("{MAPS}/c"), MERGE, patch);
    assert_eq!(reply.status, 422);
    assert!(
        message(&reply).ends_with("ObjectMeta.metadata.finalizers of type string"),
        "{}",
        message(&reply)
    );
}

#[test]
fn a_version_may_have_an_empty_group() {
    let mut driver = server("w");
    let body = br#"{"apiVersion":"/v1","kind":"ConfigMap","metadata":{"name":"c"}}"#;
    let reply = driver.call("POST", MAPS, JSON, body);
    assert_eq!((reply.status, &json(&reply)["apiVersion"]), (201, &json!("v1")), "{}", reply.text());
}

/// What YAML repeats is a warning for each line.
#[test]
fn repeated_keys_of_yaml_are_warned_of() {
    let mut driver = server("w");
    let yaml = &[("content-type", "application/yaml")];
    let body = b"metadata: {name: c}\ndata: {a: x, a: y}\ndata: {b: z}\n";
    let reply = driver.call("POST", MAPS, yaml, body);
    assert_eq!(reply.status, 201, "{}", reply.text());
    let told = |line: u32, key: &str| format!("299 - \"line {line}: key \\\"{key}\\\" already set in map\"");
    assert_eq!(warnings(&reply), [told(2, "a"), told(3, "data")]);
}

/// Fields are quoted as Go quotes them, in bodies and in patches.
#[test]
fn odd_names_of_fields_are_quoted() {
    let mut driver = server("w");
    let body =
        json!({"metadata": {"name": "c"}, "a\"b": 1, "a\nb": 2, "\u{2028}": 3, "\u{a0}": 4, "\u{e9} ": 5});
    let strict = format!("{MAPS}?fieldValidation=Strict");
    let told = message(&send(&mut driver, "POST", &strict, &body));
    for name in [r#""a\"b""#, r#""a\nb""#, r#""\u2028""#, r#""\u00a0""#, "\"\u{e9} \""] {
        assert!(told.contains(&format!("unknown field {name}")), "{name}: {told}");
    }
    assert_eq!(send(&mut driver, "POST", MAPS, &json!({"metadata": {"name": "c"}})).status, 201);
    let strict = format!("{MAPS}/c?fieldValidation=Strict");
    let told = message(&driver.call("PATCH", &strict, MERGE, br#"{"a\"b":1}"#));
    assert!(told.ends_with(r#"strict decoding error: unknown field "a\"b""#), "{told}");
}

/// Events own nothing: no finalizer for the garbage collector holds them.
#[test]
fn events_go_whatever_is_to_become_of_dependents() {
    let mut driver = server("w");
    for options in [
        json!({"propagationPolicy": "Orphan"}),
        json!({"propagationPolicy": "Foreground"}),
        json!({"orphanDependents": true}),
    ] {
        let event = json!({"metadata": {"name": "e"}, "involvedObject": {"namespace": "w"}});
        assert_eq!(send(&mut driver, "POST", EVENTS, &event).status, 201);
        let gone = send(&mut driver, "DELETE", &format!("{EVENTS}/e"), &options);
        assert_eq!((gone.status, &json(&gone)["status"]), (200, &json!("Success")), "{options}");
        assert_eq!(fetch(&mut driver, &format!("{EVENTS}/e")).status, 404, "{options}");
    }
}

fn deployment(driver: &mut Driver) -> String {
    let template =
        json!({"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    let spec = json!({"selector": {"matchLabels": {"a": "b"}}, "template": template});
    let made = send(driver, "POST", DEPLOYMENTS, &json!({"metadata": {"name": "d"}, "spec": spec}));
    assert_eq!(made.status, 201, "{}", made.text());
    json(&made)["metadata"]["uid"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_scale_of_another_uid_is_a_conflict() {
    let mut driver = server("w");
    let uid = deployment(&mut driver);
    let scale = json!({"metadata": {"name": "d", "uid": "x"}, "spec": {"replicas": 1}});
    let reply = send(&mut driver, "PUT", &format!("{DEPLOYMENTS}/d/scale"), &scale);
    let told = format!(
        "Operation cannot be fulfilled on deployments.apps \"d\": StorageError: invalid object, Code: 4, Key: \
         /deployments/w/d, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: x, UID in \
         object meta: {uid}"
    );
    assert_eq!((reply.status, message(&reply)), (409, told));
}

/// A text that a null follows is no text any more.
#[test]
fn a_null_clears_a_number_or_text() {
    let mut driver = server("w");
    let body =
        br#"{"metadata":{"name":"s"},"spec":{"ports":[{"port":80,"targetPort":"a","targetPort":null}]}}"#;
    let reply = driver.call("POST", SERVICES, JSON, body);
    assert_ne!(json(&reply)["spec"]["ports"][0]["targetPort"], json!("a"), "{}", reply.text());
}

/// Documents of the server have one form each.
#[test]
fn documents_are_not_turned_into_tables() {
    let mut driver = server("");
    let table = "application/json;as=Table;v=v1;g=meta.k8s.io";
    for path in ["/api", "/apis", "/apis/apps", "/apis/apps/v1", "/api/v1"] {
        for (accept, status) in [
            (table.to_owned(), 406),
            ("application/json;as=Table".to_owned(), 406),
            (format!("{table},application/json"), 200),
        ] {
            let reply = driver.call("GET", path, &[("accept", accept.as_str())], b"");
            assert_eq!(reply.status, status, "{path} {accept}");
        }
    }
}

/// A deletion of a collection deletes what a list with its options holds: a page, or what there was at a revision.
#[test]
fn a_collection_is_deleted_as_it_is_listed() {
    let mut driver = server("w");
    for name in ["a", "b", "c"] {
        assert_eq!(send(&mut driver, "POST", MAPS, &json!({"metadata": {"name": name}})).status, 201);
    }
    let left = |driver: &mut Driver| -> Vec<String> {
        let list = json(&fetch(driver, MAPS));
        let items = list["items"].as_array().cloned().unwrap_or_default();
        items.iter().filter_map(|item| Some(item["metadata"]["name"].as_str()?.to_owned())).collect()
    };
    let whole = json(&fetch(&mut driver, MAPS));
    let revision = whole["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned();
    let page = driver.call("DELETE", &format!("{MAPS}?limit=1"), JSON, b"");
    assert_eq!((page.status, &json(&page)["items"][0]["metadata"]["name"]), (200, &json!("a")));
    assert_eq!(json(&page)["metadata"]["remainingItemCount"], json!(2));
    assert_eq!(left(&mut driver), ["b", "c"]);
    let token = json(&page)["metadata"]["continue"].as_str().unwrap_or_default().to_owned();
    let page = driver.call("DELETE", &format!("{MAPS}?limit=1&continue={token}"), JSON, b"");
    assert_eq!((page.status, &json(&page)["items"][0]["metadata"]["name"]), (200, &json!("b")));
    assert_eq!(left(&mut driver), ["c"]);
    assert_eq!(send(&mut driver, "POST", MAPS, &json!({"metadata": {"name": "new"}})).status, 201);
    // The body says what is deleted on what condition; the query says what is listed.
    let past = format!("{MAPS}?resourceVersion={revision}&resourceVersionMatch=Exact");
    assert_eq!(driver.call("DELETE", &past, JSON, b"{}").status, 200);
    assert_eq!(left(&mut driver), ["new"]);
    for query in ["resourceVersion=abc", "continue=x"] {
        let refused = driver.call("DELETE", &format!("{MAPS}?{query}"), JSON, b"{}");
        assert_eq!(refused.status, 400, "{query}: {}", refused.text());
    }
    assert_eq!(left(&mut driver), ["new"]);
}

/// The options of a deletion that name another kind and no version.
#[test]
fn options_of_another_kind_are_refused() {
    let mut driver = server("w");
    let scheme = "in scheme \"k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme/register.go:27\"";
    let cases = [
        (
            json!({"kind": "Foo"}),
            format!("no kind \"Foo\" is registered for version \"meta.k8s.io/v1\" {scheme}"),
        ),
        (
            json!({"kind": "Foo", "apiVersion": "v1"}),
            format!("no kind \"Foo\" is registered for version \"v1\" {scheme}"),
        ),
        (
            json!({"kind": "Status"}),
            "converting (v1.Status) to (v1.DeleteOptions): unknown conversion".to_owned(),
        ),
    ];
    for (options, told) in cases {
        let reply = send(&mut driver, "DELETE", &format!("{MAPS}/c"), &options);
        assert_eq!((reply.status, message(&reply)), (400, told));
    }
}

/// A deletion whose options are null has none, of one object and of many.
#[test]
fn a_deletion_may_have_null_for_its_options() {
    let mut driver = server("w");
    for name in ["a", "b"] {
        assert_eq!(send(&mut driver, "POST", MAPS, &json!({"metadata": {"name": name}})).status, 201);
    }
    for path in [format!("{MAPS}/a?gracePeriodSeconds=x"), MAPS.to_owned()] {
        let reply = driver.call("DELETE", &path, JSON, b"null");
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
    for name in ["a", "b"] {
        assert_eq!(fetch(&mut driver, &format!("{MAPS}/{name}")).status, 404);
    }
}

//! Custom objects over the life of their definition: what its schema and its rules say, when it changes, when the
//! server starts again, and when it ends.

use crate::conditions::{JSON, MERGE, fetch, json, send};
use serde_json::{Value, json};
use steersman_core::config::{Bootstrap, Config};
use steersman_sim::driver::{Driver, Reply, open_config};

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const GAUGES: &str = "/apis/example.com/v1/namespaces/n/gauges";
/// The time in which a definition is established, milliseconds.
const ESTABLISHED_MILLIS: u64 = 10_000;

fn config(seed: u64) -> Config {
    Config { bootstrap: Bootstrap::Extensible, ..open_config(seed) }
}

/// Gauges whose size may be at most so much, and never shrinks.
fn definition(most: i64) -> Value {
    let rule = format!("self <= {most}");
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "gauges.example.com"},
        "spec": {
            "group": "example.com", "scope": "Namespaced",
            "names": {"plural": "gauges", "kind": "Gauge", "listKind": "Gaugery"},
            "versions": [{"name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                    "spec": {"type": "object", "properties": {
                        "size": {"type": "integer", "x-kubernetes-validations": [
                            {"rule": rule, "message": "too much"},
                            {"rule": "self >= oldSelf", "message": "must not shrink"}]},
                        "note": {"type": "string"},
                        "inner": {"type": "object", "x-kubernetes-embedded-resource": true,
                            "x-kubernetes-preserve-unknown-fields": true}}}}}}}],
        },
    })
}

fn gauge(name: &str, size: i64) -> Value {
    json!({"apiVersion": "example.com/v1", "kind": "Gauge", "metadata": {"name": name}, "spec": {"size": size}})
}

fn served(most: i64) -> Driver {
    let mut driver = Driver::start(config(1));
    assert_eq!(
        send(&mut driver, "POST", "/api/v1/namespaces", &json!({"metadata": {"name": "n"}})).status,
        201
    );
    assert_eq!(send(&mut driver, "POST", DEFINITIONS, &definition(most)).status, 201);
    driver.pass(ESTABLISHED_MILLIS);
    driver
}

fn message(reply: &Reply) -> String {
    json(reply)["message"].as_str().unwrap_or_default().to_owned()
}

fn post(driver: &mut Driver, body: &Value) -> (u16, String) {
    let reply = send(driver, "POST", GAUGES, body);
    (reply.status, message(&reply))
}

fn patch(driver: &mut Driver, name: &str, body: &Value) -> Reply {
    driver.call("PATCH", &format!("{GAUGES}/{name}"), MERGE, body.to_string().as_bytes())
}

#[test]
fn rules_hold_after_a_restart() {
    let mut driver = served(5);
    assert_eq!(post(&mut driver, &gauge("a", 3)).0, 201);
    let refused = "Gauge.example.com \"b\" is invalid: spec.size: Invalid value: 6: too much";
    assert_eq!(post(&mut driver, &gauge("b", 6)), (422, refused.into()));
    let mut driver = Driver::start_on(config(2), driver.into_etcd());
    driver.pass(ESTABLISHED_MILLIS);
    assert_eq!(post(&mut driver, &gauge("b", 6)), (422, refused.into()));
    let shrunk = patch(&mut driver, "a", &json!({"spec": {"size": 2}}));
    assert_eq!(
        message(&shrunk),
        "Gauge.example.com \"a\" is invalid: spec.size: Invalid value: 2: must not shrink"
    );
    assert_eq!(patch(&mut driver, "a", &json!({"spec": {"size": 4}})).status, 200);
}

#[test]
fn an_object_is_held_to_the_rules_of_its_time() {
    let mut driver = served(5);
    assert_eq!(post(&mut driver, &gauge("a", 5)).0, 201);
    let path = format!("{DEFINITIONS}/gauges.example.com");
    let narrower = json!({"spec": definition(4)["spec"]}).to_string();
    assert_eq!(driver.call("PATCH", &path, MERGE, narrower.as_bytes()).status, 200);
    driver.pass(ESTABLISHED_MILLIS);
    assert_eq!(post(&mut driver, &gauge("b", 5)).0, 422);
    // What has not changed may go on to break a rule, and the client is told.
    let kept = patch(&mut driver, "a", &json!({"spec": {"note": "x"}}));
    assert_eq!(
        (kept.status, kept.header("warning")),
        (200, Some("299 - \"spec.size: Invalid value: 5: too much\""))
    );
    assert_eq!(patch(&mut driver, "a", &json!({"spec": {"size": 6}})).status, 422);
}

#[test]
fn an_object_is_read_by_the_schema_that_there_is_now() {
    let mut driver = served(5);
    let mut made = gauge("a", 3);
    made["spec"]["note"] = json!("old");
    assert_eq!(post(&mut driver, &made).0, 201);
    let before = json(&fetch(&mut driver, &format!("{GAUGES}/a")));
    let mut later = definition(5);
    let spec = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties";
    let properties = later.pointer_mut(spec).and_then(Value::as_object_mut).expect("properties");
    properties.remove("note");
    properties.insert("unit".to_owned(), json!({"type": "string", "default": "m"}));
    let path = format!("{DEFINITIONS}/gauges.example.com");
    let later = json!({"spec": later["spec"]}).to_string();
    assert_eq!(driver.call("PATCH", &path, MERGE, later.as_bytes()).status, 200);
    driver.pass(ESTABLISHED_MILLIS);
    // Whoever reads it, from the store or from the cache: the default is there, and what is no longer known is not.
    let wanted = json!({"size": 3, "unit": "m"});
    let read = json(&fetch(&mut driver, &format!("{GAUGES}/a")));
    let cached = json(&fetch(&mut driver, &format!("{GAUGES}/a?resourceVersion=0")));
    let listed = json(&fetch(&mut driver, GAUGES));
    for shown in [&read["spec"], &cached["spec"], &listed["items"][0]["spec"]] {
        assert_eq!(shown, &wanted);
    }
    let version = |object: &Value| object["metadata"]["resourceVersion"].clone();
    assert_eq!(version(&read), version(&before), "nothing was written");
    // An update that changes nothing of what is read writes it to the store, once.
    let put = patch(&mut driver, "a", &json!({"spec": {"size": 3}}));
    let put = json(&put);
    assert_eq!(put["spec"], wanted);
    assert_ne!(version(&put), version(&before));
    let again = json(&patch(&mut driver, "a", &json!({"spec": {"size": 3}})));
    assert_eq!(version(&again), version(&put));
}

#[test]
fn a_definition_with_wrong_rules_is_refused() {
    let mut driver = Driver::start(config(1));
    let mut wrong = definition(5);
    let size = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/size";
    let size = wrong.pointer_mut(size).expect("the schema of the size");
    size["x-kubernetes-validations"][0]["rule"] = json!("self.nope");
    let reply = send(&mut driver, "POST", DEFINITIONS, &wrong);
    assert_eq!(reply.status, 422);
    let said = message(&reply);
    assert!(
        said.contains("properties[size].x-kubernetes-validations[0].rule: Invalid value: {\"Rule\":"),
        "{said}"
    );
    assert!(said.contains("compilation failed: ERROR: <input>:1:5:"), "{said}");
}

#[test]
fn custom_objects_name_their_kind_and_version() {
    let mut driver = served(5);
    let with = |field: &str, value: Value| {
        let mut body = gauge("a", 1);
        body[field] = value;
        body
    };
    let mut nameless = gauge("a", 1);
    nameless.as_object_mut().expect("an object").remove("kind");
    let table = [
        (
            nameless,
            400,
            "the object provided is unrecognized (must be of type Gauge): Object 'Kind' is missing in '",
        ),
        (
            with("apiVersion", json!("example.com/v2")),
            400,
            "the API version in the data (example.com/v2) does not match the expected API version (example.com/v1)",
        ),
        (
            with("kind", json!("Other")),
            422,
            "Other.example.com \"a\" is invalid: kind: Invalid value: \"Other\": must be Gauge",
        ),
        (
            with("spec", json!({"inner": {"kind": "K"}})),
            422,
            "Gauge.example.com \"a\" is invalid: [spec.inner.apiVersion: Required value, <nil>: Invalid value: null: ",
        ),
        (
            with("spec", json!({"inner": {"apiVersion": "v1", "kind": "K", "metadata": {"name": 1}}})),
            400,
            "Gauge in version \"v1\" cannot be handled as a Gauge: spec.inner.metadata: Invalid value: {\"name\":1}: ",
        ),
    ];
    for (body, status, wanted) in table {
        let (found, said) = post(&mut driver, &body);
        assert_eq!(found, status, "{body}");
        assert!(said.starts_with(wanted), "{said}");
    }
    assert_eq!(json(&fetch(&mut driver, GAUGES))["kind"], "Gaugery");
}

#[test]
fn nothing_is_created_while_a_definition_ends() {
    let mut driver = served(5);
    let mut held = gauge("a", 1);
    held["metadata"]["finalizers"] = json!(["example.com/wait"]);
    assert_eq!(post(&mut driver, &held).0, 201);
    let path = format!("{DEFINITIONS}/gauges.example.com");
    assert_eq!(driver.call("DELETE", &path, JSON, b"").status, 200);
    let refused = "gauges.example.com \"b\" is forbidden: create not allowed while custom resource definition is \
                   terminating";
    assert_eq!(post(&mut driver, &gauge("b", 1)), (403, refused.into()));
    driver.pass(ESTABLISHED_MILLIS);
    assert_eq!(fetch(&mut driver, &path).status, 200, "its object waits");
    assert_eq!(patch(&mut driver, "a", &json!({"metadata": {"finalizers": null}})).status, 200);
    driver.pass(ESTABLISHED_MILLIS);
    assert_eq!(fetch(&mut driver, &path).status, 404);
}

//! A server with a kind of two versions, whose converter is the test.

use crate::conditions::{JSON, MERGE, events, fetch, json, send};
use bytes::Bytes;
use serde_json::{Value, json};
use steersman_core::codec::base64;
use steersman_core::config::{Bootstrap, Config, JobId};
use steersman_core::machine::Input;
use steersman_core::store::Range;
use steersman_core::wire::{CallOutcome, Called, Outcall};
use steersman_sim::driver::{Driver, Reply, open_config};

pub(super) const V1: &str = "/apis/example.com/v1/namespaces/n/links";
pub(super) const V2: &str = "/apis/example.com/v2/namespaces/n/links";
pub(super) const APPLY: &[(&str, &str)] =
    &[("content-type", "application/apply-patch+yaml"), ("accept", "application/json")];
pub(super) const PATCH: &[(&str, &str)] =
    &[("content-type", "application/json-patch+json"), ("accept", "application/json")];
pub(super) const TABLE: &[(&str, &str)] = &[("accept", "application/json;as=Table;v=v1;g=meta.k8s.io")];

/// A certificate of an authority, as base64 of PEM with this text before it.
pub(super) fn authority(before: &str) -> String {
    base64::encode(authority_text(before).as_bytes())
}

pub(super) fn authority_text(before: &str) -> String {
    format!("{before}{}", include_str!("../data/recordings/server/ca.crt"))
}

/// `spec.hostPort` in v1, `spec.host` and `spec.port` in v2, with a column, a selectable field and a Scale of each.
pub(super) fn definition(stored: &str) -> Value {
    let version = |name: &str, spec: Value, column: &str, required: &str| {
        let field = format!(".spec.{column}");
        json!({
            "name": name, "served": true, "storage": name == stored,
            "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                "spec": {"type": "object", "required": [required], "properties": spec},
                "status": {"type": "object", "properties": {
                    "phase": {"type": "string"}, "replicas": {"type": "integer"}}},
            }}},
            "subresources": {"status": {}, "scale": {
                "specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}},
            "additionalPrinterColumns": [{"name": column, "type": "string", "jsonPath": field}],
            "selectableFields": [{"jsonPath": field}],
        })
    };
    let of_v1 = json!({"hostPort": {"type": "string"}, "replicas": {"type": "integer", "default": 4}});
    let of_v2 = json!({"host": {"type": "string"}, "port": {"type": "string"}, "replicas": {"type": "integer"},
        "new": {"type": "string", "default": "yes"}});
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "links.example.com"},
        "spec": {
            "group": "example.com", "scope": "Namespaced",
            "names": {"plural": "links", "singular": "link", "kind": "Link", "listKind": "LinkList"},
            "versions": [version("v1", of_v1, "hostPort", "hostPort"), version("v2", of_v2, "host", "host")],
            "conversion": {"strategy": "Webhook", "webhook": {
                "clientConfig": {"url": "https://converter.test:8443/convert", "caBundle": authority("")},
                "conversionReviewVersions": ["v9", "v1"],
            }},
        },
    })
}

/// What a right converter makes of an object.
pub(super) fn converted(object: &Value, to: &str) -> Value {
    let mut out = object.clone();
    out["apiVersion"] = json!(to);
    let Some(spec) = out["spec"].as_object_mut() else { return out };
    if to.ends_with("/v2") {
        let both = spec.remove("hostPort").unwrap_or_default();
        let (host, port) = both.as_str().and_then(|text| text.split_once(':')).unwrap_or_default();
        spec.insert("host".to_owned(), json!(host));
        spec.insert("port".to_owned(), json!(port));
    } else {
        let (host, port) = (spec.remove("host").unwrap_or_default(), spec.remove("port").unwrap_or_default());
        let (host, port) = (host.as_str().unwrap_or_default(), port.as_str().unwrap_or_default());
        spec.insert("hostPort".to_owned(), json!(format!("{host}:{port}")));
        spec.insert("stray".to_owned(), json!("no field of v1"));
    }
    out
}

pub(super) fn review(call: &Outcall) -> Value {
    serde_json::from_slice(&call.body).expect("a review is JSON")
}

pub(super) fn answered(answer: &Value) -> CallOutcome {
    Ok(Called { status: 200, headers: Vec::new(), body: Bytes::from(answer.to_string()) })
}

/// The answer of a right converter.
pub(super) fn right(call: &Outcall) -> CallOutcome {
    let asked = &review(call)["request"];
    let desired = asked["desiredAPIVersion"].as_str().expect("a version");
    let objects: Vec<Value> = asked["objects"]
        .as_array()
        .expect("objects")
        .iter()
        .map(|object| converted(object, desired))
        .collect();
    answered(&json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "ConversionReview",
        "response": {"uid": asked["uid"], "convertedObjects": objects, "result": {"status": "Success"}},
    }))
}

/// A server, and the reviews that it has asked for.
pub(super) struct Scene {
    pub(super) driver: Driver,
    pub(super) reviews: Vec<Value>,
}

impl Scene {
    pub(super) fn new(stored: &str) -> Self {
        Self::of_config(stored, open_config(1))
    }

    pub(super) fn of_config(stored: &str, config: Config) -> Self {
        let config = Config { bootstrap: Bootstrap::Extensible, ..config };
        let mut driver = Driver::start(config);
        let made = send(&mut driver, "POST", "/api/v1/namespaces", &json!({"metadata": {"name": "n"}}));
        assert_eq!(made.status, 201, "{}", made.text());
        let made = send(
            &mut driver,
            "POST",
            "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
            &definition(stored),
        );
        assert_eq!(made.status, 201, "{}", made.text());
        driver.pass(10_000);
        assert_eq!(fetch(&mut driver, V2).status, 200, "the kind is served");
        Self { driver, reviews: Vec::new() }
    }

    /// Answers all calls with a converter, until none is left.
    pub(super) fn convert(&mut self, converter: fn(&Outcall) -> CallOutcome) {
        while let Some((id, index, call)) = self.driver.calls.first().cloned() {
            self.driver.calls.remove(0);
            self.reviews.push(review(&call));
            self.driver.give(Input::Called(id, index, converter(&call)));
        }
    }

    pub(super) fn ask_with(
        &mut self,
        converter: fn(&Outcall) -> CallOutcome,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Reply {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let id = self.driver.begin(method, target, headers, text.as_bytes());
        self.convert(converter);
        self.driver.take(id).unwrap_or_else(|| panic!("no answer to {method} {target}"))
    }

    pub(super) fn ask(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Value {
        let reply = self.ask_with(right, method, target, headers, body);
        assert!(reply.status < 300, "{method} {target}: {}", reply.text());
        json(&reply)
    }

    pub(super) fn get(&mut self, target: &str) -> Value {
        self.ask("GET", target, JSON, &Value::Null)
    }

    pub(super) fn create(&mut self, name: &str) -> Value {
        self.ask("POST", V1, JSON, &link(name))
    }

    pub(super) fn stored(&self, name: &str) -> Value {
        let key = format!("/registry/example.com/links/n/{name}").into();
        let ranged = self.driver.etcd().mvcc().range(&Range { key, ..Range::default() }).expect("a range");
        let kv = ranged.kvs.first().expect("the object is stored");
        serde_json::from_slice(&kv.value).expect("JSON")
    }
}

pub(super) fn link(name: &str) -> Value {
    json!({"apiVersion": "example.com/v1", "kind": "Link", "metadata": {"name": name, "labels": {"l": name}},
        "spec": {"hostPort": format!("{name}:1"), "replicas": 1}})
}

impl Scene {
    pub(super) fn watch(&mut self, target: &str) -> JobId {
        self.driver.begin("GET", target, JSON, b"")
    }

    /// The events that have come since the last time.
    pub(super) fn events(&mut self, watch: JobId) -> Vec<Value> {
        let reply = self.driver.take(watch).expect("the watch has begun");
        assert_eq!(reply.status, 200, "{}", reply.text());
        events(&reply)
    }

    pub(super) fn told(&mut self, watch: JobId) -> Vec<String> {
        let tell = |event: &Value| {
            let (kind, object) = (event["type"].as_str().unwrap_or_default(), &event["object"]);
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            let shown = object["spec"]["hostPort"].as_str().or(object["spec"]["host"].as_str());
            format!("{kind} {name} {}", shown.unwrap_or_default())
        };
        self.events(watch).iter().map(tell).collect()
    }

    /// Writes in the version that is stored, which asks nobody.
    pub(super) fn put(&mut self, name: &str, host: &str) {
        let mut body = converted(&link(name), "example.com/v2");
        body["spec"]["host"] = json!(host);
        let patch = json!({"spec": {"host": host}}).to_string();
        let reply = self.driver.call("PATCH", &format!("{V2}/{name}"), MERGE, patch.as_bytes());
        let reply = if reply.status == 404 { send(&mut self.driver, "POST", V2, &body) } else { reply };
        assert!(reply.status < 300, "{}", reply.text());
    }

    pub(super) fn revision(&mut self) -> String {
        let list = fetch(&mut self.driver, V2);
        json(&list)["metadata"]["resourceVersion"].as_str().expect("a revision").to_owned()
    }
}

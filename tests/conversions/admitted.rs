//! Admission of custom objects that a webhook converts: webhooks and policies that are about another version than the
//! request's, and parameters of policies in another version than the stored one.

use super::scene::{Scene, V1, V2, converted, link, right};
use crate::conditions::{JSON, MERGE, json};
use crate::webhooks::{allowed, configuration};
use serde_json::{Value, json};
use steersman_core::codec::base64;
use steersman_core::wire::{CallError, CallOutcome, Outcall};

const REGISTRATION: &str = "/apis/admissionregistration.k8s.io/v1";
const MAPS: &str = "/api/v1/namespaces/n/configmaps";

fn is_admission(call: &Outcall) -> bool {
    call.host == "hook.test"
}

/// The webhook sets the host of an object that is written, and the converter is right.
fn both(call: &Outcall) -> CallOutcome {
    if !is_admission(call) {
        return right(call);
    }
    let review: Value = serde_json::from_slice(&call.body).expect("a review");
    let host = json!([{"op": "replace", "path": "/spec/host", "value": "patched"}]).to_string();
    let may_change = call.target.contains("mutating") && !review["request"]["object"].is_null();
    let more = match may_change {
        true => json!({"patchType": "JSONPatch", "patch": base64::encode(host.as_bytes())}),
        false => json!({}),
    };
    Ok(allowed(&review, &more))
}

/// The converter is dead, and webhooks admit everything.
fn unconverted(call: &Outcall) -> CallOutcome {
    if is_admission(call) {
        return both(call);
    }
    Err(CallError::Refused("connection refused".into()))
}

/// A scene with a webhook of each kind that is about links of v2.
fn of_v2() -> Scene {
    let mut scene = Scene::new("v2");
    for kind in ["Mutating", "Validating"] {
        let word = kind.to_lowercase();
        let more = json!({
            "failurePolicy": "Ignore",
            "clientConfig": {"url": format!("https://hook.test/{word}")},
            "rules": [{"apiGroups": ["example.com"], "apiVersions": ["v2"], "operations": ["*"],
                "resources": ["links"]}],
        });
        let target = format!("{REGISTRATION}/{word}webhookconfigurations");
        scene.ask("POST", &target, JSON, &configuration(kind, &more));
    }
    scene
}

fn admissions(scene: &mut Scene) -> Vec<Value> {
    let reviews = std::mem::take(&mut scene.reviews);
    reviews
        .into_iter()
        .filter(|review| review["kind"] == "AdmissionReview")
        .map(|review| review["request"].clone())
        .collect()
}

#[test]
fn webhooks_see_objects_in_the_version_of_their_rules() {
    let mut scene = of_v2();
    let made = scene.ask_with(both, "POST", V1, JSON, &link("a"));
    assert_eq!(made.status, 201, "{}", made.text());
    assert_eq!(json(&made)["spec"]["hostPort"], json!("patched:1"));
    assert_eq!(scene.stored("a")["spec"]["host"], json!("patched"));
    let asked = admissions(&mut scene);
    assert_eq!(asked.len(), 2);
    for request in &asked {
        assert_eq!(request["kind"]["version"], json!("v2"));
        assert_eq!(request["requestKind"]["version"], json!("v1"));
        assert_eq!(request["object"]["apiVersion"], json!("example.com/v2"));
    }
    assert_eq!((&asked[0]["object"]["spec"]["host"], &asked[0]["oldObject"]), (&json!("a"), &Value::Null));
    assert_eq!(asked[1]["object"]["spec"]["host"], json!("patched"));

    let patch = json!({"spec": {"hostPort": "b:7"}});
    let changed = scene.ask_with(both, "PATCH", &format!("{V1}/a"), MERGE, &patch);
    assert_eq!(json(&changed)["spec"]["hostPort"], json!("patched:7"), "{}", changed.text());
    let asked = admissions(&mut scene);
    assert_eq!(asked[0]["object"]["spec"]["host"], json!("b"));
    assert_eq!(asked[0]["oldObject"]["spec"]["host"], json!("patched"));

    let gone = scene.ask_with(both, "DELETE", &format!("{V1}/a"), JSON, &Value::Null);
    assert_eq!(gone.status, 200, "{}", gone.text());
    let asked = admissions(&mut scene);
    assert_eq!(asked[0]["oldObject"]["spec"], json!({"host": "patched", "port": "7", "replicas": 1}));
}

#[test]
fn a_write_is_refused_if_a_webhook_cannot_be_shown_its_object() {
    let mut scene = of_v2();
    let refused = scene.ask_with(unconverted, "POST", V1, JSON, &link("a"));
    assert_eq!(refused.status, 500, "whatever the failure policy says: {}", refused.text());
    let message = json(&refused)["message"].as_str().unwrap_or_default().to_owned();
    let wanted = "Internal error occurred: Internal error occurred: conversion webhook for example.com/v1, Kind=Link \
                  failed: Post ";
    assert!(message.starts_with(wanted), "{message}");
    assert!(admissions(&mut scene).is_empty());
    assert_eq!(scene.get(V2)["items"], json!([]));
    let body = converted(&link("a"), "example.com/v2");
    let made = scene.ask_with(unconverted, "POST", V2, JSON, &body);
    assert_eq!(made.status, 201, "the version of the rules needs no converter: {}", made.text());
}

/// A policy about ConfigMaps with a parameter in v1, while v2 is stored.
fn with_policy(failure_policy: &str) -> Scene {
    let mut scene = Scene::new("v2");
    let policy = json!({
        "metadata": {"name": "p"},
        "spec": {
            "failurePolicy": failure_policy,
            "paramKind": {"apiVersion": "example.com/v1", "kind": "Link"},
            "matchConstraints": {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"],
                "operations": ["CREATE"], "resources": ["configmaps"]}]},
            "validations": [{"expression": "object.data.at == params.spec.hostPort"}],
        },
    });
    scene.ask("POST", &format!("{REGISTRATION}/validatingadmissionpolicies"), JSON, &policy);
    let binding = json!({
        "metadata": {"name": "b"},
        "spec": {"policyName": "p", "validationActions": ["Deny"],
            "paramRef": {"name": "a", "parameterNotFoundAction": "Deny"}},
    });
    scene.ask("POST", &format!("{REGISTRATION}/validatingadmissionpolicybindings"), JSON, &binding);
    scene.ask("POST", V2, JSON, &converted(&link("a"), "example.com/v2"));
    scene.reviews.clear();
    scene
}

fn map(name: &str, at: &str) -> Value {
    json!({"metadata": {"name": name}, "data": {"at": at}})
}

#[test]
fn parameters_are_converted_once_for_all_requests() {
    let mut scene = with_policy("Fail");
    let refused = scene.ask_with(right, "POST", MAPS, JSON, &map("x", "other"));
    assert_eq!(refused.status, 422, "{}", refused.text());
    assert!(refused.text().contains("failed expression: object.data.at == params.spec.hostPort"));
    scene.ask("POST", MAPS, JSON, &map("x", "a:1"));
    scene.ask("POST", MAPS, JSON, &map("y", "a:1"));
    assert_eq!(scene.reviews.len(), 1);
    scene.put("a", "new");
    scene.ask("POST", MAPS, JSON, &map("z", "new:1"));
    assert_eq!(scene.reviews.len(), 2, "once more for each change");
}

#[test]
fn a_policy_whose_parameters_cannot_be_converted_fails_as_it_says() {
    let mut scene = with_policy("Fail");
    let refused = scene.ask_with(unconverted, "POST", MAPS, JSON, &map("x", "a:1"));
    assert_eq!(refused.status, 422, "{}", refused.text());
    let wanted = "denied request: failed to configure binding: paramKind kind \
                  `&ParamKind{APIVersion:example.com/v1,Kind:Link,}` not yet synced to use for admission";
    assert!(json(&refused)["message"].as_str().unwrap_or_default().contains(wanted), "{}", refused.text());
    let mut scene = with_policy("Ignore");
    let made = scene.ask_with(unconverted, "POST", MAPS, JSON, &map("x", "other"));
    assert_eq!(made.status, 201, "{}", made.text());
}

#[test]
fn requests_that_create_no_object_wait_for_parameters_too() {
    let mut scene = with_policy("Fail");
    let bindings = json!({"spec": {
        "matchConstraints": {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"],
            "operations": ["CREATE"], "resources": ["pods/binding"]}]},
        "validations": [{"expression": "params.spec.hostPort == 'a:1'"}],
    }});
    scene.ask("PATCH", &format!("{REGISTRATION}/validatingadmissionpolicies/p"), MERGE, &bindings);
    let binding = json!({"metadata": {"name": "x"}, "target": {"kind": "Node", "name": "node"}});
    let target = "/api/v1/namespaces/n/pods/x/binding";
    let admitted = scene.ask_with(right, "POST", target, JSON, &binding);
    assert_eq!(admitted.status, 404, "only the pod is missing: {}", admitted.text());
    scene.put("a", "b");
    let refused = scene.ask_with(right, "POST", target, JSON, &binding);
    assert_eq!(refused.status, 422, "{}", refused.text());
    assert_eq!(scene.reviews.len(), 2);
}

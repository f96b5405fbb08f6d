//! Bodies of another kind or version than the request's, and the error for each.

use crate::conditions::{JSON, MERGE, json, send, server};
use serde_json::json;

const PODS: &str = "/api/v1/namespaces/w/pods";
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/w/deployments";
const EVENTS: &str = "/api/v1/namespaces/w/events";
const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const SERVICES: &str = "/apis/apiregistration.k8s.io/v1/apiservices";
const LEGACY: &str = "in scheme \"pkg/api/legacyscheme/scheme.go:30\"";
const EXTENSIONS: &str = "in scheme \"k8s.io/apiextensions-apiserver/pkg/apiserver/apiserver.go:55\"";
const AGGREGATOR: &str = "in scheme \"k8s.io/kube-aggregator/pkg/apiserver/scheme/scheme.go:28\"";

/// Where it is posted, what it says it is, and how upstream goes on after `KIND in version "VERSION" cannot be handled
/// as a WANTED: `; a `*` is `no kind "KIND" is registered for version "APIVERSION" in scheme ...`, a `=` is the
/// sentence about the version that does not match.
const CASES: &[(&str, &str, &str, &str)] = &[
    (PODS, "v1", "List", "converting (v1.List) to (core.Pod): unknown conversion"),
    (PODS, "v1", "Status", "converting (v1.Status) to (core.Pod): unknown conversion"),
    (PODS, "v1", "DeleteOptions", "converting (v1.DeleteOptions) to (core.Pod): unknown conversion"),
    (PODS, "meta.k8s.io/v1", "DeleteOptions", "*"),
    (PODS, "meta.k8s.io/v1", "Status", "converting (v1.Status) to (core.Pod): unknown conversion"),
    (PODS, "meta.k8s.io/v1", "Table", "*"),
    (PODS, "v1", "PodList", "converting (v1.PodList) to (core.Pod): unknown conversion"),
    (PODS, "v1", "ConfigMap", "converting (v1.ConfigMap) to (core.Pod): unknown conversion"),
    (PODS, "apps/v1", "Pod", "*"),
    (PODS, "apps/v1beta1", "Deployment", "converting (v1beta1.Deployment) to (core.Pod): unknown conversion"),
    (PODS, "nope/v1", "Pod", "*"),
    (PODS, "v1", "Nope", "*"),
    (PODS, "v1", "pod", "*"),
    (PODS, "__internal", "Pod", "="),
    (PODS, "apps/__internal", "Deployment", "converting (apps.Deployment) to (core.Pod): unknown conversion"),
    (PODS, "events.k8s.io/__internal", "Event", "converting (core.Event) to (core.Pod): unknown conversion"),
    (PODS, "apps/v1", "WatchEvent", "converting (v1.WatchEvent) to (core.Pod): unknown conversion"),
    (PODS, "policy/v1", "Eviction", "converting (v1.Eviction) to (core.Pod): unknown conversion"),
    (PODS, "apiextensions.k8s.io/v1", "CustomResourceDefinition", "*"),
    (DEPLOYMENTS, "apps/v1beta2", "Deployment", "="),
    (DEPLOYMENTS, "extensions/v1beta1", "Deployment", "="),
    (DEPLOYMENTS, "v1", "Deployment", "*"),
    (EVENTS, "events.k8s.io/v1", "Event", "="),
    (
        EVENTS,
        "events.k8s.io/v1",
        "EventList",
        "converting (v1.EventList) to (core.Event): unknown conversion",
    ),
    (DEFINITIONS, "v1", "Pod", "*"),
    (DEFINITIONS, "v1", "List", "*"),
    (DEFINITIONS, "apiextensions.k8s.io/v1beta1", "CustomResourceDefinition", "="),
    (
        DEFINITIONS,
        "v1",
        "DeleteOptions",
        "converting (v1.DeleteOptions) to (apiextensions.CustomResourceDefinition): unknown conversion",
    ),
    (SERVICES, "v1", "APIService", "*"),
    (SERVICES, "v1", "Status", "converting (v1.Status) to (apiregistration.APIService): unknown conversion"),
];

fn kind_of(place: &str) -> (&'static str, &'static str, &'static str) {
    match place {
        PODS => ("v1", "Pod", LEGACY),
        DEPLOYMENTS => ("apps/v1", "Deployment", LEGACY),
        EVENTS => ("v1", "Event", LEGACY),
        DEFINITIONS => ("apiextensions.k8s.io/v1", "CustomResourceDefinition", EXTENSIONS),
        SERVICES => ("apiregistration.k8s.io/v1", "APIService", AGGREGATOR),
        _ => panic!("{place}"),
    }
}

#[test]
fn errors_for_a_body_of_another_kind_name_it() {
    let mut driver = server("w");
    for (place, api_version, kind, why) in CASES {
        let (expected, wanted, scheme) = kind_of(place);
        let version = api_version.rsplit('/').next().unwrap_or_default();
        let head = format!("{kind} in version \"{version}\" cannot be handled as a {wanted}: ");
        let message = match *why {
            "*" => format!("{head}no kind \"{kind}\" is registered for version \"{api_version}\" {scheme}"),
            "=" => format!(
                "the API version in the data ({api_version}) does not match the expected API version ({expected})"
            ),
            why => format!("{head}{why}"),
        };
        let body = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "a"}});
        for (method, target) in [("POST", (*place).to_owned()), ("PUT", format!("{place}/a"))] {
            let reply = send(&mut driver, method, &target, &body);
            assert_eq!((reply.status, json(&reply)["message"].as_str()), (400, Some(&*message)), "{method}");
        }
    }
}

#[test]
fn an_invalid_group_version_is_not_recognized() {
    let mut driver = server("w");
    let message = |reply| json(&reply)["message"].as_str().unwrap_or_default().to_owned();
    let reply = driver.call("POST", PODS, JSON, br#"{"apiVersion":"a/b/c","kind":"Pod"}"#);
    assert_eq!(
        message(reply),
        "the object provided is unrecognized (must be of type Pod): unexpected GroupVersion string: a/b/c \
         ({\"apiVersion\":\"a/b/c\",\"kind\":\" ...)"
    );
    let internal = driver.call("POST", PODS, JSON, br#"{"apiVersion":"apps/__internal","kind":"Pod"}"#);
    let told = "no kind \"Pod\" is registered for the internal version of group \"apps\"";
    assert!(message(internal).contains(told));
}

#[test]
fn strict_errors_come_before_a_version_and_after_a_kind() {
    let mut driver = server("w");
    let mut told = |api_version: &str, kind: &str| {
        let body = json!({"apiVersion": api_version, "kind": kind, "nope": 1});
        let reply = send(&mut driver, "POST", &format!("{EVENTS}?fieldValidation=Strict"), &body);
        json(&reply)["message"].as_str().unwrap_or_default().to_owned()
    };
    assert!(told("events.k8s.io/v1", "Event").ends_with("strict decoding error: unknown field \"nope\""));
    assert!(
        told("v1", "ConfigMap").ends_with("converting (v1.ConfigMap) to (core.Event): unknown conversion")
    );
}

/// A merge or JSON patch is decoded as the kind that its result names. A strategic patch is applied to the object
/// itself, whatever kind the patch names.
#[test]
fn a_patch_to_another_kind_or_version() {
    let mut driver = server("w");
    let place = "/api/v1/namespaces/w/configmaps";
    assert_eq!(send(&mut driver, "POST", place, &json!({"metadata": {"name": "c"}})).status, 201);
    let target = format!("{place}/c");
    let strategic = &[("content-type", "application/strategic-merge-patch+json")];
    let cases = [
        ("v1", "Pod", 422, "converting (v1.Pod) to (core.ConfigMap): unknown conversion"),
        ("v1", "Status", 422, "converting (v1.Status) to (core.ConfigMap): unknown conversion"),
        (
            "apps/v1beta1",
            "Deployment",
            422,
            "converting (v1beta1.Deployment) to (core.ConfigMap): unknown conversion",
        ),
        ("nope/v1", "ConfigMap", 422, "no kind \"ConfigMap\" is registered for version \"nope/v1\""),
        ("v1", "Nope", 422, "no kind \"Nope\" is registered for version \"v1\""),
        (
            "__internal",
            "ConfigMap",
            400,
            "the name of the object (c based on URL) was undeterminable: name must be",
        ),
    ];
    for (api_version, kind, status, why) in cases {
        let patch = json!({"apiVersion": api_version, "kind": kind}).to_string();
        let merged = driver.call("PATCH", &target, MERGE, patch.as_bytes());
        assert_eq!(merged.status, status, "{}", merged.text());
        assert!(
            json(&merged)["message"].as_str().is_some_and(|told| told.contains(why)),
            "{}",
            merged.text()
        );
        let patched = driver.call("PATCH", &target, strategic, patch.as_bytes());
        assert_eq!(patched.status, 200, "{}", patched.text());
        assert_eq!(
            (&json(&patched)["apiVersion"], &json(&patched)["kind"]),
            (&json!("v1"), &json!("ConfigMap"))
        );
    }
}

/// A patch may turn an object into another version of it that is served: it is read as that, and stored all the same.
#[test]
fn a_patch_to_another_served_version_is_converted() {
    let mut driver = server("w");
    let event = json!({"metadata": {"name": "e"}, "involvedObject": {"kind": "Pod", "namespace": "w"}, "message": "m"});
    assert_eq!(send(&mut driver, "POST", EVENTS, &event).status, 201);
    let patch =
        br#"{"apiVersion":"events.k8s.io/v1","note":"n","regarding":{"kind":"Node","namespace":"w"}}"#;
    let patched = driver.call("PATCH", &format!("{EVENTS}/e"), MERGE, patch);
    assert_eq!(patched.status, 200, "{}", patched.text());
    let patched = json(&patched);
    assert_eq!((&patched["apiVersion"], &patched["message"]), (&json!("v1"), &json!("n")));
    assert_eq!(patched["involvedObject"]["kind"], json!("Node"));
}

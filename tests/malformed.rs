//! Malformed input of each sort gets a Status, never a panic. The properties run a few seconds in the
//! gate; `PROPTEST_CASES` makes them run as long as wanted.

use crate::conditions::{JSON, json, server};
use proptest::prelude::*;
use std::cell::RefCell;
use steersman_core::machine::{Input, Note};
use steersman_sim::driver::Driver;

thread_local! {
    static SERVER: RefCell<Driver> = RefCell::new(server("m"));
}

/// Makes a request on a shared server and checks that the answer is whole.
fn answered(method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<(), TestCaseError> {
    SERVER.with_borrow_mut(|driver| {
        let id = driver.begin(method, target, headers, body);
        if driver.is_open(id) {
            driver.give(Input::Gone(id));
            return Ok(());
        }
        driver.pass(4_000);
        let reply = driver.take(id).unwrap_or_default();
        prop_assert!((200..600).contains(&reply.status), "{method} {target}: {}", reply.status);
        let is_json = reply.header("content-type").is_some_and(|media| media.starts_with("application/json"));
        if reply.status >= 400 && is_json {
            prop_assert_eq!(&json(&reply)["kind"], "Status", "{} {}: {}", method, target, reply.text());
        }
        let panicked = driver.notes.iter().any(|note| matches!(note, Note::Panicked { .. }));
        prop_assert!(!panicked, "a step panicked");
        driver.notes.clear();
        Ok(())
    })
}

fn method() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO"])
}

fn segment() -> impl Strategy<Value = String> {
    let known = [
        "api",
        "apis",
        "v1",
        "apps",
        "namespaces",
        "m",
        "pods",
        "configmaps",
        "deployments",
        "status",
        "scale",
        "watch",
        "proxy",
        "exec",
        "..",
        "",
        "%2e%2e",
        "%00",
        "%zz",
        "nodes",
        "finalize",
        "batch",
        "jobs",
        "autoscaling",
        "v2",
        "horizontalpodautoscalers",
        "events.k8s.io",
        "events",
        "openapi",
        "v3",
        "v2",
        "healthz",
        "readyz",
        "ping",
    ];
    prop_oneof![4 => prop::sample::select(known.to_vec()).prop_map(str::to_owned), 1 => "[ -~]{0,8}", 1 => "\\PC{0,4}"]
}

fn target() -> impl Strategy<Value = String> {
    let names = [
        "watch",
        "labelSelector",
        "fieldSelector",
        "limit",
        "continue",
        "resourceVersion",
        "resourceVersionMatch",
        "timeoutSeconds",
        "dryRun",
        "fieldManager",
        "fieldValidation",
        "pretty",
        "gracePeriodSeconds",
        "includeObject",
        "propagationPolicy",
        "sendInitialEvents",
        "allowWatchBookmarks",
        "hash",
        "verbose",
        "exclude",
        "orphanDependents",
    ];
    let values = prop_oneof![
        "[ -~]{0,12}",
        Just("1".to_owned()),
        Just("true".to_owned()),
        Just("a%3Db%2Cc+in+%28d%29".to_owned()),
        Just("metadata.name%3Dx".to_owned()),
        Just("18446744073709551616".to_owned()),
        Just("-1".to_owned()),
    ];
    let pair =
        (prop::sample::select(names.to_vec()), values).prop_map(|(name, value)| format!("{name}={value}"));
    (prop::collection::vec(segment(), 0..8), prop::collection::vec(pair, 0..4))
        .prop_map(|(segments, pairs)| format!("/{}?{}", segments.join("/"), pairs.join("&")))
}

fn value(depth: u32) -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(
            |number| serde_json::Number::from_f64(number).map_or(serde_json::Value::Null, Into::into)
        ),
        "[ -~]{0,10}".prop_map(Into::into),
        "\\PC{0,4}".prop_map(Into::into),
    ];
    leaf.prop_recursive(depth, 40, 6, |inner| {
        let key = prop::sample::select(vec![
            "metadata",
            "name",
            "namespace",
            "labels",
            "annotations",
            "finalizers",
            "ownerReferences",
            "spec",
            "status",
            "replicas",
            "containers",
            "template",
            "selector",
            "matchLabels",
            "data",
            "binaryData",
            "uid",
            "$patch",
            "$setElementOrder/containers",
            "$deleteFromPrimitiveList/finalizers",
            "$retainKeys",
            "generateName",
            "op",
            "path",
            "value",
            "from",
            "deletionTimestamp",
            "resourceVersion",
            "managedFields",
            "immutable",
            "ports",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(serde_json::Value::Array),
            prop::collection::vec((key, inner), 0..6).prop_map(|members| serde_json::Value::Object(
                members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
            )),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn any_path_and_query_is_answered(method in method(), target in target(), body in "[ -~]{0,40}") {
        answered(method, &target, JSON, body.as_bytes())?;
    }

    #[test]
    fn any_bytes_as_a_body_are_answered(
        body in prop::collection::vec(any::<u8>(), 0..200),
        media in prop::sample::select(vec!["application/json", "application/yaml", "application/vnd.kubernetes.protobuf", "text/plain", ""]),
    ) {
        answered("POST", "/api/v1/namespaces/m/configmaps", &[("content-type", media)], &body)?;
        let mut enveloped = b"k8s\0".to_vec();
        enveloped.extend_from_slice(&body);
        answered("POST", "/api/v1/namespaces/m/pods", &[("content-type", media)], &enveloped)?;
    }

    #[test]
    fn any_text_as_yaml_is_answered(body in "[a-z:\\-\\[\\]{}&*!|>'\"#%@, \n]{0,120}") {
        answered("POST", "/api/v1/namespaces/m/configmaps", &[("content-type", "application/yaml")], body.as_bytes())?;
    }

    #[test]
    fn any_object_is_answered(
        object in value(5),
        resource in prop::sample::select(vec!["pods", "services", "configmaps", "secrets", "events", "persistentvolumeclaims"]),
    ) {
        answered("POST", &format!("/api/v1/namespaces/m/{resource}"), JSON, object.to_string().as_bytes())?;
        answered("POST", "/apis/apps/v1/namespaces/m/deployments", JSON, object.to_string().as_bytes())?;
    }

    #[test]
    fn any_patch_is_answered(
        patch in value(5),
        media in prop::sample::select(vec!["application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json", "application/apply-patch+yaml"]),
    ) {
        SERVER.with_borrow_mut(|driver| {
            let body = br#"{"metadata":{"name":"p"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}"#;
            driver.call("POST", "/apis/apps/v1/namespaces/m/deployments", JSON, body);
        });
        let at = "/apis/apps/v1/namespaces/m/deployments/p?fieldManager=t";
        answered("PATCH", at, &[("content-type", media)], patch.to_string().as_bytes())?;
    }
}

//! Server-side apply and who manages which fields: each case is a conversation, and what its last answer says.

use crate::conditions::{JSON, MERGE, fetch, json, send, server};
use serde_json::{Value, json};
use steersman_sim::driver::{Driver, Reply};

const APPLY: &[(&str, &str)] = &[("content-type", "application/apply-patch+yaml")];
const MAP: &str = "/api/v1/namespaces/w/configmaps/a";

/// A step: what is asked, and its body, which names neither kind nor version where it is an object of the path.
type Step<'a> = (&'a str, &'a str, Value);

fn play(driver: &mut Driver, (what, target, body): &Step<'_>) -> Reply {
    let (method, headers) = match *what {
        "APPLY" => ("PATCH", APPLY),
        "MERGE" => ("PATCH", MERGE),
        method => (method, JSON),
    };
    driver.call(method, target, headers, body.to_string().as_bytes())
}

/// The error, or the managers with their fields.
fn shown(reply: &Reply) -> String {
    let body = json(reply);
    if reply.status >= 400 {
        return format!("{}: {}", reply.status, body["message"].as_str().unwrap_or_default());
    }
    let text = |entry: &Value, name: &str| entry[name].as_str().unwrap_or_default().to_owned();
    let entries = body["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
    let mut lines: Vec<String> = entries
        .iter()
        .map(|entry| {
            let names = ["manager", "operation", "apiVersion", "subresource"].map(|name| text(entry, name));
            let time = if entry["time"].is_null() { " (no time)" } else { "" };
            format!("{}{time} {}", names.join(" ").trim_end(), entry["fieldsV1"])
        })
        .collect();
    lines.sort();
    format!("{}: {}", reply.status, lines.join("; "))
}

fn map(data: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": data})
}

fn check(cases: &[(&str, &[Step<'_>], &str)]) {
    let mut wrong = Vec::new();
    for (name, steps, expected) in cases {
        let mut driver = server("w");
        let replies: Vec<Reply> = steps.iter().map(|step| play(&mut driver, step)).collect();
        let found = shown(replies.last().expect("a case has steps"));
        if found != *expected {
            wrong.push(format!("{name}:\n  wanted {expected}\n  found  {found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn owners_share_give_and_lose_fields() {
    let one = format!("{MAP}?fieldManager=one");
    let two = format!("{MAP}?fieldManager=two");
    let forced = format!("{two}&force=true");
    let both = map(json!({"x": "1", "y": "1"}));
    check(&[
        (
            "an apply makes its object",
            &[("APPLY", &one, both.clone())],
            r#"201: one Apply v1 {"f:data":{"f:x":{},"f:y":{}}}"#,
        ),
        (
            "who agrees shares",
            &[("APPLY", &one, both.clone()), ("APPLY", &two, map(json!({"x": "1"})))],
            r#"200: one Apply v1 {"f:data":{"f:x":{},"f:y":{}}}; two Apply v1 (no time) {"f:data":{"f:x":{}}}"#,
        ),
        (
            "who does not is refused",
            &[("APPLY", &one, both.clone()), ("APPLY", &two, map(json!({"x": "2", "y": "2"})))],
            "409: Apply failed with 2 conflicts: conflicts with \"one\":\n- .data.x\n- .data.y",
        ),
        (
            "force takes",
            &[("APPLY", &one, both.clone()), ("APPLY", &forced, map(json!({"x": "2"})))],
            r#"200: one Apply v1 {"f:data":{"f:y":{}}}; two Apply v1 {"f:data":{"f:x":{}}}"#,
        ),
        (
            "an update takes",
            &[("APPLY", &one, both.clone()), ("MERGE", &two, json!({"data": {"x": "2"}}))],
            r#"200: one Apply v1 {"f:data":{"f:y":{}}}; two Update v1 {"f:data":{"f:x":{}}}"#,
        ),
        (
            "what an update has set is a conflict too",
            &[
                ("APPLY", &one, map(json!({"y": "1"}))),
                ("MERGE", &two, json!({"data": {"x": "2"}})),
                ("APPLY", &one, map(json!({"x": "3", "y": "1"}))),
            ],
            r#"409: Apply failed with 1 conflict: conflict with "two" using v1: .data.x"#,
        ),
        (
            "what is shared stays when one leaves it out",
            &[
                ("APPLY", &one, both.clone()),
                ("APPLY", &two, map(json!({"x": "1"}))),
                ("APPLY", &one, map(json!({"y": "1"}))),
                ("GET", MAP, Value::Null),
            ],
            r#"200: one Apply v1 {"f:data":{"f:y":{}}}; two Apply v1 (no time) {"f:data":{"f:x":{}}}"#,
        ),
        (
            "an update that removes a field leaves nobody to own it",
            &[("APPLY", &one, both), ("MERGE", &two, json!({"data": {"x": null}}))],
            r#"200: one Apply v1 {"f:data":{"f:y":{}}}"#,
        ),
    ]);
}

#[test]
fn what_nobody_applies_any_more_is_removed() {
    let mut driver = server("w");
    let one = format!("{MAP}?fieldManager=one");
    for (data, left) in [
        (json!({"x": "1", "y": "1"}), json!({"x": "1", "y": "1", "z": "1"})),
        (json!({"y": "1"}), json!({"y": "1", "z": "1"})),
        (json!({}), json!({"z": "1"})),
    ] {
        let applied = play(&mut driver, &("APPLY", &one, map(data)));
        assert!(applied.status < 300, "{}", applied.text());
        play(&mut driver, &("MERGE", MAP, json!({"data": {"z": "1"}})));
        assert_eq!(json(&fetch(&mut driver, MAP))["data"], left);
    }
}

#[test]
fn entries_are_reset_joined_and_kept() {
    let one = format!("{MAP}?fieldManager=one");
    let made = json!({"metadata": {"name": "a"}, "data": {"x": "1"}});
    let post = "/api/v1/namespaces/w/configmaps?fieldManager=maker";
    let reset = |entries: Value| json!({"metadata": {"managedFields": entries}});
    let targets: Vec<String> = (0..10).map(|number| format!("{MAP}?fieldManager=u{number}")).collect();
    let many: Vec<Step<'_>> =
        core::iter::once(("POST", post, made.clone()))
            .chain((0..).zip(&targets).map(|(number, target)| {
                ("MERGE", target.as_str(), json!({"data": {format!("k{number}"): "v"}}))
            }))
            .collect();
    let mut ancient =
        String::from("200: ancient-changes Update v1 {\"f:data\":{\".\":{},\"f:k0\":{},\"f:x\":{}}}");
    (1..10).for_each(|n| ancient.push_str(&format!("; u{n} Update v1 {{\"f:data\":{{\"f:k{n}\":{{}}}}}}")));
    check(&[
        (
            "a create is an update of nothing",
            &[("POST", post, made.clone())],
            r#"201: maker Update v1 {"f:data":{".":{},"f:x":{}}}"#,
        ),
        (
            "an empty entry resets",
            &[("POST", post, made.clone()), ("MERGE", MAP, reset(json!([{}])))],
            "200: ",
        ),
        ("an empty list resets", &[("POST", post, made.clone()), ("MERGE", MAP, reset(json!([])))], "200: "),
        (
            "what is not tracked stays so",
            &[
                ("POST", post, made.clone()),
                ("MERGE", MAP, reset(json!([{}]))),
                ("MERGE", MAP, json!({"data": {"y": "1"}})),
            ],
            "200: ",
        ),
        (
            "an apply tells who had the fields before",
            &[
                ("POST", post, made.clone()),
                ("MERGE", MAP, reset(json!([{}]))),
                ("APPLY", &one, map(json!({"y": "1"}))),
            ],
            r#"200: before-first-apply Update v1 {"f:data":{".":{},"f:x":{}}}; one Apply v1 {"f:data":{"f:y":{}}}"#,
        ),
        (
            "malformed entries are ignored",
            &[("POST", post, made), ("MERGE", MAP, reset(json!([{"manager": "x", "operation": "Update"}])))],
            r#"200: maker Update v1 {"f:data":{".":{},"f:x":{}}}"#,
        ),
        ("the oldest updates are joined", &many, &ancient),
    ]);
}

#[test]
fn configurations_that_are_none_are_refused() {
    let one = format!("{MAP}?fieldManager=one");
    let named = |name: &str, value: Value| {
        let mut object = map(json!({}));
        object["metadata"][name] = value;
        object
    };
    check(&[
        (
            "another kind",
            &[("APPLY", &one, json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}}))],
            "400: invalid object type: /v1, Kind=Secret",
        ),
        ("nothing", &[("APPLY", &one, Value::Null)], "400: invalid object type: /, Kind="),
        (
            "a list",
            &[("APPLY", &one, json!([]))],
            "400: error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array \
             into Go value of type map[string]interface {}",
        ),
        (
            "a wrong type",
            &[("APPLY", &one, map(json!(["x"])))],
            "500: failed to create typed patch object (/a; /v1, Kind=ConfigMap): .data: expected map, got &{[x]}",
        ),
        (
            "another wrong type",
            &[("APPLY", &one, map(json!({"x": 1})))],
            "500: failed to create typed patch object (/a; /v1, Kind=ConfigMap): .data.x: expected string, got \
             &value.valueUnstructured{Value:1}",
        ),
        (
            "repeated items",
            &[("APPLY", &one, named("finalizers", json!(["a/b", "a/b"])))],
            "500: failed to create typed patch object (/a; /v1, Kind=ConfigMap): .metadata.finalizers: duplicate \
             entries for key [=\"a/b\"]",
        ),
        (
            "several problems",
            &[("APPLY", &one, named("labels", json!({"a": 1, "b": true})))],
            "500: failed to create typed patch object (/a; /v1, Kind=ConfigMap): errors:\n  .metadata.labels.a: \
             expected string, got &value.valueUnstructured{Value:1}\n  .metadata.labels.b: expected string, got \
             &value.valueUnstructured{Value:true}",
        ),
        (
            "managed fields",
            &[("APPLY", &one, named("managedFields", json!([])))],
            "400: metadata.managedFields must be nil",
        ),
        (
            "the uid of no object",
            &[("APPLY", &one, named("uid", json!("u")))],
            "409: Operation cannot be fulfilled on configmaps \"a\": uid mismatch: the provided object specified uid \
             u, and no existing object was found",
        ),
        (
            "a stale version",
            &[("APPLY", &one, map(json!({}))), ("APPLY", &one, named("resourceVersion", json!("1")))],
            "409: Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please apply your \
             changes to the latest version and try again",
        ),
    ]);
}

#[test]
fn an_apply_that_changes_nothing_writes_nothing() {
    let mut driver = server("w");
    let one = format!("{MAP}?fieldManager=one");
    let first = json(&play(&mut driver, &("APPLY", &one, map(json!({"x": "1"})))));
    driver.pass(2_000);
    let second = json(&play(&mut driver, &("APPLY", &one, map(json!({"x": "1"})))));
    assert_eq!(first, second);
}

/// A set is compared in the version in which it was written.
#[test]
fn owners_in_another_version_are_asked() {
    let mut driver = server("w");
    let path = |version: &str| {
        format!("/apis/autoscaling/{version}/namespaces/w/horizontalpodautoscalers/h?fieldManager=m{version}")
    };
    let scaler = |version: &str, spec: Value| {
        json!({"apiVersion": format!("autoscaling/{version}"), "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "h"}, "spec": spec})
    };
    let target = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"});
    let spec = json!({"maxReplicas": 5, "scaleTargetRef": target, "targetCPUUtilizationPercentage": 50});
    let first = play(&mut driver, &("APPLY", &path("v1"), scaler("v1", spec)));
    assert_eq!(first.status, 201, "{}", first.text());
    let metric = |percent: i64| {
        json!([{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization",
            "averageUtilization": percent}}}])
    };
    let found =
        |driver: &mut Driver, spec: Value| shown(&play(driver, &("APPLY", &path("v2"), scaler("v2", spec))));
    let refused = found(&mut driver, json!({"maxReplicas": 6, "metrics": metric(60)}));
    assert_eq!(
        refused,
        "409: Apply failed with 2 conflicts: conflicts with \"mv1\":\n- .spec.maxReplicas\n- \
         .spec.targetCPUUtilizationPercentage"
    );
    let shared = found(&mut driver, json!({"maxReplicas": 5, "metrics": metric(50)}));
    assert!(shared.contains("mv2 Apply autoscaling/v2 (no time)"), "{shared}");
}

/// kubectl's own annotation of client-side apply gives its fields to server-side apply.
#[test]
fn kubectl_moves_from_its_annotation() {
    let mut driver = server("w");
    let applied = map(json!({"x": "1"})).to_string();
    let annotation = "kubectl.kubernetes.io/last-applied-configuration";
    let object = json!({"metadata": {"name": "a", "annotations": {annotation: applied}}, "data": {"x": "1", "y": "1"}});
    let post = "/api/v1/namespaces/w/configmaps?fieldManager=kubectl-client-side-apply";
    assert_eq!(send(&mut driver, "POST", post, &object).status, 201);
    let one = format!("{MAP}?fieldManager=kubectl");
    let moved = play(&mut driver, &("APPLY", &one, map(json!({"x": "2"}))));
    assert_eq!(moved.status, 200, "{}", moved.text());
    let held = json(&moved)["metadata"]["annotations"][annotation].as_str().map(str::to_owned);
    assert_eq!(held, Some(format!("{}\n", map(json!({"x": "2"})))));
    let other = play(&mut driver, &("APPLY", &one, map(json!({"x": "2", "y": "2"}))));
    let expected =
        "409: Apply failed with 1 conflict: conflict with \"kubectl-client-side-apply\" using v1: .data.y";
    assert_eq!(shown(&other), expected);
}

/// Whether an apply without force takes a field.
#[cfg(feature = "museum")]
pub(crate) fn conflicts_overlooked(flaw: steersman_core::museum::Flaw) -> bool {
    let config = steersman_sim::driver::open_config(1);
    let mut driver = Driver::start(steersman_core::config::Config { flaw, ..config });
    let body = json!({"metadata": {"name": "w"}});
    assert_eq!(send(&mut driver, "POST", "/api/v1/namespaces", &body).status, 201);
    let mut apply = |manager: &str, value: &str| {
        let target = format!("{MAP}?fieldManager={manager}");
        play(&mut driver, &("APPLY", &target, map(json!({"x": value})))).status
    };
    assert_eq!(apply("one", "1"), 201);
    apply("two", "2") == 200
}

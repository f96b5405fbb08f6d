//! Bindings and evictions: what is refused, how, and what becomes of the pod and of the budget that guards it.

use crate::conditions::{JSON, MERGE, fetch, json, send, server};
use serde_json::{Value, json};
use steersman_sim::driver::Driver;

const PODS: &str = "/api/v1/namespaces/w/pods";
const BUDGETS: &str = "/apis/policy/v1/namespaces/w/poddisruptionbudgets";

fn patch(driver: &mut Driver, place: &str, patch: &Value) {
    let patched = driver.call("PATCH", place, MERGE, patch.to_string().as_bytes());
    assert_eq!(patched.status, 200, "{place}: {}", patched.text());
}

/// A pod with a label, and with what else it has.
fn pod(driver: &mut Driver, name: &str, also: &Value) {
    let mut body = json!({"metadata": {"name": name, "labels": {"app": "a"}},
        "spec": {"containers": [{"name": "c", "image": "i"}]}});
    for (key, value) in also.as_object().expect("an object") {
        body["spec"][key] = value.clone();
    }
    let made = send(driver, "POST", PODS, &body);
    assert_eq!(made.status, 201, "{}", made.text());
}

fn bind(driver: &mut Driver, name: &str, binding: &Value) -> (u16, String) {
    let reply = send(driver, "POST", &format!("{PODS}/{name}/binding"), binding);
    (reply.status, json(&reply)["message"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn a_pod_is_bound_once() {
    let mut driver = server("w");
    pod(&mut driver, "a", &json!({}));
    pod(&mut driver, "gated", &json!({"schedulingGates": [{"name": "example.com/g"}]}));
    let to = |name: &str, node: &str| json!({"metadata": {"name": name}, "target": {"name": node}});
    let conflict = |name: &str, why: &str| format!("Operation cannot be fulfilled on {name}: {why}");
    let table = [
        ("a", to("b", "n1"), 400, "name in URL does not match name in Binding object".to_owned()),
        ("a", to("a", ""), 500, "target.name: Required value".to_owned()),
        (
            "a",
            json!({"metadata": {"name": "a"}, "target": {"kind": "Pod"}}),
            500,
            "[target.kind: Unsupported value: \"Pod\": supported values: \"Node\", \"<empty>\", \
             target.name: Required value]"
                .to_owned(),
        ),
        ("none", to("none", "n1"), 404, "pods \"none\" not found".to_owned()),
        (
            "gated",
            to("gated", "n1"),
            409,
            conflict("pods/binding \"gated\"", "pod gated has non-empty .spec.schedulingGates"),
        ),
        (
            "a",
            json!({"metadata": {"name": "a", "labels": {"zone": "z"}, "annotations": {"k": "v"}},
                "target": {"kind": "Node", "name": "n1"}}),
            201,
            String::new(),
        ),
        ("a", to("a", "n2"), 409, conflict("pods/binding \"a\"", "pod a is already assigned to node \"n1\"")),
    ];
    for (name, binding, status, message) in table {
        assert_eq!(bind(&mut driver, name, &binding), (status, message), "{binding}");
    }
    let bound = json(&fetch(&mut driver, &format!("{PODS}/a")));
    assert_eq!(bound["spec"]["nodeName"], json!("n1"));
    assert_eq!(bound["metadata"]["labels"], json!({"app": "a", "zone": "z"}));
    assert_eq!(bound["metadata"]["annotations"], json!({"k": "v"}));
    let condition = &bound["status"]["conditions"][0];
    assert_eq!((&condition["type"], &condition["status"]), (&json!("PodScheduled"), &json!("True")));
}

#[test]
fn a_binding_names_the_pod_that_it_is_for() {
    let mut driver = server("w");
    pod(&mut driver, "a", &json!({}));
    let held = json(&fetch(&mut driver, &format!("{PODS}/a")));
    let uid = held["metadata"]["uid"].as_str().expect("a uid");
    let named = |uid: &str, version: &str| json!({"metadata": {"name": "a", "uid": uid, "resourceVersion": version}, "target": {"name": "n1"}});
    let (status, message) = bind(&mut driver, "a", &named("other", ""));
    assert_eq!(status, 409);
    let why = format!("UID in precondition: other, UID in object meta: {uid}");
    assert!(message.ends_with(&why) && message.contains("pods \"a\": StorageError"), "{message}");
    assert_eq!(bind(&mut driver, "a", &named(uid, "1")).0, 409);
    let dry = send(&mut driver, "POST", &format!("{PODS}/a/binding?dryRun=All"), &named(uid, ""));
    assert_eq!(dry.status, 201);
    assert!(json(&fetch(&mut driver, &format!("{PODS}/a")))["spec"]["nodeName"].is_null());
    let version = held["metadata"]["resourceVersion"].as_str().expect("a version");
    let old = send(&mut driver, "POST", "/api/v1/namespaces/w/bindings", &named(uid, version));
    assert_eq!(old.status, 201, "{}", old.text());
}

/// A pod on a node that runs, ready or not.
fn running(driver: &mut Driver, name: &str, is_ready: bool) {
    pod(driver, name, &json!({}));
    let binding = json!({"metadata": {"name": name}, "target": {"name": "n1"}});
    assert_eq!(bind(driver, name, &binding).0, 201);
    let ready = if is_ready { "True" } else { "False" };
    let status = json!({"phase": "Running", "conditions": [{"type": "Ready", "status": ready}]});
    patch(driver, &format!("{PODS}/{name}/status"), &json!({"status": status}));
}

fn budget(driver: &mut Driver, name: &str, policy: &Value, status: &Value) {
    let body = json!({"metadata": {"name": name}, "spec": {"minAvailable": 1,
        "selector": {"matchLabels": {"app": "a"}}, "unhealthyPodEvictionPolicy": policy}});
    let made = send(driver, "POST", BUDGETS, &body);
    assert_eq!(made.status, 201, "{}", made.text());
    patch(driver, &format!("{BUDGETS}/{name}/status"), &json!({"status": status}));
}

/// The status of a budget that has been looked at.
fn healthy(allowed: i64, current: i64, desired: i64) -> Value {
    json!({"observedGeneration": 1, "disruptionsAllowed": allowed, "currentHealthy": current,
        "desiredHealthy": desired, "expectedPods": 3})
}

fn evict(driver: &mut Driver, name: &str, version: &str) -> (u16, Value) {
    let body = json!({"apiVersion": version, "kind": "Eviction", "metadata": {"name": name}});
    let reply = send(driver, "POST", &format!("{PODS}/{name}/eviction"), &body);
    (reply.status, json(&reply))
}

#[test]
fn a_budget_decides_about_evictions_and_counts_them() {
    let stale = json!({"observedGeneration": 0, "disruptionsAllowed": 9, "currentHealthy": 9,
        "desiredHealthy": 1, "expectedPods": 3});
    let null = Value::Null;
    let needs = "The disruption budget b needs 2 healthy pods and has 2 currently";
    let table = [
        (true, &null, healthy(1, 3, 2), 201, ""),
        (true, &null, healthy(0, 2, 2), 429, needs),
        (
            true,
            &null,
            healthy(0, 3, 2),
            429,
            "The disruption budget b does not allow evicting pods currently",
        ),
        (true, &null, stale, 429, "The disruption budget b is still being processed by the server."),
        (false, &null, healthy(0, 2, 2), 201, ""),
        (
            false,
            &null,
            healthy(0, 1, 2),
            429,
            "The disruption budget b needs 2 healthy pods and has 1 currently",
        ),
        (
            false,
            &null,
            healthy(0, 0, 0),
            429,
            "The disruption budget b needs 0 healthy pods and has 0 currently",
        ),
        (false, &json!("AlwaysAllow"), healthy(0, 0, 2), 201, ""),
        (true, &json!("AlwaysAllow"), healthy(0, 2, 2), 429, needs),
    ];
    for (is_ready, policy, status, code, cause) in table {
        let mut driver = server("w");
        running(&mut driver, "a", is_ready);
        budget(&mut driver, "b", policy, &status);
        let (answered, body) = evict(&mut driver, "a", "policy/v1");
        assert_eq!(answered, code, "{status}: {body}");
        let found = body["details"]["causes"][0]["message"].as_str().unwrap_or_default();
        assert_eq!(found, cause, "{status}");
        let pod = json(&fetch(&mut driver, &format!("{PODS}/a")));
        assert_eq!(pod["metadata"]["deletionTimestamp"].is_string(), code == 201, "{pod}");
        let held = json(&fetch(&mut driver, &format!("{BUDGETS}/b")));
        let is_charged = code == 201 && is_ready;
        assert_eq!(held["status"]["disruptedPods"]["a"].is_string(), is_charged, "{held}");
        if is_charged {
            assert_eq!(held["status"]["disruptionsAllowed"], json!(0));
            let condition = &held["status"]["conditions"][0];
            assert_eq!(condition["reason"], json!("InsufficientPods"), "{condition}");
            let managers = held["metadata"]["managedFields"].as_array().expect("managers");
            let own =
                managers.iter().find(|held| held["manager"] == json!("kube-apiserver")).expect("its own");
            assert_eq!(own["subresource"], json!("status"));
            let fields = &own["fieldsV1"]["f:status"];
            assert_eq!(fields["f:disruptedPods"], json!({".": {}, "f:a": {}}), "{own}");
            assert!(
                fields["f:disruptionsAllowed"].is_object() && fields["f:conditions"].is_object(),
                "{own}"
            );
        }
        if code == 201 {
            let conditions = pod["status"]["conditions"].as_array().expect("conditions");
            let target = conditions.iter().find(|held| held["type"] == json!("DisruptionTarget"));
            assert_eq!(target.expect("a condition")["reason"], json!("EvictionByEvictionAPI"));
        }
    }
}

#[test]
fn what_no_budget_guards_is_evicted_at_once_and_two_are_too_many() {
    let mut driver = server("w");
    budget(&mut driver, "b", &Value::Null, &healthy(0, 1, 2));
    pod(&mut driver, "pending", &json!({}));
    assert_eq!(evict(&mut driver, "pending", "policy/v1beta1").0, 201);
    assert_eq!(fetch(&mut driver, &format!("{PODS}/pending")).status, 404);
    running(&mut driver, "a", true);
    let dry = json!({"kind": "Eviction", "metadata": {"name": "a"}, "deleteOptions": {"dryRun": ["All"]}});
    assert_eq!(send(&mut driver, "POST", &format!("{PODS}/a/eviction"), &dry).status, 429);
    budget(&mut driver, "c", &Value::Null, &healthy(3, 3, 2));
    let (status, body) = evict(&mut driver, "a", "policy/v1");
    let why =
        "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
    assert_eq!((status, body["message"].as_str()), (500, Some(why)));
    assert_eq!(driver.call("DELETE", &format!("{BUDGETS}/b"), JSON, b"").status, 200);
    let dry = send(&mut driver, "POST", &format!("{PODS}/a/eviction"), &dry);
    assert_eq!(dry.status, 201, "{}", dry.text());
    let held = json(&fetch(&mut driver, &format!("{BUDGETS}/c")));
    assert_eq!(held["status"]["disruptionsAllowed"], json!(3));
    assert_eq!(evict(&mut driver, "a", "policy/v2").0, 400);
}

#[test]
fn a_dry_run_over_many_objects_deletes_none_and_a_body_makes_the_query_count_for_nothing() {
    let mut driver = server("w");
    const MANY: usize = 1_000;
    for number in 0..MANY {
        let body = json!({"metadata": {"name": format!("c{number}")}});
        assert_eq!(send(&mut driver, "POST", "/api/v1/namespaces/w/configmaps", &body).status, 201);
    }
    let dry = driver.call("DELETE", "/api/v1/namespaces/w/configmaps?dryRun=All", JSON, b"");
    assert_eq!((dry.status, json(&dry)["items"].as_array().map(Vec::len)), (200, Some(MANY)));
    assert_eq!(fetch(&mut driver, "/api/v1/namespaces/w/configmaps/c0").status, 200);
    for (body, seconds) in [("", 7), ("null", 30), ("{}", 30), (r#"{"gracePeriodSeconds":9}"#, 9)] {
        running(&mut driver, "a", true);
        let place = format!("{PODS}/a?gracePeriodSeconds=7");
        let marked = driver.call("DELETE", &place, JSON, body.as_bytes());
        assert_eq!(json(&marked)["metadata"]["deletionGracePeriodSeconds"], json!(seconds), "{body}");
        assert_eq!(driver.call("DELETE", &format!("{PODS}/a?gracePeriodSeconds=0"), JSON, b"").status, 200);
    }
}

//! Bugs of bindings and evictions.

use super::{Flaw, put, server, write_unheard};
use crate::conditions::{MERGE, fetch, json, send};
use serde_json::json;
use steersman_core::store::Range;
use steersman_sim::driver::Driver;

const PODS: &str = "/api/v1/namespaces/w/pods";
const BUDGETS: &str = "/apis/policy/v1/namespaces/w/poddisruptionbudgets";

fn pod(driver: &mut Driver, name: &str) {
    let body = json!({"metadata": {"name": name, "labels": {"app": "a"}},
        "spec": {"containers": [{"name": "c", "image": "i"}]}});
    let made = send(driver, "POST", PODS, &body);
    assert_eq!(made.status, 201, "{}", made.text());
}

fn stored(driver: &Driver, key: &str) -> String {
    let range = Range { key: key.to_owned().into(), ..Range::default() };
    let ranged = driver.etcd().mvcc().range(&range).expect("a range");
    String::from_utf8_lossy(&ranged.kvs[0].value).into_owned()
}

/// Another server has bound the pod, and this one has not heard of it.
pub(super) fn bound_twice(flaw: Flaw) -> bool {
    let mut driver = server(flaw);
    pod(&mut driver, "a");
    let key = "/registry/pods/w/a";
    let theirs = stored(&driver, key).replace("\"spec\":{", "\"spec\":{\"nodeName\":\"theirs\",");
    write_unheard(&mut driver, vec![put(key, &theirs)]);
    let binding = json!({"metadata": {"name": "a"}, "target": {"kind": "Node", "name": "mine"}});
    let status = send(&mut driver, "POST", &format!("{PODS}/a/binding"), &binding).status;
    assert!(status == 201 || status == 409, "{status}");
    json(&fetch(&mut driver, &format!("{PODS}/a")))["spec"]["nodeName"] == json!("mine")
}

/// Another server has used up the budget, and this one has not heard of it.
pub(super) fn budget_overrun(flaw: Flaw) -> bool {
    let mut driver = server(flaw);
    pod(&mut driver, "a");
    let budget = json!({"metadata": {"name": "b"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "a"}}}});
    assert_eq!(send(&mut driver, "POST", BUDGETS, &budget).status, 201);
    let healthy = json!({"status": {"observedGeneration": 1, "disruptionsAllowed": 1, "currentHealthy": 3,
        "desiredHealthy": 1, "expectedPods": 3}});
    let running =
        json!({"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}});
    for (place, patch) in [(format!("{BUDGETS}/b/status"), healthy), (format!("{PODS}/a/status"), running)] {
        let patched = driver.call("PATCH", &place, MERGE, patch.to_string().as_bytes());
        assert_eq!(patched.status, 200, "{}", patched.text());
    }
    let key = "/registry/poddisruptionbudgets/w/b";
    let used = stored(&driver, key).replace("\"disruptionsAllowed\":1", "\"disruptionsAllowed\":0");
    write_unheard(&mut driver, vec![put(key, &used)]);
    let eviction = json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "a"}});
    let status = send(&mut driver, "POST", &format!("{PODS}/a/eviction"), &eviction).status;
    assert!(status == 201 || status == 429, "{status}");
    status == 201
}

//! What kubelets may do: the Node authorizer and NodeRestriction, as data with one checker.

use crate::conditions::{JSON, json};
use serde_json::{Value, json};
use steersman_core::config::{AdmissionOptions, Authentication, Authorizer, Config, Token};
use steersman_sim::driver::{Driver, Reply, open_config};

const PODS: &str = "/api/v1/namespaces/default/pods";
const SECRETS: &str = "/api/v1/namespaces/default/secrets";
const CLAIMS: &str = "/api/v1/namespaces/default/persistentvolumeclaims";
const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";
const SLICES: &str = "/apis/resource.k8s.io/v1/resourceslices";

fn token(name: &str, user: &str, group: &str) -> Token {
    Token { token: name.into(), user: user.into(), uid: "".into(), groups: vec![group.into()] }
}

fn server() -> Driver {
    let tokens = vec![
        token("n1", "system:node:n1", "system:nodes"),
        token("n2", "system:node:n2", "system:nodes"),
        token("nobody", "system:node:", "system:nodes"),
        token("root", "root", "system:masters"),
    ];
    let admission = AdmissionOptions {
        enabled: vec!["NodeRestriction".into()],
        ..AdmissionOptions::without(&["ServiceAccount"])
    };
    Driver::start(Config {
        authentication: Authentication { tokens, anonymous: false, ..Authentication::default() },
        authorization: vec![Authorizer::Node],
        admission,
        ..open_config(1)
    })
}

fn ask(driver: &mut Driver, user: &str, method: &str, target: &str, body: &Value) -> Reply {
    let authorization = format!("Bearer {user}");
    let mut headers = vec![("authorization", authorization.as_str())];
    headers.extend(JSON);
    if method == "PATCH" {
        headers.retain(|(name, _)| *name != "content-type");
        headers.push(("content-type", "application/merge-patch+json"));
    }
    driver.call(method, target, &headers, body.to_string().as_bytes())
}

fn pod(name: &str, node: &str) -> Value {
    json!({
        "metadata": {"name": name},
        "spec": {
            "nodeName": node,
            "containers": [{"name": "c", "image": "i"}],
            "volumes": [
                {"name": "s", "secret": {"secretName": "direct"}},
                {"name": "c", "persistentVolumeClaim": {"claimName": "claim"}},
            ],
        },
    })
}

fn secret(name: &str) -> Value {
    json!({"metadata": {"name": name}})
}

/// Two nodes, and a pod on the first that refers to a secret, and through a claim and a volume to another one.
fn furnish(driver: &mut Driver) {
    let volume = json!({
        "metadata": {"name": "volume"},
        "spec": {
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"],
            "claimRef": {"namespace": "default", "name": "claim"},
            "csi": {
                "driver": "d.example.com",
                "volumeHandle": "h",
                "nodePublishSecretRef": {"name": "of-volume", "namespace": "default"},
            },
        },
    });
    let claim = json!({
        "metadata": {"name": "claim"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "volumeName": "volume",
            "resources": {"requests": {"storage": "1Gi"}},
        },
    });
    let objects = [
        ("/api/v1/nodes", json!({"metadata": {"name": "n1"}})),
        ("/api/v1/nodes", json!({"metadata": {"name": "n2"}})),
        (SECRETS, secret("direct")),
        (SECRETS, secret("of-volume")),
        (SECRETS, secret("other")),
        ("/api/v1/persistentvolumes", volume),
        (CLAIMS, claim),
        (PODS, pod("p1", "n1")),
    ];
    for (path, object) in objects {
        let made = ask(driver, "root", "POST", path, &object);
        assert_eq!(made.status, 201, "{path} {}", made.text());
    }
}

/// Who asks, method, path, body, status, and how the message ends.
type Case = (&'static str, &'static str, String, Value, u16, &'static str);

fn check(driver: &mut Driver, cases: Vec<Case>) {
    for (user, method, path, body, status, end) in cases {
        let reply = ask(driver, user, method, &path, &body);
        let message = json(&reply)["message"].as_str().unwrap_or_default().to_owned();
        assert_eq!(reply.status, status, "{user} {method} {path}: {message}");
        assert!(message.ends_with(end), "{user} {method} {path}: {message}");
    }
}

#[test]
fn a_node_reads_what_its_pods_refer_to() {
    const UNRELATED: &str = "no relationship found between node 'n2' and this object";
    let mut driver = server();
    furnish(&mut driver);
    let get = |user, path: String, status, end| (user, "GET", path, Value::Null, status, end);
    let cases = vec![
        get("n1", format!("{SECRETS}/direct"), 200, ""),
        get("n1", format!("{SECRETS}/of-volume"), 200, ""),
        get("n1", format!("{SECRETS}/other"), 403, "no relationship found between node 'n1' and this object"),
        get("n1", format!("{SECRETS}?fieldSelector=metadata.name%3Ddirect"), 200, ""),
        get("n1", SECRETS.to_owned(), 403, "No Object name found"),
        get("n2", format!("{SECRETS}/direct"), 403, UNRELATED),
        get("n2", format!("{SECRETS}/of-volume"), 403, UNRELATED),
        get("n1", format!("{CLAIMS}/claim"), 200, ""),
        get("n2", format!("{CLAIMS}/claim"), 403, UNRELATED),
        get("n1", "/api/v1/persistentvolumes/volume".to_owned(), 200, ""),
        get("n2", "/api/v1/persistentvolumes/volume".to_owned(), 403, UNRELATED),
        get("n1", format!("{PODS}/p1"), 200, ""),
        get("n2", format!("{PODS}/p1"), 403, UNRELATED),
        get("n1", "/api/v1/pods?fieldSelector=spec.nodeName%3Dn1".to_owned(), 200, ""),
        get(
            "n1",
            "/api/v1/pods?fieldSelector=spec.nodeName%3Dn2".to_owned(),
            403,
            "can only list/watch pods with spec.nodeName field selector",
        ),
        get("n1", "/api/v1/nodes/n1".to_owned(), 200, ""),
        get("n1", "/api/v1/nodes/n2".to_owned(), 403, "node 'n1' cannot read 'n2', only its own Node object"),
        get("n1", "/api/v1/services".to_owned(), 200, ""),
        get("n1", "/api/v1/namespaces".to_owned(), 403, "at the cluster scope"),
        get("nobody", "/api/v1/services".to_owned(), 403, "unknown node for user \"system:node:\""),
    ];
    check(&mut driver, cases);

    let path = format!("{PODS}/p1");
    let at_once = json!({"gracePeriodSeconds": 0});
    assert_eq!(ask(&mut driver, "root", "DELETE", &path, &at_once).status, 200);
    assert_eq!(ask(&mut driver, "root", "GET", &path, &Value::Null).status, 404);
    let refused = ask(&mut driver, "n1", "GET", &format!("{SECRETS}/direct"), &Value::Null);
    assert_eq!(refused.status, 403, "what a pod referred to went with it");
}

#[test]
fn a_node_writes_what_is_its_own() {
    let mut driver = server();
    furnish(&mut driver);
    let labelled = |key: &str| json!({"metadata": {"labels": {key: "x"}}});
    let node = |name: &str| format!("/api/v1/nodes/{name}");
    let running = json!({"status": {"phase": "Running"}});
    let cases: Vec<Case> = vec![
        ("n1", "PATCH", node("n1"), labelled("example.com/a"), 200, ""),
        ("n1", "PATCH", node("n1"), labelled("kubernetes.io/hostname"), 200, ""),
        (
            "n1",
            "PATCH",
            node("n1"),
            labelled("node-role.kubernetes.io/master"),
            403,
            "nodes \"n1\" is forbidden: is not allowed to modify labels: node-role.kubernetes.io/master",
        ),
        (
            "n1",
            "PATCH",
            node("n2"),
            labelled("a"),
            403,
            "nodes \"n2\" is forbidden: node \"n1\" is not allowed to modify node \"n2\"",
        ),
        (
            "n1",
            "PATCH",
            node("n1"),
            json!({"spec": {"taints": null}}),
            403,
            "nodes \"n1\" is forbidden: node \"n1\" is not allowed to modify taints",
        ),
        (
            "n1",
            "PATCH",
            format!("{}/status", node("n1")),
            json!({"spec": {"taints": null}, "status": {"phase": "Running"}}),
            403,
            "node \"n1\" is not allowed to modify taints",
        ),
        ("n1", "PATCH", format!("{}/status", node("n1")), running.clone(), 200, ""),
        ("n1", "PATCH", format!("{PODS}/p1/status"), running.clone(), 200, ""),
        (
            "n2",
            "PATCH",
            format!("{PODS}/p1/status"),
            running.clone(),
            403,
            "node \"n2\" can only update pod status for pods with spec.nodeName set to itself",
        ),
        (
            "n1",
            "PATCH",
            format!("{PODS}/p1/status"),
            labelled("a"),
            403,
            "node \"n1\" cannot update labels through pod status",
        ),
        (
            "n1",
            "POST",
            PODS.to_owned(),
            pod("p2", "n1"),
            403,
            "pods \"p2\" is forbidden: pod does not have \"kubernetes.io/config.mirror\" annotation, node \"n1\" can \
             only create mirror pods",
        ),
        (
            "n2",
            "DELETE",
            format!("{PODS}/p1"),
            Value::Null,
            403,
            "node \"n2\" can only delete pods with spec.nodeName set to itself",
        ),
        (
            "n2",
            "POST",
            format!("{PODS}/p1/eviction"),
            json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "p1"}}),
            403,
            "node n2 can only evict pods with spec.nodeName set to itself",
        ),
        ("n1", "POST", LEASES.to_owned(), json!({"metadata": {"name": "n1"}}), 201, ""),
        (
            "n1",
            "POST",
            LEASES.to_owned(),
            json!({"metadata": {"name": "n2"}}),
            403,
            "can only access node lease with the same name as the requesting node",
        ),
        (
            "n1",
            "PATCH",
            format!("{CLAIMS}/claim/status"),
            json!({"status": {"capacity": {"storage": "2Gi"}}}),
            200,
            "",
        ),
        (
            "n1",
            "PATCH",
            format!("{CLAIMS}/claim/status"),
            json!({"metadata": {"labels": {"a": "b"}}}),
            403,
            "node \"n1\" is not allowed to update fields other than status.quantity and status.conditions: \
             metadata.labels",
        ),
        (
            "n1",
            "POST",
            SLICES.to_owned(),
            json!({
                "metadata": {"name": "slice"},
                "spec": {
                    "driver": "d.example.com",
                    "nodeName": "n2",
                    "pool": {"name": "p", "resourceSliceCount": 1},
                },
            }),
            403,
            "can only create ResourceSlice with the same NodeName as the requesting node",
        ),
    ];
    check(&mut driver, cases);
}

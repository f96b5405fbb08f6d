//! Requests that a kubelet answers, or a pod, a node or a service to which they are passed on: where each leads, what
//! is said there, and what the client hears.

use bytes::Bytes;
use serde_json::{Value, json};
use steersman_core::config::{Authorizer, Config, JobId, Token};
use steersman_core::machine::Input;
use steersman_core::wire::{CallError, Called, Outcall, TunnelEnd, TunnelStop};
use steersman_sim::driver::{Driver, Reply, open_config};

use crate::conditions::JSON;

const PODS: &str = "/api/v1/namespaces/default/pods";
const SERVICES: &str = "/api/v1/namespaces/default/services";

fn make(driver: &mut Driver, path: &str, object: &Value) {
    let made = driver.call("POST", path, JSON, object.to_string().as_bytes());
    assert_eq!(made.status, 201, "{path}: {}", made.text());
}

fn set_status(driver: &mut Driver, path: &str, status: &Value) {
    let patch = [("content-type", "application/merge-patch+json"), ("accept", "application/json")];
    let body = json!({ "status": status }).to_string();
    let set = driver.call("PATCH", &format!("{path}/status"), &patch, body.as_bytes());
    assert_eq!(set.status, 200, "{path}: {}", set.text());
}

fn pod(name: &str, node: &str, containers: &[&str]) -> Value {
    let containers: Vec<Value> = containers
        .iter()
        .map(|name| json!({"name": name, "image": "i", "ports": [{"containerPort": 8080}]}))
        .collect();
    let mut spec = json!({ "containers": containers });
    if !node.is_empty() {
        spec["nodeName"] = node.into();
    }
    json!({"metadata": {"name": name}, "spec": spec})
}

/// A node whose kubelet has an address, one without; pods on both, on none, and on one that is not there; a service.
fn furnish(driver: &mut Driver) {
    for (node, status) in [
        (
            "n1",
            json!({
                "addresses": [{"type": "InternalIP", "address": "192.0.2.11"}],
                "daemonEndpoints": {"kubeletEndpoint": {"Port": 10260}},
            }),
        ),
        ("lost", json!({"addresses": [{"type": "Other", "address": "x"}]})),
        ("here", json!({"addresses": [{"type": "InternalIP", "address": "127.0.0.1"}]})),
    ] {
        make(driver, "/api/v1/nodes", &json!({"metadata": {"name": node}}));
        set_status(driver, &format!("/api/v1/nodes/{node}"), &status);
    }
    for (name, node, containers) in [
        ("p", "n1", &["c"][..]),
        ("several", "n1", &["a", "b"]),
        ("unplaced", "", &["c"]),
        ("astray", "absent", &["c"]),
        ("addressless", "lost", &["c"]),
    ] {
        make(driver, PODS, &pod(name, node, containers));
    }
    set_status(driver, &format!("{PODS}/p"), &json!({"podIPs": [{"ip": "10.1.0.7"}], "podIP": "10.1.0.7"}));
    let ports = json!([{"name": "web", "port": 80, "targetPort": 8080}, {"name": "none", "port": 81}]);
    make(driver, SERVICES, &json!({"metadata": {"name": "s"}, "spec": {"ports": ports}}));
    make(driver, SERVICES, &json!({"metadata": {"name": "bare"}, "spec": {"ports": [{"port": 80}]}}));
    let target = json!({"kind": "Pod", "namespace": "default", "name": "p"});
    let subsets = json!([{
        "addresses": [{"ip": "10.1.0.7", "targetRef": target}],
        "ports": [{"name": "web", "port": 8080}],
    }, {
        "addresses": [{"ip": "10.9.9.9", "targetRef": target}],
        "ports": [{"name": "none", "port": 80}],
    }]);
    let endpoints = json!({"metadata": {"name": "s"}, "subsets": subsets});
    make(driver, "/api/v1/namespaces/default/endpoints", &endpoints);
}

pub(crate) fn server() -> Driver {
    let mut config = open_config(1);
    let secret = Token { token: "secret".into(), user: "alice".into(), uid: "".into(), groups: Vec::new() };
    config.authentication.tokens = vec![secret];
    let mut driver = Driver::start(config);
    furnish(&mut driver);
    driver
}

/// Begins a request that leads to another server, and returns what is said there.
fn dialed(driver: &mut Driver, method: &str, target: &str, headers: &[(&str, &str)]) -> (JobId, Outcall) {
    let id = driver.begin(method, target, headers, b"");
    let Some((dialing, 0, call)) = driver.calls.pop() else {
        let reply = driver.take(id).expect("an answer");
        panic!("{method} {target} was answered: {} {}", reply.status, reply.text());
    };
    assert_eq!(dialing, id);
    (id, call)
}

pub(crate) fn url(call: &Outcall) -> String {
    format!("{}{}", call.authority(), call.target)
}

fn answered(
    driver: &mut Driver,
    id: JobId,
    status: u16,
    headers: &[(&str, &str)],
    body: &'static str,
) -> Reply {
    let headers = headers.iter().map(|(name, value)| ((*name).into(), (*value).to_owned())).collect();
    driver.give(Input::Called(
        id,
        0,
        Ok(Called { status, headers, body: Bytes::from_static(body.as_bytes()) }),
    ));
    driver.take(id).expect("an answer")
}

#[test]
fn what_cannot_be_reached_is_told_as_upstream_tells_it() {
    let mut driver = server();
    let not_found = |name: &str| format!("pods \"{name}\" not found");
    let cases = [
        ("GET", format!("{PODS}/absent/log"), 404, not_found("absent")),
        ("GET", format!("{PODS}/astray/log"), 404, not_found("absent")),
        ("GET", format!("{PODS}/p/log?container=x"), 400, "container x is not valid for pod p".to_owned()),
        (
            "GET",
            format!("{PODS}/several/log"),
            400,
            "a container name must be specified for pod several, choose one of: [a b]".to_owned(),
        ),
        ("GET", format!("{PODS}/p/log?tailLines=-1"), 422, "tailLines".to_owned()),
        ("GET", format!("{PODS}/p/log?follow=1&limitBytes=x"), 400, "invalid syntax".to_owned()),
        ("GET", format!("{PODS}/unplaced/log"), 204, String::new()),
        (
            "POST",
            format!("{PODS}/unplaced/exec"),
            400,
            "pod unplaced does not have a host assigned".to_owned(),
        ),
        (
            "POST",
            format!("{PODS}/addressless/attach"),
            500,
            "no preferred addresses found; known addresses: [{Other x}]".to_owned(),
        ),
        ("POST", format!("{PODS}/p/exec?command=ls"), 400, "Upgrade request required".to_owned()),
        ("POST", format!("{PODS}/p/exec?dryRun=All"), 400, "dryRun is not supported".to_owned()),
        ("POST", format!("{PODS}/p/portforward?ports=x"), 400, "cannot convert to []int32".to_owned()),
        ("DELETE", format!("{PODS}/p/exec"), 405, String::new()),
        ("GET", format!("{PODS}/unplaced/proxy/"), 400, "address not allowed".to_owned()),
        ("GET", format!("{PODS}/ftp:p:1/proxy/"), 400, "invalid pod request \"ftp:p:1\"".to_owned()),
        ("GET", "/api/v1/nodes/absent/proxy/".to_owned(), 404, "nodes \"absent\" not found".to_owned()),
        ("GET", "/api/v1/nodes/here/proxy/".to_owned(), 400, "address not allowed".to_owned()),
        ("GET", format!("{SERVICES}/absent/proxy/"), 404, "services \"absent\" not found".to_owned()),
        (
            "GET",
            format!("{SERVICES}/s:82/proxy/"),
            503,
            "no service port 82 found for service \"s\"".to_owned(),
        ),
        ("GET", format!("{SERVICES}/s/proxy/"), 503, "no endpoints available for service \"s\"".to_owned()),
        // The endpoint is not the pod that it names.
        (
            "GET",
            format!("{SERVICES}/s:none/proxy/"),
            503,
            "no endpoints available for service \"s:none\"".to_owned(),
        ),
    ];
    for (method, path, status, message) in cases {
        let reply = driver.call(method, &path, &[("accept", "application/json")], b"");
        assert_eq!(reply.status, status, "{method} {path}: {}", reply.text());
        assert!(reply.text().contains(&message.replace('"', "\\\"")), "{method} {path}: {}", reply.text());
    }
    assert!(driver.calls.is_empty());
}

#[test]
fn a_log_is_passed_on_while_it_arrives() {
    let mut driver = server();
    let path = format!("{PODS}/several/log?container=b&follow=true&tailLines=5");
    let (id, call) = dialed(&mut driver, "GET", &path, &[("accept", "*/*")]);
    assert_eq!(url(&call), "192.0.2.11:10260/containerLogs/default/several/b?follow=true&tailLines=5");
    assert!(call.trust.anybody && call.headers.is_empty(), "{call:?}");
    let reply = answered(&mut driver, id, 200, &[("content-type", "text/html")], "");
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/plain")));
    driver.pass(3_600_000);
    assert_eq!(driver.machine().open_requests(), 1, "it may last for long");
    driver.give(Input::TunnelEnded(id, TunnelEnd { why: TunnelStop::Finished, to_server: 0, to_client: 7 }));
    assert_eq!(driver.machine().open_requests(), 0);
}

#[test]
fn errors_of_a_kubelet_become_errors_of_the_server() {
    let cases = [
        (500, "boom", 500, "Internal error occurred: boom"),
        (400, "previous terminated container not found", 400, "previous terminated container not found"),
        (404, "", 404, "the server could not find the requested resource ( pods/log p)"),
        (
            502,
            "x",
            500,
            "an error on the server (\"x\") has prevented the request from succeeding ( pods/log p)",
        ),
    ];
    for (said, body, status, message) in cases {
        let mut driver = server();
        let (id, _) = dialed(&mut driver, "GET", &format!("{PODS}/p/log"), &[]);
        let reply = answered(&mut driver, id, said, &[], body);
        assert_eq!((reply.status, reply.value().text_at(&["message"])), (status, message));
        assert_eq!(driver.machine().open_requests(), 0);
    }
    let mut driver = server();
    let (id, _) = dialed(&mut driver, "GET", &format!("{PODS}/p/log"), &[]);
    driver.give(Input::Called(
        id,
        0,
        Err(CallError::Refused("dial tcp 192.0.2.11:10260: connect: connection refused".into())),
    ));
    let reply = driver.take(id).expect("an answer");
    let why = "dial tcp 192.0.2.11:10260: connect: connection refused";
    let expected = format!("Get \"https://192.0.2.11:10260/containerLogs/default/p/c\": {why}");
    assert_eq!((reply.status, reply.value().text_at(&["message"])), (500, expected.as_str()));
}

#[test]
fn a_stream_is_a_tunnel_to_the_kubelet() {
    let upgrade = [
        ("connection", "Upgrade"),
        ("upgrade", "SPDY/3.1"),
        ("x-stream-protocol-version", "v4.channel.k8s.io"),
        ("authorization", "Bearer secret"),
        ("host", "api:6443"),
    ];
    let cases = [
        ("POST", "exec?command=ls&stdout=1", "/exec/default/p/c?command=ls&output=1"),
        ("GET", "attach?stdin=true", "/attach/default/p/c?input=1"),
        ("POST", "portforward", "/portForward/default/p"),
    ];
    for (method, sub, target) in cases {
        let mut driver = server();
        let (id, call) = dialed(&mut driver, method, &format!("{PODS}/p/{sub}"), &upgrade);
        assert_eq!((call.method.word(), call.target.as_str()), (method, target));
        let header =
            |name: &str| call.headers.iter().find(|(held, _)| held == name).map(|(_, value)| value.as_str());
        assert_eq!((header("upgrade"), header("host")), (Some("SPDY/3.1"), Some("api:6443")));
        assert_eq!(header("authorization"), None);
        let reply = answered(&mut driver, id, 101, &[("upgrade", "SPDY/3.1")], "");
        assert_eq!((reply.status, driver.machine().open_requests()), (101, 1));
    }
}

#[test]
fn a_stream_over_websocket_needs_the_right_to_create_it() {
    let token = |name: &str| Token {
        token: name.into(),
        user: name.into(),
        uid: "".into(),
        groups: vec![if name == "root" { "system:masters" } else { "people" }.into()],
    };
    let mut config = Config { authorization: vec![Authorizer::Rbac], ..open_config(1) };
    config.authentication.tokens = vec![token("reader"), token("root")];
    let mut driver = Driver::start(config);
    let root = |path: &str, object: Value, driver: &mut Driver| {
        let mut headers = JSON.to_vec();
        headers.push(("authorization", "Bearer root"));
        let made = driver.call("POST", path, &headers, object.to_string().as_bytes());
        assert_eq!(made.status, 201, "{path}: {}", made.text());
    };
    const RBAC: &str = "/apis/rbac.authorization.k8s.io/v1";
    let rules = json!([{"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["get"]}]);
    root(
        &format!("{RBAC}/clusterroles"),
        json!({"metadata": {"name": "reader"}, "rules": rules}),
        &mut driver,
    );
    let binding = json!({
        "metadata": {"name": "reader"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "reader"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "reader"}],
    });
    root(&format!("{RBAC}/clusterrolebindings"), binding, &mut driver);
    root(PODS, pod("p", "n1", &["c"]), &mut driver);
    let headers = [("authorization", "Bearer reader"), ("connection", "Upgrade"), ("upgrade", "websocket")];
    let reply = driver.call("GET", &format!("{PODS}/p/exec"), &headers, b"");
    assert_eq!(reply.status, 403, "{}", reply.text());
    assert!(reply.text().contains("pods \\\"p\\\" is forbidden"), "{}", reply.text());
}

#[test]
fn a_request_is_passed_on_to_a_pod_a_node_or_a_service() {
    let cases = [
        ("GET", format!("{PODS}/p/proxy/a/b%20c/?x=1&y"), "10.1.0.7:8080/a/b%20c/?x=1&y"),
        ("POST", format!("{PODS}/https:p:/proxy/"), "10.1.0.7:8080/"),
        ("DELETE", format!("{PODS}/p:9/proxy"), "10.1.0.7:9/"),
        ("HEAD", format!("{SERVICES}/s:80/proxy/"), "10.1.0.7:8080/"),
        ("OPTIONS", format!("{SERVICES}/s:web/proxy/x"), "10.1.0.7:8080/x"),
        ("GET", "/api/v1/nodes/n1/proxy/stats/summary".to_owned(), "192.0.2.11:10260/stats/summary"),
        ("GET", "/api/v1/nodes/n1:9100/proxy/metrics".to_owned(), "192.0.2.11:9100/metrics"),
    ];
    for (method, path, expected) in cases {
        let mut driver = server();
        let headers = [("host", "api"), ("authorization", "x"), ("cookie", "c"), ("connection", "close")];
        let (id, call) = dialed(&mut driver, method, &path, &headers);
        assert_eq!((call.method.word(), url(&call).as_str()), (method, expected));
        let names: Vec<&str> = call.headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["host", "cookie", "x-forwarded-for", "x-forwarded-uri"], "{path}");
        let said =
            [("location", "/login"), ("x", "y"), ("access-control-allow-origin", "*"), ("keep-alive", "1")];
        let reply = answered(&mut driver, id, 302, &said, "");
        let prefix = path.split_once("/proxy").map(|(before, _)| format!("{before}/proxy")).expect("a proxy");
        assert_eq!(reply.header("location"), Some(format!("{prefix}/login").as_str()));
        let kept =
            ["x", "access-control-allow-origin", "keep-alive"].map(|name| reply.header(name).is_some());
        assert_eq!((reply.status, kept), (302, [true, false, false]));
    }
}

#[test]
fn a_body_is_passed_on_and_a_missing_slash_is_added_first() {
    let mut driver = server();
    let reply = driver.call("GET", &format!("{PODS}/p/proxy?a=b"), &[], b"");
    let location = format!("{PODS}/p/proxy/?a=b");
    assert_eq!((reply.status, reply.header("location")), (301, Some(location.as_str())));
    let id = driver.begin("PUT", &format!("{PODS}/p/proxy/x"), &[("content-type", "a/b")], b"some bytes");
    let (_, _, call) = driver.calls.pop().expect("a call");
    assert_eq!(call.body, "some bytes");
    driver.give(Input::Called(id, 0, Err(CallError::TimedOut)));
    let reply = driver.take(id).expect("an answer");
    let expected = "error trying to reach service: dial tcp 10.1.0.7:8080: i/o timeout";
    assert_eq!((reply.status, reply.value().text_at(&["message"])), (503, expected));
}

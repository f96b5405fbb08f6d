//! Admission of connections: who is asked before a request leads to a kubelet, a pod, a node or a service, about what,
//! and what becomes of changed options.

use crate::conditions::{JSON, json, send};
use crate::streams::{server, url};
use crate::webhooks::{allowed, configuration, configure, patch, respond};
use serde_json::{Value, json};
use steersman_core::config::AdmissionOptions;
use steersman_core::wire::Outcall;
use steersman_sim::driver::{Driver, Reply};

const REGISTRATION: &str = "/apis/admissionregistration.k8s.io/v1";
const UPGRADE: &[(&str, &str)] = &[("connection", "Upgrade"), ("upgrade", "SPDY/3.1")];

/// A webhook for all connections, with these members too.
fn hook(driver: &mut Driver, kind: &str, more: &Value) {
    let mut members = json!({"rules": [{
        "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CONNECT"], "resources": ["*/*"],
    }]});
    members.as_object_mut().expect("members").extend(more.as_object().expect("members").clone());
    configure(driver, &configuration(kind, &members));
}

/// Makes a request and answers all webhooks with these members. Returns what they were asked, and the answer or the
/// call that is made instead.
fn connect(
    driver: &mut Driver,
    method: &str,
    target: &str,
    answer: &Value,
) -> (Vec<Value>, Result<Outcall, Reply>) {
    let headers = if target.contains("/proxy") { JSON } else { UPGRADE };
    let id = driver.begin(method, target, headers, b"");
    let mut asked = Vec::new();
    while let Some((_, _, call)) = driver.calls.first() {
        if call.host != "hook.test" {
            let (_, _, call) = driver.calls.remove(0);
            return (asked, Ok(call));
        }
        let review: Value = serde_json::from_slice(&call.body).expect("a review");
        let called = allowed(&review, answer);
        asked.push(review);
        respond(driver, Ok(called));
    }
    (asked, Err(driver.take(id).expect("an answer")))
}

#[test]
fn webhooks_are_asked_about_connections_with_their_options() {
    let pods = "/api/v1/namespaces/default/pods";
    let options = |kind: &str, mut members: Value| {
        members["kind"] = kind.into();
        members["apiVersion"] = "v1".into();
        members
    };
    let cases = [
        (
            "POST",
            format!("{pods}/p/exec?command=ls&command=-l&stdout=true&stdin=0&container=c"),
            ("pods", "exec", "p", "default"),
            options("PodExecOptions", json!({"stdout": true, "container": "c", "command": ["ls", "-l"]})),
            "https://192.0.2.11:10260/exec/default/p/c?command=ls&command=-l&output=1",
        ),
        (
            "GET",
            format!("{pods}/p/exec"),
            ("pods", "exec", "p", "default"),
            options("PodExecOptions", json!({"command": null})),
            "https://192.0.2.11:10260/exec/default/p/c",
        ),
        (
            "POST",
            format!("{pods}/p/attach?tty=1"),
            ("pods", "attach", "p", "default"),
            options("PodAttachOptions", json!({"tty": true})),
            "https://192.0.2.11:10260/attach/default/p/c?tty=1",
        ),
        (
            "POST",
            format!("{pods}/p/portforward?ports=1,2"),
            ("pods", "portforward", "p", "default"),
            options("PodPortForwardOptions", json!({"ports": [1, 2]})),
            "https://192.0.2.11:10260/portForward/default/p?port=1%2C2",
        ),
        (
            "PUT",
            format!("{pods}/p:99/proxy/a/b/?x=y"),
            ("pods", "proxy", "p:99", "default"),
            options("PodProxyOptions", json!({"path": "/a/b/"})),
            "10.1.0.7:99/a/b/?x=y",
        ),
        (
            "DELETE",
            "/api/v1/namespaces/default/services/s:web/proxy/a".into(),
            ("services", "proxy", "s:web", "default"),
            options("ServiceProxyOptions", json!({"path": "/a"})),
            "10.1.0.7:8080/a",
        ),
        (
            "GET",
            "/api/v1/nodes/n1/proxy/metrics".into(),
            ("nodes", "proxy", "n1", ""),
            options("NodeProxyOptions", json!({"path": "/metrics"})),
            "192.0.2.11:10260/metrics",
        ),
    ];
    for kind in ["Mutating", "Validating"] {
        let mut driver = server();
        hook(&mut driver, kind, &json!({}));
        for (method, target, (plural, sub, name, namespace), object, place) in &cases {
            let (asked, outcome) = connect(&mut driver, method, target, &json!({}));
            let call = outcome.unwrap_or_else(|reply| panic!("{target}: {}", reply.text()));
            assert!(url(&call).ends_with(place.trim_start_matches("https://")), "{target}: {}", url(&call));
            let [review] = asked.as_slice() else { panic!("{target}: asked {} times", asked.len()) };
            let request = &review["request"];
            assert_eq!(request["object"], *object, "{target}");
            assert_eq!(request["kind"], json!({"group": "", "version": "v1", "kind": object["kind"]}));
            assert_eq!(request["resource"], json!({"group": "", "version": "v1", "resource": plural}));
            assert_eq!((&request["subResource"], &request["name"]), (&json!(sub), &json!(name)), "{target}");
            assert_eq!(request.get("namespace").and_then(Value::as_str).unwrap_or_default(), *namespace);
            let rest =
                (&request["operation"], &request["dryRun"], &request["oldObject"], &request["options"]);
            assert_eq!(rest, (&json!("CONNECT"), &json!(false), &Value::Null, &Value::Null), "{target}");
        }
        let (asked, _) = connect(&mut driver, "GET", &format!("{pods}/p/log"), &json!({}));
        assert!(asked.is_empty(), "a log is read, not connected to");
    }
}

#[test]
fn a_connection_that_is_refused_leads_nowhere() {
    let mut driver = server();
    hook(
        &mut driver,
        "Validating",
        &json!({"matchConditions": [
            {"name": "no-shells", "expression": "request.subResource == 'exec' && object.command == ['sh']"},
        ]}),
    );
    let refusal = json!({"allowed": false, "status": {"message": "no"}, "warnings": ["w"]});
    let target = "/api/v1/namespaces/default/pods/p/exec?command=sh";
    let (asked, outcome) = connect(&mut driver, "POST", target, &refusal);
    let reply = outcome.expect_err("it is refused");
    let message = "admission webhook \"h0.hooks.test\" denied the request: no";
    assert_eq!((asked.len(), reply.status, json(&reply)["message"].as_str()), (1, 400, Some(message)));
    assert_eq!(reply.header("warning"), Some("299 - \"w\""));
    let (asked, outcome) = connect(&mut driver, "POST", &target.replace("=sh", "=ls"), &refusal);
    assert!(asked.is_empty() && outcome.is_ok());
    // What is wrong with the request itself is found before anybody is asked, and a missing pod afterwards.
    let bad = connect(&mut driver, "POST", "/api/v1/namespaces/default/pods/p/portforward?ports=x", &refusal);
    assert_eq!((bad.0.len(), bad.1.expect_err("no port").status), (0, 400));
    let absent = connect(&mut driver, "POST", &target.replace("/p/", "/absent/"), &json!({}));
    assert_eq!((absent.0.len(), absent.1.expect_err("no pod").status), (1, 404));
}

#[test]
fn changed_options_count() {
    let mut driver = server();
    hook(&mut driver, "Mutating", &json!({}));
    let target = "/api/v1/namespaces/default/pods/p/exec?command=sh&tty=1";
    let change = patch(&json!([
        {"op": "replace", "path": "/command", "value": ["true"]}, {"op": "remove", "path": "/tty"},
    ]));
    let (_, outcome) = connect(&mut driver, "POST", target, &change);
    let call = outcome.unwrap_or_else(|reply| panic!("{}", reply.text()));
    assert!(url(&call).ends_with("/exec/default/p/c?command=true"), "{}", url(&call));
    let (_, outcome) = connect(
        &mut driver,
        "GET",
        "/api/v1/namespaces/default/pods/p/proxy/secret",
        &patch(&json!([{"op": "replace", "path": "/path", "value": "/public"}])),
    );
    let call = outcome.unwrap_or_else(|reply| panic!("{}", reply.text()));
    assert!(url(&call).ends_with(":8080/public"), "{}", url(&call));
    let (_, outcome) =
        connect(&mut driver, "POST", target, &patch(&json!([{"op": "add", "path": "/tty", "value": "x"}])));
    assert_eq!(outcome.expect_err("no options of this kind").status, 500);
}

#[test]
fn policies_decide_about_connections() {
    let mut driver = server();
    let policy = json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": "p"},
        "spec": {
            "matchConstraints": {"resourceRules": [{
                "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CONNECT"], "resources": ["pods/exec"],
            }]},
            "validations": [{
                "expression": "object.kind == 'PodExecOptions' && !object.?stdin.orValue(false)",
                "message": "nobody types here",
            }],
        },
    });
    let binding = json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": "b"},
        "spec": {"policyName": "p", "validationActions": ["Deny"]},
    });
    for (plural, object) in
        [("validatingadmissionpolicies", policy), ("validatingadmissionpolicybindings", binding)]
    {
        let made = send(&mut driver, "POST", &format!("{REGISTRATION}/{plural}"), &object);
        assert_eq!(made.status, 201, "{}", made.text());
    }
    let exec = "/api/v1/namespaces/default/pods/p/exec?command=ls";
    assert!(connect(&mut driver, "POST", exec, &json!({})).1.is_ok());
    assert!(connect(&mut driver, "POST", &exec.replace("exec", "attach"), &json!({})).1.is_ok());
    let (_, outcome) = connect(&mut driver, "POST", &format!("{exec}&stdin=1"), &json!({}));
    let reply = outcome.expect_err("it is denied");
    let message = "pods \"p\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: nobody \
                   types here";
    assert_eq!((reply.status, json(&reply)["message"].as_str()), (422, Some(message)));
}

#[test]
fn of_the_other_plugins_only_those_that_deny_everything_are_asked() {
    let mut config = steersman_sim::driver::open_config(1);
    config.admission = AdmissionOptions {
        enabled: vec!["AlwaysDeny".into(), "NamespaceExists".into(), "NodeRestriction".into()],
        ..AdmissionOptions::without(&["ServiceAccount"])
    };
    let mut driver = Driver::start(config);
    let reply = driver.call("POST", "/api/v1/namespaces/none/pods/p/exec", UPGRADE, b"");
    let message = "pods \"p\" is forbidden: admission control is denying all modifications";
    assert_eq!((reply.status, json(&reply)["message"].as_str()), (403, Some(message)));
}

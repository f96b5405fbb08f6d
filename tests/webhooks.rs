//! Admission webhooks: which are asked about a write and when, what they see of it, and what becomes of their answers.

use crate::conditions::{JSON, MERGE, fetch, json, send};
use serde_json::{Value, json};
use steersman_core::codec::base64;
use steersman_core::config::{AdmissionOptions, Config, Denial, Denials, WebhookUser};
use steersman_core::machine::Input;
use steersman_core::wire::{CallError, CallOutcome, Called};
use steersman_sim::driver::{Driver, Reply, open_config};

const REGISTRATION: &str = "/apis/admissionregistration.k8s.io/v1";
const MAPS: &str = "/api/v1/namespaces/default/configmaps";

/// A configuration with one webhook, which is asked about all ConfigMaps and has these members too.
pub(crate) fn configuration(kind: &str, more: &Value) -> Value {
    configurations(kind, "hooks", std::slice::from_ref(more))
}

fn configurations(kind: &str, name: &str, webhooks: &[Value]) -> Value {
    let webhook = |(at, more): (usize, &Value)| {
        let mut webhook = json!({
            "name": format!("h{at}.{name}.test"),
            "clientConfig": {"url": format!("https://hook.test/{name}/{at}")},
            "rules": [{
                "apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["configmaps"],
            }],
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
        });
        let more = more.as_object().expect("members").clone();
        webhook.as_object_mut().expect("members").extend(more);
        webhook
    };
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": format!("{kind}WebhookConfiguration"),
        "metadata": {"name": name},
        "webhooks": webhooks.iter().enumerate().map(webhook).collect::<Value>(),
    })
}

pub(crate) fn configure(driver: &mut Driver, configuration: &Value) {
    let kind = configuration["kind"].as_str().expect("a kind").to_lowercase();
    let reply = send(driver, "POST", &format!("{REGISTRATION}/{kind}s"), configuration);
    assert_eq!(reply.status, 201, "{}", reply.text());
}

fn server(configurations: &[Value]) -> Driver {
    let admission = AdmissionOptions::without(&["ServiceAccount"]);
    let mut driver = Driver::start(Config { admission, ..open_config(1) });
    configurations.iter().for_each(|held| configure(&mut driver, held));
    driver
}

/// An answer that allows, with these members too.
pub(crate) fn allowed(review: &Value, more: &Value) -> Called {
    let mut response = json!({"uid": review["request"]["uid"], "allowed": true});
    response.as_object_mut().expect("members").extend(more.as_object().expect("members").clone());
    let answer = json!({
        "apiVersion": review["apiVersion"], "kind": "AdmissionReview", "response": response,
    });
    Called { status: 200, headers: Vec::new(), body: answer.to_string().into() }
}

/// What allows with a change, by the operations of a JSON patch.
pub(crate) fn patch(operations: &Value) -> Value {
    json!({"patchType": "JSONPatch", "patch": base64::encode(operations.to_string().as_bytes())})
}

/// Answers the oldest call.
pub(crate) fn respond(driver: &mut Driver, outcome: CallOutcome) {
    let (job, index, _) = driver.calls.remove(0);
    driver.give(Input::Called(job, index, outcome));
}

/// Makes a request, and answers all calls by what each asks. Returns the answer, and what was asked.
fn ask(
    driver: &mut Driver,
    (method, target, media): (&str, &str, &[(&str, &str)]),
    body: &Value,
    mut answer: impl FnMut(&str, &Value) -> Value,
) -> (Reply, Vec<Value>) {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let id = driver.begin(method, target, media, body.as_bytes());
    let mut asked = Vec::new();
    while let Some((_, _, call)) = driver.calls.first() {
        let review: Value = serde_json::from_slice(&call.body).expect("a review");
        let path = call.target.split('?').next().unwrap_or_default().to_owned();
        let called = allowed(&review, &answer(&path, &review));
        asked.push(review);
        respond(driver, Ok(called));
    }
    (driver.take(id).expect("an answer"), asked)
}

fn make(driver: &mut Driver, answer: impl FnMut(&str, &Value) -> Value) -> (Reply, Vec<Value>) {
    let map = json!({"metadata": {"name": "a"}, "data": {"k": "v"}});
    ask(driver, ("POST", MAPS, JSON), &map, answer)
}

#[test]
fn nobody_is_asked_without_configurations_and_about_them() {
    let everything = json!({"rules": [
        {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*/*"]},
    ]});
    let mut driver = server(&[configuration("Validating", &everything)]);
    let other = configurations("Mutating", "other", &[json!({})]);
    configure(&mut driver, &other);
    assert!(driver.calls.is_empty(), "whoever is asked can always be changed");
    let path = format!("{REGISTRATION}/validatingwebhookconfigurations/hooks");
    assert_eq!(driver.call("DELETE", &path, &[], b"").status, 200);
    let (reply, asked) = make(&mut driver, |_, _| json!({}));
    assert_eq!((reply.status, asked.len()), (201, 1), "the mutating one is still there");
}

#[test]
fn webhooks_are_asked_in_their_order_and_see_what_others_have_changed() {
    let mut driver = server(&[
        configurations("Mutating", "b", &[json!({})]),
        configurations("Mutating", "a", &[json!({}), json!({})]),
        configurations("Validating", "c", &[json!({}), json!({})]),
    ]);
    let mut order = Vec::new();
    let (reply, asked) = make(&mut driver, |path, _| {
        order.push(path.to_owned());
        let label = path.replace('/', "-");
        match path.starts_with("/c") {
            true => json!({}),
            false => patch(&json!([{"op": "add", "path": "/data/seen", "value": label}])),
        }
    });
    assert_eq!(order, ["/a/0", "/a/1", "/b/0", "/c/0", "/c/1"]);
    let seen = |at: usize| asked[at]["request"]["object"]["data"]["seen"].clone();
    assert_eq!(
        (seen(0), seen(1), seen(2), seen(3)),
        (Value::Null, "-a-0".into(), "-a-1".into(), "-b-0".into())
    );
    let stored = json(&reply);
    assert_eq!(stored["data"]["seen"], "-b-0");
    assert_eq!(asked[4]["request"]["object"]["metadata"]["uid"], stored["metadata"]["uid"]);
    let uids: std::collections::BTreeSet<_> =
        asked.iter().map(|review| review["request"]["uid"].to_string()).collect();
    assert_eq!(uids.len(), 5, "every review has a uid of its own");
}

#[test]
fn a_webhook_is_asked_again_after_a_later_change_if_it_wants_to() {
    let again = json!({"reinvocationPolicy": "IfNeeded"});
    let mut driver = server(&[configurations("Mutating", "a", &[again.clone(), json!({}), again])]);
    let mut order = Vec::new();
    let (reply, _) = make(&mut driver, |path, _| {
        order.push(path.to_owned());
        match path {
            "/a/1" => patch(&json!([{"op": "add", "path": "/data/x", "value": "y"}])),
            _ => json!({}),
        }
    });
    assert_eq!(
        (reply.status, order.as_slice()),
        (201, &["/a/0", "/a/1", "/a/2", "/a/0"].map(String::from)[..])
    );
    // A patch that changes nothing makes nobody look again.
    order.clear();
    let change = json!({"data": {"x": "y", "k": "w"}});
    let target = format!("{MAPS}/a");
    let (reply, _) = ask(&mut driver, ("PATCH", &target, MERGE), &change, |path, _| {
        order.push(path.to_owned());
        patch(&json!([{"op": "add", "path": "/data/x", "value": "y"}]))
    });
    assert_eq!((reply.status, order.len()), (200, 3));
}

#[test]
fn deletions_are_reviewed_with_what_is_deleted() {
    let mut driver = server(&[configuration("Validating", &json!({}))]);
    for name in ["a", "b"] {
        let map = json!({"metadata": {"name": name}});
        assert_eq!(ask(&mut driver, ("POST", MAPS, JSON), &map, |_, _| json!({})).0.status, 201);
    }
    let refuse =
        |_: &str, _: &Value| json!({"allowed": false, "status": {"code": 409, "message": "keep it"}});
    let target = format!("{MAPS}/a?gracePeriodSeconds=3");
    let (reply, asked) = ask(&mut driver, ("DELETE", &target, &[]), &Value::Null, refuse);
    let message = "admission webhook \"h0.hooks.test\" denied the request: keep it";
    assert_eq!((reply.status, json(&reply)["message"].as_str()), (409, Some(message)));
    let request = &asked[0]["request"];
    assert_eq!((&request["operation"], &request["object"]), (&json!("DELETE"), &Value::Null));
    assert_eq!(request["oldObject"]["metadata"]["name"], "a");
    let options = json!({"kind": "DeleteOptions", "apiVersion": "meta.k8s.io/v1", "gracePeriodSeconds": 3});
    assert_eq!(request["options"], options);
    assert_eq!(fetch(&mut driver, &format!("{MAPS}/a")).status, 200);
    // A deletion of a collection is reviewed object by object, without their names.
    let (reply, asked) = ask(&mut driver, ("DELETE", MAPS, &[]), &Value::Null, |_, _| json!({}));
    let names: Vec<&str> = asked
        .iter()
        .map(|review| review["request"]["oldObject"]["metadata"]["name"].as_str().expect("a name"))
        .collect();
    assert_eq!((reply.status, names), (200, vec!["a", "b"]));
    assert!(asked[0]["request"].get("name").is_none());
    let absent = format!("{MAPS}/none");
    let (reply, asked) = ask(&mut driver, ("DELETE", &absent, &[]), &Value::Null, refuse);
    assert_eq!((reply.status, asked.len()), (404, 0), "nobody is asked about what is not there");
}

#[test]
fn objects_are_seen_in_the_version_that_rules_name() {
    let rule = |version: &str| {
        json!({"rules": [{
            "apiGroups": ["autoscaling"], "apiVersions": [version], "operations": ["CREATE"],
            "resources": ["horizontalpodautoscalers"],
        }]})
    };
    let mut driver = server(&[configurations("Mutating", "a", &[rule("v1")])]);
    let scaler = json!({"metadata": {"name": "h"}, "spec": {
        "scaleTargetRef": {"kind": "Deployment", "name": "d", "apiVersion": "apps/v1"}, "maxReplicas": 3,
        "metrics": [{"type": "Resource", "resource": {
            "name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50},
        }}],
    }});
    let target = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers";
    let (reply, asked) = ask(&mut driver, ("POST", target, JSON), &scaler, |_, _| {
        patch(&json!([{"op": "replace", "path": "/spec/targetCPUUtilizationPercentage", "value": 70}]))
    });
    let request = &asked[0]["request"];
    assert_eq!(request["object"]["apiVersion"], "autoscaling/v1");
    assert_eq!(request["object"]["spec"]["targetCPUUtilizationPercentage"], 50);
    assert_eq!(
        (&request["kind"]["version"], &request["requestKind"]["version"]),
        (&json!("v1"), &json!("v2"))
    );
    let stored = json(&reply);
    assert_eq!(stored["apiVersion"], "autoscaling/v2");
    assert_eq!(stored["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"], 70);
    // What asks for exactly the other version is not asked.
    let mut exact = rule("v1");
    exact["matchPolicy"] = "Exact".into();
    let mut driver = server(&[configurations("Validating", "a", &[exact])]);
    let (reply, asked) = ask(&mut driver, ("POST", target, JSON), &scaler, |_, _| json!({}));
    assert_eq!((reply.status, asked.len()), (201, 0));
}

#[test]
fn a_scale_is_reviewed_as_a_scale() {
    let rules = json!({"rules": [{
        "apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["deployments/scale"],
    }]});
    let mut driver = server(&[configurations("Mutating", "a", &[rules])]);
    let deployment = json!({"metadata": {"name": "d"}, "spec": {
        "replicas": 1, "selector": {"matchLabels": {"a": "b"}},
        "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}},
    }});
    let target = "/apis/apps/v1/namespaces/default/deployments";
    assert_eq!(ask(&mut driver, ("POST", target, JSON), &deployment, |_, _| json!({})).0.status, 201);
    let target = format!("{target}/d/scale");
    let change = json!({"spec": {"replicas": 5}});
    let (reply, asked) = ask(&mut driver, ("PATCH", &target, MERGE), &change, |_, _| {
        patch(&json!([{"op": "replace", "path": "/spec/replicas", "value": 4}]))
    });
    let request = &asked[0]["request"];
    assert_eq!((&request["kind"]["kind"], &request["subResource"]), (&json!("Scale"), &json!("scale")));
    assert_eq!(
        (&request["object"]["spec"]["replicas"], &request["oldObject"]["spec"]["replicas"]),
        (&json!(5), &json!(1))
    );
    assert_eq!((reply.status, &json(&reply)["spec"]["replicas"]), (200, &json!(4)));
}

#[test]
fn failures_count_by_their_policy() {
    let cases = [
        (Err(CallError::TimedOut), "context deadline exceeded"),
        (
            Err(CallError::Refused("dial tcp 192.0.2.1:443: connect: connection refused".into())),
            "connection refused",
        ),
        (Ok(Called { status: 503, headers: Vec::new(), body: "x".into() }), "unable to handle the request"),
        (Ok(Called { status: 200, headers: Vec::new(), body: "<".into() }), "couldn't get version/kind"),
    ];
    for kind in ["Mutating", "Validating"] {
        for (outcome, why) in &cases {
            for (policy, status) in [("Fail", 500), ("Ignore", 201)] {
                let mut driver = server(&[configuration(kind, &json!({"failurePolicy": policy}))]);
                let id = driver.begin("POST", MAPS, JSON, br#"{"metadata":{"name":"a"}}"#);
                respond(&mut driver, outcome.clone());
                let reply = driver.take(id).expect("an answer");
                assert_eq!(reply.status, status, "{kind} {policy} {why}");
                let begins = "Internal error occurred: failed calling webhook \"h0.hooks.test\": failed to call webhook: ";
                let text = json(&reply)["message"].as_str().unwrap_or_default().to_owned();
                assert!(status == 201 || text.starts_with(begins) && text.contains(why), "{text}");
            }
        }
    }
}

#[test]
fn dry_runs_are_reviewed_as_such_by_whoever_has_no_side_effects() {
    let told = json!({"name": "h0.hooks.test"});
    let mut webhooks = configuration("Validating", &told);
    webhooks["webhooks"][0]["sideEffects"] = "NoneOnDryRun".into();
    let mut driver = server(&[webhooks]);
    let target = format!("{MAPS}?dryRun=All");
    let map = json!({"metadata": {"name": "a"}});
    let (reply, asked) = ask(&mut driver, ("POST", &target, JSON), &map, |_, _| json!({}));
    assert_eq!((reply.status, &asked[0]["request"]["dryRun"]), (201, &json!(true)));
}

#[test]
fn all_validating_webhooks_are_asked_at_once_and_the_first_refusal_is_told() {
    let mut driver = server(&[configurations("Validating", "a", &[json!({}), json!({}), json!({})])]);
    let id = driver.begin("POST", MAPS, JSON, br#"{"metadata":{"name":"a"}}"#);
    assert_eq!(driver.calls.len(), 3);
    for at in (0..3).rev() {
        let (job, index, call) = driver.calls.remove(at);
        let review: Value = serde_json::from_slice(&call.body).expect("a review");
        let warnings = json!([format!("w{at}")]);
        let answer = allowed(&review, &json!({"allowed": at == 0, "warnings": warnings}));
        driver.give(Input::Called(job, index, Ok(answer)));
    }
    let reply = driver.take(id).expect("an answer");
    let message = "admission webhook \"h1.a.test\" denied the request without explanation";
    assert_eq!((reply.status, json(&reply)["message"].as_str()), (400, Some(message)));
    let warnings: Vec<&str> =
        reply.headers.iter().filter(|(name, _)| name == "warning").map(|(_, value)| value.as_str()).collect();
    assert_eq!(warnings, ["299 - \"w0\"", "299 - \"w1\"", "299 - \"w2\""]);
}

#[test]
fn webhooks_are_told_who_asks_by_their_host() {
    let mut config = open_config(1);
    config.admission = AdmissionOptions::without(&["ServiceAccount"]);
    config.admission.plugins.validating_users.users = vec![WebhookUser {
        name: "*.test".into(),
        authorization: "Bearer x".into(),
        client_certificate: "c".into(),
    }];
    let mut driver = Driver::start(config);
    configure(&mut driver, &configuration("Validating", &json!({})));
    driver.begin("POST", MAPS, JSON, br#"{"metadata":{"name":"a"}}"#);
    let call = &driver.calls[0].2;
    let header =
        |wanted: &str| call.headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    assert_eq!((header("authorization"), header("host")), (Some("Bearer x"), Some("hook.test")));
    assert_eq!((call.trust.client_certificate.as_str(), call.trust.host), ("c", true));
    assert_eq!((call.target.as_str(), call.timeout_millis), ("/hooks/0?timeout=10s", 10_000));
}

#[test]
fn who_is_asked_can_write_what_is_counted_with_what_is_reviewed() {
    let mut driver = server(&[configuration("Validating", &json!({}))]);
    let quota = json!({"metadata": {"name": "q"}, "spec": {"hard": {"count/configmaps": "9"}}});
    let quotas = "/api/v1/namespaces/default/resourcequotas";
    assert_eq!(send(&mut driver, "POST", quotas, &quota).status, 201);
    let status = br#"{"status":{"hard":{"count/configmaps":"9"},"used":{"count/configmaps":"0"}}}"#;
    assert_eq!(driver.call("PATCH", &format!("{quotas}/q/status"), MERGE, status).status, 200);
    let outer = driver.begin("POST", MAPS, JSON, br#"{"metadata":{"name":"a"}}"#);
    let (job, index, call) = driver.calls.remove(0);
    let inner = json!({"metadata": {"name": "b"}});
    let (reply, _) = ask(&mut driver, ("POST", MAPS, JSON), &inner, |_, _| json!({}));
    assert_eq!(reply.status, 201, "{}", reply.text());
    let review: Value = serde_json::from_slice(&call.body).expect("a review");
    driver.give(Input::Called(job, index, Ok(allowed(&review, &json!({})))));
    assert_eq!(driver.take(outer).expect("an answer").status, 201);
}

fn conditional(kind: &str, expression: &str, policy: &str) -> Value {
    let conditions =
        json!([{"name": "always", "expression": "true"}, {"name": "c", "expression": expression}]);
    configuration(kind, &json!({"matchConditions": conditions, "failurePolicy": policy}))
}

#[test]
fn a_webhook_is_asked_under_its_conditions() {
    let failed = |key: &str, expression: &str| {
        format!(
            "configmaps \"a\" is forbidden: expression '{expression}' resulted in error: no such key: {key}"
        )
    };
    let absent = "object.data.x == 'v'";
    let cases = [
        ("object.data.k == 'v'", "Fail", (201, 1), None),
        ("object.data.k != 'v'", "Fail", (201, 0), None),
        ("oldObject == null && request.operation == 'CREATE'", "Fail", (201, 1), None),
        ("request.name == 'a' && request.namespace == 'default'", "Fail", (201, 1), None),
        ("request.resource.resource == 'configmaps' && !has(request.subResource)", "Fail", (201, 1), None),
        ("request.userInfo.username == 'nobody'", "Fail", (201, 0), None),
        ("authorizer.group('').resource('pods').check('get').allowed()", "Fail", (201, 1), None),
        (absent, "Ignore", (201, 0), None),
        (absent, "Fail", (403, 0), Some(failed("x", absent))),
    ];
    for kind in ["Mutating", "Validating"] {
        for (expression, policy, wanted, message) in &cases {
            let mut driver = server(&[conditional(kind, expression, policy)]);
            let (reply, asked) = make(&mut driver, |_, _| json!({}));
            assert_eq!((reply.status, asked.len()), *wanted, "{kind} {expression}: {}", reply.text());
            if let Some(message) = message {
                assert_eq!(json(&reply)["message"].as_str(), Some(message.as_str()), "{kind} {expression}");
            }
        }
    }
}

#[test]
fn an_object_is_named_by_its_generated_name_where_its_conditions_fail() {
    let map = json!({"metadata": {"generateName": "a-"}});
    for (kind, begins) in [("Mutating", "configmaps is forbidden: "), ("Validating", "configmaps \"a-")] {
        let mut driver = server(&[conditional(kind, "object.data.x == ''", "Fail")]);
        let (reply, _) = ask(&mut driver, ("POST", MAPS, JSON), &map, |_, _| json!({}));
        let text = json(&reply)["message"].as_str().unwrap_or_default().to_owned();
        assert!(reply.status == 403 && text.starts_with(begins), "{kind}: {text}");
    }
}

#[test]
fn conditions_see_what_earlier_webhooks_have_changed() {
    let conditions = |expression: &str| json!({"matchConditions": [{"name": "c", "expression": expression}]});
    let is_changed = "has(object.data.seen)";
    let mut driver = server(&[
        configurations(
            "Mutating",
            "a",
            &[conditions(is_changed), conditions("object.data.k == 'v'"), conditions(is_changed)],
        ),
        configurations("Validating", "b", &[conditions(&format!("!{is_changed}")), conditions(is_changed)]),
    ]);
    let mut order = Vec::new();
    let (reply, _) = make(&mut driver, |path, _| {
        order.push(path.to_owned());
        match path {
            "/a/1" => patch(&json!([{"op": "add", "path": "/data/seen", "value": "x"}])),
            _ => json!({}),
        }
    });
    assert_eq!((reply.status, order.join(" ").as_str()), (201, "/a/1 /a/2 /b/1"));
}

#[test]
fn conditions_wait_for_authorizers_that_take_their_time() {
    let may = |verb: &str| format!("authorizer.group('').resource('secrets').check('{verb}').allowed()");
    for kind in ["Mutating", "Validating"] {
        for (expression, asked_of) in [
            (may("list"), 1),
            (may("delete"), 0),
            (format!("{} || {}", may("delete"), may("list")), 1),
            (format!("{} && {}", may("list"), may("delete")), 0),
        ] {
            let denial =
                Denial { user: "system:anonymous".into(), verb: "delete".into(), resource: "secrets".into() };
            let denials = Denials { rules: vec![denial], are_slow: true, ..Denials::default() };
            let mut driver = Driver::start(Config { denials, ..open_config(1) });
            configure(&mut driver, &conditional(kind, &expression, "Fail"));
            let (reply, asked) = make(&mut driver, |_, _| json!({}));
            assert_eq!((reply.status, asked.len()), (201, asked_of), "{kind} {expression}: {}", reply.text());
        }
    }
}

//! Groups and versions that other servers serve: who asks is told to them, what they answer is passed on, and one that
//! is dead makes nothing else fail.

use bytes::Bytes;
use serde_json::{Value, json};
use steersman_core::config::{Authorizer, Bootstrap, Config, JobId, Token};
use steersman_core::machine::Input;
use steersman_core::wire::{CallError, CallOutcome, Called, Outcall};
use steersman_sim::driver::{Driver, Reply, open_config};

use crate::conditions::JSON;

const API: &str = "/apis/metrics.example.com/v1";
const SERVICES: &str = "/apis/apiregistration.k8s.io/v1/apiservices";
const ACCEPT: (&str, &str) = ("accept", "application/json");
const AGGREGATED: &str =
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";

fn config() -> Config {
    let token = |name: &str, group: &str| Token {
        token: name.into(),
        user: name.into(),
        uid: "u-1".into(),
        groups: vec![group.into(), "system:authenticated".into()],
    };
    let mut config = Config {
        bootstrap: Bootstrap::Whole,
        authorization: vec![Authorizer::AlwaysAllow],
        ..open_config(1)
    };
    config.authentication.tokens = vec![token("alice", "people")];
    config
}

fn make(driver: &mut Driver, path: &str, object: &Value) {
    let made = driver.call("POST", path, JSON, object.to_string().as_bytes());
    assert_eq!(made.status, 201, "{path}: {}", made.text());
}

fn api_service() -> Value {
    let spec = json!({
        "group": "metrics.example.com", "version": "v1", "groupPriorityMinimum": 17050, "versionPriority": 10,
        "caBundle": "LS0tLS0=", "service": {"namespace": "default", "name": "extension", "port": 443},
    });
    json!({"metadata": {"name": "v1.metrics.example.com"}, "spec": spec})
}

fn service() -> Value {
    let spec = json!({"clusterIP": "10.0.0.77", "ports": [{"name": "https", "port": 443}]});
    json!({"metadata": {"name": "extension"}, "spec": spec})
}

fn slice(endpoints: &Value) -> Value {
    json!({
        "metadata": {"name": "extension-1", "labels": {"kubernetes.io/service-name": "extension"}},
        "addressType": "IPv4",
        "endpoints": endpoints,
        "ports": [{"name": "https", "port": 6443, "protocol": "TCP"}],
    })
}

const SLICES: &str = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";

fn condition(driver: &mut Driver) -> Value {
    let reply = driver.call("GET", &format!("{SERVICES}/v1.metrics.example.com"), &[ACCEPT], b"");
    let object: Value = serde_json::from_slice(&reply.body).expect("JSON");
    object["status"]["conditions"].as_array().and_then(|held| held.first()).cloned().unwrap_or_default()
}

/// The calls of the round in which the server is asked, all given the same outcome, but for that of discovery.
fn answer_round(driver: &mut Driver, outcome: &CallOutcome, discovery: &CallOutcome) -> Vec<Outcall> {
    let calls = std::mem::take(&mut driver.calls);
    let own: Vec<(JobId, u32, Outcall)> = calls.into_iter().filter(|(id, ..)| id.is_own()).collect();
    for (id, index, call) in &own {
        let outcome = if call.target == "/apis" { discovery } else { outcome };
        driver.give(Input::Called(*id, *index, outcome.clone()));
    }
    own.into_iter().map(|(_, _, call)| call).collect()
}

fn says(status: u16, content_type: &str, body: &'static str) -> CallOutcome {
    let headers = vec![("content-type".into(), content_type.to_owned())];
    Ok(Called { status, headers, body: Bytes::from_static(body.as_bytes()) })
}

fn document() -> CallOutcome {
    says(
        200,
        "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
        r#"{"items":[{"metadata":{"name":"metrics.example.com"},"versions":[{"version":"v1","resources":[
            {"resource":"nodes","scope":"Cluster","verbs":["get"]}]}]}]}"#,
    )
}

/// A server with an aggregated API that is available.
fn available() -> Driver {
    let mut driver = Driver::start(config());
    make(&mut driver, "/api/v1/namespaces/default/services", &service());
    make(&mut driver, SLICES, &slice(&json!([{"addresses": ["10.1.0.9"]}])));
    make(&mut driver, SERVICES, &api_service());
    let calls = answer_round(&mut driver, &says(200, "application/json", "{}"), &document());
    assert!(calls.len() > 5, "{calls:?}");
    assert_eq!(condition(&mut driver)["reason"], "Passed");
    driver
}

fn dial(
    driver: &mut Driver,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> (JobId, Outcall) {
    let id = driver.begin(method, target, headers, body);
    let place = driver.calls.iter().position(|(held, ..)| *held == id);
    let Some(place) = place else { panic!("{:?}", driver.take(id).map(|reply| reply.text())) };
    (id, driver.calls.remove(place).2)
}

fn answered(driver: &mut Driver, id: JobId, outcome: CallOutcome) -> Reply {
    driver.give(Input::Called(id, 0, outcome));
    driver.take(id).expect("an answer")
}

#[test]
fn a_request_says_who_asks_and_the_answer_is_passed_on() {
    let mut driver = available();
    let headers = [
        ("authorization", "Bearer alice"),
        ("x-remote-user", "root"),
        ("x-remote-group", "system:masters"),
        ("x-remote-extra-a", "b"),
        ("impersonate-extra-x", "y"),
        ("host", "api"),
        ("accept", "a/b"),
    ];
    let target = format!("{API}/namespaces/a%20b/pods?watch=1&labelSelector=x%3Dy");
    let (id, call) = dial(&mut driver, "GET", &target, &headers[..3], b"");
    assert_eq!(call.authority(), "10.0.0.77:443");
    assert_eq!(call.target, format!("{API}/namespaces/a%20b/pods?labelSelector=x%3Dy&watch=1"));
    assert_eq!(
        (call.trust.server_name.as_str(), call.trust.anybody, &call.trust.authorities[..]),
        ("extension.default.svc", false, &b"-----"[..])
    );
    let named = |name: &str| -> Vec<&str> {
        call.headers.iter().filter(|(held, _)| held == name).map(|(_, value)| value.as_str()).collect()
    };
    assert_eq!(named("x-remote-user"), ["alice"]);
    assert_eq!(named("x-remote-uid"), ["u-1"]);
    assert_eq!(named("x-remote-group"), ["people", "system:authenticated"]);
    assert!(named("authorization").is_empty() && named("host").is_empty(), "{:?}", call.headers);
    let reply = answered(&mut driver, id, says(200, "application/json;stream=watch", ""));
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json;stream=watch")));
    driver.pass(3_600_000);
    assert_eq!(driver.machine().open_requests(), 1, "a watch may last for long");
}

#[test]
fn a_body_goes_along_and_other_answers_are_told_apart() {
    let mut driver = available();
    let alice = ("authorization", "Bearer alice");
    let headers = [alice, ("content-type", "application/json")];
    let (id, call) = dial(&mut driver, "POST", &format!("{API}/nodes"), &headers, b"{\"a\":1}");
    assert_eq!(call.body, "{\"a\":1}");
    assert_eq!(answered(&mut driver, id, says(201, "application/json", "")).status, 201);
    let mut redirection = says(302, "text/html", "");
    if let Ok(called) = &mut redirection {
        called.headers.push(("location".into(), "/elsewhere".to_owned()));
    }
    let refused = Err(CallError::Refused("dial tcp 10.0.0.77:443: connect: connection refused".into()));
    let cases = [
        (redirection, 502, "the backend attempted to redirect this request, which is not permitted"),
        (
            refused,
            503,
            "error trying to reach service: dial tcp 10.0.0.77:443: connect: connection refused\n",
        ),
        (
            Err(CallError::TimedOut),
            503,
            "error trying to reach service: dial tcp 10.0.0.77:443: i/o timeout\n",
        ),
    ];
    for (outcome, status, text) in cases {
        let (id, _) = dial(&mut driver, "GET", &format!("{API}/nodes"), &[alice], b"");
        let reply = answered(&mut driver, id, outcome);
        assert_eq!((reply.status, reply.text().as_str()), (status, text));
    }
    let upgrade = [alice, ("connection", "Upgrade"), ("upgrade", "websocket")];
    let (id, call) = dial(&mut driver, "GET", &format!("{API}/nodes/n/stream"), &upgrade, b"");
    assert!(call.headers.iter().any(|(name, value)| name == "upgrade" && value == "websocket"));
    assert_eq!(answered(&mut driver, id, says(101, "", "")).status, 101);
}

#[test]
fn conditions_say_what_is_missing() {
    let mut driver = Driver::start(config());
    make(&mut driver, SERVICES, &api_service());
    let place = "service/extension in \"default\"";
    let check = |driver: &mut Driver, reason: &str, message: String| {
        let held = condition(driver);
        assert_eq!(
            (held["reason"].as_str(), held["message"].as_str()),
            (Some(reason), Some(message.as_str()))
        );
        let unavailable =
            driver.call("GET", &format!("{API}/nodes"), &[("authorization", "Bearer alice")], b"");
        assert_eq!((unavailable.status, unavailable.text().as_str()), (503, "service unavailable\n"));
    };
    check(&mut driver, "ServiceNotFound", format!("{place} is not present"));
    let mut other = service();
    other["spec"]["ports"][0]["port"] = 8443.into();
    make(&mut driver, "/api/v1/namespaces/default/services", &other);
    check(&mut driver, "ServicePortError", format!("{place} is not listening on port 443"));
    let patch = [("content-type", "application/merge-patch+json")];
    let ports = json!({"spec": {"ports": [{"name": "https", "port": 443}]}}).to_string();
    let path = "/api/v1/namespaces/default/services/extension";
    assert_eq!(driver.call("PATCH", path, &patch, ports.as_bytes()).status, 200);
    check(&mut driver, "EndpointsNotFound", format!("cannot find endpointslices for {place}"));
    make(&mut driver, SLICES, &slice(&json!([{"addresses": ["10.1.0.9"], "conditions": {"ready": false}}])));
    check(
        &mut driver,
        "MissingEndpoints",
        format!("endpointslices for {place} have no addresses with port name \"https\""),
    );
    let endpoints = json!({"endpoints": [{"addresses": ["10.1.0.9"]}]}).to_string();
    assert_eq!(
        driver.call("PATCH", &format!("{SLICES}/extension-1"), &patch, endpoints.as_bytes()).status,
        200
    );
    let url = format!("https://10.0.0.77:443{API}");
    let refused = Err(CallError::Refused("dial tcp 10.0.0.77:443: connect: connection refused".into()));
    answer_round(&mut driver, &refused, &refused);
    let why = format!("Get \"{url}\": dial tcp 10.0.0.77:443: connect: connection refused");
    check(&mut driver, "FailedDiscoveryCheck", format!("failing or missing response from {url}: {why}"));
    driver.pass(2_000);
    let ill = says(500, "text/plain", "no");
    answer_round(&mut driver, &ill, &ill);
    let why = format!("failing or missing response from {url}: bad status from {url}: 500");
    check(&mut driver, "FailedDiscoveryCheck", why);
    driver.pass(10_000);
    answer_round(&mut driver, &says(200, "application/json", "{}"), &document());
    assert_eq!(condition(&mut driver)["message"], "all checks passed");
}

#[test]
fn discovery_shows_it_in_its_place_and_a_dead_server_slows_nothing_down() {
    let mut driver = available();
    let names = |driver: &mut Driver| -> Vec<String> {
        let reply = driver.call("GET", "/apis", &[ACCEPT], b"");
        let list: Value = serde_json::from_slice(&reply.body).expect("JSON");
        let groups = list["groups"].as_array().expect("groups");
        groups.iter().filter_map(|group| group["name"].as_str()).map(ToOwned::to_owned).collect()
    };
    let found = names(&mut driver);
    let place = found.iter().position(|name| name == "metrics.example.com").expect("the group");
    assert_eq!(
        (found[place - 1].as_str(), found[place + 1].as_str()),
        ("policy", "rbac.authorization.k8s.io")
    );
    let group = driver.call("GET", "/apis/metrics.example.com", &[ACCEPT], b"");
    assert!(
        group.text().contains("\"preferredVersion\":{\"groupVersion\":\"metrics.example.com/v1\""),
        "{}",
        group.text()
    );
    let aggregated = |driver: &mut Driver| -> Value {
        let reply = driver.call("GET", "/apis", &[("accept", AGGREGATED)], b"");
        let list: Value = serde_json::from_slice(&reply.body).expect("JSON");
        let items = list["items"].as_array().expect("items");
        let found = items.iter().find(|item| item["metadata"]["name"] == "metrics.example.com");
        found.expect("the group")["versions"][0].clone()
    };
    let entry = aggregated(&mut driver);
    assert_eq!(
        (&entry["freshness"], &entry["resources"][0]["resource"]),
        (&json!("Current"), &json!("nodes"))
    );
    driver.pass(31_000);
    let dead = Err(CallError::TimedOut);
    answer_round(&mut driver, &dead, &dead);
    assert_eq!(condition(&mut driver)["status"], "False");
    let entry = aggregated(&mut driver);
    assert_eq!((&entry["freshness"], &entry["resources"][0]["resource"]), (&json!("Stale"), &json!("nodes")));
    assert_eq!(names(&mut driver), found);
    let deleted = driver.call("DELETE", &format!("{SERVICES}/v1.metrics.example.com"), JSON, b"");
    assert_eq!(deleted.status, 200, "{}", deleted.text());
    assert!(!names(&mut driver).contains(&"metrics.example.com".to_owned()));
    assert_eq!(driver.call("GET", &format!("{API}/nodes"), &[], b"").status, 404);
}

#[test]
fn a_server_that_does_not_answer_keeps_no_seats_of_others() {
    let mut driver = Driver::start(Config { max_in_flight: 2, ..config() });
    make(&mut driver, "/api/v1/namespaces/default/services", &service());
    make(&mut driver, SLICES, &slice(&json!([{"addresses": ["10.1.0.9"]}])));
    make(&mut driver, SERVICES, &api_service());
    answer_round(&mut driver, &says(200, "application/json", "{}"), &document());
    let alice = [("authorization", "Bearer alice")];
    for _ in 0..5 {
        dial(&mut driver, "GET", &format!("{API}/nodes"), &alice, b"");
    }
    assert_eq!(driver.call("GET", "/api/v1/namespaces/default", &alice, b"").status, 200);
    driver.pass(61_000);
    assert_eq!(driver.machine().open_requests(), 0, "they are answered in time");
}

const OWN_OPENAPI: &str = r##"{"swagger":"2.0",
    "paths":{"/apis/metrics.example.com/v1/nodes":{"get":{"responses":{"200":{"schema":{"$ref":"#/definitions/N"}}}}},
             "/apis/other.example.com/v1/x":{"get":{"responses":{"200":{"schema":{"$ref":"#/definitions/X"}}}}}},
    "definitions":{"N":{"type":"object","properties":{"meta":
        {"$ref":"#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"}}},
        "X":{"type":"object"},
        "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta":{"type":"object","description":"Another one."}}}"##;

/// The shared document, with its entity tag.
fn openapi_v2(driver: &mut Driver) -> (Value, String) {
    let reply = driver.call("GET", "/openapi/v2", &[ACCEPT], b"");
    let entity_tag = reply.header("etag").expect("an entity tag").to_owned();
    (serde_json::from_slice(&reply.body).expect("JSON"), entity_tag)
}

/// Answers a round well, and the call for the OpenAPI document as given. Returns that call.
fn answer_openapi(driver: &mut Driver, openapi: &CallOutcome) -> Outcall {
    let mut asked = None;
    for (id, index, call) in std::mem::take(&mut driver.calls) {
        let outcome = match call.target.as_str() {
            "/apis" => document(),
            "/openapi/v2" => openapi.clone(),
            _ => says(200, "application/json", "{}"),
        };
        if call.target == "/openapi/v2" {
            asked = Some(call);
        }
        driver.give(Input::Called(id, index, outcome));
    }
    asked.expect("the document is asked for")
}

#[test]
fn its_openapi_document_is_part_of_this_servers() {
    const PATHS: [&str; 2] = ["/apis/metrics.example.com/v1/nodes", "/apis/other.example.com/v1/x"];
    let mut driver = available();
    let (before, first_tag) = openapi_v2(&mut driver);
    assert_eq!(PATHS.map(|path| before["paths"][path].is_null()), [true, true]);
    driver.pass(31_000);
    let tagged = says(200, "application/json", OWN_OPENAPI).map(|mut called| {
        called.headers.push(("etag".into(), "\"one\"".into()));
        called
    });
    let asked = answer_openapi(&mut driver, &tagged);
    let header = |call: &Outcall, wanted: &str| -> Vec<String> {
        call.headers.iter().filter(|(name, _)| name == wanted).map(|(_, value)| value.clone()).collect()
    };
    assert_eq!(header(&asked, "x-remote-user"), ["system:aggregator"]);
    assert!(header(&asked, "x-remote-group").is_empty() && header(&asked, "if-none-match").is_empty());
    let (merged, tag) = openapi_v2(&mut driver);
    assert_ne!(tag, first_tag);
    assert_eq!(PATHS.map(|path| merged["paths"][path].is_null()), [false, true], "only what it serves");
    let definitions = &merged["definitions"];
    let meta = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
    assert_eq!(definitions["N"]["properties"]["meta"]["$ref"], format!("#/definitions/{meta}_v2"));
    assert_eq!(definitions[format!("{meta}_v2")]["description"], "Another one.");
    assert_eq!(definitions[meta], before["definitions"][meta]);
    assert!(definitions["X"].is_null());
    let held = driver.call("GET", "/openapi/v2", &[ACCEPT, ("if-none-match", tag.as_str())], b"");
    assert_eq!(held.status, 304);

    // What is known stays when it is unchanged and when its server is dead. What cannot be read is left out.
    driver.pass(31_000);
    let asked = answer_openapi(&mut driver, &says(304, "", ""));
    assert_eq!(
        (header(&asked, "if-none-match"), openapi_v2(&mut driver).1),
        (vec!["\"one\"".into()], tag.clone())
    );
    driver.pass(31_000);
    answer_openapi(&mut driver, &Err(CallError::TimedOut));
    assert_eq!(openapi_v2(&mut driver).1, tag);
    driver.pass(31_000);
    answer_openapi(&mut driver, &says(200, "application/json", "{\"paths\":"));
    assert_eq!(openapi_v2(&mut driver).0, before);
    driver.pass(31_000);
    answer_openapi(&mut driver, &tagged);
    assert_eq!(openapi_v2(&mut driver).0, merged);
    let deleted = driver.call("DELETE", &format!("{SERVICES}/v1.metrics.example.com"), JSON, b"");
    assert_eq!((deleted.status, openapi_v2(&mut driver).0), (200, before));
}

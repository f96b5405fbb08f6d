//! Warning headers, and requests that end before they begin: data, and one checker each.

use crate::conditions::{JSON, MERGE, fetch, json, server};
use steersman_sim::driver::{Driver, Reply};

const JOBS: &str = "/apis/batch/v1/namespaces/w/jobs";
const MAPS: &str = "/api/v1/namespaces/w/configmaps";
const JOB: &str = r#"{"metadata":{"name":"one"},"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]}}}}"#;
const PRESERVED: &str = "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to \
                         remove them or set propagationPolicy=Orphan to suppress this warning";
const ENDPOINTS: &str = "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice";

fn warnings(reply: &Reply) -> Vec<String> {
    let sent = reply.headers.iter().filter(|(name, _)| name == "warning");
    let text = |value: &str| Some(value.strip_prefix("299 - \"")?.strip_suffix('"')?.to_owned());
    sent.map(|(_, value)| text(value).unwrap_or_else(|| format!("not a warning: {value}"))).collect()
}

fn owned_by(uids: &[&str]) -> String {
    let owner = |uid: &&str| serde_json::json!({"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": uid});
    let owners: Vec<_> = uids.iter().map(owner).collect();
    serde_json::json!({"metadata": {"name": "owned", "ownerReferences": owners}}).to_string()
}

fn repeated(when: &str, uids: &str) -> String {
    format!(
        ".metadata.ownerReferences contains duplicate entries{when}; API server dedups owner references in 1.20+, and \
         may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: {uids}"
    )
}

#[test]
fn clients_are_warned() {
    let mut driver = server("w");
    let owned = format!("{MAPS}/owned");
    let job = format!("{JOBS}/one");
    let late = " after mutating admission happens";
    let steps: Vec<(&str, String, String, u16, Vec<String>)> = vec![
        ("POST", MAPS.into(), owned_by(&["a", "b", "a", "a"]), 201, vec![repeated("", "a, a")]),
        ("PUT", owned.clone(), owned_by(&["b", "b", "a"]), 200, vec![repeated("", "b")]),
        ("PATCH", owned.clone(), owned_by(&["a", "a"]), 200, vec![repeated(late, "a")]),
        ("PATCH", owned, owned_by(&["a"]), 200, vec![]),
        ("DELETE", job.clone(), String::new(), 404, vec![PRESERVED.into()]),
        ("POST", JOBS.into(), JOB.into(), 201, vec![]),
        ("DELETE", format!("{job}?dryRun=All"), String::new(), 200, vec![PRESERVED.into()]),
        ("DELETE", format!("{JOBS}?dryRun=All"), String::new(), 200, vec![PRESERVED.into()]),
        ("DELETE", format!("{job}?orphanDependents=true&dryRun=All"), String::new(), 200, vec![]),
        ("DELETE", format!("{job}?propagationPolicy=Background"), String::new(), 200, vec![]),
        ("GET", "/api/v1/namespaces/w/endpoints".into(), String::new(), 200, vec![ENDPOINTS.into()]),
    ];
    for (method, target, body, status, expected) in steps {
        let headers = if method == "PATCH" { MERGE } else { JSON };
        let reply = driver.call(method, &target, headers, body.as_bytes());
        assert_eq!(reply.status, status, "{method} {target}: {}", reply.text());
        assert_eq!(warnings(&reply), expected, "{method} {target}");
    }
    let kept = json(&fetch(&mut driver, &format!("{MAPS}/owned")));
    assert_eq!(kept["metadata"]["ownerReferences"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_watch_is_warned_as_a_list_is() {
    let mut driver = server("w");
    let id = driver.begin("GET", "/api/v1/endpoints?watch=1&timeoutSeconds=1", JSON, b"");
    driver.pass(2_000);
    assert_eq!(warnings(&driver.take(id).expect("an answer")), [ENDPOINTS]);
}

#[test]
fn a_timeout_must_be_a_duration() {
    let cases = [
        ("timeout=1s", 200, ""),
        ("timeout=", 200, ""),
        ("timeout=-1s", 200, ""),
        ("timeout=1h", 200, ""),
        ("timeout=x&watch=0", 400, "time: invalid duration \"x\""),
        ("timeout=5", 400, "time: missing unit in duration \"5\""),
    ];
    let mut driver: Driver = server("w");
    for (query, status, why) in cases {
        let reply = fetch(&mut driver, &format!("{MAPS}?{query}"));
        assert_eq!(reply.status, status, "{query}: {}", reply.text());
        if status == 400 {
            let expected = format!("invalid timeout specified in the request URL - {why}");
            assert_eq!(json(&reply)["message"], expected.as_str());
        }
    }
    let id = driver.begin("GET", &format!("{MAPS}?watch=1&timeoutSeconds=1&timeout=x"), JSON, b"");
    driver.pass(2_000);
    assert_eq!(driver.take(id).expect("an answer").status, 200);
}

/// Each request with its status and the beginnings of what it warns of, as kube-apiserver answers.
#[test]
fn requests_that_fail_warn_too() {
    const SECRETS: &str = "/api/v1/namespaces/w/secrets";
    const TLS: &str =
        r#"{"metadata":{"name":"t"},"type":"kubernetes.io/tls","data":{"tls.crt":"eA==","tls.key":"eA=="}}"#;
    const NO_PEM: &str = "tls: failed to find any PEM data in certificate input";
    const UNKNOWN: &str = r#"unknown field \"x\""#;
    let mut driver = server("w");
    let at = |name: &str| format!("{MAPS}/{name}");
    let long = format!(r#"{{"metadata":{{"name":"a"}},"{}":1}}"#, "x".repeat(5_000));
    let cut = format!(r#"unknown field \"{}"#, "x".repeat(256 - "unknown field '".len()));
    let steps: Vec<(&str, String, &str, u16, Vec<&str>)> = vec![
        ("POST", MAPS.into(), r#"{"metadata":{"name":"a"}}"#, 201, vec![]),
        ("POST", MAPS.into(), r#"{"metadata":{"name":"a"},"x":1}"#, 409, vec![UNKNOWN]),
        ("PUT", at("a"), r#"{"metadata":{"name":"a","resourceVersion":"1"},"x":1}"#, 409, vec![UNKNOWN]),
        ("PUT", at("nope"), r#"{"metadata":{"name":"nope"},"x":1}"#, 404, vec![UNKNOWN]),
        ("PUT", at("a"), r#"{"metadata":{"name":"b"},"x":1}"#, 400, vec![UNKNOWN]),
        ("POST", MAPS.into(), r#"{"metadata":{"name":"A_"},"x":1}"#, 422, vec![UNKNOWN]),
        ("POST", MAPS.into(), r#"{"metadata":{"name":"a","namespace":"z"},"x":1}"#, 400, vec![UNKNOWN]),
        (
            "POST",
            "/api/v1/namespaces/z/configmaps".into(),
            r#"{"metadata":{"name":"a"},"x":1}"#,
            404,
            vec![UNKNOWN],
        ),
        ("POST", format!("{MAPS}?fieldValidation=Strict"), r#"{"metadata":{"name":"a"},"x":1}"#, 400, vec![]),
        ("PATCH", at("nope"), r#"{"x":1}"#, 404, vec![]),
        ("PATCH", at("a"), r#"{"x":1,"data":{"b/":"v"}}"#, 422, vec![UNKNOWN]),
        ("PATCH", at("a"), r#"{"x":1,"metadata":{"resourceVersion":"1"}}"#, 409, vec![UNKNOWN]),
        ("PATCH", at("a"), r#"{"x":1,"metadata":{"name":"z"}}"#, 400, vec![UNKNOWN]),
        ("POST", SECRETS.into(), TLS, 201, vec![NO_PEM]),
        ("POST", SECRETS.into(), TLS, 409, vec![NO_PEM]),
        ("POST", SECRETS.into(), r#"{"metadata":{"name":"t"},"type":"kubernetes.io/tls"}"#, 422, vec![]),
        ("POST", MAPS.into(), &long, 409, vec![&cut]),
        ("GET", "/api/v1/namespaces/w/endpoints/nope".into(), "", 404, vec![ENDPOINTS]),
        ("GET", "/api/v1/namespaces/w/endpoints?limit=x".into(), "", 400, vec![ENDPOINTS]),
        ("PUT", "/api/v1/namespaces/w/endpoints".into(), "{}", 405, vec![]),
        ("GET", "/api/v1/namespaces/w/endpoints/x/nope".into(), "", 404, vec![]),
    ];
    for (method, target, body, status, expected) in steps {
        let headers = if method == "PATCH" { MERGE } else { JSON };
        let reply = driver.call(method, &target, headers, body.as_bytes());
        assert_eq!(reply.status, status, "{method} {target} {body:.60}: {}", reply.text());
        assert_eq!(warnings(&reply), expected, "{method} {target} {body:.60}");
    }
    // The warnings of a change are kept when the write loses a race and is attempted again.
    let owners = owned_by(&["u", "u"]).replace(r#""name":"owned","#, r#""resourceVersion":"1","#);
    let reply = driver.call("PATCH", &at("a"), MERGE, owners.as_bytes());
    let expected = repeated(" after mutating admission happens", "u");
    assert_eq!((reply.status, warnings(&reply)), (409, vec![expected]), "{}", reply.text());
}

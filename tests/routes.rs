//! Where requests go: methods, paths, queries and media types, each beside kube-apiserver's answer: data, and one
//! checker each.

use crate::conditions::{JSON, json, server};
use std::collections::BTreeSet;
use steersman_core::config::Note;
use steersman_sim::driver::{Driver, Reply};

const MAPS: &str = "/api/v1/namespaces/w/configmaps";

/// The lines of a table, without its comments, split at tabs.
fn table(text: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    text.lines().filter(|line| !line.starts_with('#')).map(|line| line.split('\t').collect())
}

fn kind(reply: &Reply) -> &'static str {
    match reply.header("content-type") {
        None => "nothing",
        Some(media_type) if media_type.starts_with("text/plain") => "text",
        Some("application/json") if reply.status >= 400 => "Status",
        Some(_) => "json",
    }
}

#[test]
fn every_path_takes_the_methods_that_it_should() {
    let mut driver = server("");
    let (mut answers, mut wrong) = (0, Vec::new());
    for row in table(include_str!("data/methods.tsv")) {
        let [path, expected @ ..] = row.as_slice() else { panic!("an empty line") };
        for expected in expected {
            let mut words = expected.split(' ');
            let (status, kind_wanted) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
            for method in words {
                let headers = if method == "PATCH" { &[][..] } else { JSON };
                let reply = driver.call(method, path, headers, b"");
                let found = format!("{} {}", reply.status, kind(&reply));
                answers += 1;
                if found != format!("{status} {kind_wanted}") {
                    wrong.push(format!("{method} {path}: {found} instead of {status} {kind_wanted}"));
                }
                assert!(reply.header("allow").is_none());
            }
        }
    }
    assert!(answers > 400 && wrong.is_empty(), "{answers} answers, wrong:\n{}", wrong.join("\n"));
}

#[test]
fn every_target_means_what_it_should() {
    let mut driver = server("");
    let (mut answers, mut wrong) = (0, Vec::new());
    for row in table(include_str!("data/targets.tsv")) {
        let [target, status, kind_wanted, message] = row.as_slice() else { panic!("four columns: {row:?}") };
        let reply = driver.call("GET", target, &[("accept", "*/*")], b"");
        let told = match kind(&reply) {
            "Status" => json(&reply)["message"].as_str().unwrap_or_default().to_owned(),
            "text" if reply.status >= 400 => reply.text().trim().to_owned(),
            _ => String::new(),
        };
        let wanted =
            if message.is_empty() { String::new() } else { serde_json::from_str(message).expect("a text") };
        answers += 1;
        let found = (reply.status.to_string(), kind(&reply), told);
        if found != ((*status).to_owned(), *kind_wanted, wanted) {
            wrong.push(format!("{target}: {found:?} instead of {status} {kind_wanted} {message}"));
        }
    }
    assert!(answers > 100 && wrong.is_empty(), "{answers} answers, wrong:\n{}", wrong.join("\n"));
}

/// Method, target, Accept, status, and how the message begins.
const MEDIA: &[(&str, &str, &str, u16, &str)] = &[
    (
        "GET",
        "?limit=x",
        "text/html",
        406,
        "406: Not Acceptable\n\nAvailable representations: application/json, ",
    ),
    ("GET", "?limit=x", "application/json;as=Nope;g=meta.k8s.io;v=v1", 406, "only the following media types"),
    ("GET", "?labelSelector=!!!", "application/json;as=Table", 406, "only the following media types"),
    ("GET", "?limit=x", ONE, 400, "strconv.ParseInt: parsing \"x\": invalid syntax"),
    (
        "GET",
        "",
        ONE,
        406,
        "you requested PartialObjectMetadata, but the requested object is a list (*core.ConfigMapList)",
    ),
    (
        "GET",
        "/a",
        MANY,
        406,
        "you requested PartialObjectMetadataList, but the requested object is not a list (*core.ConfigMap)",
    ),
    ("GET", "/absent", MANY, 404, "configmaps \"absent\" not found"),
    ("GET", "/a", ONE, 200, ""),
    ("GET", "", MANY, 200, ""),
    (
        "DELETE",
        "?dryRun=All",
        ONE,
        406,
        "you requested PartialObjectMetadata, but the requested object is a list",
    ),
    ("DELETE", "/a?dryRun=All", MANY, 200, ""),
    ("DELETE", "?limit=x", "text/html", 406, THREE_TYPES),
    ("GET", "?watch=1&resourceVersion=abc", "application/yaml,application/json;q=0.1", 500, ""),
];
const THREE_TYPES: &str = "406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, \
                           application/vnd.kubernetes.protobuf";
const ONE: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
const MANY: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

#[test]
fn media_types_are_refused_when_upstream_refuses_them() {
    let mut driver = server("w");
    driver.call("POST", MAPS, JSON, br#"{"metadata":{"name":"a"}}"#);
    for (method, target, accept, status, message) in MEDIA {
        let reply = driver.call(method, &format!("{MAPS}{target}"), &[("accept", accept)], b"");
        assert_eq!(reply.status, *status, "{method} {target} {accept}: {}", reply.text());
        let told =
            reply.value().field("message").and_then(|text| text.as_str()).unwrap_or_default().to_owned();
        assert!(*status == 200 || told.starts_with(message), "{method} {target} {accept}: {told}");
    }
    let roles = "/apis/rbac.authorization.k8s.io/v1/roles";
    let told = driver.call("GET", roles, &[("accept", ONE)], b"").text();
    assert!(told.contains("is a list (*rbac.RoleList)"), "{told}");
    let events = "/apis/events.k8s.io/v1/events";
    let told = driver.call("GET", events, &[("accept", ONE)], b"").text();
    assert!(told.contains("is a list (*core.EventList)"), "{told}");
}

#[test]
fn the_body_of_a_put_must_have_a_name() {
    let mut driver = server("w");
    driver.call("POST", MAPS, JSON, br#"{"metadata":{"name":"x"}}"#);
    let places = [
        format!("{MAPS}/x"),
        format!("{MAPS}/absent"),
        "/apis/apps/v1/namespaces/w/deployments/absent/scale".into(),
        "/apis/apps/v1/namespaces/w/deployments/absent/status".into(),
        "/api/v1/namespaces/w/pods/absent/ephemeralcontainers".into(),
        "/api/v1/namespaces/w".into(),
        "/api/v1/namespaces/w/status".into(),
        "/api/v1/namespaces/w/serviceaccounts/absent".into(),
    ];
    for place in places {
        let reply = driver.call("PUT", &place, JSON, b"{}");
        let told = json(&reply)["message"].as_str().unwrap_or_default().to_owned();
        let is_told = told.ends_with(" based on URL) was undeterminable: name must be provided");
        assert!(reply.status == 400 && is_told, "{place}: {} {told}", reply.status);
    }
}

/// Whatever clients ask for, the labels of metrics come from what is served.
#[test]
fn clients_cannot_create_metric_labels() {
    let mut driver = server("w");
    let long = "x".repeat(10_000);
    for number in 0..200 {
        let targets = [
            format!("/api/v1/namespaces/w/configmaps/a/sub{number}"),
            format!("/api/v1/{long}{number}"),
            format!("/apis/group{number}/v1/things"),
            format!("/api/v{number}/pods"),
            format!("/api/v1/namespaces/n{number}/configmaps/name{number}?dryRun={number}"),
            format!("/path{number}"),
            format!("/api/v1/watch/kind{number}"),
            format!("/api/v1/namespaces/w/pods/p{number}/log"),
            format!("/a%{number}"),
        ];
        for target in targets {
            for method in ["GET", "DELETE", &format!("VERB{number}"), "OPTIONS"] {
                driver.call(method, &target, JSON, b"");
            }
        }
    }
    let mut labels = BTreeSet::new();
    for note in &driver.notes {
        if let Note::Answered(told) = note {
            let words = [&told.verb, &told.group, &told.version, &told.resource, &told.subresource];
            labels.insert(format!("{words:?} {} {}", told.scope, told.dry_run));
        }
    }
    assert!(labels.len() < 40 && labels.iter().all(|label| label.len() < 120), "{labels:#?}");
    let text = labels.iter().fold(String::new(), |all, label| all + label + "\n");
    for expected in [
        r#"["GET", "", "v1", "configmaps", ""] resource invalid"#,
        r#"["CONNECT", "", "v1", "pods", "log"] resource "#,
        r#"["OTHER", "", "", "", ""]  "#,
    ] {
        assert!(text.contains(expected), "{expected} in\n{text}");
    }
}

/// The verbs of metrics are HTTP's, told apart a little further.
#[test]
fn metrics_spell_verbs_as_upstream_does() {
    let apply = &[("content-type", "application/apply-patch+yaml")][..];
    let merge = &[("content-type", "application/merge-patch+json")][..];
    let one = format!("{MAPS}/a");
    let watch = "/api/v1/configmaps?watch=1&timeoutSeconds=1".to_owned();
    type Case<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a str);
    let cases: &[Case<'_>] = &[
        ("GET", &one, JSON, "GET resource"),
        ("GET", MAPS, JSON, "LIST namespace"),
        ("GET", "/api/v1/configmaps", JSON, "LIST cluster"),
        ("HEAD", MAPS, JSON, "LIST namespace"),
        ("HEAD", &one, JSON, "GET resource"),
        ("GET", &watch, JSON, "WATCH cluster"),
        ("GET", "/api/v1/watch/configmaps?timeoutSeconds=1", JSON, "WATCH cluster"),
        ("POST", MAPS, JSON, "POST resource"),
        ("PUT", &one, JSON, "PUT resource"),
        ("PATCH", &one, merge, "PATCH resource"),
        ("PATCH", &one, apply, "APPLY resource"),
        ("DELETE", &one, JSON, "DELETE resource"),
        ("DELETE", MAPS, JSON, "DELETE namespace"),
        ("OPTIONS", MAPS, JSON, "OTHER namespace"),
        ("TRACE", &one, JSON, "OTHER resource"),
        ("GET", "/version", JSON, "GET "),
        ("POST", "/healthz", JSON, "POST "),
    ];
    for (method, target, headers, expected) in cases {
        let mut driver: Driver = server("w");
        driver.notes.clear();
        driver.call(method, target, headers, b"{}");
        driver.pass(2_000);
        let told = driver.notes.iter().find_map(|note| {
            let Note::Answered(told) = note else { return None };
            Some(format!("{} {}", told.verb, told.scope))
        });
        assert_eq!(told.as_deref(), Some(*expected), "{method} {target}");
    }
}

//! Tokens of service accounts: what is asked for, what they are bound to, and what they say.

use std::fmt::Write;

use bytes::Bytes;
use steersman_core::codec::base64;
use steersman_core::config::{Config, Curve, IssuerKey, PublicKey};
use steersman_sim::driver::{Driver, Reply, open_config, signature};

const AUDIENCE: &str = "https://kubernetes.default.svc";
const PATH: &str = "/api/v1/namespaces/default/serviceaccounts/robot/token";

fn config() -> Config {
    let key = PublicKey::Ecdsa { curve: Curve::P256, x: Bytes::new(), y: Bytes::new() };
    Config {
        issuer: AUDIENCE.into(),
        audiences: vec![AUDIENCE.into(), "other".into()],
        signing_key: Some(IssuerKey { id: "the-key".into(), key }),
        ..open_config(1)
    }
}

fn post(driver: &mut Driver, path: &str, body: &str) -> Reply {
    let headers = [("content-type", "application/json")];
    let id = driver.begin("POST", path, &headers, body.as_bytes());
    driver.take(id).expect("an answer")
}

fn text_of<'a>(reply: &'a Reply, path: &[&str]) -> &'a str {
    reply.value().text_at(path)
}

/// A server with a service account, and what tokens can be bound to.
fn start(config: Config) -> Driver {
    let mut driver = Driver::start(config);
    let named = |kind: &str, name: &str, rest: &str| {
        format!(r#"{{"apiVersion":"v1","kind":"{kind}","metadata":{{"name":"{name}"}}{rest}}}"#)
    };
    let pod = |account: &str, node: &str| {
        format!(
            r#","spec":{{"serviceAccountName":"{account}","nodeName":"{node}","containers":[{{"name":"c","image":"i"}}]}}"#
        )
    };
    let objects = [
        ("namespaces/default/serviceaccounts", named("ServiceAccount", "robot", "")),
        ("namespaces/default/secrets", named("Secret", "secret", "")),
        ("nodes", named("Node", "node", "")),
        ("namespaces/default/pods", named("Pod", "mine", &pod("robot", "node"))),
        ("namespaces/default/pods", named("Pod", "lost", &pod("robot", "gone"))),
        ("namespaces/default/pods", named("Pod", "waiting", &pod("robot", ""))),
        ("namespaces/default/pods", named("Pod", "foreign", &pod("other", ""))),
    ];
    for (collection, object) in objects {
        let reply = post(&mut driver, &format!("/api/v1/{collection}"), &object);
        assert_eq!(reply.status, 201, "{object}: {}", reply.text());
    }
    driver
}

fn request(spec: &str) -> String {
    format!(r#"{{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{{{spec}}}}}"#)
}

/// What stands in the parts of a token, with uids, times and the token's own id left out.
fn claims(driver: &mut Driver, reply: &Reply) -> String {
    let token = text_of(reply, &["status", "token"]);
    let (signed, end) = token.rsplit_once('.').unwrap_or_default();
    assert_eq!(base64::decode_url(end).as_deref(), Some(&*signature(signed.as_bytes())), "{}", reply.text());
    let decoded = |part| String::from_utf8(base64::decode_url(part).expect("base64")).expect("UTF-8");
    let (header, payload) = signed.split_once('.').expect("a header");
    assert_eq!(decoded(header), r#"{"alg":"ES256","kid":"the-key"}"#);
    let payload: serde_json::Value = serde_json::from_str(&decoded(payload)).expect("JSON");
    let (now, number) = (driver.now().wall.seconds(), |name: &str| payload[name].as_i64().unwrap_or(0));
    assert_eq!((payload["nbf"].as_i64(), payload["iss"].as_str()), (payload["iat"].as_i64(), Some(AUDIENCE)));
    assert!((now - 1..=now).contains(&number("iat")), "{payload}");
    assert_eq!(payload["sub"], "system:serviceaccount:default:robot");
    assert_eq!(payload["jti"].as_str().map(str::len), Some(36), "{payload}");
    let own = &payload["kubernetes.io"];
    let mut told = format!("{} {}s", payload["aud"], number("exp") - number("iat"));
    for kind in ["node", "pod", "secret", "serviceaccount"] {
        if let Some(name) = own[kind]["name"].as_str() {
            let uid = if own[kind]["uid"].is_string() { "" } else { " without uid" };
            write!(told, " {kind}:{name}{uid}").expect("writing to a string");
        }
    }
    if let Some(after) = own["warnafter"].as_i64() {
        write!(told, " warns after {}s", after - number("iat")).expect("writing to a string");
    }
    told
}

#[test]
fn a_token_says_whose_it_is_for_whom_and_what_it_is_bound_to() {
    let mut driver = start(config());
    let both = format!(r#"["{AUDIENCE}","other"]"#);
    let bound = |kind: &str, name: &str| {
        format!(r#""boundObjectRef":{{"apiVersion":"v1","kind":"{kind}","name":"{name}"}}"#)
    };
    let pod = bound("Pod", "mine");
    let extended = "31536000s node:node pod:mine serviceaccount:robot warns after 3607s";
    let cases = [
        ("".to_owned(), format!("{both} 3600s serviceaccount:robot")),
        (
            r#""audiences":["a"],"expirationSeconds":600"#.to_owned(),
            r#"["a"] 600s serviceaccount:robot"#.to_owned(),
        ),
        (r#""expirationSeconds":4294967296"#.to_owned(), format!("{both} 4294967296s serviceaccount:robot")),
        (pod.clone(), format!("{both} 3600s node:node pod:mine serviceaccount:robot")),
        (bound("Pod", "lost"), format!("{both} 3600s node:gone without uid pod:lost serviceaccount:robot")),
        (bound("Pod", "waiting"), format!("{both} 3600s pod:waiting serviceaccount:robot")),
        (bound("Secret", "secret"), format!("{both} 3600s secret:secret serviceaccount:robot")),
        (bound("Node", "node"), format!("{both} 3600s node:node serviceaccount:robot")),
        (format!(r#"{pod},"expirationSeconds":3607"#), format!("{both} {extended}")),
        (
            format!(r#"{pod},"expirationSeconds":3607,"audiences":["other"]"#),
            format!(r#"["other"] {extended}"#),
        ),
        (
            format!(r#"{pod},"expirationSeconds":3607,"audiences":["other","a"]"#),
            r#"["other","a"] 3607s node:node pod:mine serviceaccount:robot"#.to_owned(),
        ),
        (r#""expirationSeconds":3607"#.to_owned(), format!("{both} 3607s serviceaccount:robot")),
    ];
    for (spec, expected) in cases {
        let reply = post(&mut driver, PATH, &request(&spec));
        assert_eq!(reply.status, 201, "{spec}: {}", reply.text());
        assert_eq!(text_of(&reply, &["metadata", "name"]), "robot");
        assert_eq!(claims(&mut driver, &reply), expected, "{spec}");
    }
}

#[test]
fn a_token_that_cannot_be_made_is_refused_as_upstream_refuses_it() {
    let mut driver = start(config());
    let bound = |text: &str| format!(r#""boundObjectRef":{{{text}}}"#);
    let refusals = [
        (r#""expirationSeconds":599"#.to_owned(), 422, "may not specify a duration less than 10 minutes"),
        (
            r#""expirationSeconds":4294967297"#.to_owned(),
            422,
            "may not specify a duration larger than 2^32 seconds",
        ),
        (bound(r#""kind":"Pod","name":"absent""#), 404, "pods \"absent\" not found"),
        (bound(r#""kind":"Secret","name":"absent""#), 404, "secrets \"absent\" not found"),
        (bound(r#""kind":"Node","name":"absent""#), 404, "nodes \"absent\" not found"),
        (bound(r#""kind":"Pod""#), 400, "Name parameter required."),
        (bound(r#""kind":"Pod","name":"a/b""#), 400, "Name parameter invalid: \"a/b\": may not contain '/'"),
        (
            bound(r#""apiVersion":"apps/v1","kind":"Deployment","name":"d""#),
            400,
            "cannot bind token to object of type apps/v1, Kind=Deployment",
        ),
        (bound(r#""name":"d""#), 400, "cannot bind token to object of type /, Kind="),
        (
            bound(r#""apiVersion":"v1","kind":"Pod","name":"foreign""#),
            400,
            "cannot bind token for serviceaccount \"robot\" to pod running with different serviceaccount name.",
        ),
        (
            bound(r#""kind":"Secret","name":"secret","uid":"x""#),
            409,
            "Operation cannot be fulfilled on Secret \"secret\": the UID in the bound object reference (x) does not \
             match the UID in record. The object might have been deleted and then recreated",
        ),
    ];
    for (spec, status, why) in refusals {
        let reply = post(&mut driver, PATH, &request(&spec));
        assert_eq!(
            (reply.status, text_of(&reply, &["message"]).ends_with(why)),
            (status, true),
            "{}",
            reply.text()
        );
    }
    let with = |metadata: &str| {
        format!(
            r#"{{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","metadata":{{{metadata}}}}}"#
        )
    };
    let kind = "TokenRequest.authentication.k8s.io";
    let named = [
        (
            r#""name":"other""#,
            422,
            format!(
                "{kind} \"robot\" is invalid: metadata.name: Invalid value: \"other\": must match the service \
                 account name if specified"
            ),
        ),
        (
            r#""namespace":"other""#,
            400,
            "the namespace of the provided object does not match the namespace sent on the request"
                .to_owned(),
        ),
        (
            r#""uid":"x""#,
            409,
            format!("Operation cannot be fulfilled on {kind} \"robot\": the UID in the token"),
        ),
    ];
    for (metadata, status, why) in named {
        let reply = post(&mut driver, PATH, &with(metadata));
        assert_eq!(
            (reply.status, text_of(&reply, &["message"]).starts_with(&why)),
            (status, true),
            "{}",
            reply.text()
        );
    }
    let absent = post(&mut driver, &PATH.replace("robot", "absent"), &request(""));
    assert_eq!(
        (absent.status, text_of(&absent, &["message"])),
        (404, "serviceaccounts \"absent\" not found")
    );
}

#[test]
fn the_longest_time_shortens_a_token_with_a_warning_and_extension_can_be_off() {
    let mut driver = start(Config { token_seconds_max: 3600, extends_tokens: false, ..config() });
    let reply = post(&mut driver, PATH, &request(r#""expirationSeconds":3601"#));
    let warning = "299 - \"requested expiration of 3601 seconds shortened to 3600 seconds\"";
    assert_eq!(reply.header("warning"), Some(warning));
    assert!(claims(&mut driver, &reply).contains(" 3600s "), "{}", reply.text());
    assert_eq!(reply.value().at(&["spec", "expirationSeconds"]).and_then(|held| held.as_int()), Some(3600));
    let mut driver = start(Config { extends_tokens: false, ..config() });
    let spec = r#""expirationSeconds":3607,"boundObjectRef":{"kind":"Pod","name":"mine"}"#;
    let reply = post(&mut driver, PATH, &request(spec));
    assert!(claims(&mut driver, &reply).contains(" 3607s "), "{}", reply.text());
}

#[test]
fn a_server_without_a_key_does_not_have_the_subresource() {
    let mut driver = start(open_config(1));
    let reply = post(&mut driver, PATH, &request(""));
    assert_eq!(
        (reply.status, text_of(&reply, &["message"])),
        (404, "the server could not find the requested resource")
    );
    let id = driver.begin("GET", "/api/v1", &[], b"");
    let discovered = driver.take(id).expect("an answer").text();
    assert!(discovered.contains("serviceaccounts") && !discovered.contains("serviceaccounts/token"));
}

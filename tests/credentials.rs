//! Tokens of service accounts and of those who join, as credentials.

use bytes::Bytes;
use serde_json::{Value, json};
use steersman_core::codec::base64;
use steersman_core::config::{Authentication, Bootstrap, Config, Curve, IssuerKey, PublicKey};
use steersman_sim::driver::{Driver, open_config, signature};

use crate::conditions::{json, send};

const ISSUER: &str = "https://kubernetes.default.svc";

pub(crate) fn config() -> Config {
    let key = PublicKey::Ecdsa { curve: Curve::P256, x: Bytes::new(), y: Bytes::new() };
    let key = IssuerKey { id: "the-key".into(), key };
    Config {
        issuer: ISSUER.into(),
        audiences: vec![ISSUER.into()],
        issuer_keys: vec![key.clone()],
        signing_key: Some(key),
        authentication: Authentication {
            issuers: vec![ISSUER.into(), "https://before".into()],
            bootstrap_tokens: true,
            ..Authentication::default()
        },
        ..open_config(1)
    }
}

/// A server whose administrator is known by a static token, with an account and what its tokens can be bound to.
pub(crate) fn server(mut config: Config) -> Driver {
    config.authentication.anonymous = true;
    let mut driver = Driver::start(config);
    let pod = json!({"serviceAccountName": "robot", "containers": [{"name": "c", "image": "i"}]});
    for (collection, object) in [
        ("namespaces/default/serviceaccounts", json!({"metadata": {"name": "robot"}})),
        ("namespaces/default/secrets", json!({"metadata": {"name": "secret"}})),
        ("nodes", json!({"metadata": {"name": "node"}})),
        ("namespaces/default/pods", json!({"metadata": {"name": "pod"}, "spec": pod})),
    ] {
        let made = send(&mut driver, "POST", &format!("/api/v1/{collection}"), &object);
        assert_eq!(made.status, 201, "{}", made.text());
    }
    driver
}

/// A token of the account, as the server makes it.
pub(crate) fn token(driver: &mut Driver, spec: &Value) -> String {
    let path = "/api/v1/namespaces/default/serviceaccounts/robot/token";
    let body = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec});
    let made = send(driver, "POST", path, &body);
    assert_eq!(made.status, 201, "{}", made.text());
    json(&made)["status"]["token"].as_str().expect("a token").to_owned()
}

/// A token that says this, with a signature that is good.
pub(crate) fn signed(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| base64::encode_url(value.to_string().as_bytes());
    let text = format!("{}.{}", part(header), part(claims));
    let signature = base64::encode_url(&signature(text.as_bytes()));
    format!("{text}.{signature}")
}

pub(crate) fn status(driver: &mut Driver, token: &str) -> u16 {
    driver.call("GET", "/version", &[("authorization", &format!("Bearer {token}"))], b"").status
}

fn bound(kind: &str, name: &str) -> Value {
    json!({"boundObjectRef": {"apiVersion": "v1", "kind": kind, "name": name}})
}

#[test]
fn a_token_is_good_until_it_ends_or_what_it_is_bound_to_does() {
    let delete = |driver: &mut Driver, path: &str| {
        let body = json!({"gracePeriodSeconds": 0});
        assert_eq!(send(driver, "DELETE", &format!("/api/v1/{path}"), &body).status, 200, "{path}");
    };
    for (spec, gone) in [
        (json!({}), "namespaces/default/serviceaccounts/robot"),
        (bound("Pod", "pod"), "namespaces/default/pods/pod"),
        (bound("Secret", "secret"), "namespaces/default/secrets/secret"),
        (bound("Node", "node"), "nodes/node"),
        (bound("Node", "node"), "namespaces/default/serviceaccounts/robot"),
    ] {
        let mut driver = server(config());
        let token = token(&mut driver, &spec);
        assert_eq!(status(&mut driver, &token), 200, "{spec}");
        assert_eq!(status(&mut driver, &format!("{token}x")), 401, "{spec}");
        delete(&mut driver, gone);
        assert_eq!(status(&mut driver, &token), 401, "{spec} without {gone}");
    }
    let mut driver = server(config());
    let token = token(&mut driver, &json!({"expirationSeconds": 600}));
    driver.pass(659_000);
    assert_eq!(status(&mut driver, &token), 200);
    driver.pass(2_000);
    assert_eq!(status(&mut driver, &token), 401);
}

/// A token of the account `robot` that the secret `held` is to hold.
fn held_token(driver: &mut Driver) -> String {
    let account = json(&driver.call("GET", "/api/v1/namespaces/default/serviceaccounts/robot", &[], b""));
    let claim = |name: &str| format!("kubernetes.io/serviceaccount/{name}");
    let claims = json!({
        "iss": "kubernetes/serviceaccount",
        "sub": "system:serviceaccount:default:robot",
        claim("namespace"): "default",
        claim("secret.name"): "held",
        claim("service-account.name"): "robot",
        claim("service-account.uid"): account["metadata"]["uid"],
    });
    signed(&json!({"alg": "ES256"}), &claims)
}

#[test]
fn a_token_in_a_secret_is_good_as_long_as_the_secret_holds_it() {
    let mut driver = server(config());
    let token = held_token(&mut driver);
    assert_eq!(status(&mut driver, &token), 401, "there is no such secret");
    let secret = |token: &str, label: &str| {
        json!({
            "metadata": {"name": "held", "labels": {"kubernetes.io/legacy-token-invalid-since": label}},
            "data": {"token": base64::encode(token.as_bytes())},
        })
    };
    let path = "/api/v1/namespaces/default/secrets";
    assert_eq!(send(&mut driver, "POST", path, &secret("another", "")).status, 201);
    assert_eq!(status(&mut driver, &token), 401, "it is not the secret's");
    let path = format!("{path}/held");
    for (label, expected) in [("", 200), ("2026-01-01", 401), ("", 200)] {
        assert_eq!(send(&mut driver, "PUT", &path, &secret(&token, label)).status, 200);
        assert_eq!(status(&mut driver, &token), expected, "{label}");
    }
    assert_eq!(send(&mut driver, "DELETE", &path, &json!({})).status, 200);
    assert_eq!(status(&mut driver, &token), 401);
    let authentication = Authentication { skips_lookup: true, ..config().authentication };
    let mut driver = server(Config { authentication, ..config() });
    assert_eq!(status(&mut driver, &token), 200, "nothing is looked up");
}

/// The day of the last use is a label of the secret, also of one whose token is not taken any more. It is written once
/// a day.
#[test]
fn a_secret_tells_on_which_day_its_token_was_last_used() {
    let mut driver = server(Config { bootstrap: Bootstrap::Whole, ..config() });
    let token = held_token(&mut driver);
    let secret = json!({"metadata": {"name": "held"}, "data": {"token": base64::encode(token.as_bytes())}});
    let secrets = "/api/v1/namespaces/default/secrets";
    assert_eq!(send(&mut driver, "POST", secrets, &secret).status, 201);
    let told = |driver: &mut Driver| {
        let held = json(&driver.call("GET", &format!("{secrets}/held"), &[], b""));
        let label = &held["metadata"]["labels"]["kubernetes.io/legacy-token-last-used"];
        (label.as_str().unwrap_or_default().to_owned(), held["metadata"]["resourceVersion"].clone())
    };
    assert_eq!(told(&mut driver).0, "");
    for day in 0..2 {
        let today = driver.now().wall.date();
        assert_eq!(status(&mut driver, &token), 200);
        let (label, version) = told(&mut driver);
        assert_eq!(label, today, "day {day}");
        assert_eq!(status(&mut driver, &token), 200);
        assert_eq!(told(&mut driver).1, version, "it is written once a day");
        driver.pass(86_400_000);
    }
    let given_up =
        json!({"metadata": {"labels": {"kubernetes.io/legacy-token-invalid-since": "2026-01-01"}}});
    let merge = [("content-type", "application/merge-patch+json")];
    let patched = driver.call("PATCH", &format!("{secrets}/held"), &merge, given_up.to_string().as_bytes());
    assert_eq!(patched.status, 200);
    let today = driver.now().wall.date();
    assert_eq!(status(&mut driver, &token), 401);
    assert_eq!(told(&mut driver).0, today);
}

#[test]
fn a_bootstrap_token_is_a_secret_of_kube_system() {
    let mut driver = server(config());
    let encoded = |text: &str| Value::from(base64::encode(text.as_bytes()));
    let secret = |changed: &str, to: &str| {
        let mut secret = json!({
            "metadata": {"name": "bootstrap-token-abcdef"},
            "type": "bootstrap.kubernetes.io/token",
            "data": {
                "token-id": encoded("abcdef"),
                "token-secret": encoded("0123456789abcdef"),
                "usage-bootstrap-authentication": encoded("true"),
                "auth-extra-groups": encoded("system:bootstrappers:a:b-c,system:bootstrappers:d"),
                "expiration": encoded("2100-01-01T00:00:00Z"),
            },
        });
        if !changed.is_empty() {
            secret["data"][changed] = encoded(to);
        }
        secret
    };
    let token = "abcdef.0123456789abcdef";
    assert_eq!(status(&mut driver, token), 401);
    let path = "/api/v1/namespaces/kube-system/secrets";
    assert_eq!(send(&mut driver, "POST", path, &secret("", "")).status, 201);
    for other in ["abcdef.0123456789abcdee", "abcdef.0123456789abcde", "abcdefg.0123456789abcdef", "abcdef"] {
        assert_eq!(status(&mut driver, other), 401, "{other}");
    }
    for (changed, to, expected) in [
        ("", "", 200),
        ("token-id", "abcdeg", 401),
        ("token-secret", "0123456789abcdeg", 401),
        ("usage-bootstrap-authentication", "false", 401),
        ("expiration", "2000-01-01T00:00:00Z", 401),
        ("expiration", "tomorrow", 401),
        ("expiration", "", 200),
        ("auth-extra-groups", "", 200),
        ("auth-extra-groups", "system:masters", 401),
        ("auth-extra-groups", "system:bootstrappers:", 401),
        ("auth-extra-groups", "system:bootstrappers:a-", 401),
        ("auth-extra-groups", "system:bootstrappers:A", 401),
    ] {
        let put = send(&mut driver, "PUT", &format!("{path}/bootstrap-token-abcdef"), &secret(changed, to));
        assert_eq!(put.status, 200, "{}", put.text());
        assert_eq!(status(&mut driver, token), expected, "{changed}: {to}");
    }
}

/// What a review of a token says.
fn review(driver: &mut Driver, token: &str, audiences: &[&str]) -> Value {
    let spec = json!({"token": token, "audiences": audiences});
    let body = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": spec});
    let made = send(driver, "POST", "/apis/authentication.k8s.io/v1/tokenreviews", &body);
    assert_eq!(made.status, 201, "{}", made.text());
    json(&made)["status"].take()
}

#[test]
fn a_review_of_a_token_says_whose_it_is_and_for_whom() {
    let mut driver = server(config());
    let token = token(&mut driver, &bound("Pod", "pod"));
    let status = review(&mut driver, &token, &[]);
    assert_eq!((&status["authenticated"], &status["audiences"]), (&json!(true), &json!([ISSUER])));
    let user = &status["user"];
    assert_eq!(user["username"], "system:serviceaccount:default:robot");
    let groups = ["system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"];
    assert_eq!(user["groups"], json!(groups));
    let extra = user["extra"].as_object().expect("facts");
    let known =
        ["credential-id", "pod-name", "pod-uid"].map(|key| format!("authentication.kubernetes.io/{key}"));
    assert!(extra.keys().eq(known.iter()), "{extra:?}");
    assert_eq!(extra[&known[1]], json!(["pod"]));
    assert!(extra[&known[0]][0].as_str().is_some_and(|id| id.starts_with("JTI=")), "{extra:?}");
    let error = |why: &str| json!({"user": {}, "error": why});
    let audience = format!("token audiences [\"{ISSUER}\"] is invalid for the target audiences [\"other\"]");
    assert_eq!(review(&mut driver, &token, &["other"]), error(&audience));
    assert_eq!(review(&mut driver, &token, &["other", ISSUER])["audiences"], json!([ISSUER]));
    let header = json!({"alg": "RS256", "kid": "the-key"});
    let account =
        |uid: &str| json!({"namespace": "default", "serviceaccount": {"name": "robot", "uid": uid}});
    let claims = |own: Value| json!({"iss": "https://before", "kubernetes.io": own, "aud": ISSUER});
    let uid = user["uid"].as_str().expect("a uid");
    let bad_signature = "go-jose/go-jose: error in cryptographic primitive";
    let good = signed(&header, &claims(account(uid)));
    assert_eq!(review(&mut driver, &good, &[])["authenticated"], json!(true), "another issuer's");
    let cases = [
        ("garbage".to_owned(), "invalid bearer token".to_owned()),
        (format!("{token}AAAA"), bad_signature.to_owned()),
        (signed(&json!({"alg": "none"}), &claims(account(uid))), bad_signature.to_owned()),
        (
            signed(&json!({"alg": "RS256", "kid": "another"}), &claims(account(uid))),
            "invalid signature, no keys found".to_owned(),
        ),
        (signed(&header, &json!({"iss": "https://stranger"})), "invalid bearer token".to_owned()),
        (
            signed(&header, &claims(account("x"))),
            format!("service account UID ({uid}) does not match claim (x)"),
        ),
        (
            signed(&header, &claims(json!({"namespace": "default", "serviceaccount": {"name": "absent"}}))),
            "serviceaccounts \"absent\" not found".to_owned(),
        ),
        (signed(&header, &claims(json!({}))), "resource name may not be empty".to_owned()),
    ];
    for (token, why) in cases {
        assert_eq!(review(&mut driver, &token, &[]), error(&why), "{token}");
    }
    let path = "/apis/authentication.k8s.io/v1/tokenreviews";
    let body =
        json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": ""}});
    let refused = send(&mut driver, "POST", path, &body);
    assert_eq!(
        (refused.status, json(&refused)["message"].as_str()),
        (400, Some("token is required for TokenReview in authentication"))
    );
}

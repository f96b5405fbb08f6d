//! Authentication and impersonation, as data with one checker each.

use crate::battery::objects;
use crate::conditions::{fetch, json};
use bytes::Bytes;
use serde_json::{Value, json};
use steersman_core::config::{Authentication, Token};
use steersman_core::config::{Config, JobId};
use steersman_core::machine::Input;
use steersman_core::wire::{Method, Peer, Request};
use steersman_sim::driver::{Driver, open_config};

/// A server with one valid token, and one whose user has no name.
fn server(anonymous: bool) -> Driver {
    let token = |token: &str, user: &str| Token {
        token: token.into(),
        user: user.into(),
        uid: "".into(),
        groups: vec!["system:masters".into()],
    };
    let tokens = vec![token("good", "alice"), token("nameless", "")];
    Driver::start(Config {
        authentication: Authentication { tokens, anonymous, ..Authentication::default() },
        ..open_config(1)
    })
}

fn certificate(name: &str) -> Peer {
    Peer::Certificate {
        common_name: name.into(),
        organizations: vec!["system:masters".into()],
        fingerprint: Some([0xab; 32]),
    }
}

/// The status of a GET of /version, and its warning.
fn ask(driver: &mut Driver, peer: Peer, headers: &[(&str, &str)]) -> (u16, bool) {
    const JOB: JobId = JobId(1 << 40);
    let request = Request {
        method: Method::Get,
        path: "/version".into(),
        query: String::new(),
        headers: headers.iter().map(|(name, value)| ((*name).into(), (*value).to_owned())).collect(),
        has_body: false,
        peer,
        remote_address: "127.0.0.1".into(),
    };
    driver.give(Input::Request(JOB, request));
    let reply = driver.take(JOB).expect("an answer");
    (reply.status, reply.header("warning").is_some())
}

const UPGRADE: [(&str, &str); 2] = [("upgrade", "websocket"), ("connection", "keep-alive, Upgrade")];
/// `good` and `nope`, as a browser sends them.
const GOOD: &str = "base64url.bearer.authorization.k8s.io.Z29vZA";
const NOPE: &str = "base64url.bearer.authorization.k8s.io.bm9wZQ";

#[test]
fn credentials_without_a_user_name_do_not_authenticate() {
    let bearer = |text: &'static str| vec![("authorization", text)];
    let socket = |text: &'static str| [UPGRADE[0], UPGRADE[1], ("sec-websocket-protocol", text)].to_vec();
    let both: &str = Box::leak(format!("{GOOD}, {GOOD}, v1").into_boxed_str());
    let good: &str = Box::leak(format!("v1,{GOOD}").into_boxed_str());
    let nope: &str = Box::leak(format!("v1, {NOPE}").into_boxed_str());
    // The status if anonymous requests are refused, and if they are allowed.
    let cases = vec![
        (certificate("bob"), vec![], 200, 200),
        (certificate(""), vec![], 401, 200),
        (certificate(""), bearer("Bearer good"), 200, 200),
        (certificate(""), bearer("Bearer nope"), 401, 401),
        (Peer::Rejected("expired".into()), vec![], 401, 401),
        (Peer::Rejected("expired".into()), bearer("Bearer good"), 200, 200),
        (Peer::None, vec![], 401, 200),
        (Peer::None, bearer("Bearer good"), 200, 200),
        (Peer::None, bearer(" bEARER good more "), 200, 200),
        (Peer::None, bearer("Bearer nameless"), 401, 401),
        (Peer::None, bearer("Bearer nope"), 401, 401),
        (Peer::None, bearer("Bearer\tgood"), 401, 200),
        (Peer::None, bearer("Bearer "), 401, 200),
        (Peer::None, bearer("Basic good"), 401, 200),
        (Peer::None, vec![("authorization", "Bearer nope"), ("authorization", "Bearer good")], 401, 401),
        (Peer::None, socket(good), 200, 200),
        (Peer::None, socket(nope), 401, 401),
        (Peer::None, socket(GOOD), 401, 401),
        (Peer::None, socket(both), 401, 401),
        (Peer::None, socket("v1"), 401, 200),
        (Peer::None, vec![("sec-websocket-protocol", good)], 401, 200),
        (Peer::None, vec![("x-remote-user", "alice"), ("x-remote-group", "system:masters")], 401, 200),
    ];
    for (peer, headers, refusing, admitting) in cases {
        for (anonymous, status) in [(false, refusing), (true, admitting)] {
            let found = ask(&mut server(anonymous), peer.clone(), &headers);
            assert_eq!(found, (status, false), "{peer:?} {headers:?}, anonymous: {anonymous}");
        }
    }
    let spaced = ask(&mut server(false), Peer::None, &bearer("Bearer  good"));
    assert_eq!(spaced, (401, true), "a second space hides the token, and the client is told");
}

/// Headers, status and message.
#[test]
fn facts_of_a_user_need_the_users_name() {
    let nobody = |uid: &str, groups: &str, extra: &str| {
        format!(
            "requested &user.DefaultInfo{{Name:\"\", UID:\"{uid}\", Groups:[]string{groups}, \
             Extra:map[string][]string{extra}}} without impersonating a user name"
        )
    };
    type Case = (Vec<(&'static str, &'static str)>, u16, String);
    let cases: Vec<Case> = vec![
        (vec![("impersonate-user", "")], 200, String::new()),
        (vec![("impersonate-user", ""), ("impersonate-user", "b")], 200, String::new()),
        (vec![("impersonate-uid", "")], 200, String::new()),
        (vec![("impersonate-other", "x")], 200, String::new()),
        (vec![("impersonate-group", "")], 400, nobody("", "{\"\"}", "(nil)")),
        (vec![("impersonate-uid", "u")], 400, nobody("u", "(nil)", "(nil)")),
        (vec![("impersonate-extra-x", "v")], 400, nobody("", "(nil)", "{\"x\":[]string{\"v\"}}")),
        (vec![("impersonate-extra-x%2fy", "v")], 400, nobody("", "(nil)", "{\"x/y\":[]string{\"v\"}}")),
        (vec![("impersonate-extra-", "v")], 400, nobody("", "(nil)", "{\"\":[]string{\"v\"}}")),
        (
            vec![("impersonate-extra-x", "a"), ("impersonate-extra-x", "b")],
            400,
            nobody("", "(nil)", "{\"x\":[]string{\"a\", \"b\"}}"),
        ),
        (
            vec![("impersonate-group", "g"), ("impersonate-group", "h"), ("impersonate-uid", "u")],
            400,
            nobody("u", "{\"g\", \"h\"}", "(nil)"),
        ),
    ];
    let mut driver = Driver::start(open_config(1));
    for path in ["/api/v1/namespaces/default", "/version", "/nope"] {
        let plain = fetch(&mut driver, path).status;
        for (headers, status, message) in &cases {
            let reply = driver.call("GET", path, headers, b"");
            let status = if *status == 200 { plain } else { *status };
            assert_eq!(reply.status, status, "{path} {headers:?}: {}", reply.text());
            if !message.is_empty() {
                assert_eq!(json(&reply)["message"].as_str(), Some(message.as_str()), "{path} {headers:?}");
                assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
            }
        }
    }
}

/// Who somebody is that acts as somebody else: headers, name, groups, and the rest.
#[test]
fn a_request_is_made_as_the_user_whom_it_names() {
    let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    let body = br#"{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}"#;
    type Case = (Vec<(&'static str, &'static str)>, Value);
    let cases: Vec<Case> = vec![
        (vec![("impersonate-user", "zed")], json!({"username": "zed", "groups": ["system:authenticated"]})),
        (
            vec![("impersonate-user", "zed"), ("impersonate-group", "a"), ("impersonate-group", "b")],
            json!({"username": "zed", "groups": ["a", "b", "system:authenticated"]}),
        ),
        (
            vec![("impersonate-user", "zed"), ("impersonate-group", "system:unauthenticated")],
            json!({"username": "zed", "groups": ["system:unauthenticated"]}),
        ),
        (
            vec![("impersonate-user", "system:anonymous")],
            json!({"username": "system:anonymous", "groups": ["system:unauthenticated"]}),
        ),
        (
            vec![("impersonate-user", "system:serviceaccount:a:b")],
            json!({
                "username": "system:serviceaccount:a:b",
                "groups": ["system:serviceaccounts", "system:serviceaccounts:a", "system:authenticated"],
            }),
        ),
        (
            vec![("impersonate-user", "system:serviceaccount:a:b"), ("impersonate-group", "g")],
            json!({"username": "system:serviceaccount:a:b", "groups": ["g", "system:authenticated"]}),
        ),
        (
            vec![("impersonate-user", "system:node:n")],
            json!({"username": "system:node:n", "groups": ["system:nodes", "system:authenticated"]}),
        ),
        (
            vec![
                ("impersonate-user", "zed"),
                ("impersonate-uid", "7"),
                ("impersonate-extra-example.com%2fscopes", "a"),
                ("impersonate-extra-example.com%2fscopes", "b"),
            ],
            json!({
                "username": "zed",
                "uid": "7",
                "groups": ["system:authenticated"],
                "extra": {"example.com/scopes": ["a", "b"]},
            }),
        ),
    ];
    let mut driver = server(false);
    for (headers, expected) in cases {
        let own = [("authorization", "Bearer good"), ("content-type", "application/json")];
        let headers: Vec<_> = own.into_iter().chain(headers).collect();
        let reply = driver.call("POST", path, &headers, body);
        assert_eq!(reply.status, 201, "{}", reply.text());
        assert_eq!(json(&reply)["status"]["userInfo"], expected, "{headers:?}");
    }
}

/// A request for a certificate names who asked: not what its body says, but what the server knows.
#[test]
fn what_a_certificate_is_known_by_is_stored_with_a_request_for_another() {
    const JOB: JobId = JobId(1 << 41);
    let mut body = objects()["certificates.k8s.io/v1/certificatesigningrequests"].clone();
    body["spec"]["extra"] =
        json!({"authentication.kubernetes.io/credential-id": ["JTI=forged"], "other": ["x"]});
    body["spec"]["username"] = "mallory".into();
    let request = |peer| Request {
        method: Method::Post,
        path: "/apis/certificates.k8s.io/v1/certificatesigningrequests".into(),
        query: String::new(),
        headers: vec![("content-type".into(), "application/json".into())],
        has_body: true,
        peer,
        remote_address: "127.0.0.1".into(),
    };
    let itself =
        Peer::Certificate { common_name: "bob".into(), organizations: Vec::new(), fingerprint: None };
    let id = format!("X509SHA256={}", "ab".repeat(32));
    let cases = [
        (certificate("bob"), json!({"authentication.kubernetes.io/credential-id": [id]})),
        (itself, Value::Null),
    ];
    for (peer, extra) in cases {
        let mut driver = server(false);
        driver.request(JOB, request(peer), Bytes::from(body.to_string()));
        let reply = driver.take(JOB).expect("an answer");
        assert_eq!(reply.status, 201, "{}", reply.text());
        let spec = &json(&reply)["spec"];
        assert_eq!((&spec["username"], &spec["extra"]), (&json!("bob"), &extra));
    }
}

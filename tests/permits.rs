//! Authorizer: who may do what, as data with one checker, and that a request which turns out to do more than it
//! asked for is authorized for that too.

use crate::conditions::{JSON, json};
use serde_json::{Value, json};
use steersman_core::config::{Authentication, Authorizer, Config, Denial, Denials, Note, Token};
use steersman_sim::driver::{Driver, Reply, ReplyLoss, open_config};

const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
const CONFIGMAPS: &str = "/api/v1/namespaces/default/configmaps";

fn token(user: &str, group: &str) -> Token {
    Token { token: user.into(), user: user.into(), uid: "".into(), groups: vec![group.into()] }
}

/// Tokens of alice, and of root, who is privileged.
fn config() -> Config {
    let tokens = vec![token("alice", "users"), token("root", "system:masters")];
    Config {
        authentication: Authentication { tokens, anonymous: false, ..Authentication::default() },
        ..open_config(1)
    }
}

/// A server where alice may not use a verb on leases. Root is denied it too, which means nothing.
fn server_denying(verb: &str, are_slow: bool) -> Driver {
    let denial = |user: &str| Denial { user: user.into(), verb: verb.into(), resource: "leases".into() };
    let denials = Denials { rules: vec![denial("alice"), denial("root")], are_slow, ..Denials::default() };
    Driver::start(Config { denials, ..config() })
}

fn ask(driver: &mut Driver, user: &str, method: &str, target: &str, body: &Value) -> Reply {
    let authorization = format!("Bearer {user}");
    let headers = [("authorization", authorization.as_str()), JSON[0], JSON[1]];
    driver.call(method, target, &headers, body.to_string().as_bytes())
}

fn lease(name: &str) -> Value {
    json!({"metadata": {"name": name}, "spec": {"holderIdentity": "a"}})
}

fn message(reply: &Reply) -> String {
    json(reply)["message"].as_str().unwrap_or_default().to_owned()
}

/// Upstream asks again after validation and before anything is written or tried.
#[test]
fn a_put_that_creates_needs_the_right_to_create() {
    const REFUSED: &str = "leases.coordination.k8s.io \"a\" is forbidden: create is denied";
    for are_slow in [false, true] {
        let mut driver = server_denying("create", are_slow);
        let path = format!("{LEASES}/a");
        for target in [path.clone(), format!("{path}?dryRun=All")] {
            let refused = ask(&mut driver, "alice", "PUT", &target, &lease("a"));
            assert_eq!((refused.status, message(&refused).as_str()), (403, REFUSED), "{target}");
            assert_eq!(json(&refused)["reason"], "Forbidden");
            assert_eq!(
                json(&refused)["details"],
                json!({
                    "name": "a", "group": "coordination.k8s.io", "kind": "leases"
                })
            );
        }
        assert_eq!(ask(&mut driver, "alice", "GET", &path, &Value::Null).status, 404, "nothing was made");

        let invalid = json!({"metadata": {"name": "a"}, "spec": {"leaseDurationSeconds": -1}});
        assert_eq!(ask(&mut driver, "alice", "PUT", &path, &invalid).status, 422);

        let posted = ask(&mut driver, "alice", "POST", LEASES, &lease("a"));
        let why = "leases.coordination.k8s.io is forbidden: User \"alice\" cannot create resource \"leases\" in \
                   API group \"coordination.k8s.io\" in the namespace \"default\": create is denied";
        assert_eq!((posted.status, message(&posted).as_str()), (403, why));

        // The right is needed only for an object that is absent, and only by those to whom it is denied.
        assert_eq!(ask(&mut driver, "root", "PUT", &path, &lease("a")).status, 201);
        let held = json(&ask(&mut driver, "alice", "GET", &path, &Value::Null));
        assert_eq!(ask(&mut driver, "alice", "PUT", &path, &held).status, 200);
        let other = json!({"metadata": {"name": "b"}});
        assert_eq!(ask(&mut driver, "alice", "POST", CONFIGMAPS, &other).status, 201);
    }
}

#[test]
fn a_put_that_updates_needs_the_right_to_update() {
    let mut driver = server_denying("update", false);
    let path = format!("{LEASES}/a");
    let refused = ask(&mut driver, "alice", "PUT", &path, &lease("a"));
    let why = "leases.coordination.k8s.io \"a\" is forbidden: User \"alice\" cannot update resource \"leases\" in \
               API group \"coordination.k8s.io\" in the namespace \"default\": update is denied";
    assert_eq!((refused.status, message(&refused).as_str()), (403, why), "whether or not there is an object");
    assert_eq!(ask(&mut driver, "alice", "POST", LEASES, &lease("a")).status, 201);
    assert_eq!(ask(&mut driver, "alice", "PUT", &path, &lease("a")).status, 403);
}

/// Paths that are no resource are authorized by path and method.
#[test]
fn a_mode_that_allows_nothing_lets_the_privileged_group_in() {
    let mut driver = Driver::start(Config { authorization: vec![Authorizer::AlwaysDeny], ..config() });
    let named = "configmaps \"a\" is forbidden: User \"alice\" cannot get resource \"configmaps\" in API group \"\" \
                 in the namespace \"default\": Everything is forbidden.";
    let everywhere = "nodes is forbidden: User \"alice\" cannot list resource \"nodes\" in API group \"\" at the \
                      cluster scope: Everything is forbidden.";
    let scale = "deployments.apps \"a\" is forbidden: User \"alice\" cannot get resource \"deployments/scale\" in \
                 API group \"apps\" in the namespace \"default\": Everything is forbidden.";
    let path = "forbidden: User \"alice\" cannot get path \"/version\": Everything is forbidden.";
    let cases = [
        (format!("{CONFIGMAPS}/a"), named, 404),
        ("/api/v1/nodes".to_owned(), everywhere, 200),
        ("/apis/apps/v1/namespaces/default/deployments/a/scale".to_owned(), scale, 404),
        ("/version".to_owned(), path, 200),
    ];
    for (target, why, status) in cases {
        let refused = ask(&mut driver, "alice", "GET", &target, &Value::Null);
        assert_eq!((refused.status, message(&refused).as_str()), (403, why));
        assert_eq!(ask(&mut driver, "root", "GET", &target, &Value::Null).status, status, "{target}");
    }
}

#[test]
fn notes_name_who_asked() {
    let mut driver = Driver::start(Config { authorization: vec![Authorizer::AlwaysDeny], ..config() });
    driver.notes.clear();
    ask(&mut driver, "root", "GET", "/version", &Value::Null);
    ask(&mut driver, "alice", "GET", "/version", &Value::Null);
    ask(&mut driver, "nobody", "GET", "/version", &Value::Null);
    let impersonating = [("authorization", "Bearer root"), ("impersonate-user", "bob")];
    driver.call("GET", "/version", &impersonating, b"");
    let watch = driver.begin("GET", "/api/v1/pods?watch=1&timeoutSeconds=1", &impersonating[..1], b"");
    assert!(driver.is_open(watch));
    driver.pass(2_000);
    let told: Vec<(String, u16)> = driver.notes.iter().filter_map(answered).collect();
    let expected = [("root", 200), ("alice", 403), ("", 401), ("bob", 403), ("root", 200)];
    assert_eq!(told, expected.map(|(user, code)| (user.to_owned(), code)));
}

fn answered(note: &Note) -> Option<(String, u16)> {
    match note {
        Note::Answered(answered) => Some((answered.user.to_string(), answered.code)),
        Note::WatchEnded { .. }
        | Note::Listed { .. }
        | Note::FeedLost { .. }
        | Note::OldEvents { .. }
        | Note::Undecodable { .. }
        | Note::UnknownOutcome { .. }
        | Note::Served { .. }
        | Note::Withdrawn { .. }
        | Note::NotServed { .. }
        | Note::Panicked { .. }
        | Note::TunnelEnded(_)
        | Note::Refused { .. }
        | Note::LegacyTokenUsed(_)
        | Note::RemoteApiUnavailable { .. }
        | Note::Ready => None,
    }
}

/// Operators are told of every write whose reply was lost, whether or not its outcome is found out.
#[test]
fn notes_tell_of_lost_replies() {
    let mut driver = Driver::start(config());
    let path = format!("{CONFIGMAPS}/a");
    let named = json!({"metadata": {"name": "a"}});
    let changed = json!({"metadata": {"name": "a"}, "data": {"k": "v"}});
    let cases = [
        ("POST", CONFIGMAPS, &named),
        ("PUT", path.as_str(), &changed),
        ("DELETE", path.as_str(), &Value::Null),
        ("DELETE", CONFIGMAPS, &Value::Null),
    ];
    for loss in [ReplyLoss::BeforeEffect, ReplyLoss::AfterEffect] {
        for (method, target, body) in cases {
            // Each request finds an object unless it creates it.
            if method == "POST" {
                ask(&mut driver, "alice", "DELETE", &path, &Value::Null);
            } else {
                ask(&mut driver, "alice", "POST", CONFIGMAPS, &named);
            }
            driver.notes.clear();
            driver.lose_next_write(loss);
            ask(&mut driver, "alice", method, target, body);
            let told = driver
                .notes
                .iter()
                .filter(|note| matches!(note, Note::UnknownOutcome { resource } if resource == "configmaps"));
            assert_eq!(told.count(), 1, "{method} {target} {loss:?}");
        }
    }
}

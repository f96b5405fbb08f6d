//! Bodies of requests: they are asked for when it is known who sends them and that they may, and not before.

use bytes::Bytes;
use steersman_core::config::{Authentication, Authorizer, Config, JobId, Token};
use steersman_core::machine::Input;
use steersman_core::wire::{BodyError, Method, Peer, Request};
use steersman_sim::driver::{Driver, open_config};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const MAP: &str = r#"{"metadata":{"name":"a"}}"#;

/// One seat for writes, and two users.
fn config() -> Config {
    let token =
        |name: &str| Token { token: name.into(), user: name.into(), uid: "".into(), groups: Vec::new() };
    Config {
        max_mutating_in_flight: 1,
        authentication: Authentication {
            tokens: vec![token("alice"), token("bob")],
            anonymous: false,
            ..Authentication::default()
        },
        ..open_config(1)
    }
}

/// Sends the head of a request whose body is still to come.
fn head(driver: &mut Driver, number: u64, who: &str, method: &str, path: &str) -> JobId {
    let id = JobId(1 << 32 | number);
    let request = Request {
        method: Method::parse(method),
        path: path.to_owned(),
        query: String::new(),
        headers: vec![
            ("authorization".into(), format!("Bearer {who}")),
            ("content-type".into(), "application/json".to_owned()),
        ],
        has_body: true,
        peer: Peer::None,
        remote_address: "192.0.2.1".into(),
    };
    driver.request(id, request, Bytes::new());
    id
}

fn status(driver: &mut Driver, id: JobId) -> u16 {
    driver.take(id).unwrap_or_default().status
}

#[test]
fn who_is_refused_is_not_asked_for_a_body() {
    let mut driver = Driver::start(config());
    let cases = [
        ("nobody", "POST", MAPS, 401),
        ("alice", "POST", "/api/v1/namespaces/default/nothing", 404),
        ("alice", "PUT", MAPS, 405),
        ("alice", "POST", "/nowhere", 404),
        ("alice", "PATCH", "/api/v1/namespaces/default/configmaps/a", 415),
        ("alice", "GET", MAPS, 200),
    ];
    for (number, (who, method, path, expected)) in cases.into_iter().enumerate() {
        let id = head(&mut driver, number as u64, who, method, path);
        assert!(!driver.awaits_body(id), "{who} {method} {path}");
        assert_eq!(status(&mut driver, id), expected, "{who} {method} {path}");
    }
    let mut driver = Driver::start(Config { authorization: vec![Authorizer::AlwaysDeny], ..config() });
    let id = head(&mut driver, 1, "alice", "POST", MAPS);
    assert_eq!((driver.awaits_body(id), status(&mut driver, id)), (false, 403));
    assert_eq!(driver.machine().open_requests(), 0);
}

#[test]
fn a_request_waits_for_its_body_with_a_seat() {
    let mut driver = Driver::start(config());
    let first = head(&mut driver, 1, "alice", "POST", MAPS);
    assert!(driver.awaits_body(first));
    let second = head(&mut driver, 2, "bob", "POST", MAPS);
    assert_eq!((driver.awaits_body(second), status(&mut driver, second)), (false, 429));
    driver.give(Input::Body(first, Ok(Bytes::from_static(MAP.as_bytes()))));
    assert_eq!(status(&mut driver, first), 201);
    assert_eq!(driver.machine().open_requests(), 0);
}

#[test]
fn a_body_that_does_not_arrive_has_an_answer() {
    let mut driver = Driver::start(config());
    let cases = [
        (BodyError::TooLarge, 413, "limit is 3145728"),
        (BodyError::TooSlow, 504, "request body did not arrive in time"),
        (BodyError::NoRoom, 429, "Too many requests, please try again later."),
        (BodyError::Broken("unexpected EOF".into()), 500, "unexpected EOF"),
    ];
    for (number, (error, expected, message)) in cases.into_iter().enumerate() {
        let id = head(&mut driver, number as u64, "alice", "POST", MAPS);
        driver.give(Input::Body(id, Err(error.clone())));
        let reply = driver.take(id).expect("an answer");
        assert_eq!(reply.status, expected, "{error:?}");
        assert!(reply.text().contains(message), "{error:?}: {}", reply.text());
    }
    assert_eq!(driver.machine().open_requests(), 0);
}

#[test]
fn a_client_that_leaves_or_is_too_slow_leaves_nothing() {
    let mut driver = Driver::start(Config { request_timeout_millis: 5_000, ..config() });
    let gone = head(&mut driver, 1, "alice", "POST", MAPS);
    driver.give(Input::Gone(gone));
    assert_eq!(driver.machine().open_requests(), 0);
    driver.give(Input::Body(gone, Ok(Bytes::from_static(MAP.as_bytes()))));
    let late = head(&mut driver, 2, "alice", "POST", MAPS);
    driver.pass(5_001);
    assert_eq!(status(&mut driver, late), 504);
    driver.give(Input::Body(late, Ok(Bytes::from_static(MAP.as_bytes()))));
    assert_eq!(driver.machine().open_requests(), 0);
    let known = [("authorization", "Bearer alice")];
    assert_eq!(driver.call("GET", &format!("{MAPS}/a"), &known, b"").status, 404, "nothing came of either");
}

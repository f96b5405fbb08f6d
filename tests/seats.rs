//! Who may run at once: a seat is taken when it is known who asks, and given back when the answer is sent.

use steersman_core::config::{Authentication, Token};
use steersman_core::config::{Config, JobId};
use steersman_core::limits::Bounds;
use steersman_sim::driver::{Driver, Reply, open_config};

const PODS: &str = "/api/v1/pods";

fn token(token: &str, group: &str) -> Token {
    Token { token: token.into(), user: token.into(), uid: "".into(), groups: vec![group.into()] }
}

/// One seat for reads and one for writes.
fn config() -> Config {
    let tokens = vec![token("alice", "users"), token("root", "system:masters")];
    Config {
        max_in_flight: 1,
        max_mutating_in_flight: 1,
        authentication: Authentication { tokens, anonymous: false, ..Authentication::default() },
        ..open_config(1)
    }
}

fn begin(driver: &mut Driver, who: &str, target: &str) -> JobId {
    let authorization = format!("Bearer {who}");
    driver.begin("GET", target, &[("authorization", &authorization)], b"")
}

fn ask(driver: &mut Driver, who: &str, target: &str) -> Reply {
    let id = begin(driver, who, target);
    driver.take(id).unwrap_or_default()
}

/// Upstream's words for a server that is full.
fn assert_refused(reply: &Reply) {
    assert_eq!((reply.status, reply.header("retry-after")), (429, Some("1")), "{}", reply.text());
    assert_eq!(reply.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(reply.text(), "Too many requests, please try again later.\n");
}

#[test]
fn a_seat_is_held_until_a_large_answer_is_sent() {
    let mut driver = Driver::start(config());
    driver.leave_answers_unread();
    assert_eq!(ask(&mut driver, "alice", PODS).status, 200);
    assert_refused(&ask(&mut driver, "alice", PODS));
    assert_eq!(driver.machine().open_requests(), 1);
    driver.read_answers();
    assert_eq!(driver.machine().open_requests(), 0);
    assert_eq!(ask(&mut driver, "alice", PODS).status, 200);
}

#[test]
fn unauthenticated_requests_take_no_seat_and_privileged_ones_need_none() {
    let mut driver = Driver::start(config());
    driver.leave_answers_unread();
    assert_eq!(ask(&mut driver, "nobody", PODS).status, 401);
    assert_eq!(ask(&mut driver, "alice", PODS).status, 200);
    // With all seats taken a stranger is still told that it is one.
    assert_eq!(ask(&mut driver, "nobody", PODS).status, 401);
    assert_refused(&ask(&mut driver, "alice", "/version"));
    assert_eq!(ask(&mut driver, "root", PODS).status, 200);
    driver.read_answers();
    assert_eq!(driver.machine().open_requests(), 0);
}

#[test]
fn a_watch_has_a_seat_and_a_deadline_until_it_begins() {
    let config = Config { bounds: Bounds { fresh_millis: 300_000, ..Bounds::PRODUCTION }, ..config() };
    let mut driver = Driver::start(Config { request_timeout_millis: 5_000, ..config });
    let ahead = "/api/v1/pods?watch=1&resourceVersion=1000&sendInitialEvents=true\
                 &resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    let waiting = begin(&mut driver, "alice", ahead);
    assert!(driver.take(waiting).is_none(), "the revision lies ahead");
    assert_refused(&ask(&mut driver, "alice", PODS));
    driver.pass(6_000);
    let reply = driver.take(waiting).expect("its time is over");
    assert_eq!(reply.status, 504, "{}", reply.text());
    let watch = begin(&mut driver, "alice", "/api/v1/pods?watch=1");
    assert_eq!(driver.take(watch).expect("it has begun").status, 200);
    driver.pass(60_000);
    assert!(driver.is_open(watch), "its deadline was for its beginning");
    assert_eq!(ask(&mut driver, "alice", PODS).status, 200);
}

#[test]
fn watches_are_bounded() {
    let config = Config { bounds: Bounds { client_watches: 2, ..Bounds::PRODUCTION }, ..config() };
    let mut driver = Driver::start(config);
    let watches: Vec<JobId> = (0..3).map(|_| begin(&mut driver, "alice", "/api/v1/pods?watch=1")).collect();
    let statuses: Vec<u16> = watches.iter().map(|id| driver.take(*id).unwrap_or_default().status).collect();
    assert_eq!(statuses, [200, 200, 429]);
    assert_refused(&ask(&mut driver, "alice", "/api/v1/pods?watch=1"));
    assert_eq!(ask(&mut driver, "alice", PODS).status, 200);
}

//! Bugs of what is done before it is known who asks, or what they may do.

use super::{PLACE, config, server_with};
use crate::conditions::send;
use crate::credentials;
use crate::webhooks::respond;
use bytes::Bytes;
use serde_json::json;
use steersman_core::config::{Authentication, AuthorizationWebhook, Authorizer, Config, Denial, Denials};
use steersman_core::config::{JobId, ReviewVersion, Token, WebhookServer};
use steersman_core::expressions::ReviewConditions;
use steersman_core::museum::Flaw;
use steersman_core::wire::{CallError, Method, Peer, Request, Trust};
use steersman_sim::driver::Driver;

pub(super) fn seat_before_identity(flaw: Flaw) -> bool {
    let alice = Token { token: "alice".into(), user: "alice".into(), uid: "".into(), groups: Vec::new() };
    let authentication =
        Authentication { tokens: vec![alice], anonymous: false, ..Authentication::default() };
    let mut driver = Driver::start(Config { max_in_flight: 1, authentication, ..config(flaw) });
    driver.leave_answers_unread();
    let known = [("authorization", "Bearer alice")];
    assert_eq!(driver.call("GET", "/api/v1/pods", &known, b"").status, 200);
    // The only seat is taken, and a stranger does not need one to be refused.
    driver.call("GET", "/api/v1/pods", &[("authorization", "Bearer nobody")], b"").status != 401
}

pub(super) fn creation_not_asked_for(flaw: Flaw) -> bool {
    let denial = Denial { user: "system:anonymous".into(), verb: "create".into(), resource: "leases".into() };
    let denials = Denials { rules: vec![denial], ..Denials::default() };
    let mut driver = server_with(Config { denials, ..config(flaw) });
    let path = "/apis/coordination.k8s.io/v1/namespaces/w/leases/a";
    send(&mut driver, "PUT", path, &json!({"metadata": {"name": "a"}})).status == 201
}

pub(super) fn body_before_identity(flaw: Flaw) -> bool {
    let authentication = Authentication { tokens: Vec::new(), anonymous: false, ..Authentication::default() };
    let mut driver = Driver::start(Config { authentication, ..config(flaw) });
    let id = JobId(1);
    let request = Request {
        method: Method::Post,
        path: PLACE.to_owned(),
        query: String::new(),
        headers: Vec::new(),
        has_body: true,
        peer: Peer::None,
        remote_address: "192.0.2.1".into(),
    };
    driver.request(id, request, Bytes::new());
    driver.awaits_body(id)
}

/// A server with an account, and a token of it.
fn lodging(flaw: Flaw) -> (Driver, String) {
    let mut driver = credentials::server(Config { flaw, ..credentials::config() });
    let token = credentials::token(&mut driver, &json!({"expirationSeconds": 600}));
    (driver, token)
}

pub(super) fn account_not_looked_up(flaw: Flaw) -> bool {
    let (mut driver, token) = lodging(flaw);
    send(&mut driver, "DELETE", "/api/v1/namespaces/default/serviceaccounts/robot", &json!({}));
    credentials::status(&mut driver, &token) == 200
}

pub(super) fn expiry_ignored(flaw: Flaw) -> bool {
    let (mut driver, token) = lodging(flaw);
    driver.pass(700_000);
    credentials::status(&mut driver, &token) == 200
}

pub(super) fn authorizer_failure_allows(flaw: Flaw) -> bool {
    let server = WebhookServer {
        host: "hook.test".into(),
        port: 443,
        path: "/".into(),
        origin: "https://hook.test".into(),
        trust: Trust::default(),
        authorization: "".into(),
    };
    let webhook = AuthorizationWebhook {
        server,
        version: ReviewVersion::V1,
        timeout_millis: 1_000,
        authorized_millis: 0,
        unauthorized_millis: 0,
        denies_on_failure: true,
        conditions: ReviewConditions::default(),
    };
    let authorization = vec![Authorizer::Webhook(webhook.into())];
    let mut driver = Driver::start(Config { authorization, ..config(flaw) });
    let id = driver.begin("GET", "/api/v1/pods", &[], b"");
    respond(&mut driver, Err(CallError::TimedOut));
    driver.take(id).is_some_and(|reply| reply.status == 200)
}

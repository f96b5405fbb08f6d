//! The webhook that the recordings configure: what it answers is named by the path it is asked at. It notes what it
//! was asked, as the recorded one did.

use serde_json::{Value, json};
use steersman_core::codec::base64;
use steersman_core::wire::{CallError, CallOutcome, Called, Outcall};

/// Where it listens, and where nobody does.
const HOST: &str = "127.0.0.1";
const PORT: u16 = 19_443;

/// How long it thinks when it is slow, milliseconds.
const SLOW_MILLIS: u64 = 3_000;

/// What came of a call.
pub(super) struct Answered {
    /// What it was asked, if the call has reached it.
    pub(super) asked: Option<Value>,
    pub(super) outcome: CallOutcome,
    /// After how long, milliseconds.
    pub(super) after_millis: u64,
}

/// Answers a call. `authority` is the certificate that its own is of.
pub(super) fn answer(call: &Outcall, authority: &str) -> Answered {
    let failed = |error| Answered { asked: None, outcome: Err(error), after_millis: 0 };
    if (&*call.host, call.port) != (HOST, PORT) {
        let why = format!("dial tcp {}:{}: connect: connection refused", call.host, call.port);
        return failed(CallError::Refused(why.into()));
    }
    if call.trust.authorities != authority {
        let why = "tls: failed to verify certificate: x509: certificate signed by unknown authority";
        return failed(CallError::Untrusted(why.into()));
    }
    let header = |wanted: &str| {
        let found = call.headers.iter().find(|(name, _)| name == wanted);
        found.map_or(Value::Null, |(_, value)| value.as_str().into())
    };
    let review: Value = serde_json::from_slice(&call.body).unwrap_or_default();
    let asked = json!({
        "path": call.target,
        "ctype": header("content-type"),
        "accept": header("accept"),
        "review": review,
    });
    let behaviour = call.target.split('?').next().unwrap_or_default().trim_matches('/');
    let is_slow = behaviour == "slow";
    let outcome = if is_slow && call.timeout_millis < SLOW_MILLIS {
        Err(CallError::TimedOut)
    } else {
        Ok(respond(behaviour, &review))
    };
    let after_millis = if is_slow { SLOW_MILLIS.min(call.timeout_millis) } else { 0 };
    Answered { asked: Some(asked), outcome, after_millis }
}

fn respond(behaviour: &str, review: &Value) -> Called {
    let called = |status: u16, media: &str, body: String| Called {
        status,
        headers: vec![("content-type".into(), media.to_owned())],
        body: body.into(),
    };
    match behaviour {
        "error-500" => return called(500, "text/plain", "broken".into()),
        "not-json" => return called(200, "text/html", "<html>".into()),
        _ => {}
    }
    let kind = if behaviour == "wrong-kind" { json!("Other") } else { review["kind"].clone() };
    let mut out = json!({"apiVersion": review["apiVersion"], "kind": kind});
    if behaviour != "no-response" {
        let mut response = response(behaviour, &review["request"]);
        let is_wrong = behaviour == "wrong-uid";
        response["uid"] = if is_wrong { json!("wrong") } else { review["request"]["uid"].clone() };
        out["response"] = response;
    }
    called(200, "application/json", out.to_string())
}

fn response(behaviour: &str, request: &Value) -> Value {
    let labels = || request["object"]["metadata"]["labels"].as_object().cloned().unwrap_or_default();
    let add_labels = |labels: Value| json!({"op": "add", "path": "/metadata/labels", "value": labels});
    let with = |more: Value| {
        let mut labels = labels();
        labels.extend(more.as_object().cloned().unwrap_or_default());
        patch(&json!([add_labels(Value::Object(labels))]))
    };
    match behaviour {
        "deny" => json!({"allowed": false}),
        "deny-message" => {
            json!({"allowed": false, "status": {"message": "not today", "code": 418, "reason": "Conflict"}})
        }
        "deny-status" => json!({"allowed": false, "status": {
            "message": "gone", "code": 410, "reason": "Gone",
            "details": {"causes": [{"reason": "FieldValueInvalid", "field": "data.a", "message": "bad a"}]},
        }}),
        "warn" => json!({
            "allowed": true,
            "warnings": ["first warning", "second \"quoted\" warning", "w".repeat(300)],
            "auditAnnotations": {"seen": "yes"},
        }),
        "patch-label" => with(json!({"hooked": "yes"})),
        "patch-count" => {
            let labels = labels();
            let text = |name: &str, other: &str| {
                labels.get(name).and_then(Value::as_str).unwrap_or(other).to_owned()
            };
            let count: u64 = text("count", "0").parse().unwrap_or(0);
            with(json!({"count": (count + 1).to_string(), "saw": text("hooked", "no")}))
        }
        "patch-name" => patch(&json!([{"op": "replace", "path": "/metadata/name", "value": "other"}])),
        "patch-invalid" => patch(&json!([add_labels(json!({"bad key!": "x"}))])),
        "patch-remove-missing" => patch(&json!([{"op": "remove", "path": "/data/none"}])),
        "patch-bad" => patch(&json!({})),
        "patch-no-type" => {
            let mut response = patch(&json!([add_labels(json!({"a": "b"}))]));
            response.as_object_mut().map(|response| response.remove("patchType"));
            response
        }
        "patch-pod" => patch(&json!([
            {"op": "add", "path": "/spec/containers/-", "value": {"name": "side", "image": "busybox"}},
        ])),
        _ => json!({"allowed": true}),
    }
}

fn patch(operations: &Value) -> Value {
    json!({
        "allowed": true,
        "patchType": "JSONPatch",
        "patch": base64::encode(operations.to_string().as_bytes()),
    })
}

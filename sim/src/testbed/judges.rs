//! Webhook authorizers, one for each user to whom nobody else allows anything. They allow, deny, have no opinion,
//! answer nonsense, late or not at all. What they have allowed is compared with what is done.

use super::Testbed;
use crate::check::{Guarantee, Violation};
use crate::choose::Label;
use crate::client_request::Identity;
use crate::marks::Mark;
use crate::users::{self, JUDGED};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use steersman_core::answer::Response;
use steersman_core::config::{AuthorizationWebhook, Authorizer, JobId, ReviewVersion, WebhookServer};
use steersman_core::expressions::ReviewConditions;
use steersman_core::store::{Op, TxnOp};
use steersman_core::wire::{CallError, CallOutcome, Called, Outcall, Trust};

/// The path of all of them begins so.
const PATH: &str = "/judge-";
/// The time for an answer, milliseconds.
const TIMEOUT_MILLIS: u64 = 1_000;
/// The longest that an answer is on its way, milliseconds.
const ANSWER_MILLIS_MAX: u64 = 40;

/// Whether the request that is open under a number was allowed; none if nobody was asked about it.
#[derive(Debug, Default)]
pub(super) struct JudgementLog {
    is_allowed: BTreeMap<JobId, bool>,
}

/// The authorizers.
pub(super) fn authorizers() -> Vec<Authorizer> {
    static ALL: OnceLock<Vec<Authorizer>> = OnceLock::new();
    ALL.get_or_init(|| (0..JUDGED).map(authorizer).collect()).clone()
}

fn authorizer(number: u8) -> Authorizer {
    let condition = format!("request.user == '{}'", users::user(Identity::Judged(number)));
    let server = WebhookServer {
        host: "hook.test".into(),
        port: 443,
        path: format!("{PATH}{number}").into(),
        origin: "https://hook.test".into(),
        trust: Trust::default(),
        authorization: "".into(),
    };
    Authorizer::Webhook(Arc::new(AuthorizationWebhook {
        server,
        version: ReviewVersion::V1,
        timeout_millis: TIMEOUT_MILLIS,
        authorized_millis: 0,
        unauthorized_millis: 0,
        denies_on_failure: number == 0,
        conditions: ReviewConditions::compile([condition.as_str()]).unwrap_or_default(),
    }))
}

/// Whether a call asks such an authorizer.
pub(super) fn is_access_review(call: &Outcall) -> bool {
    call.target.starts_with(PATH)
}

fn review(kind: &str, status: &str) -> Called {
    let body = format!(r#"{{"apiVersion":"authorization.k8s.io/v1","kind":"{kind}","status":{{{status}}}}}"#);
    Called { status: 200, headers: Vec::new(), body: Bytes::from(body) }
}

impl Testbed {
    /// A server asks an authorizer.
    pub(super) fn access_review(&mut self, server: usize, id: JobId, index: u32, call: &Outcall) {
        const KIND: &str = "SubjectAccessReview";
        const ALLOWED: &str = r#""allowed":true"#;
        let stream = Label::Judge.of(self.stream_key(server, id));
        let millis = 1 + self.chooser.pick(stream, ANSWER_MILLIS_MAX);
        let choice = if self.chooser.is_calm() { 0 } else { self.chooser.pick(stream, 14) };
        let outcome: CallOutcome = match choice {
            0..=4 => Ok(review(KIND, ALLOWED)),
            5 => Ok(review(KIND, r#""allowed":false"#)),
            6 => Ok(review(KIND, r#""allowed":false,"denied":true"#)),
            7 => Ok(review(KIND, r#""allowed":true,"denied":true"#)),
            8 => Ok(Called { status: 500, ..review(KIND, ALLOWED) }),
            9 => Ok(review("SelfSubjectAccessReview", ALLOWED)),
            10 => Ok(Called { status: 200, headers: Vec::new(), body: Bytes::from_static(b"<html>") }),
            11 => Err(CallError::Refused("connection refused".into())),
            _ => Err(CallError::TimedOut),
        };
        self.judgements.is_allowed.insert(id, choice <= 4);
        if !matches!(outcome, Err(CallError::TimedOut)) {
            return self.call_ends(server, id, index, millis, outcome);
        }
        self.call_ends(server, id, index, call.timeout_millis, outcome);
        if choice == 13 {
            // It allows when its time is over.
            let late = Ok(review(KIND, ALLOWED));
            self.call_ends(server, id, index, call.timeout_millis + millis, late);
        }
    }

    /// None for a request of somebody else.
    fn judged(&self, id: JobId) -> Option<bool> {
        let is_judged = matches!(self.requests.get(id)?.ask.identity, Identity::Judged(_));
        is_judged.then(|| self.judgements.is_allowed.get(&id).copied().unwrap_or(false))
    }

    /// A request is about to write.
    ///
    /// # Errors
    /// Nobody has allowed it.
    pub(super) fn check_judged_write(&self, id: JobId, op: &Op) -> Result<(), Violation> {
        let Op::Txn(txn) = op else { return Ok(()) };
        let writes = txn.then.iter().any(|op| matches!(op, TxnOp::Put(_) | TxnOp::Delete { .. }));
        if !writes || self.judged(id) != Some(false) {
            return Ok(());
        }
        let detail = format!("request {} writes, and its authorizer has not allowed it", id.0);
        Err(Violation::new(Guarantee::AuthorizersAreHeeded, detail))
    }

    /// A request has an answer.
    ///
    /// # Errors
    /// It was carried out though nobody has allowed it, or forbidden though somebody has.
    pub(super) fn check_judged_answer(&mut self, id: JobId, response: &Response) -> Result<(), Violation> {
        let judged = self.judged(id);
        let was_asked = self.judgements.is_allowed.remove(&id).is_some();
        let status = response.status;
        let what = match (judged, status) {
            (Some(true), 200..300) => {
                self.mark(Mark::AuthorizerAllows);
                return Ok(());
            }
            (Some(false), 500) if was_asked => {
                self.mark(Mark::AuthorizerFails);
                return Ok(());
            }
            (Some(true), 403) => "was allowed",
            // No seat, no answer in time, or no decision.
            (Some(false), status) if !matches!(status, 403 | 429 | 500 | 503 | 504) => "was not allowed",
            _ => return Ok(()),
        };
        let detail = format!("request {} {what}, and was answered {status}", id.0);
        Err(Violation::new(Guarantee::AuthorizersAreHeeded, detail))
    }
}

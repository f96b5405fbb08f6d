//! Webhooks that servers ask about ConfigMaps of one namespace. They allow, refuse, change objects, answer nonsense,
//! late or not at all, and some call back before they answer. What they have approved is compared with what is stored.

use super::Testbed;
use crate::check::{Guarantee, Violation};
use crate::choose::Label;
use crate::client::{CONFIGURATIONS, MUTATING_PATH, REVIEWED, VALIDATING_PATH, is_reviewed};
use crate::marks::Mark;
use crate::truth::CommittedChange;
use bytes::Bytes;
use std::collections::BTreeMap;
use steersman_core::codec::{base64, json};
use steersman_core::config::JobId;
use steersman_core::store::{Op, TxnOp};
use steersman_core::value::Value;
use steersman_core::wire::{CallError, Called, Outcall};

/// The longest that an answer is on its way, milliseconds.
const ANSWER_MILLIS_MAX: u64 = 40;

/// What webhooks were asked last about each open request, by their paths.
#[derive(Debug, Default)]
pub(super) struct ReviewLog {
    last: BTreeMap<JobId, BTreeMap<&'static str, Review>>,
    /// What is answered to calls of those who call back first, by job and place.
    prepared: BTreeMap<(JobId, u32), Called>,
    /// Somebody has changed or deleted a configuration of the webhooks, as clients do that delete whatever there is:
    /// nobody has to be asked from then on.
    are_disturbed: bool,
}

#[derive(Debug)]
struct Review {
    /// The object, without a resource version.
    object: Value,
    /// The webhook's answer allows the write.
    allows: bool,
}

impl ReviewLog {
    /// A change of the store.
    pub(super) fn note(&mut self, change: &CommittedChange) {
        let is_configuration = CONFIGURATIONS.iter().any(|(key, _)| change.key == key.as_bytes());
        self.are_disturbed |= is_configuration && change.old.is_some();
    }

    /// The request has an answer.
    pub(super) fn forget(&mut self, id: JobId) {
        self.last.remove(&id);
        self.prepared.retain(|(held, _), _| *held != id);
    }

    /// What is answered after a call back.
    pub(super) fn prepared(&mut self, id: JobId, index: u32) -> Option<Called> {
        self.prepared.remove(&(id, index))
    }

    /// Whether an object may be stored by a request. False says that the conditions of the webhooks kept them from
    /// being asked.
    ///
    /// # Errors
    /// They were not, or it is not what all of them have allowed; or they were asked against their conditions.
    fn check(&self, id: JobId, key: &str, object: Value) -> Result<bool, Violation> {
        let none = BTreeMap::new();
        let reviews = self.last.get(&id).unwrap_or(&none);
        let unheeded = |what: &str| {
            let detail = format!("request {} stores {key}, and {what}", id.0);
            Err(Violation::new(Guarantee::WebhooksAreHeeded, detail))
        };
        if let Some((path, _)) = reviews.iter().find(|(_, review)| !review.allows) {
            return unheeded(&format!("{path} has not allowed it"));
        }
        let review = match (is_reviewed(&object), reviews.get(VALIDATING_PATH)) {
            (None, _) => return unheeded("nobody can tell whether webhooks are to be asked about it"),
            (Some(false), _) if reviews.is_empty() => return Ok(false),
            (Some(false), _) => return unheeded("a webhook was asked though its conditions do not hold"),
            (Some(true), None) if self.are_disturbed => return Ok(true),
            (Some(true), None) => return unheeded("no webhook was asked about it"),
            (Some(true), Some(review)) => review,
        };
        let stored = unversioned(object);
        if stored != review.object {
            let (stored, approved) = (json::to_string(&stored), json::to_string(&review.object));
            let detail = format!("request {} stores {key} as {stored}, and {approved} was approved", id.0);
            return Err(Violation::new(Guarantee::ApprovedIsStored, detail));
        }
        Ok(true)
    }
}

fn unversioned(mut object: Value) -> Value {
    object.remove_at(&["metadata", "resourceVersion"]);
    object
}

/// Whether a call asks a webhook for a review.
pub(super) fn is_admission_review(call: &Outcall) -> bool {
    path_of(call).is_some()
}

fn path_of(call: &Outcall) -> Option<&'static str> {
    [MUTATING_PATH, VALIDATING_PATH].into_iter().find(|path| call.target.starts_with(path))
}

/// An answer, with members of the response that are JSON.
fn answer(uid: &str, response: &str) -> Called {
    let body = format!(
        r#"{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{{"uid":"{uid}",{response}}}}}"#
    );
    Called { status: 200, headers: Vec::new(), body: Bytes::from(body) }
}

impl Testbed {
    /// A request is about to write.
    ///
    /// # Errors
    /// Those of `ReviewLog::check`.
    pub(super) fn check_reviewed_write(&mut self, id: JobId, op: &Op) -> Result<(), Violation> {
        let Op::Txn(txn) = op else { return Ok(()) };
        for op in &txn.then {
            let TxnOp::Put(put) = op else { continue };
            if !put.key.starts_with(REVIEWED.as_bytes()) || self.requests.get(id).is_none() {
                continue;
            }
            let object = json::parse(&put.value).map(|parsed| parsed.value).unwrap_or_default();
            if !self.reviews.check(id, &String::from_utf8_lossy(&put.key), object)? {
                self.mark(Mark::ConditionSkips);
            }
        }
        Ok(())
    }

    /// A server asks a webhook.
    pub(super) fn admission_review(&mut self, server: usize, id: JobId, index: u32, call: &Outcall) {
        let Some(path) = path_of(call) else { return };
        let review = json::parse(&call.body).map(|parsed| parsed.value).unwrap_or_default();
        let request = |member: &str| review.text_at(&["request", member]).to_owned();
        let (uid, object) = (request("uid"), review.at(&["request", "object"]).cloned().unwrap_or_default());
        let stream = Label::Review.of(self.stream_key(server, id));
        let allowed = answer(&uid, r#""allowed":true"#);
        let millis = 1 + self.chooser.pick(stream, ANSWER_MILLIS_MAX);
        let choice = if self.chooser.is_calm() { 0 } else { self.chooser.pick(stream, 10) };
        let allows = matches!(choice, 0..=4);
        let (after, outcome) = match choice {
            0..=2 => (millis, Ok(allowed)),
            3 if path == MUTATING_PATH => {
                self.mark(Mark::WebhookChanges);
                let labels =
                    format!(r#"[{{"op":"add","path":"/metadata/labels","value":{{"by":"u{millis}"}}}}]"#);
                let patch = base64::encode(labels.as_bytes());
                let response = format!(r#""allowed":true,"patchType":"JSONPatch","patch":"{patch}""#);
                (millis, Ok(answer(&uid, &response)))
            }
            3 | 4 => {
                self.reviews.prepared.insert((id, index), allowed);
                self.log_review(id, path, object, true);
                self.mark(Mark::WebhookCallsBack);
                self.call_back(server, id, index, call.timeout_millis);
                return;
            }
            5 => (millis, Ok(answer(&uid, r#""allowed":false"#))),
            6 => (millis, Ok(answer("another", r#""allowed":true"#))),
            7 => (millis, Err(CallError::Refused("connection refused".into()))),
            8 => {
                (millis, Ok(Called { status: 200, headers: Vec::new(), body: Bytes::from_static(b"<html>") }))
            }
            _ => (call.timeout_millis, Err(CallError::TimedOut)),
        };
        self.log_review(id, path, object, allows);
        self.call_ends(server, id, index, after, outcome);
    }

    fn log_review(&mut self, id: JobId, path: &'static str, object: Value, allows: bool) {
        let reviews = self.reviews.last.entry(id).or_default();
        let review = Review { object: unversioned(object), allows };
        if reviews.insert(path, review).is_some() {
            self.mark(Mark::WebhookAskedAgain);
        }
    }
}

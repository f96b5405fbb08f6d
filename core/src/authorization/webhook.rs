//! The authorizer that asks another server with a SubjectAccessReview.
//! k8s: staging/src/k8s.io/apiserver/plugin/pkg/authorizer/webhook/webhook.go

use super::Attributes;
use super::opinion::{AuthorizerOpinion, Grounds, Objection};
use crate::codec::json;
use crate::config::{AuthorizationWebhook, ReviewVersion};
use crate::question::{Consultation, Consulting, Keep, Question, Reply};
use crate::review;
use crate::value::{Map, Value};
use crate::wire::Called;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;

/// Answers about longer attributes are not remembered, bytes: clients choose them.
/// k8s: staging/src/k8s.io/apiserver/plugin/pkg/authorizer/webhook/webhook.go shouldCache
const REMEMBERED_BYTES_MAX: usize = 10_000;

const KIND: &str = "SubjectAccessReview";

/// What the server is asked about a request.
pub(super) fn question(
    webhook: &AuthorizationWebhook,
    by: Consulting,
    attributes: &Attributes<'_>,
) -> Question {
    let is_remembered = attributes.bytes() < REMEMBERED_BYTES_MAX;
    let kept = |millis| if is_remembered { millis } else { 0 };
    Question::Consult(Box::new(Consultation {
        by,
        call: webhook
            .server
            .call(json::to_vec(&review_of(webhook.version, attributes)), webhook.timeout_millis),
        keep: Keep {
            grants,
            granted_millis: kept(webhook.authorized_millis),
            refused_millis: kept(webhook.unauthorized_millis),
            failed_millis: 0,
        },
        age_millis_max: None,
    }))
}

/// What the authorizer says after the server's answer. Without one, or with one that cannot be understood, it never
/// allows anything.
pub(super) fn opinion(webhook: &AuthorizationWebhook, answer: &Reply) -> AuthorizerOpinion {
    let outcome = match answer {
        Reply::Called(outcomes) => outcomes.first(),
        Reply::Stored(_)
        | Reply::Verified(_)
        | Reply::Turn
        | Reply::Taken(_)
        | Reply::Fresh
        | Reply::Stale
        | Reply::Ruled(_) => None,
    };
    let answered = match outcome {
        Some(Ok(called)) => status(called),
        Some(Err(error)) => Err(review::no_answer(&webhook.server, webhook.timeout_millis, error)),
        None => Err(String::from("another question was answered")),
    };
    match answered {
        Ok(status) => status.opinion(),
        Err(why) if webhook.denies_on_failure => AuthorizerOpinion::Deny(Objection::of_error(why)),
        Err(why) => AuthorizerOpinion::None(Objection::of_error(why)),
    }
}

/// The status of an answered review.
struct ReviewStatus {
    is_allowed: bool,
    is_denied: bool,
    reason: String,
}

impl ReviewStatus {
    fn opinion(self) -> AuthorizerOpinion {
        match (self.is_denied, self.is_allowed) {
            (true, true) => AuthorizerOpinion::Deny(Objection {
                reason: self.reason,
                error: "webhook subject access review returned both allow and deny response".into(),
            }),
            (true, false) => AuthorizerOpinion::Deny(Objection::of_reason(self.reason)),
            (false, true) => AuthorizerOpinion::Allow(Grounds::Told(self.reason)),
            (false, false) => AuthorizerOpinion::None(Objection::of_reason(self.reason)),
        }
    }
}

fn status(called: &Called) -> Result<ReviewStatus, String> {
    let review = review::answered(called, KIND, "authorization.k8s.io")?;
    let is = |field: &str| match review.at(&["status", field]) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(is)) => Ok(*is),
        Some(other) => Err(format!(
            "json: cannot unmarshal {} into Go struct field SubjectAccessReviewStatus.status.{field} of type bool",
            other.type_of().word()
        )),
    };
    let reason = String::from(review.text_at(&["status", "reason"]));
    Ok(ReviewStatus { is_allowed: is("allowed")?, is_denied: is("denied")?, reason })
}

fn grants(called: &Called) -> Option<bool> {
    status(called).ok().map(|status| status.is_allowed)
}

fn review_of(version: ReviewVersion, attributes: &Attributes<'_>) -> Value {
    let user = attributes.user;
    let groups = match version {
        ReviewVersion::V1 => "groups",
        ReviewVersion::V1beta1 => "group",
    };
    let mut spec = Map::new();
    if attributes.is_resource {
        let texts = [
            ("namespace", attributes.namespace),
            ("verb", attributes.verb),
            ("group", attributes.group),
            ("version", attributes.version),
            ("resource", attributes.resource),
            ("subresource", attributes.subresource),
            ("name", attributes.name),
        ];
        spec.insert("resourceAttributes", review::texts(&texts));
    } else {
        let texts = [("path", attributes.path), ("verb", attributes.verb)];
        spec.insert("nonResourceAttributes", review::texts(&texts));
    }
    for (name, text) in [("user", &user.name), ("uid", &user.uid)] {
        if !text.is_empty() {
            spec.insert(name, text.as_str().into());
        }
    }
    let list = |texts: &[crate::value::Text]| Value::list(texts.iter().cloned().map(Value::Str).collect());
    if !user.groups.is_empty() {
        spec.insert(groups, list(&user.groups));
    }
    if !user.extra.is_empty() {
        let extra = user.extra.iter().map(|(key, values)| (key.clone(), list(values)));
        spec.insert("extra", Value::map(Map::from_entries(extra.collect())));
    }
    let mut review = review::empty(KIND, &format!("authorization.k8s.io/{}", version.word()));
    review.set("spec", Value::map(spec));
    review.set("status", review::flag("allowed", false));
    review
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authorization::tests::{attributes, caller, told, world_of};
    use crate::authorization::{Decision, decide};
    use crate::config::{Authorizer, WebhookServer};
    use crate::wire::{CallError, CallOutcome, Trust};
    use alloc::sync::Arc;
    use alloc::vec::Vec;
    use bytes::Bytes;

    fn webhook(denies_on_failure: bool, version: ReviewVersion) -> Authorizer {
        let server = WebhookServer {
            host: "hook.test".into(),
            port: 8443,
            path: "/authorize".into(),
            origin: "https://hook.test:8443".into(),
            trust: Trust::default(),
            authorization: "Bearer secret".into(),
        };
        Authorizer::Webhook(Arc::new(AuthorizationWebhook {
            server,
            version,
            timeout_millis: 3_000,
            authorized_millis: 300_000,
            unauthorized_millis: 30_000,
            denies_on_failure,
        }))
    }

    fn called(status: u16, body: &str) -> CallOutcome {
        Ok(Called { status, headers: Vec::new(), body: Bytes::copy_from_slice(body.as_bytes()) })
    }

    /// What comes of a request after this outcome of the call.
    fn decided(authorizers: Vec<Authorizer>, outcome: CallOutcome) -> (&'static str, String) {
        let world = world_of(authorizers);
        let user = caller("alice", "devs");
        let Decision::Wait(undecided, _) = decide(&world, attributes(&user, "create")) else {
            panic!("the server is asked")
        };
        told(&undecided.resume(&world, attributes(&user, "create"), &Reply::Called(alloc::vec![outcome])))
    }

    #[test]
    fn the_answer_decides() {
        let review = |status: &str| {
            called(
                201,
                &format!(
                    "{{\"apiVersion\":\"authorization.k8s.io/v1\",\"kind\":\"{KIND}\",\"status\":{status}}}"
                ),
            )
        };
        let both = "webhook subject access review returned both allow and deny response";
        let cases = [
            (review("{\"allowed\":true,\"reason\":\"fine\"}"), "allowed", ""),
            (review("{\"allowed\":false,\"reason\":\"no role\"}"), "no opinion", "no role"),
            (review("{\"allowed\":false,\"denied\":true,\"reason\":\"never\"}"), "denied", "never"),
            (review("{\"allowed\":true,\"denied\":true,\"reason\":\"never\"}"), "failed", both),
            (called(200, "{}"), "no opinion", ""),
            (
                called(500, "boom"),
                "failed",
                "an error on the server (\"boom\") has prevented the request from succeeding",
            ),
            (
                called(
                    403,
                    "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"message\":\"go away\"}",
                ),
                "failed",
                "go away",
            ),
            (called(200, ""), "failed", "0-length response with status code: 200 and content type: "),
            (
                called(200, "{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"status\":{\"allowed\":true}}"),
                "failed",
                "converting (v1, Kind=Pod) to SubjectAccessReview: unknown conversion",
            ),
            (
                review("{\"allowed\":\"yes\"}"),
                "failed",
                "json: cannot unmarshal string into Go struct field SubjectAccessReviewStatus.status.allowed of type \
                 bool",
            ),
            (
                Err(CallError::Refused("connection refused".into())),
                "failed",
                "Post \"https://hook.test:8443/authorize?timeout=3s\": connection refused",
            ),
        ];
        for (outcome, word, reason) in cases {
            let found = decided(alloc::vec![webhook(false, ReviewVersion::V1)], outcome.clone());
            assert_eq!(found, (word, String::from(reason)), "{outcome:?}");
        }
    }

    #[test]
    fn a_failure_is_left_to_the_next_one_or_denied() {
        let failure = || Err(CallError::TimedOut);
        for (denies, word) in [(false, "allowed"), (true, "failed")] {
            let chain = alloc::vec![webhook(denies, ReviewVersion::V1), Authorizer::AlwaysAllow];
            assert_eq!(decided(chain, failure()).0, word);
        }
        let chain = alloc::vec![webhook(false, ReviewVersion::V1), Authorizer::AlwaysDeny];
        assert_eq!(decided(chain, failure()).0, "failed");
    }

    #[test]
    fn the_review_has_what_upstream_sends() {
        let cases = [(ReviewVersion::V1, "v1", "groups"), (ReviewVersion::V1beta1, "v1beta1", "group")];
        for (version, word, groups) in cases {
            let world = world_of(alloc::vec![webhook(false, version)]);
            let mut user = caller("alice", "devs");
            user.extra = alloc::vec![("key".into(), alloc::vec!["value".into()])];
            let Decision::Wait(_, Question::Consult(asked)) = decide(&world, attributes(&user, "create"))
            else {
                panic!("the server is asked")
            };
            let body = core::str::from_utf8(&asked.call.body).expect("text");
            let expected = format!(
                "{{\"apiVersion\":\"authorization.k8s.io/{word}\",\"kind\":\"SubjectAccessReview\",\"metadata\":{{}},\
                 \"spec\":{{\"extra\":{{\"key\":[\"value\"]}},\"{groups}\":[\"devs\"],\"resourceAttributes\":\
                 {{\"name\":\"a\",\"namespace\":\"default\",\"resource\":\"pods\",\"verb\":\"create\",\
                 \"version\":\"v1\"}},\"user\":\"alice\"}},\"status\":{{\"allowed\":false}}}}"
            );
            assert_eq!(body, expected);
            assert_eq!(asked.call.target, "/authorize?timeout=3s");
            assert!(asked.call.headers.contains(&("authorization".into(), "Bearer secret".into())));
        }
    }
}

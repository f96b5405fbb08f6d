//! The authorizer that asks another server with a SubjectAccessReview.
//! k8s: staging/src/k8s.io/apiserver/plugin/pkg/authorizer/webhook/webhook.go

use super::Attributes;
use super::opinion::{AuthorizerOpinion, Grounds, Objection};
use crate::codec::json;
use crate::config::{AuthorizationWebhook, ReviewVersion};
use crate::museum::{Flaw, Mutant};
use crate::question::{Consultation, Consulting, Keep, Question, Reply};
use crate::review;
use crate::value::{Map, Value};
use crate::wire::Called;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Answers about longer attributes are not remembered, bytes: clients choose them.
/// k8s: staging/src/k8s.io/apiserver/plugin/pkg/authorizer/webhook/webhook.go shouldCache
const REMEMBERED_BYTES_MAX: usize = 10_000;

const KIND: &str = "SubjectAccessReview";

/// What the authorizer says before its server is asked, which it is only if its conditions hold.
pub(super) fn begin(
    webhook: &AuthorizationWebhook,
    by: Consulting,
    attributes: &Attributes<'_>,
) -> AuthorizerOpinion {
    if !webhook.conditions.is_empty() {
        match webhook.conditions.hold(&spec_of_conditions(attributes)) {
            Ok(true) => {}
            Ok(false) => return AuthorizerOpinion::None(Objection::default()),
            Err(why) => return failed(webhook, why),
        }
    }
    AuthorizerOpinion::Ask(question(webhook, by, attributes))
}

fn question(webhook: &AuthorizationWebhook, by: Consulting, attributes: &Attributes<'_>) -> Question {
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
pub(super) fn opinion(webhook: &AuthorizationWebhook, answer: &Reply, flaw: Flaw) -> AuthorizerOpinion {
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
        Err(_) if flaw.is(Mutant::AuthorizerFailureAllows) => AuthorizerOpinion::Allow(Grounds::Untold),
        Err(why) => failed(webhook, why),
    }
}

fn failed(webhook: &AuthorizationWebhook, why: String) -> AuthorizerOpinion {
    let objection = Objection::of_error(why);
    match webhook.denies_on_failure {
        true => AuthorizerOpinion::Deny(objection),
        false => AuthorizerOpinion::None(objection),
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
    let (name, texts) = asked_for(attributes);
    let mut asked = review::texts(&texts);
    for (name, requirements) in selectors(attributes) {
        asked.set(name, requirements);
    }
    spec.insert(name, asked);
    for (name, text) in [("user", &user.name), ("uid", &user.uid)] {
        if !text.is_empty() {
            spec.insert(name, text.as_str().into());
        }
    }
    if !user.groups.is_empty() {
        spec.insert(groups, Value::texts(&user.groups));
    }
    if !user.extra.is_empty() {
        spec.insert("extra", user.extra_value());
    }
    let mut review = review::empty(KIND, &format!("authorization.k8s.io/{}", version.word()));
    review.set("spec", Value::map(spec));
    review.set("status", review::flag("allowed", false));
    review
}

/// The specification of the review as conditions see it: with every text, empty ones too.
/// k8s: staging/src/k8s.io/apiserver/pkg/authorization/cel/compile.go convertObjectToUnstructured
fn spec_of_conditions(attributes: &Attributes<'_>) -> Value {
    let user = attributes.user;
    let (name, texts) = asked_for(attributes);
    let mut asked = Map::new();
    for (name, text) in texts {
        asked.insert(name, text.into());
    }
    for (name, requirements) in selectors(attributes) {
        asked.insert(name, requirements);
    }
    let mut spec = Map::new();
    spec.insert("user", Value::Str(user.name.clone()));
    spec.insert("groups", Value::texts(&user.groups));
    spec.insert("uid", Value::Str(user.uid.clone()));
    spec.insert("extra", user.extra_value());
    spec.insert(name, Value::map(asked));
    Value::map(spec)
}

/// What is asked for, by the name that a review has for it.
fn asked_for<'a>(attributes: &Attributes<'a>) -> (&'static str, Vec<(&'static str, &'a str)>) {
    if !attributes.is_resource {
        let texts = alloc::vec![("path", attributes.path), ("verb", attributes.verb)];
        return ("nonResourceAttributes", texts);
    }
    let texts = alloc::vec![
        ("namespace", attributes.namespace),
        ("verb", attributes.verb),
        ("group", attributes.group),
        ("version", attributes.version),
        ("resource", attributes.resource),
        ("subresource", attributes.subresource),
        ("name", attributes.name),
    ];
    ("resourceAttributes", texts)
}

/// The selectors of a request for a resource, as far as they can be read.
fn selectors(attributes: &Attributes<'_>) -> impl Iterator<Item = (&'static str, Value)> {
    let listed = [
        ("fieldSelector", attributes.field_selector.listed_fields()),
        ("labelSelector", attributes.label_selector.listed_labels()),
    ];
    let is_resource = attributes.is_resource;
    listed.into_iter().filter(move |(_, listed)| is_resource && !listed.is_empty()).map(|(name, listed)| {
        let mut selector = Map::new();
        selector.insert("requirements", Value::list(listed));
        (name, Value::map(selector))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authorization::Selecting;
    use crate::authorization::tests::{attributes, caller, told, world_of};
    use crate::authorization::{Decision, decide};
    use crate::config::{Authorizer, WebhookServer};
    use crate::expressions::ReviewConditions;
    use crate::wire::{CallError, CallOutcome, Trust};
    use alloc::sync::Arc;
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
            conditions: ReviewConditions::default(),
        }))
    }

    /// As `webhook`, under conditions.
    fn conditional(denies_on_failure: bool, conditions: &[&str]) -> Authorizer {
        let Authorizer::Webhook(held) = webhook(denies_on_failure, ReviewVersion::V1) else { panic!() };
        let conditions = ReviewConditions::compile(conditions.iter().copied()).expect("expressions");
        Authorizer::Webhook(Arc::new(AuthorizationWebhook { conditions, ..(*held).clone() }))
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
    fn the_server_is_asked_only_under_its_conditions() {
        let failing = "request.resourceAttributes.fieldSelector.rawSelector == ''";
        let why = format!(
            "cel evaluation error: expression '{failing}' resulted in error: no such key: fieldSelector"
        );
        let cases: [(&[&str], bool, &str); 11] = [
            (&["request.user == 'alice'", "request.groups == ['devs']"], false, "asked"),
            (&["request.resourceAttributes.verb == 'create'"], false, "asked"),
            (&["request.resourceAttributes.subresource == '' && request.uid == ''"], false, "asked"),
            (&["has(request.nonResourceAttributes)"], false, ""),
            (&["request.resourceAttributes.namespace == 'other'"], true, ""),
            (&["size(request.extra) == 0"], false, "asked"),
            (&["!has(request.resourceAttributes.labelSelector)"], false, "asked"),
            (&[failing], false, &why),
            (&[failing], true, &why),
            (&[failing, "false"], true, ""),
            (&[failing, "true"], true, &why),
        ];
        let user = caller("alice", "devs");
        for (conditions, denies, expected) in cases {
            let world = world_of(alloc::vec![conditional(denies, conditions)]);
            let decision = decide(&world, attributes(&user, "create"));
            match expected {
                "asked" => assert!(matches!(decision, Decision::Wait(..)), "{conditions:?}"),
                "" => assert_eq!(told(&decision), ("no opinion", String::new()), "{conditions:?}"),
                why => assert_eq!(told(&decision), ("failed", why.into()), "{conditions:?}"),
            }
        }
        // One that is skipped leaves the request to the next one, and one that fails does by its policy.
        for (denies, condition, word) in
            [(true, "false", "allowed"), (false, failing, "allowed"), (true, failing, "failed")]
        {
            let chain = alloc::vec![conditional(denies, &[condition]), Authorizer::AlwaysAllow];
            let world = world_of(chain);
            assert_eq!(told(&decide(&world, attributes(&user, "create"))).0, word, "{condition}");
        }
    }

    #[test]
    fn selectors_are_sent_and_conditions_see_them() {
        let user = caller("alice", "devs");
        let selecting = Attributes {
            field_selector: Selecting::of_query("a=b,c!=d"),
            label_selector: Selecting::of_query("e in (f,g),!h,i>1"),
            ..attributes(&user, "list")
        };
        let condition = "request.resourceAttributes.labelSelector.requirements.exists(r, r.key == 'e' && \
                         r.operator == 'In' && r.values == ['f', 'g']) && \
                         request.resourceAttributes.fieldSelector.requirements.size() == 2";
        let world = world_of(alloc::vec![conditional(true, &[condition])]);
        let Decision::Wait(_, Question::Consult(asked)) = decide(&world, selecting) else {
            panic!("the server is asked")
        };
        let review = json::parse(&asked.call.body).expect("JSON").value;
        let listed = |name: &str| {
            let listed = review.at(&["spec", "resourceAttributes", name, "requirements"]);
            json::to_string(listed.expect("requirements"))
        };
        assert_eq!(
            listed("fieldSelector"),
            r#"[{"key":"a","operator":"In","values":["b"]},{"key":"c","operator":"NotIn","values":["d"]}]"#
        );
        // What a review has no operator for is left out: without it more is asked for.
        assert_eq!(
            listed("labelSelector"),
            r#"[{"key":"e","operator":"In","values":["f","g"]},{"key":"h","operator":"DoesNotExist"}]"#
        );
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

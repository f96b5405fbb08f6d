//! Tokens that another server knows.
//! k8s: staging/src/k8s.io/apiserver/plugin/pkg/authenticator/token/webhook/webhook.go

use super::finding::{Finding, Kept, Presented, Recognized, Resumed};
use crate::caller::Caller;
use crate::codec::json;
use crate::config::TokenReviewWebhook;
use crate::question::{Consultation, Consulting, Keep, Question, Reply};
use crate::review;
use crate::value::{Map, Text, Value};
use crate::wire::Called;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

const KIND: &str = "TokenReview";
const GROUP: &str = "authentication.k8s.io";

/// The time for one answer.
/// k8s: staging/src/k8s.io/apiserver/pkg/util/webhook/webhook.go defaultRequestTimeout
const TIMEOUT_MILLIS: u64 = 30_000;

pub(super) fn identify(presented: &Presented<'_>, token: &str, resumed: Option<Resumed>) -> Finding {
    let Some(webhook) = &presented.world.config.authentication.federation.token_review else {
        return Finding::Nobody;
    };
    let Some(Resumed { reply, .. }) = resumed else {
        return Finding::Ask(Kept::TokenReview, question(webhook, presented.audiences, token));
    };
    let outcome = if let Reply::Called(outcomes) = &reply { outcomes.first() } else { None };
    let answered = match outcome {
        Some(Ok(called)) => review::answered(called, KIND, GROUP),
        Some(Err(error)) => Err(review::no_answer(&webhook.server, TIMEOUT_MILLIS, error)),
        None => Err("another question was answered".to_string()),
    };
    match answered {
        Ok(review) => finding(presented, &review),
        Err(why) => Finding::Invalid(why),
    }
}

fn question(webhook: &TokenReviewWebhook, audiences: &[Text], token: &str) -> Question {
    let mut review = review::empty(KIND, &format!("{GROUP}/{}", webhook.version.word()));
    review.set("spec", review::texts(&[("token", token)]));
    if !audiences.is_empty() {
        review.set_at(&["spec", "audiences"], Value::texts(audiences));
    }
    review.set_at(&["status", "user"], Value::empty_map());
    Question::Consult(Box::new(Consultation {
        by: Consulting::TokenReview,
        call: webhook.server.call(json::to_vec(&review), TIMEOUT_MILLIS),
        keep: Keep {
            grants,
            granted_millis: webhook.kept_millis,
            refused_millis: webhook.kept_millis,
            failed_millis: 0,
        },
        age_millis_max: None,
    }))
}

/// An answer with an error says nothing of the token, so it is not remembered.
fn grants(called: &Called) -> Option<bool> {
    let review = review::answered(called, KIND, GROUP).ok()?;
    let is_known = is_authenticated(&review);
    (is_known || review.text_at(&["status", "error"]).is_empty()).then_some(is_known)
}

fn is_authenticated(review: &Value) -> bool {
    review.at(&["status", "authenticated"]).and_then(Value::as_bool).unwrap_or(false)
}

fn finding(presented: &Presented<'_>, review: &Value) -> Finding {
    let audiences = if presented.audiences.is_empty() {
        Vec::new()
    } else {
        let told = texts(review.at(&["status", "audiences"]));
        let meant = if told.is_empty() { &presented.world.config.audiences } else { &told };
        let asked = presented.audiences.iter();
        let audiences: Vec<Text> = asked.filter(|audience| meant.contains(audience)).cloned().collect();
        if audiences.is_empty() {
            return Finding::Nobody;
        }
        audiences
    };
    if !is_authenticated(review) {
        return match review.text_at(&["status", "error"]) {
            "" => Finding::Nobody,
            why => Finding::Invalid(String::from(why)),
        };
    }
    let user = |field: &str| Text::from(review.text_at(&["status", "user", field]));
    let name = user("username");
    if name.is_empty() {
        return Finding::Invalid("the token's user has no name".into());
    }
    let extra = review.at(&["status", "user", "extra"]).and_then(Value::as_map);
    let extra = extra.into_iter().flat_map(Map::iter);
    let caller = Caller {
        name,
        uid: user("uid"),
        groups: texts(review.at(&["status", "user", "groups"])),
        extra: extra.map(|(key, values)| (key.clone(), texts(Some(values)))).collect(),
    };
    Finding::Somebody(Box::new(Recognized { caller, audiences, warning: "", used: None }))
}

fn texts(list: Option<&Value>) -> Vec<Text> {
    let items = list.and_then(Value::as_list).unwrap_or_default();
    items.iter().filter_map(Value::as_str).map(Text::from).collect()
}

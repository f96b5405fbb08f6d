//! Reviews that are sent to other servers as webhooks: what all of them have in common, and how their answers are read.
//! k8s: staging/src/k8s.io/apiserver/pkg/util/webhook/webhook.go, staging/src/k8s.io/client-go/rest/request.go

use crate::codec::{json, yaml};
use crate::config::WebhookServer;
use crate::value::{Map, Value, object, quoted};
use crate::wire::{CallError, Called};
use alloc::format;
use alloc::string::{String, ToString};

/// The longest text of another server that an error names, bytes.
/// k8s: staging/src/k8s.io/client-go/rest/request.go maxUnstructuredResponseTextBytes
const SHOWN_BYTES_MAX: usize = 2_048;

/// A review without its parts.
pub(crate) fn empty(kind: &str, api_version: &str) -> Value {
    let mut review = Value::empty_map();
    object::set_api_version_and_kind(&mut review, api_version, kind);
    review.set("metadata", Value::empty_map());
    review
}

/// An object with those of the texts that are not empty.
pub(crate) fn texts(texts: &[(&str, &str)]) -> Value {
    let mut out = Map::new();
    for (name, text) in texts.iter().filter(|(_, text)| !text.is_empty()) {
        out.insert(*name, (*text).into());
    }
    Value::map(out)
}

/// An object with one truth.
pub(crate) fn flag(name: &str, is: bool) -> Value {
    let mut out = Map::new();
    out.insert(name, Value::Bool(is));
    Value::map(out)
}

/// Why there is no answer, in the words of upstream's client.
pub(crate) fn no_answer(server: &WebhookServer, timeout_millis: u64, error: &CallError) -> String {
    server.no_answer(timeout_millis, why_unanswered(error))
}

/// What kept an answer away, in Go's words where Go has some.
pub(crate) fn why_unanswered(error: &CallError) -> &str {
    match error {
        CallError::TimedOut => "context deadline exceeded",
        CallError::Refused(why) | CallError::Untrusted(why) | CallError::Malformed(why) => why,
        CallError::TooLarge => "the answer is too large",
        CallError::NoRoom => "too many calls to other servers are under way",
    }
}

/// The review that the server has answered with.
///
/// # Errors
/// What upstream's client says of any other answer.
pub(crate) fn answered(called: &Called, kind: &str, group: &str) -> Result<Value, String> {
    let review = decoded(called)?;
    let (answered, api_version) = (object::kind(&review), object::api_version(&review));
    let is_version = |version: &str| api_version == format!("{group}/{version}");
    let is_it = (answered.is_empty() || answered == kind)
        && (api_version.is_empty() || is_version("v1") || is_version("v1beta1"));
    if !is_it {
        return Err(format!("converting ({api_version}, Kind={answered}) to {kind}: unknown conversion"));
    }
    Ok(review)
}

/// The object that the server has answered with, of whatever kind.
///
/// # Errors
/// What upstream's client says of an answer that is no object, or a failure.
pub(crate) fn decoded(called: &Called) -> Result<Value, String> {
    const NO_KIND: &str = "couldn't get version/kind; json parse error: ";
    let parsed = json::parse(&called.body).map(|parsed| parsed.value);
    if !(200..=206).contains(&called.status) {
        // A Status in the body says more than the number.
        let told = parsed.ok().filter(|told| told.text_at(&["status"]) == "Failure");
        return Err(told.map_or_else(|| unexpected(called), |told| failure(&told)));
    }
    if called.body.is_empty() {
        return Err(format!(
            "0-length response with status code: {} and content type: {}",
            called.status,
            called.header("content-type")
        ));
    }
    // What is no JSON may be YAML.
    let review = match parsed {
        Ok(review) => review,
        Err(error) => yaml::parse(&called.body)
            .map(|parsed| parsed.value)
            .map_err(|_| format!("{NO_KIND}{}", error.0))?,
    };
    if review.as_map().is_none() && !review.is_null() {
        return Err(format!(
            "{NO_KIND}json: cannot unmarshal {} into Go value of type struct {{ APIVersion string \
             \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }}",
            review.type_of().word()
        ));
    }
    if object::kind(&review) == "Status" && object::api_version(&review) == "v1" {
        return Err(failure(&review));
    }
    Ok(review)
}

fn failure(status: &Value) -> String {
    match status.text_at(&["message"]) {
        "" => "the server reported an error".to_string(),
        message => message.to_string(),
    }
}

/// k8s: staging/src/k8s.io/apimachinery/pkg/api/errors/errors.go NewGenericServerResponse
fn unexpected(called: &Called) -> String {
    let content_type = called.header("content-type");
    let shown = called.body.get(..SHOWN_BYTES_MAX).unwrap_or(&called.body);
    let told = match content_type.is_empty() || content_type.trim_start().starts_with("text/") {
        true => String::from_utf8_lossy(shown).trim().to_string(),
        false => "unknown".to_string(),
    };
    match called.status {
        400 => "the server rejected our request for an unknown reason".into(),
        401 => "the server has asked for the client to provide credentials".into(),
        403 | 415 => told,
        404 => "the server could not find the requested resource".into(),
        405 => "the server does not allow this method on the requested resource".into(),
        406 if told.is_empty() || told == "unknown" => {
            "the server was unable to respond with a content type that the client supports".into()
        }
        406 => told,
        409 => "the server reported a conflict".into(),
        422 => "the server rejected our request due to an error in our request".into(),
        429 => "the server has received too many requests and has asked us to try again later".into(),
        503 => "the server is currently unable to handle the request".into(),
        504 => "the server was unable to return a response in the time allotted, but may still be processing the \
                request"
            .into(),
        500.. => format!("an error on the server ({}) has prevented the request from succeeding", quoted(&told)),
        status => {
            format!("the server responded with the status code {status} but did not return more information")
        }
    }
}

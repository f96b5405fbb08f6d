//! What a webhook has answered, checked as far as it can be without the object.
//! k8s: staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook/request/admissionreview.go VerifyAdmissionResponse,
//! staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook/errors/statuserror.go

use super::{HookFailure, review};
use crate::codec::{base64, json};
use crate::config::ReviewVersion;
use crate::review as reviews;
use crate::schema::{Catalogue, decode, listed_bytes};
use crate::status::Failure;
use crate::value::{Map, Type, Value, object, quoted};
use crate::wire::Called;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Whether the webhook may change the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HookKind {
    Mutating,
    Validating,
}

/// An answer that can be understood.
#[derive(Debug)]
pub(super) struct AdmissionResponse {
    pub(super) warnings: Vec<String>,
    /// Whether the write may go on, or how it is refused.
    pub(super) verdict: Result<(), Failure>,
    /// The text of a patch, and its type; None for no change.
    pub(super) patch: Option<(Vec<u8>, String)>,
}

/// Reads the answer to the review with this uid.
///
/// # Errors
/// It cannot be understood.
pub(super) fn read(
    catalogue: &Catalogue,
    webhook: &str,
    (version, uid): (ReviewVersion, &str),
    called: &Called,
    kind: HookKind,
) -> Result<AdmissionResponse, HookFailure> {
    let answered = reviews::decoded(called).and_then(|review| typed(review, version));
    let answered = answered.map_err(|why| HookFailure::Calling(format!("failed to call webhook: {why}")))?;
    let invalid = |why: String| HookFailure::Calling(format!("received invalid webhook response: {why}"));
    let Some(response) = answered.field("response").filter(|response| !response.is_null()) else {
        return Err(invalid("webhook response was absent".into()));
    };
    if version == ReviewVersion::V1 {
        let told = response.text_at(&["uid"]);
        if told != uid {
            let (uid, told) = (quoted(uid), quoted(told));
            return Err(invalid(format!("expected response.uid={uid}, got {told}")));
        }
        let (api_version, kind) = (object::api_version(&answered), object::kind(&answered));
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        if (api_version, kind) != ("admission.k8s.io/v1", review::KIND) {
            return Err(invalid(format!(
                "expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got {group}/{version}, \
                 Kind={kind}"
            )));
        }
    }
    let patch = patch(response, version, kind).map_err(|why| match why {
        PatchFault::Undecodable(why) => HookFailure::Calling(format!("failed to call webhook: {why}")),
        PatchFault::Invalid(why) => invalid(why),
    })?;
    let warnings = response.field("warnings").and_then(Value::as_list).unwrap_or_default();
    let is_allowed = response.field("allowed").and_then(Value::as_bool).unwrap_or(false);
    Ok(AdmissionResponse {
        warnings: warnings.iter().filter_map(Value::as_str).map(String::from).collect(),
        verdict: if is_allowed { Ok(()) } else { Err(refusal(catalogue, webhook, response.field("status"))) },
        patch,
    })
}

/// The review, if it is one of the version that was sent.
fn typed(review: Value, version: ReviewVersion) -> Result<Value, String> {
    const SCHEME: &str = "k8s.io/apiserver/pkg/util/webhook/client.go:71";
    let (api_version, kind) = (object::api_version(&review), object::kind(&review));
    let is_known = |version: ReviewVersion| api_version == format!("{}/{}", review::GROUP, version.word());
    let is_named = kind.is_empty() || kind == review::KIND;
    if !(is_named && (api_version.is_empty() || ReviewVersion::ALL.into_iter().any(is_known))) {
        let (kind, api_version, scheme) = (quoted(kind), quoted(api_version), quoted(SCHEME));
        return Err(format!("no kind {kind} is registered for version {api_version} in scheme {scheme}"));
    }
    if !api_version.is_empty() && !is_known(version) {
        let told = api_version.rsplit('/').next().unwrap_or_default();
        return Err(format!(
            "converting ({told}.{kind}) to ({}.{kind}): unknown conversion",
            version.word(),
            kind = review::KIND
        ));
    }
    check_types(&review)?;
    Ok(review)
}

/// The members of a response whose types Go's decoder would not take.
fn check_types(review: &Value) -> Result<(), String> {
    const MEMBERS: [(&str, Type, &str); 6] = [
        ("uid", Type::String, "types.UID"),
        ("allowed", Type::Bool, "bool"),
        ("status", Type::Object, "v1.Status"),
        ("patchType", Type::String, "v1.PatchType"),
        ("auditAnnotations", Type::Object, "map[string]string"),
        ("warnings", Type::Array, "[]string"),
    ];
    let Some(response) = review.field("response").filter(|response| !response.is_null()) else {
        return Ok(());
    };
    let wrong = |found: &Value, path: &str, wanted: &str| Err(misfit(found.type_of().word(), path, wanted));
    if response.type_of() != Type::Object {
        return wrong(response, "AdmissionReview.response", "v1.AdmissionResponse");
    }
    let patch = "AdmissionResponse.response.patch";
    match response.field("patch") {
        None | Some(Value::Null | Value::Str(_)) => {}
        Some(Value::List(items)) => {
            drop(listed_bytes(items).map_err(|found| misfit(&found, patch, "uint8"))?)
        }
        Some(other) => return Err(misfit(other.type_of().word(), patch, "[]uint8")),
    }
    for (name, of, wanted) in MEMBERS {
        let Some(member) = response.field(name).filter(|member| !member.is_null()) else { continue };
        if member.type_of() != of {
            return wrong(member, &format!("AdmissionResponse.response.{name}"), wanted);
        }
        let items = member.as_list().unwrap_or_default().iter();
        let values = member.as_map().filter(|_| name == "auditAnnotations").into_iter();
        let mut texts = items.chain(values.flat_map(Map::iter).map(|(_, value)| value));
        if let Some(other) = texts.find(|text| !matches!(text.type_of(), Type::String | Type::Null)) {
            return wrong(other, &format!("AdmissionResponse.response.{name}"), "string");
        }
    }
    Ok(())
}

/// What Go's decoder says of a member that is not of its type.
fn misfit(found: &str, path: &str, wanted: &str) -> String {
    format!("json: cannot unmarshal {found} into Go struct field {path} of type {wanted}")
}

enum PatchFault {
    Undecodable(String),
    Invalid(String),
}

fn patch(
    response: &Value,
    version: ReviewVersion,
    kind: HookKind,
) -> Result<Option<(Vec<u8>, String)>, PatchFault> {
    // kube-rs writes the bytes as a list of numbers.
    let patch = match response.field("patch").and_then(Value::as_list) {
        Some(items) => listed_bytes(items).map_err(PatchFault::Undecodable)?,
        None => base64::decode(response.text_at(&["patch"]))
            .map_err(|at| PatchFault::Undecodable(format!("illegal base64 data at input byte {at}")))?,
    };
    let of_type = response.field("patchType").and_then(Value::as_str);
    let invalid = |why: &str| Err(PatchFault::Invalid(why.into()));
    match (kind, version) {
        (HookKind::Mutating, ReviewVersion::V1beta1) => {
            Ok((!patch.is_empty()).then(|| (patch, String::from("JSONPatch"))))
        }
        (HookKind::Mutating, ReviewVersion::V1) => match (patch.is_empty(), of_type) {
            (true, None) => Ok(None),
            (false, None) => invalid("webhook returned response.patch but not response.patchType"),
            (true, Some(_)) => invalid("webhook returned response.patchType but not response.patch"),
            (false, Some("")) => invalid("webhook returned invalid response.patchType of \"\""),
            (false, Some(of_type)) => Ok(Some((patch, of_type.to_string()))),
        },
        (HookKind::Validating, ReviewVersion::V1beta1) => Ok(None),
        (HookKind::Validating, ReviewVersion::V1) => match (patch.is_empty(), of_type) {
            (true, None) => Ok(None),
            (false, _) => invalid("validating webhook may not return response.patch"),
            (true, Some(_)) => invalid("validating webhook may not return response.patchType"),
        },
    }
}

/// The refusal of a webhook, which names it and says what the webhook says.
/// k8s: plugin/webhook/errors/statuserror.go ToStatusErr
pub(super) fn refusal(catalogue: &Catalogue, webhook: &str, status: Option<&Value>) -> Failure {
    let by = format!("admission webhook {} denied the request", quoted(webhook));
    let given = status.cloned().unwrap_or_default();
    let typed = catalogue.type_named("meta.v1.Status").and_then(|id| {
        let fitted = decode::normalize(catalogue, id, given.clone());
        fitted.ok()
    });
    let given = typed.unwrap_or(given);
    let (message, reason) = (given.text_at(&["message"]), given.text_at(&["reason"]));
    let message = match (message, reason) {
        ("", "") => format!("{by} without explanation"),
        ("", reason) => format!("{by}: {reason}"),
        (message, _) => format!("{by}: {message}"),
    };
    let mut out = Map::new();
    out.insert("kind", "Status".into());
    out.insert("apiVersion", "v1".into());
    out.insert("metadata", given.field("metadata").cloned().unwrap_or_else(Value::empty_map));
    out.insert(
        "status",
        match given.text_at(&["status"]) {
            "" | "Success" => "Failure".into(),
            other => other.into(),
        },
    );
    out.insert("message", message.as_str().into());
    if !reason.is_empty() {
        out.insert("reason", reason.into());
    }
    if let Some(details) = given.field("details").filter(|details| !details.is_null()) {
        out.insert("details", details.clone());
    }
    let code = given.field("code").and_then(Value::as_int).unwrap_or(0);
    out.insert("code", Value::Int(code.max(400)));
    Failure::told(Value::map(out))
}

/// The operations of a patch.
///
/// # Errors
/// What Go's decoder says of a text that is no JSON.
pub(super) fn operations(patch: &[u8]) -> Result<Value, String> {
    json::parse(patch).map(|parsed| parsed.value).map_err(|error| error.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::catalogue;
    use bytes::Bytes;

    fn answered(body: &str, version: ReviewVersion, kind: HookKind) -> Result<AdmissionResponse, String> {
        let headers = alloc::vec![("content-type".into(), "application/json".into())];
        let called = Called { status: 200, headers, body: Bytes::from(body.to_string()) };
        read(&catalogue(), "h.test", (version, "u"), &called, kind).map_err(|failure| match failure {
            HookFailure::Calling(why) => why,
            HookFailure::Final(failure) => failure.message().into(),
        })
    }

    #[test]
    fn answers_that_cannot_be_understood_are_told_as_upstream_does() {
        use HookKind::{Mutating, Validating};
        let review = |response: &str| {
            format!(
                r#"{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{response}}}"#
            )
        };
        let invalid = |why: &str| format!("received invalid webhook response: {why}");
        let failed = |why: &str| format!("failed to call webhook: {why}");
        let cases = [
            (review("null"), Mutating, invalid("webhook response was absent")),
            (review(r#"{"uid":"v"}"#), Mutating, invalid("expected response.uid=\"u\", got \"v\"")),
            (
                r#"{"response":{"uid":"u"}}"#.into(),
                Mutating,
                invalid(
                    "expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got /, Kind=",
                ),
            ),
            (
                review(r#"{"uid":"u","patch":"eA=="}"#),
                Mutating,
                invalid("webhook returned response.patch but not response.patchType"),
            ),
            (
                review(r#"{"uid":"u","patchType":"JSONPatch"}"#),
                Mutating,
                invalid("webhook returned response.patchType but not response.patch"),
            ),
            (
                review(r#"{"uid":"u","patch":"eA==","patchType":""}"#),
                Mutating,
                invalid("webhook returned invalid response.patchType of \"\""),
            ),
            (
                review(r#"{"uid":"u","patch":"eA=="}"#),
                Validating,
                invalid("validating webhook may not return response.patch"),
            ),
            (
                review(r#"{"uid":"u","patchType":""}"#),
                Validating,
                invalid("validating webhook may not return response.patchType"),
            ),
            (review(r#"{"uid":"u","patch":"!"}"#), Mutating, failed("illegal base64 data at input byte 0")),
            (
                review(r#"{"uid":"u","patchType":"JSONPatch","patch":[91,300]}"#),
                Mutating,
                failed(
                    "json: cannot unmarshal number 300 into Go struct field AdmissionResponse.response.patch of \
                     type uint8",
                ),
            ),
            (
                review(r#"{"uid":"u","patchType":"JSONPatch","patch":7}"#),
                Mutating,
                failed(
                    "json: cannot unmarshal number into Go struct field AdmissionResponse.response.patch of \
                     type []uint8",
                ),
            ),
            (
                review(r#"{"uid":"u","allowed":"yes"}"#),
                Validating,
                failed(
                    "json: cannot unmarshal string into Go struct field AdmissionResponse.response.allowed of type bool",
                ),
            ),
            (
                r#"{"apiVersion":"admission.k8s.io/v1beta1","kind":"AdmissionReview"}"#.into(),
                Validating,
                failed("converting (v1beta1.AdmissionReview) to (v1.AdmissionReview): unknown conversion"),
            ),
            (
                r#"{"apiVersion":"v2","kind":"Other"}"#.into(),
                Validating,
                failed(
                    "no kind \"Other\" is registered for version \"v2\" in scheme \
                     \"k8s.io/apiserver/pkg/util/webhook/client.go:71\"",
                ),
            ),
        ];
        for (body, kind, expected) in cases {
            let found = answered(&body, ReviewVersion::V1, kind).map(|_| ());
            assert_eq!(found, Err(expected), "{body}");
        }
    }

    #[test]
    fn the_older_version_is_checked_less() {
        let body = r#"{"response":{"allowed":true,"patch":"eA=="}}"#;
        let response = answered(body, ReviewVersion::V1beta1, HookKind::Mutating).expect("an answer");
        assert_eq!(response.patch, Some((b"x".to_vec(), "JSONPatch".to_string())));
        assert_eq!(response.verdict, Ok(()));
        let body = r#"{"response":{"allowed":true,"patch":[91,93,null]}}"#;
        let response = answered(body, ReviewVersion::V1beta1, HookKind::Mutating).expect("an answer");
        assert_eq!(response.patch, Some((b"[]\0".to_vec(), "JSONPatch".to_string())), "a list of numbers");
    }

    #[test]
    fn refusals_name_the_webhook_and_keep_its_status() {
        let cases = [
            (None, 400, "admission webhook \"h.test\" denied the request without explanation"),
            (
                Some(r#"{"code":200,"reason":"Gone","status":"Success"}"#),
                400,
                "admission webhook \"h.test\" denied the request: Gone",
            ),
            (
                Some(r#"{"code":418,"message":"no"}"#),
                418,
                "admission webhook \"h.test\" denied the request: no",
            ),
        ];
        for (status, code, message) in cases {
            let status = status.map(|text| json::parse(text.as_bytes()).expect("JSON").value);
            let failure = refusal(&catalogue(), "h.test", status.as_ref());
            assert_eq!((failure.code(), failure.message()), (code, message));
            assert_eq!(failure.to_value().text_at(&["status"]), "Failure");
        }
    }
}

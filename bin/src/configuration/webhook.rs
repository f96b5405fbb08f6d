//! A webhook authorizer in the file of `--authorization-config`, with upstream's messages about what is wrong with it.
//! k8s: staging/src/k8s.io/apiserver/pkg/apis/apiserver/validation/validation.go ValidateWebhookConfiguration,
//! staging/src/k8s.io/apiserver/pkg/apis/apiserver/v1/defaults.go

use std::path::Path;

use steersman_core::codec::json;
use steersman_core::config::{AuthorizationWebhook, ReviewVersion, WebhookServer};
use steersman_core::expressions::{ReviewConditions, compile_review_condition};
use steersman_core::status::{CauseType, Causes, Path as FieldPath};
use steersman_core::value::Value;
use steersman_core::value::duration::parse_nanos;

use super::decode::items;

/// The longest time for an answer, nanoseconds.
const TIMEOUT_MAX: i64 = 30_000_000_000;
/// Match conditions of an authorizer.
const CONDITIONS_MAX: usize = 64;

/// How long answers are used again if the file does not say it, nanoseconds.
const AUTHORIZED_DEFAULT: i64 = 300_000_000_000;
const UNAUTHORIZED_DEFAULT: i64 = 30_000_000_000;

/// The file of the server that a valid webhook asks; None for one in the cluster.
pub(super) fn kubeconfig_file(webhook: &Value) -> Option<&str> {
    let file = webhook.text_at(&["connectionInfo", "kubeConfigFile"]);
    (webhook.text_at(&["connectionInfo", "type"]) == "KubeConfigFile").then_some(file)
}

/// The authorizer that a valid webhook describes.
///
/// # Errors
/// A condition that cannot be compiled.
pub(super) fn authorizer(webhook: &Value, server: WebhookServer) -> Result<AuthorizationWebhook, String> {
    let is_cached = |field: &str| webhook.field(field).and_then(Value::as_bool).unwrap_or(true);
    let kept = |ttl: &str, default: i64, cached: &str| match is_cached(cached) {
        true => millis(nanos_or(webhook, ttl, default)),
        false => 0,
    };
    let conditions = items(webhook, "matchConditions").iter();
    let conditions = conditions.map(|condition| condition.text_at(&["expression"]));
    Ok(AuthorizationWebhook {
        server,
        version: ReviewVersion::from_word(webhook.text_at(&["subjectAccessReviewVersion"]))
            .unwrap_or(ReviewVersion::V1),
        timeout_millis: millis(nanos(webhook, "timeout")),
        authorized_millis: kept("authorizedTTL", AUTHORIZED_DEFAULT, "cacheAuthorizedRequests"),
        unauthorized_millis: kept("unauthorizedTTL", UNAUTHORIZED_DEFAULT, "cacheUnauthorizedRequests"),
        denies_on_failure: webhook.text_at(&["failurePolicy"]) != "NoOpinion",
        conditions: ReviewConditions::compile(conditions).map_err(|(text, why)| format!("{text}: {why}"))?,
    })
}

/// Less than a millisecond counts as one, since 0 means none.
fn millis(nanos: i64) -> u64 {
    u64::try_from(nanos).unwrap_or(0).div_ceil(1_000_000)
}

/// The decoder has checked that it is a duration.
fn nanos(webhook: &Value, field: &str) -> i64 {
    parse_nanos(webhook.text_at(&[field])).unwrap_or(0)
}

fn nanos_or(webhook: &Value, field: &str, default: i64) -> i64 {
    match nanos(webhook, field) {
        0 => default,
        given => given,
    }
}

pub(super) fn validate(webhook: &Value, path: &FieldPath, causes: &mut Causes) {
    let invalid_time = |causes: &mut Causes, field: &str, why: &str| {
        causes.invalid(&path.child(field), &webhook.text_at(&[field]).into(), why);
    };
    match nanos(webhook, "timeout") {
        0 => causes.required(&path.child("timeout"), ""),
        given if !(0..=TIMEOUT_MAX).contains(&given) => {
            invalid_time(causes, "timeout", "must be > 0s and <= 30s");
        }
        _ => {}
    }
    for field in ["authorizedTTL", "unauthorizedTTL"] {
        if nanos(webhook, field) < 0 {
            invalid_time(causes, field, "must be > 0s");
        }
    }
    let choice = |causes: &mut Causes, field: &str, choices: &[&str], required: Option<&str>| {
        let given = webhook.text_at(&[field]);
        match (given, required) {
            ("", Some(detail)) => causes.required(&path.child(field), detail),
            ("", None) => {}
            (given, _) if choices.contains(&given) => {}
            (given, _) => causes.not_supported(&path.child(field), &given.into(), choices),
        }
    };
    choice(causes, "subjectAccessReviewVersion", &["v1", "v1beta1"], Some(""));
    let conditions = items(webhook, "matchConditions");
    let needed = "required if match conditions are specified";
    let condition_version = (!conditions.is_empty()).then_some(needed);
    choice(causes, "matchConditionSubjectAccessReviewVersion", &["v1"], condition_version);
    choice(causes, "failurePolicy", &["NoOpinion", "Deny"], Some(""));
    validate_connection(webhook.field("connectionInfo").unwrap_or(&Value::Null), path, causes);
    validate_conditions(conditions, &path.child("matchConditions"), causes);
}

fn validate_connection(connection: &Value, path: &FieldPath, causes: &mut Causes) {
    let path = path.child("connectionInfo");
    let file_path = path.child("kubeConfigFile");
    let file = connection.field("kubeConfigFile").and_then(Value::as_str);
    match connection.text_at(&["type"]) {
        "" => causes.required(&path.child("type"), ""),
        "InClusterConfig" => {
            if let Some(file) = file {
                causes.invalid(&file_path, &file.into(), "can only be set when type=KubeConfigFile");
            }
        }
        "KubeConfigFile" => match file.unwrap_or_default() {
            "" => causes.required(&file_path, ""),
            file if !Path::new(file).is_absolute() => {
                causes.invalid(&file_path, &file.into(), "must be an absolute path");
            }
            file => match std::fs::metadata(file) {
                Err(error) => {
                    causes.invalid(&file_path, &file.into(), &format!("error loading file: {error}"));
                }
                Ok(found) if !found.is_file() => {
                    causes.invalid(&file_path, &file.into(), "must be a regular file");
                }
                Ok(_) => {}
            },
        },
        other => {
            let shown: Value = json::to_string(&other.into()).as_str().into();
            causes.not_supported(&path.child("type"), &shown, &["InClusterConfig", "KubeConfigFile"]);
        }
    }
}

/// k8s: staging/src/k8s.io/apiserver/pkg/apis/apiserver/validation/validation.go compileMatchConditions
fn validate_conditions(conditions: &[Value], path: &FieldPath, causes: &mut Causes) {
    if conditions.len() > CONDITIONS_MAX {
        let message = format!("Too many: {}: must have at most {CONDITIONS_MAX} items", conditions.len());
        causes.push(CauseType::TooMany, path, message);
        return;
    }
    let mut seen: Vec<&str> = Vec::new();
    for (at, condition) in conditions.iter().enumerate() {
        let path = path.index(at).child("expression");
        let expression = condition.text_at(&["expression"]);
        if expression.trim().is_empty() {
            causes.required(&path, "");
        } else if seen.contains(&expression) {
            let shown = json::to_string(&expression.into());
            causes.push(CauseType::Duplicate, &path, format!("Duplicate value: {shown}"));
        } else {
            seen.push(expression);
            if let Some(why) = compile_review_condition(expression).error() {
                causes.invalid(&path, &expression.into(), why);
            }
        }
    }
}

//! ImagePolicyWebhook: asks another server whether the images of a pod may be run.
//! k8s: plugin/pkg/admission/imagepolicy/admission.go

use super::AdmissionAttributes;
use super::chain::{AdmissionPlugin, Opinion, Said};
use crate::admission::AdmissionOperation;
use crate::codec::json;
use crate::question::{Consultation, Consulting, Keep, Question, Reply};
use crate::review;
use crate::status::Failure;
use crate::store::failure;
use crate::value::{Map, Value};
use crate::wire::Called;
use crate::world::World;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

pub(super) const PLUGIN: AdmissionPlugin = AdmissionPlugin { validate, ..AdmissionPlugin::IDLE };

const KIND: &str = "ImageReview";
const API_VERSION: &str = "imagepolicy.k8s.io/v1alpha1";

/// The time for one answer.
/// k8s: staging/src/k8s.io/apiserver/pkg/util/webhook/webhook.go defaultRequestTimeout
const TIMEOUT_MILLIS: u64 = 30_000;

fn validate(
    world: &World,
    attributes: &AdmissionAttributes<'_>,
    object: &Value,
    found: Option<Reply>,
    _said: &mut Said,
) -> Result<Opinion, Failure> {
    let is_write = matches!(attributes.operation, AdmissionOperation::Create | AdmissionOperation::Update);
    let is_pod = attributes.resource.plural == "pods" && attributes.resource.group.is_empty();
    if !(is_write && is_pod && matches!(attributes.subresource, "" | "ephemeralcontainers")) {
        return Ok(Opinion::Admitted);
    }
    let Some(policy) = &world.config.admission.plugins.image_policy else { return Ok(Opinion::Admitted) };
    let outcome = match found {
        None => {
            let body = json::to_vec(&review_of(attributes, object));
            return Ok(Opinion::Needs(Question::Consult(Box::new(Consultation {
                by: Consulting::ImagePolicy,
                call: policy.server.call(body, TIMEOUT_MILLIS),
                keep: Keep {
                    grants,
                    granted_millis: policy.allow_millis,
                    refused_millis: policy.deny_millis,
                    failed_millis: 0,
                },
                age_millis_max: None,
            }))));
        }
        Some(Reply::Called(outcomes)) => outcomes.into_iter().next().ok_or_else(failure::misfit)?,
        Some(_) => return Err(failure::misfit()),
    };
    let answered = match &outcome {
        Ok(called) => status(called),
        Err(error) => Err(review::no_answer(&policy.server, TIMEOUT_MILLIS, error)),
    };
    match answered {
        Ok(status) if status.is_allowed => Ok(Opinion::Admitted),
        Ok(ImageReviewStatus { reason, .. }) => {
            let why = match reason.as_str() {
                "" => String::from("one or more images rejected by webhook backend"),
                reason => format!("image policy webhook backend denied one or more images: {reason}"),
            };
            Err(attributes.forbidden(object, &why))
        }
        Err(_) if policy.default_allow => Ok(Opinion::Admitted),
        Err(why) => Err(attributes.forbidden(object, &why)),
    }
}

fn review_of(attributes: &AdmissionAttributes<'_>, pod: &Value) -> Value {
    let lists: &[&str] = if attributes.subresource.is_empty() {
        &["containers", "initContainers"]
    } else {
        &["ephemeralContainers"]
    };
    let containers =
        lists.iter().filter_map(|list| pod.at(&["spec", list]).and_then(Value::as_list)).flatten();
    let image = |container: &Value| review::texts(&[("image", container.text_at(&["image"]))]);
    let containers: Vec<Value> = containers.map(image).collect();
    let mut spec = Map::new();
    if !containers.is_empty() {
        spec.insert("containers", Value::list(containers));
    }
    let annotations = pod.at(&["metadata", "annotations"]).and_then(Value::as_map).into_iter();
    let mut told = Map::new();
    for (name, value) in annotations.flat_map(Map::iter) {
        if name.contains(".image-policy.k8s.io/") {
            told.insert(name.clone(), value.clone());
        }
    }
    if !told.is_empty() {
        spec.insert("annotations", Value::map(told));
    }
    if !attributes.namespace.is_empty() {
        spec.insert("namespace", attributes.namespace.into());
    }
    let mut review = review::empty(KIND, API_VERSION);
    review.set("spec", Value::map(spec));
    review.set("status", review::flag("allowed", false));
    review
}

struct ImageReviewStatus {
    is_allowed: bool,
    reason: String,
}

fn status(called: &Called) -> Result<ImageReviewStatus, String> {
    let review = review::decoded(called)?;
    let is_allowed = review.at(&["status", "allowed"]).and_then(Value::as_bool).unwrap_or(false);
    Ok(ImageReviewStatus { is_allowed, reason: review.text_at(&["status", "reason"]).into() })
}

fn grants(called: &Called) -> Option<bool> {
    status(called).ok().map(|status| status.is_allowed)
}

//! The operator's admission webhooks: shelves get a label that says how large they are, and grimoires are refused.

use super::controller::MANAGER;
use super::shelf::Shelf;
use bytes::Bytes;
use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, ValidatingWebhookConfiguration,
};
use kube::api::{Api, Patch, PatchParams};
use kube::core::admission::{AdmissionRequest, AdmissionResponse, AdmissionReview};
use kube::{Client, Error};
use serde_json::{Value, json};

/// What no shelf may have.
pub(crate) const FORBIDDEN: &str = "grimoire";
/// The label that says how large a shelf is.
pub(crate) const SIZE: &str = "library.example.com/size";
/// Shelves with more room are large.
const SMALL_CAPACITY_MAX: i32 = 10;
const MUTATING_PATH: &str = "/label";
const VALIDATING_PATH: &str = "/check";

/// Applies the configurations of both webhooks. `base` is their address up to the path; `ca_bundle`, PEM, is whom the
/// server is to trust there.
///
/// # Errors
/// What the server refuses.
pub(crate) async fn register(
    client: &Client,
    base: &str,
    ca_bundle: Option<&ByteString>,
) -> Result<(), Error> {
    let webhook = |path: &str| {
        json!({
            "name": "shelves.library.example.com",
            "clientConfig": { "url": format!("{base}{path}"), "caBundle": ca_bundle },
            "rules": [{
                "apiGroups": ["library.example.com"], "apiVersions": ["v1"], "resources": ["shelves"],
                "operations": ["CREATE", "UPDATE"],
            }],
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
        })
    };
    let configuration = |kind: &str, path: &str| {
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": kind,
            "metadata": { "name": MANAGER }, "webhooks": [webhook(path)],
        })
    };
    let parameters = PatchParams::apply(MANAGER).force();
    let mutating: Api<MutatingWebhookConfiguration> = Api::all(client.clone());
    let patch = Patch::Apply(configuration("MutatingWebhookConfiguration", MUTATING_PATH));
    mutating.patch(MANAGER, &parameters, &patch).await?;
    let validating: Api<ValidatingWebhookConfiguration> = Api::all(client.clone());
    let patch = Patch::Apply(configuration("ValidatingWebhookConfiguration", VALIDATING_PATH));
    validating.patch(MANAGER, &parameters, &patch).await?;
    Ok(())
}

/// Answers one review.
pub(crate) fn answer(request: &http::Request<Bytes>) -> http::Response<Bytes> {
    let review = serde_json::from_slice::<AdmissionReview<Shelf>>(request.body());
    let asked: Option<AdmissionRequest<Shelf>> = review.ok().and_then(|review| review.try_into().ok());
    let Some(asked) = asked else { return response(400, b"no review of a shelf".to_vec()) };
    let response_to = AdmissionResponse::from(&asked);
    let Some(shelf) = &asked.object else { return response(400, b"no shelf".to_vec()) };
    let decided = match request.uri().path() {
        MUTATING_PATH => {
            let patch: Value = labelled(shelf);
            let patch = serde_json::from_value(patch).expect("a JSON patch");
            response_to.with_patch(patch).expect("a patch that can be written")
        }
        VALIDATING_PATH if shelf.spec.books.iter().any(|book| book.title == FORBIDDEN) => {
            response_to.deny(format!("a {FORBIDDEN} must not stand here"))
        }
        VALIDATING_PATH => response_to,
        _ => return response(404, Vec::new()),
    };
    response(200, serde_json::to_vec(&decided.into_review()).expect("a review"))
}

/// The JSON patch that gives a shelf its label.
fn labelled(shelf: &Shelf) -> Value {
    let size = if shelf.spec.capacity <= SMALL_CAPACITY_MAX { "small" } else { "large" };
    match &shelf.metadata.labels {
        Some(_) => {
            let path = format!("/metadata/labels/{}", SIZE.replace('/', "~1"));
            json!([{ "op": "add", "path": path, "value": size }])
        }
        None => json!([{ "op": "add", "path": "/metadata/labels", "value": { SIZE: size } }]),
    }
}

fn response(status: u16, body: Vec<u8>) -> http::Response<Bytes> {
    let mut response = http::Response::new(Bytes::from(body));
    *response.status_mut() = http::StatusCode::from_u16(status).expect("a status");
    let json = http::HeaderValue::from_static("application/json");
    response.headers_mut().insert(http::header::CONTENT_TYPE, json);
    response
}

//! How objects are converted between the versions of a definition.
//! k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation/validation.go
//! validateCustomResourceConversion

use crate::codec::{base64, pem};
use crate::kinds::validation::{
    Errors, Located, validate_review_versions, validate_webhook_service, validate_webhook_url,
};
use alloc::string::String;

/// `known` asks for a version of reviews that this server understands, `authorities` for authorities that can be read.
pub(super) fn validate_conversion(
    conversion: &Located<'_, '_>,
    known: bool,
    authorities: bool,
    errors: &mut Errors,
) {
    if !conversion.is_set() {
        return;
    }
    let (strategy, client) = (conversion.member("strategy"), conversion.member("webhookClientConfig"));
    let versions = conversion.member("conversionReviewVersions");
    match strategy.text() {
        "" => errors.required(&strategy, ""),
        "None" | "Webhook" => {}
        _ => errors.not_supported_text(&strategy, &["None", "Webhook"]),
    }
    if strategy.text() == "Webhook" {
        validate_client(&client, authorities, errors);
        validate_review_versions(&versions, "", !known, errors);
        return;
    }
    const UNUSED: &str = "should not be set when strategy is not set to Webhook";
    if client.is_set() {
        errors.forbidden(&client, UNUSED);
    }
    if !versions.is_empty() {
        errors.forbidden(&versions, UNUSED);
    }
}

fn validate_client(client: &Located<'_, '_>, authorities: bool, errors: &mut Errors) {
    if !client.is_set() {
        errors.required(client, "required when strategy is set to Webhook");
        return;
    }
    let (url, service) = (client.member("url"), client.member("service"));
    match (url.is_set(), service.is_set()) {
        (true, false) => validate_webhook_url(&url, errors),
        (false, true) => validate_webhook_service(&service, errors),
        (true, true) | (false, false) => {
            errors.required(client, "exactly one of url or service is required");
        }
    }
    let bundle = client.member("caBundle");
    if authorities && !bundle.is_empty() {
        let bytes = base64::decode(bundle.text()).unwrap_or_default();
        if pem::next_block(&String::from_utf8_lossy(&bytes)).is_none() {
            let detail = "unable to load root certificates: unable to parse bytes as PEM block";
            errors.invalid(&bundle, detail);
        }
    }
}

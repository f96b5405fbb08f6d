//! OpenID discovery of the issuer of service account tokens: its URL, and the keys that it signs with.
//! k8s: pkg/serviceaccount/openidmetadata.go, pkg/routes/openidmetadata.go

use super::document::{list, object, text};
use crate::answer::Response;
use crate::codec::base64;
use crate::config::{Config, IssuerKey, PublicKey};
use crate::status::{Details, Failure, Reason};
use crate::wire::{Method, Request};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;

const CONFIGURATION_PATH: &str = "/.well-known/openid-configuration";
const KEYS_PATH: &str = "/openid/v1/jwks";
const KEYS_MEDIA_TYPE: &str = "application/jwk-set+json";

/// The paths that are served. There are none without keys, or if OpenID Connect does not allow the issuer.
pub fn paths(config: &Config) -> &'static [&'static str] {
    let can_discover = allows_discovery(&config.issuer) && !config.issuer_keys.is_empty();
    if can_discover { &[CONFIGURATION_PATH, KEYS_PATH] } else { &[] }
}

/// Answers a request for one of the two documents; None for other paths (decoded).
pub fn respond(config: &Config, request: &Request, path: &str) -> Result<Option<Response>, Failure> {
    let below = |root: &&&str| {
        let rest = path.strip_prefix(**root);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let Some(root) = paths(config).iter().find(below) else { return Ok(None) };
    if path.strip_prefix(root).is_some_and(|rest| !rest.chars().all(|letter| letter == '/')) {
        return Err(Failure::no_such_resource());
    }
    if request.method != Method::Get {
        return Err(Failure::method_not_allowed());
    }
    let is_keys = *root == KEYS_PATH;
    let media_type = if is_keys { KEYS_MEDIA_TYPE } else { "application/json" };
    if !accepts(request, media_type) {
        return Err(not_acceptable(media_type));
    }
    let document = if is_keys { keys(config) } else { configuration(config) };
    Ok(Some(Response::new(200, media_type, document).with_header("cache-control", "public, max-age=3600")))
}

/// Whether the issuer is an https URL without a query and a fragment.
fn allows_discovery(issuer: &str) -> bool {
    let (address, fragment) = issuer.split_once('#').unwrap_or((issuer, ""));
    let (address, query) = address.split_once('?').unwrap_or((address, ""));
    let scheme = address.split_once(':').map_or("", |(scheme, _)| scheme);
    scheme.eq_ignore_ascii_case("https") && query.is_empty() && fragment.is_empty()
}

/// The router compares whole media types; the only range that it knows is `*/*`.
fn accepts(request: &Request, media_type: &str) -> bool {
    let accept = request.header("accept").filter(|accept| !accept.is_empty()).unwrap_or("*/*");
    accept.split(',').any(|range| {
        let wanted = range.split(';').next().unwrap_or("").trim();
        wanted == "*/*" || wanted == media_type
    })
}

fn not_acceptable(media_type: &str) -> Failure {
    let message = format!("406: Not Acceptable\n\nAvailable representations: {media_type}");
    Failure::new(Reason::NotAcceptable, message).with_details(Details::default())
}

fn configuration(config: &Config) -> String {
    let algorithms: BTreeSet<&str> = config.issuer_keys.iter().map(|key| key.key.algorithm()).collect();
    let keys_address = match config.issuer_keys_address.as_str() {
        "" => format!("https://{}{KEYS_PATH}", config.advertised),
        given => given.into(),
    };
    object(&[
        ("issuer", text(&config.issuer)),
        ("jwks_uri", text(&keys_address)),
        ("response_types_supported", list([text("id_token")])),
        ("subject_types_supported", list([text("public")])),
        ("id_token_signing_alg_values_supported", list(algorithms.into_iter().map(text))),
    ])
}

/// A JSON Web Key Set (RFC 7517).
fn keys(config: &Config) -> String {
    object(&[("keys", list(config.issuer_keys.iter().map(json_web_key)))])
}

fn json_web_key(key: &IssuerKey) -> String {
    let (curve, numbers) = match &key.key {
        PublicKey::Rsa { modulus, exponent } => (None, [("n", modulus), ("e", exponent)]),
        PublicKey::Ecdsa { curve, x, y } => (Some(*curve), [("x", x), ("y", y)]),
    };
    let [first, second] = numbers.map(|(name, number)| (name, text(&base64::encode_url(number))));
    object(&[
        ("use", text("sig")),
        ("kty", text(if curve.is_some() { "EC" } else { "RSA" })),
        ("kid", text(&key.id)),
        ("crv", curve.map(|curve| text(curve.name())).unwrap_or_default()),
        ("alg", text(key.key.algorithm())),
        first,
        second,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Curve;
    use bytes::Bytes;

    #[test]
    fn only_some_issuers_can_be_discovered() {
        let cases = [
            ("https://kubernetes.default.svc", true),
            ("HTTPS://a/b#", true),
            ("http://a", false),
            ("https://a?b", false),
            ("https://a#b", false),
            ("api", false),
            ("", false),
        ];
        for (issuer, allowed) in cases {
            assert_eq!(allows_discovery(issuer), allowed, "{issuer}");
        }
    }

    #[test]
    fn keys_are_json_web_keys() {
        let number = |byte| Bytes::from(alloc::vec![byte; 2]);
        let rsa = PublicKey::Rsa { modulus: number(255), exponent: number(1) };
        let ecdsa = PublicKey::Ecdsa { curve: Curve::P521, x: number(0), y: number(2) };
        let cases = [
            (rsa, r#"{"use":"sig","kty":"RSA","kid":"k","alg":"RS256","n":"__8","e":"AQE"}"#),
            (ecdsa, r#"{"use":"sig","kty":"EC","kid":"k","crv":"P-521","alg":"ES512","x":"AAA","y":"AgI"}"#),
        ];
        for (key, expected) in cases {
            assert_eq!(json_web_key(&IssuerKey { id: "k".into(), key }), expected);
        }
    }
}

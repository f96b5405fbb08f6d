//! The encoding of a request body, by its content type.
//! k8s: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/negotiation/negotiate.go

use crate::status::{Details, Failure, Reason};
use alloc::vec::Vec;

/// The encoding of a request body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyMedia {
    Json,
    Yaml,
    Protobuf,
}

/// The language of a patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchMedia {
    /// RFC 6902.
    Json,
    /// RFC 7386.
    Merge,
    Strategic,
    /// Server-side apply; the body is YAML (or JSON, which is YAML).
    Apply,
}

pub(crate) const JSON: &str = "application/json";
pub(crate) const YAML: &str = "application/yaml";
pub(crate) const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";
/// The media types that upstream names in its errors. Bodies may be protobuf. Responses are not offered in it yet, so
/// a client that prefers protobuf gets its next choice.
pub(crate) const MEDIA_TYPES: [&str; 3] = [JSON, YAML, PROTOBUF];
const PATCH_TYPES: [(&str, PatchMedia); 4] = [
    ("application/json-patch+json", PatchMedia::Json),
    ("application/merge-patch+json", PatchMedia::Merge),
    ("application/apply-patch+yaml", PatchMedia::Apply),
    ("application/strategic-merge-patch+json", PatchMedia::Strategic),
];

/// The encoding of a body by its content type. 415 for one that is not taken.
pub fn body_media(content_type: Option<&str>) -> Result<BodyMedia, Failure> {
    let media_type = content_type.unwrap_or("");
    if media_type.is_empty() {
        return Ok(BodyMedia::Json);
    }
    let (essence, parameters) = media_type.split_once(';').unwrap_or((media_type, ""));
    let essence = essence.trim();
    // Go reads past one semicolon at the end; each parameter has a name and a value.
    let is_whole = |parameter: &str| {
        parameter.split_once('=').is_some_and(|(name, value)| !name.trim().is_empty() && !value.is_empty())
    };
    let mut parameters = parameters.rsplit(';');
    let last = parameters.next().unwrap_or("");
    if !parameters.all(is_whole) || !(last.trim().is_empty() || is_whole(last)) {
        return Err(Failure::unsupported_media_type(&MEDIA_TYPES));
    }
    if essence.eq_ignore_ascii_case(JSON) {
        Ok(BodyMedia::Json)
    } else if essence.eq_ignore_ascii_case(YAML) {
        Ok(BodyMedia::Yaml)
    } else if essence.eq_ignore_ascii_case(PROTOBUF) {
        Ok(BodyMedia::Protobuf)
    } else {
        Err(Failure::unsupported_media_type(&MEDIA_TYPES))
    }
}

/// The patch language for a content type; custom resources have no strategic merge patch. 415 for any other type,
/// with one of two messages, since the route checks the type for built-in resources.
/// k8s: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/patch.go
pub fn patch_media(content_type: Option<&str>, custom: bool) -> Result<PatchMedia, Failure> {
    let content_type = content_type.unwrap_or("");
    let essence = match content_type.find(';') {
        Some(end) if end > 0 => content_type.get(..end).unwrap_or(""),
        Some(_) | None => content_type,
    };
    let served = |media: PatchMedia| !(custom && media == PatchMedia::Strategic);
    if let Some((_, media)) = PATCH_TYPES.iter().find(|(name, media)| *name == essence && served(*media)) {
        return Ok(*media);
    }
    if !custom {
        return Err(refused_by_route(Reason::UnsupportedMediaType, "415: Unsupported Media Type"));
    }
    let names: Vec<&str> =
        PATCH_TYPES.iter().filter(|(_, media)| served(*media)).map(|(name, _)| *name).collect();
    Err(Failure::unsupported_media_type(&names))
}

pub(crate) fn refused_by_route(reason: Reason, message: &str) -> Failure {
    Failure::new(reason, message).with_details(Details::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_say_what_upstream_says() {
        assert_eq!(
            patch_media(Some("application/json"), false).unwrap_err().message(),
            "415: Unsupported Media Type"
        );
        assert_eq!(
            patch_media(Some("application/strategic-merge-patch+json"), true).unwrap_err().message(),
            "the body of the request was in an unknown format - accepted media types include: \
             application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"
        );
        assert_eq!(
            patch_media(Some("application/merge-patch+json; charset=utf-8"), true),
            Ok(PatchMedia::Merge)
        );
        assert_eq!(
            body_media(Some("application/xml")).unwrap_err().message(),
            "the body of the request was in an unknown format - accepted media types include: \
             application/json, application/yaml, application/vnd.kubernetes.protobuf"
        );
        assert_eq!(body_media(Some("Application/JSON; charset=utf-8")), Ok(BodyMedia::Json));
        assert_eq!(body_media(None), Ok(BodyMedia::Json));
        assert_eq!(body_media(Some("application/json;")), Ok(BodyMedia::Json));
        assert_eq!(body_media(Some("application/json; a=b; ")), Ok(BodyMedia::Json));
        for malformed in
            ["application/json;;", "application/json; ;", "application/json;a", "application/json;a="]
        {
            assert!(body_media(Some(malformed)).is_err(), "{malformed}");
        }
    }
}

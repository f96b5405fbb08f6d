//! The answers to requests that cannot be interpreted or authorized, as upstream's filters give them: plain text.

use super::Response;
use crate::value::quoted;
use crate::wire::Request;
use crate::wire::route::Unroutable;
use alloc::format;

/// The answer to a request that cannot be interpreted. It is given before authentication.
pub(crate) fn unroutable(request: &Request, why: &Unroutable) -> Response {
    match why {
        // Go's server gives this answer to requests that it cannot parse.
        Unroutable::Undecodable => Response::text(400, "400 Bad Request"),
        Unroutable::EndsAfterVerb(path) => {
            let why = format!("unable to determine kind and namespace from url, {path}");
            internal_error(request, &format!("failed to create RequestInfo: {why}"))
        }
    }
}

/// The answer to a request that a filter could not handle.
/// k8s: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/responsewriters/errors.go InternalError
pub(crate) fn internal_error(request: &Request, why: &str) -> Response {
    let mark = if request.query.is_empty() { "" } else { "?" };
    let target = quoted(&format!("{}{mark}{}", request.path, request.query));
    let text = format!("Internal Server Error: {target}: {why}");
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    Response::text(500, text + "\n").with_header("x-content-type-options", "nosniff")
}

//! The verb of a request as metrics and logs spell it.
//! k8s: staging/src/k8s.io/apiserver/pkg/endpoints/metrics/metrics.go

use super::query::Query;
use super::route::RequestInfo;
use super::{Method, Request};
use crate::value::Text;

/// Subresources that lead to another server.
const CONNECTS: [&str; 5] = ["log", "exec", "portforward", "attach", "proxy"];

/// The verb of a request whose path and query may have any meaning: HTTP's method, with watches, lists, applies and
/// connections told apart. For logs.
pub fn normalized_verb(request: &Request) -> Text {
    let query = Query::parse(&request.query);
    let info = RequestInfo::parse(&request.method, &request.path, &query).ok();
    let scope = info.as_ref().map_or("", |info| if info.is_resource { scope(info) } else { "" });
    reported_verb(request, &query, info.as_ref(), scope).unwrap_or_else(|| request.method.word().into())
}

/// What a request for a resource is about: `resource` for one object, `namespace`, or `cluster`.
pub(crate) fn scope(info: &RequestInfo) -> &'static str {
    let names_one = !info.name.is_empty() || info.verb == "create";
    match (names_one, info.namespace.is_empty()) {
        (true, _) => "resource",
        (false, false) => "namespace",
        (false, true) => "cluster",
    }
}

/// The verb of a request of this scope, which is empty for paths that name no resource; None for a method that has no
/// verb.
pub(crate) fn reported_verb(
    request: &Request,
    query: &Query,
    info: Option<&RequestInfo>,
    scope: &str,
) -> Option<Text> {
    let (subresource, watch_prefix) =
        info.map_or(("", false), |info| (info.subresource.as_str(), info.watch_prefix));
    let watches = watch_prefix || request.method == Method::Get && query.bool("watch").unwrap_or(false);
    if CONNECTS.contains(&subresource) && !scope.is_empty() {
        return Some("CONNECT".into());
    }
    if watches {
        return Some("WATCH".into());
    }
    let word = match request.method {
        Method::Get | Method::Head if matches!(scope, "namespace" | "cluster") => "LIST",
        Method::Get | Method::Head => "GET",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Patch if request.header("content-type") == Some("application/apply-patch+yaml") => "APPLY",
        Method::Patch => "PATCH",
        Method::Delete => "DELETE",
        Method::Options | Method::Other(_) => return None,
    };
    Some(word.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Peer;
    use alloc::string::String;
    use alloc::vec::Vec;

    #[test]
    fn requests_are_told_apart() {
        let cases = [
            ("GET", "/api/v1/namespaces/a/pods", "", "LIST"),
            ("GET", "/api/v1/pods", "limit=1", "LIST"),
            ("GET", "/api/v1/pods", "watch=1", "WATCH"),
            ("GET", "/api/v1/watch/pods", "", "WATCH"),
            ("GET", "/api/v1/namespaces/a/pods/b", "", "GET"),
            ("GET", "/api/v1/namespaces/a/pods/b/log", "", "CONNECT"),
            ("POST", "/api/v1/namespaces/a/pods", "", "POST"),
            ("PATCH", "/api/v1/namespaces/a/pods/b", "", "PATCH"),
            ("DELETE", "/api/v1/namespaces/a/pods", "", "DELETE"),
            ("GET", "/version", "", "GET"),
            ("OPTIONS", "/version", "", "OPTIONS"),
            ("BREW", "/api/v1/pods", "", "BREW"),
            ("GET", "/%zz", "", "GET"),
        ];
        for (method, path, query, expected) in cases {
            let request = Request {
                method: Method::parse(method),
                path: path.into(),
                query: String::from(query),
                headers: Vec::new(),
                has_body: false,
                peer: Peer::None,
                remote_address: "".into(),
            };
            assert_eq!(normalized_verb(&request), expected, "{method} {path}?{query}");
        }
    }
}

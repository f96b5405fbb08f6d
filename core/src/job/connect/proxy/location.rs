//! Where a redirection of another server leads, for a client that has reached that server through this one.
//! k8s: staging/src/k8s.io/apimachinery/pkg/util/proxy/transport.go rewriteURL

use crate::wire::path::join;
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;

/// A URL in its parts: scheme and host may be empty, and the rest is query and fragment with their signs.
struct Parts<'a> {
    scheme: &'a str,
    host: &'a str,
    path: &'a str,
    rest: &'a str,
}

impl<'a> Parts<'a> {
    fn of(url: &'a str) -> Self {
        let end = url.find(['?', '#']).unwrap_or(url.len());
        let (before, rest) = url.split_at(end);
        let (scheme, after) = match before.split_once("://") {
            Some((scheme, after)) if !scheme.contains('/') => (scheme, Some(after)),
            Some(_) | None => ("", before.strip_prefix("//")),
        };
        let Some(after) = after else { return Self { scheme: "", host: "", path: before, rest } };
        let (host, path) = after.split_at(after.find('/').unwrap_or(after.len()));
        Self { scheme, host, path, rest }
    }
}

/// The location for the client. `server` is how the other server was reached, and `host` is how the client names this
/// one. What leads elsewhere, or is relative, stays as it is.
pub(super) fn rewritten(location: &str, server: &str, host: &str, prefix: &str) -> String {
    let Parts { scheme, host: named, path, rest } = Parts::of(location);
    let is_elsewhere = !named.is_empty() && named != server && named != host;
    if is_elsewhere || !path.starts_with('/') {
        return location.to_owned();
    }
    let origin = match named == host && !host.is_empty() {
        true if scheme.is_empty() => format!("//{host}"),
        true => format!("{scheme}://{host}"),
        false => String::new(),
    };
    if path.starts_with(prefix) {
        return format!("{origin}{path}{rest}");
    }
    let mut joined = join(&[prefix, path]);
    if path.ends_with('/') && !joined.ends_with('/') {
        joined.push('/');
    }
    format!("{origin}{joined}{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirections_within_the_other_server_lead_through_this_one() {
        let prefix = "/api/v1/namespaces/ns/pods/p/proxy";
        let cases = [
            ("/login/?a=b#c", "/api/v1/namespaces/ns/pods/p/proxy/login/?a=b#c"),
            ("http://10.0.0.9:80/x", "/api/v1/namespaces/ns/pods/p/proxy/x"),
            ("//10.0.0.9:80/x", "/api/v1/namespaces/ns/pods/p/proxy/x"),
            ("http://api:6443/x", "http://api:6443/api/v1/namespaces/ns/pods/p/proxy/x"),
            ("https://example.com/x", "https://example.com/x"),
            ("next?to=/x", "next?to=/x"),
            ("/api/v1/namespaces/ns/pods/p/proxy/x", "/api/v1/namespaces/ns/pods/p/proxy/x"),
        ];
        for (location, expected) in cases {
            assert_eq!(rewritten(location, "10.0.0.9:80", "api:6443", prefix), expected, "{location}");
        }
    }
}

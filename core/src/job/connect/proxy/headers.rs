//! The headers of a request that is passed on, and of its answer.
//! go: net/http/httputil/reverseproxy.go; k8s: staging/src/k8s.io/apiserver/pkg/endpoints/filters/authentication.go

use crate::config::Authentication;
use crate::value::Text;
use crate::wire::Request;
use alloc::string::String;
use alloc::vec::Vec;

/// Headers that concern one connection only.
const OF_THE_CONNECTION: [&str; 9] = [
    "connection",
    "proxy-connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Headers by which clients, and proxies that speak for them, say who they are. The other server must not take them for
/// this server's.
const OF_CREDENTIALS: [&str; 7] = [
    "authorization",
    "x-remote-user",
    "x-remote-uid",
    "x-remote-group",
    "impersonate-user",
    "impersonate-uid",
    "impersonate-group",
];
const PREFIXES_OF_CREDENTIALS: [&str; 2] = ["x-remote-extra-", "impersonate-extra-"];

const FORWARDED_FOR: &str = "x-forwarded-for";

/// Whether a header of an answer is about which pages may read it. This server's own rules count.
pub(super) fn is_about_origins(name: &str) -> bool {
    matches!(
        name,
        "access-control-allow-credentials"
            | "access-control-allow-headers"
            | "access-control-allow-methods"
            | "access-control-allow-origin"
    )
}

fn is_credential(name: &str, authentication: &Authentication) -> bool {
    let standard = OF_CREDENTIALS.contains(&name)
        || PREFIXES_OF_CREDENTIALS.iter().any(|prefix| name.starts_with(prefix));
    let Some(proxy) = &authentication.federation.front_proxy else { return standard };
    let is_named = |headers: &[Text]| headers.iter().any(|header| header.eq_ignore_ascii_case(name));
    let begins = |prefix: &Text| name.starts_with(&*prefix.to_ascii_lowercase());
    standard
        || is_named(&proxy.username_headers)
        || is_named(&proxy.uid_headers)
        || is_named(&proxy.group_headers)
        || proxy.extra_prefixes.iter().any(begins)
}

/// The headers of a client's request for another server.
pub(super) fn forwarded(
    request: &Request,
    authentication: &Authentication,
    is_upgrade: bool,
) -> Vec<(Text, String)> {
    let connection: Vec<String> = request
        .headers
        .iter()
        .filter(|(name, _)| name == "connection")
        .flat_map(|(_, value)| value.split(',').map(|word| word.trim().to_ascii_lowercase()))
        .collect();
    let is_dropped = |name: &str, value: &str| {
        let is_hop = OF_THE_CONNECTION.contains(&name) || connection.iter().any(|word| word == name);
        let keeps_trailers = name == "te" && value.split(',').any(|word| word.trim() == "trailers");
        is_credential(name, authentication)
            || matches!(name, "content-length" | "expect" | FORWARDED_FOR)
            || !is_upgrade && is_hop && !keeps_trailers
    };
    let mut headers: Vec<(Text, String)> =
        request.headers.iter().filter(|(name, value)| !is_dropped(name, value)).cloned().collect();
    let before = request.headers.iter().filter(|(name, _)| name == FORWARDED_FOR);
    let mut path: Vec<&str> = before.map(|(_, value)| value.as_str()).collect();
    if !request.remote_address.is_empty() {
        path.push(&request.remote_address);
    }
    if !path.is_empty() {
        headers.push((FORWARDED_FOR.into(), path.join(", ")));
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Federation, FrontProxy};
    use crate::wire::{Method, Peer};
    use alloc::format;

    fn request(headers: &[(&str, &str)]) -> Request {
        Request {
            method: Method::Get,
            path: "/".into(),
            query: "".into(),
            headers: headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            has_body: false,
            peer: Peer::None,
            remote_address: "192.0.2.7".into(),
        }
    }

    fn told(headers: &[(Text, String)]) -> Vec<String> {
        headers.iter().map(|(name, value)| format!("{name}: {value}")).collect()
    }

    #[test]
    fn who_the_client_is_and_its_connection_are_left_out() {
        let proxy = FrontProxy { username_headers: alloc::vec!["X-Who".into()], ..FrontProxy::default() };
        let federation = Federation { front_proxy: Some(proxy), ..Federation::default() };
        let authentication = Authentication { federation, ..Authentication::default() };
        let asked = request(&[
            ("host", "api"),
            ("authorization", "Bearer x"),
            ("x-remote-user", "root"),
            ("x-remote-extra-a", "b"),
            ("x-who", "root"),
            ("impersonate-group", "system:masters"),
            ("connection", "keep-alive, X-Own"),
            ("x-own", "1"),
            ("te", "trailers"),
            ("x-forwarded-for", "198.51.100.1"),
            ("accept", "*/*"),
        ]);
        let expected =
            ["host: api", "te: trailers", "accept: */*", "x-forwarded-for: 198.51.100.1, 192.0.2.7"];
        assert_eq!(told(&forwarded(&asked, &authentication, false)), expected);
    }

    #[test]
    fn a_request_for_another_protocol_keeps_what_is_about_its_connection() {
        let asked = request(&[("connection", "Upgrade"), ("upgrade", "SPDY/3.1"), ("authorization", "x")]);
        let expected = ["connection: Upgrade", "upgrade: SPDY/3.1", "x-forwarded-for: 192.0.2.7"];
        assert_eq!(told(&forwarded(&asked, &Authentication::default(), true)), expected);
    }
}

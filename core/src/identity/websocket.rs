//! A token that comes as a WebSocket subprotocol, since browsers cannot set headers on such a request.
//! k8s: staging/src/k8s.io/apiserver/pkg/authentication/request/websocket/protocol.go

use super::finding::{Credential, Presented, Remarks};
use crate::codec::base64;
use crate::wire::Request;
use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

const PREFIX: &str = "base64url.bearer.authorization.k8s.io.";

pub(super) fn find<'a>(presented: &Presented<'a>, _: &mut Remarks) -> Credential<'a> {
    let request = presented.request;
    if !is_upgrade(request) {
        return Credential::Absent;
    }
    let protocols = request.headers_named("sec-websocket-protocol").flat_map(|header| header.split(','));
    let (tokens, others): (Vec<&str>, Vec<&str>) =
        protocols.map(str::trim).partition(|protocol| protocol.starts_with(PREFIX));
    let [token] = tokens.as_slice() else {
        return match tokens.is_empty() {
            true => Credential::Absent,
            false => Credential::Malformed("multiple base64.bearer.authorization tokens specified"),
        };
    };
    let token =
        base64::decode_url(token.trim_start_matches(PREFIX)).and_then(|bytes| String::from_utf8(bytes).ok());
    match token {
        Some(token) if token.is_empty() => Credential::Absent,
        // Beside the token there must be another protocol for both sides to agree on.
        Some(token) if !others.is_empty() => Credential::Token(Cow::Owned(token)),
        Some(_) => Credential::Malformed("missing additional subprotocol"),
        None => Credential::Malformed("invalid base64.bearer.authorization token encoding"),
    }
}

fn is_upgrade(request: &Request) -> bool {
    let connection = request.header("connection").unwrap_or_default();
    request.header("upgrade").is_some_and(|word| word.eq_ignore_ascii_case("websocket"))
        && connection.split(',').any(|word| word.trim().eq_ignore_ascii_case("upgrade"))
}

//! Authentication: the caller is the subject of a client certificate, the user of a static token, or anonymous.
//! k8s: pkg/kubeapiserver/authenticator/config.go

use super::Scene;
use crate::answer::Warnings;
use crate::caller::Caller;
use crate::codec::base64;
use crate::status::Failure;
use crate::value::Text;
use crate::value::quoted;
use crate::wire::{Peer, Request, percent};
use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// The caller of a credential; None when its name is empty, since such a credential identifies no user.
fn authenticated(name: &Text, uid: &Text, groups: &[Text]) -> Option<Caller> {
    let groups = groups.iter().cloned().chain([Text::from("system:authenticated")]).collect();
    (!name.is_empty()).then(|| Caller { name: name.clone(), uid: uid.clone(), groups, extra: Vec::new() })
}

fn anonymous() -> Caller {
    Caller {
        name: "system:anonymous".into(),
        uid: Text::default(),
        groups: alloc::vec![Text::from("system:unauthenticated")],
        extra: Vec::new(),
    }
}

/// A credential that a request may carry.
enum Credential<'a> {
    Absent,
    /// The credential is there but cannot be read.
    Malformed,
    Token(Cow<'a, str>),
}

/// Authenticates the request by its first valid credential. An invalid one is an error only when no other is valid;
/// the request is not treated as anonymous then.
pub(super) fn authenticate(scene: &Scene<'_>, warnings: &mut Warnings) -> Result<Caller, Failure> {
    let request = &scene.call.request;
    let mut is_bad = false;
    match &request.peer {
        Peer::Certificate { common_name, organizations } => {
            // k8s: staging/src/k8s.io/apiserver/pkg/authentication/request/x509/x509.go CommonNameUserConversion
            if let Some(caller) = authenticated(common_name, &Text::default(), organizations) {
                return Ok(caller);
            }
        }
        Peer::Rejected(_) => is_bad = true,
        Peer::None => {}
    }
    let config = &scene.world.config.authentication;
    for credential in [bearer_token(request, warnings), websocket_token(request)] {
        let token = match credential {
            Credential::Absent => continue,
            Credential::Malformed => None,
            Credential::Token(token) => Some(token),
        };
        let known = token.and_then(|token| {
            let found = config.tokens.binary_search_by(|held| held.token.as_str().cmp(&token));
            found.ok().map(|index| &config.tokens[index])
        });
        match known.and_then(|line| authenticated(&line.user, &line.uid, &line.groups)) {
            Some(caller) => return Ok(caller),
            None => is_bad = true,
        }
    }
    if is_bad || !config.anonymous { Err(Failure::unauthorized()) } else { Ok(anonymous()) }
}

/// k8s: staging/src/k8s.io/apiserver/pkg/authentication/request/bearertoken/bearertoken.go
fn bearer_token<'a>(request: &'a Request, warnings: &mut Warnings) -> Credential<'a> {
    let mut parts = request.header("authorization").unwrap_or("").trim().splitn(3, ' ');
    let (Some(scheme), Some(token)) = (parts.next(), parts.next()) else { return Credential::Absent };
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Credential::Absent;
    }
    if token.is_empty() {
        if parts.next().is_some() {
            warnings.add(
                "the provided Authorization header contains extra space before the bearer token, and is ignored",
            );
        }
        return Credential::Absent;
    }
    Credential::Token(Cow::Borrowed(token))
}

/// Browsers cannot set headers on a WebSocket request, so a token may come as a subprotocol.
/// k8s: staging/src/k8s.io/apiserver/pkg/authentication/request/websocket/protocol.go
fn websocket_token(request: &Request) -> Credential<'_> {
    const PREFIX: &str = "base64url.bearer.authorization.k8s.io.";
    let is_upgrade = request.header("upgrade").is_some_and(|word| word.eq_ignore_ascii_case("websocket"))
        && request
            .header("connection")
            .is_some_and(|words| words.split(',').any(|word| word.trim().eq_ignore_ascii_case("upgrade")));
    if !is_upgrade {
        return Credential::Absent;
    }
    let protocols = request.headers_named("sec-websocket-protocol").flat_map(|header| header.split(','));
    let (tokens, others): (Vec<&str>, Vec<&str>) =
        protocols.map(str::trim).partition(|protocol| protocol.starts_with(PREFIX));
    let [token] = tokens.as_slice() else {
        return if tokens.is_empty() { Credential::Absent } else { Credential::Malformed };
    };
    let token =
        base64::decode_url(token.trim_start_matches(PREFIX)).and_then(|bytes| String::from_utf8(bytes).ok());
    match token {
        Some(token) if token.is_empty() => Credential::Absent,
        // Beside the token there must be another protocol for both sides to agree on.
        Some(token) if !others.is_empty() => Credential::Token(Cow::Owned(token)),
        Some(_) | None => Credential::Malformed,
    }
}

/// Impersonation is not implemented. A request that asks for it is refused, because answering it with the rights of
/// its own caller would be wrong.
/// k8s: staging/src/k8s.io/apiserver/pkg/endpoints/filters/impersonation/constrained_impersonation.go
pub(super) fn refuse_impersonation(request: &Request) -> Result<(), Failure> {
    const EXTRA: &str = "impersonate-extra-";
    let user = request.header("impersonate-user").unwrap_or("");
    if !user.is_empty() {
        return Err(Failure::not_implemented("impersonation is not implemented by this server yet"));
    }
    let uid = request.header("impersonate-uid").unwrap_or("");
    let groups: Vec<&str> = request.headers_named("impersonate-group").collect();
    let mut extra: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (name, value) in &request.headers {
        if let Some(key) = name.strip_prefix(EXTRA) {
            let key = percent::decode(key, false).map_or_else(|| key.to_string(), Cow::into_owned);
            extra.entry(key).or_default().push(value);
        }
    }
    if uid.is_empty() && groups.is_empty() && extra.is_empty() {
        return Ok(());
    }
    let list = |texts: &[&str]| {
        let texts: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
        format!("[]string{{{}}}", texts.join(", "))
    };
    let groups = if groups.is_empty() { "[]string(nil)".to_string() } else { list(&groups) };
    let members: Vec<String> =
        extra.iter().map(|(key, values)| format!("{}:{}", quoted(key), list(values))).collect();
    let extra = if extra.is_empty() { "(nil)".to_string() } else { format!("{{{}}}", members.join(", ")) };
    Err(Failure::bad_request(format!(
        "requested &user.DefaultInfo{{Name:\"\", UID:{}, Groups:{groups}, Extra:map[string][]string{extra}}} without \
         impersonating a user name",
        quoted(uid)
    )))
}

//! Authentication: the caller is the subject of a client certificate, the user of a static token, or anonymous.
//! k8s: pkg/kubeapiserver/authenticator/config.go

use crate::caller::Caller;
use crate::codec::base64;
use crate::config::Authentication;
use crate::status::Failure;
use crate::value::Text;
use crate::wire::{Peer, Request};
use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

/// The key under which a caller's extra holds the name of the credential.
/// k8s: staging/src/k8s.io/apiserver/pkg/authentication/user/user.go CredentialIDKey
const CREDENTIAL_ID: &str = "authentication.kubernetes.io/credential-id";

/// What authentication comes to.
#[derive(Debug)]
pub(crate) struct Authenticated {
    pub(crate) caller: Result<Caller, Failure>,
    /// A warning for the client, whether or not it is let in; empty for none.
    pub(crate) warning: &'static str,
}

/// The caller of a credential; None when its name is empty, since such a credential identifies no user.
fn known(name: &Text, uid: &Text, groups: &[Text], extra: Vec<(Text, Vec<Text>)>) -> Option<Caller> {
    let groups = groups.iter().cloned().chain([Text::from("system:authenticated")]).collect();
    (!name.is_empty()).then(|| Caller { name: name.clone(), uid: uid.clone(), groups, extra })
}

/// The name of a certificate as a credential.
/// k8s: staging/src/k8s.io/apiserver/pkg/authentication/request/x509/x509.go getCredentialID
fn credential_id(fingerprint: &[u8; 32]) -> Vec<(Text, Vec<Text>)> {
    let mut id = String::from("X509SHA256=");
    for byte in fingerprint {
        write!(id, "{byte:02x}").expect("writing to a string");
    }
    alloc::vec![(CREDENTIAL_ID.into(), alloc::vec![id.into()])]
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

/// Authenticates a request.
pub(crate) fn authenticate(config: &Authentication, request: &Request) -> Authenticated {
    let mut warning = "";
    let caller = caller(config, request, &mut warning);
    Authenticated { caller, warning }
}

/// The caller by the request's first valid credential. An invalid one is an error only when no other is valid; the
/// request is not treated as anonymous then.
fn caller(config: &Authentication, request: &Request, warning: &mut &'static str) -> Result<Caller, Failure> {
    let mut is_bad = false;
    match &request.peer {
        Peer::Certificate { common_name, organizations, fingerprint } => {
            // k8s: staging/src/k8s.io/apiserver/pkg/authentication/request/x509/x509.go CommonNameUserConversion
            let extra = fingerprint.as_ref().map(credential_id).unwrap_or_default();
            if let Some(caller) = known(common_name, &Text::default(), organizations, extra) {
                return Ok(caller);
            }
        }
        Peer::Rejected(_) => is_bad = true,
        Peer::None => {}
    }
    for credential in [bearer_token(request, warning), websocket_token(request)] {
        let token = match credential {
            Credential::Absent => continue,
            Credential::Malformed => None,
            Credential::Token(token) => Some(token),
        };
        let line = token.and_then(|token| {
            let found = config.tokens.binary_search_by(|held| held.token.as_str().cmp(&token));
            found.ok().map(|index| &config.tokens[index])
        });
        match line.and_then(|line| known(&line.user, &line.uid, &line.groups, Vec::new())) {
            Some(caller) => return Ok(caller),
            None => is_bad = true,
        }
    }
    if is_bad || !config.anonymous { Err(Failure::unauthorized()) } else { Ok(anonymous()) }
}

/// k8s: staging/src/k8s.io/apiserver/pkg/authentication/request/bearertoken/bearertoken.go
fn bearer_token<'a>(request: &'a Request, warning: &mut &'static str) -> Credential<'a> {
    let mut parts = request.header("authorization").unwrap_or("").trim().splitn(3, ' ');
    let (Some(scheme), Some(token)) = (parts.next(), parts.next()) else { return Credential::Absent };
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Credential::Absent;
    }
    if token.is_empty() {
        if parts.next().is_some() {
            *warning = "the provided Authorization header contains extra space before the bearer token, and is ignored";
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

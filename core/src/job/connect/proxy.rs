//! A request that is passed on to another server as it is, and the answer of that server to the client.
//! k8s: staging/src/k8s.io/apimachinery/pkg/util/proxy/{upgradeaware,transport}.go, go: net/http/httputil/reverseproxy.go

mod headers;
mod location;

use super::super::Scene;
use super::Phase;
use crate::answer::{ADDRESS_NOT_ALLOWED, Dial, DialGoal, Response, asks_for_upgrade};
use crate::authorization::Target;
use crate::kinds::{Sub, SubKind};
use crate::limits;
use crate::status::Failure;
use crate::value::{Text, quoted};
use crate::wire::path::{join, join_with_last_slash};
use crate::wire::percent::encode_path;
use crate::wire::{CallError, CallOutcome, Method, Outcall, Request, Trust};
use crate::world::World;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;

/// A scheme that a request can name for the server that it is passed on to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::job) enum ProxyScheme {
    Unnamed,
    Http,
    Https,
}

/// `name`, `name:port` or `scheme:name:port`, as requests name pods, nodes and services that they are passed on to.
/// k8s: staging/src/k8s.io/apimachinery/pkg/util/net/port_split.go
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SchemeNamePort {
    pub(super) scheme: ProxyScheme,
    pub(super) name: String,
    /// Empty if none is named.
    pub(super) port: String,
}

impl SchemeNamePort {
    fn parse(id: &str) -> Option<Self> {
        let parts: Vec<&str> = id.split(':').collect();
        let (scheme, name, port) = match parts[..] {
            [name] => ("", name, ""),
            [name, port] => ("", name, port),
            [scheme, name, port] => (scheme, name, port),
            _ => return None,
        };
        let scheme = match scheme {
            "" => ProxyScheme::Unnamed,
            "http" => ProxyScheme::Http,
            "https" => ProxyScheme::Https,
            _ => return None,
        };
        (!name.is_empty()).then(|| Self { scheme, name: name.into(), port: port.into() })
    }
}

/// A port that is named by its number, or the usual one of the scheme; why there is none.
/// go: net LookupPort, without the names of services
pub(super) fn port_number(port: &str, scheme: ProxyScheme) -> Result<u16, String> {
    match (port, scheme) {
        ("", ProxyScheme::Https) => Ok(443),
        ("", ProxyScheme::Http | ProxyScheme::Unnamed) => Ok(80),
        (given, _) => given.parse::<u16>().map_err(|_| {
            let is_number = given.bytes().all(|byte| byte.is_ascii_digit());
            let why = if is_number {
                format!("address {given}: invalid port")
            } else {
                format!("lookup tcp/{given}: unknown port")
            };
            format!("error trying to reach service: dial tcp: {why}")
        }),
    }
}

/// Whether the requests of a subresource may be of any method, HEAD and OPTIONS among them.
pub(in crate::job) fn accepts_any_method(sub: &Sub) -> bool {
    sub.action == SubKind::Connect && sub.name == "proxy"
}

/// The server that a request is passed on to.
#[derive(Debug)]
pub(in crate::job) struct Forwarding {
    /// Without the request: whom to connect to, and whom to trust.
    pub(in crate::job) call: Outcall,
    pub(in crate::job) is_plain: bool,
    pub(in crate::job) is_global: bool,
}

impl Forwarding {
    /// A server that is believed whoever it is.
    pub(in crate::job) fn to_any(host: &str, port: u16, scheme: ProxyScheme) -> Self {
        let trust = Trust { anybody: true, server_name: host.into(), ..Trust::default() };
        let is_plain = scheme != ProxyScheme::Https;
        Self { call: empty_call(host, port, trust), is_plain, is_global: false }
    }
}

/// A call that asks for nothing yet.
pub(in crate::job) fn empty_call(host: &str, port: u16, trust: Trust) -> Outcall {
    Outcall {
        host: host.into(),
        port,
        trust,
        method: Method::Get,
        target: String::new(),
        headers: Vec::new(),
        body: Bytes::new(),
        timeout_millis: 0,
        attempts: 1,
        answer_bytes_max: limits::CALL_ANSWER_BYTES,
    }
}

/// A request for a pod, a node or a service that is passed on.
#[derive(Debug)]
pub(super) struct ProxyRequest {
    pub(super) at: SchemeNamePort,
    /// The path at the other server, percent-decoded; empty, or with a slash before it.
    path: String,
}

/// Why a request could not be passed on.
pub(in crate::job) enum NotPassedOn {
    /// The server must not be connected to.
    Forbidden(String),
    Other(String),
}

impl ProxyRequest {
    /// `path` is that at the other server.
    ///
    /// # Errors
    /// 400 when the name in the path of the request is none.
    pub(super) fn of(target: &Target, path: &str) -> Result<Self, Failure> {
        let singular = &target.resource().singular;
        let invalid = || {
            let name = quoted(target.name());
            Failure::bad_request(format!("invalid {singular} request {name}"))
        };
        let at = SchemeNamePort::parse(target.name()).ok_or_else(invalid)?;
        let path = match path {
            "" => String::new(),
            path if path.starts_with('/') => path.into(),
            path => format!("/{path}"),
        };
        Ok(Self { at, path: join_with_last_slash(&["", &path]) })
    }

    /// What has to be read first.
    pub(super) fn first_phase(&self, target: &Target) -> Phase {
        match &*target.resource().plural {
            "pods" => Phase::Pod,
            "nodes" => Phase::Node { container: Text::default() },
            _ => match self.at.port.parse::<i64>() {
                Ok(port) => Phase::Service { port },
                Err(_) => Phase::Endpoints { port: self.at.port.clone() },
            },
        }
    }

    /// The answer to a request for the root of a server without a slash: links of its page would lead astray.
    pub(super) fn redirection(&self, scene: &Scene<'_>) -> Option<Response> {
        let request = &scene.call.request;
        let is_read = matches!(request.method, Method::Get | Method::Head);
        if !is_read || !self.path.is_empty() || asks_for_upgrade(request) {
            return None;
        }
        let path = scene.call.info.as_ref().map_or("", |info| info.path.as_str());
        let query = if request.query.is_empty() { String::new() } else { format!("?{}", request.query) };
        Some(Response::empty(301).with_header("location", format!("{path}/{query}")))
    }

    /// The call that passes the request on.
    pub(super) fn dial(&self, scene: &Scene<'_>, target: &Target, to: Forwarding) -> Dial {
        let request = &scene.call.request;
        let Forwarding { mut call, is_plain, is_global } = to;
        let is_upgrade = asks_for_upgrade(request);
        carry(&mut call, request, scene.world, is_upgrade);
        call.body = Bytes::copy_from_slice(scene.body);
        call.target = encode_path(if self.path.is_empty() { "/" } else { &self.path });
        let goal = if is_upgrade { DialGoal::Tunnel } else { DialGoal::Relay };
        if !is_upgrade {
            if !request.query.is_empty() {
                call.target = format!("{}?{}", call.target, request.query);
            }
            call.headers.push(("x-forwarded-uri".into(), self.forwarded_uri(scene)));
        }
        let dial = Dial::of_target(target, goal, call).plain(is_plain);
        if is_global { dial.global() } else { dial }
    }

    /// The path of the request up to where that at the other server begins.
    fn prefix<'a>(&self, scene: &'a Scene<'_>) -> &'a str {
        let path = scene.call.info.as_ref().map_or("", |info| info.path.as_str());
        path.strip_suffix(self.path.as_str()).unwrap_or(path)
    }

    fn forwarded_uri(&self, scene: &Scene<'_>) -> String {
        forwarded_uri(self.prefix(scene), &self.path)
    }

    /// The answer of the other server for the client.
    pub(super) fn answer(
        &self,
        scene: &Scene<'_>,
        dial: &Dial,
        outcome: CallOutcome,
    ) -> Result<Response, NotPassedOn> {
        relayed(&scene.call.request, self.prefix(scene), dial, outcome)
    }
}

/// What the other server is told about the path that the client has asked for.
pub(in crate::job) fn forwarded_uri(prefix: &str, path: &str) -> String {
    let mut uri = join(&[prefix, &encode_path(path)]);
    if path.ends_with('/') && !uri.ends_with('/') {
        uri.push('/');
    }
    uri
}

/// Gives a call the method and the headers of a client's request, but for those that say who the client is and, unless
/// it asks for another protocol, those that are about its connection.
pub(in crate::job) fn carry(call: &mut Outcall, request: &Request, world: &World, is_upgrade: bool) {
    call.method = request.method.clone();
    call.timeout_millis = world.config.request_timeout_millis;
    call.headers = headers::forwarded(request, &world.config.authentication, is_upgrade);
}

/// The answer of the other server for the client: links to itself lead through this server, below the prefix.
pub(in crate::job) fn relayed(
    request: &Request,
    prefix: &str,
    dial: &Dial,
    outcome: CallOutcome,
) -> Result<Response, NotPassedOn> {
    let called = match outcome {
        Ok(called) if called.status >= 200 => called,
        Ok(_) => {
            let why = "error trying to reach service: the server switched protocols without being asked to";
            return Err(NotPassedOn::Other(why.into()));
        }
        Err(CallError::Refused(why)) if why == ADDRESS_NOT_ALLOWED => {
            return Err(NotPassedOn::Forbidden(ADDRESS_NOT_ALLOWED.into()));
        }
        Err(error) => {
            let why = format!("error trying to reach service: {}", dial.dial_error(&error));
            return Err(NotPassedOn::Other(why));
        }
    };
    let host = request.header("host").unwrap_or_default();
    let mut headers = called.headers;
    headers.retain(|(name, _)| !headers::is_about_origins(name));
    for (name, value) in &mut headers {
        if name == "location" {
            *value = location::rewritten(value, &dial.call().authority(), host, prefix);
        }
    }
    Ok(Dial::relayed(called.status, headers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_have_a_scheme_and_a_port() {
        let cases = [
            ("p", Some((ProxyScheme::Unnamed, "p", ""))),
            ("p:80", Some((ProxyScheme::Unnamed, "p", "80"))),
            ("https:p:", Some((ProxyScheme::Https, "p", ""))),
            (":p:http", Some((ProxyScheme::Unnamed, "p", "http"))),
            ("ftp:p:1", None),
            ("http::1", None),
            ("", None),
            ("a:b:c:d", None),
        ];
        for (id, expected) in cases {
            let parsed = SchemeNamePort::parse(id);
            let found = parsed.as_ref().map(|at| (at.scheme, at.name.as_str(), at.port.as_str()));
            assert_eq!(found, expected, "{id}");
        }
        assert_eq!(port_number("", ProxyScheme::Https), Ok(443));
        assert_eq!(port_number("", ProxyScheme::Unnamed), Ok(80));
        assert_eq!(port_number("8080", ProxyScheme::Http), Ok(8080));
        let unknown = "error trying to reach service: dial tcp: lookup tcp/web: unknown port";
        assert_eq!(port_number("web", ProxyScheme::Http), Err(unknown.into()));
    }
}

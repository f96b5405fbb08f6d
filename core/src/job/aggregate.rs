//! Requests for a group and version that another server serves: they are passed on to it, after authentication and
//! authorization, and say who makes them.
//! k8s: staging/src/k8s.io/kube-aggregator/pkg/apiserver/handler_proxy.go,
//! staging/src/k8s.io/client-go/transport/round_trippers.go SetAuthProxyHeaders

use super::connect::proxy::{self, NotPassedOn};
use super::{Answer, Ask, Next, Scene, State, fail};
use crate::answer::{Dial, DialGoal, Response, asks_for_upgrade};
use crate::authorization::Permit;
use crate::caller::Caller;
use crate::limits;
use crate::status::Failure;
use crate::value::Text;
use crate::wire::percent::{encode_path, encode_query};
use crate::wire::route::RequestInfo;
use crate::world::indexes::{RemoteApi, RemoteApis};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The state of such a request: the call that passes it on.
#[derive(Debug)]
pub(crate) struct Aggregate {
    dial: Dial,
}

/// The server that serves a path, if it is another one.
pub(super) fn server<'a>(scene: &Scene<'a>, info: &RequestInfo) -> Option<&'a Arc<RemoteApi>> {
    let apis = scene.world.indexes().remote_apis();
    if apis.is_empty() {
        return None;
    }
    let mut segments = info.path.strip_prefix('/')?.split('/');
    match segments.next()? {
        "api" => apis.get("", "v1"),
        "apis" => below_groups(apis, segments),
        // The document of the group and version, which only its server has.
        "openapi" if segments.next() == Some("v3") && segments.next() == Some("apis") => {
            let api = below_groups(apis, segments)?;
            let heard = scene.world.heard_apis.get(&api.name)?;
            (!heard.openapi_location.is_empty()).then_some(api)
        }
        _ => None,
    }
}

/// The server of the group and version with which the rest of a path begins.
fn below_groups<'a, 's>(
    apis: &'a RemoteApis,
    mut segments: impl Iterator<Item = &'s str>,
) -> Option<&'a Arc<RemoteApi>> {
    apis.get(segments.next().filter(|group| !group.is_empty())?, segments.next()?)
}

/// Passes a request on that is allowed.
pub(super) fn begin(
    scene: &Scene<'_>,
    info: &RequestInfo,
    permit: &Permit<'_>,
    api: &RemoteApi,
) -> Result<Next, Failure> {
    let request = &scene.call.request;
    let reached = api.reached(scene.world, scene.call.rng.fork("endpoint", 0));
    let (true, Ok(mut call)) = (api.is_available, reached) else {
        return Ok(Next::Done(plain(503, "service unavailable")));
    };
    let is_upgrade = asks_for_upgrade(request);
    proxy::carry(&mut call, request, scene.world, is_upgrade);
    if is_discovery(info) {
        call.timeout_millis = call.timeout_millis.min(limits::AGGREGATED_DISCOVERY_MILLIS);
    }
    let path = encode_path(&info.path);
    let mut pairs: Vec<(&str, &str)> =
        scene.call.query.pairs().iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    pairs.sort_by_key(|(name, _)| *name);
    call.target = if pairs.is_empty() { path } else { format!("{path}?{}", encode_query(pairs)) };
    let server = call.authority();
    call.headers.retain(|(name, _)| name != "host" && !name.starts_with("x-forwarded-host"));
    call.headers.extend(who(scene.caller));
    if !is_upgrade {
        call.headers.push(("x-forwarded-uri".into(), proxy::forwarded_uri("", &info.path)));
        call.headers.push(("x-forwarded-host".into(), server));
        call.headers.push(("x-forwarded-proto".into(), "https".into()));
    }
    let goal = if is_upgrade { DialGoal::Tunnel } else { DialGoal::Relay };
    let aggregate = Aggregate { dial: Dial::of_permit(permit, goal, call) };
    if request.has_body {
        return Ok(Next::Wait(State::Aggregate(Box::new(aggregate)), Ask::Body));
    }
    Ok(aggregate.dial())
}

/// The documents that clients read to find out what a server serves should be quick.
/// k8s: staging/src/k8s.io/apiserver/pkg/util/proxy/proxy.go NewRequestForProxy
fn is_discovery(info: &RequestInfo) -> bool {
    !info.is_resource && info.path.trim_matches('/').split('/').count() == 3
}

/// Plain text as Go's servers send it with an error.
/// go: net/http Error
fn plain(status: u16, text: &str) -> Response {
    Response::text(status, format!("{text}\n")).with_header("x-content-type-options", "nosniff")
}

/// Headers that say who makes a request.
pub(crate) fn who(caller: &Caller) -> Vec<(Text, String)> {
    let mut headers: Vec<(Text, String)> = Vec::new();
    headers.push(("x-remote-user".into(), caller.name.as_str().into()));
    if !caller.uid.is_empty() {
        headers.push(("x-remote-uid".into(), caller.uid.as_str().into()));
    }
    for group in &caller.groups {
        headers.push(("x-remote-group".into(), group.as_str().into()));
    }
    for (key, values) in &caller.extra {
        let name = Text::from(format!("x-remote-extra-{}", escaped_key(key)));
        headers.extend(values.iter().map(|value| (name.clone(), String::from(value.as_str()))));
    }
    headers
}

/// A key as a part of a header's name.
/// k8s: staging/src/k8s.io/client-go/transport/round_trippers.go headerKeyEscape
fn escaped_key(key: &str) -> String {
    const LEGAL: &[u8] = b"!#$&'*+-.^_`|~";
    let mut out = String::with_capacity(key.len());
    for byte in key.bytes() {
        if byte.is_ascii_alphanumeric() || LEGAL.contains(&byte) {
            out.push(char::from(byte.to_ascii_lowercase()));
        } else {
            out.push_str(&format!("%{byte:02x}"));
        }
    }
    out
}

impl Aggregate {
    fn dial(self) -> Next {
        let ask = Ask::Dial(Box::new(self.dial.clone()));
        Next::Wait(State::Aggregate(Box::new(self)), ask)
    }

    pub(super) fn step(self, scene: &Scene<'_>, answer: Answer) -> Result<Next, Failure> {
        match answer {
            Answer::Body(Ok(body)) => Ok(Self { dial: self.dial.with_body(body) }.dial()),
            Answer::Body(Err(error)) => Err(fail::body_failure(&error)),
            Answer::Called(outcomes) => {
                let outcome = outcomes.into_iter().next().ok_or_else(fail::misfit)?;
                if self.dial.goal() == DialGoal::Tunnel {
                    let answered = self.dial.answered(outcome);
                    return Ok(Next::Done(answered.unwrap_or_else(|failure| plain(503, failure.message()))));
                }
                let redirects = outcome.as_ref().is_ok_and(|called| {
                    (300..400).contains(&called.status)
                        && called.headers.iter().any(|(name, _)| name == "location")
                });
                if redirects {
                    let text = "the backend attempted to redirect this request, which is not permitted";
                    return Ok(Next::Done(Response::text(502, text)));
                }
                let response = proxy::relayed(&scene.call.request, "", &self.dial, outcome);
                Ok(Next::Done(response.unwrap_or_else(|why| match why {
                    NotPassedOn::Forbidden(why) | NotPassedOn::Other(why) => plain(503, &why),
                })))
            }
            Answer::Begin
            | Answer::Seated
            | Answer::Stored(_)
            | Answer::Signed(_)
            | Answer::Verified(_)
            | Answer::Turn
            | Answer::Taken(_)
            | Answer::Fresh
            | Answer::Stale => Err(fail::misfit()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn a_caller_is_named_in_headers() {
        let caller = Caller {
            name: "alice".into(),
            uid: "7".into(),
            groups: vec!["a".into(), "b c".into()],
            extra: vec![("example.com/Role%x".into(), vec!["1".into(), "2".into()])],
        };
        let told: Vec<String> = who(&caller).iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let expected = [
            "x-remote-user: alice",
            "x-remote-uid: 7",
            "x-remote-group: a",
            "x-remote-group: b c",
            "x-remote-extra-example.com%2frole%25x: 1",
            "x-remote-extra-example.com%2frole%25x: 2",
        ];
        assert_eq!(told, expected);
    }
}

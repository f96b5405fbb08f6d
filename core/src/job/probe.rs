//! Jobs that no client can start: one makes calls to other servers and tells what came of them, the other becomes a
//! tunnel. They are the first users of calls and tunnels, for the simulator and for tests, before webhooks and exec are
//! theirs.

use super::{Answer, Ask, Next, Scene, State, fail};
use crate::answer::{Dial, Response};
use crate::authorization::{self, Attributes, Decision};
use crate::kinds::Verb;
use crate::status::Failure;
use crate::value::Text;
use crate::wire::{CallError, CallOutcome, Method, Outcall, Peer, Request};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

/// What a probe is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeTask {
    /// Make these calls, and answer with what came of them, a line for each (`told`).
    Calls(Vec<Outcall>),
    /// Become a tunnel to the server that this call reaches. The probe's own request has the headers of the call.
    Tunnel(Box<Outcall>),
}

/// The object that the tunnel of a probe is permitted for.
const TUNNEL_PATH: &str = "/api/v1/namespaces/default/pods/probe/exec";

/// The state of a probe.
#[derive(Debug)]
pub(crate) enum ProbeState {
    Begin(ProbeTask),
    /// Its calls are being made.
    Made,
    /// The server is being dialed.
    Dialed(Box<Dial>),
}

impl ProbeTask {
    /// The request that a probe stands for.
    pub(crate) fn request(&self) -> Request {
        let (path, headers) = match self {
            Self::Calls(_) => ("/probe", Vec::new()),
            Self::Tunnel(call) => (TUNNEL_PATH, call.headers.clone()),
        };
        Request {
            method: Method::Post,
            path: path.into(),
            query: String::new(),
            headers,
            has_body: false,
            peer: Peer::None,
            remote_address: Text::default(),
        }
    }
}

impl ProbeState {
    pub(super) fn step(self, scene: &Scene<'_>, answer: Answer) -> Result<Next, Failure> {
        match (self, answer) {
            (Self::Begin(ProbeTask::Calls(calls)), Answer::Begin) => {
                Ok(Next::Wait(State::Probe(Self::Made), Ask::Calls(calls)))
            }
            (Self::Made, Answer::Called(outcomes)) => Ok(Next::Done(Response::text(200, told(&outcomes)))),
            (Self::Begin(ProbeTask::Tunnel(call)), Answer::Begin) => dial(scene, *call),
            (Self::Dialed(dial), Answer::Called(outcomes)) => {
                let outcome = outcomes.into_iter().next().ok_or_else(fail::misfit)?;
                Ok(Next::Done(dial.answered(outcome)?))
            }
            (Self::Begin(_) | Self::Made | Self::Dialed(_), _) => Err(fail::misfit()),
        }
    }
}

/// Asks whether the probe may open a tunnel to a pod, and dials.
fn dial(scene: &Scene<'_>, call: Outcall) -> Result<Next, Failure> {
    let Ok(info) = &scene.call.info else { return Err(Failure::no_such_resource()) };
    let attributes = Attributes::of_request(info, scene.caller);
    let Decision::Allowed(permit) = authorization::decide(scene.world, attributes) else {
        return Err(attributes.forbidden(""));
    };
    let found = scene.world.registry.find(&info.group, &info.version, &info.resource);
    let resource = found.ok_or_else(Failure::no_such_resource)?;
    let sub = resource.subs.iter().find(|sub| sub.name == info.subresource);
    let target = permit.target(resource, sub, Verb::Create, &info.name);
    let dial = Box::new(Dial::new(&target, &scene.call.request, call)?);
    Ok(Next::Wait(State::Probe(ProbeState::Dialed(dial.clone())), Ask::Dial(dial)))
}

/// A line for each outcome, in the order of the calls.
pub fn told(outcomes: &[CallOutcome]) -> String {
    let mut out = String::new();
    for outcome in outcomes {
        match outcome {
            Ok(called) => writeln!(out, "{} {}", called.status, called.body.len()),
            Err(CallError::TimedOut) => writeln!(out, "timed-out"),
            Err(CallError::Refused(why)) => writeln!(out, "refused {why}"),
            Err(CallError::Untrusted(why)) => writeln!(out, "untrusted {why}"),
            Err(CallError::TooLarge) => writeln!(out, "too-large"),
            Err(CallError::Malformed(why)) => writeln!(out, "malformed {why}"),
            Err(CallError::NoRoom) => writeln!(out, "no-room"),
        }
        .expect("writing to a string");
    }
    out
}

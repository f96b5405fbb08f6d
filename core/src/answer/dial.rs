//! A connection to another server on behalf of a client: its answer is passed on while it arrives, or, when it switches
//! protocols, the client is joined with it. From then on nobody looks at what goes through.
//! k8s: staging/src/k8s.io/apimachinery/pkg/util/proxy/upgradeaware.go

use super::{Body, Response};
use crate::authorization::{Permit, Target};
use crate::status::Failure;
use crate::value::Text;
use crate::wire::{CallError, CallOutcome, Outcall, Request};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;

/// A call on behalf of a client, whose connection is kept as long as the client is answered from it. Only what a permit
/// has given out leads to one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dial {
    call: Outcall,
    goal: DialGoal,
    /// The call is made without TLS, whatever it trusts.
    is_plain: bool,
    /// Of addresses that are no global unicast ones, such as those of this machine, none is connected to; the call is
    /// then refused with `ADDRESS_NOT_ALLOWED`.
    is_global: bool,
}

/// Why a call that may only reach global unicast addresses is refused.
pub const ADDRESS_NOT_ALLOWED: &str = "address not allowed";

/// What is wanted of the server that is dialed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialGoal {
    /// It is to switch protocols, and the client is then joined with it (`Body::Tunnel`). Any other answer is read
    /// whole.
    Tunnel,
    /// The body of its answer is passed on while it arrives (`Body::Relay`).
    Relay,
    /// As `Relay`; but of an answer whose status is not one of 200 to 206, the beginning of the body is read, as far as
    /// the call allows.
    Download,
}

/// The body of an answer after which the connection is joined with that of the server that was dialed. Only an answer
/// of that server leads to one.
#[derive(Clone, Debug)]
pub struct Tunnel(());

/// The body of the answer of a server that was dialed, which is still arriving. Only an answer of that server leads to
/// one.
#[derive(Clone, Debug)]
pub struct Relay(());

const SWITCHING_PROTOCOLS: u16 = 101;

/// Headers of an answer that are about its connection. This server writes its own.
const OF_THE_CONNECTION: [&str; 5] =
    ["connection", "content-length", "date", "keep-alive", "transfer-encoding"];

/// Those that are left out of an answer that is passed on, whose length is that of the other server's.
const OF_THE_OTHER_CONNECTION: [&str; 10] = [
    "connection",
    "date",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

impl Dial {
    /// The call for a request that may do this to the target. The other server is to switch protocols.
    ///
    /// # Errors
    /// 400 when the request asks for no other protocol. Over HTTP/2, which cannot switch, none does.
    pub(crate) fn new(_: &Target, request: &Request, call: Outcall) -> Result<Self, Failure> {
        if !asks_for_upgrade(request) {
            return Err(Failure::bad_request("Upgrade request required"));
        }
        Ok(Self { call, goal: DialGoal::Tunnel, is_plain: false, is_global: false })
    }

    /// A call for a request that may do this to the target.
    pub(crate) fn of_target(_: &Target, goal: DialGoal, call: Outcall) -> Self {
        Self { call, goal, is_plain: false, is_global: false }
    }

    /// A call for a request that is allowed as it is.
    pub(crate) fn of_permit(_: &Permit<'_>, goal: DialGoal, call: Outcall) -> Self {
        Self { call, goal, is_plain: false, is_global: false }
    }

    /// The same call with a body.
    #[must_use]
    pub(crate) fn with_body(mut self, body: Bytes) -> Self {
        self.call.body = body;
        self
    }

    /// The same call without TLS.
    #[must_use]
    pub(crate) fn plain(self, is_plain: bool) -> Self {
        Self { is_plain, ..self }
    }

    /// The same call, to global unicast addresses only.
    #[must_use]
    pub(crate) fn global(self) -> Self {
        Self { is_global: true, ..self }
    }

    pub fn call(&self) -> &Outcall {
        &self.call
    }

    pub fn goal(&self) -> DialGoal {
        self.goal
    }

    /// Whether the call is made without TLS.
    pub fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// Whether only global unicast addresses may be connected to.
    pub fn is_global(&self) -> bool {
        self.is_global
    }

    /// The answer to a client that wants to switch protocols: the tunnel with the answer of the other server before it,
    /// or that server's error.
    ///
    /// # Errors
    /// 500 when there was no answer, or one that neither switches protocols nor is an error.
    pub(crate) fn answered(&self, outcome: CallOutcome) -> Result<Response, Failure> {
        let called = outcome.map_err(|error| Failure::unclassified(self.told(&error)))?;
        match called.status {
            SWITCHING_PROTOCOLS => Ok(Response {
                status: SWITCHING_PROTOCOLS,
                headers: called.headers,
                body: Body::Tunnel(Tunnel(())),
            }),
            400..=599 => {
                let mut headers = called.headers;
                headers.retain(|(name, _)| !OF_THE_CONNECTION.contains(&name.as_str()));
                let response = Response { status: called.status, headers, body: Body::Full(called.body) };
                Ok(response.with_header("connection", "close"))
            }
            other => Err(Failure::unclassified(format!("invalid upgrade response: status code {other}"))),
        }
    }

    /// The answer that passes on what the other server answers, with these headers.
    pub(crate) fn relayed(status: u16, mut headers: Vec<(Text, String)>) -> Response {
        headers.retain(|(name, _)| !OF_THE_OTHER_CONNECTION.contains(&name.as_str()));
        Response { status, headers, body: Body::Relay(Relay(())) }
    }

    fn told(&self, error: &CallError) -> String {
        format!("error dialing backend: {}", self.dial_error(error))
    }

    /// Why there is no answer, as Go tells it.
    pub(crate) fn dial_error(&self, error: &CallError) -> String {
        let why: &str = match error {
            CallError::TimedOut => "i/o timeout",
            CallError::NoRoom => "too many connections are being made",
            CallError::TooLarge => "the answer is too large",
            // These are whole sentences.
            CallError::Refused(why) | CallError::Untrusted(why) | CallError::Malformed(why) => {
                return String::from(why.as_str());
            }
        };
        format!("dial tcp {}: {why}", self.call.authority())
    }
}

/// Whether a request asks for another protocol.
/// k8s: staging/src/k8s.io/streaming/pkg/httpstream/httpstream.go IsUpgradeRequest
pub(crate) fn asks_for_upgrade(request: &Request) -> bool {
    let connections = request.headers.iter().filter(|(name, _)| name == "connection");
    connections.into_iter().any(|(_, value)| value.to_ascii_lowercase().contains("upgrade"))
}

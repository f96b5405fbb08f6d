//! A connection that becomes a tunnel: another server is asked to switch protocols, and if it does, the client is
//! joined with it. From then on nobody looks at what goes through.
//! k8s: staging/src/k8s.io/apimachinery/pkg/util/proxy/upgradeaware.go

use super::{Body, Response};
use crate::authorization::Target;
use crate::status::Failure;
use crate::wire::{CallError, CallOutcome, Outcall, Request};
use alloc::format;
use alloc::string::String;

/// A call that asks another server to switch protocols. When it does, its connection is kept for the client. Only what
/// a permit has given out leads to one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dial {
    call: Outcall,
}

/// The body of an answer after which the connection is joined with that of the server that was dialed. Only an answer
/// of that server leads to one.
#[derive(Clone, Debug)]
pub struct Tunnel(());

const SWITCHING_PROTOCOLS: u16 = 101;

/// Headers of an answer that are about its connection. This server writes its own.
const OF_THE_CONNECTION: [&str; 5] =
    ["connection", "content-length", "date", "keep-alive", "transfer-encoding"];

impl Dial {
    /// The call for a request that may do this to the target.
    ///
    /// # Errors
    /// 400 when the request asks for no other protocol. Over HTTP/2, which cannot switch, none does.
    pub(crate) fn new(_: &Target, request: &Request, call: Outcall) -> Result<Self, Failure> {
        let wanted = request.header("connection").unwrap_or_default().to_ascii_lowercase();
        if !wanted.contains("upgrade") {
            return Err(Failure::bad_request("Upgrade request required"));
        }
        Ok(Self { call })
    }

    pub fn call(&self) -> &Outcall {
        &self.call
    }

    /// The answer to the client: the tunnel with the answer of the other server before it, or that server's error.
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

    fn told(&self, error: &CallError) -> String {
        let why: &str = match error {
            CallError::TimedOut => "i/o timeout",
            CallError::NoRoom => "too many connections are being made",
            CallError::TooLarge => "the answer is too large",
            CallError::Refused(why) | CallError::Untrusted(why) | CallError::Malformed(why) => why,
        };
        format!("error dialing backend: dial tcp {}:{}: {why}", self.call.host, self.call.port)
    }
}

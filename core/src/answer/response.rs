//! A response: status, headers, and a body that shares the cache's bytes instead of copying them.

use super::InitialEvents;
use super::ListBody;
use super::Relay;
use super::Tunnel;
use crate::limits;
use crate::value::Text;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;

/// A header: lower-case name and value.
pub type Header = (Text, String);

/// The body of a response.
#[derive(Clone, Debug)]
pub enum Body {
    Empty,
    Full(Bytes),
    /// A list, rendered chunk by chunk as the client reads it.
    List(ListBody),
    /// The text of a health check. The shell counts the results.
    Health(Bytes, HealthResults),
    /// These metrics as text. The shell keeps them, so it writes them too.
    Metrics(MetricsPage),
    /// A line that says that these metrics were reset, which the shell does.
    MetricsReset(MetricsPage),
    /// These initial events, then frames from `Effect::Frame`, until `Effect::Close`.
    Stream(InitialEvents),
    /// After the head, bytes go both ways between the client and the server that was dialed for it (`Effect::Dial`),
    /// until `Effect::Close`. The head is sent as it is, without headers of this server.
    Tunnel(Tunnel),
    /// What the server that was dialed for the client (`Effect::Dial`) answers, passed on while it arrives, until it
    /// ends or `Effect::Close`.
    Relay(Relay),
}

/// Some of the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricsPage {
    /// All but those of health checks.
    General,
    HealthChecks,
}

/// Which checks of a probe passed and which failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthResults {
    pub probe: &'static str,
    pub passed: Vec<&'static str>,
    pub failed: Vec<&'static str>,
}

impl Body {
    /// Whether sending the body may take long. A client that does not read it keeps its seat, so the shell gives
    /// `Input::Sent` when sending has ended. For a stream it gives `Input::Gone`, for a tunnel or a relay
    /// `Input::TunnelEnded`.
    pub fn is_large(&self) -> bool {
        match self {
            Self::Empty
            | Self::Health(..)
            | Self::Metrics(_)
            | Self::MetricsReset(_)
            | Self::Stream(_)
            | Self::Tunnel(_)
            | Self::Relay(_) => false,
            Self::Full(bytes) => bytes.len() > limits::SMALL_ANSWER_BYTES,
            Self::List(_) => true,
        }
    }
}

/// One HTTP response. The shell adds `content-length` and `date`.
#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<Header>,
    pub body: Body,
}

impl Response {
    pub fn new(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        assert!(matches!(status, 200..=599), "{status} is the status of an answer");
        Self {
            status,
            headers: alloc::vec![("content-type".into(), content_type.into())],
            body: Body::Full(body.into()),
        }
    }

    /// Without a body, and without headers of its own.
    pub fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Body::Empty }
    }

    pub fn json(status: u16, body: impl Into<Bytes>) -> Self {
        Self::new(status, "application/json", body)
    }

    /// Plain text as Go's servers send it.
    pub fn text(status: u16, body: impl Into<Bytes>) -> Self {
        Self::new(status, "text/plain; charset=utf-8", body)
    }

    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        assert!(!name.is_empty() && name.bytes().all(is_name), "a name of a header is in lower case: {name}");
        self.headers.push((name.into(), value.into()));
        self
    }
}

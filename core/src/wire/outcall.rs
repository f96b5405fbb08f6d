//! A call to another server, as data: what is asked, for how long, and whom the call trusts. The machine asks for it,
//! and its driver makes it.

use super::Method;
use crate::value::Text;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;

/// A request to another server over TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcall {
    /// The name or address to connect to, and the port. No proxy is used.
    pub host: Text,
    pub port: u16,
    pub trust: Trust,
    pub method: Method,
    /// The path and the query, as they are sent.
    pub target: String,
    pub headers: Vec<(Text, String)>,
    pub body: Bytes,
    /// The time from the asking to the last byte of the answer, milliseconds. Beyond: `CallError::TimedOut`.
    pub timeout_millis: u64,
    /// How often the call is made at most (`limits::CALL_ATTEMPTS`), while the other server says that it is overloaded
    /// or has failed: 429, 500, 504, or an answer with `Retry-After`. Each attempt has its own time.
    pub attempts: u32,
    /// The longest body of an answer, bytes, at most `limits::CALL_ANSWER_BYTES`. Beyond: `CallError::TooLarge`.
    pub answer_bytes_max: usize,
}

/// Which server a call takes for the right one, and how it shows who it is itself.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Trust {
    /// Every server is trusted, whatever its certificate says. The other members do not matter then, except that the
    /// server is asked for by its name.
    pub anybody: bool,
    /// The authorities that the driver's host trusts count too.
    pub host: bool,
    /// The certificates of authorities, as PEM. Without any, and without those of the host, no server is trusted.
    pub authorities: Bytes,
    /// The name that the server's certificate must be for.
    pub server_name: Text,
    /// The name of one of the driver's client certificates; empty for none.
    pub client_certificate: Text,
}

/// The answer to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Called {
    pub status: u16,
    /// Names in lower case, in the order received.
    pub headers: Vec<(Text, String)>,
    pub body: Bytes,
}

impl Called {
    /// The first header of a name in lower case; empty for none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(held, _)| held == name).map_or("", |(_, value)| value.as_str())
    }
}

/// What came of a call.
pub type CallOutcome = Result<Called, CallError>;

/// Why a call has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallError {
    TimedOut,
    /// Nobody answers at the address.
    Refused(Text),
    /// The server is not the one that the call trusts, or it does not trust the caller.
    Untrusted(Text),
    /// The answer is longer than the call allows.
    TooLarge,
    /// What arrived was no answer, or only a part of one.
    Malformed(Text),
    /// `limits::CALLS_QUEUED` or `limits::CALLS_OF_JOB` other calls come first.
    NoRoom,
}

impl Outcall {
    /// The host and the port, as a URL names them.
    pub fn authority(&self) -> String {
        authority(&self.host, self.port)
    }
}

/// A host and a port, as a URL names them: an IPv6 address stands in brackets.
pub fn authority(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

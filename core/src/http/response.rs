//! A response: status, headers, and a body that shares the cache's bytes instead of copying them.

use crate::cache::ListBody;
use crate::respond::InitialEvents;
use crate::value::Text;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;

/// A header: lower-case name and value.
pub type Header = (Text, String);

/// What follows the headers.
#[derive(Clone, Debug)]
pub enum Body {
    Empty,
    Full(Bytes),
    /// A list, rendered chunk by chunk as the client reads it.
    List(ListBody),
    /// These events, then frames, as `Effect::Frame`, until `Effect::Close`.
    Stream(InitialEvents),
}

/// One HTTP response. `content-length` and `date` are the shell's.
#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<Header>,
    pub body: Body,
}

impl Response {
    pub fn new(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            headers: alloc::vec![("content-type".into(), content_type.into())],
            body: Body::Full(body.into()),
        }
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
        self.headers.push((name.into(), value.into()));
        self
    }
}

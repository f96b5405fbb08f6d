//! The head of a request as the shell passes it in: read completely, bounded, and not interpreted.

use crate::value::Text;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

/// The HTTP method. Other methods keep their text, for logs, and are not served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
    Options,
    Other(Text),
}

impl Method {
    pub fn parse(word: &str) -> Self {
        match word {
            "GET" => Self::Get,
            "HEAD" => Self::Head,
            "POST" => Self::Post,
            "PUT" => Self::Put,
            "PATCH" => Self::Patch,
            "DELETE" => Self::Delete,
            "OPTIONS" => Self::Options,
            other => Self::Other(other.into()),
        }
    }

    pub fn word(&self) -> &str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
            Self::Other(word) => word,
        }
    }
}

/// What the transport has proved about the client.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Peer {
    /// No client certificate.
    #[default]
    None,
    /// A certificate that a configured client authority has issued.
    Certificate {
        common_name: Text,
        organizations: Vec<Text>,
        /// The SHA-256 of the certificate. None for a client that is this program itself, which has none.
        fingerprint: Option<[u8; 32]>,
    },
    /// A certificate that no configured authority has issued, and why.
    Rejected(Text),
    /// A certificate that the authority of the front proxies has issued.
    FrontProxy {
        common_name: Text,
        /// What the certificate is to the client authorities.
        own: Box<Self>,
    },
}

/// The head of one HTTP request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub method: Method,
    /// The path as sent, still percent-encoded, without the query.
    pub path: String,
    /// The query as sent, without `?`.
    pub query: String,
    /// Names in lower case, in the order sent.
    pub headers: Vec<(Text, String)>,
    /// A body follows the head. It is asked for once it is known that its client may send it.
    pub has_body: bool,
    pub peer: Peer,
    /// The client's IP address, without the port.
    pub remote_address: Text,
}

/// Why a body that was asked for did not arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BodyError {
    /// It has more bytes than `limits::REQUEST_BODY_BYTES`.
    TooLarge,
    /// It did not arrive in the time for its length, `limits::UPLOAD_BYTES_PER_SECOND`.
    TooSlow,
    /// The room for bodies, `limits::BODIES_BYTES`, was taken by others.
    NoRoom,
    /// What arrived was no body, or only a part of one.
    Broken(Text),
}

impl Request {
    /// The first header with this name, given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(held, _)| held == name).map(|(_, value)| value.as_str())
    }

    /// Every header with this name, given in lower case.
    pub fn headers_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(held, _)| held == name).map(|(_, value)| value.as_str())
    }
}

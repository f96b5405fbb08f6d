//! Where another server is: the parts of an `https` URL that a call needs.

use super::percent;
use crate::value::quoted;
use alloc::format;
use alloc::string::{String, ToString};

/// The address of something on another server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebAddress {
    /// A name or an address, without brackets.
    pub host: String,
    pub port: u16,
    /// The path as it is sent; it begins with a slash.
    pub path: String,
    /// The query as it is sent, without its question mark.
    pub query: String,
}

const HTTPS_PORT: u16 = 443;

impl WebAddress {
    /// # Errors
    /// A sentence about a text that is no URL of this kind. Users and passwords are none of its parts.
    pub fn parse(url: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("{}: {why}", quoted(url));
        let rest = match url.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => rest,
            Some(_) | None => return Err(wrong("only https is supported")),
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let (authority, after) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let (path, query) = after.split_once('?').unwrap_or((after, ""));
        let colon = authority.rfind(':').filter(|at| !authority[*at..].contains(']'));
        let (host, port) = match colon {
            Some(at) => (&authority[..at], authority[at + 1..].parse().map_err(|_| wrong("invalid port"))?),
            None => (authority, HTTPS_PORT),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let is_sendable = |text: &str| text.bytes().all(|byte| (0x21..0x7f).contains(&byte));
        if host.is_empty() || host.contains('@') || !is_sendable(host) {
            return Err(wrong("host must be a URL or a host:port pair"));
        }
        if !is_sendable(path) || !is_sendable(query) || percent::decode(path, false).is_none() {
            return Err(wrong("invalid path"));
        }
        let path = if path.is_empty() { "/" } else { path };
        Ok(Self { host: host.to_string(), port, path: path.to_string(), query: query.to_string() })
    }

    /// The path without empty, `.` and `..` segments and without a slash at its end, as upstream's client sends it.
    /// k8s: Go's path Join
    pub fn clean_path(&self) -> String {
        let mut segments: alloc::vec::Vec<&str> = alloc::vec::Vec::new();
        for segment in self.path.split('/') {
            match segment {
                "" | "." => {}
                ".." => drop(segments.pop()),
                segment => segments.push(segment),
            }
        }
        format!("/{}", segments.join("/"))
    }

    /// Path and query as one text.
    pub fn target(&self) -> String {
        match self.query.as_str() {
            "" => self.path.clone(),
            query => format!("{}?{query}", self.path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        let cases = [
            ("https://a", ("a", 443, "/", "/")),
            ("https://a:1/x//y/../z/", ("a", 1, "/x//y/../z/", "/x/z")),
            ("HTTPS://[::1]:8443?x", ("::1", 8443, "/?x", "/")),
            ("https://[::1]/x?y=z#w", ("::1", 443, "/x?y=z", "/x")),
        ];
        for (url, (host, port, target, clean)) in cases {
            let read = WebAddress::parse(url).expect(url);
            assert_eq!((read.host.as_str(), read.port), (host, port), "{url}");
            assert_eq!((read.target().as_str(), read.clean_path().as_str()), (target, clean), "{url}");
        }
        for bad in
            ["http://a", "a:443", "https://", "https://a:x", "https://u@a", "https://a/ b", "https://a/%x"]
        {
            assert!(WebAddress::parse(bad).is_err(), "{bad}");
        }
    }
}

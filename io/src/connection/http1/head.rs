//! Parses the head of an HTTP/1 request. It accepts and refuses what Go's server does, with the same error texts.
//! go: net/http/request.go readRequest, net/http/server.go readRequest, net/http/transfer.go

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use steersman_core::limits;

use crate::exchange::Head;

/// A request up to its body.
#[derive(Debug)]
pub(super) struct ParsedHead {
    pub(super) head: Head,
    pub(super) framing: Framing,
    pub(super) is_version_1_0: bool,
    /// Whether the connection can be used for another request.
    pub(super) keeps_alive: bool,
    pub(super) expects: Expects,
}

/// How the end of the body is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    None,
    Length(u64),
    Chunked,
}

/// The value of the `Expect` header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expects {
    Nothing,
    Continue,
    /// A value that the server does not know, which is refused.
    Other,
}

/// Why a head is refused. The connection is closed in every case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Malformed,
    NoHost,
    BadHost,
    BadHeaderName,
    TooLarge,
    TransferEncoding,
    Version,
    /// Unknown clients have too many long heads under way.
    NoRoom,
}

impl Refusal {
    /// The status line without the version, and the body of the answer.
    pub(super) fn texts(self) -> (&'static str, &'static str) {
        let text = match self {
            Self::Malformed => "400 Bad Request",
            Self::NoHost => "400 Bad Request: missing required Host header",
            Self::BadHost => "400 Bad Request: malformed Host header",
            Self::BadHeaderName => "400 Bad Request: invalid header name",
            Self::TooLarge => "431 Request Header Fields Too Large",
            Self::TransferEncoding => return ("501 Not Implemented", "Unsupported transfer encoding"),
            Self::Version => "505 HTTP Version Not Supported: unsupported protocol version",
            Self::NoRoom => "429 Too Many Requests",
        };
        (text, text)
    }
}

/// The position after the empty line that ends a head. The first `seen` bytes were searched before.
pub(super) fn end_of_head(bytes: &[u8], seen: usize) -> Option<usize> {
    let start = seen.saturating_sub(3);
    let found = bytes.get(start..)?.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    for (at, _) in found {
        match bytes.get(start + at + 1..) {
            Some([b'\n', ..]) => return Some(start + at + 2),
            Some([b'\r', b'\n', ..]) => return Some(start + at + 3),
            Some(_) | None => {}
        }
    }
    None
}

/// Parses a complete head, with its empty line.
pub(super) fn parse(bytes: &Bytes) -> Result<ParsedHead, Refusal> {
    let mut lines = Lines { bytes, at: 0 };
    let line = lines.next().ok_or(Refusal::Malformed)?;
    let (method, rest) = cut(line).ok_or(Refusal::Malformed)?;
    let (target, version) = cut(rest).ok_or(Refusal::Malformed)?;
    let method = http::Method::from_bytes(method).map_err(|_| Refusal::Malformed)?;
    let (major, minor) = parse_version(version).ok_or(Refusal::Malformed)?;
    let target = Target::parse(target, method == http::Method::CONNECT).ok_or(Refusal::Malformed)?;
    let lines = parse_headers(bytes, lines)?;
    if lines.map.get_all(header::HOST).iter().nth(1).is_some() {
        return Err(Refusal::Malformed);
    }
    let mut headers = lines.map;
    let is_version_1_0 = (major, minor) == (1, 0);
    let framing = framing(&mut headers, is_version_1_0)?;
    if major != 1 {
        return Err(Refusal::Version);
    }
    match headers.get(header::HOST) {
        None if !is_version_1_0 && method != http::Method::CONNECT => return Err(Refusal::NoHost),
        Some(host) if !host.as_bytes().iter().all(|byte| is_host_byte(*byte)) => {
            return Err(Refusal::BadHost);
        }
        Some(_) | None => {}
    }
    if lines.has_bad_name {
        return Err(Refusal::BadHeaderName);
    }
    let closes = has_token(&headers, &header::CONNECTION, "close");
    let keeps = !is_version_1_0 || has_token(&headers, &header::CONNECTION, "keep-alive");
    let expects = match headers.get(header::EXPECT) {
        Some(_) if has_token(&headers, &header::EXPECT, "100-continue") => Expects::Continue,
        Some(value) if !value.is_empty() => Expects::Other,
        Some(_) | None => Expects::Nothing,
    };
    let Target { authority, path, query } = target;
    let head = Head { method, authority, path, query, headers };
    Ok(ParsedHead { head, framing, is_version_1_0, keeps_alive: keeps && !closes, expects })
}

/// What stands before and after the first blank.
fn cut(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = line.iter().position(|byte| *byte == b' ')?;
    Some((&line[..at], &line[at + 1..]))
}

fn parse_version(version: &[u8]) -> Option<(u8, u8)> {
    match version.strip_prefix(b"HTTP/")? {
        [major @ b'0'..=b'9', b'.', minor @ b'0'..=b'9'] => Some((major - b'0', minor - b'0')),
        _ => None,
    }
}

struct Target {
    authority: Option<String>,
    path: String,
    query: String,
}

impl Target {
    /// go: net/url/url.go ParseRequestURI
    fn parse(target: &[u8], names_host: bool) -> Option<Self> {
        if target.is_empty() || target.iter().any(|byte| *byte < b' ' || *byte == 0x7f) {
            return None;
        }
        let text = String::from_utf8_lossy(target);
        if names_host && !text.starts_with('/') {
            return Some(Self {
                authority: Some(text.into_owned()),
                path: String::new(),
                query: String::new(),
            });
        }
        let (whole, query) = text.split_once('?').unwrap_or((&text, ""));
        let (authority, path) = match whole {
            _ if whole.starts_with('/') || whole == "*" => (None, whole),
            _ => {
                let (scheme, rest) = whole.split_once(':')?;
                let mut letters = scheme.bytes();
                if !letters.next()?.is_ascii_alphabetic()
                    || !letters.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
                {
                    return None;
                }
                match rest.strip_prefix("//") {
                    Some(rest) => {
                        let end = rest.find('/').unwrap_or(rest.len());
                        (Some(rest[..end].to_owned()), &rest[end..])
                    }
                    None if rest.starts_with('/') => (None, rest),
                    None => (None, ""),
                }
            }
        };
        let has_good_port = authority.as_deref().is_none_or(has_good_port);
        (has_good_port && has_whole_escapes(path)).then(|| Self {
            authority,
            path: path.to_owned(),
            query: query.to_owned(),
        })
    }
}

/// go: net/url/url.go validOptionalPort
fn has_good_port(authority: &str) -> bool {
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let port = match host.strip_prefix('[') {
        Some(rest) => match rest.rsplit_once(']') {
            Some((_, after)) => after,
            None => return false,
        },
        None => host.find(':').map_or("", |at| &host[at..]),
    };
    port.is_empty()
        || port.strip_prefix(':').is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
}

fn has_whole_escapes(path: &str) -> bool {
    let mut parts = path.as_bytes().split(|byte| *byte == b'%');
    parts.next();
    parts.all(|part| matches!(part, [high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit()))
}

/// Iterates over lines without their line ends.
struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.bytes.get(self.at..)?;
        let length = rest.iter().position(|byte| *byte == b'\n')?;
        self.at += length + 1;
        let line = &rest[..length];
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }
}

struct HeaderLines {
    map: HeaderMap,
    /// A name contains a blank. Go reports this later than other errors.
    has_bad_name: bool,
}

/// go: net/textproto/reader.go ReadMIMEHeader
fn parse_headers(bytes: &Bytes, lines: Lines<'_>) -> Result<HeaderLines, Refusal> {
    let mut parsed = HeaderLines { map: HeaderMap::new(), has_bad_name: false };
    let mut lines = lines.take_while(|line| !line.is_empty()).peekable();
    if lines.peek().is_some_and(|line| is_continuation(line)) {
        return Err(Refusal::Malformed);
    }
    let mut count = 0;
    while let Some(line) = lines.next() {
        count += 1;
        if count > limits::REQUEST_HEADER_LINES {
            return Err(Refusal::TooLarge);
        }
        let mut folded = None;
        while let Some(more) = lines.next_if(|line| is_continuation(line)) {
            let folded = folded.get_or_insert_with(|| line.trim_ascii_end().to_vec());
            folded.push(b' ');
            folded.extend_from_slice(more.trim_ascii());
        }
        let whole = folded.as_deref().unwrap_or(line);
        let colon = whole.iter().position(|byte| *byte == b':').ok_or(Refusal::Malformed)?;
        let (name, value) = (&whole[..colon], whole[colon + 1..].trim_ascii());
        let value = match &folded {
            Some(_) => HeaderValue::from_bytes(value),
            // The value shares the head's bytes.
            None => HeaderValue::from_maybe_shared(bytes.slice_ref(value)),
        };
        let value = value.map_err(|_| Refusal::Malformed)?;
        match HeaderName::from_bytes(name) {
            Ok(name) => {
                parsed.map.try_append(name, value).map_err(|_| Refusal::TooLarge)?;
            }
            Err(_) if has_only_blanks_besides(name) => parsed.has_bad_name = true,
            Err(_) => return Err(Refusal::Malformed),
        }
    }
    Ok(parsed)
}

fn is_continuation(line: &[u8]) -> bool {
    matches!(line, [b' ' | b'\t', ..])
}

/// Whether the name would be valid without the blanks in it.
fn has_only_blanks_besides(name: &[u8]) -> bool {
    let rest: Vec<u8> = name.iter().copied().filter(|byte| *byte != b' ').collect();
    rest.len() < name.len() && (rest.is_empty() || HeaderName::from_bytes(&rest).is_ok())
}

/// What cannot come behind the body whose end it tells. go: net/http/transfer.go fixTrailer
const FRAMING_HEADERS: [&str; 3] = ["Transfer-Encoding", "Trailer", "Content-Length"];

/// go: net/http/transfer.go parseTransferEncoding, fixLength
fn framing(headers: &mut HeaderMap, is_version_1_0: bool) -> Result<Framing, Refusal> {
    let mut chunked = false;
    if !is_version_1_0 {
        let mut encodings = headers.get_all(header::TRANSFER_ENCODING).iter();
        chunked = match (encodings.next(), encodings.next()) {
            (None, _) => false,
            (Some(one), None) if one.as_bytes().eq_ignore_ascii_case(b"chunked") => true,
            (Some(_), _) => return Err(Refusal::TransferEncoding),
        };
    }
    headers.remove(header::TRANSFER_ENCODING);
    let mut lengths = headers.get_all(header::CONTENT_LENGTH).iter();
    let length = match lengths.next() {
        None => None,
        Some(first) if lengths.any(|other| other != first) => return Err(Refusal::Malformed),
        Some(first) => Some(parse_length(first.as_bytes()).ok_or(Refusal::Malformed)?),
    };
    Ok(match length {
        _ if chunked => {
            headers.remove(header::CONTENT_LENGTH);
            if FRAMING_HEADERS.iter().any(|name| has_token(headers, &header::TRAILER, name)) {
                return Err(Refusal::Malformed);
            }
            Framing::Chunked
        }
        None | Some(0) => Framing::None,
        Some(length) => Framing::Length(length),
    })
}

fn parse_length(text: &[u8]) -> Option<u64> {
    let is_number = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let length: u64 = std::str::from_utf8(text).ok().filter(|_| is_number)?.parse().ok()?;
    (length <= i64::MAX.unsigned_abs()).then_some(length)
}

/// go: golang.org/x/net/http/httpguts ValidHostHeader
fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!$%&'()*+,-.:;=[]_~".contains(&byte)
}

fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|one| one.trim().eq_ignore_ascii_case(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_text(head: &str) -> Result<ParsedHead, Refusal> {
        let bytes = Bytes::copy_from_slice(head.as_bytes());
        assert_eq!(end_of_head(&bytes, 0), Some(bytes.len()), "{head:?}");
        parse(&bytes)
    }

    /// The expected answers are kube-apiserver's.
    #[test]
    fn heads_are_refused_as_go_refuses_them() {
        use Refusal::{BadHeaderName, BadHost, Malformed, NoHost, TransferEncoding, Version};
        let cases = [
            ("GET /version HTTP/1.1\r\n\r\n", NoHost),
            ("GET /version HTTP/1.1\r\nHost: a b\r\n\r\n", BadHost),
            ("GET /version HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", Malformed),
            ("GET version HTTP/1.1\r\nHost: a\r\n\r\n", Malformed),
            ("GET /version\r\nHost: a\r\n\r\n", Malformed),
            ("GET /version HTTP/x\r\nHost: a\r\n\r\n", Malformed),
            ("GET /version HTTP/2.0\r\nHost: a\r\n\r\n", Version),
            ("G(T /version HTTP/1.1\r\nHost: a\r\n\r\n", Malformed),
            ("GET /ver sion HTTP/1.1\r\nHost: a\r\n\r\n", Malformed),
            ("GET /ver\u{1}sion HTTP/1.1\r\nHost: a\r\n\r\n", Malformed),
            ("GET /a%zz HTTP/1.1\r\nHost: a\r\n\r\n", Malformed),
            ("GET http://a:x/livez HTTP/1.1\r\nHost: a\r\n\r\n", Malformed),
            ("GET http://[::1/livez HTTP/1.1\r\nHost: a\r\n\r\n", Malformed),
            (
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: a, content-length\r\n\r\n",
                Malformed,
            ),
            ("GET /a%2 HTTP/1.1\r\nHost: a\r\n\r\n", Malformed),
            ("GET /version HTTP/1.1\r\nHost: a\r\nfoo\r\n\r\n", Malformed),
            ("GET /version HTTP/1.1\r\nHost: a\r\nf(o: 1\r\n\r\n", Malformed),
            ("GET /version HTTP/1.1\r\nHost: a\r\nfo : 1\r\n\r\n", BadHeaderName),
            ("GET /version HTTP/1.1\r\nHost: a\r\nfoo: a\u{1}b\r\n\r\n", Malformed),
            ("GET /version HTTP/1.1\r\n Host: a\r\n\r\n", Malformed),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", Malformed),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", Malformed),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", Malformed),
            ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", TransferEncoding),
            (
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
                TransferEncoding,
            ),
            ("\r\nGET /version HTTP/1.1\r\nHost: a\r\n\r\n", Malformed),
        ];
        for (head, expected) in cases {
            let bytes = Bytes::copy_from_slice(head.as_bytes());
            assert_eq!(parse(&bytes).map(|parsed| parsed.head.path), Err(expected), "{head:?}");
        }
    }

    #[test]
    fn heads_are_accepted_as_go_accepts_them() {
        let cases = [
            ("GET /version HTTP/1.1\r\nHost:\r\n\r\n", "/version", "", Framing::None, true),
            ("GET /version HTTP/1.0\r\n\r\n", "/version", "", Framing::None, false),
            ("GET /version HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "/version", "", Framing::None, true),
            (
                "GET /version HTTP/1.2\r\nHost: a\r\nConnection: x, close\r\n\r\n",
                "/version",
                "",
                Framing::None,
                false,
            ),
            ("GET /version HTTP/1.1\nHost: a\n\n", "/version", "", Framing::None, true),
            ("GET https://x:1/version?a HTTP/1.1\r\nHost: a\r\n\r\n", "/version", "a", Framing::None, true),
            (
                "GET /v?labelSelector=n>5&x=%zz HTTP/1.1\r\nHost: a\r\n\r\n",
                "/v",
                "labelSelector=n>5&x=%zz",
                Framing::None,
                true,
            ),
            ("GET /version#x HTTP/1.1\r\nHost: a\r\n\r\n", "/version#x", "", Framing::None, true),
            ("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n", "/a", "", Framing::Length(3), true),
            (
                "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n",
                "/a",
                "",
                Framing::Length(3),
                true,
            ),
            (
                "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: Chunked\r\n\r\n",
                "/a",
                "",
                Framing::Chunked,
                true,
            ),
            ("POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "/a", "", Framing::None, false),
        ];
        for (head, path, query, framing, keeps_alive) in cases {
            let parsed = parse_text(head).unwrap_or_else(|refusal| panic!("{head:?}: {refusal:?}"));
            let found =
                (parsed.head.path.as_str(), parsed.head.query.as_str(), parsed.framing, parsed.keeps_alive);
            assert_eq!(found, (path, query, framing, keeps_alive), "{head:?}");
        }
        let folded =
            parse_text("GET / HTTP/1.1\r\nHost: a\r\nfoo: a \r\n\t b\r\nbar: \r\n\r\n").expect("a head");
        assert_eq!(folded.head.headers["foo"], "a b");
        assert_eq!(folded.head.headers["bar"], "");
    }

    #[test]
    fn thousands_of_lines_and_a_long_path_are_accepted() {
        let many = |count: usize| {
            let lines: String = (0..count).map(|number| format!("X-{number}: b\r\n")).collect();
            format!("GET /{} HTTP/1.1\r\nHost: a\r\n{lines}\r\n", "x".repeat(200_000))
        };
        let parsed = parse_text(&many(3000)).expect("a head");
        assert_eq!((parsed.head.headers.len(), parsed.head.path.len()), (3001, 200_001));
        let refused = parse_text(&many(limits::REQUEST_HEADER_LINES)).map(|parsed| parsed.framing);
        assert_eq!(refused, Err(Refusal::TooLarge));
    }

    #[test]
    fn the_end_of_a_head_is_found_however_it_is_split() {
        let head = b"GET / HTTP/1.1\r\nHost: a\r\n\r\nbody";
        for seen in 0..head.len() - 4 {
            assert_eq!(end_of_head(head, seen.min(head.len() - 7)), Some(head.len() - 4), "{seen}");
            assert_eq!(end_of_head(&head[..head.len() - 5], seen), None, "{seen}");
        }
    }
}

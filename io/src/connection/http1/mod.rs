//! HTTP/1: one request after the other. Heads are parsed by the rules of Go's server (`head`), which a general
//! library does not follow: one limit of a megabyte for the whole head, and Go's answers to malformed requests. An
//! answer is written part by part, and the next part is made only after the last one was written, so that a client
//! that does not read costs the memory of one part only.
//! go: net/http/server.go

mod body;
mod head;
mod wire;

use std::fmt::Write as _;
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::{Buf, Bytes};
use http::header;
use http_body::Body as _;
use http_body_util::{BodyExt, Empty};
use steersman_core::limits;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::server::TlsStream;

use super::Requests;
use super::activity::UnderWay;
use super::guarded::Guarded;
use crate::exchange::AnswerBody;
use crate::relay::Cut;
use crate::tunnel::OpenTunnel;
use body::{RequestBody, Rest};
use head::{Expects, Framing, ParsedHead, Refusal};
use wire::Wire;

/// Most heads of answers are shorter than this.
const ANSWER_HEAD_BYTES: usize = 512;

/// After a part of this size the task yields, since making the next part takes a while.
const LARGE_PART_BYTES: usize = 32 * 1024;

pub(super) async fn serve(
    stream: TlsStream<TcpStream>,
    requests: &Requests,
    mut stopping: watch::Receiver<bool>,
) -> io::Result<()> {
    let mut wire = Wire::new(Guarded::new(stream, Arc::clone(&requests.activity)));
    // Before its first request a client gets only the time for a head, not the idle time of a kept-alive connection.
    let mut idle = Duration::from_millis(limits::HEAD_MILLIS);
    let mut is_after_post = false;
    loop {
        wire.rest();
        let budget = &requests.server.exchange().budget;
        let head = tokio::select! {
            biased;
            head = wire.head(idle, requests.place.is_known(), budget, is_after_post) => head?,
            _ = stopping.changed() => None,
        };
        let Some(head) = head else { return wire.close().await };
        let parsed = match head {
            Ok(parsed) => parsed,
            Err(refusal) => {
                wire.write(&mut refused(refusal)).await?;
                return wire.close().await;
            }
        };
        is_after_post = parsed.head.method == http::Method::POST;
        match answer(&mut wire, requests, parsed, &stopping).await? {
            Then::Next => idle = Duration::from_millis(limits::IDLE_MILLIS),
            Then::Close => return wire.close().await,
            Then::Gone => return Ok(()),
        }
    }
}

/// How a connection continues after a request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    Next,
    Close,
    /// The client went away before its answer was sent.
    Gone,
}

async fn answer<S: AsyncRead + AsyncWrite + Unpin>(
    wire: &mut Wire<S>,
    requests: &Requests,
    parsed: ParsedHead,
    stopping: &watch::Receiver<bool>,
) -> io::Result<Then> {
    let ParsedHead { head, framing, is_version_1_0, keeps_alive, expects } = parsed;
    if expects == Expects::Other {
        let answer = b"HTTP/1.1 417 Expectation Failed\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
        wire.write(&mut Bytes::from_static(answer)).await?;
        return Ok(Then::Close);
    }
    let is_head = head.method == http::Method::HEAD;
    let under_way = UnderWay::begin(&requests.activity);
    let (response, rest) = if head.method == http::Method::OPTIONS && head.path == "*" {
        // `OPTIONS *` asks about the server as a whole.
        // go: net/http/server.go globalOptionsHandler
        (http::Response::new(AnswerBody::nothing()), Rest::unread(framing))
    } else if framing == Framing::None {
        tokio::select! {
            biased;
            response = requests.answer(head, under_way, Empty::<Bytes>::new()) => (response, Rest::Nothing),
            () = wire.gone() => return Ok(Then::Gone),
        }
    } else {
        let expects_continue = expects == Expects::Continue && !is_version_1_0;
        let mut body = RequestBody::new(wire, framing, expects_continue);
        (requests.answer(head, under_way, &mut body).await, body.rest())
    };
    let mut response = response;
    if let Some(tunnel) = response.body_mut().take_tunnel() {
        requests.activity.becomes_tunnel();
        return switch(wire, response, tunnel).await;
    }
    let closes = !keeps_alive || matches!(rest, Rest::TooMuch) || *stopping.borrow();
    let sending = Sending { is_head, is_version_1_0, closes };
    match (sending.send(wire, response).await?, rest) {
        (Then::Next, Rest::Unread(framing)) => Ok(discard(wire, framing).await),
        (then, Rest::Nothing | Rest::Unread(_) | Rest::TooMuch) => Ok(then),
    }
}

/// Reads a body that nobody asked for, so that the next request can follow. The answer was sent before, since a client
/// that is refused need not send its body.
/// go: net/http/server.go maxPostHandlerReadBytes
async fn discard<S: AsyncRead + AsyncWrite + Unpin>(wire: &mut Wire<S>, framing: Framing) -> Then {
    let mut body = RequestBody::new(wire, framing, false);
    let mut length = 0_usize;
    let reading = async {
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map(|frame| frame.into_data().unwrap_or_default()) else {
                return Then::Close;
            };
            length = length.saturating_add(data.len());
            if length > limits::UNREAD_BODY_BYTES {
                return Then::Close;
            }
        }
        Then::Next
    };
    let within = Duration::from_millis(limits::UPLOAD_GRACE_MILLIS);
    tokio::time::timeout(within, reading).await.unwrap_or(Then::Close)
}

/// Sends the head of an answer that switches protocols, and joins the client with the other server until one of them
/// ends it. The connection carries no further request.
async fn switch<S: AsyncRead + AsyncWrite + Unpin>(
    wire: &mut Wire<S>,
    response: http::Response<AnswerBody>,
    tunnel: OpenTunnel,
) -> io::Result<Then> {
    let mut head =
        format!("HTTP/1.1 {} {}\r\n", response.status().as_str(), reason(response.status())).into_bytes();
    for (name, value) in response.headers() {
        put(&mut head, name.as_str().as_bytes(), value.as_bytes());
    }
    head.extend_from_slice(b"\r\n");
    wire.write(&mut Bytes::from(head)).await?;
    let ahead = std::mem::take(wire.unread());
    tunnel.join(wire.stream(), &ahead).await;
    // The request is under way until here.
    drop(response);
    Ok(Then::Close)
}

/// How one answer is sent.
struct Sending {
    is_head: bool,
    is_version_1_0: bool,
    closes: bool,
}

/// How the end of an answer's body is marked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    NoBody,
    WithLength,
    WithLastChunk,
    WithConnection,
}

impl Sending {
    async fn send<S: AsyncRead + AsyncWrite + Unpin>(
        self,
        wire: &mut Wire<S>,
        response: http::Response<AnswerBody>,
    ) -> io::Result<Then> {
        let (parts, mut reply) = response.into_parts();
        let has_no_body = matches!(parts.status.as_u16(), 100..=199 | 204 | 304);
        let length = reply.size_hint().exact();
        let ends = match length {
            _ if self.is_head || has_no_body => Ends::NoBody,
            Some(_) => Ends::WithLength,
            None if self.is_version_1_0 => Ends::WithConnection,
            None => Ends::WithLastChunk,
        };
        let closes = self.closes || ends == Ends::WithConnection;
        let mut head = self.head(&parts, ends, closes);
        if ends == Ends::WithLength
            && length == Some(0)
            && !parts.headers.contains_key(header::CONTENT_LENGTH)
        {
            put(&mut head, b"content-length", b"0");
        }
        head.extend_from_slice(b"\r\n");
        let then = if closes { Then::Close } else { Then::Next };
        if ends == Ends::NoBody {
            wire.write(&mut Bytes::from(head)).await?;
            return Ok(then);
        }
        // A watch may have no event for long, but its client waits for the head.
        let mut head = Bytes::from(head);
        loop {
            let frame = match next(&mut reply, wire, &mut head).await? {
                Next::Frame(frame) => frame,
                Next::End => break,
                Next::Gone => return Ok(Then::Gone),
            };
            let Ok(data) = frame.into_data() else { continue };
            let length = data.remaining();
            if length == 0 {
                continue;
            }
            let head = std::mem::take(&mut head);
            if ends == Ends::WithLastChunk {
                let size = Bytes::from(format!("{length:x}\r\n"));
                let end = Bytes::from_static(b"\r\n");
                wire.write(&mut head.chain(size).chain(data).chain(end)).await?;
            } else {
                wire.write(&mut head.chain(data)).await?;
            }
            if reply.is_end_stream() {
                break;
            }
            if length >= LARGE_PART_BYTES {
                tokio::task::yield_now().await;
            }
        }
        let last: &[u8] = if ends == Ends::WithLastChunk { b"0\r\n\r\n" } else { b"" };
        let mut rest = head.chain(last);
        if rest.has_remaining() {
            wire.write(&mut rest).await?;
        }
        Ok(then)
    }

    fn head(&self, parts: &http::response::Parts, ends: Ends, closes: bool) -> Vec<u8> {
        let mut head = String::with_capacity(ANSWER_HEAD_BYTES);
        let version = if self.is_version_1_0 { "1.0" } else { "1.1" };
        let reason = reason(parts.status);
        let _ = write!(head, "HTTP/{version} {} {reason}\r\n", parts.status.as_str());
        let mut head = head.into_bytes();
        for (name, value) in &parts.headers {
            put(&mut head, name.as_str().as_bytes(), value.as_bytes());
        }
        put(&mut head, b"date", httpdate::fmt_http_date(SystemTime::now()).as_bytes());
        if ends == Ends::WithLastChunk {
            put(&mut head, b"transfer-encoding", b"chunked");
        }
        if closes && !self.is_version_1_0 {
            put(&mut head, b"connection", b"close");
        } else if !closes && self.is_version_1_0 {
            put(&mut head, b"connection", b"keep-alive");
        }
        head
    }
}

/// go: net/http/status.go StatusText, whose words are older in two places.
fn reason(status: http::StatusCode) -> &'static str {
    match status {
        http::StatusCode::PAYLOAD_TOO_LARGE => "Request Entity Too Large",
        http::StatusCode::RANGE_NOT_SATISFIABLE => "Requested Range Not Satisfiable",
        other => other.canonical_reason().unwrap_or(""),
    }
}

/// Appends a header line, with the name's words capitalized as Go writes them.
fn put(head: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    let mut begins_word = true;
    head.extend(name.iter().map(|byte| {
        let written = if begins_word { byte.to_ascii_uppercase() } else { *byte };
        begins_word = *byte == b'-';
        written
    }));
    for part in [b": ", value, b"\r\n"] {
        head.extend_from_slice(part);
    }
}

enum Next {
    Frame(http_body::Frame<<AnswerBody as http_body::Body>::Data>),
    End,
    Gone,
}

/// The next part of an answer. If none is ready yet, the head is sent alone.
async fn next<S: AsyncRead + AsyncWrite + Unpin>(
    reply: &mut AnswerBody,
    wire: &mut Wire<S>,
    head: &mut Bytes,
) -> io::Result<Next> {
    if !head.is_empty() {
        tokio::select! {
            biased;
            frame = reply.frame() => return Next::of(frame),
            () = std::future::ready(()) => {}
        }
        wire.write(&mut std::mem::take(head)).await?;
    }
    tokio::select! {
        biased;
        frame = reply.frame() => Next::of(frame),
        () = wire.gone() => Ok(Next::Gone),
    }
}

impl Next {
    fn of(
        frame: Option<Result<http_body::Frame<<AnswerBody as http_body::Body>::Data>, Cut>>,
    ) -> io::Result<Self> {
        match frame {
            Some(Ok(frame)) => Ok(Self::Frame(frame)),
            Some(Err(Cut::TooSlow)) => Err(io::Error::new(io::ErrorKind::TimedOut, Cut::TooSlow)),
            Some(Err(cut @ (Cut::Closed | Cut::Broken))) => Err(io::Error::other(cut)),
            None => Ok(Self::End),
        }
    }
}

/// The answer to bytes that were not a valid request.
fn refused(refusal: Refusal) -> Bytes {
    let (status, body) = refusal.texts();
    let headers = "Content-Type: text/plain; charset=utf-8\r\nConnection: close";
    format!("HTTP/1.1 {status}\r\n{headers}\r\n\r\n{body}").into()
}

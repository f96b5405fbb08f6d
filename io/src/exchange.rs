//! One HTTP exchange: it turns an HTTP request into the core's request and the core's response into an HTTP response.
//! The secure port and the in-process server share it.

use std::fmt::Display;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http_body::{Body as _, Frame, SizeHint};
use steersman_core::answer::Body;
use steersman_core::answer::ListBody;
use steersman_core::answer::{self, InitialEvents};
use steersman_core::limits;
use steersman_core::rng::Rng;
use steersman_core::status::Failure;
use steersman_core::value::Text;
use steersman_core::wire::{Method, Request};

use crate::budget::{Budget, NoRoom, Share};
use crate::clock::wall_now;
use crate::connection::{RosterEntry, UnderWay};
use crate::conversation::Conversation;
use crate::gzip::{self, Compressor};
use crate::httplog::{self, LoggedAnswer, RequestLine};
use crate::outcall::DialedConnection;
use crate::peer::Proof;
use crate::pieces::Pieces;
use crate::relay::{Cut, OpenRelay};
use crate::shell::Shell;
use crate::tunnel::OpenTunnel;
use crate::upload;

static AUDIT_ID: HeaderName = HeaderName::from_static("audit-id");

/// Answers requests with one shell and one set of options.
pub(crate) struct Exchange {
    pub(crate) shell: Arc<Shell>,
    pub(crate) strict_transport_security: Option<HeaderValue>,
    /// How long a request and its body may take to arrive.
    pub(crate) request_timeout: Duration,
    pub(crate) audit_ids: AuditIds,
    pub(crate) budget: Budget,
}

/// The client of a connection.
pub(crate) struct ConnectedClient {
    pub(crate) proof: Proof,
    pub(crate) remote_address: Text,
}

/// The client of a request, and the connection that it came over.
pub(crate) struct Asks<'a> {
    pub(crate) client: &'a ConnectedClient,
    /// None for the in-process server, which has no connections.
    pub(crate) place: Option<&'a RosterEntry>,
    pub(crate) share: &'a Share,
    /// Whether the connection can switch to another protocol.
    pub(crate) can_switch: bool,
    /// Where the connection comes from.
    pub(crate) source: Option<SocketAddr>,
}

/// A request's head.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) method: http::Method,
    /// The host, if the request names it outside of its headers, as HTTP/2 does.
    pub(crate) authority: Option<String>,
    /// The path as it was sent.
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
}

impl From<http::request::Parts> for Head {
    fn from(parts: http::request::Parts) -> Self {
        Self {
            method: parts.method,
            authority: parts.uri.authority().map(|authority| authority.as_str().to_owned()),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            headers: parts.headers,
        }
    }
}

/// Answers one request. `under_way` is kept until the answer was sent.
pub(crate) async fn answer<B>(
    exchange: &Exchange,
    asks: &Asks<'_>,
    under_way: Option<UnderWay>,
    head: Head,
    body: B,
) -> http::Response<AnswerBody>
where
    B: http_body::Body<Error: Display>,
{
    let began = httplog::begin();
    let audit_id = match head.headers.get(&AUDIT_ID) {
        Some(chosen) if !chosen.is_empty() => chosen.clone(),
        Some(_) | None => exchange.audit_ids.next(),
    };
    let is_head = head.method == http::Method::HEAD;
    let accepts_gzip = gzip::is_accepted(&head.headers);
    let has_body = !body.is_end_stream();
    let can_switch = asks.can_switch && !has_body;
    // The room that is reserved for the request is freed once it is answered.
    let admitted = upload::admit(exchange, asks, &head, has_body).await;
    let request = to_core(asks.client, head, has_body, can_switch);
    let mut line = began.map(|began| RequestLine::new(began, &request, &audit_id, asks.source));
    let (response, conversation) = match admitted {
        Ok(mut room) => {
            let body = pin!(room.read(body));
            let (response, conversation) = exchange.shell.request(request, body).await;
            (response, Some(conversation))
        }
        Err(NoRoom) => {
            let failure = Failure::too_many_requests("Too many requests, please try again later.", 1);
            (answer::failure(&exchange.shell.world().registry, &request, &failure), None)
        }
    };
    if let Some(line) = &mut line {
        line.answered(LoggedAnswer::Status(response.status));
    }
    let mut out = http::Response::new(AnswerBody::empty(under_way));
    *out.status_mut() =
        http::StatusCode::from_u16(response.status).expect("the core answers with HTTP statuses");
    put_headers(out.headers_mut(), response.headers);
    let source = match (response.body, conversation) {
        (Body::Empty, _) => Source::Empty,
        (Body::Full(bytes), conversation) => {
            out.body_mut().conversation = conversation;
            Source::Full(bytes)
        }
        (Body::Health(bytes, results), _) => {
            exchange.shell.metrics.health_checked(&results);
            Source::Full(bytes)
        }
        (Body::Metrics(page), _) => Source::Full(exchange.shell.metrics.text(&exchange.shell, page).into()),
        (Body::MetricsReset(page), _) => {
            exchange.shell.metrics.reset(page);
            Source::Full(Bytes::from_static(b"metrics reset\n"))
        }
        (Body::List(list), conversation) => {
            out.body_mut().conversation = conversation;
            Source::List(list)
        }
        (Body::Stream(initial), Some(conversation)) => Source::Stream(Some(initial), conversation),
        (Body::Tunnel(_) | Body::Relay(_), Some(conversation)) => {
            match exchange.shell.outcalls().take(conversation.id()) {
                Some(DialedConnection::Stream(server)) => {
                    let mut line = line.take();
                    line.iter_mut().for_each(|line| line.answered(LoggedAnswer::Hijacked));
                    Source::Tunnel(Box::new(OpenTunnel::new(conversation, server, line)))
                }
                Some(DialedConnection::Body(body)) => {
                    Source::Relay(Box::new(OpenRelay::new(conversation, body)))
                }
                None => {
                    tracing::error!("a connection that an answer needs was not kept");
                    *out.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
                    Source::Empty
                }
            }
        }
        (Body::Stream(_) | Body::Tunnel(_) | Body::Relay(_), None) => {
            unreachable!("streams and tunnels are conversations")
        }
    };
    out.body_mut().line = line;
    let source = if accepts_gzip { source.compressed(out.headers_mut()) } else { source };
    if matches!(source, Source::Tunnel(_)) {
        out.body_mut().source = source;
        return out;
    }
    finish_headers(exchange, out.headers_mut(), audit_id);
    if let Some(length) = source.length()
        && (length > 0 || is_head)
        && !out.headers().contains_key(header::CONTENT_LENGTH)
    {
        out.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    out.body_mut().source = if is_head { Source::Empty } else { source };
    if out.body().is_end_stream() {
        out.body_mut().conversation = None;
        out.body_mut().line = None;
    }
    out
}

/// A request of a connection that cannot switch to another protocol does not ask for one either.
fn to_core(client: &ConnectedClient, head: Head, has_body: bool, can_switch: bool) -> Request {
    let mut headers = Vec::with_capacity(head.headers.len() + 1);
    // HTTP/2 names the host outside of the headers.
    if let (Some(authority), None) = (head.authority, head.headers.get(header::HOST)) {
        headers.push(("host".into(), authority));
    }
    for (name, value) in &head.headers {
        if !can_switch && matches!(*name, header::CONNECTION | header::UPGRADE) {
            continue;
        }
        headers.push((name.as_str().into(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    }
    Request {
        method: Method::parse(head.method.as_str()),
        path: head.path,
        query: head.query,
        headers,
        has_body,
        peer: client.proof.peer_at(wall_now().seconds()),
        remote_address: client.remote_address.clone(),
    }
}

fn put_headers(out: &mut HeaderMap, headers: Vec<steersman_core::answer::Header>) {
    out.reserve(headers.len() + 4);
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("the core's header names are valid");
        // A value that repeats text of the client may hold characters that a header cannot hold.
        match HeaderValue::try_from(value) {
            Ok(value) => {
                out.append(name, value);
            }
            Err(_) => tracing::debug!(%name, "a header value was left out"),
        }
    }
}

fn finish_headers(exchange: &Exchange, headers: &mut HeaderMap, audit_id: HeaderValue) {
    headers.insert(AUDIT_ID.clone(), audit_id);
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    }
    if let Some(directives) = &exchange.strict_transport_security {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, directives.clone());
    }
}

/// Makes audit ids, by which requests are found in logs.
pub(crate) struct AuditIds {
    rng: Rng,
    count: AtomicU64,
}

impl AuditIds {
    pub(crate) fn new(seed: u64) -> Self {
        Self { rng: Rng::new(seed), count: AtomicU64::new(0) }
    }

    fn next(&self) -> HeaderValue {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let id = self.rng.fork("audit", number).uuid();
        HeaderValue::from_str(&id).expect("an id is a valid header value")
    }
}

/// A response's body as it is sent.
pub(crate) struct AnswerBody {
    source: Source,
    /// Dropped with the body, which marks the end of the request.
    under_way: Option<UnderWay>,
    /// The conversation of an answer that is not a stream. It is dropped with the body, which tells the machine that
    /// the answer was sent.
    conversation: Option<Conversation>,
    /// The line in the log, which is written when the body was sent. None if requests are not logged.
    line: Option<Box<RequestLine>>,
    /// What is left of a part that is larger than is handed over at once.
    left: Pieces,
}

enum Source {
    Empty,
    Full(Bytes),
    List(ListBody),
    Compressed(Box<Compressor>),
    /// The initial events of a watch, then its live events.
    Stream(Option<InitialEvents>, Conversation),
    /// The connection is joined with another server. It is no body, and whoever sends the answer takes it out.
    Tunnel(Box<OpenTunnel>),
    /// What another server answers, while it arrives.
    Relay(Box<OpenRelay>),
}

impl AnswerBody {
    pub(crate) fn nothing() -> Self {
        Self::empty(None)
    }

    fn empty(under_way: Option<UnderWay>) -> Self {
        Self { source: Source::Empty, under_way, conversation: None, line: None, left: Pieces::default() }
    }

    /// The tunnel that the connection becomes after the answer's head, if it does.
    pub(crate) fn take_tunnel(&mut self) -> Option<OpenTunnel> {
        match std::mem::replace(&mut self.source, Source::Empty) {
            Source::Tunnel(tunnel) => Some(*tunnel),
            other @ (Source::Empty
            | Source::Full(_)
            | Source::List(_)
            | Source::Compressed(_)
            | Source::Relay(_)
            | Source::Stream(..)) => {
                self.source = other;
                None
            }
        }
    }

    /// Hands over what there is, or its first piece: a client that takes a large object slowly is seen to take it.
    fn hand_over(&mut self, mut bytes: Pieces) -> Pieces {
        let piece = bytes.take_front(limits::LIST_CHUNK_BYTES);
        self.left = bytes;
        if let Some(under_way) = &self.under_way {
            under_way.hands_over(piece.remaining());
        }
        piece
    }
}

impl Source {
    fn length(&self) -> Option<u64> {
        match self {
            Self::Empty => Some(0),
            Self::Full(bytes) => Some(bytes.len() as u64),
            Self::Relay(relay) => relay.length(),
            Self::List(_) | Self::Compressed(_) | Self::Stream(..) | Self::Tunnel(_) => None,
        }
    }

    /// Compresses the body if it is large enough. A small body, or a stream, stays as it is.
    /// k8s: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/responsewriters/writers.go
    fn compressed(self, headers: &mut HeaderMap) -> Self {
        let compressor = match self {
            Self::Full(bytes) if bytes.len() >= gzip::THRESHOLD_BYTES => Compressor::whole(bytes),
            Self::List(list) => match Compressor::list(list) {
                Ok(compressor) => compressor,
                Err(small) => return Self::Full(small),
            },
            other @ (Self::Empty
            | Self::Full(_)
            | Self::Compressed(_)
            | Self::Stream(..)
            | Self::Tunnel(_)
            | Self::Relay(_)) => return other,
        };
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        headers.append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        Self::Compressed(Box::new(compressor))
    }
}

impl http_body::Body for AnswerBody {
    type Data = Pieces;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Pieces>, Self::Error>>> {
        let is_stream = matches!(self.source, Source::Stream(..) | Source::Relay(_));
        if !is_stream && self.under_way.as_ref().is_some_and(UnderWay::is_too_slow) {
            return Poll::Ready(Some(Err(Cut::TooSlow)));
        }
        if !self.left.is_empty() {
            let left = std::mem::take(&mut self.left);
            return Poll::Ready(Some(Ok(Frame::data(self.hand_over(left)))));
        }
        let bytes = match &mut self.source {
            Source::Empty | Source::Tunnel(_) => None,
            // The body is handed over in pieces, because everything that was handed over counts as sent.
            Source::Full(bytes) => {
                let piece = bytes.split_to(bytes.len().min(limits::LIST_CHUNK_BYTES));
                Some(piece).filter(|piece| !piece.is_empty()).map(Pieces::from)
            }
            Source::List(list) => list.next_chunk().map(Pieces::from),
            Source::Compressed(compressor) => compressor.next_chunk().map(Pieces::from),
            Source::Relay(relay) => match relay.poll_bytes(context) {
                Poll::Ready(bytes) => bytes.transpose()?.map(Pieces::from),
                Poll::Pending => {
                    self.under_way.iter().for_each(UnderWay::waits);
                    return Poll::Pending;
                }
            },
            Source::Stream(initial, conversation) => {
                let existing = initial.as_mut().and_then(InitialEvents::next_chunk);
                if existing.is_none() {
                    *initial = None;
                }
                match existing {
                    Some(bytes) => Some(bytes.into()),
                    None => match conversation.poll_bytes(context) {
                        Poll::Ready(bytes) => bytes,
                        Poll::Pending => {
                            self.under_way.iter().for_each(UnderWay::waits);
                            return Poll::Pending;
                        }
                    },
                }
            }
        };
        if bytes.is_none() {
            self.source = Source::Empty;
            self.under_way = None;
            self.conversation = None;
            self.line = None;
        }
        Poll::Ready(bytes.map(|bytes| Ok(Frame::data(self.hand_over(bytes)))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty() && self.source.length() == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.source.length().map(SizeHint::with_exact).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::TestedActivity as Activity;
    use http_body_util::BodyExt;

    #[tokio::test]
    async fn a_large_object_is_handed_over_piece_by_piece() {
        let under_way = UnderWay::begin(&Activity::new());
        let stream = under_way.stream();
        let mut reply = AnswerBody::empty(Some(under_way));
        let first = reply.hand_over(Bytes::from(vec![b'x'; 2 * limits::LIST_CHUNK_BYTES + 1]).into());
        let mut lengths = vec![first.remaining()];
        assert!(!reply.is_end_stream(), "there is more");
        while let Some(frame) = reply.frame().await {
            assert_eq!(stream.untaken(), Some(lengths.len() as u32 + 1), "each is seen to be taken");
            lengths.push(frame.expect("a piece").into_data().expect("data").remaining());
        }
        assert_eq!(lengths, [limits::LIST_CHUNK_BYTES, limits::LIST_CHUNK_BYTES, 1]);
    }
}

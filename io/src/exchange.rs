//! One HTTP exchange: an HTTP request to the core's, the core's response to HTTP's. The secure port and the
//! server in process share it.

use std::fmt::Display;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt;
use steersman_core::cache::ListBody;
use steersman_core::codec::json;
use steersman_core::http::{Body, Method, Request, Response, health};
use steersman_core::limits;
use steersman_core::respond::InitialEvents;
use steersman_core::rng::Rng;
use steersman_core::status::Failure;
use steersman_core::value::Text;

use crate::clock::wall_now;
use crate::conversation::Conversation;
use crate::gzip::{self, Compressor};
use crate::peer::Proof;
use crate::pieces::Pieces;
use crate::serve::UnderWay;
use crate::shell::Shell;

static AUDIT_ID: HeaderName = HeaderName::from_static("audit-id");
/// Set by the core on an authorized request for the metrics, or to forget them, since only the shell has them.
static METRICS: HeaderName = HeaderName::from_static("x-steersman-metrics");
static METRICS_RESET: HeaderName = HeaderName::from_static("x-steersman-metrics-reset");
/// The word of the core for the metrics of health checks.
const HEALTH_METRICS: &[u8] = b"slis";
static HEALTH_RESULTS: HeaderName = HeaderName::from_static(health::RESULTS);

/// Where requests are answered, and how.
pub(crate) struct Exchange {
    pub(crate) shell: Arc<Shell>,
    pub(crate) strict_transport_security: Option<HeaderValue>,
    /// How long a request's body may take to arrive.
    pub(crate) request_timeout: Duration,
    pub(crate) audit_ids: AuditIds,
}

/// Who asks.
pub(crate) struct Client {
    pub(crate) proof: Proof,
    pub(crate) remote_address: Text,
}

/// Answers one request. `under_way` lives as long as the answer.
pub(crate) async fn answer<B>(
    exchange: &Exchange,
    client: &Client,
    under_way: Option<UnderWay>,
    request: http::Request<B>,
) -> http::Response<Reply>
where
    B: http_body::Body<Error: Display>,
{
    let (head, body) = request.into_parts();
    let audit_id = match head.headers.get(&AUDIT_ID) {
        Some(chosen) if !chosen.is_empty() => chosen.clone(),
        Some(_) | None => exchange.audit_ids.next(),
    };
    let is_head = head.method == http::Method::HEAD;
    let accepts_gzip = gzip::is_accepted(&head.headers);
    let (response, conversation) = match read_body(exchange, &head, body).await {
        Ok(body) => {
            let (response, conversation) = exchange.shell.request(to_core(client, head, body)).await;
            (response, Some(conversation))
        }
        Err(failure) => (failure_response(&failure), None),
    };
    let mut out = http::Response::new(Reply { source: Source::Empty, under_way });
    *out.status_mut() =
        http::StatusCode::from_u16(response.status).expect("the core answers with HTTP statuses");
    put_headers(out.headers_mut(), response.headers);
    let source = match (response.body, conversation) {
        (Body::Empty, _) => Source::Empty,
        (Body::Full(bytes), _) => Source::Full(bytes),
        (Body::List(list), _) => Source::List(list),
        (Body::Stream(initial), Some(conversation)) => Source::Stream(Some(initial), conversation),
        (Body::Stream(_), None) => unreachable!("streams are conversations"),
    };
    let source = told_by_metrics(&exchange.shell, out.headers_mut(), source);
    let source = if accepts_gzip { source.compressed(out.headers_mut()) } else { source };
    finish_headers(exchange, out.headers_mut(), audit_id);
    if let Some(length) = source.length()
        && (length > 0 || is_head)
    {
        out.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    out.body_mut().source = if is_head { Source::Empty } else { source };
    out
}

/// What concerns metrics is between the core and the shell: the client sees only what comes of it.
fn told_by_metrics(shell: &Shell, headers: &mut HeaderMap, source: Source) -> Source {
    if let Some(results) = headers.remove(&HEALTH_RESULTS) {
        shell.metrics.health_checked(&String::from_utf8_lossy(results.as_bytes()));
    }
    if let Some(which) = headers.remove(&METRICS_RESET) {
        shell.metrics.reset(which.as_bytes() == HEALTH_METRICS);
    }
    match headers.remove(&METRICS) {
        Some(which) if which.as_bytes() == HEALTH_METRICS => Source::Full(shell.metrics.health_text().into()),
        Some(_) => Source::Full(shell.metrics.text(shell).into()),
        None => source,
    }
}

/// The body, read whole.
async fn read_body<B>(exchange: &Exchange, head: &http::request::Parts, body: B) -> Result<Bytes, Failure>
where
    B: http_body::Body<Error: Display>,
{
    let mut body = pin!(body);
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let announced =
        head.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let mut is_large = announced.is_some_and(|length: usize| length > limits::REQUEST_BODY_BYTES);
    let read = async {
        let mut whole = Bytes::new();
        let mut joined = BytesMut::new();
        let mut length = 0_usize;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| Failure::bad_request(format!("reading the body: {error}")))?;
            let Ok(mut data) = frame.into_data() else { continue };
            // Of bytes that are whole already this makes no copy.
            let data = data.copy_to_bytes(data.remaining());
            length = length.saturating_add(data.len());
            is_large |= length > limits::REQUEST_BODY_BYTES;
            if length > limits::DISCARDED_BODY_BYTES {
                break;
            } else if is_large {
                // A client that still writes does not read: it gets its answer when it is done.
            } else if whole.is_empty() && joined.is_empty() {
                // A body of one piece, the usual case, is not copied.
                whole = data;
            } else {
                joined.extend_from_slice(&std::mem::take(&mut whole));
                joined.extend_from_slice(&data);
            }
        }
        match is_large {
            true => Err(Failure::request_entity_too_large(limits::REQUEST_BODY_BYTES)),
            false => Ok(if joined.is_empty() { whole } else { joined.freeze() }),
        }
    };
    match tokio::time::timeout(exchange.request_timeout, read).await {
        Ok(read) => read,
        Err(_) => Err(Failure::timeout("request body did not arrive in time", 0)),
    }
}

fn to_core(client: &Client, head: http::request::Parts, body: Bytes) -> Request {
    let mut headers = Vec::with_capacity(head.headers.len() + 1);
    // HTTP/2 names the host outside of the headers.
    if let (Some(authority), None) = (head.uri.authority(), head.headers.get(header::HOST)) {
        headers.push(("host".into(), authority.as_str().to_owned()));
    }
    for (name, value) in &head.headers {
        headers.push((name.as_str().into(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    }
    Request {
        method: Method::parse(head.method.as_str()),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers,
        body,
        peer: client.proof.peer_at(wall_now().seconds()),
        remote_address: client.remote_address.clone(),
    }
}

fn failure_response(failure: &Failure) -> Response {
    Response::json(failure.code, json::to_vec(&failure.to_value()))
}

fn put_headers(out: &mut HeaderMap, headers: Vec<steersman_core::http::Header>) {
    out.reserve(headers.len() + 4);
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("the core's header names are valid");
        // A value that echoes what a client sent may hold what a header must not.
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

/// Makes the ids by which requests are found in logs.
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
pub(crate) struct Reply {
    source: Source,
    /// Dropped with the body: until then the request is under way.
    under_way: Option<UnderWay>,
}

enum Source {
    Empty,
    Full(Bytes),
    List(ListBody),
    Compressed(Box<Compressor>),
    /// What existed, then what happens.
    Stream(Option<InitialEvents>, Conversation),
}

impl Source {
    fn length(&self) -> Option<u64> {
        match self {
            Self::Empty => Some(0),
            Self::Full(bytes) => Some(bytes.len() as u64),
            Self::List(_) | Self::Compressed(_) | Self::Stream(..) => None,
        }
    }

    /// The body compressed when it is large enough; a small one, and a stream, as it is.
    /// k8s: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/responsewriters/writers.go
    fn compressed(self, headers: &mut HeaderMap) -> Self {
        let compressor = match self {
            Self::Full(bytes) if bytes.len() >= gzip::THRESHOLD_BYTES => Compressor::whole(bytes),
            Self::List(list) => match Compressor::list(list) {
                Ok(compressor) => compressor,
                Err(small) => return Self::Full(small),
            },
            other @ (Self::Empty | Self::Full(_) | Self::Compressed(_) | Self::Stream(..)) => return other,
        };
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        headers.append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        Self::Compressed(Box::new(compressor))
    }
}

impl http_body::Body for Reply {
    type Data = Pieces;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Pieces>, Self::Error>>> {
        let bytes = match &mut self.source {
            Source::Empty => None,
            Source::Full(bytes) => {
                Some(std::mem::take(bytes)).filter(|bytes| !bytes.is_empty()).map(Pieces::from)
            }
            Source::List(list) => list.next_chunk().map(Pieces::from),
            Source::Compressed(compressor) => compressor.next_chunk().map(Pieces::from),
            Source::Stream(initial, conversation) => {
                let existing = initial.as_mut().and_then(InitialEvents::next_chunk);
                if existing.is_none() {
                    *initial = None;
                }
                match existing {
                    Some(bytes) => Some(bytes.into()),
                    None => match conversation.poll_bytes(context) {
                        Poll::Ready(bytes) => bytes,
                        Poll::Pending => return Poll::Pending,
                    },
                }
            }
        };
        if bytes.is_none() {
            self.source = Source::Empty;
            self.under_way = None;
        }
        Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.source.length() == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.source.length().map(SizeHint::with_exact).unwrap_or_default()
    }
}

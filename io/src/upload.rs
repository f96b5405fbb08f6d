//! A request on its way in: who may send how much, room for it, and its body, read whole within its time.

use std::fmt::Display;
use std::pin::{Pin, pin};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use http::header::{self, HeaderMap};
use http_body_util::BodyExt;
use steersman_core::limits;
use steersman_core::status::Failure;
use tokio::time::Instant;

use crate::budget::{NoRoom, Reserved};
use crate::exchange::{Asks, Exchange, Head};

/// A body that is there, and the room that was reserved for it and its head.
pub(crate) struct Upload<'a> {
    pub(crate) body: Bytes,
    pub(crate) reserved: Option<Reserved<'a>>,
}

/// What a header line costs beside its bytes.
const HEADER_LINE_BYTES: usize = 128;

/// Takes the body of a request.
pub(crate) async fn take<'a, B>(
    exchange: &'a Exchange,
    asks: &'a Asks<'_>,
    head: &Head,
    body: B,
) -> Result<Upload<'a>, Failure>
where
    B: http_body::Body<Error: Display>,
{
    let began = Instant::now();
    let head_bytes = head_bytes(head);
    let has_body = !body.is_end_stream();
    if !is_known(exchange, asks, &head.headers) {
        if !exchange.shell.lets_anybody_in() && has_body {
            // Its body would be read for nothing.
            return Err(Failure::unauthorized());
        }
        if !has_body && head_bytes <= limits::REQUEST_HEAD_BYTES_FREE {
            return Ok(Upload { body: Bytes::new(), reserved: None });
        }
        let bytes = head_bytes.saturating_add(if has_body { body_bytes(&head.headers) } else { 0 });
        let reserved = exchange.budget.reserve_unknown(bytes).map_err(no_room)?;
        let body = read(exchange, began, &head.headers, body).await?;
        return Ok(Upload { body, reserved: Some(reserved) });
    }
    let long_head = if head_bytes > limits::REQUEST_HEAD_BYTES_FREE { head_bytes } else { 0 };
    let bytes = long_head.saturating_add(if has_body { body_bytes(&head.headers) } else { 0 });
    if bytes == 0 {
        return Ok(Upload { body: Bytes::new(), reserved: None });
    }
    let reserved =
        exchange.budget.reserve(asks.share, bytes, exchange.request_timeout).await.map_err(no_room)?;
    let body = if has_body { read(exchange, began, &head.headers, body).await? } else { Bytes::new() };
    Ok(Upload { body, reserved: Some(reserved) })
}

fn no_room(_: NoRoom) -> Failure {
    Failure::too_many_requests("Too many requests, please try again later.", 1)
}

/// Whether the client has said who it is: with a certificate, or a token that is known, now or before on this
/// connection. It decides only what memory a request may use.
fn is_known(exchange: &Exchange, asks: &Asks<'_>, headers: &HeaderMap) -> bool {
    let Some(place) = asks.place else { return true };
    if place.is_known() {
        return true;
    }
    let token =
        headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(bearer_token);
    let is_known = token.is_some_and(|token| exchange.shell.knows_token(token));
    if is_known {
        place.make_known();
    }
    is_known
}

fn bearer_token(value: &str) -> Option<&str> {
    let (scheme, token) = value.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

fn head_bytes(head: &Head) -> usize {
    let lines = head.headers.iter().map(|(name, value)| name.as_str().len() + value.len());
    let lines = lines.fold(0_usize, |sum, bytes| sum.saturating_add(bytes + HEADER_LINE_BYTES));
    lines.saturating_add(head.path.len()).saturating_add(head.query.len())
}

/// Bytes that a body will need: what it says, or the most that it may have.
fn body_bytes(headers: &HeaderMap) -> usize {
    announced(headers).unwrap_or(limits::REQUEST_BODY_BYTES).min(limits::REQUEST_BODY_BYTES)
}

fn announced(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The body, read whole.
async fn read<B>(exchange: &Exchange, began: Instant, headers: &HeaderMap, body: B) -> Result<Bytes, Failure>
where
    B: http_body::Body<Error: Display>,
{
    let mut body = pin!(body);
    let mut is_large = announced(headers).is_some_and(|length| length > limits::REQUEST_BODY_BYTES);
    let mut joined = BytesMut::new();
    let mut length = 0_usize;
    loop {
        let deadline = began + time_for(exchange, length);
        let frame = match tokio::time::timeout_at(deadline, body.frame()).await {
            Err(_) => return Err(Failure::timeout("request body did not arrive in time", 0)),
            Ok(None) => break,
            // k8s: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/rest.go limitedReadBody
            Ok(Some(Err(error))) => return Err(Failure::unclassified(error.to_string())),
            Ok(Some(Ok(frame))) => frame,
        };
        let Ok(mut data) = frame.into_data() else { continue };
        length = length.saturating_add(data.remaining());
        is_large |= length > limits::REQUEST_BODY_BYTES;
        if length > limits::DISCARDED_BODY_BYTES {
            break;
        } else if is_large {
            // A client that still writes does not read: it gets its answer when it is done.
            joined = BytesMut::new();
        } else if joined.is_empty() && is_at_end(body.as_ref()) {
            // A body of one piece, the usual case, is not copied. A first piece of several is: it would keep the
            // whole buffer that it was read into.
            return Ok(data.copy_to_bytes(data.remaining()));
        } else {
            joined.extend_from_slice(&data.copy_to_bytes(data.remaining()));
        }
    }
    match is_large {
        true => Err(Failure::request_entity_too_large(limits::REQUEST_BODY_BYTES)),
        false => Ok(joined.freeze()),
    }
}

fn is_at_end<B: http_body::Body>(body: Pin<&B>) -> bool {
    body.is_end_stream()
}

/// How long a body may have taken of which so much has arrived.
fn time_for(exchange: &Exchange, bytes: usize) -> Duration {
    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
    let millis = bytes.saturating_mul(1000) / limits::UPLOAD_BYTES_PER_SECOND;
    Duration::from_millis(limits::UPLOAD_GRACE_MILLIS.saturating_add(millis)).min(exchange.request_timeout)
}

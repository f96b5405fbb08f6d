//! The way of a request into the server: room in the budget, and its body, which is read completely within a time
//! limit.

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

/// A complete body, and the room that is reserved for it and its head.
pub(crate) struct Upload<'a> {
    pub(crate) body: Bytes,
    pub(crate) reserved: Option<Reserved<'a>>,
}

/// What a header line costs in memory beside its bytes.
const HEADER_LINE_BYTES: usize = 128;

/// Reads the body of a request.
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
            // The request will be refused, so there is no point in reading its body.
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

/// Whether the client is known, by a certificate or by a valid token, in this request or an earlier one on the
/// connection. It decides only which part of the budget a request uses.
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

/// How many bytes to reserve for a body: its declared length, or the longest allowed.
fn body_bytes(headers: &HeaderMap) -> usize {
    announced(headers).unwrap_or(limits::REQUEST_BODY_BYTES).min(limits::REQUEST_BODY_BYTES)
}

fn announced(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Reads the whole body.
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
            // A client that is still writing does not read yet, so the rest of the body is read before it is
            // answered.
            joined = BytesMut::new();
        } else if joined.is_empty() && is_at_end(body.as_ref()) {
            // A body of one piece, which is the usual case, is not copied. The first piece of several is, because it
            // would otherwise keep the whole buffer that it was read into.
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

/// How long the body may have taken by the time this many bytes have arrived.
fn time_for(exchange: &Exchange, bytes: usize) -> Duration {
    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
    let millis = bytes.saturating_mul(1000) / limits::UPLOAD_BYTES_PER_SECOND;
    Duration::from_millis(limits::UPLOAD_GRACE_MILLIS.saturating_add(millis)).min(exchange.request_timeout)
}

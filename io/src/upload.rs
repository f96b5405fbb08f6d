//! The way of a request into the server: room in the budget for a long head, and the body, which is read when the
//! machine asks for it, completely and within a time limit.

use std::fmt::Display;
use std::pin::{Pin, pin};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use http::header::{self, HeaderMap};
use http_body_util::BodyExt;
use steersman_core::limits;
use steersman_core::wire::BodyError;
use tokio::time::Instant;

use crate::budget::{NoRoom, Reserved};
use crate::exchange::{Asks, Exchange, Head};

/// The room of one request in the budget. It is given back once the request is answered.
pub(crate) struct Room<'a> {
    exchange: &'a Exchange,
    asks: &'a Asks<'a>,
    is_known: bool,
    /// The length that the head announces for the body, if it does.
    announced: Option<usize>,
    /// Bytes that are reserved for a body when it is asked for. 0 if there is room for it already.
    wanted: usize,
    head: Option<Reserved<'a>>,
    body: Option<Reserved<'a>>,
}

/// What a header line costs in memory beside its bytes.
const HEADER_LINE_BYTES: usize = 128;

/// Reserves room for a head that is long. Nothing of a body is reserved or read yet, since it is not known yet whether
/// the client may send it. Only for a known client with a long head both are reserved together, because requests that
/// wait for room while they hold some could wait for each other for ever.
///
/// # Errors
/// When an unknown client finds no room, or a known one has found none within the request timeout.
pub(crate) async fn admit<'a>(
    exchange: &'a Exchange,
    asks: &'a Asks<'a>,
    head: &Head,
    has_body: bool,
) -> Result<Room<'a>, NoRoom> {
    let is_known = is_known(exchange, asks, &head.headers);
    let announced = announced(&head.headers);
    // A body without a length may have the longest one that is allowed.
    let body_bytes = announced.unwrap_or(limits::REQUEST_BODY_BYTES).min(limits::REQUEST_BODY_BYTES);
    let wanted = if has_body { body_bytes } else { 0 };
    let mut room = Room { exchange, asks, is_known, announced, wanted, head: None, body: None };
    let head_bytes = head_bytes(head);
    if head_bytes > limits::REQUEST_HEAD_BYTES_FREE {
        let together = if is_known { std::mem::take(&mut room.wanted) } else { 0 };
        room.head = Some(room.reserve(head_bytes.saturating_add(together)).await?);
    }
    Ok(room)
}

impl<'a> Room<'a> {
    async fn reserve(&self, bytes: usize) -> Result<Reserved<'a>, NoRoom> {
        let budget = &self.exchange.budget;
        match self.is_known {
            true => budget.reserve(self.asks.share, bytes, self.exchange.request_timeout).await,
            false => budget.reserve_unknown(bytes),
        }
    }

    /// Reserves room for the body and reads it. Nothing happens before the future is polled.
    pub(crate) async fn read<B>(&mut self, body: B) -> Result<Bytes, BodyError>
    where
        B: http_body::Body<Error: Display>,
    {
        if self.wanted > 0 {
            self.body = Some(self.reserve(self.wanted).await.map_err(|NoRoom| BodyError::NoRoom)?);
        }
        read(self.exchange.request_timeout, self.announced, body).await
    }
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

fn announced(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Reads the whole body.
async fn read<B>(most: Duration, announced: Option<usize>, body: B) -> Result<Bytes, BodyError>
where
    B: http_body::Body<Error: Display>,
{
    let began = Instant::now();
    let mut body = pin!(body);
    let mut is_large = announced.is_some_and(|length| length > limits::REQUEST_BODY_BYTES);
    let mut joined = BytesMut::new();
    let mut length = 0_usize;
    loop {
        let deadline = began + time_for(most, length);
        let frame = match tokio::time::timeout_at(deadline, body.frame()).await {
            Err(_) => return Err(BodyError::TooSlow),
            Ok(None) => break,
            Ok(Some(Err(error))) => return Err(BodyError::Broken(error.to_string().into())),
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
    if is_large { Err(BodyError::TooLarge) } else { Ok(joined.freeze()) }
}

fn is_at_end<B: http_body::Body>(body: Pin<&B>) -> bool {
    body.is_end_stream()
}

/// How long the body may have taken by the time this many bytes have arrived, at most `most`.
fn time_for(most: Duration, bytes: usize) -> Duration {
    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
    let millis = bytes.saturating_mul(1000) / limits::UPLOAD_BYTES_PER_SECOND;
    Duration::from_millis(limits::UPLOAD_GRACE_MILLIS.saturating_add(millis)).min(most)
}

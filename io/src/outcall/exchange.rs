//! One request to another server and its answer.

use std::pin::pin;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use steersman_core::answer::DialGoal;
use steersman_core::limits;
use steersman_core::wire::{CallError, Called, Outcall};
use tokio::io::{AsyncRead, AsyncWrite};

use super::DialedConnection;
use super::message::{broken, called, collect, request};
use crate::relay::ServerBody;

/// Sends the request and reads the answer, or its head only if the body is wanted for a client. The connection ends
/// with this future, unless it is kept.
pub(super) async fn exchange<S>(
    stream: S,
    call: &Outcall,
    goal: DialGoal,
) -> Result<(Called, Option<DialedConnection>), CallError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = http1::Builder::new();
    builder.max_buf_size(limits::CALL_ANSWER_HEAD_BYTES);
    let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let request = request(call)?;
    if goal != DialGoal::Tunnel {
        // The connection has to go on when this future has ended.
        let connection = ServerBody::keep(tokio::spawn(async move {
            let _ = connection.await;
        }));
        let response = sender.send_request(request).await.map_err(broken)?;
        let is_refusal = !(200..=206).contains(&response.status().as_u16());
        let (head, incoming) = response.into_parts();
        if goal == DialGoal::Download && is_refusal {
            let body = beginning(incoming, call.answer_bytes_max).await?;
            return Ok((called(&head, body), None));
        }
        return Ok((called(&head, Bytes::new()), Some(DialedConnection::Body(connection.with(incoming)))));
    }
    let answering = async {
        let mut response = sender.send_request(request).await.map_err(broken)?;
        let server = match response.status() {
            http::StatusCode::SWITCHING_PROTOCOLS => {
                Some(TokioIo::new(hyper::upgrade::on(&mut response).await.map_err(broken)?))
            }
            _ => None,
        };
        let (head, body) = response.into_parts();
        let body = collect(body, super::answer_bytes_max(call)).await?;
        Ok((called(&head, body), server.map(DialedConnection::Stream)))
    };
    let (mut answering, connection) = (pin!(answering), pin!(connection.with_upgrades()));
    tokio::select! {
        biased;
        answer = &mut answering => answer,
        // What has arrived before the end is still there to be read.
        _ = connection => answering.await,
    }
}

/// The body as far as it is not longer than this.
async fn beginning(mut body: Incoming, most: usize) -> Result<Bytes, CallError> {
    let mut joined = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(broken)?.into_data() else { continue };
        let left = most.saturating_sub(joined.len());
        joined.extend_from_slice(&data[..data.len().min(left)]);
        if data.len() >= left {
            break;
        }
    }
    Ok(joined.freeze())
}

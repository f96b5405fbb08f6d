//! Requests to other servers and what they answer, and what went wrong between.

use std::error::Error;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use steersman_core::wire::{CallError, Called, Outcall};

use super::{reason, untrusted};

pub(super) fn called(head: &http::response::Parts, body: Bytes) -> Called {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = head.headers.iter().map(|(name, value)| (name.as_str().into(), text(value)));
    Called { status: head.status.as_u16(), headers: headers.collect(), body }
}

pub(super) fn request(call: &Outcall) -> Result<http::Request<Full<Bytes>>, CallError> {
    let mut request = http::Request::builder().method(call.method.word()).uri(&call.target);
    if !call.headers.iter().any(|(name, _)| name == "host") {
        request = request.header(http::header::HOST, call.authority());
    }
    for (name, value) in &call.headers {
        request = request.header(name.as_str(), value);
    }
    request.body(Full::new(call.body.clone())).map_err(|error| CallError::Malformed(error.to_string().into()))
}

pub(super) async fn collect(mut body: Incoming, most: usize) -> Result<Bytes, CallError> {
    let mut joined = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(broken)?.into_data() else { continue };
        if joined.len().saturating_add(data.len()) > most {
            return Err(CallError::TooLarge);
        }
        joined.extend_from_slice(&data);
    }
    Ok(joined.freeze())
}

/// The error for a connection that broke before the answer was whole. With TLS 1.3 a server refuses a client's
/// certificate only after the handshake.
pub(super) fn broken(error: hyper::Error) -> CallError {
    let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
    while let Some(held) = cause {
        if let Some(why) = held.downcast_ref::<std::io::Error>().and_then(distrust) {
            return untrusted(why);
        }
        cause = held.source();
    }
    CallError::Malformed(error.to_string().into())
}

/// Why one side does not believe the other's certificate, if that is what went wrong.
pub(crate) fn distrust(error: &std::io::Error) -> Option<String> {
    error.get_ref()?.downcast_ref::<rustls::Error>().map(reason::of_tls)
}

//! HTTP/2: hyper's implementation with Go's settings and deadlines. Every stream is watched, so that one whose client
//! does not read its answer is ended.
//! k8s: staging/src/k8s.io/apiserver/pkg/server/secure_serving.go
//! go: net/http/h2_bundle.go

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use steersman_core::limits;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::Sleep;
use tokio_rustls::server::TlsStream;

use super::Requests;
use super::activity::{RequestActivity, UnderWay};
use super::guarded::{AskRoom, Guarded};
use crate::exchange::{AnswerBody, Head};

/// Flow control windows: how many bytes a client may send before the server reads them, on a stream and on a
/// connection, and in one frame. The server keeps them in memory.
struct Windows {
    stream: u32,
    connection: u32,
    frame: u32,
}

/// Most objects fit into the window of one stream; see secure_serving.go.
const WINDOWS: Windows = Windows { stream: 256 * 1024, connection: 1024 * 1024, frame: 256 * 1024 };

/// For a client without a certificate. It may still have a token, or be unknown, so it gets smaller windows.
const WINDOWS_UNKNOWN: Windows = Windows { stream: 128 * 1024, connection: 128 * 1024, frame: 16 * 1024 };

/// The limit for a header list as HTTP/2 counts it, with 32 bytes for each line. Go adds room for ten lines to its
/// limit of a megabyte.
const HEADER_LIST_BYTES: u32 = 1024 * 1024 + 10 * 32;

const WRITE_STALL: Duration = Duration::from_millis(limits::WRITE_STALL_MILLIS);

impl Windows {
    fn of(is_known: bool) -> Self {
        if is_known { WINDOWS } else { WINDOWS_UNKNOWN }
    }
}

/// How many requests may leave their bodies unread while the window is not full for the others.
pub(super) fn waiting_max(is_known: bool) -> usize {
    let windows = Windows::of(is_known);
    (windows.connection / windows.stream).saturating_sub(1).try_into().unwrap_or(0)
}

pub(super) async fn serve(
    stream: TlsStream<TcpStream>,
    requests: Requests,
    mut stopping: watch::Receiver<bool>,
) -> hyper::Result<()> {
    let activity = Arc::clone(&requests.activity);
    let windows = Windows::of(requests.place.is_known());
    let streams = Streams::default();
    let stream = Guarded::http2(stream, Arc::clone(&activity), room_for_heads(&requests));
    let service = StreamRequests { requests: Arc::new(requests), streams: streams.clone() };
    let connection = hyper::server::conn::http2::Builder::new(streams)
        .timer(TokioTimer::new())
        .max_concurrent_streams(service.requests.server.http2_max_streams())
        .initial_stream_window_size(windows.stream)
        .initial_connection_window_size(windows.connection)
        .max_frame_size(windows.frame)
        .max_header_list_size(HEADER_LIST_BYTES)
        .max_send_buf_size(limits::STREAM_SEND_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    tokio::select! {
        biased;
        ended = connection.as_mut() => return ended,
        _ = stopping.changed() => {}
        () = activity.idle() => {}
    }
    connection.as_mut().graceful_shutdown();
    tokio::select! {
        biased;
        ended = connection.as_mut() => ended,
        () = activity.quiet() => Ok(()),
    }
}

/// Reserves room for heads that take several frames, which are decompressed as they arrive. All unknown clients share
/// that room.
fn room_for_heads(requests: &Requests) -> AskRoom {
    let (server, place) = (Arc::clone(&requests.server), Arc::clone(&requests.place));
    Box::new(move || {
        if place.is_known() {
            return Ok(None);
        }
        server.exchange().budget.reserve_ahead(limits::UNPACKED_HEAD_BYTES).map(Some)
    })
}

/// Receives the requests of one connection from hyper.
struct StreamRequests {
    requests: Arc<Requests>,
    streams: Streams,
}

impl Service<http::Request<Incoming>> for StreamRequests {
    type Response = http::Response<AnswerBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: http::Request<Incoming>) -> Self::Future {
        let under_way = UnderWay::begin(&self.requests.activity);
        self.streams.comes_next(under_way.stream());
        let requests = Arc::clone(&self.requests);
        let (parts, body) = request.into_parts();
        Box::pin(async move { Ok(requests.answer(Head::from(parts), under_way, body).await) })
    }
}

/// Runs the futures that hyper makes for each request: the service's future, then the sending of its answer.
#[derive(Clone, Default)]
struct Streams {
    /// Connects the two futures: hyper asks the service for a request's future, and right afterwards spawns a future
    /// that wraps it.
    next: Arc<Mutex<Option<Arc<RequestActivity>>>>,
}

impl Streams {
    fn comes_next(&self, stream: Arc<RequestActivity>) {
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = Some(stream);
    }
}

impl<F> Executor<F> for Streams
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, future: F) {
        match self.next.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(stream) => tokio::spawn(until_stalled(future, stream)),
            None => tokio::spawn(future),
        };
    }
}

/// Runs the future of a stream until it ends, or until the client has read nothing of the answer for too long.
/// Dropping the future then resets the stream, and what was still to be sent is dropped.
async fn until_stalled(future: impl Future<Output = ()>, stream: Arc<RequestActivity>) {
    let mut future = pin!(future);
    let mut stall: Option<(u32, Pin<Box<Sleep>>)> = None;
    poll_fn(|context| {
        if future.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        loop {
            let Some(parts) = stream.untaken() else { return Poll::Pending };
            let (seen, timer) =
                stall.get_or_insert_with(|| (parts, Box::pin(tokio::time::sleep(WRITE_STALL))));
            if timer.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            if *seen == parts {
                return Poll::Ready(());
            }
            stall = None;
        }
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::activity::Activity;
    use tokio::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn a_stream_is_reset_if_the_client_stalls_but_not_if_the_server_does() {
        let activity = Activity::new();
        let request = UnderWay::begin(&activity);
        let stream = request.stream();
        let began = Instant::now();
        let answering = async {
            for _ in 0..3 {
                tokio::time::sleep(3 * WRITE_STALL).await;
                for _ in 0..3 {
                    request.hands_over(1);
                    tokio::time::sleep(WRITE_STALL * 2 / 3).await;
                }
                request.waits();
            }
            request.hands_over(1);
            std::future::pending::<()>().await;
        };
        // Keeps the paused clock moving, since nothing else wakes the task in this test.
        let ticks = async {
            loop {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        let future = async {
            tokio::join!(answering, ticks);
        };
        until_stalled(future, stream).await;
        let until_last = 3 * (3 * WRITE_STALL + 2 * WRITE_STALL);
        let took = began.elapsed();
        assert!(took >= until_last + WRITE_STALL && took <= until_last + 2 * WRITE_STALL, "{took:?}");
    }
}

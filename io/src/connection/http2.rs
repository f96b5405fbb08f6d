//! HTTP/2: hyper's, with Go's settings and deadlines, and every stream watched for a client that takes nothing of it.
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
use super::activity::{Stream, UnderWay};
use super::guarded::{AskRoom, Guarded};
use crate::exchange::{Head, Reply};

/// Bytes of a body that may be on their way to the server before they are read, of a stream and of a connection, and
/// of the largest frame. Each waits in memory.
struct Windows {
    stream: u32,
    connection: u32,
    frame: u32,
}

/// Most objects fit into one stream's window; see the file above.
const WINDOWS: Windows = Windows { stream: 256 * 1024, connection: 1024 * 1024, frame: 256 * 1024 };

/// Of a client that showed no certificate: it may have a token, or be anybody.
const WINDOWS_UNKNOWN: Windows = Windows { stream: 128 * 1024, connection: 128 * 1024, frame: 16 * 1024 };

/// Bytes of a header list, as HTTP/2 counts them: with 32 for each line, for ten of which Go leaves room.
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

/// A head that goes over several frames is unpacked as they come: strangers have so much room for that together.
fn room_for_heads(requests: &Requests) -> AskRoom {
    let (server, place) = (Arc::clone(&requests.server), Arc::clone(&requests.place));
    Box::new(move || {
        if place.is_known() {
            return Ok(None);
        }
        server.exchange().budget.reserve_ahead(limits::UNPACKED_HEAD_BYTES).map(Some)
    })
}

/// The requests of one connection, as hyper asks for them.
struct StreamRequests {
    requests: Arc<Requests>,
    streams: Streams,
}

impl Service<http::Request<Incoming>> for StreamRequests {
    type Response = http::Response<Reply>;
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

/// Runs what hyper makes of each request: the service's future, and then the sending of its answer.
#[derive(Clone, Default)]
struct Streams {
    /// hyper asks the service for a request's future and spawns what it wraps it in right afterwards.
    next: Arc<Mutex<Option<Arc<Stream>>>>,
}

impl Streams {
    fn comes_next(&self, stream: Arc<Stream>) {
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

/// Runs a stream's future to its end, or until the client has taken nothing of the answer for too long. What is
/// dropped then resets the stream, with all that was still to be sent on it.
async fn until_stalled(future: impl Future<Output = ()>, stream: Arc<Stream>) {
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
    async fn a_stream_ends_when_the_client_takes_nothing_and_not_while_it_waits_for_the_server() {
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
        // Nobody else would wake it.
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

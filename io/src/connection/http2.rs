//! HTTP/2: hyper's implementation with Go's settings and deadlines. Every stream is watched, so that one whose client
//! does not read its answer is ended.
//! k8s: staging/src/k8s.io/apiserver/pkg/server/secure_serving.go
//! go: net/http/h2_bundle.go

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use steersman_core::limits;
use tokio::io::AsyncWrite;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::server::TlsStream;

use super::Requests;
use super::activity::{RequestActivity, UnderWay};
use super::gathered::Gathered;
use super::guarded::{AskRoom, Guarded};
use super::watches::{Answering, LibraryWaker, WatchMail, Watches};
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
    let sender = Gathered::new(stream);
    let service = StreamRequests { requests: Arc::new(requests), streams: streams.clone() };
    let watches = Watches::new(streams.watches.clone());
    let library_waker = LibraryWaker::new(streams.watches.clone());
    let library = hyper::server::conn::http2::Builder::new(streams)
        .timer(TokioTimer::new())
        .max_concurrent_streams(service.requests.server.http2_max_streams())
        .initial_stream_window_size(windows.stream)
        .initial_connection_window_size(windows.connection)
        .max_frame_size(windows.frame)
        .max_header_list_size(HEADER_LIST_BYTES)
        .max_send_buf_size(limits::STREAM_SEND_BYTES)
        .serve_connection(TokioIo::new(sender.clone()), service);
    let waker = Waker::from(Arc::clone(&library_waker));
    let mut connection = ConnectionTask { library: pin!(library), library_waker, waker, watches, sender };
    tokio::select! {
        biased;
        ended = &mut connection => return ended,
        _ = stopping.changed() => {}
        () = activity.idle() => {}
    }
    connection.library.as_mut().graceful_shutdown();
    tokio::select! {
        biased;
        ended = &mut connection => ended,
        () = activity.quiet() => Ok(()),
    }
}

/// What the task of a connection does.
struct ConnectionTask<'a, C, S> {
    library: Pin<&'a mut C>,
    library_waker: Arc<LibraryWaker>,
    /// The same, as polling needs it.
    waker: Waker,
    watches: Watches,
    sender: Gathered<S>,
}

impl<C: Future, S: AsyncWrite + Unpin> Future for ConnectionTask<'_, C, S> {
    type Output = C::Output;

    /// First all watches that have something to send hand it over, then the library makes frames of it, and then these
    /// are sent.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<C::Output> {
        let this = &mut *self;
        this.library_waker.set_comes_next(true);
        this.watches.poll(context);
        this.library_waker.set_comes_next(false);
        let mut context_of_library = Context::from_waker(&this.waker);
        match this.library.as_mut().poll(&mut context_of_library) {
            Poll::Pending if this.sender.send(context) => this.library.as_mut().poll(&mut context_of_library),
            outcome @ (Poll::Pending | Poll::Ready(_)) => outcome,
        }
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
    watches: WatchMail,
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
        let next = self.next.lock().unwrap_or_else(PoisonError::into_inner).take();
        match next {
            Some(stream) => {
                let answering = Answering::new(Box::pin(future), stream);
                tokio::spawn(until_idle(answering, self.watches.clone()));
            }
            None => {
                tokio::spawn(future);
            }
        }
    }
}

/// Answers a request until it is answered, or until it is a watch that waits for events, which the connection's task
/// takes over.
async fn until_idle(mut answering: Answering, watches: WatchMail) {
    let is_answered = poll_fn(|context| match answering.poll(context) {
        Poll::Ready(()) => Poll::Ready(true),
        Poll::Pending if answering.is_idle_watch() => Poll::Ready(false),
        Poll::Pending => Poll::Pending,
    });
    if !is_answered.await {
        watches.adopt(answering);
    }
}

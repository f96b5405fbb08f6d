//! A server that sends the files of a directory from memory, over the same TLS and HTTP libraries and with the same
//! settings as the real one. What its answers cost is the least that sending those bytes can cost.
//!
//! `/watch` stays open. What is sent in answer to a POST, PUT or PATCH is sent to all its readers too.

use std::collections::HashMap;
use std::convert::Infallible;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_rustls::TlsAcceptor;

use crate::tls::ServerConfig;

/// What is sent for each path, and the readers of `/watch`.
#[derive(Default)]
struct Files {
    by_path: HashMap<String, Bytes>,
    watchers: Mutex<Vec<UnboundedSender<Bytes>>>,
}

/// Serves `/NAME` for each file of the directory, whatever the method, after reading the request's body.
/// Returns only when the directory cannot be read or nothing can be accepted any more.
pub async fn serve_directory(
    listener: TcpListener,
    tls: ServerConfig,
    directory: &Path,
) -> std::io::Result<()> {
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let mut files = Files::default();
    for file in std::fs::read_dir(directory)? {
        let file = file?;
        let name = format!("/{}", file.file_name().to_string_lossy());
        files.by_path.insert(name, Bytes::from(std::fs::read(file.path())?));
    }
    let files = Arc::new(files);
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(connection(acceptor.clone(), stream, Arc::clone(&files)));
    }
}

async fn connection(acceptor: TlsAcceptor, stream: TcpStream, files: Arc<Files>) {
    let _ = stream.set_nodelay(true);
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let service = service_fn(move |request| answer(Arc::clone(&files), request));
    let stream = TokioIo::new(stream);
    // An error here means that the client broke the connection, which is not the server's fault.
    if is_http2 {
        let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        let _ = builder.serve_connection(stream, service).await;
    } else {
        let _ = hyper::server::conn::http1::Builder::new().serve_connection(stream, service).await;
    }
}

async fn answer(files: Arc<Files>, request: Request<Incoming>) -> Result<Response<Sent>, Infallible> {
    let is_change = request.method() != Method::GET;
    let path = request.uri().path().to_owned();
    let _ = request.into_body().collect().await;
    let (status, sent) = match files.by_path.get(&path) {
        _ if path == "/watch" => (StatusCode::OK, Sent::Watched(files.watch())),
        Some(bytes) => {
            if is_change {
                files.publish(bytes);
            }
            (StatusCode::OK, Sent::Whole(Some(bytes.clone())))
        }
        None => (StatusCode::NOT_FOUND, Sent::Whole(None)),
    };
    let mut response = Response::new(sent);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

impl Files {
    fn watch(&self) -> UnboundedReceiver<Bytes> {
        let (sender, receiver) = unbounded_channel();
        self.watchers.lock().unwrap_or_else(PoisonError::into_inner).push(sender);
        receiver
    }

    /// Sends bytes to all readers of `/watch`, and forgets those that have gone.
    fn publish(&self, bytes: &Bytes) {
        let mut watchers = self.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        watchers.retain(|watcher| watcher.send(bytes.clone()).is_ok());
    }
}

/// A response's body.
enum Sent {
    Whole(Option<Bytes>),
    Watched(UnboundedReceiver<Bytes>),
}

impl Body for Sent {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let bytes = match &mut *self {
            Self::Whole(bytes) => Poll::Ready(bytes.take()),
            Self::Watched(events) => events.poll_recv(context),
        };
        bytes.map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Watched(_) => SizeHint::default(),
        }
    }
}

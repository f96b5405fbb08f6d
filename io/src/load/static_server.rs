//! A server that sends a directory's files from memory, over the same TLS and HTTP libraries and with
//! the same settings as the real one: what its answers cost is the least that those bytes can cost.

use std::collections::HashMap;
use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::tls::ServerConfig;

type Files = HashMap<String, Bytes>;

/// Serves `/NAME` for each file of the directory, whatever the method, after reading the request's body.
/// Returns only when the directory cannot be read or nothing can be accepted any more.
pub async fn serve_directory(
    listener: TcpListener,
    tls: ServerConfig,
    directory: &Path,
) -> std::io::Result<()> {
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let mut files = Files::new();
    for file in std::fs::read_dir(directory)? {
        let file = file?;
        let name = format!("/{}", file.file_name().to_string_lossy());
        files.insert(name, Bytes::from(std::fs::read(file.path())?));
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
    // A connection that breaks is the client's end of it.
    if is_http2 {
        let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        let _ = builder.serve_connection(stream, service).await;
    } else {
        let _ = hyper::server::conn::http1::Builder::new().serve_connection(stream, service).await;
    }
}

async fn answer(files: Arc<Files>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let found = files.get(request.uri().path()).cloned();
    let _ = request.into_body().collect().await;
    let mut response = Response::new(Full::new(found.clone().unwrap_or_default()));
    if found.is_none() {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

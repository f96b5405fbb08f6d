//! A client with little overhead: one connection, one request at a time; bodies are counted and dropped.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::certificates::Issued;

/// A server and how to reach it.
#[derive(Clone)]
pub struct LoadTarget {
    address: SocketAddr,
    connector: TlsConnector,
    is_http2: bool,
}

/// A connection that stays open.
pub struct Connection {
    sender: Sender,
    host: String,
}

enum Sender {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

/// What is sent with a request.
#[derive(Clone, Debug, Default)]
pub struct LoadBody {
    /// Empty for no body.
    pub content_type: &'static str,
    pub body: Bytes,
}

/// The result of a request: its status, and the length of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadAnswer {
    pub status: u16,
    pub bytes: u64,
}

/// A watch's events as they arrive, counted and dropped.
pub struct Events {
    body: Incoming,
}

impl Events {
    /// How many events end in the next piece that arrives; None at the end of the watch.
    pub async fn next(&mut self) -> Result<Option<usize>, String> {
        loop {
            let Some(frame) = self.body.frame().await else { return Ok(None) };
            if let Some(data) = frame.map_err(text)?.data_ref() {
                // Compact JSON contains line ends only between events.
                return Ok(Some(data.iter().filter(|byte| **byte == b'\n').count()));
            }
        }
    }
}

impl LoadTarget {
    /// A server at an address, whose certificate must be issued by the authority, and a client certificate for it.
    pub fn new(
        address: SocketAddr,
        authority: &CertificateDer<'static>,
        client: &Issued,
        is_http2: bool,
    ) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        roots.add(authority.clone()).map_err(text)?;
        let mut config = ClientConfig::builder_with_provider(Arc::new(crate::tls::provider()))
            .with_safe_default_protocol_versions()
            .map_err(text)?
            .with_root_certificates(roots)
            .with_client_auth_cert(client.chain.clone(), client.key.clone_key())
            .map_err(text)?;
        config.alpn_protocols = vec![if is_http2 { b"h2".to_vec() } else { b"http/1.1".to_vec() }];
        Ok(Self { address, connector: TlsConnector::from(Arc::new(config)), is_http2 })
    }

    /// Connects. Must be called inside a tokio runtime; the connection ends when it is dropped.
    pub async fn connect(&self) -> Result<Connection, String> {
        let stream = TcpStream::connect(self.address).await.map_err(text)?;
        stream.set_nodelay(true).map_err(text)?;
        let name = ServerName::IpAddress(self.address.ip().into());
        let stream = TokioIo::new(self.connector.connect(name, stream).await.map_err(text)?);
        let sender = if self.is_http2 {
            let (sender, connection) = http2::handshake(TokioExecutor::new(), stream).await.map_err(text)?;
            tokio::spawn(connection);
            Sender::Http2(sender)
        } else {
            let (sender, connection) = http1::handshake(stream).await.map_err(text)?;
            tokio::spawn(connection);
            Sender::Http1(sender)
        };
        Ok(Connection { sender, host: self.address.to_string() })
    }
}

impl Connection {
    /// Makes a request and reads its answer to the end, keeping none of it.
    pub async fn send(
        &mut self,
        method: Method,
        path: &str,
        upload: &LoadBody,
    ) -> Result<LoadAnswer, String> {
        let response = self.open(method, path, upload).await?;
        let status = response.status().as_u16();
        let mut body = response.into_body();
        let mut bytes = 0;
        while let Some(frame) = body.frame().await {
            bytes += frame.map_err(text)?.data_ref().map_or(0, |data| data.len() as u64);
        }
        Ok(LoadAnswer { status, bytes })
    }

    /// Makes a GET and keeps its whole body.
    pub async fn fetch(&mut self, path: &str) -> Result<(u16, Bytes), String> {
        let response = self.open(Method::GET, path, &LoadBody::default()).await?;
        let status = response.status().as_u16();
        Ok((status, response.into_body().collect().await.map_err(text)?.to_bytes()))
    }

    /// Opens a watch. The connection must be kept as long as its events are read.
    pub async fn watch(&mut self, path: &str) -> Result<Events, String> {
        let response = self.open(Method::GET, path, &LoadBody::default()).await?;
        match response.status().as_u16() {
            200 => Ok(Events { body: response.into_body() }),
            status => Err(format!("{path}: status {status}")),
        }
    }

    async fn open(
        &mut self,
        method: Method,
        path: &str,
        upload: &LoadBody,
    ) -> Result<Response<Incoming>, String> {
        let mut request = Request::new(Full::new(upload.body.clone()));
        *request.method_mut() = method;
        let headers = request.headers_mut();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(header::USER_AGENT, HeaderValue::from_static("steersman-bench"));
        if !upload.content_type.is_empty() {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(upload.content_type));
        }
        match &mut self.sender {
            Sender::Http1(sender) => {
                headers.insert(header::HOST, HeaderValue::from_str(&self.host).map_err(text)?);
                *request.uri_mut() = path.parse().map_err(text)?;
                sender.ready().await.map_err(text)?;
                sender.send_request(request).await.map_err(text)
            }
            Sender::Http2(sender) => {
                *request.uri_mut() = format!("https://{}{path}", self.host).parse().map_err(text)?;
                sender.ready().await.map_err(text)?;
                sender.send_request(request).await.map_err(text)
            }
        }
    }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

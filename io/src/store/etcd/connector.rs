//! One connection to a member. The certificate files are read for each new connection, so that renewed ones are used
//! without a restart.
//! etcd: client/pkg/transport/listener.go baseConfig, GetClientCertificate

use std::future::Future;
use std::io::{self, Error};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Uri;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tower_service::Service;

use crate::authorities::{Authorities, ServerVerifier};

/// The files for encrypted connections, PEM.
#[derive(Clone, Debug)]
pub(super) struct Files {
    pub(super) ca: PathBuf,
    /// The client's certificate and its key.
    pub(super) identity: Option<(PathBuf, PathBuf)>,
}

/// A file whose content is not valid.
#[derive(Debug)]
pub(super) struct BadFile(pub(super) PathBuf, pub(super) Error);

impl Files {
    /// The settings for a connection, from the current content of the files.
    pub(super) fn read(&self) -> Result<ClientConfig, BadFile> {
        let bad = |path: &Path, why: &dyn std::fmt::Display| {
            BadFile(path.to_owned(), Error::new(io::ErrorKind::InvalidData, why.to_string()))
        };
        let provider = Arc::new(crate::tls::provider());
        let mut authorities = Authorities::new(Arc::clone(&provider));
        for certificate in certificates(&self.ca)? {
            authorities.add(&certificate).map_err(|error| bad(&self.ca, &error))?;
        }
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| bad(&self.ca, &error))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(ServerVerifier::new(authorities)));
        let mut config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let pem = read(key)?;
                let held = PrivateKeyDer::from_pem_slice(&pem).map_err(|error| bad(key, &error))?;
                let chain = certificates(certificate)?;
                builder.with_client_auth_cert(chain, held).map_err(|error| bad(certificate, &error))?
            }
        };
        config.alpn_protocols.push(b"h2".to_vec());
        Ok(config)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, BadFile> {
    std::fs::read(path).map_err(|error| BadFile(path.to_owned(), error))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, BadFile> {
    let bad = |why: String| BadFile(path.to_owned(), Error::new(io::ErrorKind::InvalidData, why));
    let pem = read(path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match found {
        Ok(found) if found.is_empty() => Err(bad("no certificates found".into())),
        Ok(found) => Ok(found),
        Err(error) => Err(bad(error.to_string())),
    }
}

/// Makes connections; with `files`, encrypted ones.
#[derive(Clone, Debug)]
pub(super) struct Connector {
    pub(super) files: Option<Files>,
}

/// A plain or an encrypted connection.
pub(super) trait EtcdStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> EtcdStream for S {}

impl Connector {
    async fn connect(self, uri: Uri) -> io::Result<Box<dyn EtcdStream>> {
        let authority = uri.authority().ok_or_else(|| Error::other("an endpoint names a host"))?;
        let port = authority.port_u16().unwrap_or(if self.files.is_some() { 443 } else { 80 });
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let stream = TcpStream::connect((host.as_str(), port)).await?;
        stream.set_nodelay(true)?;
        let Some(files) = self.files else { return Ok(Box::new(stream)) };
        let config = files.read().map_err(|BadFile(path, error)| {
            Error::new(error.kind(), format!("{}: {error}", path.display()))
        })?;
        let name = ServerName::try_from(host).map_err(Error::other)?;
        let connecting = TlsConnector::from(Arc::new(config)).connect(name, stream);
        match connecting.await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) => Err(crate::outcall::distrust(&error).map_or(error, Error::other)),
        }
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Box<dyn EtcdStream>>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.clone().connect(uri);
        Box::pin(async move { connecting.await.map(TokioIo::new) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificates::{Authority, Issued};
    use crate::peer::{AnyCertificate, ClientCas};
    use rustls::ServerConfig;
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    /// Returns the certificate that the client presents.
    async fn shown(listener: &TcpListener, acceptor: &TlsAcceptor) -> Vec<u8> {
        let (stream, _) = listener.accept().await.expect("a connection");
        let mut stream = acceptor.accept(stream).await.expect("a handshake");
        let chain = stream.get_ref().1.peer_certificates().expect("a certificate").to_vec();
        let _ = stream.read_u8().await;
        chain.first().expect("a certificate").to_vec()
    }

    #[tokio::test]
    async fn renewed_certificates_are_used_for_the_next_connection() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name);
        let provider = Arc::new(crate::tls::provider());
        let authority = Authority::create("etcd").expect("an authority");
        let write = |client: &Issued| {
            std::fs::write(path("client.crt"), &client.chain_pem).expect("a file");
            std::fs::write(path("client.key"), &*client.key_pem).expect("a file");
        };
        let serving = authority.issue_server("etcd", &["localhost".into()], &[]).expect("a certificate");
        std::fs::write(path("ca.crt"), authority.certificate_pem()).expect("a file");
        let cas = ClientCas::new(Arc::clone(&provider), &[authority.certificate().clone()]).expect("a pool");
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_client_cert_verifier(Arc::new(AnyCertificate::new(Arc::new(cas))))
            .with_single_cert(serving.chain, serving.key)
            .expect("a configuration");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let uri: Uri = format!("http://localhost:{port}").parse().expect("an address");
        let identity = Some((path("client.crt"), path("client.key")));
        let mut connector = Connector { files: Some(Files { ca: path("ca.crt"), identity }) };
        for _ in 0..2 {
            let client = authority.issue_client("client", "etcd").expect("a certificate");
            write(&client);
            let (found, connected) = tokio::join!(shown(&listener, &acceptor), async {
                drop(connector.call(uri.clone()).await.expect("a connection"));
            });
            assert_eq!((found.as_slice(), connected), (client.chain[0].as_ref(), ()));
        }
        std::fs::write(path("client.key"), "nonsense").expect("a file");
        let error = connector.call(uri).await.err().expect("no key");
        assert!(error.to_string().contains("client.key"), "{error}");
    }
}

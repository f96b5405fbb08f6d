//! librarian: tries the operator of `librarian/` and its webhooks against the server that KUBECONFIG names. It ends
//! with an error when something is not as it should be.

#[path = "../librarian/mod.rs"]
mod librarian;

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use k8s_openapi::ByteString;
use librarian::Webhooks;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

#[tokio::main]
async fn main() {
    rustls::crypto::aws_lc_rs::default_provider().install_default().expect("the only provider");
    let client = kube::Client::try_default().await.expect("a configuration");
    let webhooks = serve().await;
    librarian::visit(client, "default", &webhooks).await;
    eprintln!("the operator keeps its custom resources");
}

/// Serves the webhooks on a port of this host, with a certificate of their own.
async fn serve() -> Webhooks {
    let host = Ipv4Addr::LOCALHOST.to_string();
    let made = rcgen::generate_simple_self_signed([host.clone()]).expect("a certificate");
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())
        .expect("a key that fits");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind((host.as_str(), 0)).await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(converse(acceptor.clone(), stream));
        }
    });
    let ca_bundle = Some(ByteString(made.cert.pem().into_bytes()));
    Webhooks { base: format!("https://{host}:{port}"), ca_bundle }
}

/// Answers what comes over one connection.
async fn converse(acceptor: TlsAcceptor, stream: TcpStream) {
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let answer = service_fn(|request: http::Request<Incoming>| async {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        let answer = librarian::answer(&http::Request::from_parts(head, body));
        Ok::<_, Infallible>(answer.map(Full::<Bytes>::new))
    });
    // A connection that breaks is the server's to notice.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
}

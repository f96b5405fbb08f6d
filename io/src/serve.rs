//! The secure port: accepts connections, up to the limit, until it is told to stop.
//! k8s: staging/src/k8s.io/apiserver/pkg/server/secure_serving.go

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::budget::Budget;
use crate::connection::{self, Accepted, Admission, Roster};
use crate::descriptors;
use crate::exchange::{AuditIds, Exchange};
use crate::peer::ClientCas;
use crate::shell::Shell;

/// How long the listener pauses when the process has no file descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long a new connection waits before it asks for a place again.
const ADMISSION_PAUSE: Duration = Duration::from_millis(10);

/// Certificates and authorities for TLS.
pub struct Secured {
    pub tls: ServerConfig,
    pub client_cas: Option<Arc<ClientCas>>,
}

/// Options of the secure port.
pub struct ServeOptions {
    pub secured: Secured,
    /// `--http2-max-streams-per-connection`.
    pub http2_max_streams: u32,
    /// `--strict-transport-security-directives`, joined; empty for no header.
    pub strict_transport_security: String,
    /// How long a request and its body may take to arrive.
    pub request_timeout: Duration,
}

/// Listens on an address. `0.0.0.0` stands for all addresses of both families, as in Go.
pub async fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    if address.ip() == Ipv4Addr::UNSPECIFIED
        && let Ok(listener) = TcpListener::bind((Ipv6Addr::UNSPECIFIED, address.port())).await
    {
        return Ok(listener);
    }
    TcpListener::bind(address).await
}

/// What all connections share.
pub(crate) struct SecurePort {
    exchange: Exchange,
    /// Replaced when certificate files change. Open connections keep the certificate that they began with.
    keys: ArcSwap<TlsKeys>,
    http2_max_streams: u32,
    roster: Arc<Roster>,
}

pub(crate) struct TlsKeys {
    pub(crate) acceptor: TlsAcceptor,
    pub(crate) client_cas: Option<Arc<ClientCas>>,
}

impl SecurePort {
    pub(crate) fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    pub(crate) fn keys(&self) -> arc_swap::Guard<Arc<TlsKeys>> {
        self.keys.load()
    }

    pub(crate) fn http2_max_streams(&self) -> u32 {
        self.http2_max_streams
    }
}

impl TlsKeys {
    fn new(secured: Secured) -> Arc<Self> {
        Arc::new(Self { acceptor: TlsAcceptor::from(Arc::new(secured.tls)), client_cas: secured.client_cas })
    }
}

/// The listening server. Dropping it does not end connections.
pub struct Serving {
    server: Arc<SecurePort>,
    stop: watch::Sender<bool>,
}

impl Serving {
    /// Serves the listener's connections until `stop` is called. Must be called inside a tokio runtime.
    pub fn start(shell: Arc<Shell>, listener: TcpListener, options: ServeOptions) -> Result<Self, String> {
        let strict_transport_security = match options.strict_transport_security.as_str() {
            "" => None,
            directives => Some(http::HeaderValue::from_str(directives).map_err(|error| error.to_string())?),
        };
        let server = Arc::new(SecurePort {
            exchange: Exchange {
                shell,
                strict_transport_security,
                request_timeout: options.request_timeout,
                audit_ids: AuditIds::new(crate::tls::random_seed()),
                budget: Budget::new(),
            },
            keys: ArcSwap::new(TlsKeys::new(options.secured)),
            http2_max_streams: options.http2_max_streams,
            roster: Roster::new(descriptors::limit()),
        });
        let (stop, stopping) = watch::channel(false);
        tokio::spawn(accept(Arc::clone(&server), listener, stopping));
        Ok(Self { server, stop })
    }

    /// Sets the certificates for connections that are accepted from now on.
    pub fn secure_with(&self, secured: Secured) {
        self.server.keys.store(TlsKeys::new(secured));
    }

    /// Accepts no more connections, lets open ones finish their requests, and returns when all are closed or the time
    /// is over.
    pub async fn stop(self, within: Duration) {
        // Sending fails only if all connections have ended already.
        let _ = self.stop.send(true);
        let _ = tokio::time::timeout(within, self.stop.closed()).await;
    }
}

async fn accept(server: Arc<SecurePort>, listener: TcpListener, mut stopping: watch::Receiver<bool>) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopping.changed() => return,
        };
        match accepted {
            Ok((stream, address)) => admit(&server, stream, address, &stopping).await,
            Err(error) => {
                tracing::warn!(%error, "accept");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Serves a connection once there is a place for it, or drops it when there will be none.
async fn admit(
    server: &Arc<SecurePort>,
    stream: TcpStream,
    address: SocketAddr,
    stopping: &watch::Receiver<bool>,
) {
    let (place, leaving) = loop {
        match server.roster.admit(address.ip()) {
            Admission::Admitted(place, leaving) => break (place, leaving),
            Admission::Wait if *stopping.borrow() => return,
            // Further connections wait in the system's queue meanwhile.
            Admission::Wait => tokio::time::sleep(ADMISSION_PAUSE).await,
            Admission::Full => {
                tracing::warn!(%address, "too many connections");
                return;
            }
        }
    };
    let accepted = Accepted { server: Arc::clone(server), stream, address, place };
    let served = connection::serve(accepted, stopping.clone());
    tokio::spawn(async move {
        tokio::select! {
            biased;
            // An error means that this connection can no longer be told to close.
            Ok(()) = leaving => tracing::debug!(%address, "closed for another connection"),
            () = served => {}
        }
    });
}

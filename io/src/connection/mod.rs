//! One connection from its first byte to its end: TLS, the client's certificate, and the protocol.
//!
//! `roster` limits the number of connections, `guarded` and `activity` decide when one must be closed, `frames`
//! follows what an HTTP/2 client has begun to send, `watches` and `gathered` send the events of many watches together,
//! and `http1` and `http2` are the protocols.

mod activity;
mod frames;
mod gathered;
mod guarded;
mod http1;
mod http2;
mod plain;
mod roster;
mod watches;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls_pki_types::{CertificateDer, UnixTime};
use socket2::{SockRef, TcpKeepalive};
use steersman_core::limits;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::server::TlsStream;

use crate::budget::Share;
use crate::exchange::{self, AnswerBody, ConnectedClient, Head};
use crate::peer::{ClientCas, Proof};
use crate::serve::SecurePort;

use activity::Activity;
#[cfg(test)]
pub(crate) use activity::Activity as TestedActivity;
pub(crate) use activity::UnderWay;
pub(crate) use roster::{Admission, Roster, RosterEntry};

/// The time between TCP keepalive probes, which find hosts that disappeared. It is Go's default.
const KEEPALIVE: Duration = Duration::from_secs(15);

/// A connection that was accepted.
pub(crate) struct Accepted {
    pub(crate) server: Arc<SecurePort>,
    pub(crate) stream: TcpStream,
    pub(crate) address: SocketAddr,
    pub(crate) place: Arc<RosterEntry>,
}

/// What the requests of one connection share.
struct Requests {
    server: Arc<SecurePort>,
    address: SocketAddr,
    activity: Arc<Activity>,
    place: Arc<RosterEntry>,
    share: Share,
    is_http2: bool,
    /// The certificates that the client sent in the TLS handshake.
    certificates: Vec<CertificateDer<'static>>,
    judged: ArcSwap<Judged>,
}

/// What a client's certificates prove under one version of the authorities, which can change.
struct Judged {
    cas: Option<Arc<ClientCas>>,
    client: ConnectedClient,
}

/// Serves a connection until it ends.
pub(crate) async fn serve(accepted: Accepted, stopping: watch::Receiver<bool>) {
    let Accepted { server, stream, address, place } = accepted;
    restrain(&stream);
    let handshake = Duration::from_millis(limits::HANDSHAKE_MILLIS);
    let stream = match tokio::time::timeout(handshake, secure(&server, stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            tracing::info!(%address, %error, "TLS handshake error");
            return;
        }
        Err(_) => {
            tracing::info!(%address, "TLS handshake timed out");
            return;
        }
    };
    let (_, state) = stream.get_ref();
    let is_http2 = state.alpn_protocol() == Some(b"h2");
    let certificates = state.peer_certificates().unwrap_or_default();
    let certificates = certificates.iter().map(|one| one.clone().into_owned()).collect();
    let requests = Requests::new(server, address, place, certificates, is_http2);
    let ended = if is_http2 {
        http2::serve(stream, requests, stopping).await.map_err(|error| error.to_string())
    } else {
        http1::serve(stream, &requests, stopping).await.map_err(|error| error.to_string())
    };
    if let Err(error) = ended {
        tracing::debug!(%address, %error, "connection ended");
    }
}

/// Sets the socket's options. They can fail only if the connection is broken already, so errors are ignored.
fn restrain(stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
    let socket = SockRef::from(stream);
    let _ = socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE));
    #[cfg(target_os = "linux")]
    {
        // A host that acknowledges nothing of what was sent to it for this long has disappeared.
        let _ = socket.set_tcp_user_timeout(Some(Duration::from_millis(limits::WRITE_STALL_MILLIS)));
        let unsent = u32::try_from(limits::SOCKET_UNSENT_BYTES).unwrap_or(u32::MAX);
        let _ = socket.set_tcp_notsent_lowat(unsent);
    }
}

async fn secure(server: &SecurePort, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
    let mut first = [0; plain::LOOKED_AT_BYTES];
    let length = stream.peek(&mut first).await?;
    if plain::is_http(&first[..length]) {
        return Err(plain::refuse(stream).await);
    }
    server.keys().acceptor.accept(stream).await
}

impl Requests {
    fn new(
        server: Arc<SecurePort>,
        address: SocketAddr,
        place: Arc<RosterEntry>,
        certificates: Vec<CertificateDer<'static>>,
        is_http2: bool,
    ) -> Self {
        let cas = server.keys().client_cas.clone();
        let judged = Judged::new(cas, &certificates, address);
        if judged.client.proof.names_somebody() {
            place.make_known();
        }
        // Over HTTP/1 there is one request at a time.
        let waiting_max = if is_http2 { http2::waiting_max(place.is_known()) } else { 1 };
        Self {
            server,
            address,
            activity: Activity::new(),
            place,
            share: Share::new(waiting_max),
            is_http2,
            certificates,
            judged: ArcSwap::from_pointee(judged),
        }
    }

    /// Verifies the client's certificates against the current authorities: a certificate of an authority that was
    /// removed meanwhile proves nothing any more.
    /// k8s: staging/src/k8s.io/apiserver/pkg/authentication/request/x509/x509.go
    fn judged(&self) -> Arc<Judged> {
        let judged = self.judged.load_full();
        let keys = self.server.keys();
        let same = match (&judged.cas, &keys.client_cas) {
            (Some(then), Some(now)) => Arc::ptr_eq(then, now),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        if same {
            return judged;
        }
        let judged = Arc::new(Judged::new(keys.client_cas.clone(), &self.certificates, self.address));
        self.judged.store(Arc::clone(&judged));
        judged
    }

    async fn answer<B>(&self, head: Head, under_way: UnderWay, body: B) -> http::Response<AnswerBody>
    where
        B: http_body::Body<Error: std::fmt::Display>,
    {
        let judged = self.judged();
        let asks = exchange::Asks {
            client: &judged.client,
            place: Some(&self.place),
            share: &self.share,
            can_switch: !self.is_http2,
            source: Some(self.address),
        };
        exchange::answer(self.server.exchange(), &asks, Some(under_way), head, body).await
    }
}

impl Judged {
    fn new(cas: Option<Arc<ClientCas>>, certificates: &[CertificateDer<'_>], address: SocketAddr) -> Self {
        let proof = match &cas {
            Some(cas) => cas.judge(certificates, UnixTime::now()),
            None => Proof::none(),
        };
        let remote_address = address.ip().to_canonical().to_string().into();
        Self { cas, client: ConnectedClient { proof, remote_address } }
    }
}

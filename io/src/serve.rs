//! The secure port: accepts connections, speaks TLS and HTTP on them, and closes them in peace.
//! k8s: staging/src/k8s.io/apiserver/pkg/server/secure_serving.go

use std::convert::Infallible;
use std::future::Future;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::ServerConfig;
use rustls_pki_types::UnixTime;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::exchange::{self, AuditIds, Client, Exchange, Reply};
use crate::peer::{ClientCas, Proof};
use crate::shell::Shell;

/// Bytes of one HTTP/2 stream's window, and of the largest frame.
const STREAM_WINDOW_BYTES: u32 = 256 * 1024;
const FRAME_BYTES: u32 = 256 * 1024;
/// Bytes of request headers; Go's default.
const HEADER_BYTES: u32 = 1024 * 1024;
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// A connection without requests is closed after so long.
const IDLE_TIMEOUT: Duration = Duration::from_secs(90);
/// A host that is gone without a word is found out by probes so far apart; Go's default.
const KEEPALIVE: Duration = Duration::from_secs(15);
/// How long the listener rests when the process has no file descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What connections are secured with.
pub struct Secured {
    pub tls: ServerConfig,
    pub client_cas: Option<Arc<ClientCas>>,
}

/// How connections are served.
pub struct ServeOptions {
    pub secured: Secured,
    /// `--http2-max-streams-per-connection`.
    pub http2_max_streams: u32,
    /// `--strict-transport-security-directives`, joined; empty for no header.
    pub strict_transport_security: String,
    /// How long a request's body may take to arrive.
    pub request_timeout: Duration,
}

/// Listens on an address. `0.0.0.0` stands for every address of either family, as in Go.
pub async fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    if address.ip() == Ipv4Addr::UNSPECIFIED
        && let Ok(listener) = TcpListener::bind((Ipv6Addr::UNSPECIFIED, address.port())).await
    {
        return Ok(listener);
    }
    TcpListener::bind(address).await
}

/// What all connections share.
struct Server {
    exchange: Exchange,
    /// Replaced when certificate files change; connections keep what they began with.
    keys: ArcSwap<Keys>,
    http2_max_streams: u32,
}

struct Keys {
    acceptor: TlsAcceptor,
    client_cas: Option<Arc<ClientCas>>,
}

impl Keys {
    fn new(secured: Secured) -> Arc<Self> {
        Arc::new(Self { acceptor: TlsAcceptor::from(Arc::new(secured.tls)), client_cas: secured.client_cas })
    }
}

/// The listening server; dropping it leaves connections alone.
pub struct Serving {
    server: Arc<Server>,
    stop: watch::Sender<bool>,
}

impl Serving {
    /// Serves the listener's connections until `stop`. Must be called inside a tokio runtime.
    pub fn start(shell: Arc<Shell>, listener: TcpListener, options: ServeOptions) -> Result<Self, String> {
        let strict_transport_security = match options.strict_transport_security.as_str() {
            "" => None,
            directives => Some(http::HeaderValue::from_str(directives).map_err(|error| error.to_string())?),
        };
        let server = Arc::new(Server {
            exchange: Exchange {
                shell,
                strict_transport_security,
                request_timeout: options.request_timeout,
                audit_ids: AuditIds::new(crate::tls::random_seed()),
            },
            keys: ArcSwap::new(Keys::new(options.secured)),
            http2_max_streams: options.http2_max_streams,
        });
        let (stop, stopping) = watch::channel(false);
        tokio::spawn(accept(Arc::clone(&server), listener, stopping));
        Ok(Self { server, stop })
    }

    /// Secures connections that come from now on with other certificates.
    pub fn secure_with(&self, secured: Secured) {
        self.server.keys.store(Keys::new(secured));
    }

    /// Accepts no more connections, lets those that are open finish what they do, and returns when all
    /// are closed or the time is over.
    pub async fn stop(self, within: Duration) {
        // Fails only when nobody listens any more, and then all is closed.
        let _ = self.stop.send(true);
        let _ = tokio::time::timeout(within, self.stop.closed()).await;
    }
}

async fn accept(server: Arc<Server>, listener: TcpListener, mut stopping: watch::Receiver<bool>) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopping.changed() => return,
        };
        match accepted {
            Ok((stream, address)) => {
                tokio::spawn(connection(Arc::clone(&server), stream, address, stopping.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "accept");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(
    server: Arc<Server>,
    stream: TcpStream,
    address: SocketAddr,
    stopping: watch::Receiver<bool>,
) {
    // Both fail only on a connection that is already broken.
    let _ = stream.set_nodelay(true);
    let _ = SockRef::from(&stream)
        .set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE));
    let keys = server.keys.load_full();
    let stream = match tokio::time::timeout(HANDSHAKE_TIMEOUT, keys.acceptor.accept(stream)).await {
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
    let proof = match (&keys.client_cas, state.peer_certificates()) {
        (Some(cas), Some(chain)) => cas.judge(chain, UnixTime::now()),
        (Some(_) | None, _) => Proof::none(),
    };
    let is_http2 = state.alpn_protocol() == Some(b"h2");
    let activity = Arc::new(Activity::new());
    let client = Arc::new(Client { proof, remote_address: address.ip().to_canonical().to_string().into() });
    let service = Requests { server: Arc::clone(&server), client, activity: Arc::clone(&activity) };
    let ended = if is_http2 {
        serve_http2(&server, stream, service, &activity, stopping).await
    } else {
        serve_http1(stream, service, stopping).await
    };
    if let Err(error) = ended {
        tracing::debug!(%address, %error, "connection ended");
    }
}

async fn serve_http1(
    stream: TlsStream<TcpStream>,
    service: Requests,
    mut stopping: watch::Receiver<bool>,
) -> hyper::Result<()> {
    // hyper counts the idle time between requests as time to read a header, so that the longer of the
    // two bounds is the one for both.
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    tokio::select! {
        biased;
        ended = connection.as_mut() => return ended,
        _ = stopping.changed() => {}
    }
    connection.as_mut().graceful_shutdown();
    connection.await
}

async fn serve_http2(
    server: &Server,
    stream: TlsStream<TcpStream>,
    service: Requests,
    activity: &Activity,
    mut stopping: watch::Receiver<bool>,
) -> hyper::Result<()> {
    let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(server.http2_max_streams)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(STREAM_WINDOW_BYTES.saturating_mul(server.http2_max_streams))
        .max_frame_size(FRAME_BYTES)
        .max_header_list_size(HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    tokio::select! {
        biased;
        ended = connection.as_mut() => return ended,
        _ = stopping.changed() => {}
        () = activity.idle() => {}
    }
    connection.as_mut().graceful_shutdown();
    connection.await
}

/// Whether requests are under way on a connection, and when the last one ended.
struct Activity {
    origin: Instant,
    under_way: AtomicU32,
    last_end_millis: AtomicU64,
}

/// A request under way, for the idle timeout.
pub(crate) struct UnderWay(Arc<Activity>);

impl Activity {
    fn new() -> Self {
        Self { origin: Instant::now(), under_way: AtomicU32::new(0), last_end_millis: AtomicU64::new(0) }
    }

    /// Returns when the connection has been without a request for `IDLE_TIMEOUT`.
    async fn idle(&self) {
        let mut deadline = self.origin + IDLE_TIMEOUT;
        loop {
            tokio::time::sleep_until(deadline.into()).await;
            let is_busy = self.under_way.load(Ordering::Relaxed) > 0;
            let last_end = self.origin + Duration::from_millis(self.last_end_millis.load(Ordering::Relaxed));
            let since = if is_busy { Instant::now() } else { last_end };
            deadline = since + IDLE_TIMEOUT;
            if deadline <= Instant::now() {
                return;
            }
        }
    }
}

impl UnderWay {
    fn begin(activity: &Arc<Activity>) -> Self {
        activity.under_way.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(activity))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let activity = &self.0;
        let millis = u64::try_from(activity.origin.elapsed().as_millis()).unwrap_or(u64::MAX);
        activity.last_end_millis.store(millis, Ordering::Relaxed);
        activity.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The requests of one connection.
struct Requests {
    server: Arc<Server>,
    client: Arc<Client>,
    activity: Arc<Activity>,
}

impl Service<http::Request<Incoming>> for Requests {
    type Response = http::Response<Reply>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: http::Request<Incoming>) -> Self::Future {
        let under_way = UnderWay::begin(&self.activity);
        let (server, client) = (Arc::clone(&self.server), Arc::clone(&self.client));
        Box::pin(
            async move { Ok(exchange::answer(&server.exchange, &client, Some(under_way), request).await) },
        )
    }
}

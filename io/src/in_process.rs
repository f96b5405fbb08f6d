//! The server inside another program, without sockets: for tests of controllers and operators.
//!
//! [`InProcess::start`] runs the whole server (the machine, the shell, a store in memory) on the caller's tokio
//! runtime. The first server of a process is ready in about 3 ms, a further one in 0.1 ms. [`InProcess::service`]
//! answers `http` requests with the code of the secure port: watches have the same back-pressure, bodies have the
//! same limit, and dropping a response body counts as the client going away. Every request is made as an
//! administrator.
//!
//! With kube-rs, a server and a client take two lines (`tests/operator.rs` is a complete example):
//!
//! ```text
//! let server = steersman_io::in_process::InProcess::start(1).await;
//! let client = kube::Client::new(server.service(), "default");
//!
//! let config_maps: kube::Api<ConfigMap> = kube::Api::default_namespaced(client);
//! config_maps.create(&PostParams::default(), &config_map).await?;
//! ```
//!
//! Without kube-rs, the service takes any `http::Request`:
//!
//! ```
//! use http_body_util::{BodyExt, Empty};
//! use steersman_io::in_process::InProcess;
//! use tower_service::Service;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let server = InProcess::start(1).await;
//! let request = http::Request::get("/api/v1/namespaces/default").body(Empty::<&[u8]>::new()).unwrap();
//! let response = server.service().call(request).await.unwrap();
//! assert_eq!(response.status(), 200);
//! let namespace = response.into_body().collect().await.unwrap().to_bytes();
//! assert!(namespace.starts_with(br#"{"kind":"Namespace""#));
//! # });
//! ```
//!
//! Time is tokio's. Under `#[tokio::test(start_paused = true)]` the server's timeouts and time stamps and the test's
//! own sleeps share one clock, which jumps forward whenever nothing else is left to do. The server has no thread of
//! its own, so on a `current_thread` runtime the same test does the same things in the same order.

use std::convert::Infallible;
use std::fmt::Display;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use steersman_core::config::{Bootstrap, Config};
use steersman_core::documents::discovery::GIT_VERSION;
use steersman_core::kinds::Registry;
use steersman_core::machine::{Drain, Machine};
use tokio::sync::Semaphore;

use crate::budget::{Budget, Share};
use crate::clock::Clock;
use crate::exchange::{self, AnswerBody, Asks, AuditIds, ConnectedClient, Exchange, Head};
use crate::metrics::Metrics;
use crate::peer::Proof;
use crate::pieces::Pieces;
use crate::shell::Shell;
use crate::store::embedded::Embedded;

/// The user that all requests are made as, and the group that may do everything.
const USER: &str = "kubernetes-admin";
const GROUP: &str = "system:masters";

/// A running server. It ends when the last of its handles is dropped: this value, its services, and response bodies
/// that are still being read.
#[derive(Clone)]
pub struct InProcess {
    shared: Arc<Shared>,
}

struct Shared {
    exchange: Exchange,
    client: ConnectedClient,
    share: Share,
}

impl InProcess {
    /// Starts an empty server, which is ready when this returns. The names and uids that it generates are drawn from
    /// the seed. Must be called inside a tokio runtime with time.
    pub async fn start(seed: u64) -> Self {
        let bootstrap = Bootstrap::Extensible;
        Self::start_with(Config { bootstrap, ..Config::open(seed) }).await
    }

    /// Like [`start`](Self::start), with the caller's configuration.
    pub async fn start_with(config: Config) -> Self {
        let audit_ids = AuditIds::new(config.seed);
        let request_timeout = Duration::from_millis(config.request_timeout_millis);
        let store = Arc::new(Embedded::in_task());
        let machine = Machine::new(config, registry());
        let metrics = Metrics::new(GIT_VERSION);
        let shell = Shell::start_with(machine, vec![store], metrics, None, Clock::start_coupled(), None);
        shell.ready().await;
        let budget = Budget::new();
        let exchange =
            Exchange { shell, strict_transport_security: None, request_timeout, audit_ids, budget };
        let client =
            ConnectedClient { proof: Proof::trusted(USER, GROUP), remote_address: "127.0.0.1".into() };
        Self { shared: Arc::new(Shared { exchange, client, share: Share::new(Semaphore::MAX_PERMITS) }) }
    }

    /// A service that answers requests. Any number of clients can have one.
    pub fn service(&self) -> InProcessService {
        InProcessService { shared: Arc::clone(&self.shared) }
    }

    /// Answers for a host: webhooks (of admission, conversion, authorization and so on) whose address is
    /// `https://HOST/...`, or a service's `NAME.NAMESPACE.svc`, reach this service instead of a socket, whatever their
    /// port and certificate are. It may make requests of the server before it answers. What it takes longer than the
    /// call's own time, or answers beyond the call's bound, counts as that of any server does.
    ///
    /// ```
    /// # use steersman_io::in_process::InProcess;
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// let server = InProcess::start(1).await;
    /// server.answer_for("webhook.test", |request: http::Request<bytes::Bytes>| async move {
    ///     http::Response::new(request.into_body())
    /// });
    /// # });
    /// ```
    pub fn answer_for<F, A>(&self, host: &str, handler: F)
    where
        F: Fn(http::Request<Bytes>) -> A + Send + Sync + 'static,
        A: Future<Output = http::Response<Bytes>> + Send + 'static,
    {
        self.shared.exchange.shell.outcalls().answer_for(host, handler);
    }

    /// How many requests are not answered yet, plus how many watches are open.
    pub fn open_requests(&self) -> usize {
        self.shared.exchange.shell.open_requests()
    }

    /// Begins to shut down, like a server that is told to end: watches are closed and new requests are refused.
    pub fn drain(&self) {
        self.shared.exchange.shell.drain(Drain::default());
    }
}

/// The built-in kinds. They are read once in a process, since they never change.
fn registry() -> Arc<Registry> {
    static REGISTRY: OnceLock<Arc<Registry>> = OnceLock::new();
    Arc::clone(REGISTRY.get_or_init(|| Arc::new(Registry::builtin())))
}

/// The server as a tower service, which `kube::Client::new` takes directly. It is always ready and never fails:
/// errors are answers with an HTTP status.
#[derive(Clone)]
pub struct InProcessService {
    shared: Arc<Shared>,
}

impl<B> tower_service::Service<http::Request<B>> for InProcessService
where
    B: http_body::Body<Data: Send, Error: Display> + Send + 'static,
{
    type Response = http::Response<InProcessBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            let asks = Asks {
                client: &shared.client,
                place: None,
                share: &shared.share,
                can_switch: false,
                source: None,
            };
            let (parts, body) = request.into_parts();
            let response = exchange::answer(&shared.exchange, &asks, None, Head::from(parts), body).await;
            Ok(response.map(|reply| InProcessBody { reply, unread: Pieces::default() }))
        })
    }
}

/// The body of a response. Dropping that of a watch ends the watch.
pub struct InProcessBody {
    reply: AnswerBody,
    /// Frames of a watch that arrived together and are returned one by one.
    unread: Pieces,
}

impl http_body::Body for InProcessBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        loop {
            if let Some(bytes) = self.unread.take_first() {
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
            match Pin::new(&mut self.reply).poll_frame(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Ready(Some(Ok(frame))) => self.unread = frame.into_data().unwrap_or_default(),
                Poll::Ready(Some(Err(error))) => unreachable!("nobody waits for a connection here: {error}"),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.unread.is_empty() && self.reply.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        match self.unread.is_empty() {
            true => self.reply.size_hint(),
            false => SizeHint::default(),
        }
    }
}

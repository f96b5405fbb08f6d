//! A service before the server in process that does to a client what networks do: it loses a reply, or
//! holds back what a watch would tell.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{Either, Empty};
use kube::client::Body;
use steersman_io::in_process;
use tower_service::Service;

/// What goes wrong.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    /// The next create reaches the server, and its reply is replaced by a gateway's timeout.
    pub(crate) lose_a_reply: bool,
    /// A watch whose query holds such a text begins so much later than it was asked for.
    pub(crate) late_watches: Vec<(&'static str, Duration)>,
}

/// The server behind the faults.
#[derive(Clone)]
pub(crate) struct Faulty {
    server: in_process::Service,
    faults: Arc<Faults>,
    has_lost: Arc<AtomicBool>,
}

impl Faulty {
    pub(crate) fn new(server: in_process::Service, faults: Faults) -> Self {
        Self { server, faults: Arc::new(faults), has_lost: Arc::default() }
    }
}

impl Service<Request<Body>> for Faulty {
    type Response = Response<Either<in_process::Body, Empty<Bytes>>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let Self { mut server, faults, has_lost } = self.clone();
        Box::pin(async move {
            let query = request.uri().query().unwrap_or_default();
            let late = faults.late_watches.iter().find(|(text, _)| query.contains(text));
            if let Some((_, delay)) = late.filter(|_| query.contains("watch=true")) {
                tokio::time::sleep(*delay).await;
            }
            let is_create = request.method() == Method::POST;
            let response = server.call(request).await?.map(Either::Left);
            if is_create && faults.lose_a_reply && !has_lost.swap(true, Ordering::Relaxed) {
                let mut lost = Response::new(Either::Right(Empty::new()));
                *lost.status_mut() = StatusCode::GATEWAY_TIMEOUT;
                return Ok(lost);
            }
            Ok(response)
        })
    }
}

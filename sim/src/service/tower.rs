//! The cluster as a tower service: an HTTP request becomes a client's in the testbed, and what comes for that client
//! becomes the response.

use super::gateway::{Came, Outside};
use super::pace::Awaited;
use super::request::{to_ask, to_core};
use super::{Cluster, Shared};
use crate::driver::Reply;
use bytes::{Buf, Bytes, BytesMut};
use http::header::{HeaderName, HeaderValue};
use http_body::{Frame, SizeHint};
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use steersman_core::answer::Response;
use steersman_core::codec::json;
use steersman_core::limits;
use steersman_core::status::Failure;

/// The cluster as a tower service; `kube::Client::new` takes it as it is. It is always ready. What servers refuse is an
/// answer with its HTTP status; what the network does is an error.
#[derive(Clone, Debug)]
pub struct ClusterService {
    cluster: Cluster,
}

/// Why there is no answer, or no more of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupted {
    /// The connection was reset, so the outcome of the request is unknown.
    ConnectionReset,
    /// The request's own body could not be read.
    RequestBody,
    /// A guarantee of the cluster's did not hold: `Cluster::check` tells which. Nothing happens any more.
    ClusterFailed,
}

impl fmt::Display for Interrupted {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::ConnectionReset => "the connection was reset",
            Self::RequestBody => "the body of the request could not be read",
            Self::ClusterFailed => "the simulated cluster has broken a guarantee: see Cluster::check",
        })
    }
}

impl std::error::Error for Interrupted {}

impl ClusterService {
    pub(super) fn new(cluster: Cluster) -> Self {
        Self { cluster }
    }
}

impl<B> tower_service::Service<http::Request<B>> for ClusterService
where
    B: http_body::Body<Data: Send> + Send + 'static,
{
    type Response = http::Response<ClusterBody>;
    type Error = Interrupted;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Interrupted>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Interrupted>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let shared = Arc::clone(&self.cluster.shared);
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let Some(body) = read(body).await? else { return Ok(too_large()) };
            let is_head = head.method == http::Method::HEAD;
            let seated = Seated::ask(shared, &head, body);
            let came = poll_fn(|context| seated.poll(Awaited::Answer, context)).await;
            let reply = match came {
                Some(Came::Answer(reply)) => reply,
                Some(Came::Events(_) | Came::End | Came::Reset) => return Err(Interrupted::ConnectionReset),
                None => return Err(Interrupted::ClusterFailed),
            };
            let is_stream = seated.is_watch && reply.status == 200;
            Ok(response(*reply, is_head, is_stream.then_some(seated)))
        })
    }
}

/// The body, read whole; None when it is larger than servers read.
async fn read<B: http_body::Body>(body: B) -> Result<Option<Bytes>, Interrupted> {
    let mut body = pin!(body);
    let mut whole = BytesMut::new();
    while let Some(frame) = poll_fn(|context| body.as_mut().poll_frame(context)).await {
        let Ok(frame) = frame else { return Err(Interrupted::RequestBody) };
        let Ok(mut data) = frame.into_data() else { continue };
        if whole.len() + data.remaining() > limits::REQUEST_BODY_BYTES {
            return Ok(None);
        }
        whole.extend_from_slice(&data.copy_to_bytes(data.remaining()));
    }
    Ok(Some(whole.freeze()))
}

/// What a server's connection says of such a body; no server is asked.
fn too_large() -> http::Response<ClusterBody> {
    let failure = Failure::request_entity_too_large(limits::REQUEST_BODY_BYTES);
    let refusal = Response::json(failure.code(), json::to_vec(&failure.to_value()));
    response(Reply::whole(refusal), false, None)
}

/// A request under way. Dropping it lets go of what was asked, as a client does that closes its connection.
struct Seated {
    shared: Arc<Shared>,
    client: usize,
    is_watch: bool,
}

impl Seated {
    fn ask(shared: Arc<Shared>, head: &http::request::Parts, body: Bytes) -> Self {
        let mut state = shared.state();
        let ask = to_ask(to_core(head, !body.is_empty()), body, &state.testbed.directory);
        let is_watch = ask.is_watch();
        let client = match shared.gateway.take_free() {
            Some(client) => client,
            None => state.testbed.admit(Box::new(Outside::new(&shared.gateway))),
        };
        shared.gateway.put(client, ask);
        state.testbed.rouse(client);
        state.wake_pacer();
        drop(state);
        Self { shared, client, is_watch }
    }

    fn poll(&self, waiting: Awaited, context: &Context<'_>) -> Poll<Option<Came>> {
        self.shared.poll_seat(self.client, waiting, context)
    }
}

impl Drop for Seated {
    fn drop(&mut self) {
        self.shared.gateway.leave(self.client);
        let mut state = self.shared.state();
        state.testbed.dismiss(self.client);
        state.wake_pacer();
    }
}

/// `events` is the request of a watch that was opened.
fn response(reply: Reply, is_head: bool, events: Option<Seated>) -> http::Response<ClusterBody> {
    let is_whole = !is_head && events.is_none() && !reply.body.is_empty();
    let mut out = http::Response::new(ClusterBody { whole: None, events });
    *out.status_mut() = http::StatusCode::from_u16(reply.status).expect("servers answer with HTTP statuses");
    for (name, value) in reply.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("the core's header names are valid");
        // A value that echoes what a client sent may hold what a header must not.
        if let Ok(value) = HeaderValue::try_from(value) {
            out.headers_mut().append(name, value);
        }
    }
    if is_whole {
        out.body_mut().whole = Some(Bytes::from(reply.body));
    }
    out
}

/// A response's body. Dropping that of a watch ends the watch.
pub struct ClusterBody {
    whole: Option<Bytes>,
    /// A watch that is open.
    events: Option<Seated>,
}

impl http_body::Body for ClusterBody {
    type Data = Bytes;
    type Error = Interrupted;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Interrupted>>> {
        if let Some(bytes) = self.whole.take() {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        let Some(seated) = &self.events else { return Poll::Ready(None) };
        let Poll::Ready(came) = seated.poll(Awaited::Events, context) else { return Poll::Pending };
        let end = match came {
            Some(Came::Events(bytes)) => return Poll::Ready(Some(Ok(Frame::data(bytes)))),
            Some(Came::Answer(_) | Came::End) => None,
            Some(Came::Reset) => Some(Err(Interrupted::ConnectionReset)),
            None => Some(Err(Interrupted::ClusterFailed)),
        };
        self.events = None;
        Poll::Ready(end)
    }

    fn is_end_stream(&self) -> bool {
        self.whole.is_none() && self.events.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        match (&self.whole, &self.events) {
            (Some(bytes), _) => SizeHint::with_exact(bytes.len() as u64),
            (None, None) => SizeHint::with_exact(0),
            (None, Some(_)) => SizeHint::default(),
        }
    }
}

impl fmt::Debug for ClusterBody {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Body").field("is_watch", &self.events.is_some()).finish_non_exhaustive()
    }
}

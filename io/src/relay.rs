//! The body of another server's answer, passed on to a client while it arrives. The next part is read only when the
//! client has taken the one before.
//! k8s: staging/src/k8s.io/apimachinery/pkg/util/proxy/upgradeaware.go

use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use hyper::body::Incoming;
use steersman_core::limits;
use steersman_core::wire::{TunnelEnd, TunnelStop};
use tokio::task::JoinHandle;
use tokio::time::{Instant, Sleep};

use crate::conversation::Conversation;

/// A connection to another server whose answer is arriving. Dropping it closes the connection.
pub(crate) struct ServerConnection(JoinHandle<()>);

/// The body of another server's answer, and the connection over which it arrives.
pub(crate) struct ServerBody {
    incoming: Incoming,
    _connection: ServerConnection,
}

impl ServerBody {
    pub(crate) fn keep(connection: JoinHandle<()>) -> ServerConnection {
        ServerConnection(connection)
    }
}

impl ServerConnection {
    pub(crate) fn with(self, incoming: Incoming) -> ServerBody {
        ServerBody { incoming, _connection: self }
    }
}

impl Drop for ServerConnection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Why an answer ends before it is whole.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The client reads it so slowly that it would keep its seat for hours.
    TooSlow,
    /// The machine has closed it.
    Closed,
    /// The other server says nothing more, or its connection broke.
    Broken,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooSlow => "the client takes its answer too slowly",
            Self::Closed => "the server has closed the answer",
            Self::Broken => "the answer of another server broke off",
        })
    }
}

impl std::error::Error for Cut {}

/// A body that is passed on.
pub(crate) struct OpenRelay {
    body: ServerBody,
    /// None when it has ended.
    conversation: Option<Conversation>,
    to_client: u64,
    idle: Pin<Box<Sleep>>,
}

fn idle_until() -> Instant {
    Instant::now() + Duration::from_millis(limits::TUNNEL_IDLE_MILLIS)
}

impl OpenRelay {
    pub(crate) fn new(conversation: Conversation, body: ServerBody) -> Self {
        let idle = Box::pin(tokio::time::sleep_until(idle_until()));
        Self { body, conversation: Some(conversation), to_client: 0, idle }
    }

    /// How many bytes are left, if the other server has said so.
    pub(crate) fn length(&self) -> Option<u64> {
        self.body.incoming.size_hint().exact()
    }

    /// The next part of the body; None at its end.
    pub(crate) fn poll_bytes(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Cut>>> {
        let Some(conversation) = &mut self.conversation else { return Poll::Ready(None) };
        if conversation.poll_closed(context).is_ready() {
            return Poll::Ready(Some(Err(self.end(TunnelStop::Closed, Cut::Closed))));
        }
        loop {
            match pin!(&mut self.body.incoming).poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) => {
                    // Trailers are left out.
                    let Ok(data) = frame.into_data() else { continue };
                    self.to_client = self.to_client.saturating_add(data.len() as u64);
                    self.idle.as_mut().reset(idle_until());
                    return Poll::Ready(Some(Ok(data)));
                }
                Poll::Ready(Some(Err(error))) => {
                    let why = TunnelStop::Broken(error.to_string().into());
                    return Poll::Ready(Some(Err(self.end(why, Cut::Broken))));
                }
                Poll::Ready(None) => {
                    self.end(TunnelStop::Finished, Cut::Closed);
                    return Poll::Ready(None);
                }
                Poll::Pending => break,
            }
        }
        if self.idle.as_mut().poll(context).is_ready() {
            return Poll::Ready(Some(Err(self.end(TunnelStop::Idle, Cut::Broken))));
        }
        Poll::Pending
    }

    fn end(&mut self, why: TunnelStop, cut: Cut) -> Cut {
        if let Some(conversation) = self.conversation.take() {
            conversation.tunnel_ended(TunnelEnd { why, to_server: 0, to_client: self.to_client });
        }
        cut
    }
}

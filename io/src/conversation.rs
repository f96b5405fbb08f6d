//! One client's request and its stream, as the shell sees them. It also tells the machine when the client goes away.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use steersman_core::answer::{Body, Response};
use steersman_core::config::JobId;
use steersman_core::limits;
use steersman_core::machine::Input;
use steersman_core::store::{Feed, Op, Stored};
use steersman_core::wire::{BodyError, TunnelEnd};

use crate::mailbox::{Mail, Mailbox, Mailboxes, Taken};
use crate::metrics::{RequestKind, operation_name};
use crate::pieces::Pieces;
use crate::shell::{Shell, no_such_store};

/// How many frames a client takes before the machine is told. Telling it for many frames at once saves locking; a
/// reader that keeps up still never runs out of credit.
const CREDIT_BATCH: u32 = (limits::WATCHER_QUEUE_FRAMES / 8) as u32;

type Performing = Pin<Box<dyn Future<Output = Stored> + Send>>;

/// A request under way, or a stream. Dropping it tells the machine that the client went away.
pub struct Conversation {
    shell: Arc<Shell>,
    id: JobId,
    /// None while the request has not had to wait for the machine.
    mailbox: Option<Arc<Mailbox>>,
    kind: RequestKind,
    /// An operation on a store that is under way. Its outcome must reach the machine even if the client goes away.
    performing: Option<Performing>,
    stage: Stage,
    /// Frames that were taken since the machine was last told.
    taken: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The machine has not answered yet.
    Asked,
    /// The machine sends frames.
    Streaming,
    /// The connection is joined with another server.
    Tunnelling,
    /// The machine has answered, and keeps the request's seat until the answer was sent.
    Sending,
    /// Nothing more comes from the machine.
    Ended,
}

impl Conversation {
    pub(crate) fn new(shell: Arc<Shell>, id: JobId, kind: RequestKind) -> Self {
        shell.metrics.request_began(kind);
        Self { shell, id, mailbox: None, kind, performing: None, stage: Stage::Asked, taken: 0 }
    }

    pub(crate) fn id(&self) -> JobId {
        self.id
    }

    pub(crate) fn has_no_mailbox(&self) -> bool {
        self.mailbox.is_none()
    }

    pub(crate) fn open(&mut self, mailboxes: &mut Mailboxes) {
        self.mailbox = Some(mailboxes.open(self.id));
    }

    /// The next mail for this job, or Err with the store's outcome if that comes first.
    pub(crate) async fn mail(&mut self) -> Result<Mail, Stored> {
        let mailbox = self.mailbox.get_or_insert_with(|| self.shell.mailboxes().open(self.id));
        poll_fn(|context| {
            if let Poll::Ready(mail) = mailbox.poll(context) {
                return Poll::Ready(Ok(mail));
            }
            let Some(performing) = &mut self.performing else { return Poll::Pending };
            performing.as_mut().poll(context).map(|stored| {
                self.performing = None;
                Err(stored)
            })
        })
        .await
    }

    /// Performs an operation on a store. Err when the machine answers before the store does.
    pub(crate) async fn perform(&mut self, feed: Feed, op: Op) -> Result<Stored, Mail> {
        let Some(store) = self.shell.store(feed) else { return Ok(no_such_store(feed)) };
        if let Some(stored) = store.answer_now(&op) {
            return Ok(stored);
        }
        assert!(self.performing.is_none(), "a job waits for one thing at a time");
        let (shell, store) = (Arc::clone(&self.shell), Arc::clone(store));
        self.performing = Some(Box::pin(async move {
            let (operation, began) = (operation_name(&op), Instant::now());
            let stored = store.perform(op).await;
            shell.metrics.stored(operation, began.elapsed());
            stored
        }));
        match self.mail().await {
            Ok(mail) => Err(mail),
            Err(stored) => Ok(stored),
        }
    }

    /// Reads the request's body. Err when the machine answers before it has arrived.
    pub(crate) async fn body(
        &mut self,
        mut body: Pin<&mut impl Future<Output = Result<Bytes, BodyError>>>,
    ) -> Result<Result<Bytes, BodyError>, Mail> {
        poll_fn(|context| {
            if let Some(mailbox) = &self.mailbox
                && let Poll::Ready(mail) = mailbox.poll(context)
            {
                return Poll::Ready(Err(mail));
            }
            match (body.as_mut().poll(context), &self.mailbox) {
                (Poll::Ready(body), _) => Poll::Ready(Ok(body)),
                (Poll::Pending, Some(_)) => Poll::Pending,
                // Only a body that has not arrived yet makes the request wait.
                (Poll::Pending, None) => {
                    self.mailbox.insert(self.shell.mailboxes().open(self.id)).poll(context).map(Err)
                }
            }
        })
        .await
    }

    /// Notes the machine's answer. A stream continues after it, everything else has ended. The conversation must be
    /// dropped when the last byte of the answer was sent.
    pub(crate) fn answered(mut self, response: Response) -> (Response, Self) {
        self.shell.metrics.request_ended(self.kind);
        self.stage = match response.body {
            Body::Stream(_) => {
                self.shell.metrics.stream_began();
                Stage::Streaming
            }
            Body::Tunnel(_) | Body::Relay(_) => {
                self.shell.metrics.stream_began();
                Stage::Tunnelling
            }
            Body::Empty
            | Body::Full(_)
            | Body::Health(..)
            | Body::Metrics(_)
            | Body::MetricsReset(_)
            | Body::List(_) => match response.body.is_large() {
                true => Stage::Sending,
                false => Stage::Ended,
            },
        };
        (response, self)
    }

    /// Returns when the machine closes the tunnel.
    pub(crate) async fn closed(&mut self) {
        poll_fn(|context| self.poll_closed(context)).await;
    }

    /// Ready when the machine closes the tunnel.
    pub(crate) fn poll_closed(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mailbox = self.mailbox.as_ref().expect("a tunnel has a mailbox");
        match mailbox.poll(context) {
            Poll::Ready(Mail::Close) => Poll::Ready(()),
            Poll::Ready(mail) => unreachable!("a tunnel takes no more steps: {mail:?}"),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Tells the machine that the tunnel has ended.
    pub(crate) fn tunnel_ended(mut self, end: TunnelEnd) {
        self.shell.metrics.stream_ended();
        self.stage = Stage::Ended;
        self.shell.turn(None, Input::TunnelEnded(self.id, end));
    }

    /// The next bytes of the stream; None at its end.
    pub(crate) fn poll_bytes(&mut self, context: &mut Context<'_>) -> Poll<Option<Pieces>> {
        let mailbox = self.mailbox.as_ref().expect("a stream has a mailbox");
        match mailbox.poll_frames(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Taken::Closed) => {
                self.shell.metrics.stream_ended();
                self.stage = Stage::Ended;
                Poll::Ready(None)
            }
            Poll::Ready(Taken::Frames(bytes, frames)) => {
                self.taken += frames;
                if self.taken >= CREDIT_BATCH {
                    let taken = std::mem::take(&mut self.taken);
                    self.shell.turn(None, Input::Credit(self.id, taken));
                }
                Poll::Ready(Some(bytes))
            }
        }
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        match self.stage {
            Stage::Asked => self.shell.metrics.request_ended(self.kind),
            Stage::Streaming | Stage::Tunnelling => self.shell.metrics.stream_ended(),
            Stage::Sending | Stage::Ended => {}
        }
        match self.stage {
            Stage::Asked | Stage::Streaming | Stage::Tunnelling => {
                self.shell.turn(None, Input::Gone(self.id));
            }
            Stage::Sending => {
                self.shell.turn(None, Input::Sent(self.id));
            }
            Stage::Ended => {}
        }
        // Until here the machine may have answered a request that never looked for its mail.
        if self.mailbox.is_some() || self.stage == Stage::Asked {
            self.shell.forget(self.id);
        }
        if let Some(performing) = self.performing.take() {
            let (shell, id) = (Arc::clone(&self.shell), self.id);
            self.shell.runtime().spawn(async move {
                let stored = performing.await;
                shell.turn(None, Input::Stored(id, stored))
            });
        }
    }
}

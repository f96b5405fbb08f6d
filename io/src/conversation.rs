//! One client's request and its stream, from the shell's side: what happens when the client goes away.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use steersman_core::http::{Body, Response};
use steersman_core::limits;
use steersman_core::machine::{Input, JobId};
use steersman_core::store::{Feed, Op, Stored};

use crate::mailbox::{Mail, Mailbox, Taken};
use crate::metrics::{RequestKind, operation_name};
use crate::pieces::Pieces;
use crate::shell::{Shell, no_such_store};

/// Frames that a client takes before the machine is told of them. One lock for many frames, and still
/// early enough that a reader that keeps up never runs out of credit.
const CREDIT_BATCH: u32 = (limits::WATCHER_QUEUE_FRAMES / 8) as u32;

type Performing = Pin<Box<dyn Future<Output = Stored> + Send>>;

/// A request under way, or a stream. Dropping it tells the machine that the client is gone.
pub struct Conversation {
    shell: Arc<Shell>,
    id: JobId,
    mailbox: Arc<Mailbox>,
    kind: RequestKind,
    /// An operation on a store whose outcome the machine must hear of, whoever still listens.
    performing: Option<Performing>,
    stage: Stage,
    /// Frames taken since the machine was last told.
    taken: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The machine owes a response.
    Asked,
    /// The machine sends frames.
    Streaming,
    /// The machine has answered, and keeps the request's seat until the answer is sent.
    Sending,
    /// The machine has nothing more to say.
    Ended,
}

impl Conversation {
    pub(crate) fn new(shell: Arc<Shell>, id: JobId, mailbox: Arc<Mailbox>, kind: RequestKind) -> Self {
        shell.metrics.request_began(kind);
        Self { shell, id, mailbox, kind, performing: None, stage: Stage::Asked, taken: 0 }
    }

    /// The machine's next word on this job; Err when the store's comes first.
    pub(crate) async fn mail(&mut self) -> Result<Mail, Stored> {
        poll_fn(|context| {
            if let Poll::Ready(mail) = self.mailbox.poll(context) {
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

    /// Performs an operation; Err when the machine answers before the store does.
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

    /// The machine has answered; a stream goes on, everything else has ended. To be dropped when the answer's last
    /// byte is sent.
    pub(crate) fn answered(mut self, response: Response) -> (Response, Self) {
        self.shell.metrics.request_ended(self.kind);
        self.stage = match response.body {
            Body::Stream(_) => {
                self.shell.metrics.stream_began();
                Stage::Streaming
            }
            Body::Empty | Body::Full(_) | Body::List(_) if response.body.is_large() => Stage::Sending,
            Body::Empty | Body::Full(_) | Body::List(_) => Stage::Ended,
        };
        (response, self)
    }

    /// The next bytes of the stream; None at its end.
    pub(crate) fn poll_bytes(&mut self, context: &mut Context<'_>) -> Poll<Option<Pieces>> {
        match self.mailbox.poll_frames(context) {
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
        self.shell.forget(self.id, &self.mailbox);
        match self.stage {
            Stage::Asked => self.shell.metrics.request_ended(self.kind),
            Stage::Streaming => self.shell.metrics.stream_ended(),
            Stage::Sending | Stage::Ended => {}
        }
        match self.stage {
            Stage::Asked | Stage::Streaming => {
                self.shell.turn(None, Input::Gone(self.id));
            }
            Stage::Sending => {
                self.shell.turn(None, Input::Sent(self.id));
            }
            Stage::Ended => {}
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

//! What one input of the machine leads to: which of its effects the caller carries out itself, which go to mailboxes,
//! and which wait until no lock is held.

use std::task::Waker;

use bytes::Bytes;
use steersman_core::answer::{Body, Dial};
use steersman_core::config::JobId;
use steersman_core::machine::{Discarded, Effect, Page, Task};
use steersman_core::store::{Feed, Op, Rev};
use steersman_core::wire::Outcall;

use crate::mailbox::Mail;

/// The effects of one input that are carried out after the machine's lock is released.
pub(crate) struct Turn {
    /// The job whose task gave the input, and what that task is to do next.
    pub(crate) own: Option<JobId>,
    pub(crate) mail: Option<Mail>,
    /// Tasks that have new mail. They are woken when no lock is held.
    pub(crate) waiting: Vec<Waker>,
    pub(crate) after: Vec<Later>,
}

/// An effect that is carried out when no lock is held.
pub(crate) enum Later {
    Run(Task),
    Decode(Page),
    Discard(Discarded),
    Store(JobId, Feed, Op),
    Call(JobId, u32, Outcall),
    Dial(JobId, Dial),
    CancelCalls(JobId),
    Follow { feed: Feed, prefix: Bytes, after: Rev },
    RequestProgress(Feed),
}

impl Later {
    /// Mail for a job without a client. There is no one to answer, but operations and steps that the machine has
    /// asked for are finished.
    pub(crate) fn without_client(id: JobId, mail: Mail) -> Option<Self> {
        match mail {
            Mail::Run(task) => Some(Self::Run(task)),
            Mail::Store(feed, op) => Some(Self::Store(id, feed, op)),
            Mail::Body
            | Mail::Sign(_)
            | Mail::Verify(_)
            | Mail::Respond(_)
            | Mail::Frame(_)
            | Mail::Close => None,
        }
    }
}

impl Turn {
    /// Whether the job whose task is running here waits after this turn, or becomes a stream with it.
    pub(crate) fn needs_mailbox(&self, effects: &[Effect]) -> bool {
        !effects.iter().any(|effect| match effect {
            Effect::Run(_)
            | Effect::Store(..)
            | Effect::Body(_)
            | Effect::Sign(..)
            | Effect::Verify(..)
            | Effect::Respond(..) => self.is_private(effect),
            Effect::Frame { .. }
            | Effect::Close(_)
            | Effect::Decode(_)
            | Effect::Discard(_)
            | Effect::Follow { .. }
            | Effect::RequestProgress(_)
            | Effect::Call(..)
            | Effect::Dial(..)
            | Effect::CancelCalls(_)
            | Effect::Note(_) => false,
        })
    }

    /// Whether the effect concerns only the job whose task is running here, and neither is part of its stream nor
    /// begins one.
    pub(crate) fn is_private(&self, effect: &Effect) -> bool {
        match effect {
            Effect::Run(task) => self.own == Some(task.id),
            Effect::Store(id, ..) | Effect::Body(id) | Effect::Sign(id, _) | Effect::Verify(id, _) => {
                self.own == Some(*id)
            }
            Effect::Respond(id, response) => {
                let goes_on = matches!(response.body, Body::Stream(_) | Body::Tunnel(_) | Body::Relay(_));
                self.own == Some(*id) && !goes_on
            }
            Effect::Note(_) | Effect::Call(..) | Effect::Dial(..) | Effect::CancelCalls(_) => true,
            Effect::Frame { .. }
            | Effect::Close(_)
            | Effect::Decode(_)
            | Effect::Discard(_)
            | Effect::Follow { .. }
            | Effect::RequestProgress(_) => false,
        }
    }
}

//! Mail: what the machine wants done for one job, queued for the task that runs the job's connection.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use steersman_core::answer::Response;
use steersman_core::config::{JobId, SignedToken};
use steersman_core::limits;
use steersman_core::machine::Task;
use steersman_core::store::{Feed, Op};

use crate::frame::SharedFrame;
use crate::pieces::Pieces;

/// One thing to do for a job.
#[derive(Debug)]
pub(crate) enum Mail {
    Run(Task),
    Store(Feed, Op),
    /// Read the request's body.
    Body,
    /// Sign this.
    Sign(Bytes),
    /// Verify the signature of this.
    Verify(Box<SignedToken>),
    Respond(Response),
    Frame(Arc<SharedFrame>),
    Close,
}

/// The queue of one job. The machine bounds it: before the response there is one item at a time, afterwards at most
/// `limits::WATCHER_QUEUE_FRAMES` frames that the client has not taken.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    items: VecDeque<Item>,
    waker: Option<Waker>,
}

/// A queued item. Frames are many and all other items come one at a time, so those are boxed to keep an item as small
/// as a frame.
#[derive(Debug)]
enum Item {
    Frame(Arc<SharedFrame>),
    Close,
    Step(Box<Mail>),
}

/// How much capacity an emptied queue keeps.
const ITEMS_KEPT: usize = 64;

/// The most items in a queue: the frames of a full queue and, beyond them, a response, the end of the stream, and the
/// answer to a timeout.
const MAIL_MAX: usize = limits::WATCHER_QUEUE_FRAMES + 4;

/// How many bytes of frames are put together into one write.
const WRITE_BYTES: usize = 64 * 1024;

/// Frames that are smaller than this on average are copied into one buffer. Larger ones are sent without a copy: at
/// most sixteen fit into a write, which is as many as HTTP/2 passes on at once.
const COPIED_BYTES: usize = WRITE_BYTES / 16;

/// The next thing that a stream has to send.
pub(crate) enum Taken {
    /// The bytes of this many frames.
    Frames(Pieces, u32),
    Closed,
}

impl Mailbox {
    /// Queues mail. The waker of the task that waits for it is returned, to be woken when the caller has no more
    /// mail.
    pub(crate) fn push(&self, mail: Mail) -> Option<Waker> {
        let mut queue = self.lock();
        assert!(queue.items.len() < MAIL_MAX, "the machine sends no more than a client's credit");
        queue.items.push_back(match mail {
            Mail::Frame(frame) => Item::Frame(frame),
            Mail::Close => Item::Close,
            step @ (Mail::Run(_)
            | Mail::Store(..)
            | Mail::Body
            | Mail::Sign(_)
            | Mail::Verify(_)
            | Mail::Respond(_)) => Item::Step(Box::new(step)),
        });
        queue.waker.take()
    }

    /// The next item. If there is none, the waker is kept.
    pub(crate) fn poll(&self, context: &mut Context<'_>) -> Poll<Mail> {
        let mut queue = self.lock();
        match queue.pop() {
            Some(item) => Poll::Ready(item.into_mail()),
            None => queue.wait(context),
        }
    }

    /// All frames that are queued, up to about `WRITE_BYTES`. They are rendered here, while nobody waits for the queue.
    pub(crate) fn poll_frames(&self, context: &mut Context<'_>) -> Poll<Taken> {
        let mut queue = self.lock();
        let first = match queue.pop() {
            None => return queue.wait(context),
            Some(Item::Frame(frame)) => frame,
            Some(Item::Close) => return Poll::Ready(Taken::Closed),
            Some(Item::Step(mail)) => unreachable!("a stream takes no more steps: {mail:?}"),
        };
        let mut length = first.len_bytes();
        let Some(second) = queue.pop_frame(WRITE_BYTES.saturating_sub(length)) else {
            drop(queue);
            return Poll::Ready(Taken::Frames(first.bytes().into(), 1));
        };
        length += second.len_bytes();
        let mut frames = vec![first, second];
        while let Some(next) = queue.pop_frame(WRITE_BYTES.saturating_sub(length)) {
            length += next.len_bytes();
            frames.push(next);
        }
        drop(queue);
        let frames: VecDeque<Bytes> = frames.iter().map(|frame| frame.bytes()).collect();
        let length = frames.iter().map(Bytes::len).sum();
        let count = u32::try_from(frames.len()).expect("a queue is bounded");
        if length >= frames.len() * COPIED_BYTES {
            return Poll::Ready(Taken::Frames(frames.into(), count));
        }
        let mut joined = Vec::with_capacity(length);
        frames.iter().for_each(|frame| joined.extend_from_slice(frame));
        Poll::Ready(Taken::Frames(Bytes::from(joined).into(), count))
    }

    /// Takes all items out.
    pub(crate) fn empty(&self) -> Vec<Mail> {
        std::mem::take(&mut self.lock().items).into_iter().map(Item::into_mail).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Only a failed assertion can poison the lock, and the queue is intact in that case.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Item {
    fn into_mail(self) -> Mail {
        match self {
            Self::Frame(frame) => Mail::Frame(frame),
            Self::Close => Mail::Close,
            Self::Step(mail) => *mail,
        }
    }
}

impl Queue {
    fn pop(&mut self) -> Option<Item> {
        let item = self.items.pop_front();
        // Free the capacity of a burst: with thousands of watchers it would add up.
        if self.items.is_empty() && self.items.capacity() > ITEMS_KEPT {
            self.items = VecDeque::new();
        }
        item
    }

    /// The next item, if it is a frame of at most `bytes_max` bytes.
    fn pop_frame(&mut self, bytes_max: usize) -> Option<Arc<SharedFrame>> {
        match self.items.front() {
            Some(Item::Frame(frame)) if frame.len_bytes() <= bytes_max => {}
            Some(Item::Frame(_) | Item::Close | Item::Step(_)) | None => return None,
        }
        match self.pop() {
            Some(Item::Frame(frame)) => Some(frame),
            Some(Item::Close | Item::Step(_)) | None => unreachable!("a frame is in front"),
        }
    }

    fn wait<T>(&mut self, context: &mut Context<'_>) -> Poll<T> {
        match &mut self.waker {
            Some(waker) => waker.clone_from(context.waker()),
            None => self.waker = Some(context.waker().clone()),
        }
        Poll::Pending
    }
}

/// The mailboxes of jobs that wait for mail, by the number of the job. A job that only runs steps, each of which its
/// own task gives to the machine, never has one.
#[derive(Debug, Default)]
pub(crate) struct Mailboxes {
    by_job: HashMap<u64, Arc<Mailbox>, BuildHasherDefault<JobHasher>>,
}

impl Mailboxes {
    /// The job's mailbox, which may hold an answer already.
    pub(crate) fn open(&mut self, id: JobId) -> Arc<Mailbox> {
        Arc::clone(self.by_job.entry(id.0).or_default())
    }

    pub(crate) fn close(&mut self, id: JobId) -> Option<Arc<Mailbox>> {
        self.by_job.remove(&id.0)
    }

    /// Puts mail into a job's mailbox, or returns it when the job has no client any more. The waker of the waiting
    /// task is added to `waiting`, for the caller to wake.
    pub(crate) fn deliver(&mut self, id: JobId, mail: Mail, waiting: &mut Vec<Waker>) -> Option<Mail> {
        match (self.by_job.get(&id.0), mail) {
            (Some(mailbox), mail) => waiting.extend(mailbox.push(mail)),
            // A request that is answered while one of its steps runs has timed out. Its task will look for the answer
            // after the step.
            (None, mail @ Mail::Respond(_)) => waiting.extend(self.open(id).push(mail)),
            (
                None,
                mail @ (Mail::Run(_)
                | Mail::Store(..)
                | Mail::Body
                | Mail::Sign(_)
                | Mail::Verify(_)
                | Mail::Frame(_)
                | Mail::Close),
            ) => return Some(mail),
        }
        None
    }
}

/// A hasher for job numbers, which count up: it spreads them over the table.
#[derive(Default)]
struct JobHasher(u64);

impl Hasher for JobHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Buf;
    use steersman_core::answer::Body;
    use steersman_core::store::Rev;

    use super::*;

    fn frames(mailbox: &Mailbox) -> Vec<(usize, u32)> {
        let mut context = Context::from_waker(Waker::noop());
        let mut taken = Vec::new();
        while let Poll::Ready(Taken::Frames(bytes, frames)) = mailbox.poll_frames(&mut context) {
            taken.push((bytes.remaining(), frames));
        }
        taken
    }

    #[test]
    fn an_answer_waits_for_its_request_and_other_mail_needs_a_client() {
        let mut mailboxes = Mailboxes::default();
        let mut waiting = Vec::new();
        let id = JobId(1);
        let response = Response { status: 504, headers: Vec::new(), body: Body::Empty };
        let operation = || Mail::Store(Feed(0), Op::Compact(Rev(1)));
        assert!(mailboxes.deliver(id, operation(), &mut waiting).is_some(), "nobody is there to do it");
        assert!(mailboxes.deliver(id, Mail::Respond(response), &mut waiting).is_none());
        let mailbox = mailboxes.open(id);
        let mut context = Context::from_waker(Waker::noop());
        assert!(
            matches!(mailbox.poll(&mut context), Poll::Ready(Mail::Respond(answer)) if answer.status == 504)
        );
        assert!(mailbox.poll(&mut context).is_pending());
        assert!(mailboxes.deliver(id, operation(), &mut waiting).is_none() && waiting.len() == 1);
        assert!(mailboxes.close(id).is_some() && mailboxes.by_job.is_empty(), "nothing is left");
    }

    #[test]
    fn small_frames_share_a_write_and_large_ones_do_not() {
        let frame = |bytes: Bytes| Arc::new(SharedFrame::from(bytes));
        let [small, large, event] =
            [frame("{}\n".into()), frame(vec![b' '; 40_000].into()), frame(vec![b' '; 5_000].into())];
        let small = || Mail::Frame(Arc::clone(&small));
        let large = || Mail::Frame(Arc::clone(&large));
        let event = || Mail::Frame(Arc::clone(&event));
        type Case = (Vec<Mail>, Vec<(usize, u32)>);
        let cases: [Case; 5] = [
            ((0..14).map(|_| event()).collect(), vec![(65_000, 13), (5_000, 1)]),
            (vec![small()], vec![(3, 1)]),
            (vec![small(), small(), small()], vec![(9, 3)]),
            (vec![large(), small(), large(), small()], vec![(40_003, 2), (40_003, 2)]),
            (vec![small(), Mail::Close, small()], vec![(3, 1)]),
        ];
        for (mail, expected) in cases {
            let mailbox = Mailbox::default();
            mail.into_iter().for_each(|item| assert!(mailbox.push(item).is_none(), "nobody waits"));
            assert_eq!(frames(&mailbox), expected);
        }
    }
}

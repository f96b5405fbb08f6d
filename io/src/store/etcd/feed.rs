//! One feed: a watch that is resumed after every break, and what it delivers.
//!
//! When nothing happens under the feed's prefix, etcd is asked for the progress of the watch. Before 3.4.31 and
//! 3.5.13 the answer can overtake events, so it is not used from such members. Instead the keys are read: if none has
//! changed since the last event and their number is the same, the feed counts as being at the revision of that read.
//! A key that was created and deleted in between would be missed. Its events still arrive later, and the feed is then
//! listed again, so that no watcher keeps the gap.

use super::answer;
use super::assemble::{Assembled, Assembler};
use super::backoff::Backoff;
use super::failure;
use super::members::{EtcdMember, EtcdMembers, within};
use super::request;
use crate::store::{FeedInput, Sink};
use bytes::Bytes;
use etcd_client::{GetOptions, WatchOptions, WatchRequestSender, WatchResponseStream};
use std::sync::Arc;
use std::time::Duration;
use steersman_core::limits;
use steersman_core::store::{Batch, Feed, Rev, Why};
use steersman_core::value::Text;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

/// How far a feed has come, for writes and reads that wait for it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reached {
    pub(super) revision: Rev,
    /// Whether the feed can be expected to make progress.
    pub(super) watching: bool,
}

/// The task of a feed.
pub(super) struct Feeding {
    pub(super) members: Arc<EtcdMembers>,
    pub(super) feed: Feed,
    pub(super) prefix: Bytes,
    pub(super) sink: Sink,
    pub(super) assembler: Assembler,
    pub(super) reached: watch::Sender<Reached>,
    /// A request waits for progress.
    pub(super) wanted: Arc<Notify>,
    pub(super) asking: Asking,
}

/// When progress is asked for next, and how often it was asked for.
#[derive(Debug, Default)]
pub(super) struct Asking {
    due: Option<Instant>,
    left: u32,
    /// The watch has brought something since progress was first asked for.
    heard: bool,
}

/// Why the watch of one connection ended.
enum Ended {
    Compacted { compact_revision: Rev },
    Broken(Text),
}

impl Feeding {
    /// Delivers until the feed is lost. That it is lost is the last thing the sink is told.
    pub(super) async fn run(mut self) {
        let mut backoff = Backoff::new(limits::ETCD_FEED_TRIES);
        let why = loop {
            let members = Arc::clone(&self.members);
            let (index, member) = members.current();
            let ended = self.watch_on(member, &mut backoff).await;
            self.reached.send_modify(|reached| reached.watching = false);
            match ended {
                Ended::Compacted { compact_revision } => break Why::Compacted { compact_revision },
                Ended::Broken(why) => {
                    tracing::warn!(feed = self.feed.0, endpoint = member.endpoint, %why, "the watch broke");
                    members.leave(index);
                    match backoff.pause() {
                        Some(pause) => tokio::time::sleep(pause).await,
                        None => break Why::Disconnected(why),
                    }
                }
            }
        };
        (self.sink)(FeedInput::Lost(self.feed, why));
    }

    async fn watch_on(&mut self, member: &EtcdMember, backoff: &mut Backoff) -> Ended {
        let timeout = self.members.write_timeout;
        let (mut sender, mut stream, trusted) = match self.open(member, timeout).await {
            Ok(opened) => opened,
            Err(why) => return Ended::Broken(why),
        };
        self.asking.restart();
        let wanted = Arc::clone(&self.wanted);
        // Until the watch is created there is a deadline; afterwards connections are probed.
        let mut created = false;
        let give_up = Instant::now() + timeout;
        loop {
            tokio::select! {
                message = stream.message() => match message {
                    Ok(Some(response)) => match self.assembler.take(response.0) {
                        Assembled::Nothing => self.asking.answered(&self.assembler, self.members.newest()),
                        Assembled::Created => {
                            created = true;
                            backoff.reset();
                            self.reached.send_modify(|reached| reached.watching = true);
                        }
                        Assembled::Changed { events, revision } => {
                            self.deliver(Batch { feed: self.feed, events, revision });
                            self.asking.answered(&self.assembler, self.members.newest());
                        }
                        Assembled::Compacted { compact_revision } => {
                            return Ended::Compacted { compact_revision };
                        }
                        Assembled::Broken(why) => return Ended::Broken(why),
                    },
                    Ok(None) => return Ended::Broken("etcd has ended the stream".into()),
                    Err(error) => return Ended::Broken(failure::text(&error)),
                },
                () = wanted.notified() => self.asking.want(),
                () = due(self.asking.due), if created => {
                    if let Err(why) = self.ask(member, &mut sender, trusted).await {
                        return Ended::Broken(why);
                    }
                }
                () = tokio::time::sleep_until(give_up), if !created => {
                    return Ended::Broken("the watch was not created in time".into());
                }
            }
        }
    }

    /// Begins the watch, and returns it with whether the member's progress reports can be trusted.
    async fn open(
        &mut self,
        member: &EtcdMember,
        timeout: Duration,
    ) -> Result<(WatchRequestSender, WatchResponseStream, bool), Text> {
        let opening = async {
            let orders = member.version().await?.orders_progress();
            let trusted = orders && !self.members.doubts_progress;
            let (key, end) = request::prefix_range(&self.prefix);
            let options = WatchOptions::new()
                .with_range(end)
                .with_start_revision(request::int(self.assembler.restart().0))
                .with_prev_key()
                .with_progress_notify()
                .with_fragment();
            let (sender, stream) = member.watch.clone().watch(key, Some(options)).await?.split();
            Ok((sender, stream, trusted))
        };
        match tokio::time::timeout(timeout, opening).await {
            Ok(Ok(opened)) => Ok(opened),
            Ok(Err(error)) => Err(failure::text(&error)),
            Err(_) => Err("no answer in time".into()),
        }
    }

    fn deliver(&mut self, batch: Batch) {
        let revision = batch.revision;
        (self.sink)(FeedInput::Changed(batch));
        self.reached.send_modify(|reached| reached.revision = revision);
    }

    async fn ask(
        &mut self,
        member: &EtcdMember,
        sender: &mut WatchRequestSender,
        trusted: bool,
    ) -> Result<(), Text> {
        if !self.asking.asks_again() {
            let heard = std::mem::take(&mut self.asking).heard;
            return if heard { Ok(()) } else { Err("etcd does not say how far the watch is".into()) };
        }
        if trusted {
            return sender.request_progress().await.map_err(|error| failure::text(&error));
        }
        if let Some(revision) = self.unchanged_until(member).await {
            if self.assembler.claim(revision) {
                self.deliver(Batch { feed: self.feed, events: Vec::new(), revision });
            }
            self.asking.answered(&self.assembler, self.members.newest());
        }
        Ok(())
    }

    /// A revision up to which no key seems to have changed since the watch's last event.
    async fn unchanged_until(&self, member: &EtcdMember) -> Option<Rev> {
        let since = self.assembler.proven();
        let (key, end) = request::prefix_range(&self.prefix);
        let changed = GetOptions::new()
            .with_range(end.clone())
            .with_min_mod_revision(request::int(since.0.saturating_add(1)))
            .with_keys_only()
            .with_limit(1);
        let before = GetOptions::new().with_range(end).with_revision(request::int(since.0)).with_count_only();
        let deadline = Instant::now() + self.members.read_timeout;
        let now = within(deadline, member.kv.clone().get(key.clone(), Some(changed))).await.ok()?;
        let then = within(deadline, member.kv.clone().get(key, Some(before))).await.ok()?;
        let unchanged = now.kvs().is_empty() && now.count() == then.count();
        unchanged.then(|| answer::ranged(now).revision)
    }
}

impl Asking {
    /// Asks for progress soon, once for all requests that want it until then, and again until there is an answer.
    fn want(&mut self) {
        // While an answer is awaited, further requests prolong the asking only if the watch has brought something.
        if self.due.is_some() && !self.heard {
            return;
        }
        let soon = Instant::now() + Duration::from_millis(limits::ETCD_PROGRESS_DELAY_MILLIS);
        self.due = Some(self.due.map_or(soon, |due| due.min(soon)));
        self.left = limits::ETCD_PROGRESS_ASKS;
    }

    /// Counts a question. False when enough were asked; if nothing at all has come since the first one, the member
    /// does not respond.
    fn asks_again(&mut self) -> bool {
        if self.left == limits::ETCD_PROGRESS_ASKS {
            self.heard = false;
        }
        let Some(left) = self.left.checked_sub(1) else { return false };
        self.left = left;
        self.due = Some(Instant::now() + Duration::from_millis(limits::ETCD_PROGRESS_PAUSE_MILLIS));
        true
    }

    /// A new watch replaces the one that was asked.
    fn restart(&mut self) {
        if self.due.is_some() {
            *self = Self::default();
            self.want();
        }
    }

    /// Something came over the watch. After a question for progress, that may be the answer.
    fn answered(&mut self, assembler: &Assembler, newest: Rev) {
        self.heard = true;
        if self.left < limits::ETCD_PROGRESS_ASKS && assembler.told() >= newest {
            *self = Self::default();
        }
    }
}

async fn due(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

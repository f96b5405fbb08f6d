//! The feeds that servers follow through members: what each is delivered, how much at once, and how it
//! breaks off.

use super::cluster::EtcdCluster;
use super::flaw::EtcdFlaw;
use super::{Delivery, MemberId, ServerId};
use bytes::Bytes;
use steersman_core::limits;
use steersman_core::mvcc::{Notice, WatchId, WatchRequest, prefix_end};
use steersman_core::store::{Batch, Event, EventType, Feed, Rev, StoreError, Why};

/// A feed that is followed.
#[derive(Debug)]
pub(super) struct FollowedFeed {
    server: ServerId,
    feed: Feed,
    member: MemberId,
    prefix: Bytes,
    /// The revision after which it began.
    after: Rev,
    /// Delivered only where it is asked for by name.
    held: bool,
    progress_wanted: bool,
}

impl EtcdCluster {
    /// Delivers all changes of the keys under the prefix after the revision, as the member applies them.
    /// A server follows a feed once; following it again replaces what was. Without a leader, or on a
    /// stopped member, the feed is lost at once.
    pub fn follow(&mut self, server: ServerId, feed: Feed, member: MemberId, prefix: &Bytes, after: Rev) {
        self.unfollow(server, feed);
        let refused = if !self.is_up(member) {
            Some("connection refused")
        } else if !self.has_leader() {
            Some("etcdserver: no leader")
        } else {
            None
        };
        if let Some(reason) = refused {
            self.lose(server, feed, Why::Disconnected(reason.into()));
            return;
        }
        let prefix = prefix.clone();
        self.watch(FollowedFeed { server, feed, member, prefix, after, held: false, progress_wanted: false });
    }

    /// Begins the watch; None when it is refused and lost.
    fn watch(&mut self, follower: FollowedFeed) -> Option<WatchId> {
        let request = WatchRequest {
            key: follower.prefix.clone(),
            end: Some(prefix_end(&follower.prefix)),
            start_revision: Rev(follower.after.0.saturating_add(1)),
            progress_notify: false,
            previous: true,
        };
        match self.watchers.create(self.mvcc.revision(), request) {
            Ok(watch) => {
                self.feeds.insert((follower.server, follower.feed), watch);
                self.followers.insert(watch, follower);
                self.settled = false;
                Some(watch)
            }
            Err(error) => {
                self.lose(follower.server, follower.feed, refused(&error));
                None
            }
        }
    }

    /// The member through which a server follows a feed.
    pub fn followed(&self, server: ServerId, feed: Feed) -> Option<MemberId> {
        self.follower(server, feed).map(|follower| follower.member)
    }

    fn follower(&self, server: ServerId, feed: Feed) -> Option<&FollowedFeed> {
        self.feeds.get(&(server, feed)).and_then(|watch| self.followers.get(watch))
    }

    fn follower_mut(&mut self, server: ServerId, feed: Feed) -> Option<&mut FollowedFeed> {
        self.feeds.get(&(server, feed)).and_then(|watch| self.followers.get_mut(watch))
    }

    /// What was delivered last of the feed that is farthest behind; None when none is.
    pub fn farthest_behind(&self) -> Option<Rev> {
        let delivered = self.followers.keys().filter_map(|watch| self.watchers.delivered(*watch));
        delivered.min().filter(|delivered| *delivered < self.revision())
    }

    /// Stops delivering, as when the server ends or its connection breaks. What was not delivered yet
    /// never will be.
    pub fn unfollow(&mut self, server: ServerId, feed: Feed) {
        if let Some(watch) = self.feeds.remove(&(server, feed)) {
            self.followers.remove(&watch);
            self.watchers.cancel(watch);
        }
        let of_feed = |delivery: &Delivery| match delivery {
            Delivery::Changed(batch) => batch.feed == feed,
            Delivery::Lost(lost, _) => *lost == feed,
        };
        self.undelivered.retain(|(to, delivery)| !(*to == server && of_feed(delivery)));
    }

    /// The member cancels the watch, as it may at any time: the feed is lost.
    pub fn cancel(&mut self, server: ServerId, feed: Feed) {
        if self.followed(server, feed).is_some() {
            self.unfollow(server, feed);
            self.lose(server, feed, Why::Disconnected("etcdserver: watch canceled".into()));
        }
    }

    /// A stopped member's watches.
    pub(super) fn break_watches(&mut self, member: MemberId) {
        let broken = self.followers.extract_if(.., |_, follower| follower.member == member);
        for (watch, follower) in broken.collect::<Vec<_>>() {
            self.watchers.cancel(watch);
            self.feeds.remove(&(follower.server, follower.feed));
            let why = Why::Disconnected("connection reset by peer".into());
            self.lose(follower.server, follower.feed, why);
        }
    }

    fn lose(&mut self, server: ServerId, feed: Feed, why: Why) {
        self.undelivered.push((server, Delivery::Lost(feed, why)));
    }

    /// The watch is slow: [`EtcdCluster::drain`] passes it by until it is released.
    pub fn hold(&mut self, server: ServerId, feed: Feed) {
        if let Some(follower) = self.follower_mut(server, feed) {
            follower.held = true;
        }
    }

    pub fn release(&mut self, server: ServerId, feed: Feed) {
        if let Some(follower) = self.follower_mut(server, feed) {
            follower.held = false;
            self.settled = false;
        }
    }

    /// Makes a delivery report to which revision the feed is complete, also when nothing has changed: as
    /// soon as everything is delivered that the member has applied.
    pub fn request_progress(&mut self, server: ServerId, feed: Feed) {
        if let Some(follower) = self.follower_mut(server, feed) {
            follower.progress_wanted = true;
            self.settled = false;
        }
    }

    /// A request for progress that was not answered yet never will be: etcd drops one that finds the
    /// watch behind.
    pub fn forget_progress(&mut self, server: ServerId, feed: Feed) {
        if let Some(follower) = self.follower_mut(server, feed) {
            follower.progress_wanted = false;
        }
    }

    /// Delivers a feed's next batch now, held or not: it ends with the revision that reaches `at_most`
    /// events, one revision at least; then a progress report where one was asked for. None when there is
    /// nothing.
    pub fn deliver(&mut self, server: ServerId, feed: Feed, at_most: usize) -> Option<Delivery> {
        let watch = *self.feeds.get(&(server, feed))?;
        self.next(watch, at_most)
    }

    /// Everything there is to deliver but of what is held: for each server and feed batches in order of
    /// revision, then a progress report where one was asked for.
    pub fn drain(&mut self) -> Vec<(ServerId, Delivery)> {
        let mut deliveries = std::mem::take(&mut self.undelivered);
        if self.settled {
            return deliveries;
        }
        let watches: Vec<(WatchId, ServerId)> = self
            .followers
            .iter()
            .filter(|(_, follower)| !follower.held)
            .map(|(watch, follower)| (*watch, follower.server))
            .collect();
        for (watch, server) in watches {
            while let Some(delivery) = self.next(watch, limits::STORE_WATCH_BATCH_EVENTS) {
                deliveries.push((server, delivery));
            }
        }
        self.settled = true;
        deliveries
    }

    fn next(&mut self, watch: WatchId, at_most: usize) -> Option<Delivery> {
        let follower = self.followers.get(&watch)?;
        let (feed, member) = (follower.feed, follower.member);
        if !self.is_running(member) {
            return None;
        }
        if self.flawed.is(EtcdFlaw::ProgressAhead) && follower.progress_wanted {
            return self.progress(watch);
        }
        match self.watchers.poll_at_most(&self.mvcc, self.applied(member), watch, at_most) {
            Some(Notice::Events { mut events, revision, .. }) => {
                let revision = events.last().map_or(revision, |event| event.kv.mod_revision);
                if self.flawed.is(EtcdFlaw::DeleteDroppedAtCompaction) {
                    events.retain(|event| !self.is_compacted_deletion(event));
                }
                Some(Delivery::Changed(Batch { feed, events, revision }))
            }
            Some(Notice::Compacted { compact_revision, .. }) => {
                let follower = self.followers.remove(&watch)?;
                self.feeds.remove(&(follower.server, feed));
                if self.flawed.is(EtcdFlaw::LostUnderStarvation) {
                    return self.skip(follower, compact_revision, at_most);
                }
                Some(Delivery::Lost(feed, Why::Compacted { compact_revision }))
            }
            None => self.progress(watch),
        }
    }

    /// The progress report of a watch that has everything its member has applied. There is none before
    /// the revision that the watch begins with.
    /// etcd: server/storage/mvcc/watchable_store.go progressIfSync
    fn progress(&mut self, watch: WatchId) -> Option<Delivery> {
        let applied = self.applied(self.followers.get(&watch)?.member);
        let follower = self.followers.get_mut(&watch)?;
        if !follower.progress_wanted || applied <= follower.after {
            return None;
        }
        follower.progress_wanted = false;
        Some(Delivery::Changed(Batch { feed: follower.feed, events: Vec::new(), revision: applied }))
    }

    /// Of a flaw: a deletion by the revision that the last compaction went to.
    fn is_compacted_deletion(&self, event: &Event) -> bool {
        event.kind == EventType::Delete && event.kv.mod_revision == self.mvcc.compact_revision()
    }

    /// Of a flaw: the watch goes on where history begins again.
    fn skip(&mut self, follower: FollowedFeed, compact_revision: Rev, at_most: usize) -> Option<Delivery> {
        let watch = self.watch(FollowedFeed { after: Rev(compact_revision.0 - 1), ..follower })?;
        self.next(watch, at_most)
    }

    pub(super) fn check_watches(&self) {
        assert!(self.watchers.len() == self.followers.len(), "every watch has its follower");
        assert!(self.feeds.len() == self.followers.len(), "every follower has its feed");
        for (watch, follower) in &self.followers {
            assert!(self.feeds.get(&(follower.server, follower.feed)) == Some(watch), "and is found by it");
            assert!(self.is_up(follower.member), "a stopped member has no watches");
            let delivered = self.watchers.delivered(*watch).expect("every follower has its watch");
            let most = self.applied(follower.member).max(follower.after);
            assert!(follower.after <= delivered && delivered <= most, "only what is applied is delivered");
        }
    }
}

fn refused(error: &StoreError) -> Why {
    Why::Disconnected(format!("the watch was refused: {error:?}").into())
}

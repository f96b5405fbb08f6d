//! The fake etcd gives the same answers and events as a real one, asked through all its members in turn. There are no
//! faults here; its own tests compare its behaviour under faults with its history.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use bytes::Bytes;
use steersman_core::now::Mono;
use steersman_core::store::{Feed, Op, Rev, Stored};
use steersman_core::value::Text;
use steersman_io::store::{FeedInput, HealthSink, Sink, Store};
use steersman_sim::etcd::{Delivery, EtcdCluster, MemberId, ServerId};

use crate::beside_etcd::compare_with_etcd;

const SERVER: ServerId = ServerId(0);

/// No time passes: no lease of a run ends by itself.
const NOW: Mono = Mono(0);

/// A cluster as a store.
struct ClusterStore {
    inner: Mutex<Inner>,
}

struct Inner {
    cluster: EtcdCluster,
    sinks: BTreeMap<Feed, Sink>,
    /// Times a member was asked.
    turns: usize,
}

impl ClusterStore {
    fn new(members: u32) -> Self {
        let cluster = EtcdCluster::new(members);
        Self { inner: Mutex::new(Inner { cluster, sinks: BTreeMap::new(), turns: 0 }) }
    }

    /// Does something through the next member, and delivers what follows from it.
    fn ask<T>(&self, through: impl FnOnce(&mut Inner, MemberId) -> T) -> T {
        let inner = &mut *self.inner.lock().expect("no panic");
        let members: Vec<MemberId> = inner.cluster.members().collect();
        let member = members[inner.turns % members.len()];
        inner.turns += 1;
        let answer = through(inner, member);
        for (_, delivery) in inner.cluster.drain() {
            let (feed, input) = match delivery {
                Delivery::Changed(batch) => (batch.feed, FeedInput::Changed(batch)),
                Delivery::Lost(feed, why) => (feed, FeedInput::Lost(feed, why)),
            };
            inner.sinks.get(&feed).expect("only what is followed is delivered")(input);
        }
        inner.cluster.check();
        answer
    }
}

#[async_trait]
impl Store for ClusterStore {
    fn answer_now(&self, _op: &Op) -> Option<Stored> {
        None
    }

    async fn perform(&self, op: Op) -> Stored {
        self.ask(|inner, member| inner.cluster.perform(NOW, member, &op))
    }

    fn follow(&self, feed: Feed, prefix: Bytes, after: Rev, sink: Sink) {
        self.ask(|inner, member| {
            inner.sinks.insert(feed, sink);
            inner.cluster.follow(SERVER, feed, member, &prefix, after);
        });
    }

    fn request_progress(&self, feed: Feed) {
        self.ask(|inner, _| inner.cluster.request_progress(SERVER, feed));
    }

    async fn watch_health(&self, _sink: HealthSink) -> Text {
        std::future::pending().await
    }

    async fn close(&self) {}

    fn size_bytes(&self) -> u64 {
        0
    }
}

#[test]
fn one_member_answers_as_etcd_does() {
    compare_with_etcd(|| Box::new(ClusterStore::new(1)));
}

#[test]
fn three_members_answer_as_etcd_does() {
    compare_with_etcd(|| Box::new(ClusterStore::new(3)));
}

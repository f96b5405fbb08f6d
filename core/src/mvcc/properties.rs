//! Property tests: random operations on the machine and on the naive model must give the same answers, the same
//! readable history and the same watch events.

use super::interval::Interval;
use super::model::{Model, ModelLease, State};
use super::{Mvcc, Notice, WatchId, WatchRequest, Watchers};
use crate::now::Mono;
use crate::store::{
    Compare, Condition, Event, EventType, KeyValue, LeaseId, Put, Range, Rev, StoreError, Txn, TxnOp,
};
use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;
use bytes::Bytes;
use proptest::collection::vec as many;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Txn(Txn),
    /// A read while this many of the newest revisions are not visible yet.
    Range(Range, u64),
    /// Compaction to this many revisions before the newest; a negative number lies in the future.
    Compact(i64),
    Rollback(u64),
    Grant(i64),
    Keepalive(usize),
    RenewAll,
    Revoke(usize),
    Seconds(u64),
    /// A restart from a snapshot of this many revisions ago, followed by a replay of the changes since.
    Restart(u64),
    Watch(WatchRequest),
    Poll,
    /// One batch of at most this many events for every watch.
    PollAtMost(usize),
}

fn bytes_of(choices: &'static [&'static str]) -> impl Strategy<Value = Bytes> {
    prop::sample::select(choices).prop_map(|text| Bytes::from_static(text.as_bytes()))
}

fn key() -> impl Strategy<Value = Bytes> {
    bytes_of(&["a", "aa", "ab", "b", "c", "c\0", "\u{7f}"])
}

fn end() -> impl Strategy<Value = Option<Bytes>> {
    prop::option::of(bytes_of(&["", "\0", "a", "b", "bb", "d"]))
}

fn range() -> impl Strategy<Value = Range> {
    let revision = prop_oneof![2 => Just(0), 3 => 0_u64..40].prop_map(Rev);
    (key(), end(), revision, 0_u64..4, any::<bool>(), prop::bool::weighted(0.2)).prop_map(
        |(key, end, revision, limit, keys_only, count_only)| Range {
            key,
            end,
            revision,
            limit,
            keys_only,
            count_only,
        },
    )
}

fn compare() -> impl Strategy<Value = Compare> {
    let revision = (0_u64..12).prop_map(Rev);
    let condition = prop_oneof![
        revision.clone().prop_map(Condition::ModRevisionEquals),
        revision.clone().prop_map(Condition::ModRevisionGreater),
        revision.clone().prop_map(Condition::ModRevisionLess),
        revision.prop_map(Condition::CreateRevisionEquals),
        (0_u64..3).prop_map(Condition::VersionEquals),
        (0_u64..3).prop_map(Condition::VersionGreater),
        (0_u64..3).prop_map(Condition::VersionLess),
        bytes_of(&["", "x", "y"]).prop_map(Condition::ValueEquals),
    ];
    (key(), condition).prop_map(|(key, condition)| Compare { key, condition })
}

/// The lease is an index that the run turns into the id of a granted lease, if there is one.
fn txn_op() -> impl Strategy<Value = TxnOp> {
    let put = (key(), bytes_of(&["", "x", "y"]), prop_oneof![5 => Just(0_i64), 4 => 1_i64..3, 1 => Just(9)])
        .prop_map(|(key, value, lease)| TxnOp::Put(Put { key, value, lease: LeaseId(lease) }));
    let delete = (key(), end()).prop_map(|(key, end)| TxnOp::Delete { key, end });
    prop_oneof![4 => put, 2 => delete, 1 => range().prop_map(TxnOp::Range)]
}

fn txn() -> impl Strategy<Value = Txn> {
    (many(compare(), 0..2), many(txn_op(), 0..4), many(txn_op(), 0..3))
        .prop_map(|(compare, then, otherwise)| Txn { compare, then, otherwise })
}

fn watch() -> impl Strategy<Value = WatchRequest> {
    (key(), end(), 0_u64..30, any::<bool>(), any::<bool>()).prop_map(
        |(key, end, start, progress_notify, previous)| WatchRequest {
            key,
            end,
            start_revision: Rev(start),
            progress_notify,
            previous,
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => txn().prop_map(Step::Txn),
        5 => (range(), 0_u64..3).prop_map(|(range, hidden)| Step::Range(range, hidden)),
        2 => (-1_i64..6).prop_map(Step::Compact),
        1 => (0_u64..5).prop_map(Step::Rollback),
        2 => (0_i64..12).prop_map(Step::Grant),
        1 => (0_usize..4).prop_map(Step::Keepalive),
        1 => Just(Step::RenewAll),
        1 => (0_usize..4).prop_map(Step::Revoke),
        2 => (0_u64..3).prop_map(Step::Seconds),
        1 => (0_u64..6).prop_map(Step::Restart),
        2 => watch().prop_map(Step::Watch),
        3 => Just(Step::Poll),
        2 => (0_usize..3).prop_map(Step::PollAtMost),
    ]
}

/// What a watch has delivered so far.
struct Client {
    request: WatchRequest,
    /// The state of the watched keys as of `delivered`, once it is known.
    state: Option<State>,
    delivered: Rev,
}

struct Run {
    now: Mono,
    mvcc: Mvcc,
    model: Model,
    watchers: Watchers,
    clients: BTreeMap<WatchId, Client>,
    /// Watches have delivered, or begun at, revisions up to here, so no rollback goes below.
    told: Rev,
}

impl Run {
    fn new() -> Self {
        Self {
            now: Mono(0),
            mvcc: Mvcc::new(),
            model: Model::new(),
            watchers: Watchers::new(),
            clients: BTreeMap::new(),
            told: Rev(0),
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Txn(mut txn) => {
                txn.then.iter_mut().chain(&mut txn.otherwise).for_each(|op| self.choose_lease(op));
                assert_eq!(self.mvcc.txn(&txn), self.model.txn(&txn), "{txn:?}");
            }
            Step::Range(range, hidden) => {
                let visible = Rev(self.model.revision.0.saturating_sub(hidden)).max(self.floor());
                assert_eq!(
                    self.mvcc.range_at(&range, visible),
                    self.model.range(&range, visible),
                    "{range:?}"
                );
            }
            Step::Compact(back) => {
                let to = Rev(self.model.revision.0.saturating_add_signed(-back));
                assert_eq!(self.mvcc.compact(to), self.model.compact(to));
                self.check_history();
            }
            Step::Rollback(back) => {
                let to = Rev(self.model.revision.0.saturating_sub(back)).max(self.floor()).max(self.told);
                self.mvcc.rollback(to);
                self.model.rollback(to);
                self.check_history();
            }
            Step::Restart(back) => self.restart(back),
            Step::Seconds(seconds) => self.pass(seconds),
            Step::Grant(ttl) => self.grant(ttl),
            Step::Keepalive(index) => self.keepalive(index),
            Step::RenewAll => {
                let full = |lease: &ModelLease| self.now.plus_millis(1000 * lease.ttl_seconds as u64);
                self.model.leases.iter_mut().for_each(|lease| lease.expiry = full(lease));
                self.mvcc.lease_renew_all(self.now);
            }
            Step::Revoke(index) => {
                let id = self.lease(index);
                assert_eq!(self.mvcc.lease_revoke(id), self.model.revoke(id));
            }
            Step::Watch(request) => self.watch(request),
            Step::Poll => self.poll(),
            Step::PollAtMost(at_most) => self.poll_at_most(at_most),
        }
        self.mvcc.check();
        assert_eq!(self.mvcc.revision(), self.model.revision);
        assert_eq!(self.mvcc.versions(), self.model.versions());
    }

    /// The oldest revision that can be read.
    fn floor(&self) -> Rev {
        self.model.compact_revision.max(Rev(1))
    }

    /// A granted lease, or one that does not exist.
    fn lease(&self, index: usize) -> LeaseId {
        self.model.leases.get(index).map_or(LeaseId(-7), |lease| lease.id)
    }

    fn choose_lease(&self, op: &mut TxnOp) {
        if let TxnOp::Put(put) = op
            && let Ok(index @ 1..) = usize::try_from(put.lease.0)
        {
            put.lease = self.lease(index - 1);
        }
    }

    fn grant(&mut self, ttl: i64) {
        let granted = self.mvcc.lease_grant(self.now, ttl, None).expect("few leases");
        assert_eq!(granted.ttl_seconds, ttl.max(1));
        assert!(self.model.leases.iter().all(|lease| lease.id != granted.id), "ids are unique");
        let expiry = self.now.plus_millis(1000 * ttl.max(1) as u64);
        self.model.leases.push(ModelLease { id: granted.id, ttl_seconds: ttl.max(1), expiry });
    }

    fn keepalive(&mut self, index: usize) {
        let kept = self.mvcc.lease_keepalive(self.now, self.lease(index));
        match self.model.leases.get_mut(index) {
            Some(lease) => {
                lease.expiry = self.now.plus_millis(1000 * lease.ttl_seconds as u64);
                assert_eq!(kept.map(|kept| kept.ttl_seconds), Ok(lease.ttl_seconds));
            }
            None => assert_eq!(kept, Err(StoreError::LeaseNotFound)),
        }
    }

    fn pass(&mut self, seconds: u64) {
        self.now = self.now.plus_millis(1000 * seconds);
        let expired = self.mvcc.expire(self.now);
        let due = self.model.due(self.now);
        assert_eq!(expired.iter().map(|expired| expired.lease).collect::<Vec<_>>(), due);
        for expired in expired {
            assert_eq!(Ok(expired.events), self.model.revoke(expired.lease));
        }
        assert_eq!(self.mvcc.next_expiry(), self.model.leases.iter().map(|lease| lease.expiry).min());
    }

    /// Takes a snapshot, restores it, and replays the later changes as from a log.
    fn restart(&mut self, back: u64) {
        let at = Rev(self.model.revision.0.saturating_sub(back)).max(self.floor());
        let snapshot = self.mvcc.snapshot(at).expect("the revision is readable");
        let kvs: Vec<KeyValue> = snapshot.key_values().collect();
        assert_eq!(kvs, self.model.at(at).into_values().collect::<Vec<_>>());
        let mut restored = Mvcc::restore(self.now, at, kvs, &snapshot.leases).expect("the snapshot is sound");
        let events = self.model.events(at, self.model.revision);
        for of_one in events.chunk_by(|a, b| a.kv.mod_revision == b.kv.mod_revision) {
            let revision = of_one[0].kv.mod_revision;
            restored.replay(revision, of_one).expect("the log continues the snapshot");
            for (_, lease) in self.model.ended.iter().filter(|(ended, _)| *ended == revision) {
                assert_eq!(restored.lease_revoke(lease.id), Ok(Vec::new()));
            }
        }
        self.mvcc = restored;
        self.model.compact_revision = at;
        self.model.first_event = Rev(at.0 + 1);
        self.model.ended.retain(|(ended, _)| *ended > at);
        let all = self.model.leases.iter_mut().chain(self.model.ended.iter_mut().map(|(_, lease)| lease));
        all.for_each(|lease| lease.expiry = self.now.plus_millis(1000 * lease.ttl_seconds as u64));
        self.check_history();
    }

    /// Compares every readable revision, and the events from every revision to the newest, at once and in batches.
    fn check_history(&self) {
        let all = Bytes::from_static(&[0]);
        for revision in self.floor().0..=self.model.revision.0 {
            let range = Range {
                key: all.clone(),
                end: Some(all.clone()),
                revision: Rev(revision),
                ..Range::default()
            };
            let expected: Vec<KeyValue> = self.model.at(Rev(revision)).into_values().collect();
            assert_eq!(self.mvcc.range(&range).map(|ranged| ranged.kvs), Ok(expected));
        }
        for after in 0..self.model.revision.0 {
            let events = self.mvcc.events_between(Rev(after), self.model.revision, &all, Some(&all));
            if after + 1 < self.model.first_event.0 {
                assert!(matches!(events, Err(StoreError::Compacted { .. })), "{events:?}");
                continue;
            }
            assert_eq!(events, Ok(self.model.events(Rev(after), self.model.revision)));
            assert_eq!(events, Ok(self.in_pieces(Rev(after))));
        }
    }

    fn in_pieces(&self, mut after: Rev) -> Vec<Event> {
        let all = Interval::From(&[0]);
        let mut events = Vec::new();
        while after < self.model.revision {
            let (piece, reached) =
                self.mvcc.keyspace.events(after, self.model.revision, all, 1).expect("kept");
            assert!(piece.iter().all(|event| event.kv.mod_revision == reached) && reached > after);
            events.extend(piece);
            after = reached;
        }
        events
    }

    fn watch(&mut self, request: WatchRequest) {
        self.told = self.model.revision;
        let created = self.watchers.create(self.model.revision, request.clone());
        if request.end.as_ref().is_some_and(|end| !end.is_empty() && end != "\0" && *end <= request.key) {
            assert!(created.is_err(), "a watch of no key is refused");
            return;
        }
        let id = created.expect("few watches");
        let delivered = match request.start_revision {
            Rev(0) => self.model.revision,
            Rev(start) => Rev(start - 1),
        };
        let listable = delivered >= self.model.compact_revision && delivered <= self.model.revision;
        let state = listable.then(|| self.watched(&request, delivered));
        self.clients.insert(id, Client { request, state, delivered });
    }

    fn watched(&self, request: &WatchRequest, at: Rev) -> State {
        let mut state = self.model.at(at);
        state.retain(|key, _| super::model::selects(&request.key, request.end.as_ref(), key));
        state
    }

    /// Checks for every watch that a list at one revision plus the events gives the list at the later one.
    fn poll_at_most(&mut self, at_most: usize) {
        let visible = self.model.revision;
        self.told = visible;
        for watch in self.clients.keys().copied().collect::<Vec<_>>() {
            let notice = self.watchers.poll_at_most(&self.mvcc, visible, watch, at_most);
            if let Some(Notice::Events { events, .. }) = &notice {
                let last = events.last().map(|event| event.kv.mod_revision);
                let before = events.iter().filter(|event| Some(event.kv.mod_revision) < last).count();
                assert!(before < at_most.max(1), "a batch ends with the revision that fills it");
            }
            notice.into_iter().for_each(|notice| self.take(notice));
        }
    }

    fn take(&mut self, notice: Notice) {
        match notice {
            Notice::Compacted { watch, .. } => {
                let client = self.clients.remove(&watch).expect("the watch exists");
                assert!(client.delivered.0 + 1 < self.model.first_event.0, "its history is gone");
            }
            Notice::Events { watch, events, revision } => {
                let client = self.clients.get_mut(&watch).expect("the watch exists");
                client.take(events, revision);
            }
        }
    }

    fn poll(&mut self) {
        let visible = self.model.revision;
        self.told = visible;
        for notice in self.watchers.poll(&self.mvcc, visible) {
            self.take(notice);
        }
        for client in self.clients.values().filter(|client| client.delivered <= visible) {
            if let Some(state) = &client.state {
                assert_eq!(state, &self.watched(&client.request, visible));
            }
        }
    }
}

impl Client {
    fn take(&mut self, events: Vec<Event>, revision: Rev) {
        assert!(!events.is_empty() || self.request.progress_notify, "progress is only told when wanted");
        let revisions = events.iter().map(|event| event.kv.mod_revision);
        assert!(revisions.clone().is_sorted(), "events come in order");
        assert!(revisions.clone().all(|at| at > self.delivered && at <= revision), "and once");
        self.delivered = revision;
        for event in events {
            assert!(self.request.previous || event.previous.is_none());
            let Some(state) = &mut self.state else { continue };
            let held = match event.kind {
                EventType::Put => state.insert(event.kv.key.clone(), event.kv),
                EventType::Delete => state.remove(&event.kv.key),
            };
            assert!(!self.request.previous || event.previous.is_none() || event.previous == held);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_machine_agrees_with_the_model(steps in many(step(), 1..60)) {
        let mut run = Run::new();
        run.grant(20);
        run.grant(5);
        for step in steps {
            run.step(step);
        }
        run.check_history();
        run.poll();
    }
}

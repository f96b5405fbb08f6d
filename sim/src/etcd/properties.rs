//! Random operations, faults of members and slow feeds: what every follower was delivered, applied to
//! what it had listed, is the committed state at that revision; it never goes back and never skips.

use super::{Delivery, EtcdCluster, Flawed, MemberId, ServerId};
use crate::choose::{Chooser, Label};
use bytes::Bytes;
use std::collections::BTreeMap;
use steersman_core::mvcc::prefix_end;
use steersman_core::now::Mono;
use steersman_core::store::{
    Batch, Event, EventType, Feed, KeyValue, LeaseId, Op, Put, Range, Rev, Stored, Txn, TxnOp, Why,
};

const FEED: Feed = Feed(0);
const KEYS: [&str; 6] = ["/a/1", "/a/2", "/a/3", "/b/1", "/b/2", "/c"];
const PREFIXES: [&str; 4] = ["/", "/a/", "/b/", "/c"];
const SERVERS: u32 = 3;

type State = BTreeMap<Bytes, KeyValue>;

/// A server's copy of what lies under its prefix.
struct Copy {
    prefix: Bytes,
    state: State,
    revision: Rev,
}

struct Run {
    chooser: Chooser,
    cluster: EtcdCluster,
    now: Mono,
    /// The committed state at each revision, by the witness.
    history: BTreeMap<Rev, State>,
    newest: State,
    copies: BTreeMap<ServerId, Copy>,
    leases: Vec<LeaseId>,
    batches: usize,
    lost: usize,
    progressed: usize,
}

impl Run {
    fn new(seed: u64, members: u32) -> Self {
        let mut cluster = EtcdCluster::new(members);
        cluster.keep_changes();
        Self {
            chooser: Chooser::from_seed(seed),
            cluster,
            now: Mono(0),
            history: BTreeMap::from([(Rev(1), State::new())]),
            newest: State::new(),
            copies: BTreeMap::new(),
            leases: Vec::new(),
            batches: 0,
            lost: 0,
            progressed: 0,
        }
    }

    fn pick(&mut self, bound: usize) -> usize {
        self.chooser.pick(Label::Member.only(), bound as u64) as usize
    }

    fn member(&mut self) -> MemberId {
        let members = self.cluster.members().count();
        MemberId(self.pick(members) as u32)
    }

    fn server(&mut self) -> ServerId {
        ServerId(self.pick(SERVERS as usize) as u32)
    }

    fn key(&mut self) -> Bytes {
        Bytes::from_static(KEYS[self.pick(KEYS.len())].as_bytes())
    }

    fn txn_op(&mut self) -> TxnOp {
        let key = self.key();
        match self.pick(4) {
            0 => TxnOp::Delete { key, end: None },
            1 => TxnOp::Delete { end: Some(prefix_end(&key[..2])), key },
            choice => {
                let lease = self.pick(3);
                let lease = self.leases.get(lease).copied().filter(|_| choice == 2).unwrap_or_default();
                let value = Bytes::from(vec![b'v'; self.pick(9)]);
                TxnOp::Put(Put { key, value, lease })
            }
        }
    }

    fn op(&mut self) -> Op {
        match self.pick(12) {
            0 => {
                let back = self.pick(6) as u64;
                Op::Compact(Rev(self.cluster.revision().0.saturating_sub(back)))
            }
            1 => Op::LeaseGrant { ttl_seconds: 1 + self.pick(5) as i64 },
            2 => {
                let number = self.pick(4);
                Op::LeaseRevoke(self.leases.get(number).copied().unwrap_or_default())
            }
            3 => Op::Range(Range { key: self.key(), ..Range::default() }),
            _ => {
                let count = 1 + self.pick(3);
                Op::Txn(Txn { then: (0..count).map(|_| self.txn_op()).collect(), ..Txn::default() })
            }
        }
    }

    fn perform(&mut self) {
        let (member, op) = (self.member(), self.op());
        let before = self.cluster.revision();
        let stored = self.cluster.perform(self.now, member, &op);
        match &stored {
            Stored::Failed(_) | Stored::Unknown(_) => assert_eq!(self.cluster.revision(), before),
            Stored::Txn(reply) => assert_eq!(self.cluster.revision(), reply.revision),
            Stored::Ranged(ranged) => {
                let Op::Range(range) = &op else { panic!("only reads are answered so") };
                let expected: Vec<KeyValue> = self.newest.get(&range.key).cloned().into_iter().collect();
                assert_eq!((&ranged.kvs, ranged.revision), (&expected, before));
            }
            Stored::Leased { id, .. } => self.leases.push(*id),
            Stored::Compacted | Stored::Revoked => {}
        }
    }

    /// The witness's changes: each revision's state.
    fn witness(&mut self) {
        for event in self.cluster.take_changes() {
            assert_eq!(event.previous.as_ref(), self.newest.get(&event.kv.key), "{event:?}");
            apply(&mut self.newest, &event);
            self.history.insert(event.kv.mod_revision, self.newest.clone());
        }
        assert_eq!(
            self.history.last_key_value().map(|(revision, _)| *revision),
            Some(self.cluster.revision())
        );
    }

    fn under(&self, prefix: &Bytes, revision: Rev) -> State {
        let at = self.history.get(&revision).expect("every revision was witnessed");
        at.iter()
            .filter(|(key, _)| key.starts_with(prefix))
            .map(|(key, kv)| (key.clone(), kv.clone()))
            .collect()
    }

    /// Lists at the newest revision and follows, or resumes from where the copy is.
    fn follow(&mut self, server: ServerId) {
        let member = self.member();
        if !self.copies.contains_key(&server) {
            let prefix = Bytes::from_static(PREFIXES[self.pick(PREFIXES.len())].as_bytes());
            let revision = self.cluster.revision();
            let state = self.under(&prefix, revision);
            self.copies.insert(server, Copy { prefix, state, revision });
        }
        let copy = &self.copies[&server];
        self.cluster.follow(server, FEED, member, &copy.prefix, copy.revision);
    }

    fn receive(&mut self, server: ServerId, delivery: Delivery) {
        match delivery {
            Delivery::Changed(batch) => self.change(server, batch),
            Delivery::Lost(_, Why::Compacted { compact_revision }) => {
                assert!(self.copies[&server].revision.0 + 1 < compact_revision.0, "its history is gone");
                assert_eq!(compact_revision, self.cluster.mvcc().compact_revision());
                self.copies.remove(&server);
                self.lost += 1;
            }
            Delivery::Lost(_, Why::Disconnected(_)) => self.lost += 1,
        }
    }

    fn change(&mut self, server: ServerId, batch: Batch) {
        let copy = self.copies.get_mut(&server).expect("only followers are told");
        self.batches += 1;
        self.progressed += usize::from(batch.events.is_empty());
        assert!(batch.revision >= copy.revision, "it never goes back");
        for event in &batch.events {
            let at = event.kv.mod_revision;
            assert!(copy.revision < at && at <= batch.revision, "each change comes once: {event:?}");
            let before = copy.state.get(&event.kv.key);
            assert!(event.previous.is_none() || event.previous.as_ref() == before, "{event:?}");
            apply(&mut copy.state, event);
        }
        copy.revision = batch.revision;
        let copy = &self.copies[&server];
        assert_eq!(copy.state, self.under(&copy.prefix, batch.revision), "nothing is skipped");
        let member = self.cluster.followed(server, FEED).expect("it is followed");
        assert!(batch.revision <= self.cluster.applied(member), "only what is applied is told");
    }

    fn drain(&mut self) {
        for (server, delivery) in self.cluster.drain() {
            self.receive(server, delivery);
        }
    }

    fn step(&mut self) {
        let (member, server) = (self.member(), self.server());
        let choice = self.pick(44);
        // Faults come less often than what mends them.
        let choice =
            if [0, 5, 9, 13, 20, 21, 22].contains(&choice) && self.pick(3) > 0 { 40 } else { choice };
        match choice {
            0 => self.cluster.elect(),
            1..=4 => {
                self.cluster.elected(self.now, member);
            }
            5 => self.cluster.stop(member),
            6..=8 => self.cluster.start(member),
            9 => self.cluster.pause(member),
            10..=12 => self.cluster.resume(member),
            13 => self.cluster.begin_lag(member),
            14 | 15 => {
                let by = self.pick(3) as u64;
                self.cluster.apply(member, Rev(self.cluster.applied(member).0 + by));
            }
            16 | 17 => self.cluster.catch_up(member),
            18 => self.now = self.now.plus_millis(700),
            19 => self.cluster.expire(self.now),
            20 => self.cluster.unfollow(server, FEED),
            21 => self.cluster.cancel(server, FEED),
            22 => self.cluster.hold(server, FEED),
            23 => self.cluster.release(server, FEED),
            24 | 25 => self.cluster.request_progress(server, FEED),
            26 => self.cluster.forget_progress(server, FEED),
            27..=29 => self.follow(server),
            30..=32 => {
                let at_most = 1 + self.pick(3);
                if let Some(delivery) = self.cluster.deliver(server, FEED, at_most) {
                    self.receive(server, delivery);
                }
            }
            33..=35 => self.drain(),
            _ => self.perform(),
        }
        self.witness();
        self.cluster.check();
    }

    /// Every member goes on; every follower gets to the newest revision.
    fn heal(&mut self) {
        for member in self.cluster.members() {
            self.cluster.start(member);
            self.cluster.resume(member);
            self.cluster.catch_up(member);
        }
        assert!(self.cluster.elected(self.now, MemberId(0)));
        let key = Bytes::from_static(b"/last");
        let put = TxnOp::Put(Put { key, value: Bytes::new(), lease: LeaseId(0) });
        self.cluster.perform(self.now, MemberId(0), &Op::Txn(Txn { then: vec![put], ..Txn::default() }));
        self.witness();
        for server in (0..SERVERS).map(ServerId) {
            self.drain();
            self.follow(server);
            self.cluster.request_progress(server, FEED);
            self.drain();
            // What was compacted is listed anew.
            self.follow(server);
            self.cluster.request_progress(server, FEED);
            self.drain();
            let copy = &self.copies[&server];
            assert_eq!(copy.state, self.under(&copy.prefix, self.cluster.revision()));
        }
    }
}

fn apply(state: &mut State, event: &Event) {
    match event.kind {
        EventType::Put => state.insert(event.kv.key.clone(), event.kv.clone()),
        EventType::Delete => state.remove(&event.kv.key),
    };
}

fn play(seed: u64, flawed: Flawed) -> Run {
    let mut run = Run::new(seed, 1 + (seed % 5) as u32);
    run.cluster.set_flawed(flawed);
    for _ in 0..300 {
        run.step();
    }
    run.heal();
    run
}

#[test]
fn every_follower_sees_the_committed_history() {
    let (mut batches, mut lost, mut progressed) = (0, 0, 0);
    for seed in 0..300 {
        let run = play(seed, Flawed::NEVER);
        batches += run.batches;
        lost += run.lost;
        progressed += run.progressed;
    }
    assert!(batches > 3_000 && lost > 1_000 && progressed > 500, "{batches} {lost} {progressed}");
}

#[cfg(feature = "museum")]
#[test]
fn every_flaw_breaks_it() {
    for flaw in super::EtcdFlaw::ALL {
        let broken = |seed| std::panic::catch_unwind(|| play(seed, Flawed::with(flaw))).is_err();
        assert!((0..300).any(broken), "{flaw:?} goes unnoticed");
    }
}

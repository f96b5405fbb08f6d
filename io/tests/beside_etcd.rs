//! The same random operations on a store over the core's machine and on a real etcd: the same answers, the
//! same events.
//!
//! Both are asked in the same words. etcd is not started anew for every run: revisions are counted from
//! where the run begins, and leases by the order in which they were granted. etcd does not tell the
//! revision that was compacted. `STEERSMAN_ETCD_RUNS=1000` makes it a thousand runs instead of a few dozen.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use proptest::collection::vec as many;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use steersman_core::store::{
    Compare, Condition, Event, Feed, KeyValue, LeaseId, Op, Put, Range, Ranged, Rev, StoreError, Stored, Txn,
    TxnOp, TxnReply, TxnReplyOp, Why,
};
use steersman_io::store::Store;

use crate::etcd_server::{Etcd, Heard, HeardInner, bytes, committed, put, write};

const RUNS: &str = "STEERSMAN_ETCD_RUNS";

/// No lease has it.
const NO_LEASE: LeaseId = LeaseId(-7);

#[derive(Clone, Debug)]
enum Step {
    Txn(Txn),
    Range(Range),
    /// To so many revisions before the newest; negative lies ahead.
    Compact(i64),
    Grant,
    Revoke(usize),
    /// A prefix, and the revision after which it is followed.
    Follow(Bytes, Rev),
}

fn bytes_of(choices: &'static [&'static str]) -> impl Strategy<Value = Bytes> {
    prop::sample::select(choices).prop_map(bytes)
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

/// The lease is 0 for none, or one more than the number of a granted one.
fn txn_op() -> impl Strategy<Value = TxnOp> {
    let lease = prop_oneof![5 => Just(0_i64), 4 => 1_i64..3, 1 => Just(9)];
    let put = (key(), bytes_of(&["", "x", "y"]), lease)
        .prop_map(|(key, value, lease)| TxnOp::Put(Put { key, value, lease: LeaseId(lease) }));
    let delete = (key(), end()).prop_map(|(key, end)| TxnOp::Delete { key, end });
    prop_oneof![4 => put, 2 => delete, 1 => range().prop_map(TxnOp::Range)]
}

/// What etcd overlooks and the machine refuses: a put beside a deletion from a key on that covers it.
fn is_overlooked(ops: &[TxnOp]) -> bool {
    let from = ops.iter().filter_map(|op| match op {
        TxnOp::Delete { key, end } if end.as_deref() == Some(b"\0") => Some(key),
        TxnOp::Delete { .. } | TxnOp::Put(_) | TxnOp::Range(_) => None,
    });
    let is_put = |op: &TxnOp, from: &Bytes| matches!(op, TxnOp::Put(put) if put.key >= *from);
    from.min().is_some_and(|from| ops.iter().any(|op| is_put(op, from)))
}

fn txn() -> impl Strategy<Value = Txn> {
    (many(compare(), 0..2), many(txn_op(), 0..4), many(txn_op(), 0..3))
        .prop_map(|(compare, then, otherwise)| Txn { compare, then, otherwise })
        .prop_filter("known to differ", |txn| !is_overlooked(&txn.then) && !is_overlooked(&txn.otherwise))
}

/// Of several reasons to refuse a branch the machine gives the first in order of its operations; etcd
/// before 3.6 looks at the leases first.
fn refused_alike(machine: &Stored, etcd: &Stored) -> bool {
    let refused = |stored: &Stored| {
        matches!(
            stored,
            Stored::Failed(
                StoreError::LeaseNotFound | StoreError::Compacted { .. } | StoreError::FutureRevision { .. }
            )
        )
    };
    refused(machine) && refused(etcd)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => txn().prop_map(Step::Txn),
        5 => range().prop_map(Step::Range),
        1 => (-1_i64..6).prop_map(Step::Compact),
        2 => Just(Step::Grant),
        1 => (0_usize..4).prop_map(Step::Revoke),
        2 => (bytes_of(&["", "a", "aa", "b", "c"]), (0_u64..30).prop_map(Rev))
            .prop_map(|(prefix, after)| Step::Follow(prefix, after)),
    ]
}

/// One of the two stores in a run: where its revisions begin, and what its leases are called.
struct Side {
    store: Box<dyn Store>,
    base: u64,
    leases: Vec<LeaseId>,
    followed: Vec<Heard>,
}

impl Side {
    fn new(store: Box<dyn Store>, base: u64) -> Self {
        Self { store, base, leases: Vec::new(), followed: Vec::new() }
    }

    /// A revision of the run in this store's counting. None stays none.
    fn there(&self, revision: Rev) -> Rev {
        if revision == Rev(0) { revision } else { Rev(revision.0 + self.base) }
    }

    fn here(&self, revision: Rev) -> Rev {
        Rev(revision.0.saturating_sub(self.base))
    }

    fn lease(&self, number: usize) -> LeaseId {
        self.leases.get(number).copied().unwrap_or(NO_LEASE)
    }

    fn range(&self, range: &Range) -> Range {
        Range { revision: self.there(range.revision), ..range.clone() }
    }

    fn txn(&self, txn: &Txn) -> Txn {
        let condition = |condition: &Condition| match condition {
            Condition::ModRevisionEquals(revision) => Condition::ModRevisionEquals(self.there(*revision)),
            Condition::ModRevisionGreater(revision) => Condition::ModRevisionGreater(self.there(*revision)),
            Condition::ModRevisionLess(revision) => Condition::ModRevisionLess(self.there(*revision)),
            Condition::CreateRevisionEquals(revision) => {
                Condition::CreateRevisionEquals(self.there(*revision))
            }
            other => other.clone(),
        };
        let compare =
            |held: &Compare| Compare { key: held.key.clone(), condition: condition(&held.condition) };
        let op = |op: &TxnOp| match op {
            TxnOp::Range(range) => TxnOp::Range(self.range(range)),
            TxnOp::Put(put) => {
                let number = usize::try_from(put.lease.0).ok().and_then(|lease| lease.checked_sub(1));
                let lease = number.map_or(LeaseId(0), |number| self.lease(number));
                TxnOp::Put(Put { lease, ..put.clone() })
            }
            TxnOp::Delete { .. } => op.clone(),
        };
        Txn {
            compare: txn.compare.iter().map(compare).collect(),
            then: txn.then.iter().map(op).collect(),
            otherwise: txn.otherwise.iter().map(op).collect(),
        }
    }

    fn kv(&self, kv: KeyValue) -> KeyValue {
        let number = self.leases.iter().position(|lease| *lease == kv.lease);
        let number = number.and_then(|number| i64::try_from(number).ok());
        KeyValue {
            create_revision: self.here(kv.create_revision),
            mod_revision: self.here(kv.mod_revision),
            lease: LeaseId(number.map_or(kv.lease.0, |number| number + 1)),
            ..kv
        }
    }

    fn ranged(&self, ranged: Ranged) -> Ranged {
        let kvs = ranged.kvs.into_iter().map(|kv| self.kv(kv)).collect();
        Ranged { kvs, revision: self.here(ranged.revision), ..ranged }
    }

    fn reply(&self, reply: TxnReply) -> TxnReply {
        let one = |reply: TxnReplyOp| match reply {
            TxnReplyOp::Range(ranged) => TxnReplyOp::Range(self.ranged(ranged)),
            TxnReplyOp::Put | TxnReplyOp::Delete { .. } => reply,
        };
        let replies = reply.replies.into_iter().map(one).collect();
        TxnReply { replies, revision: self.here(reply.revision), ..reply }
    }

    /// Performs one operation, with the answer in the run's counting.
    async fn perform(&mut self, op: Op) -> Stored {
        match self.store.perform(op).await {
            Stored::Ranged(ranged) => Stored::Ranged(self.ranged(ranged)),
            Stored::Txn(reply) => Stored::Txn(self.reply(reply)),
            Stored::Leased { id, ttl_seconds } => {
                self.leases.push(id);
                Stored::Leased { id: LeaseId(0), ttl_seconds }
            }
            Stored::Failed(StoreError::Compacted { .. }) => {
                Stored::Failed(StoreError::Compacted { compact_revision: Rev(0) })
            }
            Stored::Failed(StoreError::FutureRevision { current }) => {
                Stored::Failed(StoreError::FutureRevision { current: self.here(current) })
            }
            other => other,
        }
    }

    async fn revision(&self) -> Rev {
        let range = Range { key: bytes("a"), count_only: true, ..Range::default() };
        match self.store.perform(Op::Range(range)).await {
            Stored::Ranged(ranged) => self.here(ranged.revision),
            other => panic!("{other:?}"),
        }
    }

    fn follow(&mut self, prefix: Bytes, after: Rev) {
        let after = Rev(after.0 + self.base);
        let heard = Heard::after(after);
        self.store.follow(Feed(self.followed.len() as u8), prefix, after, heard.sink());
        self.followed.push(heard);
    }

    /// What every feed has been told up to a revision.
    async fn told(&self, revision: Rev) -> Vec<(Vec<Event>, Option<Why>)> {
        let mut told = Vec::new();
        for (number, heard) in self.followed.iter().enumerate() {
            let revision = Rev(revision.0 + self.base);
            let heard = heard.until(&*self.store, Feed(number as u8), revision).await;
            told.push(self.heard(heard));
        }
        told
    }

    fn heard(&self, heard: HeardInner) -> (Vec<Event>, Option<Why>) {
        let event = |event: Event| Event {
            kv: self.kv(event.kv),
            previous: event.previous.map(|kv| self.kv(kv)),
            kind: event.kind,
        };
        let lost = heard.lost.map(|why| match why {
            Why::Compacted { .. } => Why::Compacted { compact_revision: Rev(0) },
            Why::Disconnected(why) => Why::Disconnected(why),
        });
        (heard.events.into_iter().map(event).collect(), lost)
    }
}

/// The store that is compared, and etcd.
struct Pair {
    sides: [Side; 2],
}

impl Pair {
    async fn new(machine: Box<dyn Store>, etcd: &Etcd) -> Self {
        let store = etcd.connect().await;
        // Empty, and beyond every revision that an earlier run has compacted.
        let all = TxnOp::Delete { key: bytes("\0"), end: Some(bytes("\0")) };
        committed(&store, write(vec![put("a", "")])).await;
        let begin = committed(&store, write(vec![all])).await.revision;
        Self { sides: [Side::new(machine, 0), Side::new(Box::new(store), begin.0 - 1)] }
    }

    /// Both answers to an operation.
    async fn ask(&mut self, op: impl Fn(&Side) -> Op) -> [Stored; 2] {
        let [machine, etcd] = &mut self.sides;
        [machine.perform(op(machine)).await, etcd.perform(op(etcd)).await]
    }

    async fn step(&mut self, step: &Step) -> Result<(), TestCaseError> {
        let revision = self.sides[0].revision().await;
        let [machine, etcd] = match step {
            Step::Txn(txn) => self.ask(|side| Op::Txn(side.txn(txn))).await,
            Step::Range(range) => self.ask(|side| Op::Range(side.range(range))).await,
            Step::Grant => self.ask(|_| Op::LeaseGrant { ttl_seconds: 36_000 }).await,
            Step::Revoke(number) => self.ask(|side| Op::LeaseRevoke(side.lease(*number))).await,
            Step::Compact(back) => {
                // What a feed has not been told yet a compaction may take from it, sooner or later.
                self.compare_feeds().await?;
                let to = revision.0.saturating_add_signed(-back).max(1);
                self.ask(|side| Op::Compact(side.there(Rev(to)))).await
            }
            Step::Follow(prefix, after) => {
                self.sides
                    .iter_mut()
                    .for_each(|side| side.follow(prefix.clone(), (*after).min(revision).max(Rev(1))));
                return self.compare_feeds().await;
            }
        };
        if !(matches!(step, Step::Txn(_)) && refused_alike(&machine, &etcd)) {
            prop_assert_eq!(machine, etcd, "{:?}", step);
        }
        Ok(())
    }

    async fn compare_feeds(&self) -> Result<(), TestCaseError> {
        let [machine, etcd] = &self.sides;
        let revision = machine.revision().await;
        prop_assert_eq!(revision, etcd.revision().await);
        prop_assert_eq!(machine.told(revision).await, etcd.told(revision).await);
        Ok(())
    }

    async fn finish(self) {
        let [_, etcd] = self.sides;
        for lease in &etcd.leases {
            // It may have been revoked already.
            etcd.store.perform(Op::LeaseRevoke(*lease)).await;
        }
        etcd.store.close().await;
    }
}

async fn run(machine: Box<dyn Store>, etcd: &Etcd, steps: &[Step]) -> Result<(), TestCaseError> {
    let mut pair = Pair::new(machine, etcd).await;
    for step in steps {
        pair.step(step).await?;
    }
    pair.compare_feeds().await?;
    pair.finish().await;
    Ok(())
}

/// Compares new stores with etcd, if there is one: a run each.
///
/// # Panics
/// When one answers or tells something else than etcd does.
pub(crate) fn compare_with_etcd(new_store: impl Fn() -> Box<dyn Store>) {
    let Some(etcd) = Etcd::start(&[]) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let cases = std::env::var(RUNS).ok().and_then(|runs| runs.parse().ok()).unwrap_or(32);
    let done = AtomicU64::new(0);
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let result = runner.run(&many(step(), 1..60), |steps| {
        done.fetch_add(steps.len() as u64, Ordering::Relaxed);
        runtime.block_on(run(new_store(), &etcd, &steps))
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    eprintln!("{cases} runs, {} steps compared", done.into_inner());
}

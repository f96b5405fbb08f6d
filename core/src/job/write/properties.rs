//! What a commit reports, compared with what the store did, under lost and late operations and other writers.

use super::commit::{CommitOutcome, Committing, Progress};
use crate::config::Config;
use crate::kinds::Registry;
use crate::limits;
use crate::mvcc::Mvcc;
use crate::store::{Commit, LeaseId, Op, Put, Range, Rev, StoreError, Stored, Txn, TxnOp};
use crate::world::World;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;
use proptest::prelude::*;

const KEYS: usize = 3;

fn key(index: usize) -> Bytes {
    format!("/registry/configmaps/w/k{index}").into()
}

fn object(index: usize, uid: &str, data: &str) -> Bytes {
    format!(
        r#"{{"kind":"ConfigMap","apiVersion":"v1","metadata":{{"name":"k{index}","namespace":"w","uid":"{uid}"}},"data":{{"by":"{data}"}}}}"#
    )
    .into()
}

/// What another writer does to a key.
#[derive(Clone, Copy, Debug)]
enum Other {
    Change(usize),
    Delete(usize),
    Create(usize),
    Compact,
}

/// What the commit does to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    None,
    Guard,
    Put,
    Delete,
}

/// What becomes of one operation of the commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Answered,
    LostBefore,
    LostAfter,
    /// Its reply is lost, and it takes effect later, after what other writers do in between.
    Late,
    Failed,
}

#[derive(Debug)]
struct Store {
    mvcc: Mvcc,
    /// Operations that take effect later.
    late: Vec<Op>,
    /// The revisions at which the commit took effect.
    effects: Vec<Rev>,
    commit: Op,
    counter: u32,
    /// How often the commit's reply was lost.
    lost: u32,
    /// A read failed, an attempt was refused, or history was forgotten.
    is_blinded: bool,
}

impl Store {
    fn range(&self, index: usize) -> Option<crate::store::KeyValue> {
        let range = Range { key: key(index), ..Range::default() };
        self.mvcc.range(&range).expect("the newest can be read").kvs.into_iter().next()
    }

    fn write(&mut self, op: TxnOp) {
        self.mvcc.txn(&Txn { then: alloc::vec![op], ..Txn::default() }).expect("a write");
    }

    fn put(&mut self, index: usize, uid: &str) {
        self.counter += 1;
        let value = object(index, uid, &format!("other-{}", self.counter));
        self.write(TxnOp::Put(Put { key: key(index), value, lease: LeaseId(0) }));
    }

    fn other(&mut self, other: Other) {
        match other {
            Other::Change(index) => {
                if let Some(held) = self.range(index) {
                    let text = String::from_utf8_lossy(&held.value).into_owned();
                    let uid = text.split("\"uid\":\"").nth(1).and_then(|rest| rest.split('"').next());
                    self.put(index, uid.unwrap_or_default());
                }
            }
            Other::Delete(index) => self.write(TxnOp::Delete { key: key(index), end: None }),
            Other::Create(index) => {
                if self.range(index).is_none() {
                    let uid = format!("other-{}", self.counter);
                    self.put(index, &uid);
                }
            }
            Other::Compact => {
                self.is_blinded = true;
                let _ = self.mvcc.compact(self.mvcc.revision());
            }
        }
    }

    fn perform(&mut self, op: &Op) -> Stored {
        match op {
            Op::Range(range) => self.mvcc.range(range).map_or_else(Stored::Failed, Stored::Ranged),
            Op::Txn(txn) => match self.mvcc.txn(txn) {
                Ok((reply, _)) => {
                    if reply.succeeded && *op == self.commit {
                        self.effects.push(reply.revision);
                    }
                    Stored::Txn(reply)
                }
                Err(error) => Stored::Failed(error),
            },
            Op::Compact(_) | Op::LeaseGrant { .. } | Op::LeaseRevoke(_) => panic!("no part of a commit"),
        }
    }

    fn answer(&mut self, op: Op, fate: Fate) -> Stored {
        let is_commit = op == self.commit;
        self.lost += u32::from(is_commit && !matches!(fate, Fate::Answered | Fate::Failed));
        let lost = || Stored::Unknown("the reply was lost".into());
        let down = || Stored::Failed(StoreError::Unavailable("no leader".into()));
        match fate {
            Fate::Answered => self.perform(&op),
            Fate::Failed if is_commit => {
                self.is_blinded = true;
                down()
            }
            Fate::LostBefore if is_commit => lost(),
            Fate::LostAfter if is_commit => {
                self.perform(&op);
                lost()
            }
            Fate::Late if is_commit => {
                self.late.push(op);
                lost()
            }
            Fate::Failed | Fate::LostBefore | Fate::LostAfter | Fate::Late => {
                self.is_blinded = true;
                down()
            }
        }
    }
}

/// The commit of these parts, guarded by what the store holds; `base` is what it held when the keys were read.
fn commit_of(parts: &[Part], base: &[Option<Rev>]) -> Commit {
    let mut commit = Commit::default();
    for (index, part) in parts.iter().enumerate() {
        let (key, revision) = (key(index), base[index].unwrap_or(Rev(0)));
        commit = match part {
            Part::None => commit,
            Part::Guard => commit.guard(&key, revision),
            Part::Delete if base[index].is_some() => commit.delete(&key, revision),
            Part::Put | Part::Delete => {
                commit.put(&key, revision, object(index, &format!("mine-{index}"), "mine"), LeaseId(0))
            }
        };
    }
    commit
}

fn other() -> impl Strategy<Value = Other> {
    prop_oneof![
        6 => (0..KEYS).prop_map(Other::Change),
        3 => (0..KEYS).prop_map(Other::Delete),
        3 => (0..KEYS).prop_map(Other::Create),
        1 => Just(Other::Compact),
    ]
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        4 => Just(Fate::Answered),
        1 => Just(Fate::LostBefore),
        2 => Just(Fate::LostAfter),
        1 => Just(Fate::Late),
        1 => Just(Fate::Failed),
    ]
}

fn part() -> impl Strategy<Value = Part> {
    prop_oneof![2 => Just(Part::None), 1 => Just(Part::Guard), 4 => Just(Part::Put), 2 => Just(Part::Delete)]
}

fn script() -> impl Strategy<Value = Vec<(Fate, Vec<Other>)>> {
    prop::collection::vec((fate(), prop::collection::vec(other(), 0..4)), 0..6)
}

fn check(
    before: &[Other],
    stale: &[Other],
    parts: &[Part],
    script: &[(Fate, Vec<Other>)],
) -> Result<(), TestCaseError> {
    let world = World::new(Arc::new(Config::open(1)), Arc::new(Registry::builtin()));
    let (late, effects) = (Vec::new(), Vec::new());
    let mut store = Store {
        mvcc: Mvcc::new(),
        late,
        effects,
        commit: Op::Compact(Rev(0)),
        counter: 0,
        lost: 0,
        is_blinded: false,
    };
    before.iter().for_each(|other| store.other(*other));
    let base: Vec<_> = (0..KEYS).map(|index| store.range(index).map(|kv| kv.mod_revision)).collect();
    let commit = commit_of(parts, &base);
    if commit.is_empty() {
        return Ok(());
    }
    stale.iter().for_each(|other| store.other(*other));
    store.is_blinded = false;
    store.commit = Op::Txn(commit.txn());
    let (mut committing, mut op) = Committing::begin(commit.clone(), true);
    let mut script = script.iter();
    let mut steps = 0;
    let outcome = loop {
        steps += 1;
        prop_assert!(steps <= limits::HISTORY_READS + 2 * limits::COMMIT_SENDS + 2, "it ends");
        let (fate, others) = script.next().cloned().unwrap_or((Fate::Answered, Vec::new()));
        let stored = store.answer(op, fate);
        others.iter().for_each(|other| store.other(*other));
        if fate == Fate::LostBefore {
            for op in core::mem::take(&mut store.late) {
                store.perform(&op);
            }
        }
        match committing.replied(&world, stored) {
            Progress::Wait(next, asked) => (committing, op) = (next, asked),
            Progress::Ended(outcome) => break outcome,
        }
    };
    for op in core::mem::take(&mut store.late) {
        store.perform(&op);
    }
    let only_deletes = commit
        .guards()
        .iter()
        .all(|guard| !matches!(commit.written(&guard.key), Some(crate::store::commit::Written::Put(_))));
    // The absence of a key may come again, and with it a late commit.
    let recurs = commit.guards().iter().any(|guard| guard.revision == Rev(0));
    match outcome {
        // Another writer's deletion of the same version is not told from an own one.
        CommitOutcome::Committed(_) if only_deletes => {}
        CommitOutcome::Committed(revision) => prop_assert_eq!(&store.effects, &[revision]),
        CommitOutcome::Lost(loss) => {
            prop_assert_eq!(&store.effects, &[]);
            prop_assert!(!loss.guard.holds(loss.held.as_ref()));
        }
        CommitOutcome::Failed(_) => prop_assert_eq!(&store.effects, &[]),
        CommitOutcome::Unknown(_) => {
            let is_spent = store.lost >= limits::COMMIT_SENDS;
            prop_assert!(store.is_blinded || recurs || is_spent, "it could be found out");
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_is_reported_is_what_happened(
        before in prop::collection::vec(other(), 0..8),
        stale in prop::collection::vec(other(), 0..2),
        parts in prop::collection::vec(part(), KEYS),
        script in script(),
    ) {
        check(&before, &stale, &parts, &script)?;
    }
}

/// A creation whose reply was lost, and what other writers do until the key is read.
fn created(others: &[Other]) -> CommitOutcome {
    let world = World::new(Arc::new(Config::open(1)), Arc::new(Registry::builtin()));
    let commit = commit_of(&[Part::Put, Part::None, Part::None], &[None; KEYS]);
    let (late, effects) = (Vec::new(), Vec::new());
    let mut store = Store {
        mvcc: Mvcc::new(),
        late,
        effects,
        commit: Op::Txn(commit.txn()),
        counter: 0,
        lost: 0,
        is_blinded: false,
    };
    let (mut committing, mut op) = Committing::begin(commit, true);
    let mut fate = Fate::LostAfter;
    loop {
        let stored = store.answer(op, core::mem::replace(&mut fate, Fate::Answered));
        others.iter().for_each(|other| store.other(*other));
        match committing.replied(&world, stored) {
            Progress::Wait(next, asked) => (committing, op) = (next, asked),
            Progress::Ended(outcome) => return outcome,
        }
    }
}

#[test]
fn a_creation_is_known_by_its_uid() {
    let CommitOutcome::Committed(revision) = created(&[Other::Change(0), Other::Change(0)]) else {
        panic!("it was changed since");
    };
    assert_eq!(revision, Rev(2), "the revision of the creation, not of the changes");
    for others in [&[Other::Delete(0)][..], &[Other::Delete(0), Other::Create(0)]] {
        let CommitOutcome::Unknown(why) = created(others) else { panic!("it may still be made") };
        assert!(why.starts_with("the reply was lost; not found at revision "), "{why}");
    }
}

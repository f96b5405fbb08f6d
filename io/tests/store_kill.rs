//! Kills a process that writes to an embedded store, again and again, and looks for what it was promised.
//!
//! The process is this test binary, started anew: `child` does nothing unless the environment names a
//! directory. Each of its threads writes keys of its own, one write after the other, and says on its
//! standard output what was acknowledged. What a thread writes follows from the round, the thread and a
//! counter, so that the parent knows what was asked for: after a kill there must be everything that was
//! acknowledged, perhaps the one write of each thread that was under way, and nothing else.
//!
//! `STEERSMAN_STORE_KILLS=500` makes it 500 rounds instead of a few dozen.

use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use steersman_core::store::{LeaseId, Op, Put, Range, Rev, StoreError, Stored, Txn, TxnOp};
use steersman_io::store::Store;
use steersman_io::store::embedded::{Embedded, Sizes};

const DIRECTORY: &str = "STEERSMAN_STORE_CHILD";
const ROUND: &str = "STEERSMAN_STORE_ROUND";
const KILLS: &str = "STEERSMAN_STORE_KILLS";
const THREADS: u64 = 6;
const KEYS: u64 = 12;

/// Small, so that segments and snapshots come and go while the process is killed.
const SIZES: Sizes = Sizes { snapshot_after_bytes: 400_000, segment_bytes: 100_000, reserve_bytes: 100_000 };

/// What is known of a key: its value, and the revision when it was acknowledged.
type Keys = BTreeMap<String, (Bytes, Option<u64>)>;

/// One write, as it follows from where it stands.
struct Change {
    key: String,
    /// None deletes.
    value: Option<Bytes>,
}

fn mix(parts: [u64; 3]) -> u64 {
    parts.iter().fold(0x9e37_79b9_7f4a_7c15, |sum: u64, part| {
        let mixed = (sum ^ part).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^ (mixed >> 29)
    })
}

fn nth_write(round: u64, thread: u64, counter: u64) -> Change {
    let drawn = mix([round, thread, counter]);
    let key = format!("/{thread}/{}", drawn % KEYS);
    let length = if drawn.is_multiple_of(11) { 6000 } else { 40 } + (drawn >> 8) % 300;
    let value = format!("{round}.{thread}.{counter}.{}", "x".repeat(length as usize));
    Change {
        key,
        value: (drawn >> 20).is_multiple_of(4).then_some(()).map_or(Some(Bytes::from(value)), |()| None),
    }
}

impl Change {
    fn op(&self) -> Op {
        let key = Bytes::from(self.key.clone());
        let op = match &self.value {
            Some(value) => TxnOp::Put(Put { key, value: value.clone(), lease: LeaseId(0) }),
            None => TxnOp::Delete { key, end: None },
        };
        Op::Txn(Txn { then: vec![op], ..Txn::default() })
    }

    fn apply(self, keys: &mut Keys, revision: Option<u64>) {
        match self.value {
            Some(value) => keys.insert(self.key, (value, revision)),
            None => keys.remove(&self.key),
        };
    }
}

#[test]
fn child() {
    let Ok(directory) = env::var(DIRECTORY) else { return };
    let store = Embedded::open(Path::new(&directory), SIZES).expect("a killed store opens");
    say(&format!("opened {}", store.revision().0));
    let Some(round) = env::var(ROUND).ok().and_then(|round| round.parse::<u64>().ok()) else {
        std::thread::sleep(Duration::from_secs(10));
        return;
    };
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let store = &store;
            scope.spawn(move || write_for_ever(store, round, thread));
        }
    });
}

fn write_for_ever(store: &Embedded, round: u64, thread: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    for counter in 0.. {
        match runtime.block_on(store.perform(nth_write(round, thread, counter).op())) {
            Stored::Txn(reply) => say(&format!("wrote {thread} {counter} {}", reply.revision.0)),
            other => say(&format!("failed {other:?}")),
        }
        if thread == 0 && counter % 50 == 49 {
            let compaction = Op::Compact(Rev(store.revision().0.saturating_sub(20)));
            match runtime.block_on(store.perform(compaction)) {
                Stored::Compacted | Stored::Failed(StoreError::Compacted { .. }) => {}
                other => say(&format!("failed {other:?}")),
            }
        }
    }
}

/// One line to the parent, in one piece.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("@ {line}\n").as_bytes()).expect("the parent listens");
}

/// Runs a child until it is killed, and gives the lines it has said.
fn run_and_kill(directory: &Path, round: Option<u64>, after: Duration) -> Vec<String> {
    let mut command = Command::new(env::current_exe().expect("this binary"));
    command.args(["--exact", "store_kill::child", "--nocapture", "--test-threads=1"]);
    command.env(DIRECTORY, directory).env_remove(ROUND);
    if let Some(round) = round {
        command.env(ROUND, round.to_string());
    }
    let mut child = command.stdout(Stdio::piped()).spawn().expect("the child starts");
    let mut output = child.stdout.take().expect("a pipe");
    let listener = std::thread::spawn(move || {
        let mut said = Vec::new();
        output.read_to_end(&mut said).map(|_| said)
    });
    std::thread::sleep(after);
    let early = child.try_wait().expect("the child's state");
    assert!(early.is_none(), "the child ended by itself: {early:?}");
    child.kill().expect("killed");
    child.wait().expect("reaped");
    let said = listener.join().expect("listened").expect("read");
    let text = String::from_utf8_lossy(&said);
    // The last line may be cut.
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole.lines().filter_map(|line| Some(line.split_once("@ ")?.1.to_owned())).collect()
}

/// What a round's lines say: of each thread the revisions of its acknowledged writes.
fn acknowledged(lines: &[String], revision_before: u64) -> BTreeMap<u64, Vec<u64>> {
    let mut written: BTreeMap<u64, Vec<u64>> = (0..THREADS).map(|thread| (thread, Vec::new())).collect();
    for line in lines {
        let words: Vec<&str> = line.split(' ').collect();
        let number = |at: usize| words[at].parse::<u64>().expect("a number");
        match words[0] {
            "opened" => assert!(number(1) >= revision_before, "revisions went back: {line}"),
            "wrote" => {
                let revisions = written.get_mut(&number(1)).expect("a thread");
                assert_eq!(number(2), revisions.len() as u64, "lines of one thread come in order");
                revisions.push(number(3));
            }
            _ => panic!("{line}"),
        }
    }
    written
}

fn stored(store: &Embedded) -> BTreeMap<String, (Bytes, u64)> {
    let range =
        Range { key: Bytes::from_static(b"\0"), end: Some(Bytes::from_static(b"\0")), ..Range::default() };
    let Some(Stored::Ranged(ranged)) = store.answer_now(&Op::Range(range)) else { panic!("a read") };
    let pair = |kv: steersman_core::store::KeyValue| {
        (String::from_utf8_lossy(&kv.key).into_owned(), (kv.value, kv.mod_revision.0))
    };
    ranged.kvs.into_iter().map(pair).collect()
}

/// Whether what a thread's keys are is what the model says, with known revisions.
fn agrees(found: &BTreeMap<String, (Bytes, u64)>, keys: &Keys) -> bool {
    found.len() == keys.len()
        && found.iter().zip(keys).all(
            |((key, (value, revision)), (wanted_key, (wanted, wanted_revision)))| {
                key == wanted_key
                    && value == wanted
                    && wanted_revision.is_none_or(|wanted| wanted == *revision)
            },
        )
}

#[test]
fn killed_processes_lose_nothing_that_was_acknowledged() {
    let kills = env::var(KILLS).ok().and_then(|kills| kills.parse().ok()).unwrap_or(40_u64);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let place = tempfile::tempdir().expect("a temporary directory");
    let directory = place.path().join("data");
    let mut threads: Vec<Keys> = (0..THREADS).map(|_| Keys::new()).collect();
    let (mut newest, mut writes, mut under_way, mut killed) = (0, 0, 0, 0);
    for round in 0..kills {
        let delay = Duration::from_micros(3000 + mix([round, 77, 0]) % 150_000);
        let lines = run_and_kill(&directory, Some(round), delay);
        killed += 1;
        if round % 3 == 0 {
            // Again while it recovers, or soon after.
            let delay = Duration::from_micros(1000 + mix([round, 78, 0]) % 12_000);
            acknowledged(&run_and_kill(&directory, None, delay), newest);
            killed += 1;
        }
        let written = acknowledged(&lines, newest);
        let revisions: Vec<u64> = written.values().flatten().copied().collect();
        writes += revisions.len();

        let store =
            Embedded::open(&directory, SIZES).unwrap_or_else(|error| panic!("round {round}: {error}"));
        let revision = store.revision().0;
        let promised = revisions.iter().copied().max().unwrap_or(0).max(newest);
        assert!(revision >= promised, "round {round}: at revision {revision}, {promised} was acknowledged");
        newest = revision;

        let found = stored(&store);
        let mut changes = BTreeSet::new();
        for thread in 0..THREADS {
            let keys = &mut threads[thread as usize];
            let revisions = &written[&thread];
            for (counter, revision) in revisions.iter().enumerate() {
                let write = nth_write(round, thread, counter as u64);
                // Deleting what is not there is no change and has no revision of its own.
                let changes_something = write.value.is_some() || keys.contains_key(&write.key);
                assert!(
                    !changes_something || changes.insert(*revision),
                    "revision {revision} was given twice"
                );
                write.apply(keys, Some(*revision));
            }
            let prefix = format!("/{thread}/");
            let mut own = found.clone();
            own.retain(|key, _| key.starts_with(&prefix));
            if !agrees(&own, keys) {
                nth_write(round, thread, revisions.len() as u64).apply(keys, None);
                under_way += 1;
                assert!(agrees(&own, keys), "round {round}, thread {thread}: {own:#?} is not {keys:#?}");
            }
            keys.iter_mut().for_each(|(key, known)| known.1 = Some(own[key].1));
        }
        let own_keys = threads.iter().map(BTreeMap::len).sum::<usize>();
        assert_eq!(found.len(), own_keys, "round {round}: a key that nobody wrote");
        runtime.block_on(store.close());
    }
    let report = format!(
        "{killed} kills, {writes} writes acknowledged, 0 lost, {under_way} found that were under way, \
         revision {newest}\n"
    );
    std::io::stderr().write_all(report.as_bytes()).expect("a report");
    assert!(writes > 100, "the children did write");
}

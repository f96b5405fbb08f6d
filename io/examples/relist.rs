//! How long a server keeps others waiting while it lists its store: 100,000 objects of 2 KB are listed at the start
//! and again after a compaction, which ends 5,000 watches, and a thread asks for the machine's lock all the time.
//!
//! `cargo run --release -p steersman-io --example relist [OBJECTS [WATCHES]]`

use std::io::Write;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use steersman_core::config::Config;
use steersman_core::kinds::Registry;
use steersman_core::machine::Machine;
use steersman_core::store::{Feed, Op, Put, Range, Rev, Stored, Txn, TxnOp, Why};
use steersman_core::value::Text;
use steersman_core::wire::{Method, Peer, Request};
use steersman_io::conversation::Conversation;
use steersman_io::metrics::Metrics;
use steersman_io::shell::Shell;
use steersman_io::store::embedded::Embedded;
use steersman_io::store::{FeedInput, HealthSink, Sink, Store};

const OBJECTS: u64 = 100_000;
const WATCHES: u64 = 5_000;
const OBJECT_BYTES: usize = 2_000;
/// How many objects one transaction writes.
const WRITE: u64 = 100;
/// The pause between two looks at the machine.
const PAUSE: Duration = Duration::from_micros(200);

/// A store in memory whose feed can be broken off.
struct Breakable {
    store: Embedded,
    sink: Mutex<Option<Sink>>,
}

#[async_trait]
impl Store for Breakable {
    fn answer_now(&self, op: &Op) -> Option<Stored> {
        self.store.answer_now(op)
    }

    async fn perform(&self, op: Op) -> Stored {
        self.store.perform(op).await
    }

    fn follow(&self, feed: Feed, prefix: Bytes, after: Rev, sink: Sink) {
        *self.sink.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&sink));
        self.store.follow(feed, prefix, after, sink);
    }

    fn request_progress(&self, feed: Feed) {
        self.store.request_progress(feed);
    }

    async fn watch_health(&self, sink: HealthSink) -> Text {
        self.store.watch_health(sink).await
    }

    async fn close(&self) {
        self.store.close().await;
    }

    fn size_bytes(&self) -> u64 {
        self.store.size_bytes()
    }
}

fn object(number: u64) -> Put {
    let name = format!("object-{number:06}");
    let head = format!(
        "{{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{{\"name\":\"{name}\",\"namespace\":\"default\",\
         \"uid\":\"00000000-0000-4000-8000-000000{number:06}\",\"creationTimestamp\":\"2026-01-01T00:00:00Z\"}},\
         \"data\":{{\"text\":\""
    );
    let mut value = head.into_bytes();
    value.resize(OBJECT_BYTES.max(value.len() + 4) - 4, b'x');
    value.extend_from_slice(b"\"}}");
    Put {
        key: format!("/registry/configmaps/default/{name}").into(),
        value: value.into(),
        lease: Default::default(),
    }
}

async fn filled(objects: u64) -> Embedded {
    let store = Embedded::in_task();
    let mut number = 0;
    while number < objects {
        let end = objects.min(number + WRITE);
        let then = (number..end).map(|number| TxnOp::Put(object(number))).collect();
        let stored = store.perform(Op::Txn(Txn { then, ..Txn::default() })).await;
        assert!(matches!(stored, Stored::Txn(_)), "{stored:?}");
        number = end;
    }
    store
}

/// Asks for the machine's lock until it is told to stop, and returns the longest that it waited.
fn look(shell: Arc<Shell>, stop: &AtomicBool) -> Duration {
    let mut longest = Duration::ZERO;
    while !stop.load(Ordering::Relaxed) {
        let asked = Instant::now();
        shell.open_requests();
        longest = longest.max(asked.elapsed());
        std::thread::sleep(PAUSE);
    }
    longest
}

/// What a thread waits at most while something happens, and how long that takes.
async fn watched(shell: &Arc<Shell>, what: impl Future<Output = ()>) -> (Duration, Duration) {
    let stop = Arc::new(AtomicBool::new(false));
    let (looker, stops) = (Arc::clone(shell), Arc::clone(&stop));
    let looking = std::thread::spawn(move || look(looker, &stops));
    let began = Instant::now();
    what.await;
    let took = began.elapsed();
    stop.store(true, Ordering::Relaxed);
    (looking.join().unwrap_or_default(), took)
}

async fn until(mut done: impl FnMut() -> bool) {
    while !done() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Opens watches that nothing happens on.
async fn watch(shell: &Arc<Shell>, watches: u64) -> Vec<Conversation> {
    let mut open = Vec::new();
    for _ in 0..watches {
        let request = Request {
            method: Method::Get,
            path: "/api/v1/configmaps".into(),
            query: "watch=1".into(),
            headers: Vec::new(),
            has_body: false,
            peer: Peer::None,
            remote_address: "127.0.0.1".into(),
        };
        let body = std::pin::pin!(async { Ok(Bytes::new()) });
        let (response, conversation) = shell.request(request, body).await;
        assert_eq!(response.status, 200);
        open.push(conversation);
    }
    open
}

async fn measure(objects: u64, watches: u64) -> Vec<String> {
    let store = Arc::new(Breakable { store: filled(objects).await, sink: Mutex::default() });
    let key: Bytes = "/registry/configmaps/default/object-000000".into();
    assert!(matches!(
        store.answer_now(&Op::Range(Range { key, ..Range::default() })),
        Some(Stored::Ranged(_))
    ));
    let machine = Machine::new(Config::open(1), Arc::new(Registry::builtin()));
    let stores: Vec<Arc<dyn Store>> = vec![Arc::clone(&store) as Arc<dyn Store>];
    let shell = Shell::start(machine, stores, Metrics::new("v0"), None);
    let mut lines = Vec::new();
    let (waited, took) = watched(&shell, shell.ready()).await;
    lines.push(format!("at the start: the longest wait {waited:.1?}, the whole {took:.0?}"));
    let open = watch(&shell, watches).await;
    let follows = || store.sink.lock().unwrap_or_else(PoisonError::into_inner).take();
    let again = async {
        let sink = follows().expect("the store is followed");
        sink(FeedInput::Lost(Feed(0), Why::Compacted { compact_revision: Rev(1) }));
        // The machine follows the store again when it has listed it.
        until(|| store.sink.lock().unwrap_or_else(PoisonError::into_inner).is_some()).await;
        until(|| shell.open_requests() == 0).await;
    };
    let (waited, took) = watched(&shell, again).await;
    lines.push(format!("listed again: the longest wait {waited:.1?}, the whole {took:.0?}"));
    drop(open);
    let (waited, _) = watched(&shell, tokio::time::sleep(Duration::from_secs(1))).await;
    lines.push(format!("idle:         the longest wait {waited:.1?}"));
    lines
}

fn main() -> ExitCode {
    let number = |place: usize| std::env::args().nth(place).and_then(|word| word.parse().ok());
    let (objects, watches) = (number(1).unwrap_or(OBJECTS), number(2).unwrap_or(WATCHES));
    let Ok(runtime) = tokio::runtime::Builder::new_multi_thread().enable_all().build() else {
        return ExitCode::FAILURE;
    };
    let mut out = std::io::stdout();
    for line in runtime.block_on(measure(objects, watches)) {
        if writeln!(out, "{line}").is_err() {
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

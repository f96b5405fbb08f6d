//! A real etcd for the tests that need one: started on free ports of this host, killed, started again.
//!
//! `STEERSMAN_ETCD` names the program (`tests/scripts/install-etcd.sh` puts it somewhere); without it the
//! tests say so and pass.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use steersman_core::store::{Event, Feed, LeaseId, Op, Put, Range, Rev, Stored, Txn, TxnOp, TxnReply, Why};
use steersman_io::store::etcd::{EtcdConfig, EtcdStore};
use steersman_io::store::{FeedInput, Sink, Store};

const PROGRAM: &str = "STEERSMAN_ETCD";

/// How long anything may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// One member of a cluster, mostly its only one. Dropping it ends it.
pub(crate) struct Etcd {
    directory: tempfile::TempDir,
    scheme: &'static str,
    port: u16,
    peer_port: u16,
    /// Names and peers of all members.
    cluster: String,
    more: Vec<String>,
    process: Option<Child>,
}

impl Etcd {
    /// None, and a reason on standard error, when there is no program.
    pub(crate) fn start(more: &[&str]) -> Option<Self> {
        Self::start_in(tempfile::tempdir().expect("a directory"), "http", more)
    }

    pub(crate) fn start_in(
        directory: tempfile::TempDir,
        scheme: &'static str,
        more: &[&str],
    ) -> Option<Self> {
        let (port, peer_port) = free_ports();
        let more = more.iter().map(|flag| (*flag).to_owned()).collect();
        let cluster = named_peer(peer_port);
        let mut etcd = Self { directory, scheme, port, peer_port, cluster, more, process: None };
        etcd.spawn()?;
        etcd.await_port();
        Some(etcd)
    }

    /// Members that have found each other.
    pub(crate) fn start_cluster(size: usize) -> Option<Vec<Self>> {
        let ports: Vec<(u16, u16)> = (0..size).map(|_| free_ports()).collect();
        let cluster = ports.iter().map(|(_, peer)| named_peer(*peer)).collect::<Vec<_>>().join(",");
        let member = |(port, peer_port): (u16, u16)| {
            let directory = tempfile::tempdir().expect("a directory");
            let cluster = cluster.clone();
            let mut etcd =
                Self { directory, scheme: "http", port, peer_port, cluster, more: Vec::new(), process: None };
            etcd.spawn().map(|()| etcd)
        };
        let members: Option<Vec<Self>> = ports.into_iter().map(member).collect();
        members.iter().flatten().for_each(Self::await_port);
        members
    }

    fn spawn(&mut self) -> Option<()> {
        let Ok(program) = std::env::var(PROGRAM) else {
            eprintln!("skipped: {PROGRAM} does not name an etcd");
            return None;
        };
        let client = self.endpoint();
        let peer = format!("http://127.0.0.1:{}", self.peer_port);
        let mut command = Command::new(program);
        command
            .arg(format!("--name=m{}", self.peer_port))
            .arg(format!("--data-dir={}", self.directory.path().join("data").display()))
            .args([format!("--listen-client-urls={client}"), format!("--advertise-client-urls={client}")])
            .args([format!("--listen-peer-urls={peer}"), format!("--initial-advertise-peer-urls={peer}")])
            .arg(format!("--initial-cluster={}", self.cluster))
            .args(["--log-level=error", "--unsafe-no-fsync"])
            .args(&self.more);
        self.process =
            Some(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("etcd starts"));
        Some(())
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("{}://127.0.0.1:{}", self.scheme, self.port)
    }

    pub(crate) async fn connect(&self) -> EtcdStore {
        EtcdStore::connect(&EtcdConfig::new(vec![self.endpoint()])).await.expect("etcd answers")
    }

    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("killed");
            process.wait().expect("reaped");
        }
    }

    pub(crate) fn start_again(&mut self) {
        self.spawn().expect("it was there before");
        self.await_port();
    }

    /// STOP or CONT.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.process.as_ref().expect("a process").id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().expect("kill runs").success());
    }

    fn await_port(&self) {
        let begin = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(begin.elapsed() < PATIENCE, "etcd does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        self.kill();
    }
}

fn named_peer(port: u16) -> String {
    format!("m{port}=http://127.0.0.1:{port}")
}

fn free_ports() -> (u16, u16) {
    let port = || TcpListener::bind("127.0.0.1:0").expect("a port");
    let (one, other) = (port(), port());
    let number = |listener: &TcpListener| listener.local_addr().expect("an address").port();
    (number(&one), number(&other))
}

/// What a feed has delivered.
#[derive(Clone)]
pub(crate) struct Heard {
    inner: Arc<Mutex<HeardInner>>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct HeardInner {
    pub(crate) events: Vec<Event>,
    pub(crate) revision: Rev,
    pub(crate) lost: Option<Why>,
}

impl Heard {
    /// Everything up to the revision is known already.
    pub(crate) fn after(revision: Rev) -> Self {
        Self { inner: Arc::new(Mutex::new(HeardInner { revision, ..HeardInner::default() })) }
    }

    /// Checks what holds for every feed: revisions go up, batches are whole, nothing follows the end.
    pub(crate) fn sink(&self) -> Sink {
        let inner = Arc::clone(&self.inner);
        Arc::new(move |input| {
            let mut heard = inner.lock().expect("no panic");
            assert_eq!(heard.lost, None, "nothing follows the end of a feed");
            match input {
                FeedInput::Lost(_, why) => heard.lost = Some(why),
                FeedInput::Changed(batch) => {
                    assert!(batch.revision > heard.revision, "revisions go up");
                    let within = |event: &Event| {
                        event.kv.mod_revision > heard.revision && event.kv.mod_revision <= batch.revision
                    };
                    assert!(batch.events.iter().all(within), "{batch:?} after {:?}", heard.revision);
                    assert!(batch.events.is_sorted_by_key(|event| event.kv.mod_revision));
                    heard.revision = batch.revision;
                    heard.events.extend(batch.events);
                }
            }
        })
    }

    pub(crate) fn now(&self) -> HeardInner {
        self.inner.lock().expect("no panic").clone()
    }

    /// Waits until the feed has ended or reached the revision, asking for progress.
    pub(crate) async fn until(&self, store: &dyn Store, feed: Feed, revision: Rev) -> HeardInner {
        let begin = Instant::now();
        loop {
            let reached = {
                let heard = self.inner.lock().expect("no panic");
                heard.revision >= revision || heard.lost.is_some()
            };
            if reached {
                return self.now();
            }
            assert!(begin.elapsed() < PATIENCE, "{feed:?} stays behind {revision:?}");
            store.request_progress(feed);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

pub(crate) fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

pub(crate) fn put(key: &str, value: impl Into<Bytes>) -> TxnOp {
    TxnOp::Put(Put { key: bytes(key), value: value.into(), lease: LeaseId(0) })
}

pub(crate) fn write(then: Vec<TxnOp>) -> Op {
    Op::Txn(Txn { then, ..Txn::default() })
}

pub(crate) fn under(prefix: &str) -> Range {
    Range {
        key: bytes(prefix),
        end: Some(steersman_core::mvcc::prefix_end(prefix.as_bytes())),
        ..Range::default()
    }
}

pub(crate) async fn committed(store: &dyn Store, op: Op) -> TxnReply {
    match store.perform(op).await {
        Stored::Txn(reply) => reply,
        other => panic!("{other:?}"),
    }
}

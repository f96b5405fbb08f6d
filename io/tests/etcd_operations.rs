//! Operations on a real etcd: answers, refusals, size, and what is known when etcd does not answer.

use std::time::{Duration, Instant};

use bytes::Bytes;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use steersman_core::store::{
    Compare, Condition, KeyValue, LeaseId, Op, Put, Range, Ranged, Rev, StoreError, Stored, Txn, TxnOp,
    TxnReply, TxnReplyOp,
};
use steersman_io::store::Store;
use steersman_io::store::etcd::{ConnectError, EtcdConfig, EtcdStore};

use crate::etcd_server::{Etcd, PATIENCE, bytes, committed, put, under, write};

fn kv(key: &str, value: &str, created: u64, modified: u64, version: u64) -> KeyValue {
    let (create_revision, mod_revision) = (Rev(created), Rev(modified));
    KeyValue {
        key: bytes(key),
        value: bytes(value),
        create_revision,
        mod_revision,
        version,
        lease: LeaseId(0),
    }
}

fn ranged(kvs: Vec<KeyValue>, count: u64, revision: u64) -> Stored {
    Stored::Ranged(Ranged { kvs, count, revision: Rev(revision) })
}

fn replied(succeeded: bool, revision: u64, replies: Vec<TxnReplyOp>) -> Stored {
    Stored::Txn(TxnReply { succeeded, revision: Rev(revision), replies })
}

fn when(key: &str, condition: Condition, then: Vec<TxnOp>, otherwise: Vec<TxnOp>) -> Op {
    Op::Txn(Txn { compare: vec![Compare { key: bytes(key), condition }], then, otherwise })
}

/// What is asked, one after the other from revision 1 on, and what must come back.
fn conversation() -> Vec<(Op, Stored)> {
    let delete = |key: &str, end: Option<&str>| TxnOp::Delete { key: bytes(key), end: end.map(bytes) };
    let absent = Condition::ModRevisionEquals(Rev(0));
    let at = |revision, range| Op::Range(Range { revision: Rev(revision), ..range });
    let (a1, a2, b) = (kv("/a", "1", 2, 2, 1), kv("/a", "2", 2, 4, 2), kv("/b", "1", 3, 3, 1));
    let failed = Stored::Failed;
    let empty = Ranged { kvs: vec![], count: 0, revision: Rev(1) };
    vec![
        (Op::Range(under("/")), Stored::Ranged(empty)),
        (when("/a", absent.clone(), vec![put("/a", "1")], vec![]), replied(true, 2, vec![TxnReplyOp::Put])),
        (
            when("/a", absent, vec![put("/a", "x")], vec![TxnOp::Range(under("/a"))]),
            replied(
                false,
                2,
                vec![TxnReplyOp::Range(Ranged { kvs: vec![a1.clone()], count: 1, revision: Rev(2) })],
            ),
        ),
        (write(vec![put("/b", "1")]), replied(true, 3, vec![TxnReplyOp::Put])),
        (
            when("/a", Condition::ModRevisionEquals(Rev(2)), vec![put("/a", "2")], vec![]),
            replied(true, 4, vec![TxnReplyOp::Put]),
        ),
        (Op::Range(under("/")), ranged(vec![a2.clone(), b.clone()], 2, 4)),
        (at(3, under("/")), ranged(vec![a1, b.clone()], 2, 4)),
        (Op::Range(Range { limit: 1, ..under("/") }), ranged(vec![a2.clone()], 2, 4)),
        (Op::Range(Range { count_only: true, ..under("/") }), ranged(vec![], 2, 4)),
        (
            Op::Range(Range { keys_only: true, key: bytes("/b"), ..Range::default() }),
            ranged(vec![KeyValue { value: Bytes::new(), ..b.clone() }], 1, 4),
        ),
        (
            when(
                "/a",
                Condition::ValueEquals(bytes("2")),
                vec![delete("/a", None), delete("/c", None)],
                vec![],
            ),
            replied(true, 5, vec![TxnReplyOp::Delete { deleted: 1 }, TxnReplyOp::Delete { deleted: 0 }]),
        ),
        (write(vec![delete("/c", Some("/d"))]), replied(true, 5, vec![TxnReplyOp::Delete { deleted: 0 }])),
        (at(4, under("/")), ranged(vec![a2, b.clone()], 2, 5)),
        (at(9, under("/")), failed(StoreError::FutureRevision { current: Rev(5) })),
        (Op::Compact(Rev(5)), Stored::Compacted),
        (at(4, under("/")), failed(StoreError::Compacted { compact_revision: Rev(0) })),
        (at(5, under("/")), ranged(vec![b], 1, 5)),
        (Op::Compact(Rev(5)), failed(StoreError::Compacted { compact_revision: Rev(0) })),
        (Op::Compact(Rev(9)), failed(StoreError::FutureRevision { current: Rev(5) })),
        (write(vec![put("/a", "1"), put("/a", "2")]), failed(StoreError::DuplicateKey)),
        (
            write(vec![TxnOp::Put(Put { key: bytes("/a"), value: bytes("1"), lease: LeaseId(77) })]),
            failed(StoreError::LeaseNotFound),
        ),
        (Op::LeaseRevoke(LeaseId(77)), failed(StoreError::LeaseNotFound)),
        (write(vec![put("", "1")]), failed(StoreError::Internal("etcdserver: key is not provided".into()))),
        (write(vec![put("/a", vec![b'v'; 1_600_000])]), failed(StoreError::TooLarge)),
        (write(vec![put("/a", vec![b'v'; 3_000_000])]), failed(StoreError::TooLarge)),
        (write((0..129).map(|key| put(&format!("/{key}"), "")).collect()), failed(StoreError::TooLarge)),
        (Op::Range(under("/")), ranged(vec![kv("/b", "1", 3, 3, 1)], 1, 5)),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_is_answered_as_it_should() {
    let Some(etcd) = Etcd::start(&[]) else { return };
    let store = etcd.connect().await;
    for (op, expected) in conversation() {
        let text = format!("{op:?}");
        assert_eq!(store.perform(op).await, expected, "{}", &text[..text.len().min(300)]);
    }
    let Stored::Leased { id, ttl_seconds } = store.perform(Op::LeaseGrant { ttl_seconds: 100 }).await else {
        panic!("a lease")
    };
    assert_eq!(ttl_seconds, 100);
    let leased = Put { key: bytes("/l"), value: bytes("1"), lease: id };
    committed(&store, write(vec![TxnOp::Put(leased)])).await;
    assert_eq!(store.perform(Op::LeaseRevoke(id)).await, Stored::Revoked);
    assert_eq!(store.perform(Op::Range(under("/l"))).await, ranged(vec![], 0, 7));
}

#[tokio::test(flavor = "multi_thread")]
async fn large_answers_arrive() {
    let Some(etcd) = Etcd::start(&[]) else { return };
    let store = etcd.connect().await;
    for key in 0..110 {
        committed(&store, write(vec![put(&format!("/{key:03}"), vec![b'v'; 1_000_000])])).await;
    }
    let begin = Instant::now();
    let Stored::Ranged(all) = store.perform(Op::Range(under("/"))).await else { panic!("a read") };
    assert_eq!(all.kvs.iter().map(|kv| kv.value.len()).sum::<usize>(), 110_000_000);
    eprintln!("110 MB read in {:?}", begin.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_etcd_refuses_writes_and_can_be_read() {
    let Some(etcd) = Etcd::start(&["--quota-backend-bytes=8000000"]) else { return };
    let store = etcd.connect().await;
    for key in 0..40 {
        match store.perform(write(vec![put(&format!("/{key:03}"), vec![b'v'; 1_000_000])])).await {
            Stored::Txn(_) => {}
            // The write that crosses the quota is applied before it is refused, so its outcome is unknown.
            Stored::Unknown(why) if why.contains("database space exceeded") => {
                let Stored::Ranged(read) = store.perform(Op::Range(under("/"))).await else {
                    panic!("a read")
                };
                assert!(read.count == key || read.count == key + 1, "what was acknowledged is there");
                return;
            }
            other => panic!("{other:?}"),
        }
    }
    panic!("etcd takes more than its quota");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_outcome_is_unknown_when_etcd_is_paused() {
    let Some(etcd) = Etcd::start(&[]) else { return };
    let config = EtcdConfig {
        write_timeout: Duration::from_millis(500),
        read_timeout: Duration::from_millis(300),
        ..EtcdConfig::new(vec![etcd.endpoint()])
    };
    let store = EtcdStore::connect(&config).await.expect("etcd answers");
    committed(&store, write(vec![put("/k", "1")])).await;
    etcd.signal("STOP");
    let stored = store.perform(write(vec![put("/k", "2")])).await;
    assert!(matches!(stored, Stored::Unknown(_)), "{stored:?}");
    // Of a transaction that only reads there is nothing that could have happened.
    for op in [Op::Range(under("/k")), write(vec![TxnOp::Range(under("/k"))])] {
        let stored = store.perform(op).await;
        assert!(matches!(stored, Stored::Failed(StoreError::Unavailable(_))), "{stored:?}");
    }
    etcd.signal("CONT");
    let begin = Instant::now();
    let read = loop {
        match store.perform(Op::Range(under("/k"))).await {
            Stored::Ranged(read) => break read,
            other => assert!(begin.elapsed() < PATIENCE, "{other:?}"),
        }
    };
    let value = read.kvs.first().map(|kv| kv.value.clone());
    assert!([bytes("1"), bytes("2")].map(Some).contains(&value), "{value:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_etcd_nothing_has_an_effect() {
    let Some(mut etcd) = Etcd::start(&[]) else { return };
    let store = etcd.connect().await;
    committed(&store, write(vec![put("/k", "1")])).await;
    etcd.kill();
    // The first ones may go out on the dead connection.
    let mut stored = store.perform(write(vec![put("/k", "2")])).await;
    for _ in 0..5 {
        if !matches!(stored, Stored::Unknown(_)) {
            break;
        }
        stored = store.perform(write(vec![put("/k", "3")])).await;
    }
    assert!(matches!(stored, Stored::Failed(StoreError::Unavailable(_))), "{stored:?}");
    // Another waits for the restart.
    let waiting = tokio::spawn(async move { store.perform(write(vec![put("/k", "4")])).await });
    tokio::time::sleep(Duration::from_millis(200)).await;
    etcd.start_again();
    let stored = waiting.await.expect("an answer");
    assert!(matches!(stored, Stored::Txn(_)), "{stored:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn members_that_are_down_are_passed_over() {
    let Some(etcd) = Etcd::start(&[]) else { return };
    let nobody = "http://127.0.0.1:1".to_owned();
    let store = EtcdStore::connect(&EtcdConfig::new(vec![nobody.clone(), etcd.endpoint()])).await;
    committed(&store.expect("one answers"), write(vec![put("/k", "1")])).await;
    let error = EtcdStore::connect(&EtcdConfig::new(vec![nobody])).await.err();
    assert!(matches!(error, Some(ConnectError::Unreachable(_))), "{error:?}");
}

/// Writes a certificate of the authority for this host, and its key.
fn issue(directory: &std::path::Path, name: &str, authority: &Issuer<'_, KeyPair>) {
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("a name");
    let certificate = params.signed_by(&key, authority).expect("a certificate");
    std::fs::write(directory.join(format!("{name}.crt")), certificate.pem()).expect("written");
    std::fs::write(directory.join(format!("{name}.key")), key.serialize_pem()).expect("written");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_trusted_certificates_connect_to_etcd() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().to_owned();
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = params.self_signed(&key).expect("a certificate");
    std::fs::write(path.join("ca.crt"), certificate.pem()).expect("written");
    let authority = Issuer::new(params, key);
    issue(&path, "server", &authority);
    issue(&path, "client", &authority);
    let file = |name: &str| path.join(name);
    let flag = |flag: &str, name: &str| format!("--{flag}={}", file(name).display());
    let flags = [
        flag("cert-file", "server.crt"),
        flag("key-file", "server.key"),
        flag("trusted-ca-file", "ca.crt"),
        "--client-cert-auth".to_owned(),
    ];
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let Some(etcd) = Etcd::start_in(directory, "https", &flags) else { return };
    let bare = EtcdConfig::new(vec![etcd.endpoint()]);
    let with_ca = EtcdConfig { ca_file: Some(file("ca.crt")), ..bare.clone() };
    let (certificate_file, key_file) = (Some(file("client.crt")), Some(file("client.key")));
    let whole = EtcdConfig { certificate_file, key_file, ..with_ca.clone() };
    let half = EtcdConfig { key_file: None, ..whole.clone() };
    committed(&EtcdStore::connect(&whole).await.expect("let in"), write(vec![put("/k", "1")])).await;
    for (config, refused) in [(bare, "Settings"), (half, "Settings"), (with_ca, "Unreachable")] {
        let error = format!("{:?}", EtcdStore::connect(&config).await.err().expect("refused"));
        assert!(error.starts_with(refused), "{error}");
    }
}

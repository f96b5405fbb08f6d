//! Calls to servers that answer, break off, are slow, or are not the right ones.

use super::*;
use crate::certificates::Authority;
use crate::clock::Clock;
use crate::conversation::Conversation;
use crate::metrics::{Metrics, RequestKind};
use crate::peer::ClientCas;
use crate::store::embedded::Embedded;
use crate::tls::TlsOptions;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use steersman_core::answer::{Body, Response};
use steersman_core::config::Config;
use steersman_core::job::ProbeTask;
use steersman_core::kinds::Registry;
use steersman_core::machine::Machine;
use steersman_core::wire::{Method, Trust};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// A server that says the same to everybody, and nothing if that is empty.
struct Callee {
    authority: Authority,
    address: SocketAddr,
}

impl Callee {
    /// With `asks`, it lets in only clients with a certificate of its own authority.
    async fn start(says: &'static [u8], asks: bool) -> Self {
        let authority = Authority::create("callee").expect("an authority");
        let provider = Arc::new(tls::provider());
        let cas = ClientCas::new(provider.clone(), &[authority.certificate().clone()]).expect("a pool");
        let options = TlsOptions {
            default: authority.issue_server("hook", &["hook.test".into()], &[]).expect("a certificate"),
            by_name: Vec::new(),
            oldest: tls::version("").expect("a version"),
            cipher_suites: Vec::new(),
            client_cas: asks.then(|| Arc::new(cas)),
            disable_http2: true,
        };
        let acceptor = TlsAcceptor::from(Arc::new(tls::server_config(options).expect("a configuration")));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let shown = stream.get_ref().1.peer_certificates().is_some();
                    let mut heard = [0; 4096];
                    let _ = stream.read(&mut heard).await;
                    if says.is_empty() {
                        let _ = stream.read(&mut heard).await;
                    } else if shown || !asks {
                        let _ = stream.write_all(says).await;
                    }
                    let _ = stream.shutdown().await;
                });
            }
        });
        Self { authority, address }
    }

    fn call(&self) -> Outcall {
        Outcall {
            host: self.address.ip().to_string().into(),
            port: self.address.port(),
            trust: Trust {
                anybody: false,
                host: false,
                authorities: Bytes::from(self.authority.certificate_pem().to_owned()),
                server_name: "hook.test".into(),
                client_certificate: Text::default(),
            },
            method: Method::Post,
            target: "/admit?timeout=1s".into(),
            headers: vec![("content-type".into(), "application/json".into())],
            body: Bytes::from_static(b"{}"),
            timeout_millis: 10_000,
            attempts: 1,
            answer_bytes_max: 100,
        }
    }
}

fn maker() -> Arc<Maker> {
    OutcallClient::new().maker
}

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: b\r\n\r\nok";

#[tokio::test(start_paused = true)]
async fn a_call_is_made_again_while_the_server_cannot_answer() {
    let failing = Callee::start(b"HTTP/1.1 504 x\r\ncontent-length: 0\r\n\r\n", false).await;
    let refusing = Callee::start(b"HTTP/1.1 403 x\r\ncontent-length: 0\r\n\r\n", false).await;
    for (callee, attempts, status, pauses) in
        [(&failing, 3, 504, 2), (&failing, 1, 504, 0), (&refusing, 3, 403, 0)]
    {
        let begun = tokio::time::Instant::now();
        let call = Outcall { attempts, timeout_millis: 600_000, ..callee.call() };
        assert_eq!(maker().call(&call).await.map(|called| called.status), Ok(status));
        let paused = [0, 500, 1250][pauses];
        assert_eq!(begun.elapsed().as_millis() / 50 * 50, paused, "{status} {attempts}");
    }
}

#[tokio::test]
async fn a_call_is_answered_by_whom_it_trusts() {
    let callee = Callee::start(OK, false).await;
    let called = maker().call(&callee.call()).await.expect("an answer");
    let headers = vec![("content-length".into(), "2".into()), ("x-a".into(), "b".into())];
    assert_eq!(called, Called { status: 200, headers, body: Bytes::from_static(b"ok") });
    let other = Authority::create("other").expect("an authority");
    let strange =
        Trust { authorities: Bytes::from(other.certificate_pem().to_owned()), ..callee.call().trust };
    let misnamed = Trust { server_name: "other.test".into(), ..callee.call().trust };
    let nobody = Trust { authorities: Bytes::new(), ..callee.call().trust };
    let unknown = Trust { client_certificate: "none".into(), ..callee.call().trust };
    for (trust, why) in [
        (strange, "tls: failed to verify certificate: x509: certificate signed by unknown authority"),
        (
            misnamed,
            "tls: failed to verify certificate: x509: certificate is valid for hook.test, not other.test",
        ),
        (nobody, "no certificates found"),
        (unknown, "there is no client certificate \"none\""),
    ] {
        let outcome = maker().call(&Outcall { trust, ..callee.call() }).await;
        assert_eq!(outcome, Err(CallError::Untrusted(why.into())));
    }
}

/// Answers any number of requests on each connection, and counts the connections.
async fn patient() -> (Callee, Arc<AtomicUsize>) {
    let silent = Callee::start(b"", false).await;
    let issued = silent.authority.issue_server("hook", &["hook.test".into()], &[]).expect("a certificate");
    let options = TlsOptions {
        default: issued,
        by_name: Vec::new(),
        oldest: tls::version("").expect("a version"),
        cipher_suites: Vec::new(),
        client_cas: None,
        disable_http2: true,
    };
    let acceptor = TlsAcceptor::from(Arc::new(tls::server_config(options).expect("a configuration")));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::Relaxed);
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            tokio::spawn(async move {
                let mut heard = [0; 4096];
                while stream.read(&mut heard).await.is_ok_and(|bytes| bytes > 0) {
                    let _ = stream.write_all(OK).await;
                }
            });
        }
    });
    (Callee { authority: silent.authority, address }, count)
}

#[tokio::test]
async fn a_connection_serves_calls_that_trust_the_same() {
    let (callee, count) = patient().await;
    let maker = maker();
    for _ in 0..3 {
        assert_eq!(maker.call(&callee.call()).await.map(|called| called.status), Ok(200));
    }
    assert_eq!(count.load(Ordering::Relaxed), 1);
    let anybody = Trust { anybody: true, ..callee.call().trust };
    let called = maker.call(&Outcall { trust: anybody, ..callee.call() }).await;
    assert_eq!(called.map(|called| called.status), Ok(200));
    assert_eq!(count.load(Ordering::Relaxed), 2, "who trusts another has a connection of its own");
    // A server that closes its connections is connected to anew.
    let closing = Callee::start(OK, false).await;
    for _ in 0..3 {
        assert_eq!(maker.call(&closing.call()).await.map(|called| called.status), Ok(200));
    }
}

#[tokio::test]
async fn a_client_certificate_is_shown_to_who_asks_for_one() {
    let callee = Callee::start(OK, true).await;
    let refused = maker().call(&callee.call()).await;
    assert!(refused.is_err(), "{refused:?}");
    let issued = callee.authority.issue_client("api", "servers").expect("a certificate");
    let outcalls = OutcallClient::new();
    outcalls.add_certificates(vec![("api".into(), issued)]);
    let trust = Trust { client_certificate: "api".into(), ..callee.call().trust };
    let called = outcalls.maker.call(&Outcall { trust, ..callee.call() }).await;
    assert_eq!(called.map(|called| called.status), Ok(200));
}

#[tokio::test]
async fn every_failure_has_its_name() {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let callee = Callee::start(OK, false).await;
    let closed = Outcall { port: free.local_addr().expect("an address").port(), ..callee.call() };
    drop(free);
    let outcome = maker().call(&closed).await;
    assert!(matches!(outcome, Err(CallError::Refused(_))), "{outcome:?}");
    let outcome = maker().call(&Outcall { answer_bytes_max: 1, ..callee.call() }).await;
    assert_eq!(outcome, Err(CallError::TooLarge));
    for says in [&b"what?\r\n\r\n"[..], b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok"] {
        let callee = Callee::start(says, false).await;
        let outcome = maker().call(&callee.call()).await;
        assert!(matches!(outcome, Err(CallError::Malformed(_))), "{outcome:?}");
    }
    let silent = Callee::start(b"", false).await;
    let outcome = maker().call(&Outcall { timeout_millis: 100, ..silent.call() }).await;
    assert_eq!(outcome, Err(CallError::TimedOut));
}

/// A server whose jobs can make calls.
async fn shell() -> Arc<Shell> {
    let machine = Machine::new(Config::open(1), Arc::new(Registry::builtin()));
    let store = Arc::new(Embedded::in_task());
    let metrics = Metrics::new("test");
    let shell = Shell::start_with(machine, vec![store], metrics, None, Clock::start_coupled(), None);
    shell.ready().await;
    shell
}

/// Lets a job do something, and returns its answer.
async fn probe(shell: &Arc<Shell>, task: ProbeTask) -> (Response, Conversation) {
    let id = shell.next_job();
    let body = pin!(std::future::pending());
    shell.converse(id, RequestKind::of(&Method::Post), Input::Probe(id, task), body).await
}

#[tokio::test]
async fn a_job_hears_of_all_its_calls_and_cancels_them_when_its_client_leaves() {
    let shell = shell().await;
    let (callee, silent) = (Callee::start(OK, false).await, Callee::start(b"", false).await);
    let hasty = Outcall { timeout_millis: 50, ..silent.call() };
    let (response, _conversation) =
        probe(&shell, ProbeTask::Calls(vec![callee.call(), hasty, callee.call()])).await;
    let Body::Full(told) = response.body else { panic!("a text") };
    assert_eq!(String::from_utf8_lossy(&told), "200 2\ntimed-out\n200 2\n");
    let calls = ProbeTask::Calls(vec![silent.call(); 3]);
    let waiting = tokio::time::timeout(Duration::from_millis(300), probe(&shell, calls));
    assert!(waiting.await.is_err(), "nobody answers");
    assert_eq!((shell.open_requests(), shell.outcalls().outstanding().calls.len()), (0, 0));
    // The runtime drops what was cancelled when it gets to it.
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(shell.outcalls().maker.places.available_permits(), limits::CALLS_AT_ONCE);
}

const SWITCHES: &[u8] =
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\nhello";

/// The call of a probe that becomes a tunnel.
fn dialing(callee: &Callee) -> ProbeTask {
    let headers = [("connection", "Upgrade"), ("upgrade", "SPDY/3.1")];
    let headers = headers.map(|(name, value)| (name.into(), value.into())).to_vec();
    ProbeTask::Tunnel(Box::new(Outcall { headers, timeout_millis: 300, ..callee.call() }))
}

/// The connection to a server that has switched protocols.
fn taken(shell: &Shell, conversation: &Conversation) -> ServerStream {
    match shell.outcalls().take(conversation.id()) {
        Some(DialedConnection::Stream(server)) => server,
        Some(DialedConnection::Body(_)) | None => panic!("a connection"),
    }
}

#[tokio::test]
async fn a_server_that_switches_protocols_is_joined_with_the_client() {
    let shell = shell().await;
    let callee = Callee::start(SWITCHES, false).await;
    let (response, conversation) = probe(&shell, dialing(&callee)).await;
    assert!(response.status == 101 && matches!(response.body, Body::Tunnel(_)), "{response:?}");
    let upgrade = response.headers.iter().find(|(name, _)| name == "upgrade");
    assert_eq!(upgrade.map(|(_, value)| value.as_str()), Some("SPDY/3.1"));
    let server = taken(&shell, &conversation);
    let (mut client, mut near) = tokio::io::duplex(64);
    let tunnel = crate::tunnel::OpenTunnel::new(conversation, server, None);
    let joining = tunnel.join(&mut near, b"ahead");
    let talking = async {
        let mut heard = [0; 5];
        client.read_exact(&mut heard).await.expect("bytes");
        client.shutdown().await.expect("an open half");
        heard
    };
    let (heard, ()) = tokio::join!(talking, joining);
    assert_eq!((&heard, shell.open_requests()), (b"hello", 0));
}

#[tokio::test]
async fn a_tunnel_is_closed_by_a_drain_and_its_connection_by_a_client_that_leaves() {
    let shell = shell().await;
    let callee = Callee::start(SWITCHES, false).await;
    let (_, left) = probe(&shell, dialing(&callee)).await;
    drop(left);
    assert_eq!(shell.open_requests(), 0);
    let silent = Callee::start(b"", false).await;
    let (refused, _conversation) = probe(&shell, dialing(&silent)).await;
    assert_eq!(refused.status, 500, "nobody answers in time");
    let (_, conversation) = probe(&shell, dialing(&callee)).await;
    let server = taken(&shell, &conversation);
    let (_client, mut near) = tokio::io::duplex(64);
    let joining = crate::tunnel::OpenTunnel::new(conversation, server, None).join(&mut near, b"");
    let draining = async { shell.drain(steersman_core::machine::Drain::default()) };
    let ended = tokio::time::timeout(Duration::from_secs(5), async { tokio::join!(joining, draining) });
    ended.await.expect("the machine closes it");
    assert_eq!(shell.open_requests(), 0);
    let kept = shell.outcalls().outstanding().dialed.len();
    assert_eq!(kept, 0, "no connection is kept for a job that has ended");
}

//! Many watches on one HTTP/2 connection: all see every event in order, and none depends on another.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper::{Request, StatusCode, header};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::ServerName;
use steersman_core::machine::Drain;
use steersman_io::tls;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::serving::{Server, start};

const PATH: &str = "/api/v1/namespaces/default/configmaps";
const WATCHES: usize = 20;
const CHANGES: usize = 40;
/// All changes together are more than the window of a stream that is not read, and the buffers behind it.
const STREAM_WINDOW_BYTES: u32 = 64 * 1024;
const CHANGE_BYTES: usize = 10_000;
const PATIENCE: Duration = Duration::from_secs(60);

type Client = SendRequest<Full<Bytes>>;

async fn connect(server: &Server) -> Client {
    let mut roots = RootCertStore::empty();
    roots.add(server.authority.certificate().clone()).expect("a root");
    let issued = server.authority.issue_client("admin", "system:masters").expect("a certificate");
    let mut config = ClientConfig::builder_with_provider(Arc::new(tls::provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_client_auth_cert(issued.chain, issued.key)
        .expect("a client certificate");
    config.alpn_protocols = vec![b"h2".to_vec()];
    let stream = TcpStream::connect(server.address).await.expect("a connection");
    let name = ServerName::try_from("localhost").expect("a name");
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.expect("a handshake");
    let mut builder = Builder::new(TokioExecutor::new());
    builder.initial_stream_window_size(STREAM_WINDOW_BYTES).initial_connection_window_size(16 * 1024 * 1024);
    let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.expect("a connection");
    tokio::spawn(connection);
    sender
}

async fn send(client: &mut Client, method: &str, path: &str, body: String) -> (StatusCode, Incoming) {
    let request = Request::builder()
        .method(method)
        .uri(format!("https://localhost{path}"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(body)))
        .expect("a request");
    client.ready().await.expect("an open connection");
    let (head, body) = client.send_request(request).await.expect("an answer").into_parts();
    (head.status, body)
}

async fn watches(client: &mut Client) -> Vec<Incoming> {
    let mut watches = Vec::new();
    for _ in 0..WATCHES {
        let (status, events) = send(client, "GET", &format!("{PATH}?watch=true"), String::new()).await;
        assert_eq!(status, StatusCode::OK);
        watches.push(events);
    }
    watches
}

async fn create(client: &mut Client, number: usize) {
    let filling = "x".repeat(CHANGE_BYTES);
    let object = format!(
        r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"map-{number:02}"}},"data":{{"a":"{filling}"}}}}"#
    );
    let (status, answer) = send(client, "POST", PATH, object).await;
    assert_eq!(status, StatusCode::CREATED);
    answer.collect().await.expect("the whole answer");
}

/// The numbers of the objects that were added, until the last one.
async fn numbers(mut events: Incoming) -> (Vec<usize>, Incoming) {
    let (mut text, mut numbers) = (String::new(), Vec::new());
    while numbers.last() != Some(&(CHANGES - 1)) {
        let frame = events.frame().await.expect("more events").expect("a frame");
        text.push_str(&String::from_utf8_lossy(&frame.into_data().expect("data")));
        while let Some((event, rest)) = text.split_once('\n') {
            if let Some((_, name)) = event.split_once("\"name\":\"map-") {
                numbers.push(name[..2].parse().expect("a number"));
            }
            text = rest.to_owned();
        }
    }
    (numbers, events)
}

/// Returns when so many requests are open.
async fn open(server: &Server, count: usize) {
    let began = tokio::time::Instant::now();
    while server.shell.open_requests() != count {
        assert!(began.elapsed() < PATIENCE, "{} open, not {count}", server.shell.open_requests());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn watches_of_one_connection_see_every_event_in_order_although_one_is_not_read() {
    let server = start().await;
    let (mut watcher, mut writer) = (connect(&server).await, connect(&server).await);
    let mut watches = watches(&mut watcher).await;
    let unread = watches.pop().expect("a watch");
    let cancelled = watches.pop().expect("a watch");
    let readers: Vec<_> = watches.into_iter().map(|events| tokio::spawn(numbers(events))).collect();
    for number in 0..CHANGES / 2 {
        create(&mut writer, number).await;
    }
    open(&server, WATCHES).await;
    drop(cancelled);
    open(&server, WATCHES - 1).await;
    for number in CHANGES / 2..CHANGES {
        create(&mut writer, number).await;
    }
    let mut kept = Vec::new();
    for reader in readers {
        let read = tokio::time::timeout(PATIENCE, reader).await.expect("all events in time");
        let (numbers, events) = read.expect("a reader");
        assert_eq!(numbers, (0..CHANGES).collect::<Vec<_>>());
        kept.push(events);
    }
    let (late, unread) = tokio::time::timeout(PATIENCE, numbers(unread)).await.expect("all events in time");
    assert_eq!(late, (0..CHANGES).collect::<Vec<_>>(), "a watch that was not read for a while goes on");
    drop((kept, unread, watcher));
    open(&server, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn watches_end_in_order_when_the_server_drains() {
    let server = start().await;
    let mut client = connect(&server).await;
    let watches = watches(&mut client).await;
    create(&mut client, 0).await;
    server.shell.drain(Drain::default());
    for events in watches {
        let events = tokio::time::timeout(PATIENCE, events.collect()).await.expect("an end in time");
        let events = events.expect("the stream ends in order").to_bytes();
        assert!(
            events.starts_with(b"{\"type\":\"ADDED\"") && events.ends_with(b"}\n"),
            "the event came first"
        );
    }
    open(&server, 0).await;
    drop(client);
    server.serving.stop(PATIENCE).await;
}

//! What kubelets answer, over real sockets: a log that is passed on while it arrives, and streams that are joined.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::StatusCode;
use steersman_core::config::{Config, KubeletClient};
use steersman_io::certificates::Authority;
use steersman_io::peer::ClientCas;
use steersman_io::tls::{self, TlsOptions};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;

use crate::connections::connect;
use crate::serving::{Server, config, request, send, start_as};

const POD: &str = "/api/v1/namespaces/default/pods/p";

/// A kubelet with one pod, which lets in only clients with a certificate of the server's authority.
struct Kubelet {
    address: SocketAddr,
    /// The log goes on when this is told.
    more: Arc<Notify>,
}

impl Kubelet {
    async fn start(authority: &Authority) -> Self {
        let cas =
            ClientCas::new(Arc::new(tls::provider()), &[authority.certificate().clone()]).expect("a pool");
        let here = [IpAddr::V4(Ipv4Addr::LOCALHOST)];
        let options = TlsOptions {
            default: authority.issue_server("kubelet", &[], &here).expect("a certificate"),
            by_name: Vec::new(),
            oldest: tls::version("").expect("a version"),
            cipher_suites: Vec::new(),
            client_cas: Some(Arc::new(cas)),
            disable_http2: true,
        };
        let acceptor = TlsAcceptor::from(Arc::new(tls::server_config(options).expect("a configuration")));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let more = Arc::new(Notify::new());
        let told = Arc::clone(&more);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, more) = (acceptor.clone(), Arc::clone(&told));
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    if stream.get_ref().1.peer_certificates().is_some() {
                        answer(stream, &more).await;
                    }
                });
            }
        });
        Self { address, more }
    }
}

async fn answer<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, more: &Notify) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else { return };
        head.push(byte);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let said: &[u8] = if head.contains(" /containerLogs/default/p/c?follow=true ") {
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\none\n\r\n"
    } else if head.contains(" /exec/default/p/c?command=cat&input=1 ") {
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n"
    } else {
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone"
    };
    stream.write_all(said).await.expect("an open connection");
    stream.flush().await.expect("an open connection");
    if said.ends_with(b"one\n\r\n") {
        more.notified().await;
        stream.write_all(b"4\r\ntwo\n\r\n0\r\n\r\n").await.expect("an open connection");
        stream.flush().await.expect("an open connection");
    } else if said.starts_with(b"HTTP/1.1 101") {
        let mut heard = [0; 64];
        while let Ok(length @ 1..) = stream.read(&mut heard).await {
            stream.write_all(&heard[..length]).await.expect("an open connection");
            stream.flush().await.expect("an open connection");
        }
    }
}

/// A server that knows one node and a pod on it.
async fn start() -> (Server, Kubelet) {
    let authority = Authority::create("test").expect("an authority");
    let kubelet = Kubelet::start(&authority).await;
    let client = KubeletClient {
        preferred_address_types: vec!["InternalIP".into()],
        authorities: authority.certificate_pem().to_owned().into(),
        client_certificate: KubeletClient::CERTIFICATE.into(),
        ..KubeletClient::default()
    };
    let own = authority.issue_client("api", "system:masters").expect("a certificate");
    let server = start_as(Config { kubelet: client, ..config() }, authority, None).await;
    server.shell.call_with(vec![(KubeletClient::CERTIFICATE.into(), own)]);
    let mut admin = server.admin().await;
    let status = format!(
        r#"{{"addresses":[{{"type":"InternalIP","address":"127.0.0.1"}}],"daemonEndpoints":{{"kubeletEndpoint":{{"Port":{}}}}}}}"#,
        kubelet.address.port()
    );
    let node = format!(r#"{{"kind":"Node","apiVersion":"v1","metadata":{{"name":"n"}},"status":{status}}}"#);
    let pod = r#"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"p"},"spec":{"nodeName":"n","containers":[{"name":"c","image":"i"}]}}"#;
    for (method, path, body) in
        [("POST", "/api/v1/nodes", node.as_str()), ("POST", "/api/v1/namespaces/default/pods", pod)]
    {
        let (head, body) = send(&mut admin, request(method, path, body.to_owned())).await;
        assert_eq!(head.status(), StatusCode::CREATED, "{body}");
    }
    (server, kubelet)
}

async fn in_time<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), what).await.expect("in time")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_arrives_line_by_line() {
    let (server, kubelet) = start().await;
    let mut client = server.admin().await;
    let path = format!("{POD}/log?follow=true");
    let response = in_time(client.send_request(request("GET", &path, ""))).await.expect("an answer");
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "text/plain");
    let mut body = response.into_body();
    let line = in_time(body.frame()).await.expect("a line").expect("a frame").into_data().expect("data");
    assert_eq!(line, "one\n");
    kubelet.more.notify_one();
    let rest = in_time(body.collect()).await.expect("an end").to_bytes();
    assert_eq!(rest, "two\n");
    assert_eq!(server.shell.open_requests(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kubelet_that_knows_no_such_container_is_heard() {
    let (server, _kubelet) = start().await;
    let mut client = server.admin().await;
    let (head, body) = send(&mut client, request("GET", &format!("{POD}/log?previous=true"), "")).await;
    assert_eq!(head.status(), StatusCode::NOT_FOUND);
    assert!(body.contains("the server could not find the requested resource ( pods/log p)"), "{body}");
    assert_eq!(server.shell.open_requests(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_ends_its_log() {
    let (server, _kubelet) = start().await;
    let mut client = server.admin().await;
    let path = format!("{POD}/log?follow=true");
    let response = in_time(client.send_request(request("GET", &path, ""))).await.expect("an answer");
    assert_eq!(server.shell.open_requests(), 1);
    drop((response, client));
    for _ in 0..1000 {
        if server.shell.open_requests() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the log is still open");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exec_is_joined_with_the_kubelet() {
    let (server, _kubelet) = start().await;
    let mut stream = connect(&server, true).await;
    let head = format!(
        "POST {POD}/exec?command=cat&stdin=true HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n\
         Upgrade: SPDY/3.1\r\nContent-Length: 0\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.expect("an open connection");
    let mut heard = Vec::new();
    while !heard.ends_with(b"\r\n\r\n") {
        heard.push(in_time(stream.read_u8()).await.expect("a head"));
    }
    let heard = String::from_utf8_lossy(&heard).into_owned();
    assert!(heard.starts_with("HTTP/1.1 101 Switching Protocols\r\n"), "{heard}");
    stream.write_all(b"echo").await.expect("an open connection");
    let mut back = [0; 4];
    in_time(stream.read_exact(&mut back)).await.expect("an echo");
    assert_eq!(&back, b"echo");
    assert_eq!(server.shell.open_requests(), 1);
}

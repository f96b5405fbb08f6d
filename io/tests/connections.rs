//! The secure port as raw bytes: what is no request, requests one after the other, and who may send a body.

use std::time::Duration;

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::ServerName;
use steersman_io::tls;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::serving::{Server, start};

pub(crate) async fn connect(server: &Server, known: bool) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(server.authority.certificate().clone()).expect("a root");
    let builder = ClientConfig::builder_with_provider(std::sync::Arc::new(tls::provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots);
    let config = if known {
        let issued = server.authority.issue_client("admin", "system:masters").expect("a certificate");
        builder.with_client_auth_cert(issued.chain, issued.key).expect("a client certificate")
    } else {
        builder.with_no_client_auth()
    };
    let stream = TcpStream::connect(server.address).await.expect("a connection");
    let name = ServerName::try_from("localhost").expect("a name");
    TlsConnector::from(std::sync::Arc::new(config)).connect(name, stream).await.expect("a handshake")
}

/// All that the server says before it closes.
async fn exchange(server: &Server, known: bool, sent: &str) -> String {
    let mut stream = connect(server, known).await;
    stream.write_all(sent.as_bytes()).await.expect("an open connection");
    stream.flush().await.expect("an open connection");
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(30), stream.read_to_end(&mut answer)).await;
    read.expect("the server closes").expect("the server says that it does");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn malformed_requests_are_answered_as_by_go() {
    let server = start().await;
    let cases = [
        ("GET /livez HTTP/1.1\r\n\r\n", "400 Bad Request: missing required Host header", ""),
        ("GET livez HTTP/1.1\r\nHost: a\r\n\r\n", "400 Bad Request", ""),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n",
            "501 Not Implemented",
            "Unsupported transfer encoding",
        ),
    ];
    for (sent, status, body) in cases {
        let body = if body.is_empty() { status } else { body };
        let headers = "Content-Type: text/plain; charset=utf-8\r\nConnection: close";
        let expected = format!("HTTP/1.1 {status}\r\n{headers}\r\n\r\n{body}");
        assert_eq!(exchange(&server, true, sent).await, expected, "{sent:?}");
    }
    let length = steersman_core::limits::REQUEST_BODY_BYTES + 1;
    let head =
        "POST /api/v1/namespaces HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nConnection: close";
    let large = format!("{head}\r\nContent-Length: {length}\r\n\r\n{}", " ".repeat(length));
    let answer = exchange(&server, true, &large).await;
    assert!(answer.starts_with("HTTP/1.1 413 Request Entity Too Large\r\n"), "{answer:.100}");
    let mut plain = TcpStream::connect(server.address).await.expect("a connection");
    plain.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.expect("an open connection");
    let mut answer = String::new();
    plain.read_to_string(&mut answer).await.expect("an answer");
    let expected = "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";
    assert_eq!(answer, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_heads_are_accepted_up_to_a_limit() {
    let server = start().await;
    let head = |lines: usize, path: usize, value: usize| {
        let lines: String = (0..lines).map(|number| format!("X-{number}: y\r\n")).collect();
        let (path, value) = ("x".repeat(path), "y".repeat(value));
        format!("GET /livez?a={path} HTTP/1.1\r\nHost: a\r\n{lines}Z: {value}\r\nConnection: close\r\n\r\n")
    };
    for (sent, status) in [
        (head(3000, 0, 0), "200 OK"),
        (head(0, 300_000, 0), "200 OK"),
        (head(0, 0, 1_000_000), "200 OK"),
        (head(0, 0, 1_100_000), "431 Request Header Fields Too Large"),
    ] {
        let answer = exchange(&server, true, &sent).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{status}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_follow_each_other_on_one_connection() {
    let server = start().await;
    let body = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"one"}}"#;
    let create =
        "POST /api/v1/namespaces/default/configmaps HTTP/1.1\r\nHost: a\r\nContent-Type: application/json";
    let (first, second) = body.split_at(20);
    let chunks = format!("14\r\n{first}\r\n{:x};a=b\r\n{second}\r\n0\r\nTrailer: x\r\n\r\n", second.len());
    let sent = format!(
        "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n\
         {create}\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}\
         {create}\r\nContent-Length: {}\r\n\r\n{body}\r\n\
         GET /livez HTTP/1.0\r\n\r\n",
        body.len()
    );
    let answers = exchange(&server, true, &sent).await;
    let found: Vec<&str> = answers.lines().filter(|line| line.contains("HTTP/1.")).collect();
    assert_eq!(found.len(), 4, "{answers}");
    let expected = ["HTTP/1.1 200 OK", "okHTTP/1.1 201 Created", "HTTP/1.1 409 Conflict", "HTTP/1.0 200 OK"];
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.ends_with(expected), "{answers}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn continue_is_sent_only_to_authenticated_clients() {
    let server = start().await;
    let head = "POST /api/v1/namespaces/default/configmaps HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\
                Expect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n";
    let refused = exchange(&server, false, head).await;
    assert!(refused.starts_with("HTTP/1.1 401 Unauthorized\r\n"), "{refused}");
    assert!(refused.ends_with("\"reason\":\"Unauthorized\",\"code\":401}\n"), "{refused}");
    let mut stream = connect(&server, true).await;
    stream.write_all(head.as_bytes()).await.expect("an open connection");
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).await.expect("an answer");
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"{}").await.expect("an open connection");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
}

/// The answer to a head whose body was not sent: its status line, and whether the connection stays open.
async fn refused(
    stream: &mut TlsStream<TcpStream>,
    method: &str,
    path: &str,
    framing: &str,
) -> (String, bool) {
    let head =
        format!("{method} {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n{framing}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.expect("an open connection");
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(stream.read_u8().await.expect("an answer"));
    }
    let answer = String::from_utf8(answer).expect("a head").to_lowercase();
    let length = answer.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.expect("a length").parse().expect("a number")];
    stream.read_exact(&mut body).await.expect("a body");
    let status = answer.lines().next().unwrap_or_default().to_owned();
    (status, !answer.contains("\r\nconnection: close\r\n"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_client_need_not_send_its_body() {
    let server = start().await;
    let nowhere = "/api/v1/namespaces/default/nothing";
    let mut stream = connect(&server, true).await;
    for (framing, body) in [
        ("Content-Length: 5", "abcde"),
        ("Transfer-Encoding: chunked", "3\r\nabc\r\n0\r\n\r\n"),
        ("Content-Length: 0", ""),
    ] {
        let answer = refused(&mut stream, "POST", nowhere, framing).await;
        assert_eq!(answer, ("http/1.1 404 not found".into(), true), "{framing}");
        // What is sent all the same is not taken for the next request.
        stream.write_all(body.as_bytes()).await.expect("an open connection");
    }
    for (known, framing, status) in [
        (true, "Content-Length: 300000", "http/1.1 404 not found"),
        (true, "Content-Length: 5\r\nExpect: 100-continue", "http/1.1 404 not found"),
        (false, "Content-Length: 300000", "http/1.1 401 unauthorized"),
    ] {
        let mut stream = connect(&server, known).await;
        let answer = refused(&mut stream, "POST", nowhere, framing).await;
        assert_eq!(answer, (status.into(), false), "{framing}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_body_is_processed_on_separate_threads() {
    let server = start().await;
    let data = "x".repeat(200_000);
    let body = format!(
        r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"one"}},"data":{{"a":"{data}"}}}}"#
    );
    let sent = format!(
        "POST /api/v1/namespaces/default/configmaps HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let created = exchange(&server, true, &sent).await;
    assert!(created.starts_with("HTTP/1.1 201 Created\r\n"), "{created:.200}");
    // The client does not wait for its answer: what it began is brought to its end.
    for _ in 0..20 {
        let mut stream = connect(&server, true).await;
        stream.write_all(sent.as_bytes()).await.expect("an open connection");
    }
    for _ in 0..1000 {
        if server.shell.open_requests() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{} requests are still open", server.shell.open_requests());
}

//! The server over real sockets: who is let in, what is refused, and that nothing is left behind.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::ServerName;
use steersman_core::config::Config;
use steersman_core::config::{AdmissionOptions, Authentication, Authorizer, Denials};
use steersman_core::config::{Aggregation, Bootstrap, ControlPlane, KubeletClient};
use steersman_core::kinds::Registry;
use steersman_core::limits;
use steersman_core::machine::{Drain, Machine};
use steersman_core::museum::Flaw;
use steersman_core::value::port_range::PortRange;
use steersman_io::certificates::{Authority, Issued};
use steersman_io::metrics::Metrics;
use steersman_io::peer::ClientCas;
use steersman_io::record::Recorder;
use steersman_io::serve::{Secured, ServeOptions, Serving, listen};
use steersman_io::shell::Shell;
use steersman_io::store::embedded::Embedded;
use steersman_io::tls::{self, TlsOptions};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// A server in memory, and the authority that it believes.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) shell: Arc<Shell>,
    pub(crate) serving: Serving,
    pub(crate) authority: Authority,
}

pub(crate) fn config() -> Config {
    Config {
        etcd_prefix: "/registry".into(),
        seed: 1,
        advertised: "127.0.0.1:6443".into(),
        service_ip: "10.0.0.1".into(),
        service_range: "10.0.0.0/24".into(),
        node_ports: PortRange::NODE_PORTS,
        advertise_address: "192.0.2.1".into(),
        secure_port: 6443,
        authentication: Authentication::default(),
        authorization: vec![Authorizer::AlwaysAllow],
        max_in_flight: 400,
        max_mutating_in_flight: 200,
        request_timeout_millis: 60_000,
        min_watch_seconds: 1800,
        compaction_interval_millis: 300_000,
        event_ttl_seconds: 3600,
        feeds: Vec::new(),
        issuer: "https://kubernetes.default.svc".into(),
        issuer_keys: Vec::new(),
        signing_key: None,
        audiences: Vec::new(),
        token_seconds_max: 0,
        extends_tokens: true,
        allows_privileged: true,
        issuer_keys_address: "".into(),
        control_plane: ControlPlane::default(),
        kubelet: KubeletClient::default(),
        aggregation: Aggregation::default(),
        bootstrap: Bootstrap::Least,
        admission: AdmissionOptions::without(&["ServiceAccount"]),
        denials: Denials::default(),
        bounds: limits::Bounds::PRODUCTION,
        flaw: Flaw::default(),
    }
}

/// Shows a certificate of one authority and believes another's clients.
fn secured(shown: &Authority, believed: &Authority) -> Secured {
    let cas = ClientCas::new(Arc::new(tls::provider()), &[believed.certificate().clone()]).expect("a pool");
    let cas = Arc::new(cas);
    let options = TlsOptions {
        default: shown.issue_server("kube", &["localhost".into()], &[]).expect("a certificate"),
        by_name: Vec::new(),
        oldest: tls::version("").expect("a version"),
        cipher_suites: Vec::new(),
        client_cas: Some(Arc::clone(&cas)),
        disable_http2: false,
    };
    Secured { tls: tls::server_config(options).expect("a configuration"), client_cas: Some(cas) }
}

pub(crate) async fn start() -> Server {
    start_with(None).await
}

pub(crate) async fn start_with(recorder: Option<Recorder>) -> Server {
    start_as(config(), Authority::create("test").expect("an authority"), recorder).await
}

pub(crate) async fn start_as(config: Config, authority: Authority, recorder: Option<Recorder>) -> Server {
    let listener = listen((Ipv4Addr::LOCALHOST, 0).into()).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let store = Arc::new(Embedded::in_memory().expect("a store"));
    let machine = Machine::new(config, Arc::new(Registry::builtin()));
    let shell = Shell::start(machine, vec![store], Metrics::new("test"), recorder);
    let options = ServeOptions {
        secured: secured(&authority, &authority),
        http2_max_streams: 100,
        strict_transport_security: String::new(),
        request_timeout: Duration::from_secs(60),
    };
    let serving = Serving::start(Arc::clone(&shell), listener, options).expect("a server");
    tokio::time::timeout(Duration::from_secs(30), shell.ready()).await.expect("ready in time");
    Server { address, shell, serving, authority }
}

impl Server {
    async fn connect(&self, certificate: Option<Issued>) -> SendRequest<Full<Bytes>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.certificate().clone()).expect("a root");
        let builder = ClientConfig::builder_with_provider(Arc::new(tls::provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots);
        let config = match certificate {
            Some(issued) => {
                builder.with_client_auth_cert(issued.chain, issued.key).expect("a client certificate")
            }
            None => builder.with_no_client_auth(),
        };
        let stream = TcpStream::connect(self.address).await.expect("a connection");
        let name = ServerName::try_from("localhost").expect("a name");
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.expect("a handshake");
        let (sender, connection) = handshake(TokioIo::new(stream)).await.expect("a connection");
        tokio::spawn(connection);
        sender
    }

    pub(crate) async fn admin(&self) -> SendRequest<Full<Bytes>> {
        self.connect(Some(self.authority.issue_client("admin", "system:masters").expect("a certificate")))
            .await
    }
}

pub(crate) fn request(method: &str, path: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "localhost")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(body.into()))
        .expect("a request")
}

pub(crate) async fn send(
    client: &mut SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> (Response<()>, String) {
    client.ready().await.expect("an open connection");
    let (head, body) = client.send_request(request).await.expect("a response").into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    (Response::from_parts(head, ()), String::from_utf8_lossy(&body).into_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_authenticate_clients() {
    let server = start().await;
    let stranger = Authority::create("other").and_then(|other| other.issue_client("admin", "system:masters"));
    let friend = server.authority.issue_client("alice", "devs");
    let cases = [
        ("none", None, StatusCode::UNAUTHORIZED),
        ("of another authority", Some(stranger.expect("a certificate")), StatusCode::UNAUTHORIZED),
        ("of ours", Some(friend.expect("a certificate")), StatusCode::OK),
    ];
    for (what, certificate, expected) in cases {
        let mut client = server.connect(certificate).await;
        let (head, body) = send(&mut client, request("GET", "/api/v1/namespaces/default", "")).await;
        assert_eq!(head.status(), expected, "{what}: {body}");
        assert!(head.headers().contains_key("audit-id"), "{what}");
        assert_eq!(head.headers()[header::CACHE_CONTROL], "no-cache, private", "{what}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn authorities_can_be_replaced() {
    let server = start().await;
    let other = Authority::create("other").expect("an authority");
    let mut before = server.admin().await;
    assert_eq!(send(&mut before, request("GET", "/livez", "")).await.0.status(), StatusCode::OK);
    server.serving.secure_with(secured(&server.authority, &other));
    let stranger = other.issue_client("admin", "system:masters").expect("a certificate");
    let mut stranger = server.connect(Some(stranger)).await;
    let mut friend = server.admin().await;
    let path = "/api/v1/namespaces/default";
    assert_eq!(send(&mut before, request("GET", path, "")).await.0.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(send(&mut stranger, request("GET", path, "")).await.0.status(), StatusCode::OK);
    assert_eq!(send(&mut friend, request("GET", path, "")).await.0.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_are_bounded_and_metrics_are_served() {
    let server = start().await;
    let mut client = server.admin().await;
    let large = vec![b' '; limits::REQUEST_BODY_BYTES + 1];
    let (head, body) =
        send(&mut client, request("POST", "/api/v1/namespaces/default/configmaps", large)).await;
    assert_eq!(head.status(), StatusCode::PAYLOAD_TOO_LARGE, "{body}");
    let mut client = server.admin().await;
    let (head, text) = send(&mut client, request("GET", "/metrics", "")).await;
    assert_eq!(head.status(), StatusCode::OK);
    assert!(!head.headers().contains_key("x-steersman-metrics"));
    for line in ["\nprocess_resident_memory_bytes ", "\napiserver_storage_objects{resource=\"namespaces\"} "]
    {
        assert!(text.contains(line), "{line}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_sees_a_write_and_ends_with_the_server() {
    let server = start().await;
    let (mut watcher, mut writer) = (server.admin().await, server.admin().await);
    let path = "/api/v1/namespaces/default/configmaps";
    let watch =
        watcher.send_request(request("GET", &format!("{path}?watch=true"), "")).await.expect("a watch");
    assert_eq!(watch.status(), StatusCode::OK);
    let object = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"one"},"data":{"a":"b"}}"#;
    let (head, body) = send(&mut writer, request("POST", path, object)).await;
    assert_eq!(head.status(), StatusCode::CREATED, "{body}");
    let mut events = watch.into_body();
    let mut seen = String::new();
    while !seen.contains("\"name\":\"one\"") {
        let frame =
            tokio::time::timeout(Duration::from_secs(30), events.frame()).await.expect("an event in time");
        let data = frame.expect("an event").expect("a frame").into_data().expect("data");
        seen.push_str(&String::from_utf8_lossy(&data));
    }
    assert!(seen.starts_with("{\"type\":\"ADDED\""), "{seen}");
    server.shell.drain(Drain::default());
    let rest = tokio::time::timeout(Duration::from_secs(30), events.collect()).await.expect("an end in time");
    assert!(rest.is_ok(), "the stream ends in order");
    drop(writer);
    server.serving.stop(Duration::from_secs(30)).await;
    assert_eq!(server.shell.open_requests(), 0);
    server.shell.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_kept_of_a_client_that_goes_away() {
    let server = start().await;
    for _ in 0..3 {
        let mut client = server.admin().await;
        let watch =
            client.send_request(request("GET", "/api/v1/pods?watch=true", "")).await.expect("a watch");
        assert_eq!(watch.status(), StatusCode::OK);
    }
    for _ in 0..1000 {
        if server.shell.open_requests() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{} watches are still open", server.shell.open_requests());
}

//! The server in process: the same answers without sockets, nothing left behind, and time that a test owns.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use steersman_core::limits;
use steersman_io::in_process::{InProcess, InProcessBody};
use tokio::runtime::Handle;
use tower_service::Service;

/// How long a frame may take.
const PATIENCE: Duration = Duration::from_secs(60);
const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";

async fn send(
    server: &InProcess,
    method: &str,
    path: &str,
    body: impl Into<Bytes>,
) -> Response<InProcessBody> {
    let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    let request = request.body(Full::new(body.into())).expect("a request");
    server.service().call(request).await.expect("an answer")
}

async fn text(response: Response<InProcessBody>) -> String {
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    String::from_utf8_lossy(&body).into_owned()
}

async fn create(server: &InProcess, name: &str) -> String {
    let object = format!(r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{name}"}}}}"#);
    let created = send(server, "POST", CONFIG_MAPS, object).await;
    assert_eq!(created.status(), StatusCode::CREATED);
    text(created).await
}

async fn next(body: &mut InProcessBody) -> Option<String> {
    let frame = tokio::time::timeout(PATIENCE, body.frame()).await.expect("a frame in time");
    let frame = frame?.expect("frames do not fail").into_data().expect("data");
    Some(String::from_utf8_lossy(&frame).into_owned())
}

/// Lets every task that can run do so.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn bodies_are_bounded_as_on_the_secure_port() {
    let server = InProcess::start(1).await;
    let large = vec![b' '; limits::REQUEST_BODY_BYTES + 1];
    let refused = send(&server, "POST", CONFIG_MAPS, large).await;
    assert_eq!(refused.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let answer = send(&server, "HEAD", "/livez", "").await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(answer.headers().contains_key("audit-id"));
    assert_eq!(text(answer).await, "");
    let metrics = text(send(&server, "GET", "/metrics", "").await).await;
    assert!(metrics.contains("\napiserver_storage_objects{resource=\"namespaces\"} "), "{metrics}");
}

/// The value of a line of `/metrics`.
fn value(metrics: &str, series: &str) -> f64 {
    let line = metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{series} is not in {metrics}")).parse().expect("a number")
}

#[tokio::test]
async fn the_machine_the_store_and_watches_are_measured() {
    let server = InProcess::start(1).await;
    let watch = send(&server, "GET", &format!("{CONFIG_MAPS}?watch=true"), "").await;
    create(&server, "a").await;
    let metrics = text(send(&server, "GET", "/metrics", "").await).await;
    let of = "{group=\"\",resource=\"configmaps\"}";
    assert_eq!(value(&metrics, &format!("steersman_watchers{of}")), 1.0);
    assert_eq!(value(&metrics, &format!("steersman_watchers_behind{of}")), 0.0);
    assert_eq!(value(&metrics, &format!("steersman_watch_frames_untaken{of}")), 1.0);
    assert!(value(&metrics, &format!("steersman_window_changes{of}")) >= 1.0);
    assert!(value(&metrics, &format!("steersman_window_bytes{of}")) > 0.0);
    let turns = value(&metrics, "steersman_machine_turn_duration_seconds_count");
    let steps = value(&metrics, "steersman_machine_step_duration_seconds_count");
    assert!(turns > steps && steps > 2.0, "{turns} and {steps}");
    let store = "{storage_cluster_id=\"etcd-0\"}";
    assert!(value(&metrics, &format!("steersman_store_batch_operations_count{store}")) > 1.0);
    assert_eq!(value(&metrics, &format!("steersman_store_sync_duration_seconds_count{store}")), 0.0);
    assert_eq!(value(&metrics, &format!("steersman_store_queue_operations{store}")), 0.0);
    assert_eq!(value(&metrics, &format!("steersman_store_full{store}")), 0.0);
    drop(watch);
    let metrics = text(send(&server, "GET", "/metrics", "").await).await;
    assert_eq!(value(&metrics, &format!("steersman_watchers{of}")), 0.0);
    assert_eq!(value(&metrics, "steersman_watch_ends_total{reason=\"the client went away\"}"), 1.0);
}

/// Every metric of the server's own is explained, and explained where operators look.
#[tokio::test]
async fn every_metric_is_documented() {
    let server = InProcess::start(1).await;
    let metrics = text(send(&server, "GET", "/metrics", "").await).await;
    let page = include_str!("../../docs/operate.md");
    let own: Vec<&str> = metrics
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE steersman_")?.split(' ').next())
        .collect();
    assert!(own.len() > 20, "{own:?}");
    for name in own {
        assert!(page.contains(&format!("`steersman_{name}`")), "docs/operate.md lacks steersman_{name}");
        assert!(metrics.contains(&format!("# HELP steersman_{name} ")), "{name} has no help");
    }
}

#[tokio::test]
async fn a_watch_gives_every_event_and_ends_with_its_body() {
    let server = InProcess::start(1).await;
    let watch = send(&server, "GET", &format!("{CONFIG_MAPS}?watch=true"), "").await;
    let mut events = watch.into_body();
    // More than are ever queued: the reader's credit comes back.
    for round in 0..3 {
        let count = limits::WATCHER_QUEUE_FRAMES / 2;
        for index in 0..count {
            create(&server, &format!("c{round}-{index}")).await;
        }
        let mut seen = 0;
        while seen < count {
            seen += next(&mut events).await.expect("an event").lines().count();
        }
        assert_eq!(seen, count);
    }
    assert_eq!(server.open_requests(), 1);
    drop(events);
    assert_eq!(server.open_requests(), 0);
}

#[tokio::test]
async fn a_slow_reader_delays_no_others_and_misses_nothing() {
    let server = InProcess::start(1).await;
    let mut events = send(&server, "GET", &format!("{CONFIG_MAPS}?watch=true"), "").await.into_body();
    let count = limits::WATCHER_QUEUE_FRAMES + limits::WATCHER_QUEUE_FRAMES / 4;
    for index in 0..count {
        create(&server, &format!("c{index}")).await;
    }
    let mut seen = Vec::new();
    while seen.len() < count {
        let frame = next(&mut events).await.expect("an event");
        seen.extend(frame.lines().map(|line| {
            let (_, name) = line.split_once(r#""name":"c"#).expect("a name");
            name.split('"').next().and_then(|number| number.parse().ok()).unwrap_or(usize::MAX)
        }));
    }
    assert!(seen.into_iter().eq(0..count), "events come in order, each once");
}

#[tokio::test]
async fn the_last_handle_ends_the_server() {
    let tasks = || Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    let server = InProcess::start(1).await;
    create(&server, "one").await;
    let (service, watch) = (server.service(), send(&server, "GET", "/api/v1/pods?watch=true", "").await);
    assert!(tasks() > before, "a server has tasks");
    drop(server);
    settle().await;
    assert!(tasks() > before, "a service and a watch are handles");
    drop(service);
    settle().await;
    assert!(tasks() > before, "a watch that is read is a handle");
    drop(watch);
    settle().await;
    assert_eq!(tasks(), before);
    for seed in 0..20 {
        InProcess::start(seed).await;
    }
    settle().await;
    assert_eq!(tasks(), before);
}

#[tokio::test]
async fn an_abandoned_request_is_still_carried_out() {
    let server = InProcess::start(1).await;
    let object = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"one"}}"#;
    let mut service = server.service();
    let request = Request::post(CONFIG_MAPS).header("content-type", "application/json");
    let mut asked = service.call(request.body(Full::new(Bytes::from(object))).expect("a request"));
    // One poll: the write is on its way to the store.
    let polled =
        std::future::poll_fn(|context| std::task::Poll::Ready(asked.as_mut().poll(context).is_ready()));
    assert!(!polled.await, "a write waits for the store");
    drop(asked);
    settle().await;
    let found = send(&server, "GET", &format!("{CONFIG_MAPS}/one"), "").await;
    assert_eq!((found.status(), server.open_requests()), (StatusCode::OK, 0));
}

#[tokio::test(start_paused = true)]
async fn the_servers_time_is_the_tests_time() {
    let began = std::time::Instant::now();
    let server = InProcess::start(1).await;
    let stamp = |object: String| {
        let (_, rest) = object.split_once(r#""creationTimestamp":""#).expect("a time");
        rest.split_once('"').expect("an end").0.to_owned()
    };
    let first = stamp(create(&server, "one").await);
    let mut watch = send(&server, "GET", "/api/v1/pods?watch=true&timeoutSeconds=7200", "").await.into_body();
    let at = tokio::time::Instant::now();
    assert!(watch.frame().await.is_none(), "nothing happens until the watch ends");
    assert_eq!(at.elapsed().as_secs(), 7200);
    let second = stamp(create(&server, "two").await);
    assert!(first < second, "{first}, {second}");
    assert!(began.elapsed() < Duration::from_secs(600), "two hours are over sooner");
}

#[tokio::test(start_paused = true)]
async fn a_seed_gives_the_same_names_and_uids() {
    let run = async |seed| {
        let server = InProcess::start(seed).await;
        let object = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"generateName":"c-"}}"#;
        let mut made = Vec::new();
        for _ in 0..5 {
            let object = text(send(&server, "POST", CONFIG_MAPS, object).await).await;
            made.push(object.split_once(r#""creationTimestamp""#).expect("a time").0.to_owned());
        }
        made
    };
    assert_eq!(run(7).await, run(7).await);
    assert_ne!(run(7).await, run(8).await);
}

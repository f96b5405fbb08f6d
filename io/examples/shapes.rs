//! What lists cost in every shape and version: CPU time of the first answer and of later ones, and how much the
//! memory in use grows at most while one is made. 10,000 pods of 4 KB and as many events, in process, on one thread.
//!
//! `cargo run --release -p steersman-io --example shapes [OBJECTS]`

use std::fs;
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use steersman_io::in_process::InProcess;
use tower_service::Service;

const OBJECTS: usize = 10_000;
/// How often each list is made after the first time.
const AGAIN: u32 = 5;
const FILLING_BYTES: usize = 2_500;

const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";
const METADATA: &str = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";

/// What is asked for: a name, a path, and the accepted type.
const ASKED: [(&str, &str, &str); 9] = [
    ("pods", "/api/v1/pods", "application/json"),
    ("pods, metadata only", "/api/v1/pods", METADATA),
    ("pods, Table", "/api/v1/pods", TABLE),
    ("pods, Table with whole objects", "/api/v1/pods?includeObject=Object", TABLE),
    ("pods, Table of a page of 500", "/api/v1/pods?limit=500", TABLE),
    ("events as they are stored", "/api/v1/events", "application/json"),
    ("events of events.k8s.io/v1", "/apis/events.k8s.io/v1/events", "application/json"),
    ("events, metadata only", "/api/v1/events", METADATA),
    (
        "one event of events.k8s.io/v1",
        "/apis/events.k8s.io/v1/namespaces/default/events/e-00000",
        "application/json",
    ),
];

async fn send(server: &InProcess, request: http::Request<Full<&'static [u8]>>) -> usize {
    let response = match server.service().call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let mut body = response.into_body();
    let mut length = 0;
    while let Some(Ok(frame)) = body.frame().await {
        length += frame.into_data().map_or(0, |data| data.len());
    }
    length
}

async fn post(server: &InProcess, path: &str, body: String) {
    let request = http::Request::post(path).header("content-type", "application/json");
    let body: &'static [u8] = Box::leak(body.into_bytes().into_boxed_slice());
    if let Ok(request) = request.body(Full::new(body)) {
        send(server, request).await;
    }
}

fn pod(number: usize) -> String {
    let filling: String = "configuration ".chars().cycle().take(FILLING_BYTES).collect();
    let variables: Vec<String> =
        (0..12).map(|at| format!(r#"{{"name":"SETTING_{at}","value":"value-{at}"}}"#)).collect();
    format!(
        r#"{{"metadata":{{"name":"p-{number:05}","namespace":"default","labels":{{"app":"app-{}"}},"annotations":{{"example.com/filling":"short"}}}},"spec":{{"containers":[{{"name":"main","image":"registry.example.com/main:v1","args":["{filling}"],"env":[{}]}}]}}}}"#,
        number % 50,
        variables.join(",")
    )
}

fn event(number: usize) -> String {
    format!(
        r#"{{"metadata":{{"name":"e-{number:05}","namespace":"default"}},"involvedObject":{{"kind":"Pod","namespace":"default","name":"p-{number:05}","apiVersion":"v1"}},"reason":"Scheduled","message":"Successfully assigned default/p-{number:05} to node-1","type":"Normal","count":1,"firstTimestamp":"2026-01-01T00:00:00Z","lastTimestamp":"2026-01-01T00:00:00Z","source":{{"component":"default-scheduler"}}}}"#
    )
}

/// CPU time of this thread so far.
fn cpu() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = text.split_whitespace().next().and_then(|word| word.parse().ok());
    Duration::from_nanos(nanos.unwrap_or_default())
}

/// A line of the process' status, in KiB.
fn status_kib(name: &str) -> u64 {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().nth(1)?.parse().ok()).unwrap_or_default()
}

async fn measure(objects: usize) -> Vec<String> {
    let server = InProcess::start(1).await;
    for number in 0..objects {
        post(&server, "/api/v1/namespaces/default/pods", pod(number)).await;
        post(&server, "/api/v1/namespaces/default/events", event(number)).await;
    }
    let mut lines =
        vec!["| list | bytes | first | later | memory |".to_owned(), "|---|--:|--:|--:|--:|".to_owned()];
    for (name, path, accept) in ASKED {
        let request = || http::Request::get(path).header("accept", accept).body(Full::new(&b""[..]));
        let Ok(first) = request() else { continue };
        // The highest use of memory is counted from here on.
        let _ = fs::write("/proc/self/clear_refs", "5");
        let (used, began) = (status_kib("VmRSS"), cpu());
        let bytes = send(&server, first).await;
        let took = cpu().saturating_sub(began);
        let grown = status_kib("VmHWM").saturating_sub(used);
        let began = cpu();
        for _ in 0..AGAIN {
            if let Ok(again) = request() {
                send(&server, again).await;
            }
        }
        let later = cpu().saturating_sub(began) / AGAIN;
        lines.push(format!(
            "| {name} | {bytes} | {took:.1?} | {later:.1?} | {:.1} MB |",
            grown as f64 / 1024.0
        ));
    }
    lines
}

fn main() -> ExitCode {
    let objects = std::env::args().nth(1).and_then(|word| word.parse().ok()).unwrap_or(OBJECTS);
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return ExitCode::FAILURE;
    };
    let mut out = std::io::stdout();
    for line in runtime.block_on(measure(objects)) {
        if writeln!(out, "{line}").is_err() {
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

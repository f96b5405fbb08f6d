//! What creates and status patches of the bench's pod cost in process: on one thread, without sockets, encryption and
//! a disk. `perf stat -e instructions:u` and callgrind tell more than the clock does when the machine is busy.
//!
//! `cargo run --release -p steersman-io --example writes [PODS [PATCHES]]`

use std::fs;
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use steersman_io::in_process::InProcess;
use tower_service::Service;

#[path = "../../bin/src/bench/pods.rs"]
mod pods;

const PODS: usize = 10_000;

async fn send(server: &InProcess, method: &str, path: &str, media: &str, body: String) -> u16 {
    let request = http::Request::builder().method(method).uri(path).header("content-type", media);
    let Ok(request) = request.body(Full::new(bytes::Bytes::from(body))) else { return 0 };
    let response = match server.service().call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let status = response.status().as_u16();
    let mut body = response.into_body();
    while body.frame().await.is_some() {}
    status
}

/// CPU time of this thread so far.
fn cpu() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = text.split_whitespace().next().and_then(|word| word.parse().ok());
    Duration::from_nanos(nanos.unwrap_or_default())
}

async fn measure(count: usize, patches: usize) -> Vec<String> {
    let server = InProcess::start(1).await;
    for index in 0..pods::NAMESPACES {
        let body = pods::namespace_json(index);
        assert_eq!(send(&server, "POST", "/api/v1/namespaces", "application/json", body).await, 201);
    }
    let began = cpu();
    for index in 0..count {
        let (path, body) = (pods::collection_path(index), pods::json(index, pods::POD_BYTES));
        assert_eq!(send(&server, "POST", &path, "application/json", body).await, 201);
    }
    let create = cpu().saturating_sub(began) / u32::try_from(count.max(1)).unwrap_or(1);
    let began = cpu();
    for index in 0..patches {
        let path = format!("{}/status", pods::path(index % count));
        let body = pods::status_json(index % count, 1 + index / count);
        assert_eq!(send(&server, "PATCH", &path, "application/merge-patch+json", body).await, 200);
    }
    let patch = cpu().saturating_sub(began) / u32::try_from(patches.max(1)).unwrap_or(1);
    vec![format!("create a pod: {create:.1?}"), format!("patch a status: {patch:.1?}")]
}

fn main() -> ExitCode {
    let number = |place: usize| std::env::args().nth(place).and_then(|word| word.parse().ok());
    let count = number(1).unwrap_or(PODS);
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return ExitCode::FAILURE;
    };
    let mut out = std::io::stdout();
    for line in runtime.block_on(measure(count, number(2).unwrap_or(count))) {
        if writeln!(out, "{line}").is_err() {
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

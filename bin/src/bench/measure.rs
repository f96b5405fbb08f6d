//! Many requests over a few connections: what they cost the server, and how long each took.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use steersman_io::load::{Connection, LoadAnswer, LoadBody, Method};

use super::child::Served;

/// Linux adds a running thread's time to its count at most so much later.
const SETTLE: Duration = Duration::from_millis(30);

/// One request, and the status that it must have.
#[derive(Clone, Debug)]
pub(super) struct BenchRequest {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) upload: LoadBody,
    pub(super) status: u16,
}

/// What an operation costs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Figures {
    /// CPU time of the server for one operation.
    pub(super) cpu: Duration,
    /// Times that half, nine tenths and 99 of 100 operations took at most, seen by the client.
    pub(super) percentiles: Option<[Duration; 3]>,
    /// Bytes of one answer's body, on average.
    pub(super) bytes: u64,
}

impl BenchRequest {
    pub(super) fn get(path: String) -> Self {
        Self { method: Method::GET, path, upload: LoadBody::default(), status: 200 }
    }

    pub(super) fn post(path: String, json: String) -> Self {
        let upload = LoadBody { content_type: "application/json", body: json.into() };
        Self { method: Method::POST, path, upload, status: 201 }
    }

    pub(super) fn merge_patch(path: String, json: String) -> Self {
        let upload = LoadBody { content_type: "application/merge-patch+json", body: json.into() };
        Self { method: Method::PATCH, path, upload, status: 200 }
    }

    /// The same request to a server that answers everything with a file.
    pub(super) fn with_file(mut self, name: &str) -> Self {
        self.path = format!("/{name}");
        self.status = 200;
        self
    }
}

/// Makes requests number 0 to `count`, each connection one after the other.
pub(super) async fn run(
    served: &Served,
    connections: &mut Vec<Connection>,
    count: usize,
    request: impl Fn(usize) -> BenchRequest + Send + Sync + 'static,
) -> Result<Figures, String> {
    assert!(count > 0 && !connections.is_empty(), "something is measured");
    let request = Arc::new(request);
    let next = Arc::new(AtomicUsize::new(0));
    tokio::time::sleep(SETTLE).await;
    let before = served.cpu()?;
    let workers: Vec<_> = connections
        .drain(..)
        .map(|connection| {
            let (request, next) = (Arc::clone(&request), Arc::clone(&next));
            tokio::spawn(work(connection, count, next, move |index| request(index)))
        })
        .collect();
    let mut latencies = Vec::with_capacity(count);
    let mut bytes = 0;
    for worker in workers {
        let done = worker.await.map_err(|error| error.to_string())??;
        connections.push(done.connection);
        latencies.extend(done.latencies);
        bytes += done.bytes;
    }
    tokio::time::sleep(SETTLE).await;
    let cpu = served.cpu()?.saturating_sub(before) / u32::try_from(count).unwrap_or(u32::MAX);
    Ok(Figures { cpu, percentiles: Some(percentiles(latencies)), bytes: bytes / count as u64 })
}

struct Done {
    connection: Connection,
    latencies: Vec<Duration>,
    bytes: u64,
}

async fn work(
    mut connection: Connection,
    count: usize,
    next: Arc<AtomicUsize>,
    request: impl Fn(usize) -> BenchRequest,
) -> Result<Done, String> {
    let mut latencies = Vec::new();
    let mut bytes = 0;
    loop {
        let index = next.fetch_add(1, Ordering::Relaxed);
        if index >= count {
            return Ok(Done { connection, latencies, bytes });
        }
        let BenchRequest { method, path, upload, status } = request(index);
        let began = Instant::now();
        let answer: LoadAnswer = connection.send(method.clone(), &path, &upload).await?;
        latencies.push(began.elapsed());
        bytes += answer.bytes;
        if answer.status != status {
            return Err(format!("{method} {path}: status {}, not {status}", answer.status));
        }
    }
}

/// Times that half, nine tenths and 99 of 100 took at most; there is one at least.
pub(super) fn percentiles(mut latencies: Vec<Duration>) -> [Duration; 3] {
    latencies.sort_unstable();
    let at = |percent: usize| latencies[(latencies.len() * percent / 100).min(latencies.len() - 1)];
    [at(50), at(90), at(99)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_sorted_times() {
        let millis = |numbers: &[u64]| numbers.iter().copied().map(Duration::from_millis).collect::<Vec<_>>();
        let hundred: Vec<u64> = (0..100).rev().collect();
        assert_eq!(percentiles(millis(&hundred)).to_vec(), millis(&[50, 90, 99]));
        assert_eq!(percentiles(millis(&[7])).to_vec(), millis(&[7, 7, 7]));
    }
}

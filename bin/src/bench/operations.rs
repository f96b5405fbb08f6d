//! The measured operations, in order: a server is started, filled with ten thousand pods, and read in every way.

use std::path::Path;
use std::time::{Duration, Instant};

use steersman_io::in_process::InProcess;
use steersman_io::load::{Connection, LoadTarget};

use super::child::{BenchKeys, Served};
use super::floor;
use super::measure::{self, BenchRequest, Figures};
use super::options::{self, BenchOptions, PAGE_ITEMS};
use super::pods;
use super::watchers::OpenWatches;

/// A pause before memory is measured, so that the server finishes its work.
const REST: Duration = Duration::from_millis(500);

/// Servers that are started in this process.
const STARTS_IN_PROCESS: u64 = 10;

/// The operations that have figures to compare with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BenchOperation {
    Create,
    Get,
    ListAll,
    ListPage,
    ListByNode,
    ListByLabel,
    StatusPatch,
    WatchEvent,
}

/// One operation's figures.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measured {
    pub(super) operation: BenchOperation,
    pub(super) figures: Figures,
    /// CPU time of the server that only sends the same bytes.
    pub(super) floor: Option<Duration>,
}

/// All figures of a run.
#[derive(Clone, Debug)]
pub(super) struct Results {
    pub(super) start: Duration,
    /// Of the first server in a process, which reads the catalogue, and of the quickest one after it.
    pub(super) starts_in_process: [Duration; 2],
    pub(super) idle_bytes: u64,
    pub(super) full_bytes: u64,
    /// After all operations.
    pub(super) end_bytes: u64,
    pub(super) measured: Vec<Measured>,
}

/// The server, the floor and connections to both.
struct Bench<'a> {
    options: &'a BenchOptions,
    keys: &'a BenchKeys,
    server: &'a Served,
    connections: Vec<Connection>,
}

/// Measures everything.
pub(super) async fn all(
    options: &BenchOptions,
    keys: &BenchKeys,
    server: &Served,
    directory: &Path,
) -> Result<Results, String> {
    tokio::time::sleep(REST).await;
    let idle_bytes = server.resident_bytes()?;
    let connections = server.connections(keys, options.is_http2, options.connections).await?;
    let mut bench = Bench { options, keys, server, connections };
    let create = bench.create().await?;
    tokio::time::sleep(REST).await;
    let full_bytes = server.resident_bytes()?;
    let measured = bench.against_floor(directory, create).await?;
    tokio::time::sleep(REST).await;
    let end_bytes = server.resident_bytes()?;
    let starts_in_process = starts_in_process().await;
    Ok(Results { start: server.start, starts_in_process, idle_bytes, full_bytes, end_bytes, measured })
}

/// From nothing to a server that is ready, without sockets.
async fn starts_in_process() -> [Duration; 2] {
    let started = async |seed| {
        let began = Instant::now();
        InProcess::start(seed).await;
        began.elapsed()
    };
    let first = started(0).await;
    let mut quickest = Duration::MAX;
    for seed in 1..STARTS_IN_PROCESS {
        quickest = quickest.min(started(seed).await);
    }
    [first, quickest]
}

impl Bench<'_> {
    async fn create(&mut self) -> Result<Figures, String> {
        // With roles they are there already.
        if self.options.roles == 0 {
            let namespaces =
                |index: usize| BenchRequest::post("/api/v1/namespaces".into(), pods::namespace_json(index));
            measure::run(self.server, &mut self.connections, pods::NAMESPACES, namespaces).await?;
        }
        // Bodies are built before the measurement, since building them would take a core from the server.
        let bytes = self.options.pod_bytes;
        let bodies: Vec<String> = (0..self.options.pods).map(|index| pods::json(index, bytes)).collect();
        let posts =
            move |index: usize| BenchRequest::post(pods::collection_path(index), bodies[index].clone());
        measure::run(self.server, &mut self.connections, self.options.pods, posts).await
    }

    /// The operations whose bytes the floor can send too.
    async fn against_floor(&mut self, directory: &Path, create: Figures) -> Result<Vec<Measured>, String> {
        let mut files = Vec::new();
        let reads = READS.into_iter().filter(|operation| self.options.measures(operation.choice()));
        let reads: Vec<BenchOperation> = reads.collect();
        for operation in &reads {
            files.push((operation.file(), self.fetch(*operation).await?));
        }
        let pod = self.fetch(BenchOperation::Get).await?;
        files.push((BenchOperation::Create.file(), pod.clone()));
        let pod = String::from_utf8_lossy(&pod).into_owned();
        let event = format!("{{\"type\":\"MODIFIED\",\"object\":{}}}\n", pod.trim_end());
        files.push((BenchOperation::WatchEvent.file(), event.into_bytes()));
        let mut floor = Floor::start(self.options, self.keys, directory, &files).await?;
        let BenchOptions { pods, pod_bytes, .. } = *self.options;
        let post = move |index: usize| {
            BenchRequest::post(pods::collection_path(index), pods::json(index, pod_bytes))
        };
        let mut measured = vec![floor.beside(BenchOperation::Create, create, pods, usize::MAX, post).await?];
        for operation in reads {
            let request = move |index: usize| BenchRequest::get(operation.path(index));
            measured.push(self.both(&mut floor, operation, request).await?);
        }
        let patch = move |index: usize| status_patch(index, pods, 1);
        if self.options.measures(BenchOperation::StatusPatch.choice()) {
            measured.push(self.both(&mut floor, BenchOperation::StatusPatch, patch).await?);
        }
        if self.options.measures(BenchOperation::WatchEvent.choice()) {
            measured.push(self.watch_events(&mut floor).await?);
        }
        Ok(measured)
    }

    /// The same requests to the server and to the floor.
    async fn both(
        &mut self,
        floor: &mut Floor,
        operation: BenchOperation,
        request: impl Fn(usize) -> BenchRequest + Copy + Send + Sync + 'static,
    ) -> Result<Measured, String> {
        let (count, width) = self.amount(operation);
        let figures = run_on(self.server, &mut self.connections, width, count, request).await?;
        floor.beside(operation, figures, count, width, request).await
    }

    /// A body as the server sends it, for the floor. It must hold as many pods as it should.
    async fn fetch(&mut self, operation: BenchOperation) -> Result<Vec<u8>, String> {
        let path = operation.path(0);
        let connection = self.connections.first_mut().ok_or("no connection")?;
        let (status, body) = connection.fetch(&path).await?;
        let found = String::from_utf8_lossy(&body).matches("\"nodeName\":").count();
        let pods = self.options.pods;
        let expected = match operation {
            BenchOperation::ListAll => pods,
            BenchOperation::ListPage => pods.min(PAGE_ITEMS),
            BenchOperation::ListByNode => pods.div_ceil(pods::NODES),
            BenchOperation::ListByLabel => pods.div_ceil(pods::LABELS),
            BenchOperation::Get
            | BenchOperation::Create
            | BenchOperation::StatusPatch
            | BenchOperation::WatchEvent => 1,
        };
        if (status, found) != (200, expected) {
            return Err(format!("GET {path}: status {status} and {found} pods, not {expected}"));
        }
        Ok(body.into())
    }

    /// How many times an operation is done, on how many connections at once.
    fn amount(&self, operation: BenchOperation) -> (usize, usize) {
        let BenchOptions { requests, lists, connections, pods, .. } = *self.options;
        match operation {
            BenchOperation::Get => (requests, connections),
            BenchOperation::ListAll => (lists, 1),
            BenchOperation::ListPage => (lists * 20, connections.min(2)),
            BenchOperation::ListByNode | BenchOperation::ListByLabel => {
                (requests.div_ceil(20), connections.min(2))
            }
            BenchOperation::Create | BenchOperation::StatusPatch => (pods, connections),
            BenchOperation::WatchEvent => (self.options.events, connections),
        }
    }

    async fn watch_events(&mut self, floor: &mut Floor) -> Result<Measured, String> {
        let BenchOptions { pods, is_http2, .. } = *self.options;
        let list = self.connections.first_mut().ok_or("no connection")?.fetch("/api/v1/pods?limit=1").await?;
        let revision = resource_version(&list.1).ok_or("a list without a resource version")?;
        let path = format!("/api/v1/pods?watch=1&resourceVersion={revision}");
        let patch = move |index: usize| status_patch(index, pods, 2);
        let target = self.server.target(self.keys, is_http2)?;
        let cpu = fan_out(self.options, self.server, &target, &path, &mut self.connections, patch).await?;
        let operation = BenchOperation::WatchEvent;
        let to_file = move |index: usize| patch(index).with_file(operation.file());
        let target = floor.served.target(self.keys, is_http2)?;
        let connections = &mut floor.connections;
        let least = fan_out(self.options, &floor.served, &target, "/watch", connections, to_file).await?;
        Ok(Measured { operation, figures: Figures { cpu, ..Figures::default() }, floor: Some(least) })
    }
}

/// CPU time of a server for one event at one of many watchers, the change itself included.
async fn fan_out(
    options: &BenchOptions,
    served: &Served,
    target: &LoadTarget,
    path: &str,
    connections: &mut Vec<Connection>,
    change: impl Fn(usize) -> BenchRequest + Send + Sync + 'static,
) -> Result<Duration, String> {
    let BenchOptions { watchers, events, streams, .. } = *options;
    let open = OpenWatches::open(target, path, watchers, streams).await?;
    tokio::time::sleep(REST).await;
    let before = served.cpu()?;
    measure::run(served, connections, events, change).await?;
    open.arrived(watchers * events).await?;
    tokio::time::sleep(REST).await;
    let delivered = u32::try_from(watchers * events).unwrap_or(u32::MAX);
    Ok(served.cpu()?.saturating_sub(before) / delivered)
}

/// The floor's child and connections to it.
struct Floor {
    served: Served,
    connections: Vec<Connection>,
}

impl Floor {
    async fn start(
        options: &BenchOptions,
        keys: &BenchKeys,
        directory: &Path,
        files: &[(&str, Vec<u8>)],
    ) -> Result<Self, String> {
        let served = floor::start(keys, directory, files).await?;
        let connections = served.connections(keys, options.is_http2, options.connections).await?;
        Ok(Self { served, connections })
    }

    /// Figures of the server, with what the same bytes cost the floor.
    async fn beside(
        &mut self,
        operation: BenchOperation,
        figures: Figures,
        count: usize,
        width: usize,
        request: impl Fn(usize) -> BenchRequest + Send + Sync + 'static,
    ) -> Result<Measured, String> {
        let to_file = move |index: usize| request(index).with_file(operation.file());
        let least = run_on(&self.served, &mut self.connections, width, count, to_file).await?;
        Ok(Measured { operation, figures, floor: Some(least.cpu) })
    }
}

/// Makes requests on so many of the connections.
async fn run_on(
    served: &Served,
    connections: &mut Vec<Connection>,
    width: usize,
    count: usize,
    request: impl Fn(usize) -> BenchRequest + Send + Sync + 'static,
) -> Result<Figures, String> {
    let mut some: Vec<_> = connections.drain(..width.min(connections.len())).collect();
    let figures = measure::run(served, &mut some, count, request).await?;
    connections.append(&mut some);
    Ok(figures)
}

/// A patch of one pod's status; the turn makes it another than the last.
fn status_patch(index: usize, pods: usize, turn: usize) -> BenchRequest {
    let path = format!("{}/status", pods::path(index % pods));
    BenchRequest::merge_patch(path, pods::status_json(index % pods, turn + index / pods))
}

/// Operations that are GETs.
const READS: [BenchOperation; 5] = [
    BenchOperation::Get,
    BenchOperation::ListAll,
    BenchOperation::ListPage,
    BenchOperation::ListByNode,
    BenchOperation::ListByLabel,
];

impl BenchOperation {
    /// The path of the GET with a number.
    fn path(self, index: usize) -> String {
        match self {
            Self::Get | Self::Create | Self::StatusPatch | Self::WatchEvent => {
                // One pod of each namespace, so that a path exists however few pods there are.
                pods::path(index % pods::NAMESPACES)
            }
            Self::ListAll => "/api/v1/pods".into(),
            Self::ListPage => format!("/api/v1/pods?limit={PAGE_ITEMS}"),
            Self::ListByNode => {
                format!("/api/v1/pods?fieldSelector=spec.nodeName%3D{}", pods::node(index))
            }
            Self::ListByLabel => format!("/api/v1/pods?labelSelector=app%3D{}", pods::label(index)),
        }
    }

    /// The value of `--only` that it belongs to.
    fn choice(self) -> &'static str {
        match self {
            Self::Create | Self::Get => options::GET,
            Self::ListAll | Self::ListPage | Self::ListByNode | Self::ListByLabel => options::LISTS,
            Self::StatusPatch => options::PATCH,
            Self::WatchEvent => options::WATCH,
        }
    }

    /// The name of the file with the same bytes.
    fn file(self) -> &'static str {
        match self {
            Self::Get | Self::Create | Self::StatusPatch => "pod",
            Self::WatchEvent => "event",
            Self::ListAll => "all",
            Self::ListPage => "page",
            Self::ListByNode => "node",
            Self::ListByLabel => "label",
        }
    }
}

/// The first resource version in a list: the list's own.
fn resource_version(list: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(list).ok()?;
    let (_, rest) = text.split_once("\"resourceVersion\":\"")?;
    rest.split_once('"')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_lists_own_version_comes_first() {
        let items = r#"[{"metadata":{"resourceVersion":"7"}}]"#;
        let list = format!(r#"{{"kind":"PodList","metadata":{{"resourceVersion":"42"}},"items":{items}}}"#);
        assert_eq!(super::resource_version(list.as_bytes()), Some(42));
        assert_eq!(super::resource_version(b"{}"), None);
    }
}

//! The server's counters, and their text for `/metrics`.
//!
//! Names and labels are upstream's, so that existing dashboards and alerts work.
//! k8s: staging/src/k8s.io/apiserver/pkg/endpoints/metrics/metrics.go

mod health;
pub(crate) mod histogram;
mod machine;
mod process;
mod store;
mod text;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use steersman_core::answer::{HealthResults, MetricsPage};
use steersman_core::config::{Answered, Note};
use steersman_core::limits;
use steersman_core::now::Wall;
use steersman_core::store::Op;
use steersman_core::value::Text;
use steersman_core::wire::Method;
use steersman_core::world::World;

use crate::shell::Shell;
use health::HealthChecks;
use histogram::Histogram;
pub(crate) use machine::TurnTimes;
use text::MetricsWriter;

/// Upper bounds of the histograms of requests and of store operations, seconds.
/// k8s: staging/src/k8s.io/apiserver/pkg/storage/etcd3/metrics/metrics.go
static SECONDS_BOUNDS: &[f64] = &[
    0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0,
    20.0, 30.0, 45.0, 60.0,
];
/// All counters of the server.
#[derive(Debug)]
pub struct Metrics {
    version: Text,
    started: Wall,
    requests: Mutex<HashMap<RequestLabels, RequestSeries>>,
    watches: Mutex<BTreeMap<Text, WatchSeries>>,
    /// How many watches have ended, by the reason.
    watch_ends: Mutex<BTreeMap<Text, u64>>,
    /// How often aggregated APIs have become unavailable, by API service and reason.
    unavailable_apis: Mutex<BTreeMap<(Text, Text), u64>>,
    operations: Mutex<BTreeMap<&'static str, Histogram>>,
    health: Mutex<HealthChecks>,
    in_flight: [AtomicI64; 2],
    streams: AtomicI64,
    panics: AtomicI64,
    feeds_lost: AtomicI64,
    unknown_outcomes: AtomicI64,
    undecodable: AtomicI64,
}

/// The labels of a request, without the code.
#[derive(Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Clone)]
struct RequestLabels {
    verb: Text,
    group: Text,
    version: Text,
    resource: Text,
    subresource: Text,
    scope: &'static str,
    dry_run: &'static str,
}

#[derive(Debug)]
struct RequestSeries {
    by_code: Vec<(u16, u64)>,
    seconds: Histogram,
}

#[derive(Debug, Default)]
struct WatchSeries {
    ended: u64,
    events: u64,
}

/// Which limit of concurrent requests a request counts against.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RequestKind {
    ReadOnly,
    Mutating,
}

impl RequestKind {
    pub(crate) fn of(method: &Method) -> Self {
        match method {
            Method::Get | Method::Head | Method::Options => Self::ReadOnly,
            Method::Post | Method::Put | Method::Patch | Method::Delete | Method::Other(_) => Self::Mutating,
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::ReadOnly => "readOnly",
            Self::Mutating => "mutating",
        }
    }
}

impl Metrics {
    /// `version` is the server's gitVersion.
    pub fn new(version: &str) -> Self {
        Self {
            version: version.into(),
            started: crate::clock::wall_now(),
            requests: Mutex::default(),
            watches: Mutex::default(),
            watch_ends: Mutex::default(),
            unavailable_apis: Mutex::default(),
            operations: Mutex::default(),
            health: Mutex::default(),
            in_flight: [AtomicI64::new(0), AtomicI64::new(0)],
            streams: AtomicI64::new(0),
            panics: AtomicI64::new(0),
            feeds_lost: AtomicI64::new(0),
            unknown_outcomes: AtomicI64::new(0),
            undecodable: AtomicI64::new(0),
        }
    }

    /// Counts the results of health checks.
    pub(crate) fn health_checked(&self, results: &HealthResults) {
        lock(&self.health).add(results);
    }

    /// Resets the counters of a page.
    pub(crate) fn reset(&self, page: MetricsPage) {
        match page {
            MetricsPage::HealthChecks => *lock(&self.health) = HealthChecks::default(),
            MetricsPage::General => {
                lock(&self.requests).clear();
                lock(&self.watches).clear();
                lock(&self.watch_ends).clear();
                lock(&self.unavailable_apis).clear();
                lock(&self.operations).clear();
            }
        }
    }

    /// Counts a note of the machine.
    pub(crate) fn note(&self, note: &Note) {
        match note {
            Note::Answered(answered) => self.answered(answered),
            Note::WatchEnded { resource, events, why } => {
                let mut ends = lock(&self.watch_ends);
                if ends.len() < limits::METRIC_SERIES || ends.contains_key(why) {
                    *ends.entry(why.clone()).or_default() += 1;
                }
                drop(ends);
                let mut watches = lock(&self.watches);
                if watches.len() < limits::METRIC_SERIES || watches.contains_key(resource) {
                    let series = watches.entry(resource.clone()).or_default();
                    series.ended += 1;
                    series.events += events;
                }
            }
            Note::RemoteApiUnavailable { name, reason } => {
                let mut unavailable = lock(&self.unavailable_apis);
                let key = (name.clone(), reason.clone());
                if unavailable.len() < limits::METRIC_SERIES || unavailable.contains_key(&key) {
                    *unavailable.entry(key).or_default() += 1;
                }
            }
            Note::Listed { .. }
            | Note::TunnelEnded(_)
            | Note::OldEvents { .. }
            | Note::Served { .. }
            | Note::Withdrawn { .. }
            | Note::NotServed { .. }
            | Note::Refused { .. }
            | Note::LegacyTokenUsed(_)
            | Note::Ready => {}
            Note::FeedLost { .. } => count(&self.feeds_lost, 1),
            Note::Undecodable { .. } => count(&self.undecodable, 1),
            Note::UnknownOutcome { .. } => count(&self.unknown_outcomes, 1),
            Note::Panicked { .. } => count(&self.panics, 1),
        }
    }

    fn answered(&self, answered: &Answered) {
        let labels = RequestLabels {
            verb: answered.verb.clone(),
            group: answered.group.clone(),
            version: answered.version.clone(),
            resource: answered.resource.clone(),
            subresource: answered.subresource.clone(),
            scope: answered.scope,
            dry_run: answered.dry_run,
        };
        let mut requests = lock(&self.requests);
        let is_full = requests.len() >= limits::METRIC_SERIES;
        let series = match requests.get_mut(&labels) {
            Some(series) => series,
            None if is_full => return,
            None => requests.entry(labels).or_insert_with(RequestSeries::new),
        };
        series.seconds.observe(Duration::from_micros(answered.micros));
        match series.by_code.iter_mut().find(|(code, _)| *code == answered.code) {
            Some((_, total)) => *total += 1,
            None => series.by_code.push((answered.code, 1)),
        }
    }

    pub(crate) fn request_began(&self, kind: RequestKind) {
        count(&self.in_flight[kind as usize], 1);
    }

    pub(crate) fn request_ended(&self, kind: RequestKind) {
        count(&self.in_flight[kind as usize], -1);
    }

    pub(crate) fn stream_began(&self) {
        count(&self.streams, 1);
    }

    pub(crate) fn stream_ended(&self) {
        count(&self.streams, -1);
    }

    /// Counts an operation on a store, and how long it took.
    pub(crate) fn stored(&self, operation: &'static str, took: Duration) {
        lock(&self.operations)
            .entry(operation)
            .or_insert_with(|| Histogram::new(SECONDS_BOUNDS))
            .observe(took);
    }

    /// A page of metrics in Prometheus' text format, version 0.0.4.
    pub(crate) fn text(&self, shell: &Shell, page: MetricsPage) -> String {
        let mut out = MetricsWriter::default();
        match page {
            MetricsPage::HealthChecks => lock(&self.health).write(&mut out),
            MetricsPage::General => self.write_general(&mut out, shell),
        }
        out.into_text()
    }

    fn write_general(&self, out: &mut MetricsWriter, shell: &Shell) {
        self.write_requests(out);
        self.write_streams(out);
        let world = shell.world();
        write_objects(out, &world);
        self.write_remote_apis(out, &world);
        out.head("steersman_form_bytes", "gauge", "Bytes kept of objects in other versions and shapes.");
        out.sample("steersman_form_bytes", &[], shell.world().form_bytes());
        self.write_store(out, shell);
        store::write(out, shell.store_figures());
        machine::write(out, &shell.turn_times(), &shell.collection_figures());
        self.write_faults(out);
        out.head("kubernetes_build_info", "gauge", "The version that is served, with the constant value 1.");
        out.sample("kubernetes_build_info", &[("git_version", &self.version)], 1);
        process::write(out, self.started);
    }

    /// Which aggregated APIs are not available, and how often each of them has become so.
    /// k8s: staging/src/k8s.io/kube-aggregator/pkg/controllers/status/metrics/metrics.go
    fn write_remote_apis(&self, out: &mut MetricsWriter, world: &World) {
        let name = "aggregator_unavailable_apiservice";
        out.head(name, "gauge", "Aggregated APIs that are not available.");
        for api in world.indexes().remote_apis().iter() {
            out.sample(name, &[("name", &api.name)], u64::from(!api.is_available));
        }
        let name = "aggregator_unavailable_apiservice_total";
        out.head(name, "counter", "How often aggregated APIs have become unavailable, by reason.");
        for ((api, reason), total) in lock(&self.unavailable_apis).iter() {
            out.sample(name, &[("name", api), ("reason", reason)], total);
        }
    }

    fn write_requests(&self, out: &mut MetricsWriter) {
        let requests = lock(&self.requests);
        let mut sorted: Vec<_> = requests.iter().collect();
        sorted.sort_by_key(|(labels, _)| *labels);
        out.head(
            "apiserver_request_total",
            "counter",
            "Requests answered, by what was asked and the status code.",
        );
        for (labels, series) in &sorted {
            for (code, total) in &series.by_code {
                let code = code.to_string();
                let mut pairs = labels.pairs();
                pairs.insert(0, ("code", &code));
                out.sample("apiserver_request_total", &pairs, total);
            }
        }
        let name = "apiserver_request_duration_seconds";
        out.head(name, "histogram", "Time from a request's arrival to its answer.");
        for (labels, series) in &sorted {
            out.histogram(name, &labels.pairs(), &series.seconds);
        }
        let name = "apiserver_current_inflight_requests";
        out.head(name, "gauge", "Requests under way, without watches.");
        for kind in [RequestKind::Mutating, RequestKind::ReadOnly] {
            out.sample(name, &[("request_kind", kind.label())], load(&self.in_flight[kind as usize]));
        }
    }

    fn write_streams(&self, out: &mut MetricsWriter) {
        out.head("apiserver_longrunning_requests", "gauge", "Watches that are open.");
        let labels = [("component", "apiserver"), ("verb", "WATCH")];
        out.sample("apiserver_longrunning_requests", &labels, load(&self.streams));
        let watches = lock(&self.watches);
        out.head("apiserver_watch_events_total", "counter", "Events sent by watches that have ended.");
        for (resource, series) in watches.iter() {
            out.sample("apiserver_watch_events_total", &[("resource", resource)], series.events);
        }
        out.head("steersman_watches_ended_total", "counter", "Watches that have ended.");
        for (resource, series) in watches.iter() {
            out.sample("steersman_watches_ended_total", &[("resource", resource)], series.ended);
        }
        let name = "steersman_watch_ends_total";
        out.head(name, "counter", "Watches that have ended, by why they did.");
        for (reason, total) in lock(&self.watch_ends).iter() {
            out.sample(name, &[("reason", reason)], total);
        }
    }

    fn write_store(&self, out: &mut MetricsWriter, shell: &Shell) {
        out.head("apiserver_storage_size_bytes", "gauge", "Bytes that the store holds on disk.");
        for (feed, bytes) in shell.store_sizes().enumerate() {
            let cluster = format!("etcd-{feed}");
            out.sample("apiserver_storage_size_bytes", &[("storage_cluster_id", &cluster)], bytes);
        }
        let name = "etcd_request_duration_seconds";
        out.head(name, "histogram", "Time that operations on the store took, by operation.");
        for (operation, seconds) in lock(&self.operations).iter() {
            out.histogram(name, &[("operation", operation)], seconds);
        }
    }

    fn write_faults(&self, out: &mut MetricsWriter) {
        let faults = [
            ("steersman_request_panics_total", "Requests that ended in a panic.", &self.panics),
            (
                "steersman_feeds_lost_total",
                "Times that the store's event stream broke off.",
                &self.feeds_lost,
            ),
            (
                "steersman_unknown_outcomes_total",
                "Writes of which the store lost the outcome.",
                &self.unknown_outcomes,
            ),
            ("steersman_undecodable_values_total", "Stored values that are not served.", &self.undecodable),
        ];
        for (name, help, counter) in faults {
            out.head(name, "counter", help);
            out.sample(name, &[], load(counter));
        }
    }
}

/// The number of objects, under the metric's current name and its former one.
fn write_objects(out: &mut MetricsWriter, world: &World) {
    let rows = || {
        world.collections().filter_map(|collection| {
            let kind = world.registry.stored(collection.storage)?;
            let objects = world.cache(collection.storage)?.entries().len();
            Some((kind.group.as_str(), kind.plural.as_str(), objects))
        })
    };
    out.head("apiserver_resource_objects", "gauge", "Objects, by resource.");
    for (group, plural, count) in rows() {
        out.sample("apiserver_resource_objects", &[("group", group), ("resource", plural)], count);
    }
    out.head("apiserver_storage_objects", "gauge", "Objects, by resource and group in one.");
    for (group, plural, count) in rows() {
        let resource = if group.is_empty() { plural.to_owned() } else { format!("{plural}.{group}") };
        out.sample("apiserver_storage_objects", &[("resource", &resource)], count);
    }
}

impl RequestLabels {
    fn pairs(&self) -> Vec<(&'static str, &str)> {
        vec![
            ("component", "apiserver"),
            ("dry_run", self.dry_run),
            ("group", &self.group),
            ("resource", &self.resource),
            ("scope", self.scope),
            ("subresource", &self.subresource),
            ("verb", &self.verb),
            ("version", &self.version),
        ]
    }
}

impl RequestSeries {
    fn new() -> Self {
        Self { by_code: Vec::with_capacity(1), seconds: Histogram::new(SECONDS_BOUNDS) }
    }
}

/// Upstream's name of an operation in its metrics.
pub(crate) fn operation_name(op: &Op) -> &'static str {
    match op {
        Op::Range(range) if range.end.is_none() => "get",
        Op::Range(_) => "list",
        Op::Txn(_) => "txn",
        Op::Compact(_) => "compact",
        Op::LeaseGrant { .. } => "leaseGrant",
        Op::LeaseRevoke(_) => "leaseRevoke",
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn count(counter: &AtomicI64, by: i64) {
    counter.fetch_add(by, Ordering::Relaxed);
}

fn load(counter: &AtomicI64) -> i64 {
    counter.load(Ordering::Relaxed)
}

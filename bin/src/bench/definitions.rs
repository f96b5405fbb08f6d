//! Definitions of custom resources: how soon each is served, what many of them cost, and what their objects cost beside
//! ConfigMaps of the same size.

use std::path::Path;
use std::time::{Duration, Instant};

use steersman_core::codec::json;
use steersman_core::schema::structural::{RULES_COST, RuleValidator, RuledValue, Structural};
use steersman_core::status::Causes;
use steersman_io::load::{Connection, Method};

use super::child::{BenchKeys, Served};
use super::measure::{self, BenchRequest, Figures, percentiles};
use super::options::BenchOptions;
use super::start_server;

/// A pause before memory or work is measured, so that the server finishes what it does.
const REST: Duration = Duration::from_millis(500);
/// How often a collection is asked for until it is served.
const POLL: Duration = Duration::from_millis(1);
/// How long a definition may take until it is served.
const SERVED_TIMEOUT: Duration = Duration::from_secs(30);
/// Definitions that are created one after the other, each when the one before is served.
const ONE_BY_ONE: usize = 200;
/// Groups over which the definitions are spread.
const GROUPS: usize = 50;
/// Objects and ConfigMaps that are created without being measured first, so that what is read and compiled for the
/// first object of a kind is there.
const WARM_UP: usize = 50;
/// How many items of a ConfigMap hold its text.
const ITEMS: usize = 8;
/// Applications of the rule that is measured alone.
const EVALUATIONS: u32 = 1_000_000;

/// The schema of each definition: 200 lines as YAML, ten rules.
const SCHEMA: &str = include_str!("schema.json");

/// A rule that compares two fields.
const COMPARED_SCHEMA: &str = r#"{"type":"object","properties":{"spec":{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"}},"x-kubernetes-validations":[{"rule":"self.a <= self.b"}]}}}"#;

/// What definitions cost.
#[derive(Clone, Debug)]
pub(super) struct DefinitionFigures {
    pub(super) count: usize,
    /// From sending a definition to the first answer of its collection: half, nine tenths and 99 of 100 took at most.
    pub(super) served: [Duration; 3],
    /// CPU time for each definition, from its creation until it is served. Those of `served` are not in it, since
    /// asking for their collections costs CPU time too.
    pub(super) cpu: Duration,
    pub(super) idle_bytes: u64,
    /// With all definitions, none of which has an object.
    pub(super) full_bytes: u64,
    pub(super) object: Figures,
    pub(super) config_map: Figures,
    /// From the start of a server on the store with all definitions to `/readyz`, and to the answers of all
    /// collections.
    pub(super) restart: [Duration; 2],
    /// CPU time of this start.
    pub(super) restart_cpu: Duration,
    pub(super) restart_bytes: u64,
    /// One application of the rule `self.a <= self.b` to an object.
    pub(super) comparison: Duration,
}

/// Starts a server and measures all of it.
pub(super) async fn measure(
    options: &BenchOptions,
    keys: &BenchKeys,
    directory: &Path,
) -> Result<DefinitionFigures, String> {
    let count = options.definitions;
    if options.storage != "embedded" {
        return Err("definitions are measured with a store that outlives its server".into());
    }
    let server = start_server(options, keys, directory).await?;
    tokio::time::sleep(REST).await;
    let idle_bytes = server.resident_bytes()?;
    let mut connections = server.connections(keys, options.is_http2, options.connections).await?;
    let single = connections.first_mut().ok_or("no connection")?;
    let mut latencies = Vec::new();
    for index in 0..count.min(ONE_BY_ONE) {
        latencies.push(create_and_wait(single, index).await?);
    }
    let served = percentiles(latencies);
    let cpu = create_others(&server, &mut connections, count).await?;
    await_all(&mut connections, count).await?;
    tokio::time::sleep(REST).await;
    let full_bytes = server.resident_bytes()?;
    drop((connections, server));
    let began = Instant::now();
    let server = start_server(options, keys, directory).await?;
    let mut connections = server.connections(keys, options.is_http2, options.connections).await?;
    await_all(&mut connections, count).await?;
    let restart = [server.start, began.elapsed()];
    let restart_cpu = server.cpu()?;
    tokio::time::sleep(REST).await;
    let restart_bytes = server.resident_bytes()?;
    let object = create_objects(options, &server, &mut connections, object).await?;
    let stored_bytes = usize::try_from(object.bytes).unwrap_or(0);
    let config_map = move |index: usize| config_map(index, stored_bytes);
    let config_map = create_objects(options, &server, &mut connections, config_map).await?;
    let comparison = comparison()?;
    Ok(DefinitionFigures {
        count,
        served,
        cpu,
        idle_bytes,
        full_bytes,
        object,
        config_map,
        restart,
        restart_cpu,
        restart_bytes,
        comparison,
    })
}

/// Creates one definition and asks for its collection until it is there.
async fn create_and_wait(connection: &mut Connection, index: usize) -> Result<Duration, String> {
    let BenchRequest { path, upload, status, .. } = definition(index);
    let began = Instant::now();
    let answer = connection.send(Method::POST, &path, &upload).await?;
    if answer.status != status {
        return Err(format!("POST {path}: status {}", answer.status));
    }
    await_served(connection, index, began).await
}

/// Asks for the collection of a definition until it is there, and returns how long that took since a moment.
async fn await_served(connection: &mut Connection, index: usize, since: Instant) -> Result<Duration, String> {
    let path = format!("/apis/{}/v1/{}", group(index), plural(index));
    let began = Instant::now();
    loop {
        match connection.fetch(&path).await?.0 {
            200 => return Ok(since.elapsed()),
            404 if began.elapsed() < SERVED_TIMEOUT => tokio::time::sleep(POLL).await,
            status => return Err(format!("GET {path}: status {status} after {:?}", began.elapsed())),
        }
    }
}

async fn await_all(connections: &mut [Connection], count: usize) -> Result<(), String> {
    let connection = connections.first_mut().ok_or("no connection")?;
    for index in 0..count {
        await_served(connection, index, Instant::now()).await?;
    }
    Ok(())
}

/// Creates the definitions that were not created one by one, and returns the CPU time for each; zero if there are none.
async fn create_others(
    server: &Served,
    connections: &mut Vec<Connection>,
    count: usize,
) -> Result<Duration, String> {
    let first = count.min(ONE_BY_ONE);
    let others = count - first;
    if others == 0 {
        return Ok(Duration::ZERO);
    }
    let before = server.cpu()?;
    measure::run(server, connections, others, move |index| definition(first + index)).await?;
    tokio::time::sleep(REST).await;
    Ok(server.cpu()?.saturating_sub(before) / u32::try_from(others).unwrap_or(u32::MAX))
}

async fn create_objects(
    options: &BenchOptions,
    server: &Served,
    connections: &mut Vec<Connection>,
    request: impl Fn(usize) -> BenchRequest + Copy + Send + Sync + 'static,
) -> Result<Figures, String> {
    measure::run(server, connections, WARM_UP, request).await?;
    measure::run(server, connections, options.requests, move |index| request(WARM_UP + index)).await
}

fn group(index: usize) -> String {
    format!("team-{:02}.example.com", index % GROUPS)
}

fn plural(index: usize) -> String {
    format!("clusters{index:04}")
}

fn definition(index: usize) -> BenchRequest {
    let (group, plural) = (group(index), plural(index));
    let names = format!(r#"{{"plural":"{plural}","kind":"Cluster{index:04}","categories":["all"]}}"#);
    let column = r#"{"name":"Phase","type":"string","jsonPath":".status.phase"}"#;
    let version = format!(
        r#"{{"name":"v1","served":true,"storage":true,"schema":{{"openAPIV3Schema":{SCHEMA}}},"subresources":{{"status":{{}}}},"additionalPrinterColumns":[{column}]}}"#
    );
    let spec =
        format!(r#"{{"group":"{group}","names":{names},"scope":"Namespaced","versions":[{version}]}}"#);
    let head = r#""apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition""#;
    let json = format!(r#"{{{head},"metadata":{{"name":"{plural}.{group}"}},"spec":{spec}}}"#);
    BenchRequest::post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions".into(), json)
}

/// An object of the first definition that uses most of its schema.
fn object(index: usize) -> BenchRequest {
    let (group, plural) = (group(0), plural(0));
    let spec = r#"{"engine":"postgres","version":"16.2","replicas":3,"resources":{"limits":{"cpu":"2","memory":"4Gi"},"requests":{"cpu":"500m","memory":"2Gi"}},"listeners":[{"name":"admin","port":8443,"tls":{"mode":"Terminate","secret":"admin-tls"}},{"name":"clients","port":5432,"protocol":"TCP"},{"name":"metrics","port":9187}],"storage":{"size":"20Gi","className":"fast"},"backup":{"schedule":"0 3 * * *","retention":30,"bucket":"backups","until":"2030-01-01T00:00:00Z"},"settings":{"max_connections":"200","shared_buffers":"1GB","work_mem":"16MB","wal_level":"logical"}}"#;
    let metadata = format!(
        r#"{{"name":"cluster-{index:06}","namespace":"default","labels":{{"app":"cluster","team":"team-{}"}}}}"#,
        index % 7
    );
    let head = format!(r#""apiVersion":"{group}/v1","kind":"Cluster0000","metadata":{metadata}"#);
    BenchRequest::post(
        format!("/apis/{group}/v1/namespaces/default/{plural}"),
        format!("{{{head},\"spec\":{spec}}}"),
    )
}

/// A ConfigMap that takes so many bytes in an answer, about.
fn config_map(index: usize, answer_bytes: usize) -> BenchRequest {
    /// Bytes that are not text of its items: metadata with managed fields.
    const OTHERS: usize = 750;
    let each = answer_bytes.saturating_sub(OTHERS) / ITEMS;
    let text: String = "setting = value of it; ".chars().cycle().take(each).collect();
    let items: Vec<String> = (0..ITEMS).map(|item| format!(r#""item-{item}":"{text}""#)).collect();
    let metadata = format!(
        r#"{{"name":"settings-{index:06}","namespace":"default","labels":{{"app":"cluster","team":"team-{}"}}}}"#,
        index % 7
    );
    let json = format!(
        r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{metadata},"data":{{{}}}}}"#,
        items.join(",")
    );
    BenchRequest::post("/api/v1/namespaces/default/configmaps".into(), json)
}

/// The time that a rule of a definition takes that compares two fields, in this process.
fn comparison() -> Result<Duration, String> {
    let parsed =
        |text: &str| json::parse(text.as_bytes()).map(|parsed| parsed.value).map_err(|error| error.0);
    let schema = Structural::read(&parsed(COMPARED_SCHEMA)?);
    let object = parsed(r#"{"spec":{"a":3,"b":4}}"#)?;
    let validator = RuleValidator::new(&schema, true).ok_or("a schema without rules")?;
    let (mut causes, mut warnings) = (Causes::new(), Vec::new());
    let began = Instant::now();
    for _ in 0..EVALUATIONS {
        let value = RuledValue { new: &object, old: None, is_ratcheted: false };
        validator.apply(&schema, value, "", RULES_COST, &mut causes, &mut warnings);
    }
    let took = began.elapsed() / EVALUATIONS;
    if causes.is_empty() { Ok(took) } else { Err("a true rule has failed".into()) }
}

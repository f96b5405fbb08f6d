//! What `steersman bench` is told.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use super::pods;

/// How much is done, and where the report goes.
#[derive(Clone, Debug)]
pub(super) struct BenchOptions {
    pub(super) pods: usize,
    /// Requests of each small operation.
    pub(super) requests: usize,
    /// Full lists, and rounds through all pages.
    pub(super) lists: usize,
    pub(super) watchers: usize,
    /// Watches that share a connection; only HTTP/2 allows more than one.
    pub(super) streams: usize,
    /// Bytes of a pod as it is sent back, about.
    pub(super) pod_bytes: usize,
    /// The small operations to measure; the pods are created in any case.
    pub(super) only: Vec<String>,
    pub(super) events: usize,
    pub(super) connections: usize,
    pub(super) is_http2: bool,
    /// Roles and as many bindings, besides those of the client; 0: the server allows everything.
    pub(super) roles: usize,
    /// Definitions of custom resources, which are measured instead of pods; 0: pods.
    pub(super) definitions: usize,
    /// The value of the server's `--storage`.
    pub(super) storage: String,
    pub(super) output: Option<PathBuf>,
}

/// The values of `--only`.
pub(super) const GET: &str = "get";
pub(super) const LISTS: &str = "lists";
pub(super) const PATCH: &str = "patch";
pub(super) const WATCH: &str = "watch";

/// Items of one page.
pub(super) const PAGE_ITEMS: usize = 500;

impl BenchOptions {
    pub(super) fn from_matches(matches: &ArgMatches) -> Self {
        let is_quick = matches.get_flag("quick");
        let number = |name: &str| matches.get_one::<u32>(name).map(|number| (*number).max(1) as usize);
        Self {
            pods: number("pods").unwrap_or(if is_quick { 600 } else { 10_000 }),
            requests: if is_quick { 500 } else { 20_000 },
            lists: if is_quick { 2 } else { 10 },
            watchers: number("watchers").unwrap_or(if is_quick { 20 } else { 500 }),
            streams: number("streams").unwrap_or(1),
            pod_bytes: number("pod-bytes").unwrap_or(pods::POD_BYTES),
            only: matches.get_many::<String>("only").into_iter().flatten().cloned().collect(),
            events: number("events").unwrap_or(if is_quick { 20 } else { 200 }),
            connections: number("connections").unwrap_or(8),
            is_http2: matches.get_flag("http2"),
            roles: matches.get_one::<u32>("roles").map_or(0, |roles| *roles as usize),
            definitions: matches.get_one::<u32>("definitions").map_or(0, |count| *count as usize),
            storage: matches.get_one::<String>("storage").cloned().unwrap_or_default(),
            output: matches.get_one::<PathBuf>("output").cloned(),
        }
    }

    /// Whether the operations of this name are measured.
    pub(super) fn measures(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|one| one == name)
    }
}

pub(super) fn command() -> Command {
    let number = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_parser(value_parser!(u32)).value_name("N").help(help)
    };
    let flag = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
    };
    Command::new("bench")
        .about("Measure what operations cost a server, beside a server that only sends the same bytes")
        .arg(flag("quick", "Small numbers, to see that it runs"))
        .arg(number("pods", "Pods to create [default: 10000]"))
        .arg(number("watchers", "Watches for the fan-out [default: 500]"))
        .arg(
            number("streams", "Watches that share a connection, with --http2 [default: 1]").requires("http2"),
        )
        .arg(number("events", "Changes that all watches are told of [default: 200]"))
        .arg(number("pod-bytes", "Bytes of a pod [default: 5500]"))
        .arg(
            Arg::new("only")
                .long("only")
                .value_delimiter(',')
                .value_parser([GET, LISTS, PATCH, WATCH])
                .help("Measure only these operations, beside the creation of the pods"),
        )
        .arg(number("connections", "Connections for small requests [default: 8]"))
        .arg(flag("http2", "Speak HTTP/2"))
        .arg(number(
            "roles",
            "Authorize by RBAC, with so many roles and bindings, a client who is no administrator",
        ))
        .arg(
            number(
                "definitions",
                "Measure so many definitions of custom resources and objects of one, no pods",
            )
            .conflicts_with_all(["roles", "only", "pods", "watchers", "events"]),
        )
        .arg(
            Arg::new("storage")
                .long("storage")
                .default_value("embedded")
                .value_parser(["embedded", "memory"])
                .help("Where the server keeps objects"),
        )
        .arg(
            Arg::new("output")
                .long("output")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .help("Where the report goes, besides standard output"),
        )
}

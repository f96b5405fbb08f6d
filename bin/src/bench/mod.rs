//! `steersman bench`: starts a server, loads it from outside, and reports the cost of its operations, beside the cost
//! of only sending the same bytes.

mod child;
mod definitions;
mod floor;
mod measure;
mod operations;
mod options;
mod pods;
mod report;
mod roles;
mod watchers;

use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{ArgMatches, Command};

use crate::serve::{complain, print};
use child::{BenchKeys, Served};
use options::BenchOptions;

/// The subcommands: the measurement, and the server that it starts beside.
pub(crate) fn commands() -> [Command; 2] {
    [options::command(), floor::command()]
}

/// Runs the measurement.
pub(crate) fn main(matches: &ArgMatches) -> ExitCode {
    done(run(&BenchOptions::from_matches(matches)))
}

/// Runs the server that only sends bytes.
pub(crate) fn floor_main(matches: &ArgMatches) -> ExitCode {
    done(floor::run(matches))
}

fn done(result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("Error: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn run(options: &BenchOptions) -> Result<(), String> {
    steersman_io::descriptors::raise_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let directory = Directory::create()?;
    let report = runtime.block_on(measured(options, &directory.path))?;
    print(&report);
    match &options.output {
        Some(path) => std::fs::write(path, report).map_err(|error| format!("{}: {error}", path.display())),
        None => Ok(()),
    }
}

/// All measurements, as Markdown.
async fn measured(options: &BenchOptions, directory: &Path) -> Result<String, String> {
    let keys = BenchKeys::create(directory, if options.roles > 0 { roles::GROUP } else { child::ADMINS })?;
    if options.definitions > 0 {
        return Ok(report::of_definitions(&definitions::measure(options, &keys, directory).await?));
    }
    let server = start_server(options, &keys, directory).await?;
    roles::create(options, &keys, &server).await?;
    let results = operations::all(options, &keys, &server, directory).await?;
    Ok(report::markdown(options, &results))
}

async fn start_server(options: &BenchOptions, keys: &BenchKeys, directory: &Path) -> Result<Served, String> {
    let file = |name: &str| directory.join(name).display().to_string();
    let arguments = [
        "serve".to_owned(),
        format!("--data-dir={}", file("data")),
        format!("--storage={}", options.storage),
        "--bind-address=127.0.0.1".to_owned(),
        format!("--tls-cert-file={}", file("server.crt")),
        format!("--tls-private-key-file={}", file("server.key")),
        format!("--client-ca-file={}", file("ca.crt")),
        // No controller creates service accounts here.
        "--disable-admission-plugins=ServiceAccount".to_owned(),
        format!("--authorization-mode={}", if options.roles > 0 { "RBAC" } else { "AlwaysAllow" }),
    ];
    Served::start(keys, &arguments, "--secure-port", "/readyz").await
}

/// A directory that is removed with all its content when this is dropped.
struct Directory {
    path: PathBuf,
}

impl Directory {
    fn create() -> Result<Self, String> {
        let path = std::env::temp_dir().join(format!("steersman-bench-{}", std::process::id()));
        let created = std::fs::DirBuilder::new().mode(0o700).create(&path);
        created.map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self { path })
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.path) {
            complain(&format!("{}: {error}", self.path.display()));
        }
    }
}

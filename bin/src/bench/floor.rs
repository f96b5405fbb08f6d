//! The floor: a child that sends files from memory over the same TLS and HTTP libraries.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use clap::{Arg, ArgMatches, Command, value_parser};
use steersman_io::certificates;
use steersman_io::load::serve_directory;
use steersman_io::tls::{TlsOptions, server_config, version};

use super::child::{BenchKeys, Served};

pub(super) const NAME: &str = "bench-floor";

/// A file that is there before anything is measured.
const READY_FILE: &str = "ready";

/// Below the run's directory.
const FILES: &str = "files";

pub(super) fn command() -> Command {
    Command::new(NAME)
        .hide(true)
        .arg(Arg::new("directory").long("directory").value_parser(value_parser!(PathBuf)).required(true))
        .arg(Arg::new("port").long("port").value_parser(value_parser!(u16)).required(true))
}

/// Starts the child with files by name.
pub(super) async fn start(
    keys: &BenchKeys,
    directory: &Path,
    files: &[(&str, Vec<u8>)],
) -> Result<Served, String> {
    let folder = directory.join(FILES);
    let text = |error: std::io::Error| format!("{}: {error}", folder.display());
    std::fs::create_dir(&folder).map_err(text)?;
    for (name, bytes) in files {
        std::fs::write(folder.join(name), bytes).map_err(text)?;
    }
    std::fs::write(folder.join(READY_FILE), "ok").map_err(text)?;
    let arguments = [NAME.to_owned(), format!("--directory={}", directory.display())];
    Served::start(keys, &arguments, "--port", &format!("/{READY_FILE}")).await
}

/// Serves until a signal ends the process.
pub(super) fn run(matches: &ArgMatches) -> Result<(), String> {
    let directory: &PathBuf = matches.get_one("directory").expect("clap requires it");
    let port: u16 = *matches.get_one("port").expect("clap requires it");
    let tls = server_config(TlsOptions {
        default: certificates::load(&directory.join("server.crt"), &directory.join("server.key"))?,
        by_name: Vec::new(),
        oldest: version("")?,
        cipher_suites: Vec::new(),
        client_cas: None,
        disable_http2: false,
    })?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let served = runtime.block_on(async {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let listener = tokio::net::TcpListener::bind(address).await?;
        serve_directory(listener, tls, &directory.join(FILES)).await
    });
    served.map_err(|error| error.to_string())
}

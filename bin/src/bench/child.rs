//! The measured processes: this program in other roles, and their resource usage according to Linux.

use std::ffi::OsStr;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use steersman_io::certificates::{Authority, Issued, write_private};
use steersman_io::load::{Connection, LoadTarget};

/// How long a child may take until it answers.
const START_TIMEOUT: Duration = Duration::from_secs(60);
/// How often a starting child is asked whether it answers.
const START_POLL: Duration = Duration::from_millis(1);
/// How long a child that was told to end may take.
const END_TIMEOUT: Duration = Duration::from_secs(10);

/// The group of those who may do everything.
pub(super) const ADMINS: &str = "system:masters";

/// Certificates of a run: both children show one, and the client and an administrator have one.
pub(super) struct BenchKeys {
    authority: Authority,
    client: Issued,
    admin: Issued,
}

/// A child that serves. It is told to end when this is dropped.
pub(super) struct Served {
    child: Child,
    address: SocketAddr,
    /// From the start of the process to its first good answer.
    pub(super) start: Duration,
}

impl BenchKeys {
    /// Makes certificates, that of the client for a group, and writes what the children need: `ca.crt`, `server.crt`,
    /// `server.key`.
    pub(super) fn create(directory: &Path, group: &str) -> Result<Self, String> {
        let authority = Authority::create("steersman-bench")?;
        let server = authority.issue_server("kube-apiserver", &[], &[Ipv4Addr::LOCALHOST.into()])?;
        let client = authority.issue_client("bench", group)?;
        let admin = authority.issue_client("admin", ADMINS)?;
        write_private(&directory.join("ca.crt"), authority.certificate_pem())?;
        write_private(&directory.join("server.crt"), &server.chain_pem)?;
        write_private(&directory.join("server.key"), &server.key_pem)?;
        Ok(Self { authority, client, admin })
    }
}

impl Served {
    /// Starts this program with arguments that end with the port, and waits for a 200 on a path.
    pub(super) async fn start(
        keys: &BenchKeys,
        arguments: &[impl AsRef<OsStr>],
        port_flag: &str,
        ready_path: &str,
    ) -> Result<Self, String> {
        let address = free_address()?;
        let program = std::env::current_exe().map_err(|error| error.to_string())?;
        let began = Instant::now();
        let child = Command::new(program)
            .args(arguments)
            .arg(format!("{port_flag}={}", address.port()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .map_err(|error| error.to_string())?;
        let mut served = Self { child, address, start: Duration::ZERO };
        let target = served.target(keys, false)?;
        loop {
            if let Ok(mut connection) = target.connect().await
                && matches!(connection.fetch(ready_path).await, Ok((200, _)))
            {
                break;
            }
            if let Ok(Some(status)) = served.child.try_wait() {
                return Err(format!("the server ended before it was ready: {status}"));
            }
            if began.elapsed() > START_TIMEOUT {
                return Err(format!("no server within {START_TIMEOUT:?}"));
            }
            tokio::time::sleep(START_POLL).await;
        }
        served.start = began.elapsed();
        Ok(served)
    }

    pub(super) fn target(&self, keys: &BenchKeys, is_http2: bool) -> Result<LoadTarget, String> {
        LoadTarget::new(self.address, keys.authority.certificate(), &keys.client, is_http2)
    }

    /// A connection of the administrator.
    pub(super) async fn connections_of_admin(
        &self,
        keys: &BenchKeys,
        is_http2: bool,
    ) -> Result<Vec<Connection>, String> {
        let target = LoadTarget::new(self.address, keys.authority.certificate(), &keys.admin, is_http2)?;
        Ok(vec![target.connect().await?])
    }

    /// So many connections.
    pub(super) async fn connections(
        &self,
        keys: &BenchKeys,
        is_http2: bool,
        count: usize,
    ) -> Result<Vec<Connection>, String> {
        let target = self.target(keys, is_http2)?;
        let mut connections = Vec::with_capacity(count);
        for _ in 0..count {
            connections.push(target.connect().await?);
        }
        Ok(connections)
    }

    /// CPU time of all threads so far. Threads that have ended are not in it; servers keep theirs.
    pub(super) fn cpu(&self) -> Result<Duration, String> {
        let tasks = format!("/proc/{}/task", self.child.id());
        let mut nanos = 0;
        for task in std::fs::read_dir(&tasks).map_err(|error| format!("{tasks}: {error}"))? {
            let path = task.map_err(|error| error.to_string())?.path().join("schedstat");
            // A thread may end between the listing and the reading.
            let Ok(text) = std::fs::read_to_string(path) else { continue };
            let first = text.split_ascii_whitespace().next().and_then(|number| number.parse().ok());
            nanos += first.unwrap_or(0_u64);
        }
        Ok(Duration::from_nanos(nanos))
    }

    /// Resident memory, bytes.
    pub(super) fn resident_bytes(&self) -> Result<u64, String> {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib: Option<u64> = line.and_then(|line| line.split_ascii_whitespace().next()?.parse().ok());
        kib.map(|kib| kib * 1024).ok_or_else(|| format!("{path}: no VmRSS"))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // Both fail only when the child is already gone.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let deadline = Instant::now() + END_TIMEOUT;
        while Instant::now() < deadline {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_address() -> Result<SocketAddr, String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|error| error.to_string())?;
    listener.local_addr().map_err(|error| error.to_string())
}

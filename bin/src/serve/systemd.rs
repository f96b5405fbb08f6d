//! Tells the service manager that the server is ready, and from then on that it still answers, when it asked for that.
//! k8s: staging/src/k8s.io/apiserver/pkg/server/genericapiserver.go, systemd: sd_notify(3), sd_watchdog_enabled(3)

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::time::Duration;
use steersman_io::shell::Shell;

/// Sends `READY=1` to the socket that `NOTIFY_SOCKET` names, if any.
pub(super) fn notify_ready() -> std::io::Result<()> {
    notify(b"READY=1\n")
}

fn notify(state: &[u8]) -> std::io::Result<()> {
    let Some(path) = std::env::var_os("NOTIFY_SOCKET") else { return Ok(()) };
    let address = match path.as_encoded_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        _ => SocketAddr::from_pathname(&path)?,
    };
    UnixDatagram::unbound()?.send_to_addr(state, &address).map(drop)
}

/// Says again and again that the server answers, if the service manager asked this process for that. It is said only
/// when a thread of the runtime has taken the machine's lock, so a server that stands still is restarted. It never
/// returns.
pub(super) async fn keep_watchdog(shell: &Arc<Shell>) {
    let variable = |name| std::env::var(name).ok();
    let watchdog = watchdog(variable("WATCHDOG_USEC"), variable("WATCHDOG_PID"), std::process::id());
    let Some(longest) = watchdog else { return std::future::pending().await };
    loop {
        shell.open_requests();
        if let Err(error) = notify(b"WATCHDOG=1\n") {
            tracing::warn!(%error, "the service manager could not be told");
        }
        tokio::time::sleep(longest / 2).await;
    }
}

/// The longest silence that the service manager accepts of this process, if it watches it.
fn watchdog(micros: Option<String>, process: Option<String>, own: u32) -> Option<Duration> {
    let micros = micros?.parse().ok().filter(|micros: &u64| *micros > 0)?;
    let is_meant = process.is_none_or(|process| process.parse() == Ok(own));
    is_meant.then_some(Duration::from_micros(micros))
}

#[cfg(test)]
mod tests {
    use super::watchdog;
    use std::time::Duration;

    #[test]
    fn only_the_process_that_is_meant_is_watched() {
        let of = |micros: Option<&str>, process: Option<&str>| {
            watchdog(micros.map(str::to_owned), process.map(str::to_owned), 7)
        };
        assert_eq!(of(Some("30000000"), Some("7")), Some(Duration::from_secs(30)));
        assert_eq!(of(Some("30000000"), None), Some(Duration::from_secs(30)));
        assert_eq!(of(Some("30000000"), Some("8")), None);
        assert_eq!(of(Some("0"), None), None);
        assert_eq!(of(Some("soon"), None), None);
        assert_eq!(of(None, Some("7")), None);
    }
}

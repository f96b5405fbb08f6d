//! Shutdown: first the server is not ready, then it takes no new requests, then it is closed.
//! k8s: staging/src/k8s.io/apiserver/pkg/server/genericapiserver.go RunWithContext

use std::sync::Arc;
use std::time::Duration;

use steersman_core::machine::Drain;
use steersman_io::serve::Serving;
use steersman_io::shell::Shell;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::options::ServerSettings;

/// How long connections have to close after their requests have ended. An HTTP/2 client needs a second to react.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// How often to check whether all requests have ended.
const ANSWERED_POLL: Duration = Duration::from_millis(50);

/// How long the store may take to be told that this server ends, and how often to look whether it was.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(5);
const LEFT_POLL: Duration = Duration::from_millis(5);

/// The signals that end a server.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Handles the signals from here on, so that they no longer end the process by themselves.
    pub(super) fn take() -> Result<Self, String> {
        let taken = |kind| signal(kind).map_err(|error| error.to_string());
        Ok(Self { terminate: taken(SignalKind::terminate())?, interrupt: taken(SignalKind::interrupt())? })
    }

    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Ends the server. `/readyz` fails first, and during the delay everything is served, new connections too, so that
/// load balancers can react. Then new requests are refused, and running requests and watches are ended.
pub(super) async fn shut_down(shell: &Arc<Shell>, serving: Serving, options: &ServerSettings) {
    tracing::info!(delay = ?options.shutdown_delay, "shutting down: not ready, still serving");
    shell.initiate_shutdown();
    tokio::time::sleep(options.shutdown_delay).await;
    // What tells others that this server lives is removed first, so that nobody is led to it any more.
    let left = async {
        while shell.is_writing() {
            tokio::time::sleep(LEFT_POLL).await;
        }
    };
    if tokio::time::timeout(LEAVE_TIMEOUT, left).await.is_err() {
        tracing::warn!("the store was not told that this server ends");
    }
    tracing::info!("shutting down: no new requests");
    let watch_grace_millis = u64::try_from(options.watch_grace.as_millis()).unwrap_or(u64::MAX);
    shell.drain(Drain { watch_grace_millis, sends_retry_after: options.sends_retry_after });
    let most = options.request_timeout.saturating_add(options.watch_grace);
    if options.sends_retry_after {
        // New requests still get a 429, so the port stays open until all others have ended.
        let answered = async {
            while shell.open_requests() > 0 {
                tokio::time::sleep(ANSWERED_POLL).await;
            }
        };
        if tokio::time::timeout(most, answered).await.is_err() {
            tracing::warn!("requests are still under way");
        }
        serving.stop(CLOSE_TIMEOUT).await;
    } else {
        serving.stop(most).await;
    }
    shell.close().await;
    tracing::info!("shut down");
}

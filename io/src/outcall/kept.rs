//! Connections that are kept after a call for the next one to the same server, as Go's client does.
//! Go: net/http transport.go MaxIdleConns, IdleConnTimeout; k8s: staging/src/k8s.io/client-go/transport/cache.go

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::SendRequest;
use steersman_core::value::Text;
use steersman_core::wire::{Outcall, Trust};
use tokio::task::AbortHandle;
use tokio::time::Instant;

/// Connections that are kept without a call. Beyond: the one that was not used for the longest time is closed.
const KEPT_MAX: usize = 64;
/// How long a connection is kept without a call.
const IDLE: Duration = Duration::from_secs(90);

/// A connection, which ends with this value.
pub(super) struct KeptConnection {
    pub(super) sender: SendRequest<Full<Bytes>>,
    driver: AbortHandle,
}

impl KeptConnection {
    pub(super) fn new(sender: SendRequest<Full<Bytes>>, driver: AbortHandle) -> Self {
        Self { sender, driver }
    }
}

impl Drop for KeptConnection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// Whom a connection is with, and by whose word.
#[derive(Clone, PartialEq, Eq)]
struct Server {
    host: Text,
    port: u16,
    trust: Trust,
}

impl Server {
    fn of(call: &Outcall) -> Self {
        Self { host: call.host.clone(), port: call.port, trust: call.trust.clone() }
    }
}

/// The connections that nobody uses, at most `KEPT_MAX`; the oldest goes first.
#[derive(Default)]
pub(super) struct KeptConnections {
    held: Mutex<Vec<(Server, Instant, KeptConnection)>>,
}

impl KeptConnections {
    /// The connection that was used last of those with the server of a call.
    pub(super) fn take(&self, call: &Outcall) -> Option<KeptConnection> {
        let server = Server::of(call);
        // Nothing that can panic runs while the lock is held.
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|(_, since, connection)| since.elapsed() < IDLE && !connection.sender.is_closed());
        let at = held.iter().rposition(|(kept, ..)| *kept == server)?;
        Some(held.remove(at).2)
    }

    /// Keeps a connection whose call has been answered.
    pub(super) fn keep(&self, call: &Outcall, connection: KeptConnection) {
        if connection.sender.is_closed() {
            return;
        }
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= KEPT_MAX {
            held.remove(0);
        }
        held.push((Server::of(call), Instant::now(), connection));
    }

    /// Ends all that are kept, since whom calls trust has changed.
    pub(super) fn clear(&self) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

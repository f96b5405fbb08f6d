//! Calls to other servers, as jobs ask for them: over HTTP/1.1 and TLS, each with its own trust and within its own
//! time. No proxy is used and no redirect is followed. A call has a connection for itself; it is kept for the next call
//! that trusts the same, or for a tunnel if a job has asked for that and the server switches protocols.

mod exchange;
mod kept;
mod local;
mod message;
mod reach;
mod reason;
#[cfg(test)]
mod tests;
mod trusted;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use steersman_core::answer::Dial;
use steersman_core::config::JobId;
use steersman_core::limits;
use steersman_core::machine::Input;
use steersman_core::value::Text;
use steersman_core::wire::{CallError, Called, Outcall};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::certificates::Issued;
use crate::relay::ServerBody;
use crate::shell::Shell;
use crate::tls;
use crate::tunnel::ServerStream;
use kept::{KeptConnection, KeptConnections};
use local::HostHandlers;
pub(crate) use message::distrust;
use message::{broken, called, collect, request};
use trusted::Trusted;

/// The calls of one server.
pub(crate) struct OutcallClient {
    maker: Arc<Maker>,
    outstanding: Mutex<Outstanding>,
}

#[derive(Default)]
struct Outstanding {
    /// Calls that have no outcome yet, by job and by their place among the job's calls.
    calls: BTreeMap<(u64, u32), AbortHandle>,
    /// Connections that wait for the clients of their jobs.
    dialed: BTreeMap<u64, DialedConnection>,
}

/// A connection that is kept for a client after the head of an answer.
pub(crate) enum DialedConnection {
    /// The server has switched protocols.
    Stream(ServerStream),
    /// The body of its answer is arriving.
    Body(ServerBody),
}

/// What makes a call. It lives as long as the calls that use it.
struct Maker {
    trusted: Trusted,
    kept: KeptConnections,
    local: HostHandlers,
    /// Places for calls that are made at once; the others wait.
    places: Semaphore,
}

impl OutcallClient {
    pub(crate) fn new() -> Self {
        let maker = Maker {
            trusted: Trusted::new(Arc::new(tls::provider())),
            kept: KeptConnections::default(),
            local: HostHandlers::default(),
            places: Semaphore::new(limits::CALLS_AT_ONCE),
        };
        Self { maker: Arc::new(maker), outstanding: Mutex::default() }
    }

    /// Adds client certificates for calls that name them.
    pub(crate) fn add_certificates(&self, certificates: Vec<(Text, Issued)>) {
        self.maker.trusted.add(certificates);
        self.maker.kept.clear();
    }

    /// From now on calls to a host are answered by a function of this process.
    pub(crate) fn answer_for<A>(
        &self,
        host: &str,
        handler: impl Fn(http::Request<Bytes>) -> A + Send + Sync + 'static,
    ) where
        A: Future<Output = http::Response<Bytes>> + Send + 'static,
    {
        self.maker.local.add(host, handler);
    }

    /// Begins a call. The machine gets its outcome as `Input::Called`, unless it is cancelled before.
    pub(crate) fn begin(&self, shell: &Arc<Shell>, id: JobId, index: u32, call: Outcall) {
        // Held until the call is noted, so that it cannot end before.
        let mut outstanding = self.outstanding();
        let has_room = outstanding.has_room();
        let (maker, runtime) = (Arc::clone(&self.maker), shell.runtime().clone());
        let shell = Arc::downgrade(shell);
        let task = runtime.spawn(async move {
            let outcome = if has_room { maker.call(&call).await } else { Err(CallError::NoRoom) };
            let Some(shell) = shell.upgrade() else { return };
            shell.outcalls().outstanding().calls.remove(&(id.0, index));
            shell.turn(None, Input::Called(id, index, outcome));
        });
        if has_room {
            outstanding.calls.insert((id.0, index), task.abort_handle());
        }
    }

    /// Begins a call on behalf of a client. Its connection is kept until it is taken or cancelled.
    pub(crate) fn dial(&self, shell: &Arc<Shell>, id: JobId, dial: Dial) {
        let mut outstanding = self.outstanding();
        let has_room = outstanding.has_room();
        let (maker, runtime) = (Arc::clone(&self.maker), shell.runtime().clone());
        let shell = Arc::downgrade(shell);
        let task = runtime.spawn(async move {
            let outcome = if has_room { maker.reach(&dial).await } else { Err(CallError::NoRoom) };
            let Some(shell) = shell.upgrade() else { return };
            let outcome = outcome.map(|(called, server)| {
                let mut outstanding = shell.outcalls().outstanding();
                // A call that is gone was cancelled.
                let is_wanted = outstanding.calls.contains_key(&(id.0, 0));
                if let Some(server) = server.filter(|_| is_wanted) {
                    outstanding.dialed.insert(id.0, server);
                }
                called
            });
            shell.outcalls().outstanding().calls.remove(&(id.0, 0));
            shell.turn(None, Input::Called(id, 0, outcome));
        });
        if has_room {
            outstanding.calls.insert((id.0, 0), task.abort_handle());
        }
    }

    /// The connection to the server that was dialed for a job.
    pub(crate) fn take(&self, id: JobId) -> Option<DialedConnection> {
        self.outstanding().dialed.remove(&id.0)
    }

    /// Ends the calls of a job that have no outcome yet; their connections are closed.
    pub(crate) fn cancel(&self, id: JobId) {
        let mut outstanding = self.outstanding();
        let calls = outstanding.calls.range((id.0, 0)..=(id.0, u32::MAX));
        for key in calls.map(|(key, _)| *key).collect::<Vec<_>>() {
            if let Some(task) = outstanding.calls.remove(&key) {
                task.abort();
            }
        }
        outstanding.dialed.remove(&id.0);
    }

    fn outstanding(&self) -> MutexGuard<'_, Outstanding> {
        // Nothing that can panic runs while the lock is held.
        self.outstanding.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Outstanding {
    fn has_room(&self) -> bool {
        self.calls.len() < limits::CALLS_AT_ONCE + limits::CALLS_QUEUED
    }
}

impl Maker {
    /// Makes a call, when there is a place for it, within its time, and makes it again while the other server cannot
    /// answer.
    /// k8s: staging/src/k8s.io/apiserver/pkg/util/webhook/webhook.go WithExponentialBackoff
    async fn call(&self, call: &Outcall) -> Result<Called, CallError> {
        let mut pause = Duration::from_millis(limits::CALL_PAUSE_MILLIS);
        for _ in 1..call.attempts.min(limits::CALL_ATTEMPTS) {
            let outcome = self.make(call).await;
            match outcome {
                Ok(called) if is_passing(&called) => {}
                outcome => return outcome,
            }
            tokio::time::sleep(pause).await;
            pause = pause * 3 / 2;
        }
        self.make(call).await
    }

    /// Makes a call on behalf of a client. How many there are is bounded by the machine.
    async fn reach(&self, dial: &Dial) -> Result<(Called, Option<DialedConnection>), CallError> {
        let call = dial.call();
        let making = async {
            if dial.is_plain() {
                let stream = tcp(call, dial.is_global()).await?;
                return exchange::exchange(stream, call, dial.goal()).await;
            }
            exchange::exchange(self.connect(call, dial.is_global()).await?, call, dial.goal()).await
        };
        let within = Duration::from_millis(call.timeout_millis);
        tokio::time::timeout(within, making).await.unwrap_or(Err(CallError::TimedOut))
    }

    /// Makes a call once.
    async fn make(&self, call: &Outcall) -> Result<Called, CallError> {
        let making = async {
            let _place = self.places.acquire().await.map_err(|_| CallError::NoRoom)?;
            if let Some(answer) = self.local.answer(call, answer_bytes_max(call)).await {
                return answer;
            }
            if let Some(connection) = self.kept.take(call)
                && let Some(answer) = self.exchange(connection, call, true).await.transpose()
            {
                return answer;
            }
            let stream = self.connect(call, false).await?;
            let mut builder = http1::Builder::new();
            builder.max_buf_size(limits::CALL_ANSWER_HEAD_BYTES);
            let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(broken)?;
            let driver = tokio::spawn(connection);
            let connection = KeptConnection::new(sender, driver.abort_handle());
            let answer = self.exchange(connection, call, false).await?;
            answer.ok_or_else(|| refused(String::from("EOF")))
        };
        let within = Duration::from_millis(call.timeout_millis);
        tokio::time::timeout(within, making).await.unwrap_or(Err(CallError::TimedOut))
    }

    /// Sends the request and reads the answer. The connection is kept afterwards, or ends.
    /// None if the connection had ended before the request was sent, or one that `is_kept` while it was sent.
    async fn exchange(
        &self,
        mut connection: KeptConnection,
        call: &Outcall,
        is_kept: bool,
    ) -> Result<Option<Called>, CallError> {
        if connection.sender.ready().await.is_err() {
            return Ok(None);
        }
        let response = match connection.sender.send_request(request(call)?).await {
            Ok(response) => response,
            Err(error) if error.is_canceled() || is_kept && error.is_incomplete_message() => return Ok(None),
            Err(error) => return Err(broken(error)),
        };
        let (head, body) = response.into_parts();
        let body = collect(body, answer_bytes_max(call)).await?;
        let called = called(&head, body);
        if head.status != http::StatusCode::SWITCHING_PROTOCOLS {
            self.kept.keep(call, connection);
        }
        Ok(Some(called))
    }

    async fn connect(&self, call: &Outcall, is_global: bool) -> Result<TlsStream<TcpStream>, CallError> {
        let config = self.trusted.config(&call.trust)?;
        let name = ServerName::try_from(call.trust.server_name.to_string()).map_err(untrusted)?;
        let stream = tcp(call, is_global).await?;
        let connecting = TlsConnector::from(config).connect(name, stream);
        connecting.await.map_err(|error| match distrust(&error) {
            Some(why) => untrusted(why),
            None => refused(reason::of_stream(&error)),
        })
    }
}

fn answer_bytes_max(call: &Outcall) -> usize {
    call.answer_bytes_max.min(limits::CALL_ANSWER_BYTES)
}

/// Whether a later attempt may succeed, by what the server says.
fn is_passing(called: &Called) -> bool {
    matches!(called.status, 429 | 500 | 504)
        || called.status > 299 && called.headers.iter().any(|(name, _)| name == "retry-after")
}

async fn tcp(call: &Outcall, is_global: bool) -> Result<TcpStream, CallError> {
    let connected = match is_global {
        true => reach::global_server(&call.host, call.port).await,
        false => reach::server(&call.host, call.port).await,
    };
    let stream = connected.map_err(refused)?;
    // It can fail only if the connection is broken already.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

fn untrusted(error: impl ToString) -> CallError {
    CallError::Untrusted(error.to_string().into())
}

fn refused(error: impl ToString) -> CallError {
    CallError::Refused(error.to_string().into())
}

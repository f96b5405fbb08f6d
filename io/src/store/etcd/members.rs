//! The members of a cluster: which one is used, and the operations on it with their attempts.

use super::answer;
use super::backoff::Backoff;
use super::config::{ConnectError, EtcdConfig};
use super::failure::{self, EtcdFailure};
use super::request;
use super::version::EtcdVersion;
use etcd_client::{
    Channel, Client, ConnectOptions, Error, KvClient, LeaseClient, MaintenanceClient, WatchClient,
};
use std::future::Future;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use steersman_core::limits;
use steersman_core::store::{Op, Range, Rev, StoreError, Stored};
use tokio::time::Instant;

/// One member. All its clients share one connection.
pub(super) struct EtcdMember {
    pub(super) endpoint: String,
    pub(super) kv: KvClient,
    pub(super) watch: WatchClient,
    lease: LeaseClient,
    maintenance: MaintenanceClient,
}

/// The members, and which of them is used. It is the same one until it fails.
pub(super) struct EtcdMembers {
    members: Vec<EtcdMember>,
    current: AtomicUsize,
    /// The newest revision that any answer contained.
    newest: AtomicU64,
    pub(super) write_timeout: Duration,
    pub(super) read_timeout: Duration,
    pub(super) doubts_progress: bool,
}

impl EtcdMembers {
    /// Finds a member that answers.
    pub(super) async fn connect(config: &EtcdConfig) -> Result<Self, ConnectError> {
        let mut members = Vec::new();
        for (endpoint, channel) in config.channels()? {
            members.push(EtcdMember::new(endpoint, channel).await?);
        }
        let members = Self {
            members,
            current: AtomicUsize::new(0),
            newest: AtomicU64::new(0),
            write_timeout: config.write_timeout,
            read_timeout: config.read_timeout,
            doubts_progress: config.doubts_progress,
        };
        members.find(config.connect_timeout).await?;
        Ok(members)
    }

    async fn find(&self, timeout: Duration) -> Result<(), ConnectError> {
        let mut backoff = Backoff::new(limits::ETCD_TRIES);
        loop {
            let (index, member) = self.current();
            let why = match tokio::time::timeout(timeout, member.version()).await {
                Ok(Ok(version)) => {
                    tracing::info!(endpoint = member.endpoint, %version, "etcd answers");
                    return Ok(());
                }
                Ok(Err(error)) => failure::text(&error),
                Err(_) => "no answer in time".into(),
            };
            let why = format!("{}: {why}", member.endpoint);
            self.leave(index);
            match backoff.pause() {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(ConnectError::Unreachable(why)),
            }
        }
    }

    /// The member that is used now.
    pub(super) fn current(&self) -> (usize, &EtcdMember) {
        let index = self.current.load(Ordering::Relaxed) % self.members.len();
        (index, &self.members[index])
    }

    /// Switches to another member, unless another caller has done so already.
    pub(super) fn leave(&self, index: usize) {
        let next = (index + 1) % self.members.len();
        // Another caller has left the same member at the same time, which has the same effect.
        let _ = self.current.compare_exchange(index, next, Ordering::Relaxed, Ordering::Relaxed);
    }

    pub(super) fn newest(&self) -> Rev {
        Rev(self.newest.load(Ordering::Relaxed))
    }

    fn saw(&self, revision: Rev) {
        self.newest.fetch_max(revision.0, Ordering::Relaxed);
    }

    /// Performs an operation. It is attempted again while the attempts had no effect and there is time.
    pub(super) async fn perform(&self, op: &Op) -> Stored {
        let mut backoff = Backoff::new(limits::ETCD_TRIES);
        let deadline = self.deadline(op);
        loop {
            let (index, member) = self.current();
            let (why, certain) = match self.bounded(op, member, deadline).await {
                Ok(stored) => return stored,
                Err(EtcdFailure::Refused(StoreError::FutureRevision { .. })) => return self.future(op).await,
                Err(EtcdFailure::Refused(error)) => return Stored::Failed(error),
                Err(EtcdFailure::NoEffect(why)) => (why, true),
                Err(EtcdFailure::Unknown(why)) => (why, false),
            };
            self.leave(index);
            if !certain && changes(op) {
                return Stored::Unknown(why);
            }
            match backoff.pause() {
                Some(pause) if Instant::now() + pause < deadline => tokio::time::sleep(pause).await,
                Some(_) | None => return Stored::Failed(StoreError::Unavailable(why)),
            }
        }
    }

    fn deadline(&self, op: &Op) -> Instant {
        Instant::now() + if changes(op) { self.write_timeout } else { self.read_timeout }
    }

    async fn bounded(&self, op: &Op, member: &EtcdMember, deadline: Instant) -> Result<Stored, EtcdFailure> {
        let answer = within(deadline, member.ask(op)).await?;
        match &answer {
            Stored::Ranged(ranged) => self.saw(ranged.revision),
            Stored::Txn(reply) => self.saw(reply.revision),
            Stored::Compacted | Stored::Leased { .. } | Stored::Revoked => {}
            Stored::Failed(_) | Stored::Unknown(_) => {}
        }
        Ok(answer)
    }

    /// etcd does not report its revision when it refuses a read at a future one, so it is asked for.
    async fn future(&self, op: &Op) -> Stored {
        let key = match op {
            Op::Range(range) => range.key.clone(),
            Op::Txn(_) | Op::Compact(_) | Op::LeaseGrant { .. } | Op::LeaseRevoke(_) => "\0".into(),
        };
        let range = Op::Range(Range { key, count_only: true, ..Range::default() });
        let (_, member) = self.current();
        let current = match self.bounded(&range, member, self.deadline(&range)).await {
            Ok(Stored::Ranged(ranged)) => ranged.revision,
            Ok(_) | Err(_) => self.newest(),
        };
        Stored::Failed(StoreError::FutureRevision { current })
    }
}

/// The future's result, or an unknown outcome when it takes too long.
pub(super) async fn within<T>(
    deadline: Instant,
    call: impl Future<Output = Result<T, Error>>,
) -> Result<T, EtcdFailure> {
    match tokio::time::timeout_at(deadline, call).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(EtcdFailure::of(&error)),
        Err(_) => Err(EtcdFailure::Unknown("no answer in time".into())),
    }
}

/// Whether the operation can change anything.
fn changes(op: &Op) -> bool {
    match op {
        Op::Range(_) => false,
        Op::Txn(txn) => request::written(txn).next().is_some(),
        Op::Compact(_) | Op::LeaseGrant { .. } | Op::LeaseRevoke(_) => true,
    }
}

impl EtcdMember {
    async fn new(endpoint: String, channel: tonic::transport::Channel) -> Result<Self, ConnectError> {
        let options = ConnectOptions::new().with_require_leader(true);
        let client = Client::from_channel(Channel::Tonic(channel), Some(options)).await;
        let client = client.map_err(|error| ConnectError::Settings(format!("{endpoint}: {error}")))?;
        Ok(Self {
            endpoint,
            kv: client.kv_client().max_decoding_message_size(limits::ETCD_MESSAGE_BYTES),
            watch: client.watch_client().max_decoding_message_size(limits::ETCD_MESSAGE_BYTES),
            lease: client.lease_client(),
            maintenance: client.maintenance_client(),
        })
    }

    pub(super) async fn version(&self) -> Result<EtcdVersion, Error> {
        let status = self.maintenance.clone().status().await?;
        Ok(EtcdVersion::parse(status.version()))
    }

    /// The size of the member's database in bytes.
    pub(super) async fn size_bytes(&self) -> Result<u64, Error> {
        let status = self.maintenance.clone().status().await?;
        Ok(answer::unsigned(status.db_size()))
    }

    async fn ask(&self, op: &Op) -> Result<Stored, Error> {
        match op {
            Op::Range(range) => {
                let options = request::range(range);
                let response = self.kv.clone().get(range.key.to_vec(), Some(options)).await?;
                Ok(Stored::Ranged(answer::ranged(response)))
            }
            Op::Txn(txn) => Ok(answer::txn(self.kv.clone().txn(request::txn(txn)).await?)),
            Op::Compact(revision) => {
                self.kv.clone().compact(request::int(revision.0), None).await?;
                Ok(Stored::Compacted)
            }
            Op::LeaseGrant { ttl_seconds } => {
                Ok(answer::leased(&self.lease.clone().grant(*ttl_seconds, None).await?))
            }
            Op::LeaseRevoke(id) => {
                self.lease.clone().revoke(id.0).await?;
                Ok(Stored::Revoked)
            }
        }
    }
}

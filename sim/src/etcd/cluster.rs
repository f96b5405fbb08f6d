//! The cluster: its members, who leads, the operations, and leases by given time.

use super::flaw::{EtcdFlaw, Flawed};
use super::watch::FollowedFeed;
use super::{Delivery, MemberId, ServerId};
use std::collections::BTreeMap;
use steersman_core::limits;
use steersman_core::mvcc::{Mvcc, WatchId, Watchers};
use steersman_core::now::Mono;
use steersman_core::store::{Event, Feed, Op, Range, Ranged, Rev, StoreError, Stored, TxnOp};

/// Most members of a cluster.
pub const MEMBERS: u32 = 5;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Process {
    Running,
    Paused,
    Stopped,
}

#[derive(Clone, Copy, Debug)]
struct MemberState {
    process: Process,
    /// The revision it has applied while it lags; None applies whatever is committed.
    lag: Option<Rev>,
}

/// One store on one to five members. Nothing happens in it but by its methods.
#[derive(Debug)]
pub struct EtcdCluster {
    /// What is committed.
    pub(super) mvcc: Mvcc,
    members: Vec<MemberState>,
    leader: Option<MemberId>,
    pub(super) watchers: Watchers,
    pub(super) followers: BTreeMap<WatchId, FollowedFeed>,
    /// The followers by whose they are.
    pub(super) feeds: BTreeMap<(ServerId, Feed), WatchId>,
    /// Feeds that were lost outside a delivery.
    pub(super) undelivered: Vec<(ServerId, Delivery)>,
    /// Nothing has happened since the last drain that could give watches something to deliver.
    pub(super) settled: bool,
    /// Changes that were not taken yet; None until `keep_changes` is called.
    changes: Option<Vec<Event>>,
    request_bytes_max: usize,
    no_space: bool,
    too_many_requests: bool,
    pub(super) flawed: Flawed,
}

impl EtcdCluster {
    /// Empty, at revision 1; all members run and the first leads.
    ///
    /// # Panics
    /// Unless there are one to [`MEMBERS`] members.
    pub fn new(members: u32) -> Self {
        assert!((1..=MEMBERS).contains(&members), "a cluster has 1 to {MEMBERS} members");
        Self {
            mvcc: Mvcc::new(),
            members: vec![MemberState { process: Process::Running, lag: None }; members as usize],
            leader: Some(MemberId(0)),
            watchers: Watchers::new(),
            followers: BTreeMap::new(),
            feeds: BTreeMap::new(),
            undelivered: Vec::new(),
            settled: true,
            changes: None,
            request_bytes_max: limits::OBJECT_BYTES,
            no_space: false,
            too_many_requests: false,
            flawed: Flawed::NEVER,
        }
    }

    /// Gives it a historical bug, or takes it away.
    pub fn set_flawed(&mut self, flawed: Flawed) {
        self.flawed = flawed;
    }

    /// What is committed, for checkers.
    pub fn mvcc(&self) -> &Mvcc {
        &self.mvcc
    }

    /// The committed revision.
    pub fn revision(&self) -> Rev {
        self.mvcc.revision()
    }

    pub fn members(&self) -> impl Iterator<Item = MemberId> + use<> {
        (0..self.members.len() as u32).map(MemberId)
    }

    fn member(&self, member: MemberId) -> &MemberState {
        self.members.get(member.0 as usize).expect("members are those of the cluster")
    }

    fn member_mut(&mut self, member: MemberId) -> &mut MemberState {
        self.members.get_mut(member.0 as usize).expect("members are those of the cluster")
    }

    /// Whether it can be reached: not stopped, though perhaps paused.
    pub fn is_up(&self, member: MemberId) -> bool {
        self.member(member).process != Process::Stopped
    }

    pub fn is_paused(&self, member: MemberId) -> bool {
        self.member(member).process == Process::Paused
    }

    /// Neither stopped nor paused.
    pub fn is_running(&self, member: MemberId) -> bool {
        self.member(member).process == Process::Running
    }

    fn has_majority(&self) -> bool {
        let running = self.members.iter().filter(|state| state.process == Process::Running).count();
        running * 2 > self.members.len()
    }

    pub fn leader(&self) -> Option<MemberId> {
        self.leader
    }

    /// Whether operations can be performed: the leader runs, and a majority with it.
    pub fn has_leader(&self) -> bool {
        self.leader.is_some_and(|leader| self.is_running(leader)) && self.has_majority()
    }

    /// An election begins: there is no leader until a member is elected.
    pub fn elect(&mut self) {
        self.leader = None;
    }

    /// A member becomes the leader, and leases have their full time again. False, and no change, when it
    /// or the majority does not run.
    pub fn elected(&mut self, now: Mono, leader: MemberId) -> bool {
        if !self.is_running(leader) || !self.has_majority() {
            return false;
        }
        self.leader = Some(leader);
        self.mvcc.lease_renew_all(now);
        true
    }

    /// The member's process ends. Its watches break; a leader leads no more.
    pub fn stop(&mut self, member: MemberId) {
        self.begin_lag(member);
        self.member_mut(member).process = Process::Stopped;
        if self.leader == Some(member) {
            self.leader = None;
        }
        self.break_watches(member);
    }

    /// Starts a stopped member. It lags where it was, until it catches up.
    pub fn start(&mut self, member: MemberId) {
        if !self.is_up(member) {
            self.member_mut(member).process = Process::Running;
        }
    }

    /// The member does nothing until it goes on; its connections stay open. A paused leader still holds
    /// its office, until another is elected.
    pub fn pause(&mut self, member: MemberId) {
        if self.is_running(member) {
            self.begin_lag(member);
            self.member_mut(member).process = Process::Paused;
        }
    }

    /// A paused member goes on. It lags where it was, until it catches up.
    pub fn resume(&mut self, member: MemberId) {
        if self.is_paused(member) {
            self.member_mut(member).process = Process::Running;
            self.settled = false;
        }
    }

    /// The revision that a member has applied.
    pub fn applied(&self, member: MemberId) -> Rev {
        self.member(member).lag.unwrap_or_else(|| self.revision())
    }

    /// From here on a member applies only what it is told to.
    pub fn begin_lag(&mut self, member: MemberId) {
        let applied = self.applied(member);
        self.member_mut(member).lag = Some(applied);
    }

    /// A lagging member that runs applies up to a revision, if that is committed; it still lags.
    pub fn apply(&mut self, member: MemberId, up_to: Rev) {
        let up_to = up_to.min(self.revision());
        let state = self.member_mut(member);
        if let (Process::Running, Some(lag)) = (state.process, state.lag) {
            state.lag = Some(lag.max(up_to));
            self.settled = false;
        }
    }

    /// A member that runs applies everything, and lags no more.
    pub fn catch_up(&mut self, member: MemberId) {
        let state = self.member_mut(member);
        if state.process == Process::Running {
            state.lag = None;
            self.settled = false;
        }
    }

    /// Bytes of keys and values that a transaction may bring, at most the store's own limit.
    /// etcd: --max-request-bytes
    pub fn set_request_bytes_max(&mut self, bytes: usize) {
        self.request_bytes_max = bytes;
    }

    /// While there is no space puts and lease grants are refused; reads, deletions, compaction and
    /// revocation go on.
    pub fn set_no_space(&mut self, no_space: bool) {
        self.no_space = no_space;
    }

    /// While there are too many requests everything that is to be proposed is refused.
    pub fn set_too_many_requests(&mut self, too_many: bool) {
        self.too_many_requests = too_many;
    }

    /// Performs an operation through a member. It is committed when this returns. A refusal says
    /// `Failed`, with no effect; what is sent to a paused member has none either, but its sender cannot
    /// know: who drives the cluster should hold the operation back until the member goes on.
    pub fn perform(&mut self, now: Mono, member: MemberId, op: &Op) -> Stored {
        match self.member(member).process {
            Process::Stopped => Stored::Failed(StoreError::Unavailable("connection refused".into())),
            Process::Paused if is_proposal(op) => Stored::Unknown("etcdserver: request timed out".into()),
            Process::Paused => {
                Stored::Failed(StoreError::Unavailable("etcdserver: request timed out".into()))
            }
            Process::Running if !self.has_leader() => {
                Stored::Failed(StoreError::Unavailable("etcdserver: no leader".into()))
            }
            Process::Running => match self.check_limits(op) {
                Ok(()) => self.commit(now, member, op).unwrap_or_else(Stored::Failed),
                Err(error) => Stored::Failed(error),
            },
        }
    }

    /// What does not depend on the content of the store.
    /// etcd: server/etcdserver/api/v3rpc/quota.go, server/etcdserver/v3_server.go processInternalRaftRequest
    fn check_limits(&self, op: &Op) -> Result<(), StoreError> {
        if self.no_space && needs_space(op) {
            return Err(StoreError::NoSpace);
        }
        if self.too_many_requests && is_proposal(op) {
            return Err(StoreError::TooManyRequests);
        }
        match op {
            Op::Txn(txn)
                if self.request_bytes_max < limits::OBJECT_BYTES && txn.bytes() > self.request_bytes_max =>
            {
                Err(StoreError::TooLarge)
            }
            Op::Txn(_) | Op::Range(_) | Op::Compact(_) | Op::LeaseGrant { .. } | Op::LeaseRevoke(_) => Ok(()),
        }
    }

    fn commit(&mut self, now: Mono, member: MemberId, op: &Op) -> Result<Stored, StoreError> {
        match op {
            Op::Range(range) => self.range(member, range).map(Stored::Ranged),
            Op::Txn(txn) => {
                let (reply, events) = self.mvcc.txn(txn)?;
                self.note(events);
                Ok(Stored::Txn(reply))
            }
            Op::Compact(revision) => self.mvcc.compact(*revision).map(|()| Stored::Compacted),
            Op::LeaseGrant { ttl_seconds } => {
                let lease = self.mvcc.lease_grant(now, *ttl_seconds, None)?;
                Ok(Stored::Leased { id: lease.id, ttl_seconds: lease.ttl_seconds })
            }
            Op::LeaseRevoke(id) => {
                let events = self.mvcc.lease_revoke(*id)?;
                self.note(events);
                Ok(Stored::Revoked)
            }
        }
    }

    fn range(&self, member: MemberId, range: &Range) -> Result<Ranged, StoreError> {
        if self.flawed.is(EtcdFlaw::StaleReadOfPausedMember) {
            return self.mvcc.range_at(range, self.applied(member).max(self.mvcc.compact_revision()));
        }
        self.mvcc.range(range)
    }

    /// Revokes the leases that have run out by now, if there is a leader to do it. etcd too does it some
    /// time after they have run out: until then they can be used.
    pub fn expire(&mut self, now: Mono) {
        while self.has_leader() && self.mvcc.next_expiry().is_some_and(|expiry| expiry <= now) {
            for expired in self.mvcc.expire(now) {
                self.note(expired.events);
            }
        }
    }

    /// When [`EtcdCluster::expire`] has something to do; None while there is no leader.
    pub fn next_expiry(&self) -> Option<Mono> {
        self.mvcc.next_expiry().filter(|_| self.has_leader())
    }

    fn note(&mut self, events: Vec<Event>) {
        if events.is_empty() {
            return;
        }
        self.settled = false;
        if let Some(changes) = &mut self.changes {
            changes.extend(events);
        }
    }

    /// From here on every change of any key is kept, for a witness, until it is taken.
    pub fn keep_changes(&mut self) {
        self.changes.get_or_insert_default();
    }

    /// Every change since they were last taken, in order, with the key-values before: what is committed,
    /// whatever any member has applied or delivered, and whatever was compacted since.
    pub fn take_changes(&mut self) -> Vec<Event> {
        self.changes.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Asserts the invariants. Costs a walk through the store.
    ///
    /// # Panics
    /// When one does not hold, which is a bug here.
    pub fn check(&self) {
        self.mvcc.check();
        self.check_watches();
        for member in self.members() {
            assert!(self.applied(member) <= self.revision(), "members apply what is committed");
            let lags = self.member(member).lag.is_some();
            assert!(lags || self.is_running(member), "a member that does not run applies nothing");
        }
        assert!(self.leader.is_none_or(|leader| self.is_up(leader)), "a stopped member does not lead");
    }
}

/// Whether an operation goes through the log: all but reads.
fn is_proposal(op: &Op) -> bool {
    let is_write = |op: &TxnOp| match op {
        TxnOp::Range(_) => false,
        TxnOp::Put(_) | TxnOp::Delete { .. } => true,
    };
    match op {
        Op::Range(_) => false,
        Op::Txn(txn) => txn.then.iter().chain(&txn.otherwise).any(is_write),
        Op::Compact(_) | Op::LeaseGrant { .. } | Op::LeaseRevoke(_) => true,
    }
}

/// Whether an operation is refused while there is no space: a put in either branch is enough.
/// etcd: server/storage/quota.go
fn needs_space(op: &Op) -> bool {
    let is_put = |op: &TxnOp| match op {
        TxnOp::Put(_) => true,
        TxnOp::Range(_) | TxnOp::Delete { .. } => false,
    };
    match op {
        Op::Txn(txn) => txn.then.iter().chain(&txn.otherwise).any(is_put),
        Op::LeaseGrant { .. } => true,
        Op::Range(_) | Op::Compact(_) | Op::LeaseRevoke(_) => false,
    }
}

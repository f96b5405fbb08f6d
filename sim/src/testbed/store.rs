//! The link between servers and the store: operations with delays and lost replies, feeds with delays, and members
//! that stop and start.

use super::{Happening, Testbed};
use crate::check::{self, Violation};
use crate::choose::Label;
use crate::client::{CONFIGURATIONS, ClientKind, QUOTA, QUOTA_KEY};
use crate::etcd::{Delivery, MemberId, ServerId};
use crate::marks::Mark;
use crate::swarm::FaultClass;
use crate::trace::{Lane, What};
use bytes::Bytes;
use std::mem;
use steersman_core::config::JobId;
use steersman_core::machine::Input;
use steersman_core::now::Mono;
use steersman_core::store::{Event, EventType, Feed, Op, Put, Rev, StoreError, Stored, Txn, TxnOp, Why};
use steersman_core::world::Changes;

/// How long a server waits for the store, milliseconds. The outcome of a write is unknown then.
const DEADLINE_MILLIS: u64 = 4_000;
/// The longest time that a server stays down that crashed at a write, milliseconds.
const CRASH_MILLIS_MAX: u64 = 2_000;
/// Longest delay of a slow operation, and of a slow delivery, milliseconds.
const SLOW_MILLIS_MAX: u64 = 3_000;
/// Pause before a server that has lost a connection to the store tries again, milliseconds.
const RECONNECT_MILLIS: u64 = 40;
/// Shortest time of a message on its way, microseconds.
pub(super) const MESSAGE_MICROS: u64 = 100;

/// An operation on its way to the store.
#[derive(Debug)]
pub(super) struct StoreRequest {
    server: usize,
    life: u32,
    id: JobId,
    op: Op,
    member: MemberId,
    /// What names its choices.
    key: u64,
    sent_at: Mono,
    /// The server has stopped waiting, so a reply has no effect any more.
    given_up: bool,
    /// It has reached a store without a leader.
    met_election: bool,
}

/// When a reply is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ReplyLoss {
    BeforeEffect,
    AfterEffect,
}

impl Testbed {
    pub(super) fn send_operation(&mut self, server: usize, id: JobId, op: Op) {
        let key = self.stream_key(server, id);
        // A server that cannot reach its member goes to the next.
        if !self.etcd.is_up(self.hosts[server].member) {
            self.change_member(server);
        }
        let member = self.hosts[server].member;
        let life = self.hosts[server].life;
        let stream = Label::Store.of(key);
        let mut at = self.arrival(stream);
        if self.chooser.fault(stream, self.swarm.rate(FaultClass::SlowStore)) {
            at = at.plus_millis(1 + self.chooser.pick(stream, SLOW_MILLIS_MAX));
        }
        let lanes = (Lane::Server(server), Lane::Member(member.0 as usize));
        let at = self.network.arrival(lanes.0, lanes.1, at);
        let sent_at = self.now;
        let operation =
            StoreRequest { server, life, id, op, member, key, sent_at, given_up: false, met_election: false };
        self.schedule(at, Happening::Store(Box::new(operation)));
    }

    /// When a message sent now arrives.
    pub(super) fn arrival(&mut self, stream: crate::choose::ChoiceStream) -> Mono {
        let most = if self.chooser.is_calm() { 1 } else { self.swarm.delay_millis };
        let delay = self.chooser.pick(stream, most * 1000 + 1);
        Mono(self.now.0 + MESSAGE_MICROS + delay)
    }

    /// An operation reaches its member. It is performed even if its server has crashed since.
    pub(super) fn perform(&mut self, mut operation: StoreRequest) -> Result<(), Violation> {
        let deadline = operation.sent_at.plus_millis(DEADLINE_MILLIS);
        if self.now >= deadline && !operation.given_up {
            operation.given_up = true;
            self.answer(&operation, gave_up(&operation.op), self.now);
        }
        if self.etcd.is_paused(operation.member) {
            // It waits in the member's socket.
            self.at(200, Happening::Store(Box::new(operation)));
            return Ok(());
        }
        if !self.etcd.has_leader() {
            if !mem::replace(&mut operation.met_election, true) {
                self.mark(Mark::LeaderChange);
            }
            let stream = Label::Store.of(operation.key);
            // It waits for the new leader, or is refused at once.
            if !operation.given_up && self.chooser.pick(stream, 2) == 1 {
                self.at(200, Happening::Store(Box::new(operation)));
                return Ok(());
            }
        }
        let loss = self.loss(&operation);
        if loss == Some(ReplyLoss::BeforeEffect) {
            self.lost(&operation, "is lost");
            self.mark_unknown(&operation, false);
            return Ok(());
        }
        let changes = self.truth.log().len();
        let stored = self.etcd.perform(self.now, operation.member, &operation.op);
        self.witness(&operation)?;
        self.mark_outcome(&operation, &stored);
        let applied = self.truth.log().len() > changes;
        self.trace_operation(&operation, &stored);
        if applied {
            self.crash_at_write(&operation);
            self.compact_early()?;
        }
        if loss == Some(ReplyLoss::AfterEffect) {
            self.lost(&operation, "was performed and its reply is lost");
            self.mark_unknown(&operation, applied);
        } else if !operation.given_up {
            let at = self.arrival(Label::Store.of(operation.key));
            let lanes = (Lane::Member(operation.member.0 as usize), Lane::Server(operation.server));
            let at = self.network.arrival(lanes.0, lanes.1, at);
            if at > deadline {
                self.answer(&operation, gave_up(&operation.op), deadline.max(self.now));
                self.mark_unknown(&operation, applied);
            } else {
                self.answer(&operation, stored, at);
            }
        }
        self.deliver()
    }

    /// The store forgets history that takes too much memory.
    fn compact_early(&mut self) -> Result<(), Violation> {
        let due = self.etcd.mvcc().compaction_due(self.swarm.history_bytes);
        let Some(revision) = due.filter(|_| self.etcd.has_leader() && !self.chooser.is_calm()) else {
            return Ok(());
        };
        self.mark(Mark::CompactedByBytes);
        self.compact(revision)
    }

    /// The server that sent a write crashes before it gets the reply.
    fn crash_at_write(&mut self, operation: &StoreRequest) {
        let (server, stream) = (operation.server, Label::Store.of(operation.key));
        let rate = self.swarm.rate(FaultClass::CrashAtWrite);
        let lives = self.hosts[server].machine.is_some() && self.life(server) == operation.life;
        if lives && self.chooser.fault(stream, rate) {
            let millis = 1 + self.chooser.pick(stream, CRASH_MILLIS_MAX);
            self.crash(server, millis);
        }
    }

    fn mark_outcome(&mut self, operation: &StoreRequest, stored: &Stored) {
        match stored {
            Stored::Failed(StoreError::NoSpace) => self.mark(Mark::NoSpace),
            Stored::Txn(reply) if !reply.succeeded => {
                let Some(record) = self.requests.get_mut(operation.id) else { return };
                record.races += 1;
                if record.races == 5 {
                    self.mark(Mark::FiveConflicts);
                }
            }
            Stored::Txn(_)
            | Stored::Ranged(_)
            | Stored::Compacted
            | Stored::Leased { .. }
            | Stored::Revoked
            | Stored::Failed(_)
            | Stored::Unknown(_) => {}
        }
    }

    fn loss(&mut self, operation: &StoreRequest) -> Option<ReplyLoss> {
        let stream = Label::Store.of(operation.key);
        if operation.given_up || !self.chooser.fault(stream, self.swarm.rate(FaultClass::LostReply)) {
            return None;
        }
        match self.chooser.pick(stream, 2) {
            0 => Some(ReplyLoss::AfterEffect),
            _ => Some(ReplyLoss::BeforeEffect),
        }
    }

    /// A write's outcome is not known to its server.
    fn mark_unknown(&mut self, operation: &StoreRequest, applied: bool) {
        if is_write(&operation.op) {
            self.mark(if applied { Mark::UnknownApplied } else { Mark::UnknownNotApplied });
            if let Some(record) = self.requests.get_mut(operation.id) {
                record.in_doubt = true;
            }
        }
    }

    fn lost(&mut self, operation: &StoreRequest, what: &'static str) {
        let (server, id) = (operation.server, operation.id);
        self.fault(Lane::Member(operation.member.0 as usize), || {
            format!("{} {what}", name_of(server, id, &operation.op))
        });
        let stored = if is_write(&operation.op) {
            Stored::Unknown("the connection broke".into())
        } else {
            Stored::Failed(StoreError::Unavailable("the connection broke".into()))
        };
        let at = self.arrival(Label::Store.of(operation.key));
        self.answer(operation, stored, at);
    }

    fn answer(&mut self, operation: &StoreRequest, stored: Stored, at: Mono) {
        let input = Box::new(Input::Stored(operation.id, stored));
        self.schedule(at, Happening::Input(operation.server, operation.life, input));
    }

    fn trace_operation(&mut self, operation: &StoreRequest, stored: &Stored) {
        let from = Some((Lane::Server(operation.server), operation.sent_at));
        let lane = Lane::Member(operation.member.0 as usize);
        let revision = self.etcd.revision();
        self.trace.note(self.now, lane, What::Step, from, || {
            let outcome = match stored {
                Stored::Txn(reply) if reply.succeeded => format!("committed at {}", reply.revision.0),
                Stored::Txn(reply) => format!("lost its race at {}", reply.revision.0),
                Stored::Ranged(ranged) => format!("{} keys at {}", ranged.kvs.len(), ranged.revision.0),
                Stored::Failed(error) => format!("{error:?}"),
                other => format!("{other:?} at {}", revision.0),
            };
            format!("{}: {outcome}", name_of(operation.server, operation.id, &operation.op))
        });
    }

    /// Adds every change to the truth at once, and checks it.
    fn witness(&mut self, operation: &StoreRequest) -> Result<(), Violation> {
        let events = self.etcd.take_changes();
        let from = self.note_changes(&events)?;
        let Some(record) = self.requests.get_mut(operation.id).filter(|_| !operation.id.is_own()) else {
            return Ok(());
        };
        for change in &self.truth.log()[from..] {
            record.commits.push((change.revision, change.key.clone()));
        }
        let (ask, asked) = (record.ask.clone(), record.sent_at);
        for change in &self.truth.log()[from..] {
            self.lifetimes.note(change, asked, self.now);
            check::changed(change, Some(&ask), &self.directory)?;
        }
        Ok(())
    }

    /// Notes changes in the truth; the place in its log of the first.
    fn note_changes(&mut self, events: &[Event]) -> Result<usize, Violation> {
        let from = self.truth.log().len();
        self.truth.note(events, self.etcd.revision());
        let changes = &self.truth.log()[from..];
        if changes.len() > 1 && changes.iter().all(|change| change.revision == changes[0].revision) {
            self.marks.reach(Mark::SeveralInOneRevision);
        }
        for change in changes.iter().filter(|change| change.key.starts_with(b"/registry/")) {
            if change.old.is_none() && self.truth.states(&change.key, Rev(0), change.revision).count() > 2 {
                self.marks.reach(Mark::NameReused);
            }
            self.uids.note(change)?;
            self.allocations.note(change)?;
            self.quotas.note(change)?;
            self.reviews.note(change);
        }
        // The changes of a revision come together.
        self.allocations.judge()?;
        self.quotas.judge()?;
        Ok(from)
    }

    /// Leases that have run out are revoked.
    pub(super) fn expire(&mut self) -> Result<(), Violation> {
        self.etcd.expire(self.now);
        let events = self.etcd.take_changes();
        let from = self.note_changes(&events)?;
        for change in &self.truth.log()[from..] {
            if self.lifetimes.expired(change, self.now)? {
                self.marks.reach(Mark::RenewedEventGone);
            }
        }
        self.deliver()
    }

    /// Clients that count on a quota have it from the start, so that no cache is ever without it.
    pub(super) fn put_quota(&mut self) -> Result<(), Violation> {
        if !self.swarm.has_clients(ClientKind::Tenant) {
            return Ok(());
        }
        let put = Put { key: QUOTA_KEY.into(), value: QUOTA.into(), lease: Default::default() };
        self.write_past_servers(TxnOp::Put(put)).map(|_| ())
    }

    /// Clients whose objects webhooks are asked about have these from the start.
    pub(super) fn put_webhooks(&mut self) -> Result<(), Violation> {
        if !self.swarm.has_clients(ClientKind::Applicant) {
            return Ok(());
        }
        CONFIGURATIONS.into_iter().try_for_each(|(key, value)| {
            let put = Put { key: key.into(), value: value.into(), lease: Default::default() };
            self.write_past_servers(TxnOp::Put(put)).map(|_| ())
        })
    }

    /// Another user writes to the store, where no server looks.
    pub(super) fn foreign_write(&mut self) -> Result<(), Violation> {
        let put = Put { key: "/elsewhere/key".into(), value: "value".into(), lease: Default::default() };
        self.write_past_servers(TxnOp::Put(put)).map(|_| ())
    }

    /// Another user writes. False when no member accepts it.
    fn write_past_servers(&mut self, op: TxnOp) -> Result<bool, Violation> {
        let Some(member) = self.etcd.members().find(|member| self.etcd.is_running(*member)) else {
            return Ok(false);
        };
        let op = Op::Txn(Txn { then: vec![op], ..Txn::default() });
        let stored = self.etcd.perform(self.now, member, &op);
        let events = self.etcd.take_changes();
        self.note_changes(&events)?;
        self.deliver()?;
        Ok(matches!(stored, Stored::Txn(_)))
    }

    /// A value that cannot be read appears for a while.
    pub(super) fn spoil(&mut self, key: Bytes, millis: u64) -> Result<(), Violation> {
        let put = Put { key: key.clone(), value: "no object".into(), lease: Default::default() };
        if self.write_past_servers(TxnOp::Put(put))? {
            self.fault(Lane::Run, || {
                format!("{} cannot be read for {millis} ms", String::from_utf8_lossy(&key))
            });
            self.mark(Mark::ValueSpoilt);
            self.at(millis, Happening::Mend(key));
        }
        Ok(())
    }

    /// Removes the value, as soon as a member accepts that.
    pub(super) fn mend(&mut self, key: Bytes) -> Result<(), Violation> {
        if !self.write_past_servers(TxnOp::Delete { key: key.clone(), end: None })? {
            self.at(200, Happening::Mend(key));
        }
        Ok(())
    }

    /// Sends what the store has to deliver, to each server in order.
    pub(super) fn deliver(&mut self) -> Result<(), Violation> {
        for (to, delivery) in self.etcd.drain() {
            self.deliver_to(to.0 as usize, delivery);
        }
        Ok(())
    }

    fn deliver_to(&mut self, server: usize, delivery: Delivery) {
        let sent_at = self.now;
        let member = self.hosts[server].member;
        let (input, revision) = match delivery {
            Delivery::Changed(batch) => {
                let blind = |event: &Event| event.kind == EventType::Delete && event.previous.is_none();
                if batch.events.iter().any(blind) {
                    self.mark(Mark::DeletionWithoutPrevious);
                }
                let revision = batch.revision.0;
                let mut changes = Changes::from(batch);
                // The values are decoded with the kinds of now, which may be others when the changes arrive.
                if let Some(machine) = &self.hosts[server].machine {
                    changes.decode(machine.world());
                }
                (Input::Changed(changes), revision)
            }
            Delivery::Lost(feed, why) => {
                let mut at = Mono(self.now.0 + MESSAGE_MICROS);
                if matches!(why, Why::Disconnected(_)) {
                    // The server waits before it tries again.
                    at = self.now.plus_millis(RECONNECT_MILLIS);
                    self.change_member(server);
                }
                let at = self.hosts[server].feed_at.max(at);
                self.hosts[server].feed_at = at;
                let life = self.hosts[server].life;
                self.schedule(at, Happening::Input(server, life, Box::new(Input::Lost(feed, why))));
                return;
            }
        };
        let stream = Label::Feed.of((server as u64) << 48 | revision);
        let at = self.arrival(stream);
        let at = self.network.arrival(Lane::Member(member.0 as usize), Lane::Server(server), at);
        let host = &mut self.hosts[server];
        host.feed_at = host.feed_at.max(at);
        let (at, life) = (host.feed_at, host.life);
        self.trace.note(
            at,
            Lane::Server(server),
            What::Step,
            Some((Lane::Member(member.0 as usize), sent_at)),
            || {
                let Input::Changed(changes) = &input else { return String::new() };
                let batch = changes.batch();
                format!("hears up to {}, changes: {}", batch.revision.0, batch.events.len())
            },
        );
        self.schedule(at, Happening::Input(server, life, Box::new(input)));
    }

    /// The server turns to another member.
    pub(super) fn change_member(&mut self, server: usize) {
        let members = self.swarm.members as u32;
        let old = self.hosts[server].member.0;
        let others = (1..=members).map(|step| MemberId((old + step) % members));
        let up = others.into_iter().find(|member| self.etcd.is_running(*member));
        self.hosts[server].member = up.unwrap_or(MemberId((old + 1) % members));
    }

    /// The server's feed is slow until it is released.
    pub(super) fn hold_feed(&mut self, server: usize, millis: u64) {
        self.fault(Lane::Server(server), || format!("its feed is slow for {millis} ms"));
        self.etcd.hold(ServerId(server as u32), Feed(0));
        self.at(millis, Happening::Release(server));
    }

    /// A slow feed comes, in small pieces first.
    pub(super) fn release(&mut self, server: usize) -> Result<(), Violation> {
        let of = ServerId(server as u32);
        if let Some(delivery) = self.etcd.deliver(of, Feed(0), 1) {
            self.deliver_to(server, delivery);
        }
        self.etcd.release(of, Feed(0));
        self.deliver()
    }

    pub(super) fn begin_election(&mut self, next: MemberId, millis: u64) {
        self.fault(Lane::Member(next.0 as usize), || format!("there is no leader for {millis} ms"));
        self.etcd.elect();
        self.at(millis, Happening::Elected(next));
    }

    /// The member that is to lead does, or the first that can.
    pub(super) fn elected(&mut self, member: MemberId) -> Result<(), Violation> {
        let mut candidates: Vec<MemberId> = vec![member];
        candidates.extend(self.etcd.members());
        let now = self.now;
        let leader = candidates.into_iter().find(|candidate| self.etcd.elected(now, *candidate));
        match leader {
            Some(leader) => {
                self.lifetimes.led(now);
                self.note(Lane::Member(leader.0 as usize), What::Step, || "leads".to_owned());
                self.deliver()
            }
            None => {
                self.at(1_000, Happening::Elected(member));
                Ok(())
            }
        }
    }

    pub(super) fn stop_member(&mut self, member: MemberId, millis: u64) -> Result<(), Violation> {
        self.fault(Lane::Member(member.0 as usize), || format!("is down for {millis} ms"));
        let led = self.etcd.leader() == Some(member);
        self.etcd.stop(member);
        if led {
            self.at(300, Happening::Elected(member));
        }
        self.at(millis, Happening::MemberStart(member));
        self.deliver()
    }

    pub(super) fn member_starts(&mut self, member: MemberId) -> Result<(), Violation> {
        self.etcd.start(member);
        self.at(100, Happening::CatchUp(member));
        if !self.etcd.has_leader() {
            self.at(300, Happening::Elected(member));
        }
        self.deliver()
    }

    pub(super) fn pause_member(&mut self, member: MemberId, millis: u64) {
        self.fault(Lane::Member(member.0 as usize), || format!("stands still for {millis} ms"));
        if self.etcd.leader() == Some(member) {
            self.at(1_000, Happening::Elected(member));
        }
        self.etcd.pause(member);
        self.at(millis, Happening::MemberResume(member));
    }

    pub(super) fn member_resumes(&mut self, member: MemberId) -> Result<(), Violation> {
        self.etcd.resume(member);
        self.at(50, Happening::CatchUp(member));
        self.deliver()
    }
}

fn is_write(op: &Op) -> bool {
    match op {
        Op::Range(_) => false,
        Op::Txn(_) | Op::Compact(_) | Op::LeaseGrant { .. } | Op::LeaseRevoke(_) => true,
    }
}

/// The result that a server assumes when it has waited too long.
fn gave_up(op: &Op) -> Stored {
    if is_write(op) {
        Stored::Unknown("context deadline exceeded".into())
    } else {
        Stored::Failed(StoreError::Unavailable("context deadline exceeded".into()))
    }
}

fn name_of(server: usize, id: JobId, op: &Op) -> String {
    let whose = if id.is_own() { format!("server {server}'s own") } else { format!("request {}", id.0) };
    let what = match op {
        Op::Range(range) => format!("range {}", String::from_utf8_lossy(&range.key)),
        Op::Txn(txn) => match txn.then.first() {
            Some(TxnOp::Put(put)) => format!("put {}", String::from_utf8_lossy(&put.key)),
            Some(TxnOp::Delete { key, .. }) => format!("delete {}", String::from_utf8_lossy(key)),
            Some(TxnOp::Range(_)) | None => "transaction".to_owned(),
        },
        Op::Compact(revision) => format!("compact {}", revision.0),
        Op::LeaseGrant { ttl_seconds } => format!("lease of {ttl_seconds} s"),
        Op::LeaseRevoke(_) => "revoke a lease".to_owned(),
    };
    format!("{whose}: {what}")
}

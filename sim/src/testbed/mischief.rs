//! Faults that do not depend on an event: every half second each class is drawn, and where it strikes.

use super::{Happening, MISCHIEF_MILLIS, Testbed};
use crate::check::Violation;
use crate::choose::{ChoiceStream, Label, Ratio};
use crate::etcd::{MemberId, ServerId};
use crate::swarm::FaultClass;
use crate::trace::{Lane, What};
use steersman_core::store::{Feed, Op, Rev};

/// Half seconds between two writes of who shares the store, in the calm.
const ELSEWHERE_EVERY: u64 = 3;

/// Where values appear that cannot be read. No client uses the names.
const SPOILT: [&str; 3] =
    ["/registry/configmaps/default/", "/registry/pods/default/", "/registry/namespaces/"];

impl Testbed {
    pub(super) fn mischief(&mut self) -> Result<(), Violation> {
        self.mischief += 1;
        if self.etcd.next_expiry().is_some_and(|expiry| expiry <= self.now) {
            self.expire()?;
        }
        if self.etcd.has_leader() {
            self.lifetimes.check(self.now)?;
        }
        self.at(MISCHIEF_MILLIS, Happening::Mischief);
        self.probe_store()?;
        if self.chooser.is_calm() {
            return self.write_elsewhere();
        }
        for server in 0..self.hosts.len() {
            self.trouble_server(server)?;
        }
        for member in self.etcd.members() {
            self.trouble_member(member)?;
        }
        self.trouble_store()?;
        self.trouble_network();
        Ok(())
    }

    /// The other user of the store keeps writing in the calm, so that revisions grow without changes for servers.
    fn write_elsewhere(&mut self) -> Result<(), Violation> {
        let shared = self.swarm.rate(FaultClass::ForeignWrite) != Ratio::NEVER;
        if shared && self.mischief.is_multiple_of(ELSEWHERE_EVERY) { self.foreign_write() } else { Ok(()) }
    }

    fn strikes(&mut self, stream: ChoiceStream, class: FaultClass) -> bool {
        self.chooser.fault(stream, self.swarm.rate(class))
    }

    /// A stream for one of several in this half second.
    fn stream(&self, label: Label, class: FaultClass, which: u64) -> ChoiceStream {
        label.of((class as u64) << 48 | which << 32 | self.mischief)
    }

    fn trouble_server(&mut self, server: usize) -> Result<(), Violation> {
        if self.hosts[server].machine.is_none() {
            return Ok(());
        }
        let which = server as u64;
        let stream = self.stream(Label::Server, FaultClass::Clock, which);
        if self.strikes(stream, FaultClass::Clock) {
            let seconds = self.chooser.pick(stream, 240) as i64 - 120;
            if self.chooser.pick(stream, 4) == 3 {
                self.fault(Lane::Server(server), || "its wall clock stands still".to_owned());
                self.freeze_clock(server);
            } else {
                self.fault(Lane::Server(server), || format!("its wall clock is off by {seconds} s"));
                self.set_clock(server, seconds * 1_000_000);
            }
            let millis = 1_000 + self.chooser.pick(stream, 20_000);
            self.at(millis, Happening::SetClock(server));
        }
        let stream = self.stream(Label::Server, FaultClass::BrokenFeed, which);
        if self.strikes(stream, FaultClass::BrokenFeed) {
            if self.chooser.pick(stream, 2) == 1 {
                self.change_member(server);
            }
            self.break_start(server)?;
            self.break_feed(server);
        }
        let stream = self.stream(Label::Server, FaultClass::SlowFeed, which);
        if self.strikes(stream, FaultClass::SlowFeed) {
            // An unrequested progress report overtakes a slow feed.
            if self.chooser.pick(stream, 2) == 1 {
                self.etcd.request_progress(ServerId(server as u32), Feed(0));
                self.deliver()?;
            }
            let millis = 1 + self.chooser.pick(stream, 8_000);
            self.hold_feed(server, millis);
        }
        let stream = self.stream(Label::Server, FaultClass::Kinds, which);
        if self.strikes(stream, FaultClass::Kinds) {
            self.change_kind(server, stream)?;
        }
        let stream = self.stream(Label::Server, FaultClass::Pause, which);
        if self.strikes(stream, FaultClass::Pause) {
            let millis = 1 + self.chooser.pick(stream, 8_000);
            self.pause(server, millis);
        }
        let stream = self.stream(Label::Server, FaultClass::Crash, which);
        if self.strikes(stream, FaultClass::Crash) {
            let millis = 1 + self.chooser.pick(stream, 8_000);
            self.crash(server, millis);
        }
        let stream = self.stream(Label::Server, FaultClass::Shutdown, which);
        if self.strikes(stream, FaultClass::Shutdown) {
            self.shut_down(server, stream)?;
        }
        let stream = self.stream(Label::Callee, FaultClass::Calls, which);
        if self.strikes(stream, FaultClass::Calls) {
            self.probe(server, stream);
        }
        Ok(())
    }

    fn trouble_member(&mut self, member: MemberId) -> Result<(), Violation> {
        if !self.etcd.is_running(member) {
            return Ok(());
        }
        let which = u64::from(member.0);
        let stream = self.stream(Label::Member, FaultClass::Lag, which);
        if self.strikes(stream, FaultClass::Lag) {
            let millis = 1 + self.chooser.pick(stream, 6_000);
            self.fault(Lane::Member(member.0 as usize), || format!("lags for {millis} ms"));
            self.etcd.begin_lag(member);
            self.at(millis, Happening::CatchUp(member));
        }
        let stream = self.stream(Label::Member, FaultClass::MemberPause, which);
        if self.strikes(stream, FaultClass::MemberPause) {
            let millis = 1 + self.chooser.pick(stream, 8_000);
            self.pause_member(member, millis);
        }
        let stream = self.stream(Label::Member, FaultClass::MemberStop, which);
        if self.strikes(stream, FaultClass::MemberStop) {
            let millis = 1 + self.chooser.pick(stream, 8_000);
            self.stop_member(member, millis)?;
        }
        Ok(())
    }

    fn trouble_store(&mut self) -> Result<(), Violation> {
        let stream = self.stream(Label::Etcd, FaultClass::Compaction, 0);
        if self.strikes(stream, FaultClass::Compaction) {
            let revision = self.truth.revision().0;
            let to = match self.chooser.pick(stream, 4) {
                0 => revision,
                1 => revision - self.chooser.pick(stream, revision.clamp(1, 4)),
                2 => revision - self.chooser.pick(stream, revision.max(1)),
                // The compaction goes only as far as a slow feed can survive; its next change has no previous value
                // then.
                _ => self.etcd.farthest_behind().map_or(revision, |delivered| delivered.0 + 1),
            };
            self.compact(Rev(to))?;
        }
        let stream = self.stream(Label::Etcd, FaultClass::ForeignWrite, 0);
        if self.strikes(stream, FaultClass::ForeignWrite) {
            self.foreign_write()?;
        }
        let stream = self.stream(Label::Etcd, FaultClass::Refusal, 0);
        if self.strikes(stream, FaultClass::Refusal) {
            let kind = self.chooser.pick(stream, 3);
            let millis = 1 + self.chooser.pick(stream, 4_000);
            self.refuse(kind, millis);
        }
        let stream = self.stream(Label::Etcd, FaultClass::Spoil, 0);
        if self.strikes(stream, FaultClass::Spoil) {
            let prefix = self.chooser.one_of(stream, &SPOILT);
            let millis = 1 + self.chooser.pick(stream, 4_000);
            self.spoil(format!("{prefix}spoilt-{}", self.mischief).into(), millis)?;
        }
        let stream = self.stream(Label::Etcd, FaultClass::Election, 0);
        if self.etcd.has_leader() && self.strikes(stream, FaultClass::Election) {
            let next = MemberId(self.chooser.pick(stream, self.swarm.members) as u32);
            let millis = 1 + self.chooser.pick(stream, 3_000);
            self.begin_election(next, millis);
        }
        Ok(())
    }

    /// The store forgets its history before a revision.
    pub(super) fn compact(&mut self, revision: Rev) -> Result<(), Violation> {
        let running = self.etcd.members().find(|member| self.etcd.is_running(*member));
        let Some(member) = running else { return Ok(()) };
        self.fault(Lane::Member(member.0 as usize), || format!("is compacted at {}", revision.0));
        self.etcd.perform(self.now, member, &Op::Compact(revision));
        self.deliver()
    }

    fn refuse(&mut self, kind: u64, millis: u64) {
        let lane = Lane::Run;
        match kind {
            0 => {
                self.fault(lane, || format!("the store is full for {millis} ms"));
                self.etcd.set_no_space(true);
            }
            1 => {
                self.fault(lane, || format!("the store is too busy for {millis} ms"));
                self.etcd.set_too_many_requests(true);
            }
            _ => {
                self.fault(lane, || format!("the store takes only small requests for {millis} ms"));
                self.etcd.set_request_bytes_max(300);
            }
        }
        self.at(millis, Happening::Accept);
    }

    fn trouble_network(&mut self) {
        let stream = self.stream(Label::Network, FaultClass::Partition, 0);
        if !self.strikes(stream, FaultClass::Partition) {
            return;
        }
        let server = Lane::Server(self.chooser.pick(stream, self.swarm.servers) as usize);
        let other = if self.clients.is_empty() || self.chooser.pick(stream, 2) == 0 {
            Lane::Member(self.chooser.pick(stream, self.swarm.members) as usize)
        } else {
            Lane::Client(self.chooser.pick(stream, self.clients.len() as u64) as usize)
        };
        let millis = 1 + self.chooser.pick(stream, 10_000);
        let until = self.now.plus_millis(millis);
        let ways: &[(Lane, Lane)] = match self.chooser.pick(stream, 3) {
            0 => &[(server, other)],
            1 => &[(other, server)],
            _ => &[(server, other), (other, server)],
        };
        for (from, to) in ways {
            self.fault(*from, || format!("nothing it sends reaches {to} for {millis} ms"));
            self.network.block(*from, *to, until);
        }
    }

    /// Ends faults. What is to recover comes back (with `whole`, everything does), and the rest stays down for ever.
    /// Returns a reason if something stays down that a run cannot do without; clients need not come to rest then.
    pub(crate) fn heal(&mut self, whole: bool) -> Result<Option<String>, Violation> {
        self.chooser.calm();
        self.note(Lane::Run, What::Phase, || "faults end".to_owned());
        self.network.heal();
        self.happen(Happening::Accept)?;
        let members: Vec<MemberId> = self.etcd.members().collect();
        let dead = if whole { Vec::new() } else { self.dead_members() };
        for member in &members {
            if dead.contains(member) {
                self.note(Lane::Member(member.0 as usize), What::Fault, || "stays down".to_owned());
                self.etcd.stop(*member);
                continue;
            }
            self.etcd.resume(*member);
            self.etcd.start(*member);
            self.etcd.catch_up(*member);
        }
        let no_quorum = dead.len() * 2 >= members.len();
        if !no_quorum && !self.etcd.has_leader() {
            let next = members.iter().find(|member| !dead.contains(member));
            self.etcd.elect();
            self.at(100, Happening::Elected(*next.unwrap_or(&MemberId(0))));
        }
        for server in 0..self.hosts.len() {
            self.set_clock(server, 0);
            self.heal_server(server, whole)?;
        }
        self.deliver()?;
        Ok(no_quorum.then(|| format!("{} of {} members of the store stay down", dead.len(), members.len())))
    }

    /// A server comes back, or it stays down for ever if another one runs and not everything is to come back.
    fn heal_server(&mut self, server: usize, whole: bool) -> Result<(), Violation> {
        let stream = Label::Heal.of(server as u64);
        let others = (0..self.hosts.len()).any(|other| other != server && !self.hosts[other].dead);
        if others && !whole && self.chooser.pick(stream, 6) == 5 {
            self.note(Lane::Server(server), What::Fault, || "stays down".to_owned());
            self.hosts[server].dead = true;
            self.crash(server, 1);
            return Ok(());
        }
        self.resume(server, self.life(server))?;
        if self.hosts[server].is_ending {
            self.crash(server, 1);
        }
        if self.etcd.is_up(self.hosts[server].member) {
            self.etcd.release(ServerId(server as u32), Feed(0));
        } else {
            self.change_member(server);
        }
        self.restart(server)
    }

    /// Members that stay down: a minority, or, rarely, so many that there is no quorum.
    fn dead_members(&mut self) -> Vec<MemberId> {
        let stream = Label::Heal.of(1 << 32);
        let members = self.swarm.members;
        let most = if self.chooser.pick(stream, 16) == 15 { members } else { (members - 1) / 2 };
        let dead = self.chooser.pick(stream, most + 1);
        let first = self.chooser.pick(stream, members);
        (0..dead).map(|step| MemberId(((first + step) % members) as u32)).collect()
    }
}

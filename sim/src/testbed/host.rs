//! Servers: their inputs and effects, and how they crash, pause and get wrong clocks.

use super::outcalls::OutcallLog;
use super::{Exhibited, Happening, START, Testbed, judges};
use crate::check::{CacheDigest, Guarantee, IndexCheck, ServedLevels, Violation};
use crate::choose::{ChoiceStream, Label};
use crate::driver::open_config;
use crate::driver::{is_signed, signature};
use crate::etcd::{MemberId, ServerId};
use crate::marks::Mark;
use crate::swarm::{FaultClass, Swarm};
use crate::trace::{Lane, What};
use crate::users;
use bytes::Bytes;
use std::collections::BTreeSet;
use std::mem;
use steersman_core::config::{Authentication, Authorizer, Config, Curve, IssuerKey, JobId, Note, PublicKey};
use steersman_core::machine::{Effect, Input, Machine, Page, Task};
use steersman_core::now::{Mono, Now, Wall};
use steersman_core::store::Feed;
use steersman_core::value::port_range::PortRange;

/// After how many steps a server's invariants are checked. They are also checked before it crashes, and at the end,
/// and a wrong count stays wrong until then.
const CHECK_EVERY: u64 = 16;
/// Longest that a step runs late, microseconds.
const LATE_MICROS_MAX: u64 = 30_000;

/// A place where a server runs, or will again.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) machine: Option<Machine>,
    /// Grows with every start, so that what belongs to an earlier life is dropped.
    pub(super) life: u32,
    /// The next tick that is scheduled.
    wakes_at: Option<Mono>,
    /// Deliveries keep their order: none comes before this.
    pub(super) feed_at: Mono,
    /// When the steps that were handed out are done.
    busy_until: Mono,
    /// The member of the store that it talks to.
    pub(super) member: MemberId,
    /// It was told to end.
    pub(super) is_ending: bool,
    /// It is paused: inputs wait until it resumes.
    pub(super) paused: bool,
    pub(super) inbox: Vec<Delayed>,
    /// What it was last told about the store: whether it answers.
    pub(super) told: Option<bool>,
    /// Microseconds that its wall clock is off, and the time at which the clock stands still, if it does.
    pub(super) skew: i64,
    pub(super) frozen: Option<Wall>,
    digest: CacheDigest,
    indexes: IndexCheck,
    /// What it has served, in this life, of the definition that its authors change, and from when on.
    pub(super) levels: Vec<(Mono, ServedLevels)>,
    /// Requests that it was given and has not ended.
    pub(super) open: BTreeSet<JobId>,
    /// It stays down for ever.
    pub(super) dead: bool,
    effects: Vec<Effect>,
    /// Inputs that it was given, over all lives.
    steps: u64,
}

/// Steps that wait longer than this for their turn have come to an overloaded server, microseconds.
const OVERLOAD_MICROS: u64 = 20_000;

/// What waits for a paused server.
#[derive(Debug)]
pub(super) enum Delayed {
    Input(Box<Input>),
    Run(Box<Task>),
}

impl Host {
    pub(super) fn new(member: usize) -> Self {
        Self {
            machine: None,
            life: 0,
            wakes_at: None,
            feed_at: Mono(0),
            busy_until: Mono(0),
            member: MemberId(member as u32),
            is_ending: false,
            paused: false,
            inbox: Vec::new(),
            told: None,
            skew: 0,
            frozen: None,
            digest: CacheDigest::default(),
            indexes: IndexCheck::default(),
            levels: Vec::new(),
            open: BTreeSet::new(),
            dead: false,
            effects: Vec::new(),
            steps: 0,
        }
    }

    pub(super) fn is_paused(&self) -> bool {
        self.paused
    }

    pub(super) fn clock(&self, now: Mono) -> Now {
        let wall = self.frozen.unwrap_or(Wall(START.0 + now.0 as i64 + self.skew));
        Now { mono: now, wall }
    }
}

/// The issuer of service account tokens.
const ISSUER: &str = "https://kubernetes.default.svc";

/// What stands for the issuer's key. Its numbers do not matter, since no signature is made with them.
fn issuer_key() -> IssuerKey {
    let key = PublicKey::Ecdsa { curve: Curve::P256, x: Bytes::new(), y: Bytes::new() };
    IssuerKey { id: "the-key".into(), key }
}

/// Those that decide what callers may do: webhooks are asked only about those to whom nobody else allows anything.
fn authorizers() -> Vec<Authorizer> {
    let mut all = vec![Authorizer::Node, Authorizer::Rbac, Authorizer::AlwaysAllow];
    all.extend(judges::authorizers());
    all
}

/// The configuration of every server of a run: tokens are known, and whoever is known may do all but what is denied
/// to them.
pub(super) fn config(swarm: &Swarm, seed: u64, exhibit: Exhibited) -> Config {
    Config {
        authentication: Authentication {
            tokens: users::tokens(),
            anonymous: false,
            issuers: vec![ISSUER.into()],
            ..Authentication::default()
        },
        authorization: authorizers(),
        issuer: ISSUER.into(),
        audiences: vec![ISSUER.into()],
        issuer_keys: vec![issuer_key()],
        signing_key: Some(issuer_key()),
        denials: users::denials(swarm.decides_slowly),
        max_in_flight: swarm.seats,
        max_mutating_in_flight: swarm.seats,
        request_timeout_millis: swarm.request_timeout_millis,
        compaction_interval_millis: swarm.compaction_interval_millis,
        event_ttl_seconds: swarm.event_ttl_seconds,
        bounds: swarm.bounds,
        service_range: "10.0.0.0/29".into(),
        node_ports: PortRange::between(30_000, 30_003).unwrap_or(PortRange::NODE_PORTS),
        bootstrap: swarm.bootstrap,
        flaw: exhibit.server,
        ..open_config(seed)
    }
}

impl Testbed {
    /// Starts a server that is down.
    pub(super) fn restart(&mut self, server: usize) -> Result<(), Violation> {
        let host = &mut self.hosts[server];
        if host.machine.is_some() || host.dead {
            return Ok(());
        }
        host.life += 1;
        host.wakes_at = None;
        host.feed_at = self.now;
        host.busy_until = self.now;
        host.is_ending = false;
        host.paused = false;
        host.inbox.clear();
        host.told = None;
        host.digest = CacheDigest::default();
        host.indexes = IndexCheck::default();
        host.open.clear();
        host.levels.clear();
        let stream = Label::Seed.of((server as u64) << 32 | u64::from(host.life));
        // No two servers, and no two lives of one server, have the same seed.
        let seed = self.chooser.pick(stream, 1 << 32) << 24 | stream.key >> 24 | stream.key & 0xffff;
        let config = config(&self.swarm, seed, self.exhibit);
        self.hosts[server].machine = Some(Machine::new(config, self.registry.clone()));
        self.note(Lane::Server(server), What::Step, || "starts".to_owned());
        self.give(server, Input::Start)
    }

    /// An input reaches a server, at once or when the server resumes.
    pub(super) fn input(&mut self, server: usize, life: u32, input: Box<Input>) -> Result<(), Violation> {
        let host = &self.hosts[server];
        if host.life != life || host.machine.is_none() {
            return Ok(());
        }
        if host.paused {
            self.hosts[server].inbox.push(Delayed::Input(input));
            return Ok(());
        }
        self.give(server, *input)
    }

    /// A step runs, with the snapshot that it was handed.
    pub(super) fn run(&mut self, server: usize, life: u32, task: Box<Task>) -> Result<(), Violation> {
        let host = &self.hosts[server];
        let Some(machine) = host.machine.as_ref().filter(|_| host.life == life) else { return Ok(()) };
        if host.paused {
            self.hosts[server].inbox.push(Delayed::Run(task));
            return Ok(());
        }
        if task.sees() < machine.world().revision(Feed(0)) {
            self.mark(Mark::StaleSnapshot);
        }
        let (id, seen, is_first) = (task.id, task.sees(), task.is_first());
        if let Some(record) = self.requests.get_mut(id) {
            if !is_first {
                record.first_seen.get_or_insert(seen);
            }
            record.seen = seen;
        }
        self.give(server, Input::Ran(task.run()))
    }

    /// Gives a server one input and performs all that follows from it.
    pub(super) fn give(&mut self, server: usize, input: Input) -> Result<(), Violation> {
        let now = self.now;
        self.steps += 1;
        let host = &mut self.hosts[server];
        let clock = host.clock(now);
        let Some(machine) = host.machine.as_mut() else { return Ok(()) };
        let before = match &input {
            Input::Changed(changes) => {
                let keys = changes.batch().events.iter().map(|event| &event.kv.key);
                Some(CacheDigest::before(machine.world(), keys))
            }
            Input::Start
            | Input::Request(..)
            | Input::Body(..)
            | Input::Probe(..)
            | Input::Called(..)
            | Input::Signed(..)
            | Input::Verified(..)
            | Input::Ran(_)
            | Input::Decoded(_)
            | Input::Stored(..)
            | Input::Lost(..)
            | Input::Credit(..)
            | Input::Gone(_)
            | Input::Sent(_)
            | Input::TunnelEnded(..)
            | Input::Health(..)
            | Input::Tick
            | Input::Serve(_)
            | Input::Withdraw { .. }
            | Input::ShutdownInitiated
            | Input::Authorizers(_)
            | Input::JwtIssuers(_)
            | Input::TrustedClients(_)
            | Input::Drain(_) => None,
        };
        let mut gone = None;
        match &input {
            Input::Request(id, _) => {
                host.open.insert(*id);
            }
            Input::Gone(id) => {
                host.open.remove(id);
                gone = Some(*id);
            }
            Input::Start
            | Input::Body(..)
            | Input::Probe(..)
            | Input::Called(..)
            | Input::Signed(..)
            | Input::Verified(..)
            | Input::Ran(_)
            | Input::Decoded(_)
            | Input::Stored(..)
            | Input::Changed(_)
            | Input::Lost(..)
            | Input::Credit(..)
            | Input::Sent(_)
            | Input::TunnelEnded(..)
            | Input::Health(..)
            | Input::Tick
            | Input::Serve(_)
            | Input::Withdraw { .. }
            | Input::ShutdownInitiated
            | Input::Authorizers(_)
            | Input::JwtIssuers(_)
            | Input::TrustedClients(_)
            | Input::Drain(_) => {}
        }
        let withdraws = matches!(input, Input::Withdraw { .. });
        let mut effects = mem::take(&mut host.effects);
        machine.handle(clock, input, &mut effects);
        host.steps += 1;
        if host.steps.is_multiple_of(CHECK_EVERY) {
            machine.check();
        }
        let is_new =
            |note: &Note| matches!(note, Note::Listed { .. } | Note::Served { .. } | Note::Withdrawn { .. });
        let listed = effects.iter().any(|effect| matches!(effect, Effect::Note(note) if is_new(note)));
        // Nothing else changes the objects that indexes are made of.
        let may_have_changed = listed || before.is_some();
        if listed {
            host.digest.whole(machine.world(), &self.truth)?;
        } else if let Some(before) = before {
            host.digest.applied(machine.world(), &self.truth, &before)?;
        }
        if may_have_changed {
            host.indexes.compare(machine.world())?;
        }
        self.wake_server(server);
        for effect in effects.drain(..) {
            self.effect(server, effect)?;
        }
        self.hosts[server].effects = effects;
        if withdraws {
            self.check_watches_of_kind(server)?;
        }
        gone.map_or(Ok(()), |id| self.check_calls_ended(server, id))
    }

    /// Schedules the next tick, unless an earlier one is.
    fn wake_server(&mut self, server: usize) {
        let host = &mut self.hosts[server];
        let Some(at) = host.machine.as_ref().and_then(Machine::wake_at) else { return };
        if host.wakes_at.is_some_and(|armed| armed <= at && armed > self.now) {
            return;
        }
        host.wakes_at = Some(at);
        let life = host.life;
        self.schedule(at.max(self.now), Happening::Input(server, life, Box::new(Input::Tick)));
    }

    fn effect(&mut self, server: usize, effect: Effect) -> Result<(), Violation> {
        match effect {
            Effect::Run(task) => {
                self.hand_out(server, task);
                Ok(())
            }
            Effect::Store(id, _, op) => {
                self.check_reviewed_write(id, &op)?;
                self.check_judged_write(id, &op)?;
                self.send_operation(server, id, op);
                Ok(())
            }
            Effect::Call(id, index, call) => {
                self.call(server, id, index, &call);
                Ok(())
            }
            Effect::Sign(id, text) => self.give(server, Input::Signed(id, Ok(signature(&text)))),
            Effect::Verify(id, token) => self.give(server, Input::Verified(id, is_signed(&token))),
            Effect::Dial(id, _) => {
                self.dial(server, id);
                Ok(())
            }
            Effect::CancelCalls(id) => {
                self.cancel_calls(id);
                Ok(())
            }
            Effect::Body(id) => self.body(server, id),
            Effect::Respond(id, response) => {
                self.reviews.forget(id);
                self.check_judged_answer(id, &response)?;
                self.respond(server, id, response)
            }
            Effect::Frame { to, frame } => self.frames(server, &to, &frame.render()),
            Effect::Decode(page) => self.decode_soon(server, page),
            Effect::Discard(discarded) => {
                drop(discarded);
                Ok(())
            }
            Effect::Close(id) => self.close(server, id),
            Effect::Follow { feed, prefix, after } => {
                let member = self.hosts[server].member;
                let applied = self.etcd.applied(member);
                let mut from = after;
                if applied < after {
                    self.mark(Mark::LaggingMember);
                    let stream = Label::Feed.of(1 << 32 | server as u64);
                    if self.chooser.fault(stream, self.swarm.rate(FaultClass::OldEvents)) {
                        from = applied;
                    }
                }
                self.etcd.follow(ServerId(server as u32), feed, member, &prefix, from);
                self.deliver()
            }
            Effect::RequestProgress(feed) => {
                // The store drops a progress request when the watch is behind.
                let dropped =
                    self.chooser.fault(Label::Feed.of(server as u64), self.swarm.rate(FaultClass::SlowFeed));
                if !dropped {
                    self.etcd.request_progress(ServerId(server as u32), feed);
                }
                self.deliver()
            }
            Effect::Note(note) => {
                self.noted(server, note);
                Ok(())
            }
        }
    }

    /// A step runs at once, or late with a snapshot that is old by then. The first step uses no snapshot.
    fn hand_out(&mut self, server: usize, task: Task) {
        let stream = self.step_stream(server, task.id);
        let late = if !task.is_first() && self.chooser.fault(stream, self.swarm.rate(FaultClass::LateStep)) {
            1 + self.chooser.pick(stream, LATE_MICROS_MAX)
        } else {
            0
        };
        // A server has one processor: a step waits until those before it are done.
        let host = &mut self.hosts[server];
        host.busy_until = Mono(host.busy_until.max(self.now).0 + self.swarm.step_micros);
        let (life, done) = (host.life, host.busy_until);
        if done.micros_since(self.now) > OVERLOAD_MICROS {
            self.mark(Mark::Overload);
        }
        self.schedule(Mono(done.0 + late), Happening::Run(server, life, Box::new(task)));
    }

    /// A page of a listing is decoded at once, or late.
    fn decode_soon(&mut self, server: usize, page: Page) -> Result<(), Violation> {
        let stream = Label::Page.of(self.stream_key(server, page.id));
        if !self.chooser.fault(stream, self.swarm.rate(FaultClass::LateStep)) {
            return self.give(server, Input::Decoded(page.run()));
        }
        let late = 1 + self.chooser.pick(stream, LATE_MICROS_MAX);
        let life = self.hosts[server].life;
        self.schedule(Mono(self.now.0 + late), Happening::Decode(server, life, Box::new(page)));
        Ok(())
    }

    /// A page that is late is decoded.
    pub(super) fn decode(&mut self, server: usize, life: u32, page: Page) -> Result<(), Violation> {
        self.input(server, life, Box::new(Input::Decoded(page.run())))
    }

    fn noted(&mut self, server: usize, note: Note) {
        let lane = Lane::Server(server);
        match note {
            Note::Listed { objects, revision, .. } => {
                if objects > self.swarm.bounds.relist_page {
                    self.mark(Mark::RelistInPages);
                }
                self.note(lane, What::Step, || format!("listed {objects} objects at {}", revision.0));
            }
            Note::FeedLost { why, .. } => {
                if why.starts_with("compacted") {
                    self.mark(Mark::FeedCompacted);
                }
                self.note(lane, What::Step, || format!("its feed broke off: {why}"));
            }
            Note::OldEvents { events, .. } => {
                self.mark(Mark::OldEventsLeftOut);
                self.note(lane, What::Step, || format!("left out {events} old events"));
            }
            Note::WatchEnded { why, .. } => {
                if why.starts_with("too slow") {
                    self.mark(Mark::WatcherOverflow);
                }
                self.note_ended_with_kind(&why);
            }
            Note::Served { resource, .. } => {
                self.note_levels(server, &resource);
                self.note(lane, What::Step, || format!("serves {resource}"));
            }
            Note::Withdrawn { resource } => {
                self.note_levels(server, &resource);
                self.note(lane, What::Step, || format!("serves {resource} no longer"));
            }
            Note::NotServed { resource, why } => {
                self.note(lane, What::Step, || format!("cannot serve {resource}: {why}"));
            }
            Note::Refused { controller, why } => {
                self.note(lane, What::Step, || format!("{}: {why}", controller.name()));
            }
            Note::Ready => self.note(lane, What::Step, || "is ready".to_owned()),
            Note::Answered(_)
            | Note::TunnelEnded(_)
            | Note::LegacyTokenUsed(_)
            | Note::RemoteApiUnavailable { .. }
            | Note::Undecodable { .. }
            | Note::UnknownOutcome { .. }
            | Note::Panicked { .. } => {}
        }
    }

    /// The present life of a server.
    pub(super) fn life(&self, server: usize) -> u32 {
        self.hosts[server].life
    }

    /// Servers that run.
    pub(super) fn running(&self) -> impl Iterator<Item = usize> {
        self.hosts.iter().enumerate().filter(|(_, host)| host.machine.is_some()).map(|(server, _)| server)
    }

    /// At the end, when no client is left, servers must have kept nothing of any request.
    pub(crate) fn check_leftovers(&self) -> Result<(), Violation> {
        for (server, host) in self.hosts.iter().enumerate() {
            let Some(machine) = &host.machine else { continue };
            machine.check();
            let left = machine.open_requests();
            if left > 0 {
                let detail = format!("server {server} keeps {left} requests that have ended");
                return Err(Violation::new(Guarantee::NothingIsLeft, detail));
            }
        }
        Ok(())
    }

    /// Goes through all caches.
    pub(crate) fn check_caches(&mut self) -> Result<(), Violation> {
        for host in &mut self.hosts {
            if let Some(machine) = &host.machine {
                host.digest.whole(machine.world(), &self.truth)?;
            }
        }
        Ok(())
    }

    /// The stream of choices about a job's steps. Those before the body, and those of jobs that make calls, have
    /// streams of their own.
    fn step_stream(&self, server: usize, id: JobId) -> ChoiceStream {
        if OutcallLog::is_one(id) {
            return Label::Callee.of(id.0);
        }
        let label = if self.awaits_body(id) { Label::Body } else { Label::Step };
        label.of(self.stream_key(server, id))
    }

    /// The key of a job's choices: for a request, its number among its client's; for a server's own operation, the
    /// operation's number.
    pub(super) fn stream_key(&self, server: usize, id: JobId) -> u64 {
        if id.is_own() {
            let number = id.0 - JobId::OWN.0;
            return JobId::OWN.0 | (server as u64) << 48 | u64::from(self.hosts[server].life) << 32 | number;
        }
        self.requests.get(id).map_or(0, |record| record.key)
    }
}

//! One run: servers over one fake etcd, clients, faults, checkers; everything drawn by one chooser, one
//! happening at a time in virtual time.
//!
//! Phases: a warm start, chaos, then calm: no more faults and writes, servers that are down come back,
//! and everything must come to rest within a bound.

use crate::check::{self, Guarantee, Violation};
use crate::choose::Chooser;
use crate::client::{Ask, Client, Next, Reflector, Sight, Writer};
use crate::driver::{Reply, open_config};
use crate::etcd::{Delivery, FakeEtcd, Server};
use crate::faults::Faults;
use crate::truth::Truth;
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use steersman_core::http::{Method, Peer, Request, Response};
use steersman_core::kinds::Registry;
use steersman_core::machine::text::Digest;
use steersman_core::machine::{Effect, Input, JobId, Machine, Task};
use steersman_core::now::{Mono, Now, Wall};
use steersman_core::store::{Feed, Op, Rev, StoreError, Stored, Why};

/// Virtual time of chaos, and the bound of the calm after it, milliseconds.
const CHAOS_MILLIS: u64 = 60_000;
const CALM_MILLIS: u64 = 120_000;
/// Happenings of one run. A run that needs more is a failure: something goes round in circles.
const HAPPENINGS_MAX: u64 = 2_000_000;
/// The follower that hears of every change at once, for the truth.
const WITNESS: Server = Server(u32::MAX);
const START: Wall = Wall::from_seconds(1_700_000_000);

/// What a run came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub faults: Faults,
    pub steps: u64,
    pub requests: u64,
    /// Virtual milliseconds.
    pub millis: u64,
    /// Equal for equal runs.
    pub digest: Digest,
    /// The first guarantee that did not hold, and when (virtual milliseconds).
    pub violation: Option<(u64, Violation)>,
}

/// Something that happens at a time.
#[derive(Debug)]
enum Happening {
    /// An input reaches a server, if that is still the same incarnation.
    Input(usize, u32, Box<Input>),
    Run(usize, u32, Box<Task>),
    /// An operation reaches etcd.
    Store(usize, u32, JobId, Op),
    /// A client's sleep is over: the so-manieth, so that an interrupted sleep wakes nobody.
    Wake(usize, u64),
    /// An answer, or bytes of a watch, reach a client.
    Reply(usize, JobId, Box<Reply>),
    Frame(usize, JobId, Bytes),
    /// A client's connection breaks.
    Broken(usize, JobId),
    Restart(usize),
    /// Faults that come by themselves are thought about.
    Mischief,
    Calm,
}

#[derive(Debug)]
struct Node {
    machine: Option<Machine>,
    /// Grows with every start, so that what belongs to an earlier life is dropped.
    life: u32,
    wakes_at: Option<Mono>,
    /// Deliveries keep their order: none comes before this.
    feed_at: Mono,
}

/// A request under way, or a watch that is open.
#[derive(Clone, Debug)]
struct Call {
    client: usize,
    server: usize,
    life: u32,
    asked_at: Rev,
    watch: bool,
    answered: bool,
    /// What the server has sent arrives in order.
    sent_at: Mono,
    slow: bool,
}

struct Run {
    chooser: Chooser,
    faults: Faults,
    now: Mono,
    heap: BTreeMap<(Mono, u64), Happening>,
    sequence: u64,
    nodes: Vec<Node>,
    etcd: FakeEtcd,
    truth: Truth,
    clients: Vec<Client>,
    /// What each client waits for: one call at most, and how often it has gone to sleep.
    current: Vec<(Option<JobId>, u64)>,
    calls: BTreeMap<JobId, Call>,
    last_job: u64,
    registry: Arc<Registry>,
    calm: bool,
    steps: u64,
    digest: Digest,
}

/// Runs to the end, or to the first guarantee that does not hold.
pub fn run(mut chooser: Chooser) -> (Outcome, Chooser) {
    let faults = Faults::draw(&mut chooser);
    let mut run = Run::new(chooser, faults);
    let violation = run.play().err().map(|violation| (run.now.0 / 1000, violation));
    let outcome = Outcome {
        faults,
        steps: run.steps,
        requests: run.last_job,
        millis: run.now.0 / 1000,
        digest: run.digest,
        violation,
    };
    (outcome, run.chooser)
}

impl Run {
    fn new(chooser: Chooser, faults: Faults) -> Self {
        let mut etcd = FakeEtcd::new();
        etcd.follow(WITNESS, Feed(0), &Bytes::from_static(b"/"), Rev(1));
        let node = || Node { machine: None, life: 0, wakes_at: None, feed_at: Mono(0) };
        let writers = (0..faults.writers).map(|number| Client::Writer(Writer::new(number)));
        let reflectors = (0..faults.reflectors).map(|number| {
            let parity = (number % 3 != 0).then_some(number % 2);
            Client::Reflector(Reflector::new(number, parity))
        });
        let clients: Vec<Client> = writers.chain(reflectors).collect();
        Self {
            current: vec![(None, 0); clients.len()],
            clients,
            nodes: (0..faults.servers).map(|_| node()).collect(),
            chooser,
            faults,
            now: Mono(1),
            heap: BTreeMap::new(),
            sequence: 0,
            etcd,
            truth: Truth::default(),
            calls: BTreeMap::new(),
            last_job: 0,
            registry: Arc::new(Registry::builtin()),
            calm: false,
            steps: 0,
            digest: Digest::default(),
        }
    }

    fn play(&mut self) -> Result<(), Violation> {
        for server in 0..self.nodes.len() {
            self.at(0, Happening::Restart(server));
        }
        for client in 0..self.clients.len() {
            self.at(100, Happening::Wake(client, 0));
        }
        self.at(1_000, Happening::Mischief);
        self.at(CHAOS_MILLIS, Happening::Calm);
        let end = Mono(1).plus_millis(CHAOS_MILLIS + CALM_MILLIS);
        while let Some(((at, _), happening)) = self.heap.pop_first() {
            if at > end {
                break;
            }
            self.now = self.now.max(at);
            self.steps += 1;
            self.digest.add(&at.0.to_le_bytes());
            assert!(self.steps < HAPPENINGS_MAX, "a run is bounded");
            self.happen(happening)?;
        }
        self.settle()
    }

    /// At the end everybody has an answer and sees the same.
    fn settle(&self) -> Result<(), Violation> {
        if let Some((id, call)) = self.calls.iter().find(|(_, call)| !call.answered) {
            let detail = format!("request {} of client {} to server {}", id.0, call.client, call.server);
            return Err(Violation::new(Guarantee::EveryRequestIsAnswered, detail));
        }
        self.clients.iter().try_for_each(|client| client.settled(&self.truth))
    }

    fn at(&mut self, millis: u64, happening: Happening) {
        self.schedule(self.now.plus_millis(millis), happening);
    }

    fn schedule(&mut self, at: Mono, happening: Happening) {
        self.sequence += 1;
        self.heap.insert((at, self.sequence), happening);
    }

    /// When a message sent now arrives.
    fn arrival(&mut self, stream: &str) -> Mono {
        let most = if self.calm { 2 } else { self.faults.delay_millis };
        let micros = 100 + self.chooser.pick(stream, most * 1000);
        Mono(self.now.0 + micros)
    }

    fn clock(&self) -> Now {
        Now { mono: self.now, wall: Wall(START.0 + self.now.0 as i64) }
    }

    fn happen(&mut self, happening: Happening) -> Result<(), Violation> {
        match happening {
            Happening::Input(server, life, input) if self.nodes[server].life == life => {
                self.give(server, *input)
            }
            Happening::Run(server, life, task) if self.nodes[server].life == life => {
                self.give(server, Input::Ran(task.run()))
            }
            Happening::Input(..) | Happening::Run(..) => Ok(()),
            Happening::Store(server, life, id, op) => self.store(server, life, id, &op),
            Happening::Wake(client, sleep) => {
                if self.current[client].1 != sleep {
                    return Ok(());
                }
                let next = self.sighted(client, None, |client, sight| Ok(client.wake(sight)))?;
                self.follow(client, next)
            }
            Happening::Reply(client, id, reply) => self.reply(client, id, &reply),
            Happening::Frame(client, id, bytes) => self.frame(client, id, &bytes),
            Happening::Broken(client, id) => self.broken(client, id),
            Happening::Restart(server) => self.restart(server),
            Happening::Mischief => self.mischief(),
            Happening::Calm => self.become_calm(),
        }
    }

    /// Lets a client look and act.
    fn sighted(
        &mut self,
        client: usize,
        call: Option<&Call>,
        act: impl FnOnce(&mut Client, &mut Sight<'_>) -> Result<Next, Violation>,
    ) -> Result<Next, Violation> {
        let asked_at = call.map_or(self.truth.revision(), |call| call.asked_at);
        let mut sight = Sight { chooser: &mut self.chooser, truth: &self.truth, asked_at, calm: self.calm };
        act(&mut self.clients[client], &mut sight)
    }

    fn follow(&mut self, client: usize, next: Next) -> Result<(), Violation> {
        match next {
            Next::Listen => Ok(()),
            Next::Sleep(millis) => {
                self.let_go(client);
                let sleep = self.current[client].1;
                self.at(millis, Happening::Wake(client, sleep));
                Ok(())
            }
            Next::Ask(ask) => {
                self.let_go(client);
                self.ask(client, ask);
                Ok(())
            }
        }
    }

    /// The client turns to something else: its call and its sleep are over.
    fn let_go(&mut self, client: usize) {
        self.current[client].1 += 1;
        if let Some(id) = self.current[client].0.take() {
            self.hang_up(id);
        }
    }

    fn ask(&mut self, client: usize, ask: Ask) {
        let server = self.chooser.pick("balancer", self.nodes.len() as u64) as usize;
        self.last_job += 1;
        let id = JobId(self.last_job);
        let life = self.nodes[server].life;
        let call = Call {
            client,
            server,
            life,
            asked_at: self.truth.revision(),
            watch: ask.watch,
            answered: false,
            sent_at: self.now,
            slow: ask.watch && self.chooser.fault("reader", self.faults.slow_reader),
        };
        self.calls.insert(id, call);
        self.current[client].0 = Some(id);
        let arrives = self.arrival("link");
        let lost = self.chooser.fault("link/reset", self.faults.reset);
        if lost || self.nodes[server].machine.is_none() {
            self.schedule(arrives, Happening::Broken(client, id));
            return;
        }
        let (path, query) = ask.target.split_once('?').unwrap_or((&ask.target, ""));
        let request = Request {
            method: Method::parse(ask.method),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: vec![("content-type".into(), ask.content_type.to_owned())],
            body: Bytes::from(ask.body),
            peer: Peer::None,
            remote_address: "192.0.2.1".into(),
        };
        self.schedule(arrives, Happening::Input(server, life, Box::new(Input::Request(id, request))));
    }

    fn give(&mut self, server: usize, input: Input) -> Result<(), Violation> {
        let now = self.clock();
        let changes = matches!(input, Input::Changed(_) | Input::Stored(..));
        let Some(machine) = self.nodes[server].machine.as_mut() else { return Ok(()) };
        let mut effects = Vec::new();
        machine.handle(now, input, &mut effects);
        machine.check();
        if changes {
            check::cache(machine.world(), &self.truth)?;
        }
        let wakes_at = machine.wake_at().map(|(at, _)| at);
        for effect in effects {
            self.perform(server, effect);
        }
        if let Some(at) = wakes_at
            .filter(|at| self.nodes[server].wakes_at.is_none_or(|armed| *at < armed || armed <= self.now))
        {
            self.nodes[server].wakes_at = Some(at);
            let life = self.nodes[server].life;
            self.schedule(at.max(self.now), Happening::Input(server, life, Box::new(Input::Tick)));
        }
        Ok(())
    }

    fn perform(&mut self, server: usize, effect: Effect) {
        let life = self.nodes[server].life;
        match effect {
            Effect::Run(task) => {
                // A step may run late: its snapshot is then an old one.
                let late = if self.calm {
                    0
                } else {
                    self.chooser.pick("step", 4) * self.chooser.pick("step", 2_000)
                };
                self.schedule(Mono(self.now.0 + late), Happening::Run(server, life, Box::new(task)));
            }
            Effect::Store(id, _, op) => {
                let arrives = self.arrival("etcd");
                self.schedule(arrives, Happening::Store(server, life, id, op));
            }
            Effect::Respond(id, response) => self.respond(id, response),
            Effect::Frame { to, bytes } => {
                for id in to {
                    self.send(id, |client| Happening::Frame(client, id, bytes.clone()));
                }
            }
            Effect::Close(id) => self.send(id, |client| Happening::Broken(client, id)),
            Effect::Follow { feed, prefix, after } => {
                self.etcd.follow(Server(server as u32), feed, &prefix, after);
                self.deliver();
            }
            Effect::RequestProgress(feed) => {
                self.etcd.request_progress(Server(server as u32), feed);
                self.deliver();
            }
            Effect::Note(_) => {}
        }
    }

    /// Sends something to the client of a call, after what was sent before.
    fn send(&mut self, id: JobId, make: impl FnOnce(usize) -> Happening) {
        let arrives = self.arrival("link");
        let Some(call) = self.calls.get_mut(&id) else { return };
        let wait = if call.slow { 20_000_000 } else { 0 };
        call.slow = false;
        call.sent_at = call.sent_at.max(Mono(arrives.0 + wait));
        let (at, client) = (call.sent_at, call.client);
        self.schedule(at, make(client));
    }

    fn respond(&mut self, id: JobId, response: Response) {
        let reply = Reply::whole(response);
        self.digest.add(&reply.body);
        if self.chooser.fault("link/reset", self.faults.reset) {
            self.send(id, |client| Happening::Broken(client, id));
        } else {
            self.send(id, |client| Happening::Reply(client, id, Box::new(reply)));
        }
    }

    fn reply(&mut self, client: usize, id: JobId, reply: &Reply) -> Result<(), Violation> {
        let Some(call) = self.calls.get_mut(&id) else { return Ok(()) };
        call.answered = true;
        let call = call.clone();
        // A refused watch ends with its answer, as does everything else.
        if !(call.watch && reply.status == 200) {
            self.calls.remove(&id);
            self.current[client].0 = None;
        }
        let next = self.sighted(client, Some(&call), |client, sight| client.answered(reply, sight))?;
        self.follow(client, next)
    }

    fn frame(&mut self, client: usize, id: JobId, bytes: &Bytes) -> Result<(), Violation> {
        let Some(call) = self.calls.get(&id).cloned() else { return Ok(()) };
        let credit = Input::Credit(id, 1);
        self.schedule(self.now, Happening::Input(call.server, call.life, Box::new(credit)));
        let next = self.sighted(client, Some(&call), |client, sight| client.events(bytes, sight))?;
        if next == Next::Listen && self.chooser.fault("reader/cut", self.faults.cut_watch) {
            return self.broken(client, id);
        }
        self.follow(client, next)
    }

    /// The client lets go of a call.
    fn hang_up(&mut self, id: JobId) {
        if let Some(call) = self.calls.remove(&id) {
            let gone = Happening::Input(call.server, call.life, Box::new(Input::Gone(id)));
            self.schedule(self.now, gone);
        }
    }

    fn broken(&mut self, client: usize, id: JobId) -> Result<(), Violation> {
        if !self.calls.contains_key(&id) {
            return Ok(());
        }
        self.let_go(client);
        let next = self.sighted(client, None, |client, sight| Ok(client.broken(sight)))?;
        self.follow(client, next)
    }

    /// An operation reaches etcd. Writes are performed whoever asked, also for a server that has died.
    fn store(&mut self, server: usize, life: u32, id: JobId, op: &Op) -> Result<(), Violation> {
        let is_write = !matches!(op, Op::Range(_));
        let lost = is_write && self.chooser.fault("etcd/lost", self.faults.lost_write);
        let before = lost && self.chooser.pick("etcd/lost", 2) == 0;
        let mut stored = if before {
            Stored::Unknown("the connection broke".into())
        } else {
            let stored = self.etcd.perform(self.now, op);
            self.deliver();
            stored
        };
        if lost && !before {
            stored = Stored::Unknown("the connection broke".into());
        }
        if !is_write && self.chooser.fault("etcd/unavailable", self.faults.lost_write) {
            stored = Stored::Failed(StoreError::Unavailable("request timed out".into()));
        }
        let arrives = self.arrival("etcd");
        self.schedule(arrives, Happening::Input(server, life, Box::new(Input::Stored(id, stored))));
        Ok(())
    }

    /// What etcd has to tell goes on its way: to the truth at once, to servers in order.
    fn deliver(&mut self) {
        for (to, delivery) in self.etcd.drain() {
            if to == WITNESS {
                if let Delivery::Changed(batch) = delivery {
                    self.truth.note(&batch.events, batch.revision);
                }
                continue;
            }
            let server = to.0 as usize;
            let at = self.arrival("watch").max(self.nodes[server].feed_at);
            self.nodes[server].feed_at = at;
            let life = self.nodes[server].life;
            let input = match delivery {
                Delivery::Changed(batch) => Input::Changed(batch),
                Delivery::Lost(feed, why) => Input::Lost(feed, why),
            };
            self.schedule(at, Happening::Input(server, life, Box::new(input)));
        }
    }

    fn restart(&mut self, server: usize) -> Result<(), Violation> {
        let node = &mut self.nodes[server];
        if node.machine.is_some() {
            return Ok(());
        }
        node.life += 1;
        node.wakes_at = None;
        node.feed_at = self.now;
        let seed = self.chooser.pick("server/seed", u64::MAX) ^ (server as u64) << 32 ^ u64::from(node.life);
        node.machine = Some(Machine::new(open_config(seed), self.registry.clone()));
        self.give(server, Input::Start)
    }

    fn crash(&mut self, server: usize) {
        self.nodes[server].machine = None;
        self.nodes[server].life += 1;
        self.etcd.unfollow(Server(server as u32), Feed(0));
        let calls: BTreeSet<(usize, JobId)> = self
            .calls
            .iter()
            .filter(|(_, call)| call.server == server)
            .map(|(id, call)| (call.client, *id))
            .collect();
        for (client, id) in calls {
            self.at(1, Happening::Broken(client, id));
        }
        let down = self.chooser.between("crash/down", 1, 10_000);
        self.at(down, Happening::Restart(server));
    }

    /// Once in a while: crashes, compaction, broken feeds.
    fn mischief(&mut self) -> Result<(), Violation> {
        for server in 0..self.nodes.len() {
            if self.nodes[server].machine.is_some() && self.chooser.fault("crash", self.faults.crash) {
                self.crash(server);
            }
            if self.nodes[server].machine.is_some() && self.chooser.fault("feed", self.faults.broken_feed) {
                self.etcd.unfollow(Server(server as u32), Feed(0));
                let lost = Input::Lost(Feed(0), Why::Disconnected("the connection broke".into()));
                let life = self.nodes[server].life;
                let at = self.nodes[server].feed_at.max(self.now);
                self.schedule(at, Happening::Input(server, life, Box::new(lost)));
            }
        }
        if self.chooser.fault("compaction", self.faults.compaction) {
            let revision = self.truth.revision().0;
            let back = self.chooser.pick("compaction/back", revision.max(1));
            self.etcd.perform(self.now, &Op::Compact(Rev(revision - back)));
            self.deliver();
        }
        if !self.calm {
            self.at(500, Happening::Mischief);
        }
        Ok(())
    }

    fn become_calm(&mut self) -> Result<(), Violation> {
        self.calm = true;
        self.chooser.calm();
        for server in 0..self.nodes.len() {
            if self.nodes[server].machine.is_none() {
                self.restart(server)?;
            }
        }
        Ok(())
    }
}

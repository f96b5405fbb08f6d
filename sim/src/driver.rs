//! One server over one fake etcd, on one thread, for tests of the whole core.
//!
//! Every effect is performed at once and in order, and time advances only when the test says so. Faults, several
//! servers and a random order are left to the simulator, which drives the same machine.

use crate::etcd::{Delivery, FakeEtcd, ServerId};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, OnceLock};
use steersman_core::answer::{Body, Header, Response};
use steersman_core::codec::json;
use steersman_core::config::{Config, JobId, Note, SignedToken};
use steersman_core::kinds::Registry;
use steersman_core::machine::text::Digest;
use steersman_core::machine::{Effect, Input, Machine, Page};
use steersman_core::now::{Mono, Now, Wall};
use steersman_core::store::{Feed, Op, Stored};
use steersman_core::value::Value;
use steersman_core::wire::{Method, Outcall, Peer, Request};

const SERVER: ServerId = ServerId(0);

/// A server and its store.
#[derive(Debug)]
pub struct Driver {
    machine: Machine,
    etcd: FakeEtcd,
    now: Now,
    last_job: u64,
    /// Bodies of requests that the machine has not asked for.
    bodies: BTreeMap<JobId, Bytes>,
    /// Requests that the machine waits for the bodies of.
    awaited: BTreeSet<JobId>,
    replies: BTreeMap<JobId, Reply>,
    /// Streams and tunnels that are open.
    open: BTreeMap<JobId, ()>,
    pub notes: Vec<Note>,
    /// Calls to other servers that the machine has asked for, dialing included, for `give` to answer. Cancelled ones
    /// are removed.
    pub calls: Vec<(JobId, u32, Outcall)>,
    effects: VecDeque<Effect>,
    /// The reply to the next write is lost, before the write takes effect or after.
    lose_next_write: Option<ReplyLoss>,
    /// What another client does to the store right after that write.
    then_writes: Option<fn(&mut FakeEtcd)>,
    /// Streams whose clients do not read, and how many frames each has not taken.
    slow: BTreeMap<JobId, u32>,
    /// Large answers that were not read, while clients read none.
    unread: Option<Vec<JobId>>,
    /// Pages of listings that were not decoded, while none are.
    pages: Option<VecDeque<Page>>,
}

/// Whether a write whose reply is lost has taken effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyLoss {
    BeforeEffect,
    AfterEffect,
}

/// The answer that a client got.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<Header>,
    pub body: Vec<u8>,
    /// The parsed body, once it was asked for.
    read: Read,
}

/// A parsed body. It follows from the body, so comparisons ignore it.
#[derive(Clone, Debug, Default)]
struct Read(OnceLock<Value>);

impl PartialEq for Read {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Read {}

impl Reply {
    pub fn new(status: u16, headers: Vec<Header>, body: Vec<u8>) -> Self {
        Self { status, headers, body, read: Read::default() }
    }

    /// The body as a value; null if it is not JSON. It is parsed once, for checkers and clients alike.
    pub fn value(&self) -> &Value {
        self.read.0.get_or_init(|| json::parse(&self.body).map_or(Value::Null, |parsed| parsed.value))
    }

    /// The reply without its body, and the body.
    #[must_use]
    pub fn split(self) -> (Self, Vec<u8>) {
        (Self::new(self.status, self.headers, Vec::new()), self.body)
    }

    /// A response with its body rendered completely; for a stream, its initial part.
    pub fn whole(response: Response) -> Self {
        let mut body = Vec::new();
        match response.body {
            // Only a shell has metrics, and only it joins tunnels.
            Body::Empty | Body::Metrics(_) | Body::MetricsReset(_) | Body::Tunnel(_) | Body::Relay(_) => {}
            Body::Full(bytes) | Body::Health(bytes, _) => body.extend_from_slice(&bytes),
            Body::List(mut list) => {
                while let Some(chunk) = list.next_chunk() {
                    body.extend_from_slice(&chunk);
                }
            }
            Body::Stream(mut events) => {
                while let Some(chunk) = events.next_chunk() {
                    body.extend_from_slice(&chunk);
                }
            }
        }
        Self::new(response.status, response.headers, body)
    }

    /// The first header with this name, given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(held, _)| held == name).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// What stands for a signature of a text: it follows from the text, and no key is needed.
pub fn signature(text: &[u8]) -> Bytes {
    let mut digest = Digest::default();
    digest.add_long(text);
    Bytes::from(digest.0.to_be_bytes().repeat(8))
}

/// Whether a token has the signature that stands for its text, and any key.
pub fn is_signed(token: &SignedToken) -> bool {
    !token.keys.is_empty() && token.signature == signature(token.signed_text())
}

/// A configuration for tests: AlwaysAllow, anonymous requests.
pub fn open_config(seed: u64) -> Config {
    Config::open(seed)
}

impl Driver {
    /// Starts a server on an empty store; it is ready when this returns.
    pub fn start(config: Config) -> Self {
        Self::start_on(config, FakeEtcd::new())
    }

    /// Starts a server on a store that may already have content.
    pub fn start_on(config: Config, etcd: FakeEtcd) -> Self {
        let mut driver = Self::unstarted(config, etcd);
        driver.give(Input::Start);
        driver
    }

    /// Starts a server on an empty store, at this time of the world's clocks.
    pub fn start_at(config: Config, wall: Wall) -> Self {
        let mut driver = Self::unstarted(config, FakeEtcd::new());
        driver.now.wall = wall;
        driver.give(Input::Start);
        driver
    }

    /// A server that has yet to be given `Input::Start`.
    pub fn unstarted(config: Config, etcd: FakeEtcd) -> Self {
        let now = Now { mono: Mono(1), wall: Wall::from_seconds(1_700_000_000) };
        Self {
            machine: Machine::new(config, Arc::new(Registry::builtin())),
            etcd,
            now,
            last_job: 0,
            bodies: BTreeMap::new(),
            awaited: BTreeSet::new(),
            replies: BTreeMap::new(),
            open: BTreeMap::new(),
            notes: Vec::new(),
            calls: Vec::new(),
            effects: VecDeque::new(),
            lose_next_write: None,
            then_writes: None,
            slow: BTreeMap::new(),
            unread: None,
            pages: None,
        }
    }

    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    pub fn now(&self) -> Now {
        self.now
    }

    pub fn etcd(&self) -> &FakeEtcd {
        &self.etcd
    }

    /// The store, for writes by other clients. The server gets their changes with the next input.
    pub fn etcd_mut(&mut self) -> &mut FakeEtcd {
        &mut self.etcd
    }

    /// The store, after the server has ended.
    pub fn into_etcd(mut self) -> FakeEtcd {
        self.etcd.unfollow(SERVER, Feed(0));
        self.etcd
    }

    /// The reply to the next write will be lost.
    pub fn lose_next_write(&mut self, loss: ReplyLoss) {
        self.lose_next_write = Some(loss);
    }

    /// The reply to the next write will be lost although it takes effect, and another client writes right after it.
    pub fn lose_next_write_before(&mut self, other: fn(&mut FakeEtcd)) {
        self.lose_next_write = Some(ReplyLoss::AfterEffect);
        self.then_writes = Some(other);
    }

    /// Makes a request and returns the complete answer. For a watch, that is its initial part.
    pub fn call(&mut self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let id = self.begin(method, target, headers, body);
        self.replies.get(&id).cloned().unwrap_or_default()
    }

    /// Makes a request. Its answer can be read with `reply`.
    pub fn begin(&mut self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> JobId {
        self.last_job += 1;
        let id = JobId(self.last_job);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let request = Request {
            method: Method::parse(method),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: headers.iter().map(|(name, value)| ((*name).into(), (*value).to_owned())).collect(),
            has_body: !body.is_empty(),
            peer: Peer::None,
            remote_address: "127.0.0.1".into(),
        };
        self.request(id, request, Bytes::copy_from_slice(body));
        id
    }

    /// Makes a request. Its body arrives as soon as the machine asks for it; without one, or with one that has
    /// arrived already, a question of the machine is left open, for `give` to answer.
    pub fn request(&mut self, id: JobId, request: Request, body: Bytes) {
        if !body.is_empty() {
            self.bodies.insert(id, body);
        }
        self.give(Input::Request(id, request));
    }

    /// What a request got so far. For a watch, it is every event since the last call.
    pub fn take(&mut self, id: JobId) -> Option<Reply> {
        let reply = self.replies.get_mut(&id)?;
        let taken = reply.clone();
        reply.body.clear();
        Some(taken)
    }

    /// Keeps nothing of a request that has ended.
    pub fn forget(&mut self, id: JobId) {
        self.replies.remove(&id);
    }

    /// The client of a stream stops reading.
    pub fn stop_reading(&mut self, id: JobId) {
        self.slow.insert(id, 0);
    }

    /// How many frames the client of a stream has not taken since it stopped reading.
    pub fn untaken(&self, id: JobId) -> u32 {
        self.slow.get(&id).copied().unwrap_or_default()
    }

    /// The client of a stream reads again, starting with the frames that it has not taken.
    pub fn read_again(&mut self, id: JobId) {
        if let Some(frames) = self.slow.remove(&id) {
            self.give(Input::Credit(id, frames));
        }
    }

    /// Clients do not read large answers from here on.
    pub fn leave_answers_unread(&mut self) {
        self.unread.get_or_insert_default();
    }

    /// Clients read the large answers that are waiting, and all others from here on.
    pub fn read_answers(&mut self) {
        for id in self.unread.take().unwrap_or_default() {
            self.give(Input::Sent(id));
        }
    }

    /// Pages of listings are not decoded from here on.
    pub fn hold_pages(&mut self) {
        self.pages.get_or_insert_default();
    }

    /// Decodes the first page that is held. Returns whether there was one.
    pub fn decode_page(&mut self) -> bool {
        let page = self.pages.as_mut().and_then(VecDeque::pop_front);
        let Some(page) = page else { return false };
        self.give(Input::Decoded(page.run()));
        true
    }

    /// Whether the machine has asked for the body of a request and waits for it.
    pub fn awaits_body(&self, id: JobId) -> bool {
        self.awaited.contains(&id)
    }

    pub fn is_open(&self, id: JobId) -> bool {
        self.open.contains_key(&id)
    }

    /// Advances time. Timers that become due on the way fire in order.
    pub fn pass(&mut self, millis: u64) {
        let until = self.now.mono.plus_millis(millis);
        while let Some(at) = self.machine.wake_at().filter(|at| *at <= until) {
            self.move_to(at.max(self.now.mono));
            self.give(Input::Tick);
        }
        self.move_to(until);
        self.etcd.expire(self.now.mono);
        self.settle();
    }

    fn move_to(&mut self, mono: Mono) {
        self.now.wall.0 += mono.micros_since(self.now.mono) as i64;
        self.now.mono = mono;
    }

    /// Gives the machine one input and performs all effects that follow.
    pub fn give(&mut self, input: Input) {
        self.handle(input);
        self.settle();
    }

    fn settle(&mut self) {
        loop {
            self.deliver();
            let Some(effect) = self.effects.pop_front() else { return };
            self.perform(effect);
        }
    }

    fn handle(&mut self, input: Input) {
        let mut out = Vec::new();
        self.machine.handle(self.now, input, &mut out);
        self.machine.check();
        for effect in out {
            match effect {
                // The steps before the body are run at once, and the body comes at once too, so that a request sees the
                // world as it was when it was made.
                Effect::Run(task) if task.is_first() || self.bodies.contains_key(&task.id) => {
                    self.handle(Input::Ran(task.run()));
                }
                Effect::Body(id) if self.bodies.contains_key(&id) => self.perform(Effect::Body(id)),
                effect => self.effects.push_back(effect),
            }
        }
    }

    /// Delivers changes to the machine before it gets the answers to the writes that made them.
    fn deliver(&mut self) {
        for (_, delivery) in self.etcd.drain() {
            match delivery {
                Delivery::Changed(batch) => self.handle(Input::Changed(batch.into())),
                Delivery::Lost(feed, why) => self.handle(Input::Lost(feed, why)),
            }
        }
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Run(task) => self.handle(Input::Ran(task.run())),
            Effect::Store(id, feed, op) => {
                let stored = self.store(feed, &op);
                self.deliver();
                self.handle(Input::Stored(id, stored));
            }
            Effect::Sign(id, text) => self.handle(Input::Signed(id, Ok(signature(&text)))),
            Effect::Verify(id, token) => self.handle(Input::Verified(id, is_signed(&token))),
            Effect::Call(id, index, call) => self.calls.push((id, index, call)),
            Effect::Dial(id, dial) => self.calls.push((id, 0, dial.call().clone())),
            Effect::CancelCalls(id) => self.calls.retain(|(held, ..)| *held != id),
            Effect::Body(id) => match self.bodies.remove(&id) {
                Some(body) => self.handle(Input::Body(id, Ok(body))),
                None => {
                    self.awaited.insert(id);
                }
            },
            Effect::Respond(id, response) => self.respond(id, response),
            Effect::Frame { to, frame } => {
                let bytes = frame.render();
                for id in to {
                    self.replies.entry(id).or_default().body.extend_from_slice(&bytes);
                    match self.slow.get_mut(&id) {
                        Some(frames) => *frames += 1,
                        None => self.handle(Input::Credit(id, 1)),
                    }
                }
            }
            Effect::Close(id) => {
                self.open.remove(&id);
            }
            Effect::Decode(page) => match &mut self.pages {
                Some(held) => held.push_back(page),
                None => self.handle(Input::Decoded(page.run())),
            },
            Effect::Discard(discarded) => drop(discarded),
            Effect::Follow { feed, prefix, after } => self.etcd.follow(SERVER, feed, &prefix, after),
            Effect::RequestProgress(feed) => self.etcd.request_progress(SERVER, feed),
            Effect::Note(note) => self.notes.push(note),
        }
    }

    fn store(&mut self, _feed: Feed, op: &Op) -> Stored {
        let loss = if matches!(op, Op::Txn(_)) { self.lose_next_write.take() } else { None };
        match loss {
            None => self.etcd.perform(self.now.mono, op),
            Some(ReplyLoss::BeforeEffect) => Stored::Unknown("the reply was lost".into()),
            Some(ReplyLoss::AfterEffect) => {
                self.etcd.perform(self.now.mono, op);
                if let Some(write) = self.then_writes.take() {
                    write(&mut self.etcd);
                }
                Stored::Unknown("the reply was lost".into())
            }
        }
    }

    fn respond(&mut self, id: JobId, response: Response) {
        if matches!(response.body, Body::Stream(_) | Body::Tunnel(_) | Body::Relay(_)) {
            self.open.insert(id, ());
        }
        if response.body.is_large() {
            match &mut self.unread {
                Some(unread) => unread.push(id),
                None => self.handle(Input::Sent(id)),
            }
        }
        self.bodies.remove(&id);
        self.awaited.remove(&id);
        self.replies.insert(id, Reply::whole(response));
    }
}

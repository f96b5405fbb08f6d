//! The testbed of a run: servers over a fake etcd, clients, the links between them, and faults. One event at a time
//! happens in virtual time, and every choice is made by one chooser.
//!
//! Reading order: here the heap of events; `requests` (all of them, by number), `wire` (clients, requests, answers,
//! frames), `events` (read from frames), `upload` (bodies of requests), `outcalls` (calls of servers to others),
//! `converter` (who converts objects), `host` (where a server runs), `store` (operations and feeds), `mischief` (faults
//! that are drawn every half second), `network` (blocked links), `outside` (clients from outside of the simulator).

mod converter;
mod events;
mod health;
mod host;
mod judges;
mod kinds;
mod local;
mod mischief;
mod mishaps;
mod network;
mod outcalls;
#[cfg(feature = "service")]
mod outside;
mod requests;
mod reviews;
mod store;
mod upload;
mod wire;

pub(crate) use kinds::{OTHER_PLACE as OTHER_KIND_PLACE, PLACE as KIND_PLACE};
pub(crate) use local::LocalHosts;

use crate::check::{Allocations, Lifetimes, Quotas, Uids, Violation};
use crate::choose::Chooser;
use crate::client::{Client, WatchEvent};
use crate::directory::Directory;
use crate::driver::Reply;
use crate::etcd::{EtcdCluster, MemberId};
use crate::marks::{Mark, Marks};
use crate::swarm::Swarm;
use crate::trace::{Lane, Trace, What};
use crate::truth::Truth;
use bytes::Bytes;
use host::Host;
use mishaps::Ending;
use network::Network;
use outcalls::OutcallLog;
use requests::RequestLog;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;
use steersman_core::config::JobId;
use steersman_core::kinds::Registry;
use steersman_core::machine::text::Digest;
use steersman_core::machine::{Input, Page, Task};
use steersman_core::now::{Mono, Wall};
use steersman_core::value::Text;
use steersman_core::wire::CallOutcome;
use store::StoreRequest;
use wire::ClientState;

/// Wall time when a run begins.
pub(crate) const START: Wall = Wall::from_seconds(1_700_000_000);
/// How often faults are drawn, milliseconds.
const MISCHIEF_MILLIS: u64 = 500;

/// Something that happens at a time.
#[derive(Debug)]
enum Happening {
    /// An input reaches a server, unless the server has restarted since it was sent.
    Input(usize, u32, Box<Input>),
    /// A step that was handed out runs.
    Run(usize, u32, Box<Task>),
    /// A page of a listing that was handed out is decoded.
    Decode(usize, u32, Box<Page>),
    /// An operation reaches the store.
    Store(Box<StoreRequest>),
    /// A client's sleep is over. The number of the sleep is compared, so that an interrupted sleep does not wake the
    /// client.
    Wake(usize, u64),
    /// An answer reaches a client.
    Reply(usize, JobId, Box<Reply>),
    /// Events of a watch reach a client.
    Frame(usize, JobId, Arc<[WatchEvent]>),
    /// A client's connection breaks.
    Broken(usize, JobId),
    Restart(usize),
    /// A paused server resumes, unless it has restarted.
    Resume(usize, u32),
    /// It is looked whether a server that was told to end can go.
    Ending(usize, u32, Ending),
    /// A wrong clock is corrected.
    SetClock(usize),
    /// A slow feed is delivered.
    Release(usize),
    /// A lagging member catches up, a paused one resumes, or a stopped one starts.
    CatchUp(MemberId),
    MemberResume(MemberId),
    MemberStart(MemberId),
    /// A leader is elected.
    Elected(MemberId),
    /// The store stops refusing writes.
    Accept,
    /// A value that cannot be read is removed.
    Mend(Bytes),
    Mischief,
    /// A call that a server makes (its job, place and round) has an outcome, unless the server has restarted.
    Called(usize, u32, (JobId, u32, u64), Box<CallOutcome>),
}

/// An event with its time. The earlier of two is the greater one, since the heap returns the greatest.
#[derive(Debug)]
struct Scheduled {
    at: Mono,
    /// A number that is unique, for events of the same time.
    sequence: u64,
    happening: Happening,
}

impl Ord for Scheduled {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.sequence).cmp(&(self.at, self.sequence))
    }
}

impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Scheduled {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Scheduled {}

impl Happening {
    /// A number for the kind of event, for the digest.
    const fn kind(&self) -> u64 {
        match self {
            Self::Input(..) => 1,
            Self::Run(..) => 2,
            Self::Store(..) => 3,
            Self::Wake(..) => 4,
            Self::Reply(..) => 5,
            Self::Frame(..) => 6,
            Self::Broken(..) => 7,
            Self::Restart(..) => 8,
            Self::Resume(..) => 9,
            Self::SetClock(..) => 10,
            Self::Release(..) => 11,
            Self::CatchUp(..) => 12,
            Self::MemberResume(..) => 13,
            Self::MemberStart(..) => 14,
            Self::Elected(..) => 15,
            Self::Accept => 16,
            Self::Mischief => 17,
            Self::Mend(_) => 18,
            Self::Called(..) => 19,
            Self::Decode(..) => 20,
            Self::Ending(..) => 21,
        }
    }
}

/// All state of a run.
#[derive(Debug)]
pub(crate) struct Testbed {
    pub(crate) chooser: Chooser,
    pub(crate) swarm: Swarm,
    pub(crate) now: Mono,
    heap: BinaryHeap<Scheduled>,
    sequence: u64,
    hosts: Vec<Host>,
    etcd: EtcdCluster,
    pub(crate) truth: Truth,
    uids: Uids,
    allocations: Allocations,
    quotas: Quotas,
    reviews: reviews::ReviewLog,
    judgements: judges::JudgementLog,
    lifetimes: Lifetimes,
    pub(crate) directory: Directory,
    clients: Vec<Box<dyn Client>>,
    client_states: Vec<ClientState>,
    requests: RequestLog,
    outcalls: OutcallLog,
    pub(crate) local_hosts: LocalHosts,
    network: Network,
    registry: Arc<Registry>,
    exhibit: Exhibited,
    pub(crate) marks: Marks,
    pub(crate) trace: Trace,
    pub(crate) steps: u64,
    pub(crate) digest: Digest,
    /// Since when the store does not answer, or, if it does, since when it does.
    answers: health::Answers,
    /// How many times faults were drawn.
    mischief: u64,
    /// Terms of leadership, each with the uid of its lease, and the client that held it.
    terms: BTreeMap<(Text, i64), usize>,
}

/// The historical bugs of a run; none without the feature `museum`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Exhibited {
    pub(crate) server: steersman_core::museum::Flaw,
    pub(crate) store: crate::etcd::Flawed,
}

impl Testbed {
    /// Servers and clients have not started yet.
    pub(crate) fn new(
        chooser: Chooser,
        swarm: Swarm,
        registry: Arc<Registry>,
        exhibit: Exhibited,
        trace: Trace,
    ) -> Self {
        let mut etcd = EtcdCluster::new(swarm.members as u32);
        etcd.keep_changes();
        etcd.set_flawed(exhibit.store);
        let directory = Directory::new(&Arc::new(steersman_core::world::World::new(
            Arc::new(host::config(&swarm, 0, exhibit)),
            registry.clone(),
        )));
        let mut clients: Vec<Box<dyn Client>> = Vec::new();
        for (kind, count) in &swarm.clients {
            clients.extend((0..*count).map(|number| kind.make(&directory, number)));
        }
        let members = swarm.members as usize;
        Self {
            chooser,
            now: Mono(1_000_000),
            heap: BinaryHeap::new(),
            sequence: 0,
            hosts: (0..swarm.servers as usize).map(|number| Host::new(number % members)).collect(),
            etcd,
            truth: Truth::default(),
            uids: Uids::default(),
            allocations: Allocations::default(),
            quotas: Quotas::default(),
            reviews: reviews::ReviewLog::default(),
            judgements: judges::JudgementLog::default(),
            lifetimes: Lifetimes::new(swarm.event_ttl_seconds),
            directory,
            client_states: clients.iter().map(|_| ClientState::default()).collect(),
            clients,
            requests: RequestLog::default(),
            outcalls: OutcallLog::default(),
            local_hosts: LocalHosts::default(),
            network: Network::default(),
            registry,
            exhibit,
            marks: Marks::default(),
            trace,
            steps: 0,
            digest: Digest::default(),
            answers: health::Answers::default(),
            mischief: 0,
            terms: BTreeMap::new(),
            swarm,
        }
    }

    /// Starts servers and clients.
    pub(crate) fn start(&mut self) -> Result<(), Violation> {
        self.put_quota()?;
        self.put_webhooks()?;
        for server in 0..self.hosts.len() {
            self.restart(server)?;
        }
        for client in 0..self.clients.len() {
            self.at(client as u64 * 7, Happening::Wake(client, 0));
        }
        self.at(MISCHIEF_MILLIS, Happening::Mischief);
        Ok(())
    }

    /// Lets the next event happen, if it is before a time. False if there is none.
    pub(crate) fn step(&mut self, until: Mono) -> Result<bool, Violation> {
        if self.heap.peek().is_none_or(|next| next.at > until) {
            return Ok(false);
        }
        let Some(Scheduled { at, sequence, happening }) = self.heap.pop() else { return Ok(false) };
        self.now = at;
        self.digest.add_number(at.0);
        self.digest.add_number(sequence << 8 | happening.kind());
        self.happen(happening)?;
        Ok(true)
    }

    fn happen(&mut self, happening: Happening) -> Result<(), Violation> {
        match happening {
            Happening::Input(server, life, input) => self.input(server, life, input),
            Happening::Run(server, life, task) => self.run(server, life, task),
            Happening::Decode(server, life, page) => self.decode(server, life, *page),
            Happening::Store(operation) => self.perform(*operation),
            Happening::Wake(client, sleep) => self.wake(client, sleep),
            Happening::Reply(client, id, reply) => self.reply(client, id, &reply),
            Happening::Frame(client, id, events) => self.frame(client, id, &events),
            Happening::Broken(client, id) => self.broken(client, id),
            Happening::Restart(server) => self.restart(server),
            Happening::Resume(server, life) => self.resume(server, life),
            Happening::Ending(server, life, left) => self.ending(server, life, left),
            Happening::SetClock(server) => {
                self.set_clock(server, 0);
                Ok(())
            }
            Happening::Release(server) => self.release(server),
            Happening::CatchUp(member) => {
                self.etcd.catch_up(member);
                self.deliver()
            }
            Happening::MemberResume(member) => self.member_resumes(member),
            Happening::MemberStart(member) => self.member_starts(member),
            Happening::Elected(member) => self.elected(member),
            Happening::Accept => {
                self.etcd.set_no_space(false);
                self.etcd.set_too_many_requests(false);
                self.etcd.set_request_bytes_max(steersman_core::limits::OBJECT_BYTES);
                Ok(())
            }
            Happening::Mend(key) => self.mend(key),
            Happening::Mischief => self.mischief(),
            Happening::Called(server, life, call, outcome) => self.called(server, life, call, *outcome),
        }
    }

    /// Schedules something after so many milliseconds.
    fn at(&mut self, millis: u64, happening: Happening) {
        self.schedule(self.now.plus_millis(millis), happening);
    }

    /// Schedules an event at a time that is not in the past. Events of the same time happen in the order in which
    /// they were scheduled.
    fn schedule(&mut self, at: Mono, happening: Happening) {
        debug_assert!(at >= self.now, "nothing happens in the past");
        self.sequence += 1;
        self.heap.push(Scheduled { at, sequence: self.sequence, happening });
    }

    fn mark(&mut self, mark: Mark) {
        self.marks.reach(mark);
    }

    fn note(&mut self, lane: Lane, what: What, text: impl FnOnce() -> String) {
        self.trace.note(self.now, lane, what, None, text);
    }

    fn fault(&mut self, lane: Lane, text: impl FnOnce() -> String) {
        self.trace.note(self.now, lane, What::Fault, None, text);
    }

    /// The name of each lane.
    pub(crate) fn names(&self) -> Vec<(Lane, String)> {
        let clients = self.clients.iter().enumerate();
        let clients = clients.map(|(number, client)| (Lane::Client(number), client.kind().to_owned()));
        let servers = (0..self.hosts.len()).map(|number| (Lane::Server(number), "server".to_owned()));
        let members =
            (0..self.swarm.members as usize).map(|number| (Lane::Member(number), "etcd member".to_owned()));
        clients.chain(servers).chain(members).collect()
    }

    pub(crate) fn requests(&self) -> u64 {
        self.requests.len()
    }
}

//! `Machine::handle`: the only place where inputs are matched.

use super::aggregation::Aggregating;
use super::calls::Outstanding;
use super::controllers::ControllerRuns;
use super::event_buckets::EventBuckets;
use super::feeds::FeedReader;
use super::hub::{Hub, LaneKey};
use super::kinds::Arriving;
use super::seats::Seats;
use super::shutdown::Draining;
use super::slot::{Slot, SlotState, Waiting};
use super::timers::{RequestTimer, Timer, Timers};
use super::tunnels::Tunnels;
use super::turns::Turns;
use super::{Effect, Input, Ran, Task};
use crate::answer;
use crate::answer::{Body, Response};
use crate::caller::Caller;
use crate::config::{Config, JobId, Note};
use crate::job::Seat;
use crate::job::{Answer, Ask, Call, Job, Opening, Step, Stepped};
use crate::kinds::{Definition, KindId, Registry};
use crate::limits;
use crate::museum::Mutant;
use crate::now::{Mono, Now};
use crate::rng::Rng;
use crate::status::Failure;
use crate::store::{Feed, LeaseId, Op, Rev, Stored};
use crate::value::Text;
use crate::wire::{BodyError, Request};
use crate::world::World;
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;

/// The server. One value, driven by one caller at a time.
#[derive(Debug)]
pub struct Machine {
    pub(super) config: Arc<Config>,
    pub(super) world: Arc<World>,
    pub(super) rng: Rng,
    pub(super) jobs: BTreeMap<JobId, Slot>,
    pub(super) hub: Hub,
    pub(super) seats: Seats,
    /// Seats of requests that are answered, but whose large bodies are still being sent.
    pub(super) sending: BTreeMap<JobId, Seat>,
    pub(super) feeds: Vec<FeedReader>,
    pub(super) calls: Outstanding,
    /// The machine's own jobs that convert for watchers, and for which.
    pub(super) converting: BTreeMap<JobId, LaneKey>,
    pub(super) tunnels: Tunnels,
    pub(super) turns: Turns,
    pub(super) event_buckets: EventBuckets,
    /// Kinds that are to be served once their objects are known.
    pub(super) arriving: Vec<Arriving>,
    /// What CustomResourceDefinitions define that is served or about to be, by their names.
    pub(super) defined: BTreeMap<Text, Definition>,
    /// The operations that the machine itself has asked a store for, and what each is for.
    pub(super) own: BTreeMap<JobId, Own>,
    pub(super) own_next: u64,
    /// Reads that wait for a feed to reach a revision.
    pub(super) fresh: BTreeSet<(Feed, Rev, JobId)>,
    pub(super) timers: Timers,
    pub(super) lease: Option<SharedLease>,
    /// Set once the server drains: new requests are refused and watches are being closed.
    pub(super) draining: Option<Draining>,
    pub(super) controllers: ControllerRuns,
    pub(super) aggregating: Aggregating,
    /// For each feed, the revision to compact at the next time.
    pub(super) compact_next: Vec<Rev>,
}

/// An operation of the machine itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Own {
    Relist(Feed),
    /// The listing of a kind that is to be served.
    Arrival,
    Compaction,
    /// A commit of what a controller keeps.
    Controller,
}

/// The lease that events share for a while, since a lease for each event would be a load on etcd. Upstream's lease
/// manager does the same.
/// k8s: staging/src/k8s.io/apiserver/pkg/storage/etcd3/lease_manager.go
#[derive(Clone, Copy, Debug)]
pub(super) struct SharedLease {
    feed: Feed,
    id: LeaseId,
    ttl_seconds: i64,
    good_until: Mono,
    objects: u32,
}

impl Machine {
    pub fn new(config: Config, registry: Arc<Registry>) -> Self {
        let config = Arc::new(config);
        let registry = match config.signing_key {
            Some(_) => registry,
            // Without a key there are no tokens, as upstream.
            None => Arc::new(registry.without_subresource("", "serviceaccounts", "token")),
        };
        let world = World::new(config.clone(), registry.clone());
        let page_limit = config.bounds.relist_page;
        let reader = |feed| FeedReader::new(feed, &config.etcd_prefix, page_limit);
        let feeds: Vec<_> = world.feeds().map(|(feed, _)| reader(feed)).collect();
        let compact_next = alloc::vec![Rev(0); feeds.len()];
        Self {
            rng: Rng::new(config.seed),
            seats: Seats::new(config.max_in_flight, config.max_mutating_in_flight),
            hub: Hub::new(registry.storages().map(|(storage, _)| storage), config.bounds, config.flaw),
            feeds,
            calls: Outstanding::default(),
            converting: BTreeMap::new(),
            tunnels: Tunnels::default(),
            turns: Turns::default(),
            event_buckets: EventBuckets::default(),
            arriving: Vec::new(),
            defined: BTreeMap::new(),
            config,
            world: Arc::new(world),
            jobs: BTreeMap::new(),
            sending: BTreeMap::new(),
            own: BTreeMap::new(),
            own_next: JobId::OWN.0,
            fresh: BTreeSet::new(),
            timers: Timers::default(),
            lease: None,
            draining: None,
            controllers: ControllerRuns::default(),
            aggregating: Aggregating::default(),
            compact_next,
        }
    }

    /// Takes one input and appends what is to be done. Never blocks, never fails.
    pub fn handle(&mut self, now: Now, input: Input, out: &mut Vec<Effect>) {
        match input {
            Input::Start => self.start(now, out),
            Input::Request(id, request) => self.request(id, request, now, out),
            Input::Probe(id, task) => self.probe(id, task, now, out),
            Input::Called(id, index, outcome) if self.aggregating.has_asked(id) => {
                self.remote_called(id, index, outcome, now, out);
            }
            Input::Called(id, index, outcome) => self.called(id, index, outcome, now, out),
            Input::Signed(id, signed) => self.signed(id, signed, now, out),
            Input::Verified(id, is_good) => self.verified(id, is_good, now, out),
            Input::Body(id, body) => self.body(id, body, now, out),
            Input::Ran(ran) => self.ran(ran, now, out),
            Input::Stored(id, stored) if id.is_own() => self.own_stored(id, stored, now, out),
            Input::Stored(id, stored) => self.stored(id, stored, now, out),
            Input::Decoded(decoded) => self.decoded(decoded, now, out),
            Input::Changed(changes) => self.changed(changes, now, out),
            Input::Lost(feed, why) => self.lost(feed, why, now, out),
            Input::Credit(id, frames) => {
                if !self.hub.credit(id, frames, &self.world, now, out) {
                    self.end_watch(id, "too slow: the changes it missed are no longer kept", now, out);
                }
            }
            Input::Gone(id) => self.gone(id, now, out),
            Input::Sent(id) => self.sent(id),
            Input::TunnelEnded(id, end) => self.tunnel_ended(id, end, now, out),
            Input::Health(feed, health) => self.health(feed, health),
            Input::Tick => self.tick(now, out),
            Input::ShutdownInitiated => self.shutdown_initiated(now, out),
            Input::Serve(definition) => self.serve(*definition, out),
            Input::Withdraw { group, plural } => self.withdraw(&group, &plural, now, out),
            Input::JwtIssuers(issuers) => self.replace_issuers(issuers),
            Input::TrustedClients(trusted) => self.replace_trusted(*trusted, now, out),
            Input::Authorizers(authorizers) => self.replace_authorizers(authorizers),
            Input::Drain(drain) => self.drain(drain, now, out),
        }
        self.convert_for_watchers(now, out);
    }

    /// When `Input::Tick` is next wanted. Ticks at other times do no harm.
    pub fn wake_at(&self) -> Option<Mono> {
        self.timers.next_at()
    }

    /// How many requests have not been sent to their last byte. Watches count.
    pub fn open_requests(&self) -> usize {
        self.jobs.len() + self.sending.len()
    }

    /// The oldest revision from which a watch of the resource can start: every change after it is known. 0
    /// for a kind that is not stored or has gone.
    pub fn watchable_after(&self, kind: KindId) -> Rev {
        let kind = self.world.registry.kind(kind);
        let storage = kind.and_then(|kind| kind.storage);
        storage.and_then(|storage| self.hub.window_after(storage)).unwrap_or(Rev(0))
    }

    /// Asserts the invariants of the machine. It is cheap enough to run after every step of a simulation.
    pub fn check(&self) {
        self.hub.check();
        self.check_calls();
        self.check_conversions();
        self.check_tunnels();
        self.check_turns();
        self.world.check();
        let collections = self.world.collections().count();
        let kept = self.config.flaw.is(Mutant::WatchSurvivesItsKind);
        assert!(self.hub.groups() == collections || kept, "the hub has a group for each collection");
        let streaming = self.jobs.values().filter(|slot| matches!(slot.state, SlotState::Streaming)).count();
        assert_eq!(streaming, self.hub.len(), "every stream has one watcher");
        let seated = self.jobs.values().filter(|slot| slot.seat.is_some()).count();
        let seated = seated + self.sending.len();
        assert_eq!(seated, self.seats.taken() as usize, "every counted request holds one seat");
        for (_, _, id) in &self.fresh {
            assert!(self.jobs.contains_key(id), "only open requests wait for freshness");
        }
    }

    /// The snapshot that a task handed out now would see.
    pub fn world(&self) -> &Arc<World> {
        &self.world
    }

    fn request(&mut self, id: JobId, request: Request, now: Now, out: &mut Vec<Effect>) {
        let call = Arc::new(Call::new(id, request, now, self.rng.fork("request", id.0)));
        if let Some(response) = self.turned_away(&call, call.request()) {
            self.answer(id, &call, None, response, now, out);
            return;
        }
        let timeout = match call.timeout_millis(self.config.request_timeout_millis) {
            Ok(timeout) => timeout,
            Err(failure) => {
                self.answer(id, &call, None, call.failure(&self.world, &failure), now, out);
                return;
            }
        };
        if self.config.flaw.is(Mutant::SeatBeforeIdentity) && self.seats.is_full(call.seat()) {
            self.answer(id, &call, None, answer::too_many_requests(), now, out);
            return;
        }
        let asks = call.request().has_body && self.config.flaw.is(Mutant::BodyBeforeIdentity);
        self.open(id, call.clone(), timeout, now);
        match asks {
            true => self.ask_body(id, Job::begin(call), out),
            false => self.run(id, Job::begin(call), Answer::Begin, now, out),
        }
    }

    /// Begins to keep a request whose first step is about to be handed out.
    pub(super) fn open(&mut self, id: JobId, call: Arc<Call>, timeout_millis: u64, now: Now) {
        let at = now.mono.plus_millis(timeout_millis);
        self.timers.set_for(id, RequestTimer::Timeout, at);
        let slot = Slot { call, caller: None, seat: None, deadline: Some(at), state: SlotState::Running };
        self.jobs.insert(id, slot);
    }

    pub(super) fn run(&self, id: JobId, job: Job, answer: Answer, now: Now, out: &mut Vec<Effect>) {
        out.push(Effect::Run(Task { id, job, answer, world: self.world.clone(), now }));
    }

    fn ran(&mut self, ran: Ran, now: Now, out: &mut Vec<Effect>) {
        let Ran { id, stepped: Stepped { step, caller, notes, converted }, .. } = ran;
        for note in notes {
            if let Note::LegacyTokenUsed(secret) = &note {
                self.token_used(secret.clone(), now, out);
            }
            out.push(Effect::Note(note));
        }
        if !converted.is_empty() {
            Arc::make_mut(&mut self.world).keep_converted(converted);
        }
        let Some(slot) = self.jobs.get_mut(&id) else { return };
        if let Some(caller) = caller {
            slot.caller = Some(caller);
        }
        if matches!(slot.state, SlotState::Abandoned) {
            self.forget(id);
            self.ended(id, now, out);
            return;
        }
        match step {
            Step::Wait(job, Ask::Store(feed, op)) => {
                slot.state = SlotState::Waiting(Box::new(job), Waiting::Store(feed, now.mono));
                self.ask_store(id, feed, op, now, out);
            }
            Step::Wait(job, Ask::Fresh(feed, revision)) => self.ask_fresh(id, job, feed, revision, now, out),
            Step::Wait(job, Ask::Calls(calls)) => self.ask_calls(id, job, calls, now, out),
            Step::Wait(job, Ask::Consult(asked)) => self.consult(id, job, *asked, now, out),
            Step::Wait(job, Ask::Dial(dial)) => self.ask_dial(id, job, *dial, now, out),
            Step::Wait(job, Ask::Body) => self.ask_body(id, job, out),
            Step::Wait(job, Ask::Sign(text)) => self.ask_signature(id, job, text, out),
            Step::Wait(job, Ask::Verify(token)) => self.ask_verification(id, job, token, out),
            Step::Wait(job, Ask::Take(keys)) => self.ask_tokens(id, job, keys, now, out),
            Step::Wait(job, Ask::Provide(name)) => self.provide(id, job, &name, now, out),
            Step::Wait(job, Ask::Turn(name)) => self.ask_turn(id, job, name, now, out),
            Step::Wait(job, Ask::Seat { privileged }) => self.ask_seat(id, job, privileged, now, out),
            Step::Done(response) if matches!(response.body, Body::Tunnel(_) | Body::Relay(_)) => {
                self.open_tunnel(id, response, now, out);
            }
            Step::Done(response) => self.finish(id, response, now, out),
            Step::Stream(opening) => self.open_watch(id, *opening, now, out),
            Step::Converted(outcome) => self.converted_for_watchers(id, outcome, now, out),
            Step::Panicked => {
                out.push(Effect::Note(Note::Panicked { id }));
                let failure = Failure::internal("a step of this request failed; the server goes on");
                if id.is_own() {
                    self.fail_conversion(id, failure, now, out);
                    return;
                }
                let response = slot.call.failure(&self.world, &failure);
                self.finish(id, response, now, out);
            }
        }
    }

    /// Gives a request a seat, or refuses it when all are taken. A privileged caller is admitted even then.
    fn ask_seat(&mut self, id: JobId, job: Job, privileged: bool, now: Now, out: &mut Vec<Effect>) {
        let Some(slot) = self.jobs.get_mut(&id) else { return };
        let seat = slot.call.seat();
        if self.seats.take(seat) {
            slot.seat = Some(seat);
        } else if !privileged {
            self.finish(id, answer::too_many_requests(), now, out);
            return;
        }
        self.run(id, job, Answer::Seated, now, out);
    }

    fn ask_body(&mut self, id: JobId, job: Job, out: &mut Vec<Effect>) {
        let Some(slot) = self.jobs.get_mut(&id) else { return };
        slot.state = SlotState::Waiting(Box::new(job), Waiting::Body);
        out.push(Effect::Body(id));
    }

    fn body(&mut self, id: JobId, body: Result<Bytes, BodyError>, now: Now, out: &mut Vec<Effect>) {
        let Some(slot) = self.jobs.get_mut(&id) else { return };
        match core::mem::replace(&mut slot.state, SlotState::Running) {
            SlotState::Waiting(job, Waiting::Body) => self.run(id, *job, Answer::Body(body), now, out),
            other => slot.state = other,
        }
    }

    /// Sends an operation to the store. A request for a lease is answered from memory while the shared lease is still
    /// good.
    pub(super) fn ask_store(&mut self, id: JobId, feed: Feed, op: Op, now: Now, out: &mut Vec<Effect>) {
        if let Op::LeaseGrant { ttl_seconds } = op {
            let held = self.lease.as_mut().filter(|lease| {
                let fits = lease.feed == feed && lease.ttl_seconds == ttl_seconds;
                fits && now.mono < lease.good_until && lease.objects < self.config.bounds.lease_objects
            });
            if let Some(lease) = held {
                lease.objects += 1;
                let stored = Stored::Leased { id: lease.id, ttl_seconds };
                self.stored(id, stored, now, out);
                return;
            }
        }
        out.push(Effect::Store(id, feed, op));
    }

    fn stored(&mut self, id: JobId, stored: Stored, now: Now, out: &mut Vec<Effect>) {
        let Some(slot) = self.jobs.get_mut(&id) else { return };
        match core::mem::replace(&mut slot.state, SlotState::Running) {
            SlotState::Waiting(job, Waiting::Store(feed, asked)) => {
                if let Stored::Leased { id: lease, ttl_seconds } = stored {
                    self.remember_lease(feed, lease, ttl_seconds, asked);
                }
                self.run(id, *job, Answer::Stored(stored), now, out);
            }
            other => slot.state = other,
        }
    }

    /// Keeps a lease for later events. Its time to live is counted from when it was asked for, since the reply may
    /// have been on its way for long.
    fn remember_lease(&mut self, feed: Feed, id: LeaseId, ttl_seconds: i64, asked: Mono) {
        if self.lease.is_some_and(|lease| lease.id == id) {
            return;
        }
        let most = self.config.bounds.lease_reuse_millis;
        let outlives = self.config.flaw.is(Mutant::LeaseOutlived);
        let shared = if outlives { most } else { limits::lease_shared_millis(ttl_seconds).min(most) };
        let good_until = asked.plus_millis(shared);
        self.lease = Some(SharedLease { feed, id, ttl_seconds, good_until, objects: 1 });
    }

    /// Sends an answer and forgets the request. When the answer is large, its seat is kept until the last byte is
    /// sent, so that the limit counts memory that is still held.
    pub(super) fn finish(&mut self, id: JobId, response: Response, now: Now, out: &mut Vec<Effect>) {
        let Some(slot) = self.remove(id) else { return };
        self.ended(id, now, out);
        match slot.seat {
            Some(seat) if response.body.is_large() => {
                self.sending.insert(id, seat);
            }
            Some(seat) => self.seats.free(seat),
            None => {}
        }
        self.answer(id, &slot.call, slot.caller.as_deref(), response, now, out);
    }

    /// Gives back the seat of a large answer that was sent, or whose client went away.
    fn sent(&mut self, id: JobId) {
        if let Some(seat) = self.sending.remove(&id) {
            self.seats.free(seat);
        }
    }

    fn answer(
        &self,
        id: JobId,
        call: &Call,
        caller: Option<&Caller>,
        response: Response,
        now: Now,
        out: &mut Vec<Effect>,
    ) {
        let answered = call.answered(&self.world, caller, response.status, now);
        out.push(Effect::Note(Note::Answered(answered)));
        out.push(Effect::Respond(id, response));
    }

    /// Drops all that is kept about a request, its seat included.
    pub(super) fn forget(&mut self, id: JobId) -> Option<Slot> {
        let slot = self.remove(id)?;
        if let Some(seat) = slot.seat {
            self.seats.free(seat);
        }
        Some(slot)
    }

    /// Drops all that is kept about a request except its seat.
    fn remove(&mut self, id: JobId) -> Option<Slot> {
        let slot = self.jobs.remove(&id)?;
        if let Some(at) = slot.deadline {
            self.timers.stop_for(id, RequestTimer::Timeout, at);
        }
        if let SlotState::Waiting(_, Waiting::Fresh(feed, revision, at)) = slot.state {
            self.fresh.remove(&(feed, revision, id));
            self.timers.stop_for(id, RequestTimer::FreshTimeout, at);
        }
        Some(slot)
    }

    /// Forgets a request whose client went away. A task that is out runs to its end and its outcome is dropped.
    fn gone(&mut self, id: JobId, now: Now, out: &mut Vec<Effect>) {
        let Some(slot) = self.jobs.get_mut(&id) else { return };
        match slot.state {
            SlotState::Running => slot.state = SlotState::Abandoned,
            SlotState::Streaming => self.end_watch(id, "the client went away", now, out),
            SlotState::Tunnelling => {
                out.push(Effect::CancelCalls(id));
                self.forget_tunnel(id, now, out);
            }
            SlotState::Waiting(..) => {
                self.forget(id);
                self.ended(id, now, out);
            }
            SlotState::Abandoned => {}
        }
    }

    fn open_watch(&mut self, id: JobId, opening: Opening, now: Now, out: &mut Vec<Effect>) {
        let Some(call) = self.jobs.get(&id).map(|slot| slot.call.clone()) else { return };
        if let Some(response) = self.turned_away(&call, call.request()) {
            self.finish(id, response, now, out);
            return;
        }
        let Some(slot) = self.jobs.get_mut(&id) else { return };
        let subscription = opening.subscription;
        let storage = subscription.storage;
        let (Some(cache), Some(oldest)) = (self.world.cache(storage), self.hub.window_after(storage)) else {
            let response = slot.call.gone(&self.world);
            self.finish(id, response, now, out);
            return;
        };
        if let Some((_, held)) = cache.unreadable().iter().next() {
            let response = slot.call.failure(&self.world, &Failure::unreadable(&held.why.0));
            self.finish(id, response, now, out);
            return;
        }
        if subscription.after < oldest {
            let response = slot.call.too_old(&self.world, subscription.after, oldest);
            self.finish(id, response, now, out);
            return;
        }
        if self.hub.len() >= self.config.bounds.client_watches {
            self.finish(id, answer::too_many_requests(), now, out);
            return;
        }
        slot.state = SlotState::Streaming;
        if let Some(seat) = slot.seat.take() {
            self.seats.free(seat);
        }
        if let Some(at) = slot.deadline.take() {
            self.timers.stop_for(id, RequestTimer::Timeout, at);
        }
        let ends_at = subscription.ends_at;
        let bookmarks = subscription.bookmarks;
        out.push(Effect::Respond(id, opening.response));
        self.timers.set_for(id, RequestTimer::WatchEnd, ends_at);
        if bookmarks {
            let at = now.mono.plus_millis(self.config.bounds.bookmark_millis);
            self.timers.set_for(id, RequestTimer::Bookmark, at);
        }
        let opened = self.hub.open(id, subscription, &self.world, now, out);
        assert!(opened, "the window was looked at above");
    }

    /// Ends a watch, either because the server closes it or because its client went away.
    pub(super) fn end_watch(&mut self, id: JobId, why: &str, now: Now, out: &mut Vec<Effect>) {
        let Some(storage) = self.hub.storage_of(id) else { return };
        let Some(removed) = self.hub.remove(id) else { return };
        self.timers.stop_for(id, RequestTimer::WatchEnd, removed.ends_at);
        let kind = self.world.registry.stored(storage);
        let resource = kind.map_or_else(Text::default, |kind| kind.plural.clone());
        out.push(Effect::Note(Note::WatchEnded { resource, events: removed.events, why: why.into() }));
        out.push(Effect::Close(id));
        if let Some(slot) = self.forget(id) {
            let answered = slot.call.answered(&self.world, slot.caller.as_deref(), 200, now);
            out.push(Effect::Note(Note::Answered(answered)));
        }
    }

    fn tick(&mut self, now: Now, out: &mut Vec<Effect>) {
        while let Some(timer) = self.timers.take_due(now.mono) {
            match timer {
                Timer::Relist(feed) => self.relist(feed, out),
                Timer::Arrival => self.read_arriving(out),
                Timer::Request(id, timer) => self.request_due(id, timer, now, out),
                Timer::Compaction => self.compact(now, out),
                Timer::Controller(controller) => self.controller_due(controller, now, out),
                Timer::RemoteApis => self.ask_apis(now, out),
                Timer::Drain => self.drain_some(now, out),
                Timer::EndWatches => self.end_some(now, out),
            }
        }
    }

    fn request_due(&mut self, id: JobId, timer: RequestTimer, now: Now, out: &mut Vec<Effect>) {
        match timer {
            RequestTimer::Timeout => self.time_out(id, now, out),
            RequestTimer::WatchEnd => self.end_watch(id, "its time was over", now, out),
            RequestTimer::Bookmark => self.bookmark(id, now, out),
            RequestTimer::FreshTimeout => self.resume_fresh(id, Answer::Stale, now, out),
        }
    }

    /// Answers a request that took too long with a timeout. The outcome that its job still comes to is dropped.
    /// k8s: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/finisher/finisher.go
    fn time_out(&mut self, id: JobId, now: Now, out: &mut Vec<Effect>) {
        let Some(slot) = self.jobs.get_mut(&id) else { return };
        if matches!(slot.state, SlotState::Tunnelling) {
            self.close_tunnel(id, now, out);
            return;
        }
        let message =
            "Timeout: request did not complete within requested timeout - context deadline exceeded";
        let failure = Failure::timeout(message, 0);
        if id.is_own() {
            self.fail_conversion(id, failure, now, out);
            return;
        }
        let response = match &slot.state {
            SlotState::Waiting(job, _) => job.late(&self.world, &failure),
            SlotState::Running | SlotState::Abandoned | SlotState::Streaming | SlotState::Tunnelling => {
                slot.call.failure(&self.world, &failure)
            }
        };
        self.answer_and_abandon(id, response, now, out);
    }

    fn answer_and_abandon(&mut self, id: JobId, response: Response, now: Now, out: &mut Vec<Effect>) {
        let Some(slot) = self.jobs.get_mut(&id) else { return };
        if matches!(slot.state, SlotState::Running) {
            let (call, caller) = (slot.call.clone(), slot.caller.clone());
            slot.state = SlotState::Abandoned;
            self.answer(id, &call, caller.as_deref(), response, now, out);
        } else {
            self.finish(id, response, now, out);
        }
    }

    fn bookmark(&mut self, id: JobId, now: Now, out: &mut Vec<Effect>) {
        let Some(storage) = self.hub.storage_of(id) else { return };
        let Some(collection) = self.world.collection(storage) else { return };
        let revision = self.world.revision(collection.feed);
        self.hub.bookmark(id, revision, &self.world, now, out);
        let at = now.mono.plus_millis(self.config.bounds.bookmark_millis);
        self.timers.set_for(id, RequestTimer::Bookmark, at);
    }

    fn health(&mut self, feed: Feed, health: Result<(), Text>) {
        if !self.config.flaw.is(Mutant::IllnessUntold) {
            Arc::make_mut(&mut self.world).set_health(feed, health);
        }
    }
}

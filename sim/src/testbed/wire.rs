//! Clients and their connections: requests on their way, answers and events on theirs, and what breaks between.

use super::events::{parse, watch_status};
use super::outcalls::OutcallLog;
use super::requests::RequestRecord;
use super::store::MESSAGE_MICROS;
use super::{Happening, Testbed};
use crate::check::{self, CheckedAnswer, Follow, Guarantee, Violation};
use crate::choose::{ChoiceStream, Label};
use crate::client::{ClientContext, Next, WatchEvent, WatchEventKind};
use crate::client_request::{ClientRequest, VersionChoice};
use crate::driver::Reply;
use crate::marks::Mark;
use crate::swarm::FaultClass;
use crate::trace::{Lane, What};
use bytes::Bytes;
use std::sync::Arc;
use steersman_core::answer::{Body, Response};
use steersman_core::config::JobId;
use steersman_core::machine::Input;
use steersman_core::now::Mono;
use steersman_core::store::{Feed, Rev};
use steersman_core::value::Value;

/// How long a client waits for an answer, milliseconds, before it drops the request.
const PATIENCE_MILLIS: u64 = 90_000;
/// The body of a server's answer when all seats are taken.
const SEAT_REFUSED: &[u8] = b"Too many requests, please try again later.\n";
/// How long a slow reader does not read, milliseconds.
const SLOW_READ_MILLIS: u64 = 20_000;

/// What the testbed knows of a client.
#[derive(Debug, Default)]
pub(super) struct ClientState {
    /// The request it waits for, or the watch it has open.
    request: Option<JobId>,
    /// Sleeps so far.
    pub(super) sleep: u64,
    /// Times it was woken.
    turn: u64,
    /// Requests since it was woken.
    asks: u64,
    /// The server it talks to.
    server: usize,
}

impl Testbed {
    pub(super) fn wake(&mut self, client: usize, sleep: u64) -> Result<(), Violation> {
        let state = &mut self.client_states[client];
        if state.sleep != sleep {
            return Ok(());
        }
        state.turn += 1;
        state.asks = 0;
        let next = self.act(client, |client, context| client.wake(context));
        self.follow_up(client, next)
    }

    /// Lets a client look and act.
    fn act<T>(
        &mut self,
        client: usize,
        act: impl FnOnce(&mut dyn crate::client::Client, &mut ClientContext<'_>) -> T,
    ) -> T {
        let calm = self.chooser.is_calm();
        let mut context = ClientContext {
            chooser: &mut self.chooser,
            marks: &mut self.marks,
            directory: &self.directory,
            truth: &self.truth,
            now: self.now,
            client: client as u64,
            turn: self.client_states[client].turn,
            calm,
        };
        act(&mut *self.clients[client], &mut context)
    }

    fn follow_up(&mut self, client: usize, next: Next) -> Result<(), Violation> {
        match next {
            Next::Listen => Ok(()),
            Next::Sleep(millis) => {
                self.let_go(client);
                let sleep = self.client_states[client].sleep;
                self.at(millis, Happening::Wake(client, sleep));
                Ok(())
            }
            Next::Ask(ask) => {
                self.let_go(client);
                self.ask(client, *ask);
                Ok(())
            }
        }
    }

    /// The client drops its request or watch, and its sleep.
    pub(super) fn let_go(&mut self, client: usize) {
        self.client_states[client].sleep += 1;
        if let Some(id) = self.client_states[client].request.take() {
            self.hang_up(id);
        }
    }

    fn hang_up(&mut self, id: JobId) {
        let Some(record) = self.requests.get_mut(id) else { return };
        record.dropped = true;
        record.follow = None;
        let (server, life) = (record.server, record.life);
        let at = Mono(self.now.0 + MESSAGE_MICROS);
        self.schedule(at, Happening::Input(server, life, Box::new(Input::Gone(id))));
    }

    fn ask(&mut self, client: usize, ask: ClientRequest) {
        let state = &mut self.client_states[client];
        // Pages and retries of one turn have streams of their own.
        let key = ChoiceStream::key_of_request(client as u64, state.turn, state.asks);
        state.asks += 1;
        let server = self.balance(client, key);
        let id = self.requests.next();
        let host = &self.hosts[server];
        let life = host.life;
        let known_at = host.machine.as_ref().map_or(Rev(0), |machine| machine.world().revision(Feed(0)));
        let watch = ask.is_watch();
        let slow =
            watch && self.chooser.fault(Label::Reader.of(key), self.swarm.rate(FaultClass::SlowReader));
        if let Some(machine) = &self.hosts[server].machine {
            let seen =
                if let VersionChoice::NotOlderThan(from) = ask.options.version { from } else { Rev(0) };
            if !machine.world().synced() {
                self.mark(Mark::AskedBeforeSync);
            } else if watch && machine.world().revision(Feed(0)) < seen {
                self.mark(Mark::FailoverToLagging);
            }
        }
        let record = RequestRecord {
            client,
            server,
            life,
            ask: Arc::new(ask),
            key,
            asked_at: self.truth.revision(),
            known_at,
            sent_at: self.now,
            first_seen: None,
            seen: Rev(0),
            commits: Vec::new(),
            in_doubt: false,
            body_asked: false,
            answered: false,
            ended: false,
            follow: None,
            arrives_at: Mono(0),
            slow,
            dropped: false,
            events: 0,
            unread: 0,
            owed: 0,
            races: 0,
        };
        let request = record.ask.to_request(&self.directory);
        self.requests.push(record);
        self.client_states[client].request = Some(id);
        let stream = Label::Link.of(key);
        let at = self.arrival(stream);
        let at = self.network.arrival(Lane::Client(client), Lane::Server(server), at);
        if self.hosts[server].machine.is_none() {
            self.schedule(at, Happening::Broken(client, id));
            return;
        }
        if self.chooser.fault(stream, self.swarm.rate(FaultClass::Reset)) {
            self.fault(Lane::Client(client), || format!("request {} is lost on its way", id.0));
            self.schedule(at, Happening::Broken(client, id));
            return;
        }
        let (from, now) = (Some((Lane::Client(client), self.now)), at);
        self.trace.note(now, Lane::Server(server), What::Step, from, || {
            let query = if request.query.is_empty() { String::new() } else { format!("?{}", request.query) };
            format!("request {}: {:?} {}{query}", id.0, request.method, request.path)
        });
        self.schedule(at, Happening::Input(server, life, Box::new(Input::Request(id, request))));
        if !watch {
            self.at(PATIENCE_MILLIS, Happening::Broken(client, id));
        }
    }

    /// The server that a client talks to: the same as before, unless that is down or the balancer moves the client.
    fn balance(&mut self, client: usize, key: u64) -> usize {
        let stream = Label::Balancer.of(key);
        let up = self.running().count() as u64;
        let home = self.client_states[client].server;
        let is_down = self.hosts[home].machine.is_none();
        let moves = self.chooser.chance(stream, self.swarm.rate(FaultClass::Balance));
        if up == 0 || !(is_down || moves) {
            return home;
        }
        let nth = self.chooser.pick(stream, up) as usize;
        let server = self.running().nth(nth).unwrap_or(home);
        self.client_states[client].server = server;
        server
    }

    /// A server answers. The answer is checked at once and then sent.
    pub(super) fn respond(&mut self, server: usize, id: JobId, response: Response) -> Result<(), Violation> {
        let is_stream = matches!(response.body, Body::Stream(_));
        let is_large = response.body.is_large();
        let is_passed_on = matches!(response.body, Body::Tunnel(_) | Body::Relay(_));
        if !is_stream {
            self.hosts[server].open.remove(&id);
        }
        let reply = Reply::whole(response);
        self.digest.add_number(u64::from(reply.status));
        self.digest.add_long(&reply.body);
        if OutcallLog::is_one(id) {
            if is_large {
                let sent = Box::new(Input::Sent(id));
                self.schedule(self.now, Happening::Input(server, self.life(server), sent));
            }
            return self.probed(server, id, &reply);
        }
        let Some(record) = self.requests.get_mut(id) else { return Ok(()) };
        if record.answered {
            let detail = format!("request {} was answered again, with {}", id.0, reply.status);
            return Err(Violation::new(Guarantee::OneAnswer, detail));
        }
        record.answered = true;
        self.check_answer(server, id, &reply)?;
        self.deliver_answer(server, id, reply, is_stream)?;
        self.answer_goes_on(server, id, is_large, is_passed_on);
        Ok(())
    }

    /// An answer goes to its client, or is lost.
    fn deliver_answer(
        &mut self,
        server: usize,
        id: JobId,
        reply: Reply,
        is_stream: bool,
    ) -> Result<(), Violation> {
        let Some(record) = self.requests.get(id) else { return Ok(()) };
        let (client, key) = (record.client, record.key);
        if self.chooser.fault(Label::Link.of(key), self.swarm.rate(FaultClass::Reset)) {
            self.fault(Lane::Client(client), || format!("the answer to request {} is lost on its way", id.0));
            self.send(id, |client| Happening::Broken(client, id));
            return Ok(());
        }
        if is_stream || self.is_refused_in_stream(id, &reply) {
            return self.open_stream(server, id, reply, is_stream);
        }
        self.trace_reply(server, id, &reply);
        self.send(id, |client| Happening::Reply(client, id, Box::new(reply)));
        Ok(())
    }

    /// Tells the server that an answer has been sent, once it has arrived or its connection is broken.
    pub(super) fn tell_sent(&mut self, id: JobId) {
        let Some(record) = self.requests.get(id) else { return };
        let (at, server, life) = (record.arrives_at.max(self.now), record.server, record.life);
        self.schedule(at, Happening::Input(server, life, Box::new(Input::Sent(id))));
    }

    /// Whether a watch is refused after it was opened: its only event is then the failure.
    fn is_refused_in_stream(&self, id: JobId, reply: &Reply) -> bool {
        reply.status == 200 && self.requests.get(id).is_some_and(|record| record.ask.is_watch())
    }

    fn check_answer(&mut self, server: usize, id: JobId, reply: &Reply) -> Result<(), Violation> {
        let Some(record) = self.requests.get(id) else { return Ok(()) };
        let ask = record.ask.clone();
        let body = if record.ask.is_watch() && reply.status == 200 {
            Value::Null
        } else {
            CheckedAnswer::body_of(reply)
        };
        let levels = self.levels_since(server, record.sent_at);
        let answer = CheckedAnswer {
            ask: &ask,
            reply,
            body,
            asked_at: record.asked_at,
            steps_saw: (record.first_seen.unwrap_or(record.seen), record.seen),
            known_at: record.known_at,
            commits: &record.commits,
            truth: &self.truth,
            directory: &self.directory,
            compacted: self.etcd.mvcc().compact_revision(),
            waited_millis: (self.now.0 - record.sent_at.0) / 1000,
            event_ttl_seconds: self.swarm.event_ttl_seconds,
            levels: &levels,
            is_ending: self.hosts[server].is_ending,
            conflict_retries: self.swarm.bounds.conflict_retries,
        };
        check::answered(&answer)?;
        let says = |text: &str| reply.status == 504 && answer.body.text_at(&["message"]).contains(text);
        let unknown = says("outcome of the request is not known");
        let too_large = says("Too large resource version");
        let in_doubt = record.in_doubt;
        // The first change is the write's own, as it is shown; the object is at a later one.
        let is_changed_since = reply.status < 300
            && record.commits.iter().any(|(revision, key)| {
                let shown = answer.body.text_at(&["metadata", "resourceVersion"]);
                let now = self.truth.newest(key).map_or(Rev(0), |stored| stored.revision);
                shown == revision.0.to_string() && now > *revision
            });
        if let (true, Some(place), Some(machine)) = (ask.is_watch(), &ask.place, &self.hosts[server].machine)
        {
            let status = watch_status(reply);
            check::watch_answered(&ask, status, machine.watchable_after(place.resource))?;
        }
        if reply.status == 429 && reply.body == SEAT_REFUSED {
            self.mark(Mark::SeatRefused);
        }
        if unknown {
            self.mark(Mark::OutcomeNotKnown);
        }
        if in_doubt && !unknown && is_changed_since {
            self.mark(Mark::SettledByHistory);
        }
        if too_large {
            self.mark(Mark::TooLargeResourceVersion);
        }
        Ok(())
    }

    fn trace_reply(&mut self, server: usize, id: JobId, reply: &Reply) {
        let Some(record) = self.requests.get(id) else { return };
        let lane = Lane::Client(record.client);
        let status = reply.status;
        self.trace.note(self.now, lane, What::Step, Some((Lane::Server(server), self.now)), || {
            let body = CheckedAnswer::body_of(reply);
            let message = body.text_at(&["message"]);
            let version = body.text_at(&["metadata", "resourceVersion"]);
            let detail = if message.is_empty() { format!("at {version}") } else { message.to_owned() };
            format!("request {} is answered {status} {detail}", id.0)
        });
    }

    /// A watch is open. Its initial part is delivered as its first events.
    fn open_stream(&mut self, server: usize, id: JobId, reply: Reply, stays: bool) -> Result<(), Violation> {
        let Some(record) = self.requests.get(id) else { return Ok(()) };
        let follow = if stays {
            Follow::open(&record.ask, record.seen, record.asked_at, &self.truth, &self.directory)?
        } else {
            None
        };
        let (reply, initial) = reply.split();
        if let Some(record) = self.requests.get_mut(id) {
            record.follow = follow;
        }
        self.trace_reply(server, id, &reply);
        self.send(id, |client| Happening::Reply(client, id, Box::new(reply)));
        if !initial.is_empty() {
            let events: Arc<[WatchEvent]> = parse(&Bytes::from(initial)).into();
            self.watched(server, id, &events)?;
            self.send(id, |client| Happening::Frame(client, id, events));
        }
        if !stays {
            if let Some(record) = self.requests.get_mut(id) {
                record.ended = true;
            }
            self.send(id, |client| Happening::Broken(client, id));
        }
        Ok(())
    }

    /// A server sends the same bytes to several watches.
    pub(super) fn frames(&mut self, server: usize, to: &[JobId], bytes: &Bytes) -> Result<(), Violation> {
        self.digest.add_long(bytes);
        let events: Arc<[WatchEvent]> = parse(bytes).into();
        for id in to {
            self.watched(server, *id, &events)?;
            let events = events.clone();
            self.send(*id, |client| Happening::Frame(client, *id, events));
        }
        Ok(())
    }

    /// Checks events when they leave their server.
    fn watched(&mut self, server: usize, id: JobId, events: &[WatchEvent]) -> Result<(), Violation> {
        let Some(record) = self.requests.get_mut(id) else { return Ok(()) };
        let client = record.client;
        record.unread += 1;
        if record.unread == self.swarm.bounds.watcher_queue_frames {
            self.marks.reach(Mark::WatcherParked);
        }
        for event in events {
            record.events += 1;
            check::converted_watched(&record.ask, event, &self.truth)?;
            if let Some(follow) = &mut record.follow {
                let is_state = follow.awaits_state();
                follow.event(event, &self.truth).map_err(|violation| Violation {
                    detail: format!(
                        "request {} of client {client} at server {server}: {}",
                        id.0, violation.detail
                    ),
                    ..violation
                })?;
                let mark = match event.kind {
                    WatchEventKind::Deleted if record.ask.options.label.is_some() => {
                        let key = follow.last_change(&self.truth);
                        key.filter(|change| change.new.is_some()).map(|_| Mark::SelectionChange)
                    }
                    WatchEventKind::Added
                    | WatchEventKind::Modified
                    | WatchEventKind::Deleted
                    | WatchEventKind::Bookmark
                    | WatchEventKind::Error => None,
                };
                if let Some(mark) = mark.filter(|_| !is_state) {
                    self.marks.reach(mark);
                }
            }
            let lanes = (Lane::Client(client), Some((Lane::Server(server), self.now)));
            self.trace.note(self.now, lanes.0, What::Step, lanes.1, || {
                format!("watch {}: {:?} {} at {}", id.0, event.kind, event.name, event.revision.0)
            });
        }
        Ok(())
    }

    /// The server ends a watch.
    pub(super) fn close(&mut self, server: usize, id: JobId) -> Result<(), Violation> {
        self.hosts[server].open.remove(&id);
        if let Some(record) = self.requests.get_mut(id) {
            record.ended = true;
            let client = record.client;
            self.note(Lane::Server(server), What::Step, || format!("ends watch {} of client {client}", id.0));
        }
        self.send(id, |client| Happening::Broken(client, id));
        Ok(())
    }

    /// Sends something to the client of a request, to arrive after what was sent before.
    fn send(&mut self, id: JobId, make: impl FnOnce(usize) -> Happening) {
        let Some(record) = self.requests.get(id) else { return };
        let lanes = (Lane::Server(record.server), Lane::Client(record.client));
        let at = self.arrival(Label::Link.of(record.key));
        let at = self.network.arrival(lanes.0, lanes.1, at);
        let calm = self.chooser.is_calm();
        let Some(record) = self.requests.get_mut(id) else { return };
        let wait = if record.slow && record.events > 0 && !calm { SLOW_READ_MILLIS } else { 0 };
        if wait > 0 {
            record.slow = false;
        }
        record.arrives_at = record.arrives_at.max(at.plus_millis(wait));
        let (at, client) = (record.arrives_at, record.client);
        self.schedule(at, make(client));
    }

    /// The request that a client waits for, unless it has turned to something else.
    pub(super) fn current(&self, client: usize, id: JobId) -> Option<&RequestRecord> {
        self.requests.get(id).filter(|_| self.client_states[client].request == Some(id))
    }

    pub(super) fn reply(&mut self, client: usize, id: JobId, reply: &Reply) -> Result<(), Violation> {
        let Some(record) = self.current(client, id) else { return Ok(()) };
        // A refused watch ends with its answer, as does everything else.
        if !(record.ask.is_watch() && reply.status == 200) {
            self.client_states[client].request = None;
            if let Some(record) = self.requests.get_mut(id) {
                record.dropped = true;
            }
        }
        let next = self.act(client, |client, context| client.answered(reply, context));
        self.check_view(client)?;
        self.check_leaders(client)?;
        self.follow_up(client, next)
    }

    pub(super) fn frame(&mut self, client: usize, id: JobId, events: &[WatchEvent]) -> Result<(), Violation> {
        let Some(record) = self.current(client, id) else { return Ok(()) };
        let (server, life, key) = (record.server, record.life, record.key);
        if let Some(record) = self.requests.get_mut(id) {
            record.unread = record.unread.saturating_sub(1);
            record.owed += 1;
            if record.owed >= self.swarm.credit_burst {
                let credit = Box::new(Input::Credit(id, std::mem::take(&mut record.owed)));
                self.schedule(Mono(self.now.0 + MESSAGE_MICROS), Happening::Input(server, life, credit));
            }
        }
        let mut next = Next::Listen;
        for event in events {
            next = self.act(client, |client, context| client.event(event, context));
            if next != Next::Listen {
                break;
            }
        }
        self.check_view(client)?;
        if next != Next::Listen {
            return self.follow_up(client, next);
        }
        // A frame holds all that a watch sees of a revision, so a client that resumes after it misses nothing.
        if self.chooser.fault(Label::Reader.of(key), self.swarm.rate(FaultClass::CutWatch)) {
            if events.len() > 1 {
                self.mark(Mark::CutBehindSeveral);
            }
            self.fault(Lane::Client(client), || format!("its watch {} is cut", id.0));
            return self.broken(client, id);
        }
        Ok(())
    }

    pub(super) fn broken(&mut self, client: usize, id: JobId) -> Result<(), Violation> {
        let Some(record) = self.current(client, id) else { return Ok(()) };
        let (server, ended) = (record.server, record.ended);
        self.note(Lane::Client(client), What::Step, || {
            format!("its connection for request {} to server {server} breaks", id.0)
        });
        self.let_go(client);
        let next = self.act(
            client,
            |client, context| if ended { client.ended(context) } else { client.broken(context) },
        );
        self.follow_up(client, next)
    }

    /// All that goes through a server breaks with it.
    pub(super) fn break_calls_of(&mut self, server: usize) {
        let open = self
            .client_states
            .iter()
            .enumerate()
            .filter_map(|(client, state)| Some((client, state.request?)));
        let broken: Vec<(usize, JobId)> = open
            .filter(|(_, id)| self.requests.get(*id).is_some_and(|record| record.server == server))
            .collect();
        for (client, id) in broken {
            self.at(1, Happening::Broken(client, id));
        }
    }

    fn check_view(&self, client: usize) -> Result<(), Violation> {
        let Some(view) = self.clients[client].view() else { return Ok(()) };
        check::view(&view, &self.truth, &self.directory).map_err(|violation| Violation {
            detail: format!("client {client}: {}", violation.detail),
            ..violation
        })
    }

    /// Checks that no two candidates ever hold the same term.
    fn check_leaders(&mut self, client: usize) -> Result<(), Violation> {
        let Some((term, lease)) = self.clients[client].leads() else { return Ok(()) };
        let holder = *self.terms.entry((lease, term)).or_insert(client);
        if holder == client {
            return Ok(());
        }
        let detail = format!("clients {holder} and {client} both hold term {term}");
        Err(Violation::new(Guarantee::OneLeader, detail))
    }

    /// Checks at the end of the calm that every request was answered and every client has reached its goal.
    pub(crate) fn check_settled(&mut self) -> Result<(), Violation> {
        for state in &self.client_states {
            let Some((id, record)) = state.request.and_then(|id| Some((id, self.requests.get(id)?))) else {
                continue;
            };
            let waited = self.now.micros_since(record.sent_at) / 1000;
            if !record.answered
                && !record.ask.is_watch()
                && waited > self.swarm.request_timeout_millis + 10_000
            {
                let detail =
                    format!("request {} of client {} to server {}", id.0, record.client, record.server);
                return Err(Violation::new(Guarantee::EveryRequestIsAnswered, detail));
            }
        }
        for client in 0..self.clients.len() {
            let kind = self.clients[client].kind();
            self.act(client, |client, context| client.settled(context)).map_err(|violation| Violation {
                detail: format!("client {client} ({kind}): {}", violation.detail),
                ..violation
            })?;
        }
        Ok(())
    }

    /// All clients go away, so that servers can be checked for leftovers.
    pub(crate) fn send_clients_home(&mut self) {
        for client in 0..self.clients.len() {
            self.let_go(client);
        }
    }
}

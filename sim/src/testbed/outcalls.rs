//! Calls of servers to others, as webhooks are called, and tunnels to them. The others answer, answer late or not at
//! all, and some call back before they answer. A job hears what was answered, and nobody goes on with the calls of a
//! job that has ended.

use super::judges::is_access_review;
use super::reviews::is_admission_review;
use super::{Happening, Testbed};
use crate::check::{Guarantee, Violation};
use crate::choose::{ChoiceStream, Label};
use crate::driver::Reply;
use crate::marks::Mark;
use crate::trace::{Lane, What};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use steersman_core::config::JobId;
use steersman_core::job::{ProbeTask, told};
use steersman_core::machine::Input;
use steersman_core::wire::{
    CallError, CallOutcome, Called, Method, Outcall, Peer, Request, Trust, TunnelEnd, TunnelStop,
};

/// Numbers of jobs from here on are those of calling servers and of others that call back.
const FIRST: u64 = 1 << 62;
/// The longest that an answer is on its way, milliseconds.
const ANSWER_MILLIS_MAX: u64 = 40;
/// How long a server may take to switch protocols, and the longest that a tunnel lasts, milliseconds.
const DIAL_MILLIS: u64 = 500;
const TUNNEL_MILLIS_MAX: u64 = 5_000;
/// The longest body of an answer, bytes.
const ANSWER_BYTES_MAX: usize = 20;

/// All calls of a run.
#[derive(Debug, Default)]
pub(super) struct OutcallLog {
    count: u64,
    /// Jobs that make calls: their server, and what came of each call so far.
    jobs: BTreeMap<JobId, (usize, Vec<Option<CallOutcome>>)>,
    /// Those of these jobs that are to become tunnels.
    tunnels: BTreeSet<JobId>,
    /// Requests of others that are called, and the calls that they answer afterwards, with their rounds.
    back: BTreeMap<JobId, (usize, JobId, u32, u64)>,
    /// How often a job has made a call in a place. A job that calls again hears no more of its earlier calls.
    rounds: BTreeMap<(JobId, u32), u64>,
    /// Calls that are being made, by job and place.
    outstanding: BTreeSet<(JobId, u32)>,
    /// Reviews that the converter has been asked for, with who asks.
    pub(super) asked: BTreeSet<(usize, JobId, u32)>,
}

impl OutcallLog {
    fn next(&mut self) -> JobId {
        self.count += 1;
        JobId(FIRST | self.count)
    }

    pub(super) fn is_one(id: JobId) -> bool {
        id.0 & FIRST != 0 && !id.is_own()
    }

    fn round(&self, id: JobId, index: u32) -> u64 {
        self.rounds.get(&(id, index)).copied().unwrap_or(0)
    }

    fn has_outstanding(&self, id: JobId) -> bool {
        self.outstanding.range((id, 0)..=(id, u32::MAX)).next().is_some()
    }

    fn drop_outstanding(&mut self, id: JobId) {
        self.outstanding.retain(|(held, _)| *held != id);
    }

    /// A server ends, and with it all that it does.
    pub(super) fn crashed(&mut self, server: usize) {
        let ended = self.jobs.iter().filter(|(_, job)| job.0 == server).map(|(id, _)| *id);
        for id in ended.collect::<Vec<_>>() {
            self.jobs.remove(&id);
            self.tunnels.remove(&id);
            self.drop_outstanding(id);
        }
        self.back.retain(|_, back| back.0 != server);
        self.asked.retain(|(asking, ..)| *asking != server);
    }
}

impl Testbed {
    /// A job of a server is to make calls.
    pub(super) fn probe(&mut self, server: usize, stream: ChoiceStream) {
        let id = self.outcalls.next();
        let count = 1 + self.chooser.pick(stream, 3);
        let calls: Vec<Outcall> =
            (0..count).map(|_| outcall(self.chooser.one_of(stream, &[1_000, 200, 5_000]))).collect();
        let leaves = self.chooser.pick(stream, 3) == 2;
        let millis = 1 + self.chooser.pick(stream, 2_000);
        let is_tunnel = self.chooser.pick(stream, 4) == 3;
        let task = if is_tunnel {
            self.note(Lane::Server(server), What::Step, || format!("request {} dials", id.0));
            self.outcalls.tunnels.insert(id);
            self.outcalls.jobs.insert(id, (server, vec![None]));
            let headers = vec![("connection".into(), "Upgrade".to_owned())];
            ProbeTask::Tunnel(Box::new(Outcall { headers, ..outcall(DIAL_MILLIS) }))
        } else {
            self.note(Lane::Server(server), What::Step, || format!("request {} makes {count} calls", id.0));
            self.outcalls.jobs.insert(id, (server, vec![None; calls.len()]));
            ProbeTask::Calls(calls)
        };
        let life = self.life(server);
        self.schedule(self.now, Happening::Input(server, life, Box::new(Input::Probe(id, task))));
        if leaves {
            self.at(millis, Happening::Input(server, life, Box::new(Input::Gone(id))));
        }
    }

    /// A server makes a call.
    pub(super) fn call(&mut self, server: usize, id: JobId, index: u32, call: &Outcall) {
        *self.outcalls.rounds.entry((id, index)).or_default() += 1;
        if Self::is_review(call) {
            self.review(server, id, index, call);
            return;
        }
        self.outcalls.outstanding.insert((id, index));
        if self.call_local(server, id, index, call) {
            return;
        }
        if is_admission_review(call) {
            return self.admission_review(server, id, index, call);
        }
        if is_access_review(call) {
            return self.access_review(server, id, index, call);
        }
        let stream = Label::Callee.of((id.0 & !FIRST) << 8 | u64::from(index));
        let millis = 1 + self.chooser.pick(stream, ANSWER_MILLIS_MAX);
        let body = Bytes::from(vec![b'x'; ANSWER_BYTES_MAX.min(call.answer_bytes_max)]);
        let answer = Ok(Called { status: 200, headers: Vec::new(), body });
        match self.chooser.pick(stream, 8) {
            0 | 1 => self.call_ends(server, id, index, millis, answer),
            2 => {
                let refused = Err(CallError::Refused("connection refused".into()));
                self.call_ends(server, id, index, millis, refused);
            }
            3 => {
                let malformed = Err(CallError::Malformed("invalid HTTP version parsed".into()));
                self.call_ends(server, id, index, millis, malformed);
            }
            4 => self.call_ends(server, id, index, millis, Err(CallError::TooLarge)),
            5 => self.call_ends(server, id, index, call.timeout_millis, Err(CallError::TimedOut)),
            6 => {
                self.call_ends(server, id, index, call.timeout_millis, Err(CallError::TimedOut));
                self.call_ends(server, id, index, call.timeout_millis + millis, answer);
            }
            _ => self.call_back(server, id, index, call.timeout_millis),
        }
    }

    /// A server dials another one for a tunnel.
    pub(super) fn dial(&mut self, server: usize, id: JobId) {
        self.outcalls.outstanding.insert((id, 0));
        let stream = Label::Callee.of((id.0 & !FIRST) << 8);
        let millis = 1 + self.chooser.pick(stream, ANSWER_MILLIS_MAX);
        let answer = |status| Ok(Called { status, headers: Vec::new(), body: Bytes::new() });
        let refused = || Err(CallError::Refused("connection refused".into()));
        match self.chooser.pick(stream, 8) {
            0..=3 => self.call_ends(server, id, 0, millis, answer(101)),
            4 => self.call_ends(server, id, 0, millis, answer(403)),
            5 => self.call_ends(server, id, 0, millis, answer(200)),
            6 => self.call_ends(server, id, 0, millis, refused()),
            _ => {
                self.call_ends(server, id, 0, DIAL_MILLIS, Err(CallError::TimedOut));
                self.call_ends(server, id, 0, DIAL_MILLIS + millis, answer(101));
            }
        }
    }

    /// A job that dialed has its answer. A tunnel ends after a while, or its client leaves.
    fn dialed(
        &mut self,
        server: usize,
        id: JobId,
        outcome: Option<CallOutcome>,
        reply: &Reply,
    ) -> Result<(), Violation> {
        let expected = match outcome {
            Some(Ok(Called { status: status @ (101 | 400..), .. })) => status,
            Some(Ok(_) | Err(_)) => 500,
            None => 504,
        };
        // A request that takes too long is answered whatever it was about to hear, and a server that ends opens no
        // tunnel.
        let turned_away = self.hosts[server].is_ending && matches!(reply.status, 429 | 503);
        if reply.status != expected && reply.status != 504 && !turned_away {
            let detail =
                format!("request {} was answered {}, and {expected} was to be told", id.0, reply.status);
            return Err(Violation::new(Guarantee::CallsAreHeard, detail));
        }
        if reply.status != 101 {
            return Ok(());
        }
        self.mark(Mark::TunnelOpened);
        let stream = Label::Callee.of((id.0 & !FIRST) << 8);
        let millis = 1 + self.chooser.pick(stream, TUNNEL_MILLIS_MAX);
        let bytes = self.chooser.pick(stream, 100_000);
        let input = match self.chooser.pick(stream, 3) {
            0 => Input::TunnelEnded(
                id,
                TunnelEnd { why: TunnelStop::Finished, to_server: bytes, to_client: bytes },
            ),
            1 => {
                let why = TunnelStop::Broken("connection reset by peer".into());
                Input::TunnelEnded(id, TunnelEnd { why, to_server: 0, to_client: bytes })
            }
            _ => Input::Gone(id),
        };
        self.at(millis, Happening::Input(server, self.life(server), Box::new(input)));
        Ok(())
    }

    /// What a server hears of an answer after its head: that it was sent, or, if it is what another server says, that
    /// this has ended, which it does at once.
    pub(super) fn answer_goes_on(&mut self, server: usize, id: JobId, is_large: bool, is_passed_on: bool) {
        if is_large {
            self.tell_sent(id);
        }
        if !is_passed_on {
            return;
        }
        let end = TunnelEnd { why: TunnelStop::Finished, to_server: 0, to_client: 0 };
        let ended = Box::new(Input::TunnelEnded(id, end));
        self.schedule(self.now, Happening::Input(server, self.life(server), ended));
    }

    pub(super) fn call_ends(
        &mut self,
        server: usize,
        id: JobId,
        index: u32,
        millis: u64,
        outcome: CallOutcome,
    ) {
        let round = self.outcalls.round(id, index);
        self.round_ends(server, (id, index, round), millis, outcome);
    }

    fn round_ends(
        &mut self,
        server: usize,
        (id, index, round): (JobId, u32, u64),
        millis: u64,
        outcome: CallOutcome,
    ) {
        let life = self.life(server);
        self.at(millis, Happening::Called(server, life, (id, index, round), Box::new(outcome)));
    }

    /// Who is called makes a request of its own, and answers the call when that is answered, if it is in time.
    pub(super) fn call_back(&mut self, server: usize, id: JobId, index: u32, timeout_millis: u64) {
        self.mark(Mark::CalleeCallsBack);
        let back = self.outcalls.next();
        let round = self.outcalls.round(id, index);
        self.outcalls.back.insert(back, (server, id, index, round));
        let request = Request {
            method: Method::Get,
            path: "/api/v1/namespaces/default".to_owned(),
            query: String::new(),
            headers: vec![("authorization".into(), "Bearer admin-token".to_owned())],
            has_body: false,
            peer: Peer::None,
            remote_address: "192.0.2.2".into(),
        };
        let input = Box::new(Input::Request(back, request));
        self.at(1, Happening::Input(server, self.life(server), input));
        self.call_ends(server, id, index, timeout_millis, Err(CallError::TimedOut));
    }

    /// A call has an outcome. It reaches the server even if the call was cancelled, and even if it has one already,
    /// unless the job has made another call in its place.
    pub(super) fn called(
        &mut self,
        server: usize,
        life: u32,
        (id, index, round): (JobId, u32, u64),
        outcome: CallOutcome,
    ) -> Result<(), Violation> {
        if self.life(server) != life || self.outcalls.round(id, index) != round {
            return Ok(());
        }
        if self.outcalls.asked.remove(&(server, id, index)) {
            return self.input(server, life, Box::new(Input::Called(id, index, outcome)));
        }
        if self.outcalls.outstanding.remove(&(id, index)) {
            if let Some((_, outcomes)) = self.outcalls.jobs.get_mut(&id) {
                outcomes[index as usize] = Some(outcome.clone());
            }
        } else {
            self.mark(Mark::CallAnsweredLate);
        }
        self.input(server, life, Box::new(Input::Called(id, index, outcome)))
    }

    pub(super) fn cancel_calls(&mut self, id: JobId) {
        self.mark(Mark::CallCancelled);
        self.outcalls.drop_outstanding(id);
    }

    /// A job that made calls has its answer, or one who is called has the answer to its own request.
    pub(super) fn probed(&mut self, server: usize, id: JobId, reply: &Reply) -> Result<(), Violation> {
        if let Some((server, call, index, round)) = self.outcalls.back.remove(&id) {
            let answer = self.reviews.prepared(call, index).unwrap_or_else(|| {
                let body = Bytes::from(vec![b'x'; reply.body.len().min(ANSWER_BYTES_MAX)]);
                Called { status: reply.status, headers: Vec::new(), body }
            });
            self.round_ends(server, (call, index, round), 1, Ok(answer));
            return Ok(());
        }
        let Some((_, outcomes)) = self.outcalls.jobs.remove(&id) else {
            let detail = format!("request {} was answered again, with {}", id.0, reply.status);
            return Err(Violation::new(Guarantee::OneAnswer, detail));
        };
        self.check_calls_ended(server, id)?;
        if self.outcalls.tunnels.remove(&id) {
            return self.dialed(server, id, outcomes.into_iter().next().flatten(), reply);
        }
        // A request that takes too long is answered before its calls are.
        if reply.status == 504 {
            return Ok(());
        }
        let heard: Vec<CallOutcome> = outcomes.iter().flatten().cloned().collect();
        let expected = told(&heard);
        if heard.len() == outcomes.len() && reply.status == 200 && reply.body == expected.as_bytes() {
            return Ok(());
        }
        let detail =
            format!("{} {:?} was answered, and what came was {expected:?}", reply.status, reply.text());
        Err(Violation::new(Guarantee::CallsAreHeard, detail))
    }

    /// No call is outstanding for a job that has ended.
    pub(super) fn check_calls_ended(&self, server: usize, id: JobId) -> Result<(), Violation> {
        if !self.outcalls.has_outstanding(id) {
            return Ok(());
        }
        let detail = format!("server {server} goes on with the calls of request {}, which has ended", id.0);
        Err(Violation::new(Guarantee::NothingIsLeft, detail))
    }
}

fn outcall(timeout_millis: u64) -> Outcall {
    Outcall {
        host: "hook.test".into(),
        port: 443,
        trust: Trust::default(),
        method: Method::Post,
        target: "/".to_owned(),
        headers: Vec::new(),
        body: Bytes::from_static(b"{}"),
        timeout_millis,
        attempts: 1,
        answer_bytes_max: ANSWER_BYTES_MAX,
    }
}

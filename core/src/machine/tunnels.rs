//! Tunnels: a job dials another server, and its connection is joined with that one, or gets what that one answers,
//! until one of them, or this server, ends it. While a tunnel is open it has no seat, and if it is a stream no
//! deadline, as a watch has none; how many there are is bounded.

use super::slot::{SlotState, Waiting};
use super::timers::RequestTimer;
use super::{Effect, Machine};
use crate::answer::{self, Dial, Response};
use crate::config::{JobId, Note};
use crate::job::Job;
use crate::limits;
use crate::now::Now;
use crate::value::Text;
use crate::wire::TunnelEnd;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// Jobs that dial another server or hold a connection to one, until their tunnels end.
#[derive(Debug, Default)]
pub(super) struct Tunnels {
    jobs: BTreeMap<JobId, Tunnelled>,
    /// How many there are to each server, by host and port.
    servers: BTreeMap<Text, usize>,
}

/// One of these jobs.
#[derive(Debug)]
struct Tunnelled {
    /// The host and the port that were dialed.
    server: Text,
    /// The status that the client was answered with; 0 before.
    status: u16,
}

impl Tunnels {
    /// Whether there is room for one more, and for one more to this server. One that does not answer leaves room for
    /// others.
    fn has_room(&self, server: &str, most: usize) -> bool {
        let of_server = most.div_ceil(limits::TUNNEL_SERVERS);
        self.len() < most && self.servers.get(server).is_none_or(|held| *held < of_server)
    }

    fn insert(&mut self, id: JobId, server: Text) {
        *self.servers.entry(server.clone()).or_default() += 1;
        self.jobs.insert(id, Tunnelled { server, status: 0 });
    }

    pub(super) fn len(&self) -> usize {
        self.jobs.len()
    }

    /// Forgets a job. Whether there was one.
    pub(super) fn remove(&mut self, id: JobId) -> bool {
        self.take(id).is_some()
    }

    fn take(&mut self, id: JobId) -> Option<Tunnelled> {
        let held = self.jobs.remove(&id)?;
        if let Some(count) = self.servers.get_mut(&held.server) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.servers.remove(&held.server);
            }
        }
        Some(held)
    }
}

impl Machine {
    /// Dials another server for a job, if there is room for one more tunnel.
    pub(super) fn ask_dial(&mut self, id: JobId, job: Job, dial: Dial, now: Now, out: &mut Vec<Effect>) {
        let server = Text::from(dial.call().authority());
        if !self.tunnels.has_room(&server, self.config.bounds.tunnels) {
            self.finish(id, answer::too_many_requests(), now, out);
            return;
        }
        let Some(slot) = self.jobs.get_mut(&id) else { return };
        slot.state = SlotState::Waiting(Box::new(job), Waiting::Calls);
        self.calls.expect(id, alloc::vec![None]);
        // From here on the other server does the work, so it cannot keep a place of others by being slow.
        if let Some(seat) = slot.seat.take() {
            self.seats.free(seat);
        }
        self.tunnels.insert(id, server);
        out.push(Effect::Dial(id, dial));
    }

    /// Joins a job's connection with the server that was dialed for it, or passes on what that answers.
    pub(super) fn open_tunnel(&mut self, id: JobId, response: Response, now: Now, out: &mut Vec<Effect>) {
        let Some(call) = self.jobs.get(&id).map(|slot| slot.call.clone()) else { return };
        if let Some(refusal) = self.turned_away(&call, call.request()) {
            self.finish(id, refusal, now, out);
            return;
        }
        let dialed = self.tunnels.jobs.get_mut(&id);
        dialed.expect("a tunnel leads to a server that was dialed").status = response.status;
        let Some(slot) = self.jobs.get_mut(&id) else { return };
        slot.state = SlotState::Tunnelling;
        // What is no stream has to be passed on within the time of the request.
        if call.is_long_running()
            && let Some(at) = slot.deadline.take()
        {
            self.timers.stop_for(id, RequestTimer::Timeout, at);
        }
        out.push(Effect::Respond(id, response));
    }

    /// Notes that a tunnel has ended. The machine may have closed it itself before.
    pub(super) fn tunnel_ended(&mut self, id: JobId, end: TunnelEnd, now: Now, out: &mut Vec<Effect>) {
        out.push(Effect::Note(Note::TunnelEnded(end)));
        self.forget_tunnel(id, now, out);
    }

    /// Closes a tunnel.
    pub(super) fn close_tunnel(&mut self, id: JobId, now: Now, out: &mut Vec<Effect>) {
        out.push(Effect::Close(id));
        self.forget_tunnel(id, now, out);
    }

    /// Closes some of the tunnels that are open. How many are left.
    pub(super) fn close_tunnels(&mut self, count: usize, now: Now, out: &mut Vec<Effect>) -> usize {
        let open: Vec<JobId> = self.tunnels.jobs.keys().copied().filter(|id| self.is_tunnel(*id)).collect();
        let left = open.len().saturating_sub(count);
        open.into_iter().take(count).for_each(|id| self.close_tunnel(id, now, out));
        left
    }

    fn is_tunnel(&self, id: JobId) -> bool {
        self.jobs.get(&id).is_some_and(|slot| matches!(slot.state, SlotState::Tunnelling))
    }

    /// Drops what is kept about a tunnel that has ended.
    pub(super) fn forget_tunnel(&mut self, id: JobId, now: Now, out: &mut Vec<Effect>) {
        if !self.is_tunnel(id) {
            return;
        }
        let status = self.tunnels.take(id).map_or(0, |held| held.status);
        if let Some(slot) = self.forget(id) {
            let answered = slot.call.answered(&self.world, slot.caller.as_deref(), status, now);
            out.push(Effect::Note(Note::Answered(answered)));
        }
    }

    /// Asserts that every tunnel belongs to an open request, and is counted.
    pub(super) fn check_tunnels(&self) {
        assert!(self.tunnels.jobs.keys().all(|id| self.jobs.contains_key(id)), "a tunnel is a request's");
        let is_open = |slot: &&super::slot::Slot| matches!(slot.state, SlotState::Tunnelling);
        let open = self.jobs.values().filter(is_open).count();
        assert!(open <= self.tunnels.len(), "every open tunnel is counted");
        let counted: usize = self.tunnels.servers.values().sum();
        assert_eq!(counted, self.tunnels.len(), "every tunnel leads to one server");
    }
}

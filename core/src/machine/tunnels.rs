//! Tunnels: a job dials another server, and when that switches protocols, the job's connection is joined with it until
//! one of them, or this server, ends it. While a tunnel is open it has no seat and no deadline, as a watch has none;
//! how many there are is bounded.

use super::slot::{SlotState, Waiting};
use super::timers::RequestTimer;
use super::{Effect, Machine};
use crate::answer::{self, Dial, Response};
use crate::config::{JobId, Note};
use crate::job::Job;
use crate::now::Now;
use crate::wire::TunnelEnd;
use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

/// Jobs that dial another server or hold a connection to one, until their tunnels end.
#[derive(Debug, Default)]
pub(super) struct Tunnels {
    jobs: BTreeSet<JobId>,
}

impl Tunnels {
    pub(super) fn len(&self) -> usize {
        self.jobs.len()
    }

    /// Forgets a job. Whether there was one.
    pub(super) fn remove(&mut self, id: JobId) -> bool {
        self.jobs.remove(&id)
    }
}

impl Machine {
    /// Dials another server for a job, if there is room for one more tunnel.
    pub(super) fn ask_dial(&mut self, id: JobId, job: Job, dial: Dial, now: Now, out: &mut Vec<Effect>) {
        if self.tunnels.len() >= self.config.bounds.tunnels {
            self.finish(id, answer::too_many_requests(), now, out);
            return;
        }
        let Some(slot) = self.jobs.get_mut(&id) else { return };
        slot.state = SlotState::Waiting(Box::new(job), Waiting::Calls);
        self.calls.expect(id, alloc::vec![None]);
        self.tunnels.jobs.insert(id);
        out.push(Effect::Dial(id, dial));
    }

    /// Joins a job's connection with the server that was dialed for it.
    pub(super) fn open_tunnel(&mut self, id: JobId, response: Response, now: Now, out: &mut Vec<Effect>) {
        let Some(call) = self.jobs.get(&id).map(|slot| slot.call.clone()) else { return };
        if let Some(refusal) = self.turned_away(&call, call.request()) {
            self.finish(id, refusal, now, out);
            return;
        }
        assert!(self.tunnels.jobs.contains(&id), "a tunnel leads to a server that was dialed");
        let Some(slot) = self.jobs.get_mut(&id) else { return };
        slot.state = SlotState::Tunnelling;
        if let Some(seat) = slot.seat.take() {
            self.seats.free(seat);
        }
        if let Some(at) = slot.deadline.take() {
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
        let open: Vec<JobId> = self.tunnels.jobs.iter().copied().filter(|id| self.is_tunnel(*id)).collect();
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
        self.tunnels.remove(id);
        if let Some(slot) = self.forget(id) {
            let answered = slot.call.answered(&self.world, slot.caller.as_deref(), 101, now);
            out.push(Effect::Note(Note::Answered(answered)));
        }
    }

    /// Asserts that every tunnel belongs to an open request, and is counted.
    pub(super) fn check_tunnels(&self) {
        assert!(self.tunnels.jobs.iter().all(|id| self.jobs.contains_key(id)), "a tunnel is a request's");
        let is_open = |slot: &&super::slot::Slot| matches!(slot.state, SlotState::Tunnelling);
        let open = self.jobs.values().filter(is_open).count();
        assert!(open <= self.tunnels.len(), "every open tunnel is counted");
    }
}

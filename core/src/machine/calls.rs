//! Calls to other servers that jobs wait for. A job is resumed when all calls of its step have an outcome. When it ends
//! before, its calls are cancelled, and outcomes that come all the same are dropped.

use super::consultations::Consultations;
use super::slot::{SlotState, Waiting};
use super::{Effect, Machine};
use crate::config::JobId;
use crate::job::{Answer, Call, Job, ProbeTask};
use crate::limits;
use crate::museum::Mutant;
use crate::now::Now;
use crate::wire::{CallError, CallOutcome, Outcall};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The calls that waiting jobs have outstanding.
#[derive(Debug, Default)]
pub(super) struct Outstanding {
    jobs: BTreeMap<JobId, Vec<Option<CallOutcome>>>,
    /// What was said before, and may be used again.
    pub(super) consultations: Consultations,
}

impl Outstanding {
    pub(super) fn ids(&self) -> impl Iterator<Item = JobId> {
        self.jobs.keys().copied()
    }

    /// Expects outcomes for a job: those that are not known yet are None.
    pub(super) fn expect(&mut self, id: JobId, outcomes: Vec<Option<CallOutcome>>) {
        self.jobs.insert(id, outcomes);
    }

    /// Notes an outcome. Returns all of the job's when it was the last one, in the order of the calls.
    fn note(&mut self, id: JobId, index: usize, outcome: CallOutcome) -> Option<Vec<CallOutcome>> {
        let held = self.jobs.get_mut(&id)?;
        let place = held.get_mut(index)?;
        // Each call has one outcome, the first.
        place.get_or_insert(outcome);
        if held.iter().any(Option::is_none) {
            return None;
        }
        Some(self.jobs.remove(&id)?.into_iter().flatten().collect())
    }
}

impl Machine {
    /// Begins a job that no client asked for.
    pub(super) fn probe(&mut self, id: JobId, task: ProbeTask, now: Now, out: &mut Vec<Effect>) {
        let call = Arc::new(Call::new(id, task.request(), now, self.rng.fork("request", id.0)));
        self.open(id, call.clone(), self.config.request_timeout_millis, now);
        self.run(id, Job::probe(call, task), Answer::Begin, now, out);
    }

    /// Makes the calls of a step, all at once.
    pub(super) fn ask_calls(
        &mut self,
        id: JobId,
        job: Job,
        calls: Vec<Outcall>,
        now: Now,
        out: &mut Vec<Effect>,
    ) {
        if calls.is_empty() {
            self.run(id, job, Answer::Called(Vec::new()), now, out);
            return;
        }
        if !self.wait_for_calls(id, job, Waiting::Calls, now, out) {
            return;
        }
        let made = calls.len().min(limits::CALLS_OF_JOB);
        let excess = |index| (index >= made).then_some(Err(CallError::NoRoom));
        self.calls.expect(id, (0..calls.len()).map(excess).collect());
        let calls = calls.into_iter().take(made).enumerate();
        out.extend(calls.map(|(index, call)| Effect::Call(id, index as u32, call)));
    }

    /// Lets a job wait for its calls, or for another's. Returns whether the job is there.
    pub(super) fn wait_for_calls(
        &mut self,
        id: JobId,
        job: Job,
        waiting: Waiting,
        now: Now,
        out: &mut Vec<Effect>,
    ) -> bool {
        // Others may make requests before they answer, whose turn must be able to come. Who needs a turn asks again.
        self.end_turn(id, now, out);
        let Some(slot) = self.jobs.get_mut(&id) else { return false };
        slot.state = SlotState::Waiting(Box::new(job), waiting);
        true
    }

    pub(super) fn called(
        &mut self,
        id: JobId,
        index: u32,
        outcome: CallOutcome,
        now: Now,
        out: &mut Vec<Effect>,
    ) {
        let Some(outcomes) = self.calls.note(id, index as usize, outcome) else { return };
        let others = self.calls.consultations.learn(id, &outcomes, now.mono);
        for other in others {
            self.resume_called(other, outcomes.clone(), now, out);
        }
        self.resume_called(id, outcomes, now, out);
    }

    /// Goes on with a job that has waited for these outcomes.
    fn resume_called(&mut self, id: JobId, outcomes: Vec<CallOutcome>, now: Now, out: &mut Vec<Effect>) {
        let Some(slot) = self.jobs.get_mut(&id) else { return };
        match core::mem::replace(&mut slot.state, SlotState::Running) {
            SlotState::Waiting(job, Waiting::Calls | Waiting::Joined) => {
                self.run(id, *job, Answer::Called(outcomes), now, out);
            }
            other => slot.state = other,
        }
    }

    /// Cancels the calls of a job that ends while it waits for them, or without the tunnel that it dialed for.
    pub(super) fn cancel_calls(&mut self, id: JobId, out: &mut Vec<Effect>) {
        if let Some((next, call)) = self.calls.consultations.give_up(id) {
            self.take_over(next, call, out);
        }
        let (called, dialed) = (self.calls.jobs.remove(&id).is_some(), self.tunnels.remove(id));
        if (called || dialed) && !self.config.flaw.is(Mutant::CallsOutlived) {
            out.push(Effect::CancelCalls(id));
        }
    }

    /// Asserts that every job with outstanding calls is there and waits for them.
    pub(super) fn check_calls(&self) {
        let is_waiting = |id, wanted: Waiting| {
            let state = self.jobs.get(&id).map(|slot| &slot.state);
            matches!(state, Some(SlotState::Waiting(_, waiting)) if *waiting == wanted)
        };
        let waits = |id| is_waiting(id, Waiting::Calls);
        assert!(self.calls.ids().all(waits), "only waiting jobs have calls outstanding");
        self.calls.consultations.check(waits, |id| is_waiting(id, Waiting::Joined));
        let waiting = self.jobs.keys().filter(|id| waits(**id)).count();
        assert_eq!(waiting, self.calls.jobs.len(), "a job that waits for calls has some outstanding");
    }
}

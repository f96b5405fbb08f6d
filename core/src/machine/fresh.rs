//! Reads that wait until the cache is as new as they need it.

use super::slot::{SlotState, Waiting};
use super::timers::RequestTimer;
use super::{Effect, Machine};
use crate::config::JobId;
use crate::job::{Answer, Job};
use crate::now::Now;
use crate::store::{Feed, Rev};
use alloc::boxed::Box;
use alloc::vec::Vec;

impl Machine {
    pub(super) fn ask_fresh(
        &mut self,
        id: JobId,
        job: Job,
        feed: Feed,
        revision: Rev,
        now: Now,
        out: &mut Vec<Effect>,
    ) {
        if self.world.revision(feed) >= revision {
            self.run(id, job, Answer::Fresh, now, out);
            return;
        }
        let Some(slot) = self.jobs.get_mut(&id) else { return };
        let at = now.mono.plus_millis(self.config.bounds.fresh_millis);
        slot.state = SlotState::Waiting(Box::new(job), Waiting::Fresh(feed, revision, at));
        self.fresh.insert((feed, revision, id));
        self.timers.set_for(id, RequestTimer::FreshTimeout, at);
        out.push(Effect::RequestProgress(feed));
    }

    pub(super) fn wake_fresh(&mut self, feed: Feed, now: Now, out: &mut Vec<Effect>) {
        let reached = self.world.revision(feed);
        let woken: Vec<_> =
            self.fresh.range((feed, Rev(0), JobId(0))..=(feed, reached, JobId(u64::MAX))).copied().collect();
        for waiter in woken {
            self.resume_fresh(waiter.2, Answer::Fresh, now, out);
        }
    }

    pub(super) fn resume_fresh(&mut self, id: JobId, answer: Answer, now: Now, out: &mut Vec<Effect>) {
        let Some(slot) = self.jobs.get_mut(&id) else { return };
        match core::mem::replace(&mut slot.state, SlotState::Running) {
            SlotState::Waiting(job, Waiting::Fresh(feed, revision, at)) => {
                self.fresh.remove(&(feed, revision, id));
                self.timers.stop_for(id, RequestTimer::FreshTimeout, at);
                self.run(id, *job, answer, now, out);
            }
            other => slot.state = other,
        }
    }
}

//! Turns: requests that would all change the same object are served one after the other.

use super::slot::{SlotState, Waiting};
use super::{Effect, Machine};
use crate::config::JobId;
use crate::job::{Answer, Job};
use crate::now::Now;
use crate::value::Text;
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

/// The turns that requests have and wait for. There are no more than open requests.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// Who asked under each name, in this order. It is the turn of the first.
    queues: BTreeMap<Text, VecDeque<JobId>>,
    /// Under which name each request asked.
    names: BTreeMap<JobId, Text>,
}

impl Turns {
    /// Puts a request at the end of a queue, unless it is in it. Whether it is its turn.
    fn ask(&mut self, id: JobId, name: &Text) -> bool {
        let queue = self.queues.entry(name.clone()).or_default();
        if !queue.contains(&id) {
            queue.push_back(id);
            self.names.insert(id, name.clone());
        }
        queue.front() == Some(&id)
    }

    /// Takes a request out of its queue. Whose turn it is by that.
    fn end(&mut self, id: JobId) -> Option<JobId> {
        let name = self.names.remove(&id)?;
        let queue = self.queues.get_mut(&name)?;
        let had_turn = queue.front() == Some(&id);
        queue.retain(|held| *held != id);
        let next = queue.front().copied().filter(|_| had_turn);
        if queue.is_empty() {
            self.queues.remove(&name);
        }
        next
    }
}

impl Machine {
    /// Resumes a request at once or when its turn comes. One that asks under another name than before gives up the turn
    /// that it has.
    pub(super) fn ask_turn(&mut self, id: JobId, job: Job, name: Text, now: Now, out: &mut Vec<Effect>) {
        if self.turns.names.get(&id).is_some_and(|held| *held != name) {
            self.end_turn(id, now, out);
        }
        let Some(slot) = self.jobs.get_mut(&id) else { return };
        if self.turns.ask(id, &name) {
            self.run(id, job, Answer::Turn, now, out);
        } else {
            slot.state = SlotState::Waiting(Box::new(job), Waiting::Turn);
        }
    }

    /// Drops what a request leaves behind that has ended: its calls and its turn.
    pub(super) fn ended(&mut self, id: JobId, now: Now, out: &mut Vec<Effect>) {
        self.cancel_calls(id, out);
        self.end_turn(id, now, out);
    }

    /// Ends the turn of a request, and resumes the next.
    pub(super) fn end_turn(&mut self, id: JobId, now: Now, out: &mut Vec<Effect>) {
        let Some(next) = self.turns.end(id) else { return };
        let Some(slot) = self.jobs.get_mut(&next) else { return };
        match core::mem::replace(&mut slot.state, SlotState::Running) {
            SlotState::Waiting(job, Waiting::Turn) => self.run(next, *job, Answer::Turn, now, out),
            other => slot.state = other,
        }
    }

    /// Asserts that only open requests have turns or wait for them, and that whoever is not first waits.
    pub(super) fn check_turns(&self) {
        for queue in self.turns.queues.values() {
            for (place, id) in queue.iter().enumerate() {
                let state = self.jobs.get(id).map(|slot| &slot.state);
                let waits = matches!(state, Some(SlotState::Waiting(_, Waiting::Turn)));
                assert!(state.is_some(), "only open requests have turns");
                assert_eq!(waits, place > 0, "all but the first wait for their turns");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_come_in_the_order_of_asking() {
        let mut turns = Turns::default();
        let (one, other) = (Text::from("one"), Text::from("other"));
        assert!(turns.ask(JobId(1), &one));
        assert!(!turns.ask(JobId(2), &one) && !turns.ask(JobId(3), &one));
        assert!(turns.ask(JobId(4), &other));
        assert!(turns.ask(JobId(1), &one), "who has the turn keeps it");
        assert_eq!(turns.end(JobId(2)), None, "who only waits leaves no turn");
        assert_eq!(turns.end(JobId(1)), Some(JobId(3)));
        assert_eq!(turns.end(JobId(3)), None);
        assert_eq!(turns.end(JobId(3)), None);
        assert!(turns.ask(JobId(2), &one));
        assert_eq!(turns.queues.len(), 2);
    }
}

//! What other servers have said, remembered for a while: an authorizer that asks another server does not ask the same
//! twice in a row. Requests that ask about the same token, or about the same issuer, at the same time wait for one
//! call. The memory changes only with inputs, so a replay remembers the same.
//! k8s: staging/src/k8s.io/apiserver/pkg/authentication/token/cache/cached_token_authenticator.go

use super::slot::{SlotState, Waiting};
use super::{Effect, Machine};
use crate::config::{Authorizer, AuthorizerChain, JobId, JwtIssuer, JwtIssuers};
use crate::job::{Answer, Job};
use crate::limits;
use crate::now::{Mono, Now};
use crate::question::{Consultation, Consulting, Keep};
use crate::value::Text;
use crate::wire::{CallOutcome, Outcall};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;

/// What was asked, and for whom.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Matter {
    by: Consulting,
    /// The server, and the path and the body of the call.
    host: Text,
    port: u16,
    target: String,
    body: Bytes,
}

#[derive(Debug)]
struct Remembered {
    outcome: CallOutcome,
    since: Mono,
    until: Mono,
    /// The number of its last use.
    used: u64,
}

/// The memory, with at most `limits::CONSULTATIONS` outcomes and `limits::CONSULTATION_BYTES` of them: those that were
/// not used for the longest time are forgotten first.
#[derive(Debug, Default)]
pub(super) struct Consultations {
    held: BTreeMap<Arc<Matter>, Remembered>,
    /// By their last use.
    by_use: BTreeMap<u64, Arc<Matter>>,
    uses: u64,
    bytes: usize,
    /// What jobs wait for whose calls these are.
    asked: BTreeMap<JobId, (Arc<Matter>, Keep)>,
    /// Calls that several jobs may wait for.
    shared: BTreeMap<Arc<Matter>, SharedCall>,
    /// The jobs that wait for the call of another one.
    joined: BTreeMap<JobId, Arc<Matter>>,
}

/// A call under way whose outcome is for all who ask for it meanwhile.
#[derive(Debug)]
struct SharedCall {
    caller: JobId,
    call: Outcall,
    /// Who has joined, in their order; at most `limits::CONSULTATION_JOINED`.
    others: Vec<JobId>,
}

/// Whether jobs wait for each other's calls. As with upstream, authorizers and plugins make a call for each question.
fn is_shared(by: Consulting) -> bool {
    match by {
        Consulting::Issuer { .. } | Consulting::TokenReview => true,
        Consulting::Authorizer { .. } | Consulting::ImagePolicy => false,
    }
}

impl Remembered {
    fn bytes(&self, matter: &Matter) -> usize {
        matter.target.len() + matter.body.len() + self.outcome.as_ref().map_or(0, |called| called.body.len())
    }
}

impl Consultations {
    /// What was said of this before, if it may still be used.
    fn recall(
        &mut self,
        matter: &Arc<Matter>,
        age_millis_max: Option<u64>,
        now: Mono,
    ) -> Option<CallOutcome> {
        let held = self.held.get_mut(matter)?;
        if age_millis_max.is_some_and(|most| now > held.since.plus_millis(most)) {
            return None;
        }
        if now >= held.until {
            self.forget(&matter.clone());
            return None;
        }
        self.uses += 1;
        self.by_use.remove(&held.used);
        held.used = self.uses;
        self.by_use.insert(self.uses, matter.clone());
        Some(held.outcome.clone())
    }

    fn forget(&mut self, matter: &Arc<Matter>) {
        if let Some(held) = self.held.remove(matter) {
            self.bytes -= held.bytes(matter);
            self.by_use.remove(&held.used);
        }
    }

    /// A job waits for the outcome of its call.
    fn call(&mut self, id: JobId, matter: Arc<Matter>, keep: Keep, call: &Outcall) {
        if is_shared(matter.by) && !self.shared.contains_key(&matter) {
            let shared = SharedCall { caller: id, call: call.clone(), others: Vec::new() };
            self.shared.insert(matter.clone(), shared);
        }
        self.asked.insert(id, (matter, keep));
    }

    /// A job waits for the call of another one, if there is one of the same matter, and room.
    fn join(&mut self, id: JobId, matter: &Arc<Matter>) -> bool {
        let Some(shared) = self.shared.get_mut(matter) else { return false };
        if shared.others.len() >= limits::CONSULTATION_JOINED {
            return false;
        }
        shared.others.push(id);
        self.joined.insert(id, matter.clone());
        true
    }

    /// A job has the outcome that it waited for. Returns those that have waited for it too.
    #[must_use]
    pub(super) fn learn(&mut self, id: JobId, outcomes: &[CallOutcome], now: Mono) -> Vec<JobId> {
        let Some((matter, keep)) = self.asked.remove(&id) else { return Vec::new() };
        if let Some(outcome) = outcomes.first() {
            self.remember(&matter, keep, outcome, now);
        }
        if self.shared.get(&matter).is_none_or(|shared| shared.caller != id) {
            return Vec::new();
        }
        let others = self.shared.remove(&matter).map(|shared| shared.others).unwrap_or_default();
        others.iter().for_each(|other| drop(self.joined.remove(other)));
        others
    }

    fn remember(&mut self, matter: &Arc<Matter>, keep: Keep, outcome: &CallOutcome, now: Mono) {
        let millis = keep.millis(outcome);
        if millis == 0 {
            return;
        }
        let matter = matter.clone();
        self.forget(&matter);
        self.uses += 1;
        let held = Remembered {
            outcome: outcome.clone(),
            since: now,
            until: now.plus_millis(millis),
            used: self.uses,
        };
        self.bytes += held.bytes(&matter);
        self.by_use.insert(self.uses, matter.clone());
        self.held.insert(matter, held);
        while self.held.len() > limits::CONSULTATIONS || self.bytes > limits::CONSULTATION_BYTES {
            let Some((_, oldest)) = self.by_use.first_key_value() else { break };
            self.forget(&oldest.clone());
        }
    }

    /// A job does not wait any more. If others wait for its call, the first of them has to make it anew.
    #[must_use]
    pub(super) fn give_up(&mut self, id: JobId) -> Option<(JobId, Outcall)> {
        if let Some(matter) = self.joined.remove(&id) {
            let shared = self.shared.get_mut(&matter)?;
            shared.others.retain(|other| *other != id);
            return None;
        }
        let (matter, keep) = self.asked.remove(&id)?;
        let shared = self.shared.get_mut(&matter).filter(|shared| shared.caller == id)?;
        if shared.others.is_empty() {
            self.shared.remove(&matter);
            return None;
        }
        let next = shared.others.remove(0);
        shared.caller = next;
        let call = shared.call.clone();
        self.joined.remove(&next);
        self.asked.insert(next, (matter, keep));
        Some((next, call))
    }

    /// Forgets what some were told. Those that come next may ask others.
    fn forget_of(&mut self, is_one: fn(Consulting) -> bool) {
        for matter in self.held.keys().filter(|matter| is_one(matter.by)).cloned().collect::<Vec<_>>() {
            self.forget(&matter);
        }
    }

    /// Asserts that every use is of what is held, that every job which waits is one of these, and that those which
    /// wait for another's call do so for one that is made.
    pub(super) fn check(&self, waits: impl Fn(JobId) -> bool, has_joined: impl Fn(JobId) -> bool) {
        assert_eq!(self.held.len(), self.by_use.len(), "what is remembered has one last use");
        let bytes: usize = self.held.iter().map(|(matter, held)| held.bytes(matter)).sum();
        assert_eq!(bytes, self.bytes, "what is remembered is counted");
        assert!(self.asked.keys().all(|id| waits(*id)), "only waiting jobs consult others");
        assert!(self.joined.keys().all(|id| has_joined(*id)), "only waiting jobs have joined others");
        for shared in self.shared.values() {
            assert!(self.asked.contains_key(&shared.caller), "a call that others wait for is made");
        }
        let joined: usize = self.shared.values().map(|shared| shared.others.len()).sum();
        assert_eq!(joined, self.joined.len(), "who has joined waits for one call");
    }
}

impl Machine {
    /// Asks others from here on what callers may do.
    pub(super) fn replace_authorizers(&mut self, authorizers: Vec<Authorizer>) {
        let world = Arc::make_mut(&mut self.world);
        let generation = world.authorizers.generation + 1;
        world.authorizers = Arc::new(AuthorizerChain { generation, authorizers });
        self.calls.consultations.forget_of(|by| matches!(by, Consulting::Authorizer { .. }));
    }

    /// Takes the tokens of other issuers from here on.
    pub(super) fn replace_issuers(&mut self, issuers: Vec<JwtIssuer>) {
        let world = Arc::make_mut(&mut self.world);
        let generation = world.jwt_issuers.generation + 1;
        world.jwt_issuers = Arc::new(JwtIssuers { generation, issuers });
        self.calls.consultations.forget_of(|by| matches!(by, Consulting::Issuer { .. }));
    }

    /// Makes a call, unless its outcome is remembered.
    pub(super) fn consult(
        &mut self,
        id: JobId,
        job: Job,
        consultation: Consultation,
        now: Now,
        out: &mut Vec<Effect>,
    ) {
        let Consultation { by, call, keep, age_millis_max } = consultation;
        let matter = Arc::new(Matter {
            by,
            host: call.host.clone(),
            port: call.port,
            target: call.target.clone(),
            body: call.body.clone(),
        });
        if let Some(outcome) = self.calls.consultations.recall(&matter, age_millis_max, now.mono) {
            self.run(id, job, Answer::Called(alloc::vec![outcome]), now, out);
            return;
        }
        if self.calls.consultations.join(id, &matter) {
            self.wait_for_calls(id, job, Waiting::Joined, now, out);
            return;
        }
        self.calls.consultations.call(id, matter, keep, &call);
        self.ask_calls(id, job, alloc::vec![call], now, out);
    }

    /// Makes a call again for a job that has waited for another's, which has ended.
    pub(super) fn take_over(&mut self, id: JobId, call: Outcall, out: &mut Vec<Effect>) {
        let Some(slot) = self.jobs.get_mut(&id) else { return };
        if let SlotState::Waiting(_, waiting @ Waiting::Joined) = &mut slot.state {
            *waiting = Waiting::Calls;
            self.calls.expect(id, alloc::vec![None]);
            out.push(Effect::Call(id, 0, call));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Called;

    fn matter(by: u64, body: &'static str) -> Arc<Matter> {
        let by = Consulting::Authorizer { generation: by, at: 2 };
        let body = Bytes::from_static(body.as_bytes());
        Arc::new(Matter { by, host: "hook.test".into(), port: 443, target: String::new(), body })
    }

    fn says(word: &'static str) -> CallOutcome {
        Ok(Called { status: 200, headers: Vec::new(), body: Bytes::from_static(word.as_bytes()) })
    }

    fn grants(called: &Called) -> Option<bool> {
        match &called.body[..] {
            b"yes" => Some(true),
            b"no" => Some(false),
            _ => None,
        }
    }

    const KEEP: Keep = Keep { grants, granted_millis: 300, refused_millis: 30, failed_millis: 0 };

    fn learn(memory: &mut Consultations, matter: &Arc<Matter>, outcome: CallOutcome, at: u64) {
        memory.asked.insert(JobId(1), (matter.clone(), KEEP));
        assert_eq!(memory.learn(JobId(1), &[outcome], Mono(0).plus_millis(at)), []);
        memory.check(|_| false, |_| false);
    }

    #[test]
    fn outcomes_are_remembered_by_what_they_say() {
        let cases = [(says("yes"), 300_u64), (says("no"), 30), (says("what"), 0)];
        for (outcome, millis) in cases {
            let mut memory = Consultations::default();
            let asked = matter(0, "a");
            learn(&mut memory, &asked, outcome.clone(), 5);
            for (after, expected) in
                [(0, millis > 0), (millis.saturating_sub(1), millis > 0), (millis, false)]
            {
                let found = memory.recall(&asked, None, Mono(0).plus_millis(5 + after));
                assert_eq!(found == Some(outcome.clone()), expected, "{outcome:?} after {after}");
                memory.check(|_| false, |_| false);
            }
        }
        let mut memory = Consultations::default();
        learn(&mut memory, &matter(0, "a"), says("yes"), 0);
        for (age, is_good) in [(None, true), (Some(20), true), (Some(19), false)] {
            let found = memory.recall(&matter(0, "a"), age, Mono(0).plus_millis(20));
            assert_eq!(found.is_some(), is_good, "{age:?}");
        }
        let mut memory = Consultations::default();
        learn(&mut memory, &matter(0, "a"), Err(crate::wire::CallError::TimedOut), 0);
        assert!(memory.held.is_empty(), "failures are not remembered");
    }

    #[test]
    fn what_is_told_to_one_is_not_for_others() {
        let mut memory = Consultations::default();
        learn(&mut memory, &matter(0, "a"), says("yes"), 0);
        assert_eq!(memory.recall(&matter(1, "a"), None, Mono(0)), None);
        assert_eq!(memory.recall(&matter(0, "b"), None, Mono(0)), None);
        memory.forget_of(|by| matches!(by, Consulting::Authorizer { .. }));
        assert_eq!(memory.recall(&matter(0, "a"), None, Mono(0)), None);
        memory.check(|_| false, |_| false);
    }

    #[test]
    fn the_memory_is_bounded() {
        let mut memory = Consultations::default();
        let first = matter(0, "a");
        for by in 0..=limits::CONSULTATIONS as u64 {
            learn(&mut memory, &matter(by, "a"), says("yes"), 0);
            // What is used stays.
            assert!(memory.recall(&first, None, Mono(0)).is_some());
        }
        assert_eq!(memory.held.len(), limits::CONSULTATIONS);
        assert_eq!(memory.recall(&matter(1, "a"), None, Mono(0)), None);
    }
}

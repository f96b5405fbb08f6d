//! Signatures that jobs wait for: to be made, or to be verified. The private key is the driver's: the machine never
//! sees it. Verifying needs nothing secret, but arithmetic that only the driver has.

use super::slot::{SlotState, Waiting};
use super::{Effect, Machine};
use crate::config::{JobId, SignedToken};
use crate::job::{Answer, Job};
use crate::now::Now;
use crate::value::Text;
use alloc::boxed::Box;
use alloc::vec::Vec;
use bytes::Bytes;

impl Machine {
    pub(super) fn ask_signature(&mut self, id: JobId, job: Job, text: Bytes, out: &mut Vec<Effect>) {
        let Some(slot) = self.jobs.get_mut(&id) else { return };
        slot.state = SlotState::Waiting(Box::new(job), Waiting::Signature);
        out.push(Effect::Sign(id, text));
    }

    pub(super) fn signed(&mut self, id: JobId, signed: Result<Bytes, Text>, now: Now, out: &mut Vec<Effect>) {
        let Some(slot) = self.jobs.get_mut(&id) else { return };
        match core::mem::replace(&mut slot.state, SlotState::Running) {
            SlotState::Waiting(job, Waiting::Signature) => {
                self.run(id, *job, Answer::Signed(signed), now, out);
            }
            other => slot.state = other,
        }
    }

    pub(super) fn ask_verification(
        &mut self,
        id: JobId,
        job: Job,
        token: Box<SignedToken>,
        out: &mut Vec<Effect>,
    ) {
        let Some(slot) = self.jobs.get_mut(&id) else { return };
        slot.state = SlotState::Waiting(Box::new(job), Waiting::Verification);
        out.push(Effect::Verify(id, token));
    }

    pub(super) fn verified(&mut self, id: JobId, is_good: bool, now: Now, out: &mut Vec<Effect>) {
        let Some(slot) = self.jobs.get_mut(&id) else { return };
        match core::mem::replace(&mut slot.state, SlotState::Running) {
            SlotState::Waiting(job, Waiting::Verification) => {
                self.run(id, *job, Answer::Verified(is_good), now, out);
            }
            other => slot.state = other,
        }
    }
}

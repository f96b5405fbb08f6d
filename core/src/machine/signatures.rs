//! Signatures that jobs wait for. The private key is the driver's: the machine never sees it.

use super::slot::{SlotState, Waiting};
use super::{Effect, Machine};
use crate::config::JobId;
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
}

//! Namespaces that the server makes because somebody writes in them, if it is told to (NamespaceAutoProvision).

use super::slot::{SlotState, Waiting};
use super::{Effect, Machine};
use crate::config::JobId;
use crate::job::{Answer, Job, OwnWriter, draft_own};
use crate::now::Now;
use crate::status::Failure;
use crate::store::{Commit, Feed, LeaseId, Op, Rev, StoreError, Stored};
use crate::value::{Text, Value, object};
use crate::world::World;
use alloc::boxed::Box;
use alloc::vec::Vec;

impl Machine {
    /// Makes a namespace, unless it is there. The job is told what came of it.
    pub(super) fn provide(&mut self, id: JobId, job: Job, name: &Text, now: Now, out: &mut Vec<Effect>) {
        let uid = self.rng.fork("namespace", id.0).uuid();
        match creation(&self.world, name, &uid, now) {
            Ok((feed, op)) => {
                let Some(slot) = self.jobs.get_mut(&id) else { return };
                slot.state = SlotState::Waiting(Box::new(job), Waiting::Store(feed, now.mono));
                self.ask_store(id, feed, op, now, out);
            }
            Err(failure) => {
                let failed = Stored::Failed(StoreError::Internal(failure.message().into()));
                self.run(id, job, Answer::Stored(failed), now, out);
            }
        }
    }
}

/// The operation that makes a namespace where there is none.
fn creation(world: &World, name: &Text, uid: &Text, now: Now) -> Result<(Feed, Op), Failure> {
    let gone = || Failure::internal("namespaces are not served");
    let kind = world.registry.find("", "v1", "namespaces").ok_or_else(gone)?;
    let collection = kind.storage.and_then(|storage| world.collection(storage)).ok_or_else(gone)?;
    let mut value = Value::empty_map();
    object::set_api_version_and_kind(&mut value, "v1", "Namespace");
    object::set_name(&mut value, name);
    let bytes = draft_own(world, kind, value, uid, OwnWriter::SERVER.manager, now)?;
    let commit = Commit::default().put(&collection.keys.key("", name), Rev(0), bytes, LeaseId(0));
    Ok((collection.feed, Op::Txn(commit.txn())))
}

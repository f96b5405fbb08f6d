//! An object is removed from the store only when it has no finalizers, and a deletion is never undone.

use super::{Guarantee, Violation, shown};
use crate::client_request::{Action, ClientRequest};
use crate::truth::CommittedChange;
use steersman_core::value::object;

pub(super) fn check(change: &CommittedChange, by: Option<&ClientRequest>) -> Result<(), Violation> {
    let Some(old) = &change.old else { return Ok(()) };
    let broken = |why: String| {
        let detail = format!("{} at {}: {why}", shown(&change.key), change.revision.0);
        Err(Violation::new(Guarantee::FinalizersAreHonoured, detail))
    };
    match &change.new {
        Some(new) if object::is_being_deleted(&old.object) && !object::is_being_deleted(&new.object) => {
            broken("its deletion was undone".to_owned())
        }
        Some(_) => Ok(()),
        None => {
            let Some(by) = by else { return Ok(()) };
            // An update that removes the last finalizer removes the object too. A deletion may remove the finalizers
            // of its propagation policy.
            let takes_last = matches!(by.action, Action::Update | Action::Patch | Action::Raw(..));
            let holds = |name: &&str| {
                let of_propagation =
                    [object::FINALIZER_ORPHAN_DEPENDENTS, object::FINALIZER_DELETE_DEPENDENTS];
                !of_propagation.contains(name)
            };
            match object::finalizers(&old.object).find(holds) {
                Some(_) if takes_last && object::is_being_deleted(&old.object) => Ok(()),
                Some(name) => broken(format!("it went although {name} held it")),
                None => Ok(()),
            }
        }
    }
}

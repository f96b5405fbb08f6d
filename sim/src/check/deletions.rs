//! An object is removed from the store only when it has no finalizers and its grace is over, and a deletion is never
//! undone.

use super::{Guarantee, Violation, shown};
use crate::client_request::{Action, ClientRequest};
use crate::truth::CommittedChange;
use steersman_core::codec::json;
use steersman_core::value::{Value, object};

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
            if has_grace(change, by) {
                return broken("it went although its node has not let it go".to_owned());
            }
            match object::finalizers(&old.object).find(holds) {
                Some(_) if takes_last && object::is_being_deleted(&old.object) => Ok(()),
                Some(name) => broken(format!("it went although {name} held it")),
                None => Ok(()),
            }
        }
    }
}

/// Whether the object that a request has removed is a pod that its node may still run: one on a node that has not
/// ended, whose grace is neither over nor cut short by the request.
/// k8s: pkg/registry/core/pod/strategy.go CheckGracefulDelete
fn has_grace(change: &CommittedChange, by: &ClientRequest) -> bool {
    let Some(old) = change.old.as_ref().filter(|_| change.key.starts_with(b"/registry/pods/")) else {
        return false;
    };
    let ended = matches!(old.object.text_at(&["status", "phase"]), "Succeeded" | "Failed");
    let is_on_node = !old.object.text_at(&["spec", "nodeName"]).is_empty();
    let is_over = object::deletion_grace_period_seconds(&old.object) == Some(0);
    let own = old.object.at(&["spec", "terminationGracePeriodSeconds"]).and_then(Value::as_int);
    is_on_node && !ended && !is_over && asked_grace(by).or(own) != Some(0)
}

/// `gracePeriodSeconds` of a deletion, in its options or its URL.
fn asked_grace(by: &ClientRequest) -> Option<i64> {
    if let Action::Raw(_, target) = &by.action
        && let Some((_, rest)) = target.split_once("gracePeriodSeconds=")
    {
        return rest.split('&').next().and_then(|seconds| seconds.parse().ok());
    }
    json::parse(&by.body).ok()?.value.field("gracePeriodSeconds").and_then(Value::as_int)
}

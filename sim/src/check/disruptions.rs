//! A pod is bound to one node for good, and every eviction that a disruption budget guards is counted in it.

use super::{Guarantee, Violation, shown};
use crate::truth::{CommittedChange, StoredObject};
use steersman_core::value::{Map, Value};

const PODS: &[u8] = b"/registry/pods/";
const BUDGETS: &[u8] = b"/registry/poddisruptionbudgets/default/drained";

pub(super) fn check(change: &CommittedChange) -> Result<(), Violation> {
    let (Some(old), Some(new)) = (&change.old, &change.new) else { return Ok(()) };
    let broken = |guarantee: Guarantee, why: String| {
        let detail = format!("{} at {}: {why}", shown(&change.key), change.revision.0);
        Err(Violation::new(guarantee, detail))
    };
    if change.key.starts_with(PODS) {
        let [before, after] = [old, new].map(|held| held.object.text_at(&["spec", "nodeName"]));
        if !before.is_empty() && before != after {
            return broken(Guarantee::PodsAreBoundOnce, format!("it went from {before} to {after:?}"));
        }
    }
    if change.key.as_ref() == BUDGETS {
        let [before, after] = [old, new].map(|held| allowed(held));
        let counted = disrupted(new).filter(|pod| !disrupted(old).any(|held| held == *pod)).count();
        // Only evictions add pods: the other writer of the status removes all of them.
        if counted > 1 || (counted == 1 && (before < 1 || after != before - 1)) {
            let why = format!("{counted} evictions took it from {before} to {after}");
            return broken(Guarantee::BudgetsHold, why);
        }
    }
    Ok(())
}

fn allowed(budget: &StoredObject) -> i64 {
    budget.object.at(&["status", "disruptionsAllowed"]).and_then(Value::as_int).unwrap_or(0)
}

fn disrupted(budget: &StoredObject) -> impl Iterator<Item = &str> {
    let pods = budget.object.at(&["status", "disruptedPods"]).and_then(Value::as_map);
    pods.into_iter().flat_map(Map::iter).map(|(pod, _)| pod.as_str())
}

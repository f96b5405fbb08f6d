//! Disruption budgets: which of them guards a pod, whether it allows the pod's eviction, and what that costs.
//! k8s: pkg/registry/core/pod/storage/eviction.go checkAndDecrement,
//! staging/src/k8s.io/component-helpers/apps/poddisruptionbudget/helpers.go

use crate::job::Scene;
use crate::job::existing::Existing;
use crate::job::posted::kind_of;
use crate::kinds::{Kind, pod_condition};
use crate::limits;
use crate::now::Wall;
use crate::selector::LabelSelector;
use crate::status::{Cause, CauseType, Failure, Qualified};
use crate::store::Feed;
use crate::value::{Map, Value, object};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

pub(super) fn kind<'a>(scene: &Scene<'a>) -> Result<&'a Kind, Failure> {
    kind_of(scene, "policy", "v1", "poddisruptionbudgets").map(|kind| &**kind)
}

/// Where budgets are stored.
pub(super) fn feed(scene: &Scene<'_>) -> Result<Feed, Failure> {
    Ok(scene.collection(kind(scene)?)?.feed)
}

/// The budgets that guard a pod, at most two: more than one is too many.
pub(super) fn of_pod(scene: &Scene<'_>, pod: &Value) -> Result<Vec<Existing>, Failure> {
    let kind = kind(scene)?;
    let prefix = scene.collection(kind)?.keys.namespace_prefix(object::namespace(pod));
    scene.check_readable(kind, &prefix)?;
    let mut found = Vec::new();
    for (_, held) in scene.cache(kind)?.entries().prefix(&prefix) {
        let budget = Existing::new(held.entry().clone());
        // A selector that cannot be read selects nothing.
        let selector = LabelSelector::from_object(budget.value.at(&["spec", "selector"]));
        if selector.is_ok_and(|selector| selector.matches_labels(object::labels(pod))) {
            found.push(budget);
        }
        if found.len() > 1 {
            break;
        }
    }
    Ok(found)
}

/// Whether a pod that is not ready may go without being counted.
pub(super) fn spares(budget: &Value, pod: &Value) -> bool {
    if pod_condition::is_ready(pod) {
        return false;
    }
    let healthy = (number(budget, "currentHealthy"), number(budget, "desiredHealthy"));
    let always = budget.text_at(&["spec", "unhealthyPodEvictionPolicy"]) == "AlwaysAllow";
    always || (healthy.0 >= healthy.1 && healthy.1 > 0)
}

/// The budget after one more disruption, by the end of a pod; or why it does not allow one.
pub(super) fn charged(budget: &Value, pod: &str, now: Wall) -> Result<Value, Failure> {
    let name = object::name(budget);
    if number(budget, "observedGeneration") < object::generation(budget) {
        let why = format!("The disruption budget {name} is still being processed by the server.");
        return Err(violated(10, why));
    }
    let what = Qualified { group: "policy", name: "poddisruptionbudget" };
    let allowed = number(budget, "disruptionsAllowed");
    if allowed < 0 {
        return Err(Failure::forbidden(what, name, "pdb disruptions allowed is negative"));
    }
    let disrupted = budget.at(&["status", "disruptedPods"]).and_then(Value::as_map);
    if disrupted.map_or(0, Map::len) > limits::DISRUPTED_PODS {
        let why = "DisruptedPods map too big - too many evictions not confirmed by PDB controller";
        return Err(Failure::forbidden(what, name, why));
    }
    if allowed == 0 {
        return Err(violated(0, refusal(budget)));
    }
    let mut charged = budget.clone();
    charged.set_at(&["status", "disruptionsAllowed"], Value::Int(allowed - 1));
    if allowed == 1 {
        exhaust(&mut charged, now);
    }
    charged.set_at(&["status", "disruptedPods", pod], now.rfc3339().into());
    Ok(charged)
}

fn number(budget: &Value, field: &str) -> i64 {
    budget.at(&["status", field]).and_then(Value::as_int).unwrap_or(0)
}

fn violated(retry_after_seconds: i64, message: String) -> Failure {
    let why = "Cannot evict pod as it would violate the pod's disruption budget.";
    let cause = Cause { reason: CauseType::DisruptionBudget, message, field: String::new() };
    Failure::too_many_requests(why, retry_after_seconds).with_cause(cause)
}

const DISRUPTION_ALLOWED: &str = "DisruptionAllowed";

fn conditions(budget: &Value) -> &[Value] {
    budget.at(&["status", "conditions"]).and_then(Value::as_list).unwrap_or_default()
}

fn disruption_allowed(budget: &Value) -> Option<&Value> {
    conditions(budget).iter().find(|held| held.text_at(&["type"]) == DISRUPTION_ALLOWED)
}

/// Why a budget of nothing allows nothing.
fn refusal(budget: &Value) -> String {
    let name = object::name(budget);
    let (current, desired) = (number(budget, "currentHealthy"), number(budget, "desiredHealthy"));
    let text = |condition: &Value, field: &str| String::from(condition.text_at(&[field]));
    let told = disruption_allowed(budget)
        .filter(|held| text(held, "status") == "False")
        .map(|held| (text(held, "reason"), text(held, "message")))
        .filter(|(_, message)| !message.is_empty());
    match told {
        Some((reason, message)) if reason == "SyncFailed" => format!(
            "The disruption budget {name} does not allow evicting pods currently because it failed sync: {message}"
        ),
        Some(_) | None if current <= desired => {
            format!("The disruption budget {name} needs {desired} healthy pods and has {current} currently")
        }
        Some((reason, message)) => {
            format!(
                "The disruption budget {name} does not allow evicting pods currently ({reason}): {message}"
            )
        }
        None => format!("The disruption budget {name} does not allow evicting pods currently"),
    }
}

/// Says in the status that nothing more is allowed.
/// k8s: staging/src/k8s.io/apimachinery/pkg/api/meta/conditions.go SetStatusCondition
fn exhaust(budget: &mut Value, now: Wall) {
    let held = disruption_allowed(budget);
    let since = held.filter(|held| held.text_at(&["status"]) == "False");
    let since = since.and_then(|held| held.field("lastTransitionTime")).cloned();
    let mut condition = held.and_then(Value::as_map).cloned().unwrap_or_default();
    condition.insert("type", DISRUPTION_ALLOWED.into());
    condition.insert("status", "False".into());
    condition.insert("reason", "InsufficientPods".into());
    condition.insert("message", "".into());
    condition.insert("lastTransitionTime", since.unwrap_or_else(|| now.rfc3339().into()));
    condition.insert("observedGeneration", Value::Int(number(budget, "observedGeneration")));
    let mut conditions = conditions(budget).to_vec();
    match conditions.iter_mut().find(|held| held.text_at(&["type"]) == DISRUPTION_ALLOWED) {
        Some(held) => *held = condition.into(),
        None => conditions.push(condition.into()),
    }
    budget.set_at(&["status", "conditions"], Value::list(conditions));
}

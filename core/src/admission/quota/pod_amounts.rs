//! What a pod asks for and what it is limited to, as a whole.
//! k8s: staging/src/k8s.io/component-helpers/resource/helpers.go

use super::amounts::Amounts;
use crate::value::quantity::Quantity;
use crate::value::{Map, Value};

/// Which of the two amounts of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Requests,
    Limits,
}

impl Side {
    const fn field(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Limits => "limits",
        }
    }
}

/// The amounts of a pod: what its containers and its sidecars sum up to, or what an init container needs beside the
/// sidecars before it if that is more; then what the pod itself says, and its overhead.
pub(super) fn of_pod(pod: &Value, side: Side) -> Amounts {
    let is_infeasible = is_resize_infeasible(pod);
    let mut all = of_containers(pod, side, is_infeasible);
    let own = pod.at(&["spec", "resources", side.field()]);
    let actual = pod.at(&["status", "resources"]).filter(|held| !held.is_null());
    let effective = actual.map(|actual| {
        let allocated = pod.at(&["status", "allocatedResources"]);
        effective(side, own, actual.field(side.field()), allocated, is_infeasible)
    });
    for (name, amount) in Amounts::read(own).iter().filter(|(name, _)| is_for_pods(name)) {
        let amount = match &effective {
            Some(effective) => effective.get(name).cloned().unwrap_or(Quantity::ZERO),
            None => amount.clone(),
        };
        all.set(name.clone(), amount);
    }
    for (name, amount) in Amounts::read(pod.at(&["spec", "overhead"])).iter() {
        // A limit that is absent stays absent.
        if side == Side::Requests || all.get(name).is_some_and(|held| !held.is_zero()) {
            all.add_to(name.clone(), amount);
        }
    }
    all
}

/// Whether the pod says for itself what it asks for, so that its containers need not.
pub(super) fn says_itself(pod: &Value) -> bool {
    [Side::Requests, Side::Limits].into_iter().any(|side| {
        let own = pod.at(&["spec", "resources", side.field()]).and_then(Value::as_map);
        own.into_iter().flat_map(Map::iter).any(|(name, _)| is_for_pods(name))
    })
}

/// The amounts of one container, as it asks for them.
pub(super) fn of_container(container: &Value, side: Side) -> Amounts {
    Amounts::read(container.at(&["resources", side.field()]))
}

pub(super) fn containers<'a>(pod: &'a Value, list: &str) -> &'a [Value] {
    pod.at(&["spec", list]).and_then(Value::as_list).unwrap_or_default()
}

/// A resource that a pod may ask for as a whole.
fn is_for_pods(name: &str) -> bool {
    matches!(name, "cpu" | "memory") || name.starts_with("hugepages-")
}

fn of_containers(pod: &Value, side: Side, is_infeasible: bool) -> Amounts {
    let mut all = Amounts::default();
    for container in containers(pod, "containers") {
        all.add(&in_effect(pod, container, side, is_infeasible));
    }
    let (mut sidecars, mut most) = (Amounts::default(), Amounts::default());
    for container in containers(pod, "initContainers") {
        if container.text_at(&["restartPolicy"]) == "Always" {
            let own = in_effect(pod, container, side, is_infeasible);
            all.add(&own);
            sidecars.add(&own);
            most.raise(&sidecars);
        } else {
            let mut now = of_container(container, side);
            now.add(&sidecars);
            most.raise(&now);
        }
    }
    all.raise(&most);
    all
}

/// What a running container has, which may differ from what it asks for while it is resized.
fn in_effect(pod: &Value, container: &Value, side: Side, is_infeasible: bool) -> Amounts {
    let name = container.text_at(&["name"]);
    let lists = ["initContainerStatuses", "containerStatuses"].into_iter();
    let mut statuses = lists.filter_map(|list| pod.at(&["status", list])?.as_list()).flatten();
    let status = statuses.rfind(|status| status.text_at(&["name"]) == name);
    let asked = container.at(&["resources", side.field()]);
    let Some(actual) = status.and_then(|status| status.field("resources")).filter(|held| !held.is_null())
    else {
        return Amounts::read(asked);
    };
    let allocated = status.and_then(|status| status.field("allocatedResources"));
    effective(side, asked, actual.field(side.field()), allocated, is_infeasible)
}

/// The largest of what is asked for, what is given, and (of requests) what was promised. What cannot be given is not
/// counted.
fn effective(
    side: Side,
    asked: Option<&Value>,
    actual: Option<&Value>,
    allocated: Option<&Value>,
    is_infeasible: bool,
) -> Amounts {
    let mut most = if is_infeasible { Amounts::default() } else { Amounts::read(asked) };
    most.raise(&Amounts::read(actual));
    if side == Side::Requests {
        most.raise(&Amounts::read(allocated));
    }
    most
}

/// Whether the node has said that it can never do the resize.
fn is_resize_infeasible(pod: &Value) -> bool {
    let conditions = pod.at(&["status", "conditions"]).and_then(Value::as_list).unwrap_or_default();
    let pending = conditions.iter().find(|condition| condition.text_at(&["type"]) == "PodResizePending");
    pending.is_some_and(|condition| condition.text_at(&["reason"]) == "Infeasible")
}
